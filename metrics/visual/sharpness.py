"""Blur: how little a picture loses when it is blurred once more.

Crété-Roffet et al. 2007, "The blur effect": 0 (sharp) to 1 (blurred), lower is better. Differences between
neighbours shrink under a moving average of nine pixels, a lot in a sharp picture and little in one that was
blurred before; the share that is left, in the worse of the two directions, is the score. Eight pictures a
clip, luma of at most 1280 pixels on the longer side; the clip's score is their median. Smooth scenes and a
shallow depth of field are blurred by right, and noise counts as sharpness: compare clips of one prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Sharpness", "blur"]

SAMPLES = 8
REACH = 9
"""Pixels of the moving average, as in the paper."""
FLAT_LEVELS = 0.05
"""Mean difference between neighbours, in grey levels, below which there is nothing to be sharp."""


class Sharpness(Metric):
    """How blurred a clip is."""

    name: ClassVar[str] = "sharpness"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "Crété-Roffet et al. 2007"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "blur", "", "lower", "Share of detail that more blur would leave: 0 sharp, 1 blurred.", 0, 1
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Median over the samples, or unscorable where all are flat."""
        chosen = np.unique(np.linspace(0, len(clip.grey) - 1, SAMPLES + 2).round().astype(int)[1:-1])
        found = [blur(_luma(clip, int(index))) for index in chosen]
        known = [score for score in found if score is not None]
        if not known:
            return {"blur": Unscorable("The pictures are flat: nothing in them could be sharp or blurred.")}
        return {
            "blur": Value(float(np.median(known)), {"samples": len(known), "worst": round(max(known), 4)})
        }


def blur(picture: NDArray[np.uint8]) -> float | None:
    """The blur effect, 0..1, of a (height, width) picture; None where it is flat."""
    import cv2

    levels = picture.astype(np.float32)
    scores = []
    for axis in (0, 1):
        shape = (1, REACH) if axis == 0 else (REACH, 1)  # width, then height
        softened = cv2.blur(levels, shape)
        own = np.abs(np.diff(levels, axis=axis))
        lost = np.maximum(own - np.abs(np.diff(softened, axis=axis)), 0)
        total = float(own.sum(dtype=np.float64))
        if total < FLAT_LEVELS * own.size:
            return None
        scores.append(1 - float(lost.sum(dtype=np.float64)) / total)
    return max(scores)


def _luma(clip: AVClip, index: int) -> NDArray[np.uint8]:
    if clip.i420 is None:
        return np.asarray(clip.grey[index])
    height = clip.i420.shape[1] * 2 // 3
    return np.asarray(clip.i420[index][:height])

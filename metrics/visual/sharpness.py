"""Blur: how little a picture loses when it is blurred once more, whatever the size of the blur.

Crété-Roffet et al. 2007, "The blur effect": 0 (sharp) to 1 (blurred), lower is better. Differences between
neighbours shrink under a moving average of nine pixels, a lot in a sharp picture and little in one that was
blurred before; the share that is left, in the worse of the two directions, is its score. Alone it is at its
end where a blur is as wide as the average, and sinks again beyond, since what is left of differences is the
rounding of grey levels. So it is taken on every level of a pyramid (Burt and Adelson 1983), each half as
large as the last, down to 32 pixels: what is too wide for one level is within reach of the next.

The picture's score is the mean over levels, the clip's the median of eight pictures, luma of at most 1280
pixels on the longer side. Smooth scenes and a shallow depth of field are blurred by right, and noise counts
as sharpness: compare clips of one prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Sharpness", "blur", "blur_effect"]

Levels = NDArray[np.float32]

SAMPLES = 8
REACH = 9
"""Pixels of the moving average, as in the paper."""
FLAT_LEVELS = 0.05
"""Mean difference between neighbours, in grey levels, below which there is nothing to be sharp."""
SMALLEST_PX = 32
"""Shorter side of a pyramid's last level: some times the moving average."""


class Sharpness(Metric):
    """How blurred a clip is."""

    name: ClassVar[str] = "sharpness"
    version: ClassVar[str] = "2"
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "Crété-Roffet et al. 2007, on a pyramid"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "blur",
            "",
            "lower",
            "Share of detail that more blur would leave, mean over scales: 0 sharp, 1 blurred.",
            0,
            1,
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
    """Mean blur effect, 0..1, over the scales of a (height, width) picture; None where it is flat."""
    import cv2

    levels: Levels = picture.astype(np.float32)
    scores = [blur_effect(levels)]
    while min(levels.shape) >= 2 * SMALLEST_PX:
        levels = np.asarray(cv2.pyrDown(levels), np.float32)
        scores.append(blur_effect(levels))
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else None


def blur_effect(levels: Levels) -> float | None:
    """As published, 0..1, of a (height, width) picture at its own scale; None where it is flat."""
    import cv2

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

"""What happens from each picture to the next, told apart by optical flow: what moved, what merely changed.

One pass over the clip serves flicker and motion; share it by `clip.once(passages)`. Brightness is in grey
levels (0..255), speed in pixels of a picture 480 pixels on its longer side, whatever size the clip has.
A cut is no motion: pairs of pictures across one are marked, and left out by those who read this.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.visual.flow import SIDE, Flow, carried, flow_finder, luma, squared, visible

__all__ = ["Passages", "passages"]

Picture = NDArray[np.uint8]
Array = NDArray[np.float64]

FASTEST_SHARE = 0.05
"""Of all pixels, those that the dynamic degree is the mean of, as in VBench."""
STILL_PX = 0.5
"""A pixel that flows less than this, there and back, stands still."""
OUTLIER = 8.0
"""Grey levels from the median change from which on a pixel's change counts no further."""
BORDER = 4
"""Pixels at the picture's edges that are left out: things enter and leave there."""
CUT_SEEN = 0.5
CUT_LEVELS = 12.0
CELL = 16
"""Across a cut less than half of the picture is found again, and cells of 16 pixels differ by this much."""


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """One number per pair of successive pictures, each array of shape (n - 1,)."""

    step_s: Array
    """Time from the first picture to the second."""
    speed_px: Array
    """Mean flow of the fastest twentieth of all pixels."""
    seen: Array
    """Share of the picture, 0..1, that is visible in both."""
    warp_levels: Array
    """Mean absolute difference along the flow where visible; NaN where nothing is."""
    still: Array
    """Share of the picture, 0..1, that stands still."""
    still_levels: Array
    """Mean absolute difference where it stands still; NaN where nothing does."""
    brightening: Array
    """Middle difference along the flow where visible, positive where the second is brighter; NaN as above."""
    cut: NDArray[np.bool_]
    """Whether the two pictures belong to different shots."""

    @property
    def count(self) -> int:
        """How many pairs there are that no cut parts."""
        return int((~self.cut).sum())


def passages(clip: AVClip) -> Passages:
    """Compare each picture with the next; a clip of one picture has none, all arrays are empty."""
    pictures = clip.once(luma)
    find = flow_finder()
    rows = []
    for first, second in pairwise(pictures):
        if np.array_equal(first, second):
            rows.append((0.0, 1.0, 0.0, 1.0, 0.0, 0.0, False))
        else:
            rows.append(_compare(first, second, find(first, second), find(second, first)))
    columns = np.array(rows, np.float64).reshape(-1, 7).T
    speed, seen, warp, still, still_levels, brightening, cut = columns
    return Passages(
        step_s=np.diff(clip.frame_times_s),
        speed_px=speed * SIDE / max(pictures.shape[1:]),
        seen=seen,
        warp_levels=warp,
        still=still,
        still_levels=still_levels,
        brightening=brightening,
        cut=cut.astype(bool),
    )


def _compare(
    first: Picture, second: Picture, forward: Flow, backward: Flow
) -> tuple[float, float, float, float, float, float, bool]:
    """Speed, seen, warp, still, still levels, brightening and cut of one pair (see `Passages`)."""
    speed = squared(forward)
    count = max(1, round(FASTEST_SHARE * speed.size))
    fastest = np.sqrt(np.partition(speed.ravel(), -count)[-count:])

    inner = np.zeros(speed.shape, bool)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    seen = visible(forward, backward) & inner
    still = inner & (speed < STILL_PX**2) & (squared(backward) < STILL_PX**2)
    plain = second.astype(np.float32) - first
    change = (carried(second, forward) - first)[seen]
    inside = max(1, int(inner.sum()))
    seen_share = change.size / inside
    return (
        _mean(fastest),
        seen_share,
        _mean(np.abs(change)),
        float(still.sum()) / inside,
        _mean(np.abs(plain[still])),
        _middle(change),
        seen_share < CUT_SEEN and _cells_differ(plain) > CUT_LEVELS,
    )


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


def _middle(values: NDArray[np.float32]) -> float:
    """Their mean, outliers drawn in to the median: finer than it, and as little moved by what went wrong."""
    if not values.size:
        return float("nan")
    median = float(np.median(values))
    return median + float(np.clip(values - median, -OUTLIER, OUTLIER).mean(dtype=np.float64))


def _cells_differ(plain: NDArray[np.float32]) -> float:
    """Mean absolute difference of cell averages, less the change of the whole, in which grain is gone."""
    import cv2

    height, width = plain.shape
    cells = cv2.resize(plain, (max(1, width // CELL), max(1, height // CELL)), interpolation=cv2.INTER_AREA)
    return float(np.abs(cells - np.median(cells)).mean())

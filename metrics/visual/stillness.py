"""Frozen and black pictures, by time and not by counted frames.

- Freeze: share of the clip's time, 0..1, spent in stretches of at least 0.25 s in which no picture differs
  visibly from the stretch's first, and the longest such stretch in seconds. Lower is better where the prompt
  asks for movement. Coding noise and grain of some grey levels do not count as a difference.
- Black: share of time, 0..1, in which 98 % of the picture is darker than a tenth of white; lower is better.

After the common freezedetect and blackdetect filters; thresholds are constants here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Black", "Freeze", "black_frames", "cells", "frozen_stretches"]

Grey = NDArray[np.uint8]
Times = NDArray[np.float64]

SHORTEST_FREEZE_S = 0.25
CELL = 8
"""Pixels a side of the cells over which grain is averaged away before pictures are compared."""
SAME_LEVEL = 3.0
"""Grey levels by which every cell of two frozen pictures may differ."""
BLACK_LEVEL = 26
BLACK_SHARE = 0.98


class Freeze(Metric):
    """How much of a clip stands still."""

    name: ClassVar[str] = "freeze"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "motion"
    source: ClassVar[str] = "after ffmpeg's freezedetect"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("share", "", "lower", "Share of the clip's time spent in frozen stretches, 0..1.", 0, 1),
        Quantity("longest_s", "s", "lower", "Longest frozen stretch.", 0),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Share and longest stretch, or unscorable for a clip too short to freeze."""
        if clip.duration_s < SHORTEST_FREEZE_S:
            short = Unscorable(f"The clip is shorter than the shortest freeze, {SHORTEST_FREEZE_S} s.")
            return {"share": short, "longest_s": short}
        stretches = frozen_stretches(clip.grey, clip.frame_times_s, clip.duration_s)
        lengths = [end - start for start, end in stretches]
        return {
            "share": Value(min(1.0, sum(lengths) / clip.duration_s)),
            "longest_s": Value(max(lengths, default=0.0)),
        }


class Black(Metric):
    """How much of a clip is black."""

    name: ClassVar[str] = "black"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "after ffmpeg's blackdetect"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("share", "", "lower", "Share of the clip's time in which the picture is black, 0..1.", 0, 1),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Share of time, each frame weighing as long as it is shown."""
        black, shown_s = black_frames(clip.grey), clip.frame_durations_s
        if clip.duration_s == 0:
            return {"share": Unscorable("The clip is a single picture of no stated length.")}
        return {"share": Value(float(shown_s[black].sum() / clip.duration_s))}


def frozen_stretches(grey: Grey, times_s: Times, duration_s: float) -> list[tuple[float, float]]:
    """(start, end) in seconds of stretches that stand still for at least 0.25 s.

    grey: (n, height, width); times_s: (n,). A picture is compared with the first of its stretch, so
    that slow movement adds up and ends it.
    """
    levels = cells(grey)
    ends = np.append(times_s[1:], duration_s)
    stretches = []
    first = 0
    for index in range(1, len(levels) + 1):
        moved = index == len(levels) or float(np.abs(levels[index] - levels[first]).max()) > SAME_LEVEL
        if moved:
            start, end = float(times_s[first]), float(ends[index - 1])
            if index - first > 1 and end - start >= SHORTEST_FREEZE_S:
                stretches.append((start, end))
            first = index
    return stretches


def black_frames(grey: Grey) -> NDArray[np.bool_]:
    """(n,): which of the (n, height, width) pictures are black."""
    return np.asarray((grey < BLACK_LEVEL).mean(axis=(1, 2)) >= BLACK_SHARE)


def cells(grey: Grey) -> NDArray[np.float32]:
    """Mean level of each 8 x 8 cell, (n, rows, columns); smaller pictures are one cell."""
    count, height, width = grey.shape
    rows, columns = height // CELL, width // CELL
    if not rows or not columns:
        return np.asarray(grey.reshape(count, 1, -1).mean(axis=2, keepdims=True, dtype=np.float32))
    whole = grey[:, : rows * CELL, : columns * CELL]
    blocks = whole.reshape(count, rows, CELL, columns, CELL)
    return np.asarray(blocks.mean(axis=(2, 4), dtype=np.float32))

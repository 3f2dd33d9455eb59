"""Judder: pictures shown again in the middle of movement, as when 12 a second are stretched to 24.

Share of frames, 0..1, that repeat the one before while things move before and after; lower is better. And the
rate, in new pictures a second, at which movement is really shown; higher is better, up to the file's own.

How much a picture differs from the one before is the mean over the twentieth of its cells (8 x 8 pixels of
at most 320) that differ most: a mouth that speaks is movement, coding noise is not. A repeat differs by less
than one grey level, and within 0.13 s on either side there is a step of two grey levels, and five times its
own. A freeze, or a scene at rest, is no judder. Repeats under new grain are not found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.visual.stillness import cells

__all__ = ["Judder", "repeats", "steps"]

Array = NDArray[np.float64]

MOVING_SHARE = 0.05
"""Of the cells: those that differ most say how far a picture is from the one before."""
SAME_LEVELS = 1.0
MOVING_LEVELS = 2.0
CONTRAST = 5.0
REACH_S = 0.13
"""A picture held longer, three at 24 a second, stands still rather than stutters."""
LEAST_STEPS = 8
"""Steps amid movement below which there is no rate to speak of."""
REGULAR = 0.8
"""Share of equal distances between repeats from which on they have a pattern."""


class Judder(Metric):
    """How often a moving picture stutters, and how many pictures a second it really has."""

    name: ClassVar[str] = "judder"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "motion"
    source: ClassVar[str] = "ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("share", "", "lower", "Share of frames that repeat the one before amid movement.", 0, 1),
        Quantity("shown_fps", "1/s", "higher", "New pictures a second where things move.", 0),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Both, or unscorable where too little moves to stutter."""
        times = clip.frame_times_s
        differing = steps(clip.grey)
        repeated = repeats(differing, times)
        moving = repeated | (differing >= MOVING_LEVELS)
        if moving.sum() < LEAST_STEPS:
            still = Unscorable(
                f"Things move over {int(moving.sum())} frames; {LEAST_STEPS} are needed to see them stutter."
            )
            return {"share": still, "shown_fps": still}
        moving_s = float(np.diff(times)[moving].sum())
        details = {"repeats": int(repeated.sum()), "moving": int(moving.sum()), "pattern": _pattern(repeated)}
        return {
            "share": Value(float(repeated.sum() / differing.size), details),
            "shown_fps": Value(float((moving & ~repeated).sum() / moving_s), details),
        }


def steps(grey: NDArray[np.uint8]) -> Array:
    """(n - 1,): grey levels between each of (n, height, width) pictures and the next, where most changes."""
    levels = cells(grey).reshape(len(grey), -1)
    differing = np.abs(np.diff(levels, axis=0))
    count = max(1, round(MOVING_SHARE * levels.shape[1]))
    return np.asarray(np.partition(differing, -count, axis=1)[:, -count:].mean(axis=1), np.float64)


def repeats(differing: Array, times_s: Array) -> NDArray[np.bool_]:
    """(n - 1,): which steps lead to the same picture again though there is movement on both sides.

    differing: (n - 1,) as `steps` gives them; times_s: (n,).
    """
    needed = np.maximum(MOVING_LEVELS, CONTRAST * differing)
    shown = times_s[1:]
    apart = shown[None, :] - shown[:, None]
    moves = differing[None, :] >= needed[:, None]
    before = (moves & (apart < 0) & (apart >= -REACH_S)).any(axis=1)
    after = (moves & (apart > 0) & (apart <= REACH_S)).any(axis=1)
    return np.asarray((differing < SAME_LEVELS) & before & after)


def _pattern(repeated: NDArray[np.bool_]) -> str:
    """In words: how far from repeat to repeat, where that is nearly always the same."""
    apart = np.diff(np.flatnonzero(repeated)).tolist()
    if len(apart) < 2:
        return "none"
    [(distance, times)] = Counter(apart).most_common(1)
    return f"one in {distance} frames" if times >= REGULAR * len(apart) else "irregular"

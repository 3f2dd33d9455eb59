"""Judder: pictures shown again in the middle of movement, as when 12 a second are stretched to 24.

Share of frames, 0..1, that repeat the one before while things move before and after; lower is better. And the
rate, in new pictures a second, at which movement is really shown; higher is better, up to the file's own.

A picture that is held stops movement dead and lets it go on at full speed. How much a picture differs from
the one before is the mean over the twentieth of its cells (8 x 8 pixels of at most 320) that differ most: a
mouth that speaks is movement, coding noise is not. While a picture is held, each step is below one grey
level, and the steps into and out of the hold are five times as large and two grey levels at least. What
little changes meanwhile is the coder's doing and goes no way in particular: where it goes along with the
step into the hold or out of it, movement was slow, as in a mouth that turns, and nothing was repeated.

What rests for half a second or longer is no judder (see `freeze`). Repeats under new grain, and those amid
movement too slow to stand out from coding noise, are not found.
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

__all__ = ["Judder", "changes", "repeats", "sizes"]

Array = NDArray[np.float64]

MOVING_SHARE = 0.05
"""Of the cells: those that differ most say how far a picture is from the one before."""
SAME_LEVELS = 1.0
MOVING_LEVELS = 2.0
CONTRAST = 5.0
ALIKE = 0.35
"""Cosine, either way, from which on a small change goes along with the movement beside it."""
LONGEST_S = 0.5
"""A picture held this long stands still rather than stutters."""
LEAST_STEPS = 8
"""Steps amid movement below which there is no rate to speak of."""
REGULAR = 0.8
"""Share of equal distances between repeats from which on they have a pattern."""


class Judder(Metric):
    """How often a moving picture stutters, and how many pictures a second it really has."""

    name: ClassVar[str] = "judder"
    version: ClassVar[str] = "2"
    of_clip: ClassVar[tuple[str, ...]] = ("motion",)
    question: ClassVar[str] = "motion"
    source: ClassVar[str] = "ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("share", "", "lower", "Share of frames that repeat the one before amid movement.", 0, 1),
        Quantity("shown_fps", "1/s", "higher", "New pictures a second where things move.", 0),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Both, or unscorable where too little moves to stutter."""
        times = clip.frame_times_s
        changed = changes(clip.grey)
        repeated = repeats(changed, times)
        moving = repeated | (sizes(changed) >= MOVING_LEVELS)
        if moving.sum() < LEAST_STEPS:
            still = Unscorable(
                f"Things move over {int(moving.sum())} frames; {LEAST_STEPS} are needed to see them stutter."
            )
            return {"share": still, "shown_fps": still}
        moving_s = float(np.diff(times)[moving].sum())
        details = {"repeats": int(repeated.sum()), "moving": int(moving.sum()), "pattern": _pattern(repeated)}
        return {
            "share": Value(float(repeated.mean()), details),
            "shown_fps": Value(float((moving & ~repeated).sum() / moving_s), details),
        }


def changes(grey: NDArray[np.uint8]) -> Array:
    """(n - 1, cells): grey levels by which each cell of (n, height, width) pictures changes to the next."""
    return np.diff(cells(grey).reshape(len(grey), -1).astype(np.float64), axis=0)


def sizes(changed: Array) -> Array:
    """(n - 1,): how large each step of (n - 1, cells) changes is, in grey levels, where most changes."""
    count = _moving_cells(changed)
    return np.asarray(np.partition(np.abs(changed), -count, axis=1)[:, -count:].mean(axis=1))


def repeats(changed: Array, times_s: Array) -> NDArray[np.bool_]:
    """(n - 1,): which steps lead to the same picture again though there is movement on both sides.

    changed: (n - 1, cells) as `changes` gives them; times_s: (n,).
    """
    step = sizes(changed)
    repeated = np.zeros(len(step), bool)
    for first, end in _runs(step < SAME_LEVELS):
        if first == 0 or end == len(step):
            continue  # nothing is known of what was before, or comes after
        needed = max(MOVING_LEVELS, CONTRAST * float(step[first:end].max()))
        held_s = times_s[end + 1] - times_s[first]
        if min(step[first - 1], step[end]) < needed or held_s >= LONGEST_S - 1e-9:
            continue
        moves = changed[[first - 1, end]]
        repeated[first:end] = all(
            _likeness(small, large) < ALIKE for small in changed[first:end] for large in moves
        )
    return repeated


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, end) of each unbroken run of flags that are set."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _likeness(small: Array, large: Array) -> float:
    """Cosine, without its sign, of two steps (cells,) over the cells that the larger one moves most."""
    count = _moving_cells(large)
    most = np.argpartition(np.abs(large), -count)[-count:]
    lengths = float(np.linalg.norm(small[most]) * np.linalg.norm(large[most]))
    return abs(float(small[most] @ large[most])) / lengths if lengths > 0 else 0.0


def _moving_cells(changed: Array) -> int:
    return max(1, round(MOVING_SHARE * int(changed.shape[-1])))


def _pattern(repeated: NDArray[np.bool_]) -> str:
    """In words: how far from repeat to repeat, where that is nearly always the same."""
    apart = np.diff(np.flatnonzero(repeated)).tolist()
    if len(apart) < 2:
        return "none"
    [(distance, times)] = Counter(apart).most_common(1)
    return f"one in {distance} frames" if times >= REGULAR * len(apart) else "irregular"

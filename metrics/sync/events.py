"""Event sync: how late impacts are heard after they are seen.

Offset in seconds, positive where the sound is late, searched within ±0.4 s; nearest to zero is best.
`confidence` is the normalised correlation of the two curves at that offset, 0..1. For comparison: people
notice sound 45 ms early or 125 ms late (ITU-R BT.1359).

The impulse curve of the picture, less what is usual around each moment, and the onset curve of the sound
(`metrics.sync.curves`) are laid on one clock, smoothed over a frame's length, and shifted against each
other; the shift that correlates best is the offset. Where the best one is weak, stands at the edge of the
search, or has a rival nearly as good (regular steps fit a whole step later, too), there is no verdict: the
reading is unscorable and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.sync.curves import Curve, impulse_curve, onset_curve

__all__ = ["EventSync", "Lag", "find_lag", "sudden"]

Array = NDArray[np.float64]

SEARCH_S = 0.4
STEP_S = 0.0025
SHORTEST_S = 1.0
CONFIDENT = 0.5
"""Correlation from which on an offset counts: continuous sounds and unrelated tracks stay below it."""
RIVAL = 0.5
"""A second peak this high beside the best leaves open which of them is true."""
RIVAL_APART_S = 0.08
DISTINCT = 3.0
"""How far the strongest onset must stand above the median to be an event."""
SURROUNDINGS_S = 0.25


@dataclass(frozen=True, slots=True)
class Lag:
    """The best shift between two curves, and how much better it is than any other."""

    offset_s: float
    """Positive where the second curve (the sound) is late."""
    correlation: float
    rival: float
    """Correlation of the best other peak, at least 80 ms away; 0 where there is none."""
    at_edge: bool
    """Whether the best shift is the largest that was tried."""


def find_lag(seen: Curve, heard: Curve, frame_s: float, search_s: float = SEARCH_S) -> Lag:
    """Shift `heard` against `seen` and correlate, every 2.5 ms, refined by a parabola.

    Both curves are spread by a Gaussian of half a frame (`frame_s` seconds) first, since that is how
    precisely a picture knows its time. The correlation is Pearson's over the time both cover.
    Raises ValueError where a curve is empty or the two share less time than is searched.
    """
    if not seen.times_s.size or not heard.times_s.size:
        raise ValueError("A lag needs two curves; one of them is empty.")
    start = max(seen.times_s[0], heard.times_s[0]) - STEP_S
    stop = min(seen.times_s[-1], heard.times_s[-1]) + STEP_S
    if stop - start < 2 * search_s:
        raise ValueError(
            f"The curves share {stop - start:.2f} s; a search of ±{search_s} s needs twice that."
        )
    grid = np.arange(seen.times_s[0], seen.times_s[-1], STEP_S)
    picture = _spread(seen, grid, frame_s / 2)
    reach = round(search_s / STEP_S)
    wide = np.arange(-reach, len(grid) + reach) * STEP_S + grid[0]
    sound = _spread(heard, wide, frame_s / 2)
    known = (wide >= heard.times_s[0]) & (wide <= heard.times_s[-1])
    correlations = np.array(
        [_pearson(picture, sound[shift : shift + len(grid)], known[shift : shift + len(grid)])
         for shift in range(2 * reach + 1)]
    )  # fmt: skip
    best = int(np.argmax(correlations))
    at_edge = best in (0, 2 * reach)
    fine = 0.0 if at_edge else _vertex(*correlations[best - 1 : best + 2])
    return Lag(
        offset_s=float((best - reach + fine) * STEP_S),
        correlation=float(correlations[best]),
        rival=_rival(correlations, best),
        at_edge=at_edge,
    )


class EventSync(Metric):
    """Offset between visible impacts and their sound."""

    name: ClassVar[str] = "event_sync"
    version: ClassVar[str] = "2"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "offset_s",
            "s",
            "zero",
            "How late impacts are heard after they are seen; positive: sound late; within ±0.4 s.",
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """One offset for the clip, or why there is none."""
        return {"offset_s": _read(clip)}


def _read(clip: AVClip) -> Reading:
    if not clip.has_audio:
        return Unscorable("The clip has no sound.")
    if clip.duration_s < SHORTEST_S:
        return Unscorable(f"The clip lasts {clip.duration_s:.2f} s; events need at least {SHORTEST_S:g} s.")
    heard = onset_curve(clip.mono, clip.rate_hz, clip.audio_start_s)
    if not _stands_out(heard):
        return Unscorable("The sound is silent or continuous: nothing in it begins suddenly.")
    seen = sudden(impulse_curve(clip.frame_times_s, clip.grey))
    if not np.any(seen.strength):
        return Unscorable("Nothing in the picture stops or bounces suddenly.")
    try:
        lag = find_lag(seen, heard, float(np.median(clip.frame_durations_s)))
    except ValueError as error:
        return Unscorable(str(error))
    details = {
        "confidence": round(lag.correlation, 4),
        "rival": round(lag.rival, 4),
        "best_guess_s": round(lag.offset_s, 4),
    }
    if lag.correlation < CONFIDENT:
        return Unscorable(
            f"What is heard does not follow what is seen at any offset (correlation {lag.correlation:.2f}, "
            f"{CONFIDENT} needed).",
            details,
        )
    if lag.at_edge:
        return Unscorable(f"The best offset lies at or beyond the search range of ±{SEARCH_S} s.", details)
    if lag.rival > RIVAL * lag.correlation:
        return Unscorable("Two offsets fit about equally well: the events are too regular to tell.", details)
    return Value(lag.offset_s, details)


def sudden(curve: Curve) -> Curve:
    """What of a curve stands above its surroundings, the median of a quarter second either way.

    Restless pictures (grain, a hand-held camera, gravity on a flying ball) have an even share of impulse
    everywhere; this takes it off.
    """
    around = np.abs(curve.times_s[:, None] - curve.times_s[None, :]) <= SURROUNDINGS_S
    usual = np.array([np.median(curve.strength[near]) for near in around])
    return Curve(curve.times_s, np.maximum(curve.strength - usual, 0.0) if usual.size else curve.strength)


def _stands_out(curve: Curve) -> bool:
    if not curve.strength.size or curve.strength.max() <= 0:
        return False
    return bool(curve.strength.max() > DISTINCT * np.median(curve.strength))


def _spread(curve: Curve, grid: Array, sigma_s: float) -> Array:
    """The curve's moments as Gaussian bumps on a regular grid."""
    place = (curve.times_s - grid[0]) / STEP_S
    inside = (place >= 0) & (place < len(grid) - 1)
    left = np.floor(place[inside]).astype(np.intp)
    share = place[inside] - left
    impulses = np.zeros(len(grid))
    np.add.at(impulses, left, curve.strength[inside] * (1 - share))
    np.add.at(impulses, left + 1, curve.strength[inside] * share)
    reach = int(np.ceil(4 * sigma_s / STEP_S))
    bump = np.exp(-0.5 * (np.arange(-reach, reach + 1) * STEP_S / sigma_s) ** 2)
    return np.convolve(impulses, bump, mode="same")[: len(grid)]


def _pearson(first: Array, second: Array, known: NDArray[np.bool_]) -> float:
    a, b = first[known], second[known]
    if a.size < 2:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def _vertex(before: float, top: float, after: float) -> float:
    """Where between its neighbours a parabola through three points has its top, -0.5..0.5."""
    bend = before - 2 * top + after
    return 0.0 if bend == 0 else 0.5 * (before - after) / bend


def _rival(correlations: Array, best: int) -> float:
    """The highest local maximum far from the best one."""
    inner = correlations[1:-1]
    is_peak = (inner >= correlations[:-2]) & (inner >= correlations[2:])
    places = np.flatnonzero(is_peak) + 1
    far = places[np.abs(places - best) * STEP_S >= RIVAL_APART_S]
    return float(max(correlations[far].max(), 0.0)) if far.size else 0.0

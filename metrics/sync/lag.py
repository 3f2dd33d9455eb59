"""How late one curve of moments is against another: the shift at which they correlate best, and its rivals.

Lag in seconds, positive where the second curve (the sound) is late against the first (the picture).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.sync.curves import Curve

__all__ = ["Lag", "find_lag", "vertex"]

Array = NDArray[np.float64]

SEARCH_S = 0.55
"""The best shift is looked for within ± this."""
STEP_S = 0.0025
RIVAL_APART_S = 0.08
"""A peak nearer to the best one belongs to it."""
BEAT_S = 0.75
"""Rivals are looked for this far from the best shift, even outside the search: what keeps time fits a beat
earlier or later, too. People walk two steps a second; blows that are further apart are told by the search."""
SHARED = 0.5
"""Share of the picture's time that the sound must cover at a shift for its correlation to count."""


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
    precisely a picture knows its time. The correlation is Pearson's over the time both cover. The best is
    taken within `search_s`, rivals within that or within 0.75 s of the best.
    Raises ValueError where a curve is empty or the two never cover half of the first one's time together.
    """
    if not seen.times_s.size or not heard.times_s.size:
        raise ValueError("A lag needs two curves; one of them is empty.")
    grid = np.arange(seen.times_s[0], seen.times_s[-1], STEP_S)
    picture = _spread(seen, grid, frame_s / 2)
    reach = round(search_s / STEP_S)
    beyond = reach + round(BEAT_S / STEP_S)
    wide = np.arange(-beyond, len(grid) + beyond) * STEP_S + grid[0]
    sound = _spread(heard, wide, frame_s / 2)
    known = (wide >= heard.times_s[0]) & (wide <= heard.times_s[-1])
    correlations = np.array(
        [_pearson(picture, sound[shift : shift + len(grid)], known[shift : shift + len(grid)])
         for shift in range(2 * beyond + 1)]
    )  # fmt: skip
    if not np.any(np.isfinite(correlations)):
        raise ValueError("Sound and picture share less than half of the time that the picture lasts.")
    correlations[~np.isfinite(correlations)] = -1.0
    searched = correlations[beyond - reach : beyond + reach + 1]
    best = int(np.argmax(searched)) + beyond - reach
    at_edge = best in (beyond - reach, beyond + reach)
    fine = 0.0 if at_edge else vertex(*correlations[best - 1 : best + 2])
    return Lag(
        offset_s=float((best - beyond + fine) * STEP_S),
        correlation=float(correlations[best]),
        rival=_rival(correlations, best, reach),
        at_edge=at_edge,
    )


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
    return np.convolve(impulses, bump, mode="full")[reach : reach + len(grid)]


def _pearson(first: Array, second: Array, known: NDArray[np.bool_]) -> float:
    """Correlation where the second is known; NaN where that is too little, 0 where either is even."""
    a, b = first[known], second[known]
    if a.size < max(2, SHARED * first.size):
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def vertex(before: float, top: float, after: float) -> float:
    """Where between its neighbours a parabola through three points has its top, -0.5..0.5; 0 on a line."""
    bend = before - 2 * top + after
    return 0.0 if bend == 0 else 0.5 * (before - after) / bend


def _rival(correlations: Array, best: int, reach: int) -> float:
    """The highest local maximum apart from the best one, within the search or a beat of the best."""
    inner = correlations[1:-1]
    places = np.flatnonzero((inner >= correlations[:-2]) & (inner >= correlations[2:])) + 1
    searched = np.abs(places - (len(correlations) - 1) // 2) <= reach
    apart_s = np.abs(places - best) * STEP_S
    rivals = places[(apart_s >= RIVAL_APART_S) & (searched | (apart_s <= BEAT_S))]
    return float(max(correlations[rivals].max(), 0.0)) if rivals.size else 0.0

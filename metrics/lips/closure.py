"""Whether lips take the shapes of what is said, from face points and the times of phones.

- *Closure rate*: share of the closures the words call for (p, b, m; neighbours as in "mp" are one) at which
  the inner lips come together: their gap falls below a fifth of its open level within 40 ms of the phone.
- *Chance*: the same share with the words moved round by 0.3 s and more, which says how often such a mouth is
  shut anyway. Only what lies above it counts: a mouth that never opens has a closure rate of 1, and chance 1.
- *Contrast*: mean gap at open vowels less mean gap at closures, over the mouth's swing from zero to its open
  level; 1 is all of it.
- *Agreement*: Spearman's rank correlation over phones of a mouth measure (gap, width, protrusion) with what
  is expected of their classes (`metrics.lips.visemes`).

The gap is that of the inner lips (FaceMesh points 13 and 14) down the face in the picture, over the width of
the face (234 to 454) in space, so that neither size nor turning of the head matter much. FaceMesh leaves a
little gap between lips that touch: the mouth's own 5th percentile, at most a hundredth of the face, counts as
zero. The open level is the 95th percentile while the line is spoken. Mouths are read at the pictures there
are: nothing is interpolated for closures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.lips.visemes import EXPECTED, Viseme

__all__ = ["Estimate", "Line", "Mouth", "agreement", "best_shift_s", "closure_rate", "contrast", "mouth_of"]

Array = NDArray[np.float64]

NEAR_S = 0.04
SHUT = 0.2
"""Share of the open level below which lips are together."""
OPEN_PERCENTILE = 95
SHUT_PERCENTILE = 5
TOUCHING = 0.01
"""The widest gap, in widths of the face, that may be the landmarks' own for lips that touch."""
AWAY_S = 0.3
"""Least shift at which mouth and words have nothing to do with each other."""
CHANCE_STEP_S = 0.02
FEWEST = 3
"""Closures, or open vowels, or visemes of more than one rank, that a figure needs."""
GAP_S = 0.1
"""A phone farther than this from any picture of the face is not seen."""
SEARCH_S = 0.4
RESAMPLES = 1000
MEASURES = ("aperture", "width", "protrusion")

_UPPER, _LOWER = 13, 14
_CORNERS = 78, 308
_EARS = 234, 454
_FOREHEAD, _CHIN = 10, 152
_LIPS, _FACE = (0, 17), (10, 152, 234, 454)


@dataclass(frozen=True, slots=True, eq=False)
class Mouth:
    """A mouth over time; lengths in widths of the face."""

    times_s: Array
    """(n,) rising; pictures without the face are not among them."""
    aperture: Array
    """(n,) gap of the inner lips."""
    width: Array
    """(n,) between the inner corners."""
    protrusion: Array
    """(n,) how far the outer lips stand forward of the face's edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What is said when, as far as lips are concerned."""

    visemes: tuple[Viseme, ...]
    times_s: Array
    """(n, 2) start and end of each, on the clock of the pictures."""

    @property
    def closures_s(self) -> Array:
        """(k, 2) start and end of each closure; bilabials that touch (within 10 ms) are one."""
        spans: list[list[float]] = []
        for viseme, (start, end) in zip(self.visemes, self.times_s.tolist(), strict=True):
            if viseme is not Viseme.BILABIAL:
                continue
            if spans and start - spans[-1][1] <= 0.01:
                spans[-1][1] = end
            else:
                spans.append([start, end])
        return np.array(spans).reshape(-1, 2)

    def centres_s(self, viseme: Viseme) -> Array:
        """(k,) middles of the phones of one class."""
        chosen = [own is viseme for own in self.visemes]
        return np.asarray(self.times_s[chosen].mean(axis=1))

    def shifted(self, by_s: float) -> Line:
        """The line said `by_s` later."""
        return Line(self.visemes, self.times_s + by_s)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one clip, what it would be by chance, and how sure it is."""

    value: float
    chance: float
    """Mean over the words moved round within the line by 0.3 s and more."""
    low: float
    high: float
    """95 % interval: Wilson's for a share, otherwise bootstrap over phones."""
    n: int
    """Closures or phones it rests on."""


def mouth_of(mesh: NDArray[np.floating], times_s: Array) -> Mouth:
    """The mouth in (n, 468, 3) FaceMesh points of any scale; x right, y down, z away.

    Rows with NaN are pictures without the face and are left out. Raises ValueError where all are.
    """
    seen = np.isfinite(mesh).all(axis=(1, 2))
    if not seen.any():
        raise ValueError("There is no mouth to read: the face is in no picture.")
    points = np.asarray(mesh[seen], np.float64)

    def between(first: int, second: int) -> Array:
        return np.asarray(np.linalg.norm(points[:, first] - points[:, second], axis=1))

    face = between(*_EARS)
    down = points[:, _CHIN, :2] - points[:, _FOREHEAD, :2]
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    gap = ((points[:, _LOWER, :2] - points[:, _UPPER, :2]) * down).sum(axis=1)
    forward = points[:, _FACE, 2].mean(axis=1) - points[:, _LIPS, 2].mean(axis=1)
    return Mouth(
        times_s=np.asarray(times_s, np.float64)[seen],
        aperture=np.maximum(gap, 0.0) / face,
        width=between(*_CORNERS) / face,
        protrusion=forward / face,
    )


def closure_rate(mouth: Mouth, line: Line) -> Estimate | None:
    """Share of closures at which the lips come together, 0..1; None below three closures that were seen.

    A closure during which no picture shows the face is not counted.
    """
    spans = line.closures_s
    limit = _zero(mouth) + SHUT * _swing(mouth, line)
    least = _least(mouth, spans)
    known = least[~np.isnan(least)] <= limit
    if known.size < FEWEST:
        return None
    rate = float(known.mean())
    moved = [_least(mouth, _round(spans, line, shift)) for shift in _shifts(line)]
    elsewhere = np.concatenate([np.zeros(0), *moved])
    by_chance = elsewhere[~np.isnan(elsewhere)] <= limit
    if not by_chance.size:
        return None
    low, high = _wilson(rate, known.size)
    return Estimate(rate, float(by_chance.mean()), low, high, int(known.size))


def contrast(mouth: Mouth, line: Line) -> Estimate | None:
    """Mean gap at open vowels less that at closures, in swings of the mouth; None below three of either."""
    swing = _swing(mouth, line)
    if swing <= 0:
        return None
    vowels, spans = line.centres_s(Viseme.OPEN), line.closures_s

    def gaps(shift: float) -> tuple[Array, Array]:
        wide = np.interp(_round(vowels, line, shift), mouth.times_s, mouth.aperture)
        tight = _least(mouth, _round(spans, line, shift))
        return wide / swing, tight[~np.isnan(tight)] / swing

    wide, tight = gaps(0.0)
    if min(wide.size, tight.size) < FEWEST:
        return None
    rng = np.random.default_rng(0)
    drawn = [rng.choice(part, (RESAMPLES, part.size)).mean(axis=1) for part in (wide, tight)]
    low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
    by_chance = [a.mean() - b.mean() for a, b in map(gaps, _shifts(line)) if b.size]
    if not by_chance:
        return None
    value = float(wide.mean() - tight.mean())
    return Estimate(value, float(np.mean(by_chance)), float(low), float(high), wide.size + tight.size)


def agreement(mouth: Mouth, line: Line, measure: str = "aperture") -> Estimate | None:
    """Spearman's correlation, -1..1, of a mouth measure with the ranks its phones' classes have.

    measure: `aperture`, `width` or `protrusion`. Phones at which the face is not seen are left out. None
    below three phones, where all have one rank, and where the mouth does not move.
    """
    ranks, centres = _called_for(mouth, line, measure)
    curve = getattr(mouth, measure)
    if len(ranks) < FEWEST or not len(_shifts(line)):
        return None
    seen = np.interp(centres, mouth.times_s, curve)
    value = float(_spearman(ranks[None], seen[None])[0])
    drawn = np.random.default_rng(0).integers(len(ranks), size=(RESAMPLES, len(ranks)))
    spread = _spearman(ranks[drawn], seen[drawn])
    moved = np.array([_round(centres, line, shift) for shift in _shifts(line)])
    by_chance = _spearman(np.tile(ranks, (len(moved), 1)), np.interp(moved, mouth.times_s, curve))
    if not (np.isfinite(value) and np.isfinite(by_chance).any()):
        return None
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    return Estimate(value, float(np.nanmean(by_chance)), float(low), float(high), len(ranks))


def best_shift_s(mouth: Mouth, line: Line) -> float | None:
    """How late the words are against the mouth, within ±0.4 s every 20 ms, by where both agree best.

    Positive: the sound is late. A rough figure, to tell wrong shapes from right ones at the wrong time; None
    where there is no agreement to speak of.
    """
    ranks, centres = _called_for(mouth, line, "aperture")
    if len(ranks) < FEWEST:
        return None
    shifts = np.arange(-round(SEARCH_S / CHANCE_STEP_S), round(SEARCH_S / CHANCE_STEP_S) + 1) * CHANCE_STEP_S
    seen = np.interp(centres - shifts[:, None], mouth.times_s, mouth.aperture)
    scores = _spearman(np.tile(ranks, (len(shifts), 1)), seen)
    return float(shifts[np.nanargmax(scores)]) if np.isfinite(scores).any() else None


def _called_for(mouth: Mouth, line: Line, measure: str) -> tuple[Array, Array]:
    """(k,) ranks of a measure and (k,) moments of the phones that ask something of it and are seen."""
    if measure not in MEASURES:
        raise ValueError(f"A mouth has {', '.join(MEASURES)}, no {measure}.")
    told = [place for place, viseme in enumerate(line.visemes) if viseme in EXPECTED]
    ranks = np.array([getattr(EXPECTED[line.visemes[place]], measure) for place in told], np.float64)
    centres = line.times_s[told].mean(axis=1)
    if not len(told):
        return ranks, centres
    near = np.abs(centres[:, None] - mouth.times_s).min(axis=1) <= GAP_S
    return ranks[near], centres[near]


def _zero(mouth: Mouth) -> float:
    """What the landmarks show of lips that touch."""
    return min(float(np.percentile(mouth.aperture, SHUT_PERCENTILE)), TOUCHING)


def _swing(mouth: Mouth, line: Line) -> float:
    """How far above zero the mouth opens while the line is spoken; 0 where it is not seen then."""
    during = (mouth.times_s >= line.times_s[0, 0]) & (mouth.times_s <= line.times_s[-1, 1])
    if not during.any():
        return 0.0
    return float(np.percentile(mouth.aperture[during], OPEN_PERCENTILE)) - _zero(mouth)


def _least(mouth: Mouth, spans: Array) -> Array:
    """(k,) smallest gap within 40 ms of each span; NaN where no picture was seen."""
    first = np.searchsorted(mouth.times_s, spans[:, 0] - NEAR_S, "left")
    stop = np.searchsorted(mouth.times_s, spans[:, 1] + NEAR_S, "right")
    return np.array(
        [mouth.aperture[a:b].min() if b > a else np.nan for a, b in zip(first, stop, strict=True)]
    )


def _shifts(line: Line) -> Array:
    """Shifts that take the words well away from their place, either way round the line."""
    length = float(line.times_s[-1, 1] - line.times_s[0, 0])
    return np.arange(AWAY_S, length - AWAY_S + 1e-9, CHANCE_STEP_S)


def _round(moments: Array, line: Line, shift: float) -> Array:
    """(k,) moments or (k, 2) spans later by `shift`; what passes the line's end comes in at its start."""
    if shift == 0:
        return moments
    start, end = line.times_s[0, 0], line.times_s[-1, 1]
    place = moments if moments.ndim == 1 else moments.mean(axis=1)
    move = (place - start + shift) % (end - start) + start - place
    return np.asarray(moments + (move if moments.ndim == 1 else move[:, None]))


def _spearman(first: Array, second: Array) -> Array:
    """Rank correlation of the rows of two (m, n) arrays; NaN where a row is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(rows, axis=1) for rows in (first, second))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    with np.errstate(invalid="ignore"):
        return np.asarray((a * b).sum(axis=1) / scale)


def _wilson(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share of n (Wilson 1927)."""
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))

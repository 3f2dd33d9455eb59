"""Whether lips take the shapes of what is said, from face points and the times of phones.

- *Closure rate*: share of the closures the words call for (p, b, m; neighbours as in "mp" are one) at which
  the inner lips come together: their gap falls below a quarter of its open level within 40 ms of the phone.
- *Chance*: the same share with the words moved round by 0.3 s and more, which says how often such a mouth is
  shut anyway. Only what lies above it counts: a mouth that never opens has a closure rate of 1, and chance 1.
- *Contrast*: mean gap at open vowels less mean gap at closures, over the open level; 1 is a full swing.
- *Agreement*: Spearman's rank correlation over phones of a mouth measure (gap, width, protrusion) with what
  is expected of their classes (`metrics.lips.visemes`).

The gap is that of the inner lips (FaceMesh points 13 and 14) over the width of the face (234 to 454), in
space, so that neither size nor turning of the head matter much; its open level is its 90th percentile
while the line is spoken. Mouths are read at the pictures there are: nothing is interpolated for closures.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from metrics.lips.visemes import EXPECTED, Viseme

__all__ = ["Estimate", "Line", "Mouth", "agreement", "closure_rate", "contrast", "mouth_of"]

Array = NDArray[np.float64]

NEAR_S = 0.04
SHUT = 0.25
"""Share of the open level below which lips are together."""
OPEN_PERCENTILE = 90
AWAY_S = 0.3
"""Least shift at which mouth and words have nothing to do with each other."""
CHANCE_STEP_S = 0.02
FEWEST = 3
"""Closures, or open vowels, or visemes of more than one rank, that a figure needs."""
RESAMPLES = 1000

_UPPER, _LOWER = 13, 14
_CORNERS = 78, 308
_EARS = 234, 454
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

    Rows with NaN are pictures without the face and are left out.
    """
    seen = np.isfinite(mesh).all(axis=(1, 2))
    points = np.asarray(mesh[seen], np.float64)

    def between(first: int, second: int) -> Array:
        return np.asarray(np.linalg.norm(points[:, first] - points[:, second], axis=1))

    face = between(*_EARS)
    forward = points[:, _FACE, 2].mean(axis=1) - points[:, _LIPS, 2].mean(axis=1)
    return Mouth(
        times_s=np.asarray(times_s, np.float64)[seen],
        aperture=between(_UPPER, _LOWER) / face,
        width=between(*_CORNERS) / face,
        protrusion=forward / face,
    )


def closure_rate(mouth: Mouth, line: Line) -> Estimate | None:
    """Share of closures at which the lips come together, 0..1; None below three closures that were seen.

    A closure during which no picture shows the face is not counted.
    """
    spans = line.closures_s
    shut = _shut(mouth, spans, _open_level(mouth, line))
    known = shut[~np.isnan(shut)]
    if known.size < FEWEST:
        return None
    rate = float(known.mean())
    moved = [_shut(mouth, turned, _open_level(mouth, line)) for turned in _turned(spans, line)]
    by_chance = np.concatenate(moved) if moved else np.zeros(0)
    if not np.isfinite(by_chance).any():
        return None
    low, high = _wilson(rate, known.size)
    return Estimate(rate, float(np.nanmean(by_chance)), low, high, int(known.size))


def contrast(mouth: Mouth, line: Line) -> Estimate | None:
    """Mean gap at open vowels less that at closures, in open levels; None below three of either."""
    level = _open_level(mouth, line)
    vowels, spans = line.centres_s(Viseme.OPEN), line.closures_s

    def gaps(shift: float) -> tuple[Array, Array]:
        wide = np.interp(_round(vowels, line, shift), mouth.times_s, mouth.aperture)
        tight = _least(mouth, _round(spans, line, shift))
        return wide / level, tight[~np.isnan(tight)] / level

    wide, tight = gaps(0.0)
    if min(wide.size, tight.size) < FEWEST or level <= 0:
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

    measure: `aperture`, `width` or `protrusion`. None below three phones, or where all have one rank or the
    mouth does not move.
    """
    if measure not in {field.name for field in fields(Mouth)} - {"times_s"}:
        raise ValueError(f"A mouth has aperture, width and protrusion, no {measure}.")
    told = [place for place, viseme in enumerate(line.visemes) if viseme in EXPECTED]
    ranks = np.array([getattr(EXPECTED[line.visemes[place]], measure) for place in told], np.float64)
    centres = line.times_s[told].mean(axis=1)
    curve = getattr(mouth, measure)
    if len(told) < FEWEST or np.ptp(ranks) == 0 or np.ptp(curve) == 0:
        return None

    def seen(shift: float) -> Array:
        return np.asarray(np.interp(_round(centres, line, shift), mouth.times_s, curve))

    rng = np.random.default_rng(0)
    drawn = rng.integers(len(told), size=(RESAMPLES, len(told)))
    spread = _spearman(ranks[drawn], seen(0.0)[drawn])
    low, high = np.percentile(spread[np.isfinite(spread)], [2.5, 97.5])
    shifts = _shifts(line)
    if not len(shifts):
        return None
    by_chance = _spearman(np.tile(ranks, (len(shifts), 1)), np.array([seen(shift) for shift in shifts]))
    value = float(_spearman(ranks[None], seen(0.0)[None])[0])
    return Estimate(value, float(np.nanmean(by_chance)), float(low), float(high), len(told))


def _open_level(mouth: Mouth, line: Line) -> float:
    """How far the mouth opens while the line is spoken."""
    during = (mouth.times_s >= line.times_s[0, 0]) & (mouth.times_s <= line.times_s[-1, 1])
    return float(np.percentile(mouth.aperture[during], OPEN_PERCENTILE)) if during.any() else 0.0


def _least(mouth: Mouth, spans: Array) -> Array:
    """(k,) smallest gap within 40 ms of each span; NaN where no picture was seen."""
    first = np.searchsorted(mouth.times_s, spans[:, 0] - NEAR_S, "left")
    stop = np.searchsorted(mouth.times_s, spans[:, 1] + NEAR_S, "right")
    return np.array(
        [mouth.aperture[a:b].min() if b > a else np.nan for a, b in zip(first, stop, strict=True)]
    )


def _shut(mouth: Mouth, spans: Array, level: float) -> Array:
    """(k,) 1 where the lips come together, 0 where not, NaN where they are not seen."""
    least = _least(mouth, spans)
    return np.where(np.isnan(least), np.nan, least <= SHUT * level)


def _shifts(line: Line) -> Array:
    """Shifts that take the words well away from their place, either way round the line."""
    length = float(line.times_s[-1, 1] - line.times_s[0, 0])
    return np.arange(AWAY_S, length - AWAY_S + 1e-9, CHANCE_STEP_S)


def _turned(spans: Array, line: Line) -> list[Array]:
    return [_round(spans, line, shift) for shift in _shifts(line)]


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

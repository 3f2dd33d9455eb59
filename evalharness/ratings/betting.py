"""Betting against "the mean score is m": e-processes that may be looked at after every score.

Scores lie in [0, 1] and come one at a time. A gambler who starts with 1 stakes a share `theta` of the
wealth on every score at odds that are fair, or worse than fair, if the mean given the past is at most m:

    W_n = prod_i (1 + theta (x_i / m - 1)),   0 <= theta < 1

The wealth is then a non-negative supermartingale, so it ever reaches 1 / alpha with probability at most
alpha (Ville 1939), however often anybody looks and whatever made them stop. That is an *e-process* for the
null "mean at most m"; large wealth is evidence that the mean is above m. For "at least m" the scores are
mirrored: 1 - x against 1 - m. No model of the scores is assumed, only their range (Waudby-Smith & Ramdas
2024, JRSS B 86).

The best theta depends on the unknown effect. Seven gamblers, each staking twice the share of the one before,
split the first unit of wealth between them; their sum is again an e-process, costs at most the logarithm of
the best one's share, and does not depend on the order in which scores came.

Because every factor falls as m rises, the values of m not yet refuted form an interval: the confidence
sequence, which covers the mean at all times together with probability 1 - alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from evalharness.errors import RatingError
from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import Codes

__all__ = ["SHARES", "STAKES", "EProcess", "Null", "ScoreCounts", "checked_scores", "log_e_path"]

STAKES: Reals = np.array([0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8])
"""The gamblers' theta. Against m = 1/2 a theta t suits a win rate of (1 + t) / 2 in
single votes; means over a voter's votes vary less and reward the bold."""
SHARES: Reals = np.array([1.0, 1.0, 2.0, 14.0, 11.0, 6.0, 5.0]) / 40.0
"""How the first unit of wealth is split: most where win rates of 55 to 60 % in single votes are found
soonest, a little with the cautious, so that no difference is too small to be found some day."""

_HALVINGS = 40
"""Halvings in the search for an end of a confidence sequence: far below any rate that could be printed."""
_EDGE = 1e-9
"""Rates nearer to 0 or 1 than this are not told from them."""


class Null(StrEnum):
    """The claim that is bet against."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


def checked_scores(scores: ArrayLike) -> Reals:
    """The scores as floats. Raises RatingError for any that is not a number from 0 to 1."""
    found = np.asarray(scores, dtype=float)
    inside = (found >= 0.0) & (found <= 1.0)
    if not inside.all():
        raise RatingError(
            f"A score must be a number from 0 to 1; found {found[~inside].flat[0]!r}. The guarantee rests on "
            "that range: scale the scores, or leave out what could not be scored."
        )
    return found


class EProcess:
    """Wealth of the seven gamblers against one null, score by score; any number of runs side by side.

    >>> process = EProcess(0.5)
    >>> for score in [1, 1, 0, 1]:
    ...     process.add(score)
    >>> round(float(process.e_value), 3)
    1.299
    """

    def __init__(
        self, mean: float = 0.5, null: Null = Null.AT_MOST, *, runs: int | tuple[int, ...] = ()
    ) -> None:
        """Bet against "the mean is `null` (at most, at least) `mean`"; `runs` is the shape of each score.

        Raises RatingError unless `mean` lies between 0 and 1.
        """
        self.mean = _checked_mean(mean)
        self.null = null
        shape = (runs,) if isinstance(runs, int) else runs
        self._axes = (-1,) + (1,) * len(shape)
        self._logs = np.log(SHARES).reshape(self._axes) + np.zeros(shape)
        self.scores = 0
        """How many scores each run has had."""

    def add(self, scores: ArrayLike) -> None:
        """Settle the bets on the next score of every run. Raises RatingError outside [0, 1]."""
        found = checked_scores(scores)
        self._logs = self._logs + _log_growth(found, self.mean, self.null)
        self.scores += 1

    @property
    def log_e(self) -> Reals:
        """Natural logarithm of the present wealth, in the shape of `runs`."""
        found: Reals = logsumexp(self._logs, axis=0)
        return found

    @property
    def e_value(self) -> Reals:
        """Present wealth; 1 before the first score. Beyond 1e304 it stays there: `log_e` goes on."""
        found: Reals = np.exp(np.minimum(self.log_e, 700.0))
        return found


def log_e_path(scores: ArrayLike, mean: float, null: Null) -> Reals:
    """Log wealth after each score, shape (scores,): an `EProcess` all at once."""
    growth = _log_growth(checked_scores(scores), _checked_mean(mean), null)
    path: Reals = logsumexp(np.log(SHARES)[:, None] + np.cumsum(growth, axis=1), axis=0)
    return path


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """How often each value was scored, at one or several moments: all that the wealth depends on."""

    values: Reals
    """Shape (values,): the distinct scores."""
    counts: Reals
    """Shape (moments, values): how often each had come by then."""

    @classmethod
    def of(cls, scores: ArrayLike, moments: Codes | None = None) -> Self:
        """Counts after the first `moments` scores each; by default once, after all of them."""
        found = checked_scores(scores)
        values, place = np.unique(found, return_inverse=True)
        ends = np.array([len(found)]) if moments is None else moments
        pieces = np.split(place[: ends[-1]], ends[:-1])
        counts = np.cumsum([np.bincount(piece, minlength=len(values)) for piece in pieces], axis=0)
        return cls(values, counts.astype(float))

    def log_gamblers(self, mean: Reals, null: Null) -> Reals:
        """Log wealth of each gambler, shape (gamblers, moments); `mean` holds one null mean a moment."""
        growth = _log_growth(self.values[None, :], mean[:, None], null)
        wealth: Reals = np.log(SHARES)[:, None] + np.einsum("gmv,mv->gm", growth, self.counts)
        return wealth

    def log_e(self, mean: Reals, null: Null) -> Reals:
        """Log wealth, shape (moments,)."""
        wealth: Reals = logsumexp(self.log_gamblers(mean, null), axis=0)
        return wealth

    def limits(self, alpha: float) -> tuple[Reals, Reals]:
        """Confidence sequence for the mean at level 1 - alpha, at each moment: lower and upper ends.

        The lower end is the largest m with evidence of 2 / alpha against "at most m", 0 where there is
        none; likewise above. Both hold at all moments together.
        """
        threshold = np.log(2.0 / alpha)
        mirrored = ScoreCounts(1.0 - self.values, self.counts)
        return self._refuted_up_to(threshold), 1.0 - mirrored._refuted_up_to(threshold)

    def _refuted_up_to(self, threshold: float) -> Reals:
        """The largest m with log evidence of the threshold against "at most m", shape (moments,)."""
        low = np.full(len(self.counts), _EDGE)
        high = np.full(len(self.counts), 1.0 - _EDGE)
        nothing = self.log_e(low, Null.AT_MOST) < threshold
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            refuted = self.log_e(middle, Null.AT_MOST) >= threshold
            low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
        return np.where(nothing, 0.0, low)

    def leaning(self, rate: float) -> Reals:
        """Chances of each value, and of 0 and 1 after them, once leant so far that their mean is `rate`.

        The scores seen, mixed with just so many zeros or ones; without any score, zeros and ones alone.
        """
        total = self.counts[-1].sum()
        if total == 0:
            return np.array([1.0 - rate, rate])
        own = self.counts[-1] / total
        mean = float(own @ self.values)
        ones = (rate - mean) / (1.0 - mean) if rate > mean else 0.0
        zeros = (mean - rate) / mean if rate < mean else 0.0
        return np.append(own * (1.0 - ones - zeros), [zeros, ones])

    def more_needed(self, mean: float, null: Null, log_threshold: float, rate: float) -> int | None:
        """Scores still needed to reach the threshold if they come like those seen, their mean at `rate`.

        Wealth is taken to grow at its expected logarithmic pace; half the time it will take longer. None
        where it would never get there.
        """
        present = self.log_gamblers(np.array([mean]), null)[:, -1]
        outcomes = np.append(self.values if self.counts[-1].sum() else [], [0.0, 1.0])
        pace = _log_growth(outcomes, mean, null) @ self.leaning(rate)
        if logsumexp(present) >= log_threshold:
            return 0
        if pace.max() <= 0.0:
            return None
        most = int(np.ceil(((log_threshold - present) / pace)[pace > 0.0].min()))
        fewest = 0
        while most - fewest > 1:
            middle = (most + fewest) // 2
            if logsumexp(present + middle * pace) >= log_threshold:
                most = middle
            else:
                fewest = middle
        return most


def _log_growth(scores: Reals, mean: float | Reals, null: Null) -> Reals:
    """Log of each gambler's factor for each score: the gamblers' axis comes first."""
    if null is Null.AT_LEAST:
        scores, mean = 1.0 - scores, 1.0 - mean
    edge = scores / mean - 1.0
    growth: Reals = np.log1p(STAKES.reshape((-1,) + (1,) * edge.ndim) * edge)
    return growth


def _checked_mean(mean: float) -> float:
    if not 0.0 < mean < 1.0:
        raise RatingError(
            f"The mean to bet against must lie between 0 and 1; found {mean!r}. For equal systems it is 0.5."
        )
    return float(mean)

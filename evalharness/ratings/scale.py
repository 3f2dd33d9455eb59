"""What an Elo gap promises: the share of votes it implies, and of which votes.

A gap of d Elo is odds of 10^(d / 400) to 1, a win rate of 1 / (1 + 10^(-d / 400)) (Elo 1978). *Of what*
depends on how the ratings were estimated: of the decisive votes where ties are an outcome of their own
(Davidson 1970), of wins plus half the ties where a tie counts as half a win for either side (Bradley & Terry
1952 as most public boards fit it). A gap printed without the two invites readings such as "106 points, so
it wins nearly always"; it wins 65 in 100.

Gaps are in Elo, positive where the first of two systems is ahead; win rates run from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from evalharness.errors import RatingError
from evalharness.ratings.estimate import ELO_PER_LOGIT, Interval
from evalharness.ratings.newton import Reals

__all__ = ["Gap", "ShareOf", "gap_of", "implied_win_rate"]


class ShareOf(StrEnum):
    """The votes of which an implied win rate is a share."""

    DECISIVE = "decisive"
    """Votes for one side or the other: Davidson, or any fit that leaves ties out."""
    HALF_TIES = "half_ties"
    """All votes, a tie (and a both-bad) as half a win: Bradley-Terry on half wins."""

    def sentence(self, rate: str) -> str:
        """`rate` with the votes it is of, as a verb phrase."""
        if self is ShareOf.DECISIVE:
            return f"wins {rate} of decisive votes"
        return f"scores {rate} in wins plus half the ties"


@overload
def implied_win_rate(gap_elo: float) -> float: ...
@overload
def implied_win_rate(gap_elo: ArrayLike) -> float | Reals: ...
def implied_win_rate(gap_elo: ArrayLike) -> float | Reals:
    """Win rate that a gap implies, from 0 to 1: 1 / (1 + 10^(-gap / 400)); a number or an array of any shape.

    Raises RatingError where a gap is not a number.
    """
    gap = np.asarray(gap_elo, dtype=float)
    if np.isnan(gap).any():
        raise RatingError("A gap is not a number, so it implies no win rate. Give gaps in Elo.")
    rate: Reals = expit(gap / ELO_PER_LOGIT)
    return float(rate) if rate.ndim == 0 else rate


@overload
def gap_of(win_rate: float) -> float: ...
@overload
def gap_of(win_rate: ArrayLike) -> float | Reals: ...
def gap_of(win_rate: ArrayLike) -> float | Reals:
    """Gap in Elo that implies a win rate: 400 log10(rate / (1 - rate)); a number or an array of any shape.

    Raises RatingError for a rate outside 0 to 1, and at 0 and 1, which no finite gap implies.
    """
    rate = np.asarray(win_rate, dtype=float)
    if not ((rate > 0.0) & (rate < 1.0)).all():
        raise RatingError(
            f"A win rate must lie between 0 and 1; found {win_rate!r}. No finite gap implies winning always "
            "or never, and percentages have to be divided by 100."
        )
    gap: Reals = ELO_PER_LOGIT * logit(rate)
    return float(gap) if gap.ndim == 0 else gap


@dataclass(frozen=True, slots=True)
class Gap:
    """A rating difference that cannot be printed without the win rate it implies.

    >>> print(Gap(106))
    +106 Elo: wins 64.8 % of decisive votes
    >>> print(Gap(Interval(106, 92, 120), ShareOf.HALF_TIES))
    +106 Elo (+92 to +120): scores 64.8 % (62.9 to 66.6 %) in wins plus half the ties

    Raises RatingError where the gap is not finite or an interval does not hold its value.
    """

    elo: float | Interval
    """First system minus second; an `Interval` where its uncertainty is known."""
    of: ShareOf = ShareOf.DECISIVE

    def __post_init__(self) -> None:
        gap = self.interval
        if not np.isfinite([gap.value, gap.low, gap.high]).all() or not gap.low <= gap.value <= gap.high:
            raise RatingError(
                f"A gap must be finite and lie within its interval; found {gap.value!r} in {gap.low!r} to "
                f"{gap.high!r}. Give Elo points, lower end first."
            )

    @property
    def interval(self) -> Interval:
        """The gap in Elo; both ends are its value where no uncertainty is known."""
        if isinstance(self.elo, Interval):
            return self.elo
        return Interval(float(self.elo), float(self.elo), float(self.elo))

    @property
    def win_rate(self) -> Interval:
        """The implied win rate, from 0 to 1; its interval is that of the gap carried through."""
        gap = self.interval
        return Interval(*(implied_win_rate(end) for end in (gap.value, gap.low, gap.high)))

    def __str__(self) -> str:
        gap, rate = self.interval, self.win_rate
        if not isinstance(self.elo, Interval):
            return f"{_signed(gap.value)} Elo: {self.of.sentence(f'{100 * rate.value:.1f} %')}"
        ends = f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %"
        return (
            f"{_signed(gap.value)} Elo ({_signed(gap.low)} to {_signed(gap.high)}): "
            f"{self.of.sentence(f'{100 * rate.value:.1f} % ({ends})')}"
        )


def _signed(elo: float) -> str:
    """Whole points with their sign; what rounds to nothing is +0."""
    return f"{round(elo):+d}"

"""A fit with its uncertainty, on the Elo scale: ratings, differences and win probabilities with intervals.

The scale: 400 points are odds of 10 to 1, so one logit is 400 / ln 10 = 173.7 points. The gauge:
strengths sum to zero and that mean is shown as the anchor. Only differences mean something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.design import Rates
from evalharness.ratings.intervals import Covariance
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.outcomes import BAD, LEVEL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ELO_PER_LOGIT", "Estimate", "Interval"]

ELO_PER_LOGIT = 400.0 / float(np.log(10.0))


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it, in the estimate's own unit."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float, shift: float = 0.0) -> Interval:
        """The same in another unit: times `factor` (positive), plus `shift`."""
        return Interval(self.value * factor + shift, self.low * factor + shift, self.high * factor + shift)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Everything one fit says, with intervals at `confidence`; the covariance is kept for differences."""

    fit: Fit
    covariance: Covariance
    confidence: float = 0.95
    anchor: float = 1000.0
    """Rating shown for the mean strength."""
    notes: tuple[str, ...] = ()
    """Sentences a reader of these numbers must know."""

    def __post_init__(self) -> None:
        if not 0.0 < self.confidence < 1.0:
            raise RatingError(
                f"The confidence must lie between 0 and 1; found {self.confidence!r}. Usual is 0.95."
            )
        if not np.isfinite(self.anchor):
            raise RatingError(f"The anchor must be a finite rating; found {self.anchor!r}. Usual is 1000.")

    @property
    def strength_covariance(self) -> Reals:
        """Shape (systems, systems), in squared logits."""
        size = len(self.fit.systems)
        return self.covariance.matrix[:size, :size]

    def rating(self, system: str) -> Interval:
        """Elo-scale rating of one system against the board's mean."""
        return self._along(self._axis(system)).scaled(ELO_PER_LOGIT, self.anchor)

    def table(self) -> pd.DataFrame:
        """One row a system, best first: rating, low and high in Elo, win_rate, and acceptable where known."""
        import pandas as pd

        rows = []
        for system in self.fit.systems:
            rating, acceptable = self.rating(system), self.acceptable(system)
            row = {"system": system, "rating": rating.value, "low": rating.low, "high": rating.high}
            row["win_rate"] = self.win_rate(system)
            if acceptable is not None:
                row["acceptable"] = acceptable.value
            rows.append(row)
        return pd.DataFrame(rows).sort_values("rating", ascending=False, ignore_index=True)

    def difference(self, first: str, second: str) -> Interval:
        """Rating of `first` minus rating of `second`, in Elo."""
        return self._along(self._axis(first) - self._axis(second)).scaled(ELO_PER_LOGIT)

    def win_probability(self, first: str, second: str) -> Interval:
        """Chance that `first` beats `second`, ties half, each on the left half the time.

        The interval is that of the difference, carried through the model.
        """
        gap = self._along(self._axis(first) - self._axis(second))
        draws = self.fit.draw_levels(self._place(first), self._place(second))
        value, low, high = self.fit.expected_score(np.array([gap.value, gap.low, gap.high]), draws)
        return Interval(float(value), float(low), float(high))

    def win_rate(self, system: str) -> float:
        """Mean of `win_probability` over the other systems of the board."""
        own = self._place(system)
        others = np.delete(np.arange(len(self.fit.systems)), own)
        gaps = self.fit.strengths[own] - self.fit.strengths[others]
        return float(self.fit.expected_score(gaps, self.fit.draw_levels(own, others)).mean())

    def order_effect(self) -> Interval | None:
        """Advantage of being shown on the left, in Elo; None where it was not fitted."""
        if not self.fit.design.order:
            return None
        return self.effect("order").scaled(ELO_PER_LOGIT)

    def tie_parameter(self) -> Interval | None:
        """Davidson's nu (2: equal systems tie half the time); None where it was not fitted."""
        if self.fit.log_tie is None:
            return None
        log = self.effect("tie")
        value, low, high = np.exp([log.value, log.low, log.high])
        return Interval(float(value), float(low), float(high))

    def effect(self, name: str) -> Interval:
        """A parameter that all pairs share, by its name in `fit.design.names`, in logits (a unit).

        Raises UnknownNameError where this fit has none of that name.
        """
        if name not in self.fit.design.names:
            raise UnknownNameError(
                f"This fit has no effect {name!r}; it has {', '.join(self.fit.design.names) or 'none'}."
            )
        axis = np.zeros(self.fit.parameters)
        axis[self.fit.design.place(name)] = 1.0
        return self._along(axis)

    def acceptable(self, system: str) -> Interval | None:
        """Chance that a clip of the system is acceptable, in [0, 1]; None where no both-bad was fitted.

        From how often the model expects "both bad" if the system met itself: 1 - sqrt(P(both bad)), as if
        two clips on one prompt failed independently. Where a hard prompt fails both, the truth is higher.
        """
        if BAD not in self.fit.design.fitted:
            return None
        own = self._place(system)
        tie, bad = self.fit.draw_levels(own, own)[:, 0]
        drawn = np.exp(tie)
        # logit of P(both bad) = bad - log(2 + exp(tie)), the sides being equal
        axis = self._level_axis(BAD, own)
        if LEVEL in self.fit.design.fitted:
            axis -= drawn / (2.0 + drawn) * self._level_axis(LEVEL, own)
        reach = self._reach(axis)
        logit = float(bad - np.log(2.0 + drawn))
        value, high, low = 1.0 - np.sqrt(expit(np.array([logit, logit - reach, logit + reach])))
        return Interval(float(value), float(low), float(high))

    def _level_axis(self, predictor: int, own: int) -> Reals:
        """How the log weight of a draw between a system and itself moves with each parameter."""
        design = self.fit.design
        rate = "tie" if predictor == LEVEL else "both_bad"
        axis = np.zeros(self.fit.parameters)
        axis[design.place(rate)] = 1.0
        if design.rates is Rates.PAIR_QUALITY:
            slope = design.place(f"{rate}_slope")
            axis[slope] = self.fit.strengths[own]
            axis[own] = self.fit.theta[slope]
        elif design.rates is Rates.SYSTEM:
            axis[design.propensity(predictor) + own] = 2.0
        return axis

    def _place(self, system: str) -> int:
        if system not in self.fit.systems:
            raise UnknownNameError(
                f"No system {system!r} is on this board; there are {', '.join(self.fit.systems)}."
            )
        return self.fit.systems.index(system)

    def _axis(self, system: str) -> Reals:
        axis = np.zeros(self.fit.parameters)
        axis[self._place(system)] = 1.0
        return axis

    def _along(self, axis: Reals) -> Interval:
        """The linear combination `axis` of the parameters, in logits."""
        value, reach = float(axis @ self.fit.theta), self._reach(axis)
        return Interval(value, value - reach, value + reach)

    def _reach(self, axis: Reals) -> float:
        variance = float(axis @ self.covariance.matrix @ axis)
        return float(self.covariance.quantile(self.confidence) * max(variance, 0.0) ** 0.5)

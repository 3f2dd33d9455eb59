"""A fit with its uncertainty, on the Elo scale: ratings, differences and win probabilities with intervals.

The scale: 400 points are odds of 10 to 1, so one logit is 400 / ln 10 = 173.7 points. The gauge:
strengths sum to zero and that mean is shown as the anchor. Only differences mean something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.intervals import Covariance
from evalharness.ratings.newton import Fit, Reals

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

    def difference(self, first: str, second: str) -> Interval:
        """Rating of `first` minus rating of `second`, in Elo."""
        return self._along(self._axis(first) - self._axis(second)).scaled(ELO_PER_LOGIT)

    def win_probability(self, first: str, second: str) -> Interval:
        """Chance that `first` beats `second`, ties half, each on the left half the time.

        The interval is that of the difference, carried through the model.
        """
        gap = self._along(self._axis(first) - self._axis(second))
        value, low, high = self.fit.expected_score(np.array([gap.value, gap.low, gap.high]))
        return Interval(float(value), float(low), float(high))

    def win_rate(self, system: str) -> float:
        """Mean of `win_probability` over the other systems of the board."""
        own = self._place(system)
        gaps = self.fit.strengths[own] - np.delete(self.fit.strengths, own)
        return float(self.fit.expected_score(gaps).mean())

    def order_effect(self) -> Interval | None:
        """Advantage of being shown on the left, in Elo; None where it was not fitted."""
        if self.fit.order_effect is None:
            return None
        axis = np.zeros(self.fit.parameters)
        axis[len(self.fit.systems)] = 1.0
        return self._along(axis).scaled(ELO_PER_LOGIT)

    def tie_parameter(self) -> Interval | None:
        """Davidson's nu (2: equal systems tie half the time); None where it was not fitted."""
        if self.fit.log_tie is None:
            return None
        axis = np.zeros(self.fit.parameters)
        axis[-1] = 1.0
        log = self._along(axis)
        value, low, high = np.exp([log.value, log.low, log.high])
        return Interval(float(value), float(low), float(high))

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
        extra = [x for x in (self.fit.order_effect, self.fit.log_tie) if x is not None]
        value = float(axis @ np.concatenate([self.fit.strengths, extra]))
        variance = float(axis @ self.covariance.matrix @ axis)
        error = max(variance, 0.0) ** 0.5
        reach = self.covariance.quantile(self.confidence) * error
        return Interval(value, value - reach, value + reach)

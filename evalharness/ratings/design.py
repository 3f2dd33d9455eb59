"""Which parameters a model has, and how they make the predictors of every cell.

Parameters stand in one vector: the strengths, then (with rates by system) a tie and a both-bad propensity
of every system, then those that all cells share, by name:

    gap = left - right + order + covariates x effects
    tie = tie + tie_slope x mean strength of the pair       (or + both systems' propensities)
    bad = both_bad + both_bad_slope x mean strength          (or + both systems' propensities)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from evalharness.ratings.cells import Cells, Reals
from evalharness.ratings.outcomes import BAD, GAP, LEVEL
from evalharness.ratings.tally import Codes

__all__ = ["Design", "Rates", "Slot"]

_RATES = ((LEVEL, "tie"), (BAD, "both_bad"))


class Rates(StrEnum):
    """What the rates of ties and both-bads depend on, beside the gap."""

    CONSTANT = "constant"
    """Nothing: one weight each for all pairs."""
    PAIR_QUALITY = "pair_quality"
    """The mean strength of the two systems: better pairs tie more and are both bad less."""
    SYSTEM = "system"
    """Both systems: each has a propensity to tie and one to be bad."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One parameter of every cell: where it stands, and what each predictor gains by one unit of it."""

    where: Codes | int
    """Shape (cells,), or one place that all cells share."""
    gains: tuple[tuple[int, Reals | float], ...]
    """(predictor, gain), a gain of shape (cells,) or the same for all cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The parameters of one fit."""

    systems: int
    rates: Rates
    fitted: tuple[int, ...]
    """The predictors that are fitted: the gap, and the draws that occur among the votes."""
    order: bool
    covariates: tuple[str, ...] = ()
    names: tuple[str, ...] = field(init=False)
    """Of the shared parameters, in their order."""

    def __post_init__(self) -> None:
        names = ["order"] * self.order + list(self.covariates)
        for predictor, rate in _RATES:
            if predictor in self.fitted:
                names += [rate, f"{rate}_slope"] if self.rates is Rates.PAIR_QUALITY else [rate]
        object.__setattr__(self, "names", tuple(names))

    @property
    def shared(self) -> int:
        """Where the shared parameters begin."""
        by_system = len(self.fitted) - 1 if self.rates is Rates.SYSTEM else 0
        return self.systems * (1 + by_system)

    @property
    def parameters(self) -> int:
        """Length of the parameter vector."""
        return self.shared + len(self.names)

    def place(self, name: str) -> int:
        """Where the shared parameter `name` stands."""
        return self.shared + self.names.index(name)

    def held(self) -> Codes:
        """Places of the parameters that the prior holds: all but the weights of the draws."""
        free = {self.place(rate) for predictor, rate in _RATES if predictor in self.fitted}
        return np.array([place for place in range(self.parameters) if place not in free])

    def propensity(self, predictor: int) -> int:
        """Where the systems' propensities to this kind of draw begin."""
        return self.systems * self.fitted.index(predictor)

    def predictors(self, theta: Reals, cells: Cells) -> Reals:
        """Shape (3, cells); minus infinity where a draw is not fitted."""
        left, right = theta[cells.left], theta[cells.right]
        found = np.full((3, len(left)), -np.inf)
        found[GAP] = left - right
        if self.order:
            found[GAP] += theta[self.place("order")]
        for name, values in zip(self.covariates, cells.covariates, strict=True):
            found[GAP] += theta[self.place(name)] * values
        for predictor, rate in _RATES:
            if predictor not in self.fitted:
                continue
            found[predictor] = theta[self.place(rate)]
            if self.rates is Rates.PAIR_QUALITY:
                found[predictor] += theta[self.place(f"{rate}_slope")] * 0.5 * (left + right)
            elif self.rates is Rates.SYSTEM:
                own = theta[self.propensity(predictor) :]
                found[predictor] += own[cells.left] + own[cells.right]
        return found

    def slots(self, theta: Reals, cells: Cells) -> tuple[Slot, ...]:
        """Every parameter a cell has; the strengths of the left and the right system come first."""
        left: list[tuple[int, Reals | float]] = [(GAP, 1.0)]
        right: list[tuple[int, Reals | float]] = [(GAP, -1.0)]
        rest: list[Slot] = []
        if self.order:
            rest.append(Slot(self.place("order"), ((GAP, 1.0),)))
        for name, values in zip(self.covariates, cells.covariates, strict=True):
            rest.append(Slot(self.place(name), ((GAP, values),)))
        for predictor, rate in _RATES:
            if predictor not in self.fitted:
                continue
            rest.append(Slot(self.place(rate), ((predictor, 1.0),)))
            if self.rates is Rates.PAIR_QUALITY:
                half = 0.5 * float(theta[self.place(f"{rate}_slope")])
                left.append((predictor, half))
                right.append((predictor, half))
                mean = 0.5 * (theta[cells.left] + theta[cells.right])
                rest.append(Slot(self.place(f"{rate}_slope"), ((predictor, mean),)))
            elif self.rates is Rates.SYSTEM:
                start = self.propensity(predictor)
                rest.append(Slot(start + cells.left, ((predictor, 1.0),)))
                rest.append(Slot(start + cells.right, ((predictor, 1.0),)))
        return (Slot(cells.left, tuple(left)), Slot(cells.right, tuple(right)), *rest)

    def gauge(self, theta: Reals, scales: Sequence[float]) -> tuple[Reals, Reals]:
        """The same fit with strengths (and propensities) summing to zero, and effects in given units.

        Returns the parameters and the Jacobian of that change, shape (parameters, parameters): moves and
        covariances of fitted parameters become those of reported ones by it. No probability changes.
        """
        size = self.systems
        reported, jacobian = theta.copy(), np.eye(self.parameters)
        mean = theta[:size].mean()
        reported[:size] -= mean
        jacobian[:size, :size] -= 1.0 / size
        for predictor, rate in _RATES:
            if predictor not in self.fitted:
                continue
            level = self.place(rate)
            if self.rates is Rates.PAIR_QUALITY:
                slope = self.place(f"{rate}_slope")
                reported[level] += theta[slope] * mean
                jacobian[level, :size] += theta[slope] / size
                jacobian[level, slope] += mean
            elif self.rates is Rates.SYSTEM:
                own = slice(self.propensity(predictor), self.propensity(predictor) + size)
                reported[level] += 2.0 * theta[own].mean()
                reported[own] -= theta[own].mean()
                jacobian[level, own] += 2.0 / size
                jacobian[own, own] -= 1.0 / size
        for name, scale in zip(self.covariates, scales, strict=True):
            place = self.place(name)
            reported[place] /= scale
            jacobian[place] /= scale
        return reported, jacobian

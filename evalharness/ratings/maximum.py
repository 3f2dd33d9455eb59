"""The climb to the maximum of likelihood and prior: Newton's method with the expected information.

Fisher scoring with step halving on the counts of cells. It stops when the next step would move less than 1e-8
standard errors. The prior is weak and fixed, and never grows with the data: every strength, propensity, slope
and effect is held by half a virtual battle (a quarter won, a quarter lost) at zero; for a strength that is a
battle against a phantom opponent of free strength. It keeps a system that won everything finite and is
forgotten after a few dozen votes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from evalharness.ratings.cells import Cells, Reals
from evalharness.ratings.design import Design, Slot
from evalharness.ratings.outcomes import Chances, OutcomeModel
from evalharness.ratings.tally import Codes

__all__ = ["PRIOR_BATTLES", "Maximum", "assembled", "climb", "scatter"]

PRIOR_BATTLES = 0.5
"""Virtual battles that hold each strength, propensity, slope and effect."""

_STEPS = 200
_TOLERANCE = 1e-16
"""On the squared Newton decrement."""


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where the climb ended, with the phantom at zero."""

    theta: Reals
    """Shape (parameters,)."""
    slots: tuple[Slot, ...]
    chances: Chances
    information: Reals
    """Shape (parameters, parameters): of votes and prior, positive definite."""
    iterations: int
    converged: bool


def climb(model: OutcomeModel, design: Design, cells: Cells, counts: Reals, theta: Reals) -> Maximum:
    """From `theta` to the maximum on `counts`, shape (4, cells), which need not be the cells' own."""
    held, times = design.held(), counts.sum(axis=0)

    def at(point: Reals) -> tuple[float, Chances]:
        chances = model.chances(design.predictors(point, cells))
        played = np.where(counts > 0, chances.log_likelihood, 0.0)
        return float((counts * played).sum()) + _log_prior(point[held]), chances

    value, chances = at(theta)
    iterations, converged = 0, False
    while not converged and iterations < _STEPS:
        slots = design.slots(theta, cells)
        gradient = _gradient(design, slots, counts, chances)
        gradient[held] += PRIOR_BATTLES * (0.5 - expit(theta[held]))
        step = np.linalg.solve(_information(design, slots, times, chances, theta, held), gradient)
        converged = bool(gradient @ step <= _TOLERANCE)
        scale, old, start = 1.0, value, theta
        theta = start + step
        value, chances = at(theta)
        while not value >= old - 1e-9 * abs(old) and scale > 1e-6:
            scale /= 2.0
            theta = start + scale * step
            value, chances = at(theta)
        iterations += 1
    slots = design.slots(theta, cells)
    information = _information(design, slots, times, chances, theta, held)
    return Maximum(theta, slots, chances, information, iterations, converged)


def _log_prior(held: Reals) -> float:
    return float(0.5 * PRIOR_BATTLES * (log_expit(held) + log_expit(-held)).sum())


def _gradient(design: Design, slots: tuple[Slot, ...], counts: Reals, chances: Chances) -> Reals:
    pulls = (counts * chances.score).sum(axis=1)
    gradient = np.zeros(design.parameters)
    for slot in slots:
        pull = sum(gain * pulls[predictor] for predictor, gain in slot.gains)
        if isinstance(slot.where, int):
            gradient[slot.where] += np.sum(pull)
        else:
            gradient += np.bincount(slot.where, pull, design.parameters)
    return gradient


def _information(
    design: Design, slots: tuple[Slot, ...], times: Reals, chances: Chances, theta: Reals, held: Codes
) -> Reals:
    matrix = assembled(design, slots, times * chances.information)
    matrix[held, held] += PRIOR_BATTLES * expit(theta[held]) * expit(-theta[held])
    return matrix


def assembled(design: Design, slots: tuple[Slot, ...], terms: Reals) -> Reals:
    """Second-order terms of the predictors, shape (predictors, predictors, cells), as a parameter matrix."""
    size = design.parameters
    half = np.zeros((size, size))
    for number, slot in enumerate(slots):
        across = {
            other: sum(gain * terms[predictor, other] for predictor, gain in slot.gains)
            for other in design.fitted
        }
        for partner in slots[number:]:
            term = sum(gain * across[predictor] for predictor, gain in partner.gains)
            if partner is slot:
                term = 0.5 * term  # the transpose below brings the other half
            scatter(half, slot.where, partner.where, np.broadcast_to(term, terms.shape[2:]))
    return half + half.T


def scatter(matrix: Reals, row: Codes | int, column: Codes | int, values: Reals) -> None:
    """Add each of `values` at its row and column of a square matrix; a place may be shared by all."""
    size = len(matrix)
    match row, column:
        case int(), int():
            matrix[row, column] += values.sum()
        case _, int():
            matrix[:, column] += np.bincount(row, values, size)
        case int(), _:
            matrix[row] += np.bincount(column, values, size)
        case _:
            matrix += np.bincount(row * size + column, values, size * size).reshape(size, size)

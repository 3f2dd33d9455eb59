"""Maximum likelihood on pair counts by Newton's method: the part that all pair models share.

A pair model says how likely left, right and tie are, given the *gap* d (left strength minus right
strength, plus the order effect) and, where it models ties, the log tie parameter. Parameters stand
in one vector: strengths (n), then the order effect if fitted, then the log tie parameter if fitted.

The prior is weak and fixed, and never grows with the data: each system plays half a virtual battle
(a quarter won, a quarter lost) against a phantom opponent of free strength, and the order effect is
held by half a virtual battle between equals. It keeps a system that won everything finite and is
forgotten after a few dozen votes. Fitting puts the phantom at 0; the result is then shifted so that
the strengths sum to zero, which changes no probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from evalharness.errors import RatingError
from evalharness.ratings.connectivity import require_comparable
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE, Tally

__all__ = ["PRIOR_BATTLES", "Fit", "PairModel", "PairTerms", "Reals", "newton_fit", "order_identifiable"]

Reals = NDArray[np.float64]

PRIOR_BATTLES = 0.5
"""Virtual battles of each system against the phantom, and of the order effect against none."""

_STEPS = 100
_TOLERANCE = 1e-16
"""On the squared Newton decrement: the next step would move less than 1e-8 standard errors."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTerms:
    """A pair model at given gaps: log-likelihood of one vote and its derivatives.

    The first axis of `log_likelihood` and the scores is the outcome: left, right, tie (3). The other
    axes are those of the gaps. The information is the negative second derivative; it does not
    depend on the outcome.
    """

    log_likelihood: Reals
    score_gap: Reals
    score_tie: Reals
    information_gap: Reals
    information_cross: Reals
    information_tie: Reals


class PairModel(Protocol):
    """How gap and tie parameter turn into outcomes."""

    name: str
    fits_ties: bool

    def terms(self, gap: Reals, log_tie: float) -> PairTerms:
        """Log-likelihood and derivatives at each gap; `log_tie` is ignored where ties are not fitted."""

    def expected_score(self, gap: Reals, log_tie: float) -> Reals:
        """Probability that the left side wins plus half that of a tie."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Fitted strengths and all that is needed to find their uncertainty."""

    model: PairModel
    systems: tuple[str, ...]
    strengths: Reals
    """Shape (systems,), in logits, summing to zero."""
    order_effect: float | None
    """In logits, positive where the left side is favoured; None where it was not fitted."""
    log_tie: float | None
    """Log of the tie parameter nu; None where ties were not fitted or none was cast."""
    terms: PairTerms
    """At the fitted parameters, by ordered pair: shapes (3, systems, systems) and (systems, systems)."""
    information: Reals
    """Shape (parameters, parameters): observed information of votes and prior, positive definite."""
    iterations: int
    converged: bool

    @property
    def parameters(self) -> int:
        """Length of the parameter vector: strengths, order effect, log tie parameter."""
        return len(self.information)

    def assemble(self, gap: Reals, cross: Reals, tie: Reals) -> Reals:
        """Second-order terms by ordered pair (each of shape systems x systems) as one parameter matrix."""
        return _assemble(gap, cross, tie, self.order_effect is not None, self.log_tie is not None)

    def expected_score(self, gap: Reals) -> Reals:
        """Chance that the first of two systems wins, plus half that of a tie, each side taken half the time.

        `gap` is its strength minus the other's, in logits, any shape.
        """
        tie = -np.inf if self.log_tie is None else self.log_tie
        order = self.order_effect or 0.0
        shown_left = self.model.expected_score(gap + order, tie)
        shown_right = self.model.expected_score(gap - order, tie)
        return 0.5 * (shown_left + shown_right)


def order_identifiable(votes: Tally) -> bool:
    """Whether the votes can tell an order effect from strengths: some system was shown on both sides.

    More exactly, whether no assignment of strengths to systems explains "left against right" alike
    for all pairs that met.
    """
    left, right = np.nonzero(votes.pairs)
    rows = np.arange(len(left))
    design = np.zeros((len(left), len(votes.systems) + 1))
    design[rows, left] += 1.0
    design[rows, right] -= 1.0
    strengths_only = np.linalg.matrix_rank(design)
    design[:, -1] = 1.0
    return bool(np.linalg.matrix_rank(design) > strengths_only)


def newton_fit(votes: Tally, model: PairModel, *, order_effect: bool) -> Fit:
    """Maximise the likelihood with the fixed prior; concave, so the maximum is the only one.

    Raises RatingError without votes or without a decisive vote, or where an order effect is asked for
    and cannot be told from strengths; DisconnectedError where systems were never compared.
    """
    if votes.votes == 0:
        raise RatingError("There are no votes here yet, so nothing can be rated. Collect some battles first.")
    counts = np.stack(
        [votes.counts[LEFT], votes.counts[RIGHT], votes.counts[TIE] + votes.counts[BOTH_BAD]]
    ).astype(float)
    if counts[:2].sum() == 0:
        raise RatingError(
            f"All {votes.votes} votes are ties or both-bad, so nothing tells the systems apart. "
            "Collect votes that prefer a side."
        )
    require_comparable(votes)
    if order_effect and not order_identifiable(votes):
        raise RatingError(
            "The order effect cannot be told from strength: the sides never alternated. "
            "Fit without it (order_effect=False), or show systems on both sides."
        )
    fit_ties = model.fits_ties and counts[2].sum() > 0
    theta = np.zeros(len(votes.systems) + order_effect + fit_ties)
    if fit_ties:
        theta[-1] = np.log(2.0 * counts[2].sum() / counts[:2].sum())
    return _maximise(votes, model, counts, theta, order=order_effect, ties=fit_ties)


def _maximise(votes: Tally, model: PairModel, counts: Reals, theta: Reals, *, order: bool, ties: bool) -> Fit:
    size = len(votes.systems)
    pairs = counts.sum(axis=0)

    def at(point: Reals) -> tuple[float, PairTerms]:
        gap = point[:size, None] - point[None, :size] + (point[size] if order else 0.0)
        terms = model.terms(gap, float(point[-1]) if ties else -np.inf)
        played = np.where(counts > 0, terms.log_likelihood, 0.0)
        return float((counts * played).sum()) + _log_prior(point[: size + order]), terms

    value, terms = at(theta)
    iterations, converged = 0, False
    while not converged and iterations < _STEPS:
        gradient = _gradient(counts, terms, theta, order, ties)
        information = _information(pairs, terms, theta, order, ties)
        step = np.linalg.solve(information, gradient)
        converged = bool(gradient @ step <= _TOLERANCE)
        scale, old = 1.0, value
        proposed = theta + step
        value, terms = at(proposed)
        while value < old - 1e-9 * abs(old) and scale > 1e-6:
            scale /= 2.0
            proposed = theta + scale * step
            value, terms = at(proposed)
        theta = proposed
        iterations += 1
    information = _information(pairs, terms, theta, order, ties)
    return Fit(
        model=model,
        systems=votes.systems,
        strengths=theta[:size] - theta[:size].mean(),
        order_effect=float(theta[size]) if order else None,
        log_tie=float(theta[-1]) if ties else None,
        terms=terms,
        information=information,
        iterations=iterations,
        converged=converged,
    )


def _log_prior(held: Reals) -> float:
    return float(0.5 * PRIOR_BATTLES * (log_expit(held) + log_expit(-held)).sum())


def _gradient(counts: Reals, terms: PairTerms, theta: Reals, order: bool, ties: bool) -> Reals:
    pull = (counts * terms.score_gap).sum(axis=0)
    parts = [pull.sum(axis=1) - pull.sum(axis=0)]
    if order:
        parts.append(np.array([pull.sum()]))
    if ties:
        parts.append(np.array([(counts * terms.score_tie).sum()]))
    gradient = np.concatenate(parts)
    held = len(gradient) - ties
    gradient[:held] += PRIOR_BATTLES * (0.5 - expit(theta[:held]))
    return gradient


def _information(pairs: Reals, terms: PairTerms, theta: Reals, order: bool, ties: bool) -> Reals:
    matrix = _assemble(
        pairs * terms.information_gap,
        pairs * terms.information_cross,
        pairs * terms.information_tie,
        order,
        ties,
    )
    held = np.arange(len(matrix) - ties)
    matrix[held, held] += PRIOR_BATTLES * expit(theta[held]) * expit(-theta[held])
    return matrix


def _assemble(gap: Reals, cross: Reals, tie: Reals, order: bool, ties: bool) -> Reals:
    size = len(gap)
    matrix = np.zeros((size + order + ties, size + order + ties))
    strengths = matrix[:size, :size]
    strengths -= gap + gap.T
    strengths[np.diag_indices(size)] += gap.sum(axis=0) + gap.sum(axis=1)
    if order:
        matrix[:size, size] = matrix[size, :size] = gap.sum(axis=1) - gap.sum(axis=0)
        matrix[size, size] = gap.sum()
    if ties:
        matrix[:size, -1] = matrix[-1, :size] = cross.sum(axis=1) - cross.sum(axis=0)
        if order:
            matrix[size, -1] = matrix[-1, size] = cross.sum()
        matrix[-1, -1] = tie.sum()
    return matrix

"""Davidson's maximum on altered counts: what the board would be without some votes, or with more.

The same likelihood and prior as `davidson`, by Newton steps that start from a neighbouring solution, on the
pairs that met. A question such as "which removal flips this order?" asks for thousands of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, log_expit

from evalharness.errors import RatingError
from evalharness.ratings.newton import PRIOR_BATTLES, Fit, Reals
from evalharness.ratings.tally import TIE, Codes, Tally

__all__ = ["Recount", "Solution"]

_STEPS = 100
_TOLERANCE = 1e-16
"""On the squared Newton decrement, as for the fit itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The maximum on some counts. Parameters: strengths, order effect if any, log tie parameter."""

    theta: Reals
    """Strengths in the gauge of the prior's phantom; only differences mean something."""
    information: Reals
    score_gap: Reals
    """Shape (3, pairs): derivative of one vote's log-likelihood to the gap, by outcome left, right, tie."""
    score_tie: Reals
    """Shape (3, pairs): the same to the log tie parameter; zero where no tie is left."""


class Recount:
    """The pairs that met, their counts, and the fit that these lead to."""

    def __init__(self, fit: Fit, votes: Tally) -> None:
        self.size = len(votes.systems)
        self.order = fit.order_effect is not None
        self.left, self.right = fit.cells.left, fit.cells.right
        left, right, tie, both_bad = fit.cells.counts
        self.counts: Reals = np.stack([left, right, tie + both_bad])
        """Shape (3, pairs): votes that ended left, right, tie or both bad."""
        self.cell: Codes = np.minimum(votes.outcome, TIE) * len(self.left) + fit.cells.of_vote
        """Shape (votes,): place of each vote's cell in the flattened counts."""
        start = np.zeros(self.size + self.order + 1)
        start[: self.size] = fit.strengths
        if self.order:
            start[self.size] = fit.order_effect
        start[-1] = fit.log_tie or 0.0
        self.base = self.solve(self.counts, start)

    def solve(self, counts: Reals, start: Reals) -> Solution:
        """The maximum on `counts`, shape (3, pairs), reached from `start`; concave, so there is one only."""
        theta = start.copy()
        ties = bool(counts[2].sum() > 0)
        for _ in range(_STEPS):
            gradient, information, _, _ = self._derivatives(counts, theta, ties)
            step = np.linalg.solve(information, gradient)
            if gradient @ step <= _TOLERANCE:
                theta += step
                break
            value, scale = self._value(counts, theta, ties), 1.0
            while (
                self._value(counts, theta + scale * step, ties) < value - 1e-9 * abs(value) and scale > 1e-6
            ):
                scale /= 2.0
            theta += scale * step
        else:
            raise RatingError(
                f"The fit on altered votes had not converged after {_STEPS} steps, so their influence is "
                "unknown. Leave out systems with very few votes."
            )
        return Solution(theta, *self._derivatives(counts, theta, ties)[1:])

    def rated(self, counts: Reals) -> bool:
        """Whether a board of these counts would be published: all systems comparable, some side preferred."""
        met = counts.sum(axis=0) > 0.0
        graph = coo_array(
            (np.ones(int(met.sum())), (self.left[met], self.right[met])), shape=(self.size, self.size)
        )
        groups = connected_components(graph, directed=False, return_labels=False)
        return bool(groups == 1 and counts[:2].sum() > 0.0)

    def _gaps(self, theta: Reals) -> Reals:
        gap: Reals = theta[self.left] - theta[self.right]
        return gap + theta[self.size] if self.order else gap

    def _value(self, counts: Reals, theta: Reals, ties: bool) -> float:
        gap = self._gaps(theta)
        log_total = np.logaddexp(gap / 2.0, -gap / 2.0)
        value = float(0.5 * gap @ (counts[0] - counts[1]))
        if ties:
            log_total = np.logaddexp(log_total, theta[-1])
            value += float(theta[-1] * counts[2].sum())
        held = theta[: self.size + self.order]
        prior = 0.5 * PRIOR_BATTLES * float((log_expit(held) + log_expit(-held)).sum())
        return value - float(counts.sum(axis=0) @ log_total) + prior

    def _derivatives(self, counts: Reals, theta: Reals, ties: bool) -> tuple[Reals, Reals, Reals, Reals]:
        """Gradient and information of all votes and the prior; scores of one vote, by outcome and pair."""
        half = self._gaps(theta) / 2.0
        log_tie = theta[-1] if ties else -np.inf
        top = np.maximum(np.abs(half), log_tie)
        left, right, tie = np.exp(half - top), np.exp(-half - top), np.exp(log_tie - top)
        total = left + right + tie
        lead, tie = (left - right) / total, tie / total
        none = np.zeros_like(lead)
        score_gap = 0.5 * np.stack([1.0 - lead, -1.0 - lead, -lead])
        score_tie = np.stack([-tie, -tie, 1.0 - tie]) if ties else np.stack([none, none, none])
        played = counts.sum(axis=0)
        gradient = self.collect((counts * score_gap).sum(axis=0), float((counts * score_tie).sum()))
        information = self._assemble(
            0.25 * played * (1.0 - tie - lead**2), -0.5 * played * lead * tie, played * tie * (1.0 - tie)
        )
        if not ties:
            information[-1, -1] = 1.0
        held = np.arange(self.size + self.order)
        gradient[held] += PRIOR_BATTLES * (0.5 - expit(theta[held]))
        information[held, held] += PRIOR_BATTLES * expit(theta[held]) * expit(-theta[held])
        return gradient, information, score_gap, score_tie

    def collect(self, along_gap: Reals, along_tie: float) -> Reals:
        """Derivatives by pair, shape (pairs,), as a vector of the parameters."""
        vector = np.zeros(self.size + self.order + 1)
        vector[: self.size] = np.bincount(self.left, along_gap, self.size)
        vector[: self.size] -= np.bincount(self.right, along_gap, self.size)
        if self.order:
            vector[self.size] = along_gap.sum()
        vector[-1] = along_tie
        return vector

    def _assemble(self, gap: Reals, cross: Reals, tie: Reals) -> Reals:
        """Second derivatives by pair, each of shape (pairs,), as one matrix of the parameters."""
        size = self.size
        matrix = np.diag(np.concatenate([self._at_ends(gap, 1.0), np.zeros(self.order + 1)]))
        off = np.bincount(self.left * size + self.right, gap, size * size).reshape(size, size)
        matrix[:size, :size] -= off + off.T
        matrix[:size, -1] = matrix[-1, :size] = self._at_ends(cross, -1.0)
        matrix[-1, -1] = tie.sum()
        if self.order:
            matrix[:size, size] = matrix[size, :size] = self._at_ends(gap, -1.0)
            matrix[size, size] = gap.sum()
            matrix[size, -1] = matrix[-1, size] = cross.sum()
        return matrix

    def _at_ends(self, of_pair: Reals, sign: float) -> Reals:
        """Shape (systems,): sum over pairs with it on the left, plus `sign` times that on the right."""
        total: Reals = np.bincount(self.left, of_pair, self.size) + sign * np.bincount(
            self.right, of_pair, self.size
        )
        return total

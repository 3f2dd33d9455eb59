"""A fit on altered counts: what the board would be without some votes, or with more.

The same model, design and prior as the given fit, by Newton steps that start from a neighbouring solution. A
question such as "which removal flips this order?" asks for thousands of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from evalharness.errors import RatingError
from evalharness.ratings.design import Slot
from evalharness.ratings.maximum import climb
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.outcomes import BAD, LEVEL, Chances
from evalharness.ratings.tally import BOTH_BAD, RIGHT, TIE, Codes, Tally

__all__ = ["Recount", "Solution"]

_TRACE = 1e-6
"""Votes left of a kind of draw that is removed altogether, so that its weight stays finite: strengths then
differ from those without that parameter by about as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The maximum on some counts."""

    theta: Reals
    """Shape (parameters,), in the fitted gauge: only differences of strengths mean something."""
    information: Reals
    slots: tuple[Slot, ...]
    chances: Chances

    def pull(self, i: int, j: int) -> Reals:
        """Shape (4 * cells,): by how much one vote of each kind holds i above j, to first order."""
        contrast = np.zeros(len(self.theta))
        contrast[i], contrast[j] = 1.0, -1.0
        axis = np.linalg.solve(self.information, contrast)
        score = self.chances.score
        pull = np.zeros(score.shape[1:])
        for slot in self.slots:
            for predictor, gain in slot.gains:
                pull += axis[slot.where] * gain * score[predictor]
        return pull.ravel()


class Recount:
    """The cells of a fit, their counts, and the solution that these lead to."""

    def __init__(self, fit: Fit, votes: Tally) -> None:
        self.fit, self.cells, self.held = fit, fit.cells, fit.design.held()
        self.counts: Reals = fit.cells.counts
        """Shape (4, cells): votes by outcome."""
        self.kind: Codes = fit.cells.answers(votes)
        """Shape (votes,): place of each vote in the flattened counts."""
        self.base = self.solve(self.counts, fit.theta)

    def solve(self, counts: Reals, start: Reals) -> Solution:
        """The maximum on `counts`, shape (4, cells), reached from `start`."""
        fit = self.fit
        found = climb(fit.model, fit.design, self.cells, self._with_traces(counts), start)
        if not found.converged:
            raise RatingError(
                f"The fit on altered votes had not converged after {found.iterations} steps, so their "
                "influence is unknown. Leave out systems with very few votes."
            )
        return Solution(found.theta, found.information, found.slots, found.chances)

    def rated(self, counts: Reals) -> bool:
        """Whether a board of these counts would be published: all systems comparable, some side preferred."""
        met, size = counts.sum(axis=0) > 0.0, len(self.fit.systems)
        pairs = (np.ones(int(met.sum())), (self.cells.left[met], self.cells.right[met]))
        graph = coo_array(pairs, shape=(size, size))
        groups = connected_components(graph, directed=False, return_labels=False)
        return bool(groups == 1 and counts[: RIGHT + 1].sum() > 0.0)

    def _with_traces(self, counts: Reals) -> Reals:
        design, bad_apart = self.fit.design, self.fit.model.predictors > BAD
        draws = {LEVEL: [TIE] if bad_apart else [TIE, BOTH_BAD], BAD: [BOTH_BAD]}
        gone = [draws[p][0] for p in (LEVEL, BAD) if p in design.fitted and not counts[draws[p]].any()]
        if not gone:
            return counts
        traced = counts.copy()
        traced[gone] += _TRACE * counts.sum(axis=0) / counts.sum()
        return traced

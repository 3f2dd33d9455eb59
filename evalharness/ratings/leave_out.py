"""How the parameters of a fit move when each voter, or each prompt, is left out: one Newton step each.

For cluster g with score s_g and information H_g: d_g = -(H - H_g)^-1 s_g. A cluster holds a small share
of the information, so d <- H^-1 (H_g d - s_g) converges in a few rounds, each one pass over the votes for
all clusters together; the few clusters for which it has not are solved one by one.
"""

from __future__ import annotations

import numpy as np

from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.tally import TIE, Codes, Tally

__all__ = ["leave_out_moves", "vote_scores"]

_ROUNDS = 40
_PRECISION = 1e-9
"""On the last round's change against the move's largest entry."""


def leave_out_moves(fit: Fit, votes: Tally, cluster: Codes, groups: int) -> Reals:
    """Shape (groups, parameters): how the parameters move when each cluster is left out.

    `cluster` has shape (votes,) with codes from 0 to `groups` - 1. The prior stays, so the systems
    remain on one scale even without a cluster that alone held them together.
    """
    return _LeaveOut(fit, votes, cluster, groups).moves()


def vote_scores(fit: Fit, votes: Tally) -> tuple[Reals, Reals]:
    """Each vote's score: derivatives of its log-likelihood to the gap and to the log tie parameter."""
    outcome = np.minimum(votes.outcome, TIE)
    where = (outcome, votes.left, votes.right)
    return fit.terms.score_gap[where], fit.terms.score_tie[where]


class _LeaveOut:
    """Solves (H - H_g) d_g = -s_g for every cluster at once.

    A cluster holds a small share of the information, so d <- H^-1 (H_g d - s_g) converges in a few
    rounds with one pass over the votes each; the few clusters for which it has not are solved one by one.
    """

    def __init__(self, fit: Fit, votes: Tally, cluster: Codes, groups: int) -> None:
        self.fit, self.votes, self.cluster, self.groups = fit, votes, cluster, groups
        pair = (votes.left, votes.right)
        self.gap = fit.terms.information_gap[pair]
        self.cross = fit.terms.information_cross[pair]
        self.tie = fit.terms.information_tie[pair]
        self.at_left = cluster * fit.parameters + votes.left
        self.at_right = cluster * fit.parameters + votes.right

    def moves(self) -> Reals:
        """Shape (groups, parameters): how the parameters move when each cluster is left out."""
        inverse = np.linalg.inv(self.fit.information)
        score = self._collect(*vote_scores(self.fit, self.votes))
        moves = -score @ inverse
        open_still = np.ones(self.groups, dtype=bool)
        for _ in range(_ROUNDS):
            proposed = (self._information_times(moves) - score) @ inverse
            change = np.abs(proposed - moves).max(axis=1)
            moves = proposed
            open_still = change > _PRECISION * np.abs(moves).max(axis=1)
            if not open_still.any():
                break
        for code in np.flatnonzero(open_still):
            rest = self.fit.information - self._information_of(int(code))
            moves[code] = -np.linalg.solve(rest, score[code])
        return moves

    def _collect(self, gap: Reals, tie: Reals) -> Reals:
        """Per-vote derivatives to gap and log tie parameter, summed by cluster and parameter."""
        parameters, size = self.fit.parameters, len(self.fit.systems)
        length = self.groups * parameters
        pulled_left: Reals = np.bincount(self.at_left, gap, length).astype(float)
        flat = pulled_left - np.bincount(self.at_right, gap, length)
        total = flat.reshape(self.groups, parameters)
        if self.fit.order_effect is not None:
            total[:, size] = np.bincount(self.cluster, gap, self.groups)
        if self.fit.log_tie is not None:
            total[:, -1] = np.bincount(self.cluster, tie, self.groups)
        return total

    def _information_times(self, moves: Reals) -> Reals:
        flat = moves.ravel()
        along_gap = flat[self.at_left] - flat[self.at_right]
        if self.fit.order_effect is not None:
            along_gap += moves[:, len(self.fit.systems)][self.cluster]
        if self.fit.log_tie is None:
            return self._collect(self.gap * along_gap, along_gap)
        along_tie = moves[:, -1][self.cluster]
        return self._collect(
            self.gap * along_gap + self.cross * along_tie, self.cross * along_gap + self.tie * along_tie
        )

    def _information_of(self, code: int) -> Reals:
        size = len(self.fit.systems)
        rows = self.cluster == code
        pair = self.votes.left[rows] * size + self.votes.right[rows]
        times = np.bincount(pair, minlength=size * size).reshape(size, size)
        terms = self.fit.terms
        return self.fit.assemble(
            times * terms.information_gap, times * terms.information_cross, times * terms.information_tie
        )

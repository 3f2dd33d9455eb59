"""How the parameters of a fit move when each voter, or each prompt, is left out: one Newton step each.

For cluster g with score s_g and information H_g: d_g = -(H - H_g)^-1 s_g. A cluster holds a small share of
the information, so d <- H^-1 (H_g d - s_g) converges in a few rounds, each one pass over the votes of the
clusters that are still moving. Clusters that hold under half a percent of every system's votes need none:
-H^-1 s_g is within about that share of their move. The few that do not settle are solved one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalharness.ratings.cells import Reals
from evalharness.ratings.newton import Fit, assembled
from evalharness.ratings.tally import Codes, Tally

__all__ = ["cluster_scores", "leave_out_moves", "vote_scores"]

_ROUNDS = 40
_PRECISION = 1e-9
"""On the last round's change against the move's largest entry."""
_NEGLIGIBLE = 0.005
"""Share of a system's votes up to which a cluster's own information may be left out of its move."""
_BLOCK = 1 << 20
"""Votes handled at a time, so that memory does not grow with them."""


def vote_scores(fit: Fit) -> Reals:
    """Shape (slots, 4 * cells): what one vote adds to the score, by parameter of its cell and answer.

    `fit.slots` says which parameter of the model each row belongs to; `Cells.answers` which column each
    vote takes.
    """
    score = fit.chances.score
    rows = [sum(gain * score[predictor] for predictor, gain in slot.gains) for slot in fit.slots]
    return np.stack([np.broadcast_to(row, score.shape[1:]).ravel() for row in rows])


def cluster_scores(fit: Fit, votes: Tally, cluster: Codes, groups: int) -> Reals:
    """Shape (groups, parameters): the score of each cluster's votes, in the fitted gauge.

    `cluster` has shape (votes,) with codes from 0 to `groups` - 1.
    """
    table = vote_scores(fit)
    answers = fit.cells.answers(votes)
    total = np.zeros((groups, fit.parameters))
    for rows in _blocks(votes.votes):
        answer = answers[rows]
        _collect(fit, total, cluster[rows], fit.cells.of_vote[rows], (column[answer] for column in table))
    return total


def leave_out_moves(fit: Fit, votes: Tally, cluster: Codes, groups: int) -> Reals:
    """Shape (groups, parameters): how the reported parameters move when each cluster is left out.

    `cluster` has shape (votes,) with codes from 0 to `groups` - 1. The prior stays, so the systems
    remain on one scale even without a cluster that alone held them together.
    """
    inverse: Reals = np.linalg.inv(fit.information).astype(float)
    score = cluster_scores(fit, votes, cluster, groups)
    moves: Reals = -score @ inverse
    weighty = _largest_share(fit, votes, cluster, groups) > _NEGLIGIBLE
    if fit.design.covariates:  # a small cluster may hold much of what is known of an effect
        weighty[:] = True
    if weighty.any():
        chosen = np.flatnonzero(weighty)
        place = np.full(groups, -1)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(weighty[cluster])
        moves[chosen] = _settled(
            fit, fit.cells.of_vote[rows], place[cluster[rows]], score[chosen], moves[chosen], inverse
        )
    reported: Reals = moves @ fit.gauge.T
    return reported


def _settled(fit: Fit, cell: Codes, cluster: Codes, score: Reals, moves: Reals, inverse: Reals) -> Reals:
    """The moves of clusters that count, each to `_PRECISION`; `cell` and `cluster` belong to their votes."""
    open_still = np.ones(len(moves), dtype=bool)
    for _ in range(_ROUNDS):
        at = np.flatnonzero(open_still)
        mine = open_still[cluster]
        place = np.full(len(moves), -1)
        place[at] = np.arange(len(at))
        pushed = _information_times(fit, cell[mine], place[cluster[mine]], moves[at])
        proposed = (pushed - score[at]) @ inverse
        change = np.abs(proposed - moves[at]).max(axis=1)
        moves[at] = proposed
        open_still[at] = change > _PRECISION * np.abs(proposed).max(axis=1)
        if not open_still.any():
            return moves
    for code in np.flatnonzero(open_still):
        times = np.bincount(cell[cluster == code], minlength=len(fit.cells.left))
        own = assembled(fit.design, fit.slots, times * fit.chances.information)
        moves[code] = -np.linalg.solve(fit.information - own, score[code])
    return moves


def _information_times(fit: Fit, cell: Codes, cluster: Codes, moves: Reals) -> Reals:
    """Each cluster's information times its move, shape (groups, parameters)."""
    total = np.zeros_like(moves)
    flat, size = moves.ravel(), fit.parameters
    for rows in _blocks(len(cell)):
        of, at = cluster[rows], cell[rows]
        along = np.zeros((len(fit.chances.information), len(at)))
        for slot in fit.slots:
            where = slot.where if isinstance(slot.where, int) else slot.where[at]
            moved = flat[of * size + where]
            for predictor, gain in slot.gains:
                along[predictor] += moved * (gain if isinstance(gain, float) else gain[at])
        pushed = np.einsum("pqv,qv->pv", fit.chances.information[:, :, at], along)
        _collect(
            fit,
            total,
            of,
            at,
            (
                sum(pushed[p] * (gain if isinstance(gain, float) else gain[at]) for p, gain in slot.gains)
                for slot in fit.slots
            ),
        )
    return total


def _collect(fit: Fit, total: Reals, cluster: Codes, cell: Codes, values: Iterator[Reals]) -> None:
    """Add per-vote values, one array a slot, to `total`, shape (groups, parameters)."""
    groups, size = total.shape
    flat = total.reshape(-1)
    for slot, value in zip(fit.slots, values, strict=True):
        if isinstance(slot.where, int):
            total[:, slot.where] += np.bincount(cluster, value, groups)
        else:
            flat += np.bincount(cluster * size + slot.where[cell], value, groups * size)


def _largest_share(fit: Fit, votes: Tally, cluster: Codes, groups: int) -> Reals:
    """Shape (groups,): the largest share that each cluster has in any one system's votes."""
    size = len(fit.systems)
    met = np.zeros(groups * size)
    for rows in _blocks(votes.votes):
        for side in (votes.left, votes.right):
            met += np.bincount(cluster[rows] * size + side[rows], minlength=groups * size)
    by_cluster = met.reshape(groups, size)
    share: Reals = (by_cluster / by_cluster.sum(axis=0)).max(axis=1)
    return share


def _blocks(votes: int) -> Iterator[slice]:
    for start in range(0, votes, _BLOCK):
        yield slice(start, min(start + _BLOCK, votes))

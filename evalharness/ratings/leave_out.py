"""How the parameters of a fit move when each voter, or each prompt, is left out: one Newton step each.

For cluster g with score s_g and information H_g: d_g = -(H - H_g)^-1 s_g. A cluster holds a small share of
the information, so d <- H^-1 (H_g d - s_g) converges in a few rounds, each one pass over the votes of the
clusters that are still moving. Clusters that hold under half a percent of every system's votes need none:
-H^-1 s_g is within about that share of their move. The few that do not settle are solved one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalharness.ratings.cells import Reals
from evalharness.ratings.maximum import assembled
from evalharness.ratings.newton import Fit
from evalharness.ratings.tally import Codes, Tally

__all__ = ["cluster_scores", "leave_out_moves", "vote_scores"]

_ROUNDS = 40
_PRECISION = 1e-9
"""On the last round's change against the move's largest entry."""
_NEGLIGIBLE = 0.005
"""Share of a system's votes up to which a cluster's own information may be left out of its move."""
_BLOCK = 1 << 19
"""Votes handled at a time, at least, so that memory does not grow with them."""


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
    total = np.zeros((groups, fit.parameters))
    for rows in _blocks(votes.votes, total.size):
        answer = fit.cells.answers(votes, rows)
        _collect(fit, total, cluster[rows], fit.cells.of_vote[rows], (column[answer] for column in table))
    return total


def leave_out_moves(fit: Fit, votes: Tally, cluster: Codes, groups: int) -> Reals:
    """Shape (groups, parameters): how the reported parameters move when each cluster is left out.

    `cluster` has shape (votes,) with codes from 0 to `groups` - 1. The prior stays, so the systems
    remain on one scale even without a cluster that alone held them together.
    """
    inverse: Reals = np.linalg.inv(fit.information).astype(float)
    weighty = _largest_share(fit, votes, cluster, groups) > _NEGLIGIBLE
    if fit.design.covariates:  # a small cluster may hold much of what is known of an effect
        weighty[:] = True
    chosen = np.flatnonzero(weighty)
    score = cluster_scores(fit, votes, cluster, groups)
    own = score[chosen]
    moves: Reals = score @ (-inverse @ fit.gauge.T)
    if len(chosen):
        moves[chosen] = _settled(fit, cluster, chosen, own, inverse) @ fit.gauge.T
    return moves


def _settled(fit: Fit, cluster: Codes, chosen: Codes, score: Reals, inverse: Reals) -> Reals:
    """Shape (chosen, parameters): the moves of the clusters that count, each to `_PRECISION`."""
    moves: Reals = -score @ inverse
    at = np.arange(len(chosen))
    for _ in range(_ROUNDS):
        pushed = _information_times(fit, cluster, chosen[at], moves[at])
        proposed = (pushed - score[at]) @ inverse
        change = np.abs(proposed - moves[at]).max(axis=1)
        moves[at] = proposed
        at = at[change > _PRECISION * np.abs(proposed).max(axis=1)]
        if not len(at):
            return moves
    for place in at:
        times = np.bincount(fit.cells.of_vote[cluster == chosen[place]], minlength=len(fit.cells.left))
        own = assembled(fit.design, fit.slots, times * fit.chances.information)
        moves[place] = -np.linalg.solve(fit.information - own, score[place])
    return moves


def _information_times(fit: Fit, cluster: Codes, chosen: Codes, moves: Reals) -> Reals:
    """The information of each chosen cluster times its move, shape (chosen, parameters)."""
    total = np.zeros_like(moves)
    flat, size = moves.ravel(), fit.parameters
    place = np.full(int(cluster.max()) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    for rows in _blocks(len(cluster), total.size):
        of, at = place[cluster[rows]], fit.cells.of_vote[rows]
        mine = of >= 0
        of, at = of[mine], at[mine]
        along = np.zeros((len(fit.chances.information), len(at)))
        for slot in fit.slots:
            where = slot.where if isinstance(slot.where, int) else slot.where[at]
            moved = flat[of * size + where]
            for predictor, gain in slot.gains:
                along[predictor] += moved * (gain if isinstance(gain, float) else gain[at])
        pushed = np.einsum("pqv,qv->pv", fit.chances.information[:, :, at], along)
        pulls = (
            sum(pushed[p] * (gain if isinstance(gain, float) else gain[at]) for p, gain in slot.gains)
            for slot in fit.slots
        )
        _collect(fit, total, of, at, pulls)
    return total


def _collect(
    fit: Fit, total: Reals, cluster: Codes, cell: NDArray[np.int32], values: Iterator[Reals]
) -> None:
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
    for rows in _blocks(votes.votes, met.size):
        for side in (votes.left, votes.right):
            met += np.bincount(cluster[rows] * size + side[rows], minlength=groups * size)
    by_cluster = met.reshape(groups, size)
    by_cluster /= by_cluster.sum(axis=0)
    share: Reals = by_cluster.max(axis=1)
    return share


def _blocks(votes: int, table: int) -> Iterator[slice]:
    """Rows to add to a table of so many numbers at a time: enough that adding up tables costs little."""
    block = max(_BLOCK, table // 3)
    for start in range(0, votes, block):
        yield slice(start, min(start + block, votes))

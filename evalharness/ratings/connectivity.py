"""Do the votes put all systems on one scale? Three questions about the graph of comparisons.

Comparable: every system is reachable from every other through pairs that met; otherwise ratings
across the groups would be invented. Separated: some votes went one way only, so that the likelihood
has no maximum (Ford 1957: it has one exactly when the graph of wins is strongly connected). Held by
one: clusters (a voter, a prompt) without which the systems would not be comparable.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from evalharness.errors import DisconnectedError
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE, Codes, Tally

__all__ = ["comparable_groups", "holding_clusters", "one_way_groups", "require_comparable"]


def comparable_groups(votes: Tally) -> tuple[tuple[str, ...], ...]:
    """Systems that met, directly or through others; one group means that all are on one scale."""
    return _groups(votes, votes.pairs > 0, strong=False)


def require_comparable(votes: Tally) -> None:
    """Raise DisconnectedError, with the groups named, unless all systems are on one scale."""
    groups = comparable_groups(votes)
    if len(groups) > 1:
        raise DisconnectedError(groups)


def one_way_groups(votes: Tally, *, draws_decide: bool = False) -> tuple[tuple[str, ...], ...]:
    """Groups between which no decisive votes went both ways; one group means that the maximum exists.

    Where a draw is an outcome with a weight of its own it bounds no distance: a system that won once and
    drew ever after could be any distance ahead, at a larger weight. `draws_decide` is for half wins, where a
    draw speaks for either side.
    """
    beats = votes.counts[LEFT] + votes.counts[RIGHT].T
    if draws_decide:
        drawn = votes.counts[TIE] + votes.counts[BOTH_BAD]
        beats = beats + drawn + drawn.T
    return _groups(votes, beats > 0, strong=True)


def holding_clusters(votes: Tally, cluster: Codes) -> Codes:
    """Codes of the clusters (voters or prompts) whose removal leaves the systems not comparable.

    `cluster` has shape (votes,). Only a cluster that alone made a pair of some spanning tree meet can be one,
    so it is enough to look at one tree.
    """
    size = len(votes.systems)
    met = votes.pairs + votes.pairs.T
    # Pairs that met most hold the board together; where no cluster owns one of them, none is needed.
    tree = minimum_spanning_tree(sparse.csr_array(np.where(met > 0, 1.0 / np.maximum(met, 1), 0.0))).tocoo()
    held = np.zeros((size, size), dtype=bool)
    held[tree.row, tree.col] = held[tree.col, tree.row] = True
    rows = np.flatnonzero(held[votes.left, votes.right])
    pair = _unordered(votes, rows)
    order = np.argsort(pair, kind="stable")
    starts = np.flatnonzero(np.diff(pair[order], prepend=-1))
    lowest = np.minimum.reduceat(cluster[rows][order], starts)
    highest = np.maximum.reduceat(cluster[rows][order], starts)
    suspects = np.unique(lowest[lowest == highest])
    found = []
    for code in suspects:
        left_over = met - _met_in(votes, np.flatnonzero(cluster == code))
        if connected_components(left_over > 0, directed=False, return_labels=False) > 1:
            found.append(code)
    return np.array(found, dtype=np.int64)


def _unordered(votes: Tally, rows: Codes) -> Codes:
    left, right = votes.left[rows], votes.right[rows]
    return np.minimum(left, right) * len(votes.systems) + np.maximum(left, right)


def _met_in(votes: Tally, rows: Codes) -> Codes:
    """Shape (systems, systems), symmetric: how often these votes' pairs met."""
    size = len(votes.systems)
    met = np.bincount(votes.left[rows] * size + votes.right[rows], minlength=size * size).reshape(size, size)
    both: Codes = met + met.T
    return both


def _groups(votes: Tally, edges: NDArray[np.bool_], *, strong: bool) -> tuple[tuple[str, ...], ...]:
    connection = "strong" if strong else "weak"
    number, label = connected_components(edges, directed=True, connection=connection)
    groups = [tuple(votes.systems[i] for i in np.flatnonzero(label == group)) for group in range(number)]
    return tuple(sorted(groups, key=lambda group: (-len(group), group)))

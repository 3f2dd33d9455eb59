"""Do the votes put all systems on one scale? Three questions about the graph of comparisons.

Comparable: every system is reachable from every other through pairs that met; otherwise ratings
across the groups would be invented. Separated: some votes went one way only, so that the likelihood
has no maximum (Ford 1957: it has one exactly when the graph of wins is strongly connected). Held by
one: clusters (a voter, a prompt) without which the systems would not be comparable.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

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


def one_way_groups(votes: Tally) -> tuple[tuple[str, ...], ...]:
    """Groups between which every vote went one way; one group means that the maximum exists.

    A tie and a both-bad speak for either side, as they do in the likelihoods used here.
    """
    drawn = votes.counts[TIE] + votes.counts[BOTH_BAD]
    beats = votes.counts[LEFT] + votes.counts[RIGHT].T + drawn + drawn.T
    return _groups(votes, beats > 0, strong=True)


def holding_clusters(votes: Tally, cluster: Codes) -> Codes:
    """Codes of the clusters (voters or prompts) whose removal leaves the systems not comparable.

    `cluster` has shape (votes,). Only a cluster that alone made some pair meet can be one.
    """
    size = len(votes.systems)
    low, high = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    pair = low * size + high
    total = np.bincount(pair, minlength=size * size)
    # No cluster owns a pair that met more often than the largest cluster has votes.
    small = total[pair] <= np.bincount(cluster).max(initial=0)
    owned, times = np.unique(cluster[small] * (size * size) + pair[small], return_counts=True)
    sole = owned[times == total[owned % (size * size)]]
    met = total.reshape(size, size) > 0
    found = []
    for code in np.unique(sole // (size * size)):
        left_over = met.copy()
        left_over.flat[sole[sole // (size * size) == code] % (size * size)] = False
        if connected_components(left_over, directed=False, return_labels=False) > 1:
            found.append(code)
    return np.array(found, dtype=np.int64)


def _groups(votes: Tally, edges: NDArray[np.bool_], *, strong: bool) -> tuple[tuple[str, ...], ...]:
    connection = "strong" if strong else "weak"
    number, label = connected_components(edges, directed=True, connection=connection)
    groups = [tuple(votes.systems[i] for i in np.flatnonzero(label == group)) for group in range(number)]
    return tuple(sorted(groups, key=lambda group: (-len(group), group)))

"""How often a metric prefers the clip that the voter preferred, and how often another voter does.

Ties and "both bad" name no clip and are left out; they are counted. Where a metric gives both clips the same
value it prefers neither: that counts half, as the toss of a coin would on average. A vote is compared with
the clips of its own pair, so systems need not be rated for it.
"""

from __future__ import annotations

import numpy as np

from evalharness.agreement.joining import Reals, Slice
from evalharness.ratings.shares import Share, clustered

__all__ = ["accuracy", "among_voters"]


def accuracy(votes: Slice, gaps: Reals) -> Share | None:
    """Share of the votes for a side on which the metric prefers that side; None without such a vote.

    `gaps` are those of `Slice.gaps`, of values of which more is better.
    """
    judged = (votes.prefers != 0) & ~np.isnan(gaps)
    if not judged.any():
        return None
    agrees = (np.sign(gaps[judged]) * votes.prefers[judged] + 1) / 2
    return clustered(agrees, votes.voter[judged], votes.prompt[judged])


def among_voters(votes: Slice) -> Share | None:
    """The same of people: share of the votes for a side that another voter on the same clips agrees with.

    Each vote has the mean over the other voters' votes for a side of its pair of clips; None where no pair
    was judged twice. No metric can be expected to do better by much.
    """
    decided = votes.prefers != 0
    first = np.minimum(votes.left, votes.right)[decided]
    second = np.maximum(votes.left, votes.right)[decided]
    toward = (votes.prefers * np.where(votes.left < votes.right, 1.0, -1.0))[decided]
    _, pair = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    pair = pair.ravel()
    times = np.bincount(pair)[pair]
    others = (np.bincount(pair, weights=toward)[pair] - toward)[times > 1] / (times[times > 1] - 1)
    if not others.size:
        return None
    agrees = (others * toward[times > 1] + 1) / 2
    return clustered(agrees, votes.voter[decided][times > 1], votes.prompt[decided][times > 1])

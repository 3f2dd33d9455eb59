"""How often a metric prefers the clip that the voter preferred, and how often another voter does.

Ties and "both bad" name no clip and are left out; they are counted. Where a metric gives both clips the same
value it prefers neither: that counts half, as the toss of a coin would on average. A vote is compared with
the clips of its own pair, so systems need not be rated for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from evalharness.agreement.joining import Codes, Reals, Slice

__all__ = ["CONFIDENCE", "Share", "accuracy", "among_voters", "clustered"]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval, which is that of people and prompts like these."""

    value: float
    low: float
    high: float
    n: int
    """Votes, or pairs of votes, that it is over."""


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


def clustered(agrees: Reals, voter: Codes, prompt: Codes) -> Share:
    """The mean with an interval for votes that share voters and prompts.

    Two-way cluster variance (Cameron, Gelbach & Miller 2011): by voter plus by prompt minus by both, never
    below the larger of the two; t with one less degree of freedom than the fewer of voters and prompts. With
    a single voter or prompt nothing is known of others, and the interval is 0 to 1.
    """
    n, value = len(agrees), float(agrees.mean())
    groups = min(len(np.unique(voter)), len(np.unique(prompt)))
    if groups < 2:
        return Share(value, 0.0, 1.0, n)
    error = agrees - value
    both = np.unique(np.stack([voter, prompt]), axis=1, return_inverse=True)[1].ravel()
    by_voter, by_prompt, by_both = (_scatter(error, codes) / n**2 for codes in (voter, prompt, both))
    spread = np.sqrt(max(by_voter + by_prompt - by_both, by_voter, by_prompt))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) * spread)
    return Share(value, max(0.0, value - reach), min(1.0, value + reach), n)


def _scatter(error: Reals, codes: Codes) -> float:
    """Sum over groups of the squared sums, with the correction for few groups."""
    sums = np.bincount(codes, weights=error)
    groups = len(np.unique(codes))
    return float((sums**2).sum()) * groups / max(1, groups - 1)

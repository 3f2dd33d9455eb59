"""A share of votes, with an interval that knows that votes share voters and prompts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["CONFIDENCE", "Share", "clustered"]

Reals = NDArray[np.float64]
Codes = NDArray[np.int64]
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval, which is that of people and prompts like these."""

    value: float
    low: float
    high: float
    n: int
    """Votes, or pairs of votes, that it is over."""


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

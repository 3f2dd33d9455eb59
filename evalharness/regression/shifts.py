"""How far a mean lies from a value, from a few paired differences: subset means (Hartigan 1969).

If differences lie symmetrically about their centre m, each d_i - m is as likely as its negative, and the
sign-flip test of "the mean is at most m" rejects when few of the 2^n choices of signs give as large a sum. A
choice of signs gives as large a sum exactly where the mean of the flipped subset is at most m, so

    p(m) = (1 + number of nonempty subsets with a mean of at most m) / 2^n

and the interval that inverts the test is cut off by order statistics of the subset means. One set of numbers
thus gives the p value at every m and the interval, and they cannot disagree. Exact for all n where no release
differs from the other at all: the two labels can then be exchanged prompt by prompt, which is the symmetry
asked for. Up to 13 differences all subsets are taken, beyond that 9,999 random ones (Hartigan's theorem holds
for these too).

J. A. Hartigan, "Using subsample values as typical values", JASA 64 (1969) 1303-1317.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shifts", "prompts_for"]

Reals = NDArray[np.float64]

_ALL_UP_TO = 13
_DRAWS = 9_999
_BLOCK = 1_000


class Shifts:
    """Where the centre of these paired differences can lie."""

    def __init__(self, differences: Reals, *, seed: int = 1) -> None:
        """`differences` has shape (prompts,), one or more of them; the seed draws subsets beyond 13."""
        self.n = len(differences)
        means = _all(differences) if self.n <= _ALL_UP_TO else _drawn(differences, seed)
        self._means = np.sort(means)
        self._total = len(means) + 1  # with the empty subset, which always counts
        self._slack = 1e-12 * (1.0 + float(np.abs(differences).max()))

    def p_at_most(self, value: float) -> float:
        """p value of "the mean is at most `value`", against its being greater."""
        return float(1 + np.count_nonzero(self._means <= value + self._slack)) / self._total

    def p_at_least(self, value: float) -> float:
        """p value of "the mean is at least `value`", against its being less."""
        return float(1 + np.count_nonzero(self._means >= value - self._slack)) / self._total

    def interval(self, alpha: float) -> tuple[float, float]:
        """Lower and upper bound, each missed with chance alpha at most; infinite where n is too small."""
        cut = math.floor(alpha * self._total + 1e-9) - 1
        if cut < 0:
            return -math.inf, math.inf
        return float(self._means[cut]), float(self._means[-1 - cut])


def prompts_for(level: float) -> int:
    """The fewest paired prompts with which a p value can reach `level`: 2^-n is the least there is."""
    return max(1, math.ceil(-math.log2(level) - 1e-9))


def _all(differences: Reals) -> Reals:
    n = len(differences)
    members = (np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1
    means: Reals = members @ differences / members.sum(axis=1)
    return means


def _drawn(differences: Reals, seed: int) -> Reals:
    random = np.random.default_rng(seed)
    found = []
    for start in range(0, _DRAWS, _BLOCK):
        members = random.random((min(_BLOCK, _DRAWS - start), len(differences))) < 0.5
        members[~members.any(axis=1)] = True  # an empty one is one in thousands; the whole stands for it
        found.append(members @ differences / members.sum(axis=1))
    return np.concatenate(found)

"""Which ranks the evidence allows, for all systems at once.

A system's best possible rank is 1 + the number of systems significantly above it; its worst is n minus
the number significantly below it. "Significantly" is simultaneous over all pairs: |difference| over its
standard error must pass the max-t critical value, the quantile of the largest such ratio among all pairs
under the estimated covariance (Mogstad, Romano, Shaikh & Wilhelm 2023). So with the stated confidence
every true rank lies in its interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalharness.ratings.newton import Reals

__all__ = ["DRAWS", "Ranks", "max_t_critical", "rank_intervals"]

DRAWS = 10_000
"""Simulated boards behind a critical value."""

_BLOCK = 4_000_000
"""Ratios held in memory at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Rank intervals and the comparisons they rest on."""

    best: NDArray[np.int64]
    """Shape (systems,): best rank the evidence allows, from 1."""
    worst: NDArray[np.int64]
    above: NDArray[np.bool_]
    """Shape (systems, systems): whether the row's system is significantly above the column's."""
    critical: float
    """The max-t critical value, in standard errors of a difference."""


def max_t_critical(
    covariance: Reals, degrees_of_freedom: float, confidence: float, *, seed: int, draws: int = DRAWS
) -> float:
    """Quantile of the largest |z_i - z_j| / se_ij over all pairs, z multivariate t with `covariance`.

    The t rather than the normal distribution, so that few clusters widen ranks as they widen
    intervals. Zero where no two systems differ in more than their mean.
    """
    first, second = np.triu_indices(len(covariance), 1)
    spread = _difference_errors(covariance)[first, second]
    known = spread > 0
    first, second, spread = first[known], second[known], spread[known]
    if not spread.size:
        return 0.0
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    random = np.random.default_rng(seed)
    largest = []
    block = max(1, _BLOCK // spread.size)
    for start in range(0, draws, block):
        size = min(block, draws - start)
        z = random.standard_normal((size, len(root))) @ root.T
        if np.isfinite(degrees_of_freedom):
            z /= np.sqrt(random.chisquare(degrees_of_freedom, (size, 1)) / degrees_of_freedom)
        largest.append((np.abs(z[:, first] - z[:, second]) / spread).max(axis=1))
    return float(np.quantile(np.concatenate(largest), confidence))


def rank_intervals(strengths: Reals, covariance: Reals, critical: float) -> Ranks:
    """Rank intervals of systems with these strengths, shape (systems,), and their covariance.

    Two systems whose difference has no standard error are left undecided.
    """
    gap = strengths[:, None] - strengths[None, :]
    spread = _difference_errors(covariance)
    above = (gap > critical * spread) & (spread > 0)
    best = 1 + above.sum(axis=0)
    worst = len(strengths) - above.sum(axis=1)
    return Ranks(best, worst, above, critical)


def _difference_errors(covariance: Reals) -> Reals:
    """Shape (systems, systems): standard error of each difference; rounding dust counts as zero."""
    own = np.diag(covariance)
    variance = own[:, None] + own[None, :] - 2.0 * covariance
    dust = 1e-12 * (own[:, None] + own[None, :])
    errors: Reals = np.sqrt(np.where(variance > dust, variance, 0.0))
    return errors

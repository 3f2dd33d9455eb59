"""Which ranks the evidence allows, for all systems at once; and how often each would come first.

A system's best possible rank is 1 + the number of systems significantly above it; its worst is n minus the
number significantly below it (Mogstad, Romano, Shaikh & Wilhelm 2023). "Significantly" is simultaneous over
all ordered pairs: t_jk = (s_j - s_k) / se_jk must pass a critical value c, so that with the stated confidence
not one system is wrongly called better than another, and every true rank lies in its interval.

    one step    c = quantile of max_jk (z_j - z_k) / se_jk,  z multivariate t with the estimated covariance
    stepwise    the same maximum over fewer pairs, each moved down by what the board already shows:
                max over the open pairs of (z_j - z_k) / se_jk + min(0, t_jk + c_b)

c_b is the one-step value at error b, a tenth of the whole (Romano, Shaikh & Wolf 2014): save with probability
b, no true gap lies more than c_b standard errors above its estimate, so a system that trails by more needs
that much less allowance for being called better by accident. The quantile is then taken at error alpha - b.
Pairs that pass are closed and the maximum is taken again over the rest, until none passes (Romano & Wolf
2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from evalharness.errors import RatingError
from evalharness.ratings.newton import Reals

__all__ = [
    "DRAWS",
    "RankChances",
    "Ranks",
    "max_t_critical",
    "rank_chances",
    "rank_intervals",
    "stepwise_ranks",
    "tied_groups",
]

DRAWS = 4_000
"""Simulated boards behind a critical value; it then varies by about 0.5 % from seed to seed."""

_FIRST_ERROR = 0.1
"""Share of the error spent on the bounds of the first step; Romano, Shaikh & Wolf advise a tenth."""
_BLOCK = 1_000
"""Simulated boards compared at a time: the differences of one system then stay in the processor's cache."""

_Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """Rank intervals and the comparisons they rest on."""

    best: NDArray[np.int64]
    """Shape (systems,): best rank the evidence allows, from 1."""
    worst: NDArray[np.int64]
    above: NDArray[np.bool_]
    """Shape (systems, systems): whether the row's system is significantly above the column's."""
    critical: float
    """The critical value, in standard errors of a difference."""

    @property
    def tied(self) -> NDArray[np.bool_]:
        """Shape (systems, systems): whether two systems cannot be told apart; nobody ties with itself."""
        undecided: NDArray[np.bool_] = ~(self.above | self.above.T)
        np.fill_diagonal(undecided, False)
        return undecided


@dataclass(frozen=True, slots=True, eq=False)
class RankChances:
    """How ranks fall when strengths are drawn from the t distribution around the estimates.

    This is the posterior under a flat prior: a summary of one board, not a test. It makes no allowance for
    having looked at many systems, and where several tie at the top it divides the first place among them.
    """

    at_most: Reals
    """Shape (systems, systems): at [i, k - 1] the chance that system i is among the best k."""
    expected: Reals
    """Shape (systems,): expected rank, from 1."""

    @property
    def first(self) -> Reals:
        """Shape (systems,): chance to be the best; sums to 1."""
        return self.at_most[:, 0]

    def top(self, k: int) -> Reals:
        """Shape (systems,): chance to be among the best `k`; sums to k. Raises RatingError for no such k."""
        if not 1 <= k <= len(self.expected):
            raise RatingError(
                f"Asked for the best {k} of {len(self.expected)} systems; choose a number from 1 to "
                f"{len(self.expected)}."
            )
        return self.at_most[:, k - 1]


def max_t_critical(
    covariance: Reals, degrees_of_freedom: float, confidence: float, *, seed: int, draws: int = DRAWS
) -> float:
    """The one-step critical value: quantile of the largest |z_i - z_j| / se_ij over all pairs.

    z is multivariate t with `covariance`, rather than normal, so that few clusters widen ranks as they
    widen intervals. Zero where no two systems differ in more than their mean.
    """
    errors = _difference_errors(covariance)
    if not errors.any():
        return 0.0
    simulated = _simulated(covariance, degrees_of_freedom, seed, draws)
    return float(np.quantile(_largest_ratio(simulated, errors), confidence))


def rank_intervals(strengths: Reals, covariance: Reals, critical: float) -> Ranks:
    """Rank intervals of systems with these strengths, shape (systems,), and their covariance.

    Two systems whose difference has no standard error are left undecided.
    """
    gap = strengths[:, None] - strengths[None, :]
    errors = _difference_errors(covariance)
    above = (gap > critical * errors) & (errors > 0)
    best = 1 + above.sum(axis=0)
    worst = len(strengths) - above.sum(axis=1)
    return Ranks(best, worst, above, critical)


def stepwise_ranks(
    strengths: Reals,
    covariance: Reals,
    degrees_of_freedom: float,
    confidence: float,
    *,
    seed: int,
    draws: int = DRAWS,
) -> Ranks:
    """Rank intervals by the stepwise critical value: narrower than one step wherever some gaps are clear.

    `strengths` has shape (systems,), `covariance` (systems, systems) in the same unit squared. The same
    simulated boards serve every step. Where nothing at all is clear the critical value is larger than
    the one-step value by about 1 %, the price of having looked.
    """
    errors = _difference_errors(covariance)
    open_pairs = errors > 0
    if not open_pairs.any():
        return rank_intervals(strengths, covariance, 0.0)
    simulated = _simulated(covariance, degrees_of_freedom, seed, draws)
    alpha = 1.0 - confidence
    spent = _FIRST_ERROR * alpha
    largest = _largest_ratio(simulated, errors)
    bound = float(np.quantile(largest, 1.0 - spent))
    ratio = (strengths[:, None] - strengths[None, :]) / np.where(open_pairs, errors, np.inf)
    allowance = np.minimum(0.0, ratio + bound)
    # A pair moved down by c_b would have to err by more than 2 c_b to matter, and none of the simulated does.
    open_pairs &= allowance > -bound
    exceeding = int((alpha - spent) * draws * (1.0 + 1e-9))
    while True:
        critical = _exceeded_by(exceeding, largest, simulated, errors, open_pairs, allowance)
        passed = open_pairs & (ratio > critical)
        open_pairs &= ~passed
        if not (passed.any() and open_pairs.any()):
            return rank_intervals(strengths, covariance, critical)


def tied_groups(ranks: Ranks, strengths: Reals) -> tuple[tuple[int, ...], ...]:
    """Runs of neighbours, best first, in which no two systems can be told apart, each as long as can be.

    A system may stand in several groups: being tied is not handed on, the first may tie with the second
    and the second with the third while the first is clearly above the third. `Ranks.tied` has every pair.
    """
    order = np.argsort(-strengths, kind="stable")
    tied = ranks.tied[np.ix_(order, order)]
    groups: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and tied[start:end, end].all():
            end += 1
        if end > reached:
            groups.append(tuple(int(place) for place in order[start:end]))
            reached = end
    return tuple(groups)


def rank_chances(
    strengths: Reals, covariance: Reals, degrees_of_freedom: float, *, seed: int, draws: int = DRAWS
) -> RankChances:
    """Chances of first place and of the best k, from simulated boards; the expected rank without simulation.

    A chance p has the simulation error sqrt(p (1 - p) / draws): at most 0.8 points with 4,000 draws.
    """
    size = len(strengths)
    simulated = strengths.astype(np.float32)[:, None] + _simulated(
        covariance, degrees_of_freedom, seed, draws
    )
    order = np.argsort(-simulated.T, axis=1, kind="stable")
    place = order * size + np.arange(size)
    share = np.bincount(place.ravel(), minlength=size * size).reshape(size, size) / draws
    errors = _difference_errors(covariance)
    gap = strengths[:, None] - strengths[None, :]
    certain = np.where(gap == 0, 0.5, gap > 0)
    ratio = gap / np.where(errors > 0, errors, 1.0)
    beaten_by = np.where(errors > 0, stdtr(degrees_of_freedom, ratio), certain).sum(axis=0) - 0.5
    return RankChances(np.cumsum(share, axis=1), 1.0 + beaten_by)


def _simulated(covariance: Reals, degrees_of_freedom: float, seed: int, draws: int) -> _Singles:
    """Shape (systems, draws): errors of the strengths, multivariate t with `covariance`.

    Single precision: its rounding is a ten-thousandth of the simulation's own error.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
    random = np.random.default_rng(seed)
    simulated: _Singles = root @ random.standard_normal((len(root), draws), dtype=np.float32)
    if np.isfinite(degrees_of_freedom):
        scale = np.sqrt(random.chisquare(degrees_of_freedom, draws) / degrees_of_freedom)
        simulated /= scale.astype(np.float32)
    return simulated


def _largest_ratio(simulated: _Singles, errors: Reals) -> _Singles:
    """Shape (draws,): the largest |z_i - z_j| / se_ij over all pairs with a standard error."""
    draws = simulated.shape[1]
    largest = np.zeros(draws, dtype=np.float32)
    weight = np.divide(1.0, errors, out=np.zeros_like(errors), where=errors > 0).astype(np.float32)
    for start in range(0, draws, _BLOCK):
        block = np.ascontiguousarray(simulated[:, start : start + _BLOCK])
        so_far = largest[start : start + _BLOCK]
        for own in range(len(block) - 1):
            ratio = block[own + 1 :] - block[own]
            ratio *= weight[own, own + 1 :, None]
            np.maximum(so_far, ratio.max(axis=0), out=so_far)
            np.maximum(so_far, -ratio.min(axis=0), out=so_far)
    return largest


def _exceeded_by(
    count: int,
    largest: _Singles,
    simulated: _Singles,
    errors: Reals,
    pairs: NDArray[np.bool_],
    allowance: Reals,
) -> float:
    """The value that `count` of the simulated boards exceed, in their largest lowered ratio over `pairs`.

    `largest`, shape (draws,), bounds each board's from above: the same over more pairs, or lowered less. It
    is brought up to date only for the boards that can be among the highest `count` + 1, highest bounds first.
    """
    found = np.full(len(largest), -np.inf, dtype=np.float32)
    order = np.argsort(-largest, kind="stable")
    batch = count + 1
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        found[chosen] = _largest_lowered(simulated[:, chosen], errors, pairs, allowance)
        value = np.partition(found, -count - 1)[-count - 1]
        done = start + batch
        if done >= len(order) or value >= largest[order[done]]:
            break
    known = order[:done]
    largest[known] = found[known]
    return float(value)


def _largest_lowered(
    simulated: _Singles, errors: Reals, pairs: NDArray[np.bool_], allowance: Reals
) -> _Singles:
    """Shape (draws,): the largest (z_j - z_k) / se_jk + allowance_jk over the ordered pairs."""
    weight = (1.0 / np.where(pairs, errors, 1.0)).astype(np.float32)
    lowered = allowance.astype(np.float32)
    largest = np.full(simulated.shape[1], -np.inf, dtype=np.float32)
    for own in np.flatnonzero(pairs.any(axis=1)):
        others = np.flatnonzero(pairs[own])
        ratio = simulated[own] - simulated[others]
        ratio *= weight[own, others, None]
        ratio += lowered[own, others, None]
        np.maximum(largest, ratio.max(axis=0), out=largest)
    return largest


def _difference_errors(covariance: Reals) -> Reals:
    """Shape (systems, systems): standard error of each difference; rounding dust counts as zero."""
    own = np.diag(covariance)
    variance = own[:, None] + own[None, :] - 2.0 * covariance
    dust = 1e-12 * (own[:, None] + own[None, :])
    errors: Reals = np.sqrt(np.where(variance > dust, variance, 0.0))
    return errors

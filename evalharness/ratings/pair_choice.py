"""Which systems should meet next, so that votes go where the order is still open.

Every vote narrows *some* difference, but most differences are settled early: only votes on pairs whose order
is unsure move the ranking. The chance of the pair (i, j) is built from four parts:

    gap-aware    (v Phi(-|d| / sqrt(v)))^4        d: estimated difference, v: its variance. The variance that
                                                  votes can reduce times the chance that d has the wrong sign,
                                                  sharpened
    placement    newcomers, systems with few votes, take half the battles, against opponents from whom most
                 is learnt about where they stand: nearest in strength, as far as that is known yet
    quota        established pairs that met less often than asked go before gap-aware ones
    exploration  a tenth goes to all pairs alike, so that every pair keeps a chance above 0 and any estimate
                 can be reweighted by 1 / chance (Horvitz & Thompson 1952)

Gap-aware choice settles the *order* with fewer votes. It does not make the intervals of ratings narrower but
wider, since systems whose place is clear get fewer votes. Strengths and variances are in logits, as `Fit` and
`Covariance` have them. Pure: the same votes give the same chances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from evalharness.errors import RatingError
from evalharness.ratings.fitting import estimate
from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import Codes, Tally

__all__ = ["EXPLORE", "NEWCOMER_VOTES", "PLACEMENT", "SHARPNESS", "pair_preference", "pair_weights"]

EXPLORE = 0.1
"""Share of the battles drawn from all pairs alike."""
NEWCOMER_VOTES = 30
"""Under this many votes a system is a newcomer."""
PLACEMENT = 0.5
"""Share of the other battles that newcomers take, or their share of the systems where that is more. Not all
of them: no voter should see the same system in every pair."""
SHARPNESS = 4
"""Power of the gap-aware score: 1 spreads votes over pairs that are nearly settled, and 8 settles no more."""


def pair_weights(
    strengths: Reals,
    covariance: Reals,
    meetings: Codes,
    *,
    explore: float = EXPLORE,
    newcomer_votes: int = NEWCOMER_VOTES,
    quota: int = 0,
) -> Reals:
    """Chance of every pair to be the next battle, shape (systems, systems).

    Symmetric with a zero diagonal; the upper triangle sums to one and no entry in it is less than
    `explore` / number of pairs. `strengths` has shape (systems,), `covariance` (systems, systems);
    `meetings` (systems, systems) counts votes by system and opponent, whichever was on the left. A pair that
    met less than `quota` times goes before better-known ones, once its systems are placed.

    Raises RatingError for fewer than two systems, shapes that do not fit, numbers that are not finite, or
    settings out of range.
    """
    strengths, covariance = np.asarray(strengths, dtype=float), np.asarray(covariance, dtype=float)
    met = np.asarray(meetings)
    _check(strengths, covariance, met, explore, newcomer_votes, quota)
    anyone = ~np.eye(len(strengths), dtype=bool)
    gap = strengths[:, None] - strengths[None, :]
    variance = _difference_variance(covariance)
    votes = met.sum(axis=1)
    newcomer = votes < newcomer_votes
    established = anyone & ~newcomer[:, None] & ~newcomer[None, :]
    short = np.where(established, np.maximum(quota - met, 0), 0).astype(float)
    wanted = short if short.any() else _gap_aware(gap, np.where(established, variance, 0.0))
    preferred = _shares(wanted, established)
    if newcomer.any():
        shortfall = np.where(newcomer, newcomer_votes - votes, 0).astype(float)
        placing = _placement(shortfall, gap, variance, anyone)
        share = max(PLACEMENT, float(newcomer.mean())) if established.any() else 1.0
        preferred = share * placing + (1.0 - share) * preferred
    chances: Reals = explore * _shares(anyone.astype(float), anyone) + (1.0 - explore) * preferred
    return chances


def pair_preference(
    votes: Tally,
    systems: Sequence[str],
    *,
    explore: float = EXPLORE,
    newcomer_votes: int = NEWCOMER_VOTES,
    quota: int = 0,
) -> Reals:
    """`pair_weights` among `systems`, in their order, from the votes cast so far.

    Strengths and covariance are those of `estimate`. A system without a vote is taken for one like the
    others: their mean strength, with their spread as its uncertainty. Systems that have votes and are
    not in `systems` count in the fit and get no chance. Raises RatingError where the votes allow no rating
    yet (choose balanced pairs until they do), and as `pair_weights` does.
    """
    found, _ = estimate(votes)
    rated, spread = found.fit.strengths, found.strength_covariance
    size = len(systems)
    place = {name: number for number, name in enumerate(votes.systems)}
    here = np.array([name in place for name in systems], dtype=bool)
    there = np.array([place[name] for name in systems if name in place], dtype=np.int64)
    strengths = np.zeros(size)
    strengths[here] = rated[there]
    covariance = np.diag(np.full(size, float(np.mean(rated**2) + np.mean(np.diag(spread)))))
    covariance[np.ix_(here, here)] = spread[np.ix_(there, there)]
    meetings = np.zeros((size, size), dtype=np.int64)
    meetings[np.ix_(here, here)] = (votes.pairs + votes.pairs.T)[np.ix_(there, there)]
    return pair_weights(
        strengths, covariance, meetings, explore=explore, newcomer_votes=newcomer_votes, quota=quota
    )


def _gap_aware(gap: Reals, variance: Reals) -> Reals:
    """The sharpened score of each difference, 1 for the highest; 0 where nothing is left to learn."""
    error = np.sqrt(variance)
    distance = np.divide(np.abs(gap), error, out=np.full_like(error, np.inf), where=error > 0)
    score: Reals = variance * ndtr(-distance)
    sharp: Reals = (score / max(score.max(), np.finfo(float).tiny)) ** SHARPNESS
    return sharp


def _placement(shortfall: Reals, gap: Reals, variance: Reals, anyone: NDArray[np.bool_]) -> Reals:
    """Newcomers by how many votes they lack; opponents by the information one vote is expected to give.

    That is p (1 - p) at the expected gap, shrunk as the gap is unsure (MacKay 1992). Newcomers meet
    established systems, whose place is known, wherever these are the majority.
    """
    known = shortfall == 0
    allowed = anyone & known[None, :] if known.mean() > 0.5 else anyone
    win = expit(gap / np.sqrt(1.0 + np.pi / 8.0 * variance))
    information = np.where(allowed, win * (1.0 - win), 0.0)
    # Beyond a gap of some 700 logits p (1 - p) is 0 in floating point: then all opponents are alike.
    total = information.sum(axis=1, keepdims=True)
    opponent = np.where(total > 0, information, allowed) / np.where(
        total > 0, total, allowed.sum(axis=1, keepdims=True)
    )
    chosen = shortfall[:, None] * opponent
    return _shares(chosen + chosen.T, anyone)


def _shares(weights: Reals, allowed: NDArray[np.bool_]) -> Reals:
    """Symmetric weights as chances of unordered pairs; all `allowed` ones alike where every weight is 0."""
    if not weights.any():
        weights = allowed.astype(float)
    shares: Reals = weights / max(weights.sum() / 2.0, np.finfo(float).tiny)
    return shares


def _difference_variance(covariance: Reals) -> Reals:
    own = np.diag(covariance)
    variance: Reals = np.maximum(own[:, None] + own[None, :] - covariance - covariance.T, 0.0)
    return variance


def _check(
    strengths: Reals, covariance: Reals, met: Codes, explore: float, newcomer_votes: int, quota: int
) -> None:
    size = len(strengths)
    if strengths.ndim != 1 or covariance.shape != (size, size) or met.shape != (size, size):
        raise RatingError(
            f"Pair chances need strengths of shape (n,) and covariance and meetings of shape (n, n); found "
            f"{strengths.shape}, {covariance.shape} and {met.shape}. Give all three for the same systems."
        )
    if not np.array_equal(met, met.T):
        raise RatingError(
            "Meetings must count each pair whichever side its systems were on, so that the table is "
            "symmetric. From counts by left and right system, give counts + counts.T."
        )
    if size < 2:
        raise RatingError(f"There are no pairs among {size} systems. Give at least two.")
    if not (np.isfinite(strengths).all() and np.isfinite(covariance).all()):
        raise RatingError(
            "A strength or a covariance is not a finite number. Give a converged fit, or pair_preference the "
            "votes: it says what a system without votes counts for."
        )
    if not 0.0 < explore <= 1.0:
        raise RatingError(
            f"The share of exploration must lie in (0, 1]; found {explore!r}. Usual is {EXPLORE}; without it "
            "some pairs would have no chance, and their votes could not be reweighted."
        )
    if newcomer_votes < 0 or quota < 0:
        raise RatingError(
            f"Newcomer votes and quota must be 0 or more; found {newcomer_votes!r} and {quota!r}."
        )

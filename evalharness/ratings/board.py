"""Votes in, `Leaderboard` out: ratings, intervals, rank intervals, and the recipe to compute them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import evalharness
from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.bradley_terry import bradley_terry
from evalharness.ratings.davidson import davidson
from evalharness.ratings.estimate import Estimate, Interval
from evalharness.ratings.intervals import IntervalMethod, covariance
from evalharness.ratings.newton import PRIOR_BATTLES, Fit, order_identifiable
from evalharness.ratings.ranks import DRAWS, Ranks, max_t_critical, rank_intervals
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE, Codes, Tally, tally
from evalharness.records import Ballot, Category, Leaderboard, Question, Rating

__all__ = ["ALL_CATEGORIES", "ESTIMATORS", "estimate", "leaderboard"]

ALL_CATEGORIES = "all"
"""The category of a board over every ballot."""

ESTIMATORS: Mapping[str, tuple[Callable[..., Fit], str]] = {
    "davidson": (
        davidson,
        (
            "P(left) : P(right) : P(tie) = exp(d/2) : exp(-d/2) : nu, d = left - right + order effect; "
            "a gap of 400 is odds of 10 to 1 among decisive votes"
        ),
    ),
    "bradley_terry": (
        bradley_terry,
        (
            "P(left) = 1 / (1 + exp(-d)), d = left - right + order effect, ties half a win each; "
            "a gap of 400 is odds of 10 to 1 of wins plus half the ties"
        ),
    ),
}
"""Estimators by name, each with its model in one line."""


def leaderboard(
    votes: Iterable[Ballot] | Tally,
    *,
    category: Category | str | None = None,
    question: Question = Question.OVERALL,
    estimator: str = "davidson",
    interval: IntervalMethod | str = IntervalMethod.TWO_WAY_JACKKNIFE,
    confidence: float = 0.95,
    anchor: float = 1000.0,
    seed: int = 1,
    excluded: int = 0,
    systems: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Leaderboard:
    """Rate the systems on one question within one category (None: over all categories).

    Ballots are filtered to that slice; a `Tally` is taken as it is, `category` and `question` then only
    name it. `excluded` votes are reported, not counted; `systems` without a vote are named in the notes;
    `labels` (codenames) replace names before anything is computed. `seed` drives the rank simulation.

    Raises RatingError where these votes allow no rating (none, one system, too few, only ties),
    DisconnectedError where systems were never compared, UnknownNameError for estimator or interval.
    """
    name = ALL_CATEGORIES if category is None else str(category)
    if not isinstance(votes, Tally):
        chosen = (
            ballot
            for ballot in votes
            if ballot.question is question and (category is None or ballot.category == category)
        )
        votes = tally(chosen, labels=labels)
    elif labels:
        raise RatingError(
            "These votes are coded already, so labels would come too late to mask a name. "
            "Give the labels to tally() instead."
        )
    found, notes = estimate(
        votes, estimator=estimator, interval=interval, confidence=confidence, anchor=anchor
    )
    critical = max_t_critical(
        found.strength_covariance, found.covariance.degrees_of_freedom, confidence, seed=seed
    )
    ranks = rank_intervals(found.fit.strengths, found.strength_covariance, critical)
    shown = {(labels or {}).get(system, system) for system in systems}
    unseen = sorted(shown - set(votes.systems))
    if unseen:
        notes = (*notes, f"Without a vote here, and so not rated: {', '.join(unseen)}.")
    return Leaderboard(
        category=name,
        question=question,
        ratings=_ratings(votes, found, ranks),
        votes=votes.votes,
        voters=len(votes.voters),
        prompts=len(votes.prompts),
        excluded=excluded,
        recipe=_recipe(votes, found, ranks, estimator, IntervalMethod(interval), seed),
        notes=notes,
    )


def estimate(
    votes: Tally,
    *,
    estimator: str = "davidson",
    interval: IntervalMethod | str = IntervalMethod.TWO_WAY_JACKKNIFE,
    confidence: float = 0.95,
    anchor: float = 1000.0,
) -> tuple[Estimate, tuple[str, ...]]:
    """Fit and find intervals; the sentences tell what a reader must know about both.

    The order effect is fitted wherever sides alternated enough to tell it from strength. With one
    voter on one prompt the intervals fall back to the row sandwich, and a sentence says so.
    Raises as `leaderboard` does.
    """
    if estimator not in ESTIMATORS:
        raise UnknownNameError(
            f"No estimator is called {estimator!r}; there are {', '.join(sorted(ESTIMATORS))}."
        )
    if interval not in tuple(IntervalMethod):
        raise UnknownNameError(f"No interval is called {interval!r}; there are {', '.join(IntervalMethod)}.")
    notes = []
    order = votes.votes > 0 and order_identifiable(votes)
    fit = ESTIMATORS[estimator][0](votes, order_effect=order)
    _require_enough(votes, fit)
    if not order:
        notes.append("Sides never alternated, so no effect of being shown on the left could be estimated.")
    if not fit.converged:
        notes.append(
            f"The fit had not converged after {fit.iterations} iterations: do not publish these ratings."
        )
    method = IntervalMethod(interval)
    if method is IntervalMethod.TWO_WAY_JACKKNIFE and len(votes.voters) == len(votes.prompts) == 1:
        method = IntervalMethod.ROW_SANDWICH
        notes.append(
            "All votes come from one voter on one prompt: intervals speak of repeating just that and say "
            "nothing about other voters or prompts."
        )
    spread = covariance(fit, votes, method)
    return Estimate(fit, spread, confidence, anchor), (*notes, *spread.notes)


def _require_enough(votes: Tally, fit: Fit) -> None:
    free = fit.parameters - 1
    if votes.votes <= free:
        cast = "1 vote" if votes.votes == 1 else f"{votes.votes} votes"
        wanted = "1 number is" if free == 1 else f"{free} numbers are"
        raise RatingError(
            f"{cast} cannot rate {len(votes.systems)} systems, as {wanted} to be estimated. Collect at least "
            f"{free + 1} votes; some dozens per system make a useful board."
        )


def _ratings(votes: Tally, found: Estimate, ranks: Ranks) -> tuple[Rating, ...]:
    wins = votes.counts[LEFT].sum(axis=1) + votes.counts[RIGHT].sum(axis=0)
    losses = votes.counts[LEFT].sum(axis=0) + votes.counts[RIGHT].sum(axis=1)
    ties, bad = (votes.counts[code].sum(axis=0) + votes.counts[code].sum(axis=1) for code in (TIE, BOTH_BAD))
    voters = _met(votes, votes.voter, len(votes.voters))
    prompts = _met(votes, votes.prompt, len(votes.prompts))
    rows = []
    for i, system in enumerate(votes.systems):
        rating = found.rating(system)
        rows.append(
            Rating(
                system=system,
                rating=rating.value,
                low=rating.low,
                high=rating.high,
                rank=1 + int((found.fit.strengths > found.fit.strengths[i] + 1e-9).sum()),
                rank_low=int(ranks.best[i]),
                rank_high=int(ranks.worst[i]),
                votes=int(wins[i] + losses[i] + ties[i] + bad[i]),
                wins=int(wins[i]),
                losses=int(losses[i]),
                ties=int(ties[i]),
                both_bad=int(bad[i]),
                voters=int(voters[i]),
                prompts=int(prompts[i]),
                win_rate=found.win_rate(system),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.rank, row.system)))


def _met(votes: Tally, cluster: Codes, groups: int) -> Codes:
    """Shape (systems,): in how many clusters each system appears."""
    size = len(votes.systems)
    seen = np.bincount(cluster * size + votes.left, minlength=groups * size)
    seen += np.bincount(cluster * size + votes.right, minlength=groups * size)
    times: Codes = np.count_nonzero(seen.reshape(groups, size), axis=0)
    return times


def _recipe(
    votes: Tally, found: Estimate, ranks: Ranks, estimator: str, interval: IntervalMethod, seed: int
) -> dict[str, Any]:
    """JSON values only, so that a saved board says all of it again."""
    freedom = found.covariance.degrees_of_freedom
    undecided = ~(ranks.above | ranks.above.T)
    np.fill_diagonal(undecided, False)
    return {
        "estimator": estimator,
        "model": ESTIMATORS[estimator][1],
        "both_bad": "counted as a tie for strength, reported apart",
        "scale": "Elo: 400 points are odds of 10 to 1",
        "gauge": f"strengths sum to zero, shown as {found.anchor:g}",
        "anchor": found.anchor,
        "prior": (
            f"{PRIOR_BATTLES:g} virtual battles of each system against a phantom of free strength, and "
            "of the order effect between equals; fixed, whatever the number of votes"
        ),
        "interval": interval.value,
        "interval_form": found.covariance.form,
        "confidence": found.confidence,
        "degrees_of_freedom": freedom if np.isfinite(freedom) else None,
        "rank_rule": "simultaneous max-t over all differences",
        "rank_critical": ranks.critical,
        "rank_draws": DRAWS,
        "seed": seed,
        "tied_with": {
            system: [votes.systems[j] for j in np.flatnonzero(undecided[i])]
            for i, system in enumerate(votes.systems)
        },
        "order_effect_elo": _plain(found.order_effect()),
        "tie_parameter": _plain(found.tie_parameter()),
        "iterations": found.fit.iterations,
        "converged": found.fit.converged,
        "data_sha256": votes.sha256(),
        "version": f"evalharness {evalharness.__version__}",
    }


def _plain(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"value": interval.value, "low": interval.low, "high": interval.high}

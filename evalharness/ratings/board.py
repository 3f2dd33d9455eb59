"""Votes in, `Leaderboard` out: ratings, intervals, rank intervals, and the recipe to compute them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import evalharness
from evalharness.errors import RatingError
from evalharness.labels import Sorting
from evalharness.people import SIMULATED
from evalharness.ratings.estimate import Estimate, Interval
from evalharness.ratings.fitting import DEFAULT_ESTIMATOR, ESTIMATORS, estimate
from evalharness.ratings.intervals import IntervalMethod
from evalharness.ratings.maximum import PRIOR_BATTLES
from evalharness.ratings.ranks import DRAWS, RankChances, Ranks, rank_chances, stepwise_ranks
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE, Codes, Tally, tally
from evalharness.records import Ballot, Category, Leaderboard, Question, Rating

__all__ = ["ALL_CATEGORIES", "leaderboard"]

MOST_IN_PAIRS = 24
"""Systems on a board up to which its recipe has every pair of them."""
ALL_CATEGORIES = "all"
"""The category of a board over every ballot."""


def leaderboard(
    votes: Iterable[Ballot] | Tally,
    *,
    category: Category | str | None = None,
    question: Question = Question.OVERALL,
    estimator: str = DEFAULT_ESTIMATOR,
    interval: IntervalMethod | str = IntervalMethod.TWO_WAY_JACKKNIFE,
    confidence: float = 0.95,
    anchor: float = 1000.0,
    seed: int = 1,
    excluded: int = 0,
    systems: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    sort: Sorting | str = Sorting.RATING,
) -> Leaderboard:
    """Rate the systems on one question within one category (None: over all categories).

    Ballots are filtered to that slice; a `Tally` is taken as it is, `category` and `question` then only
    name it. `excluded` votes are reported, not counted; `systems` without a vote are named in the notes;
    `labels` (codenames) replace names before anything is computed. `seed` drives the rank simulation;
    `sort` puts the systems in order, ranks stay what they are.

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
    spread, freedom = found.strength_covariance, found.covariance.degrees_of_freedom
    ranks = stepwise_ranks(found.fit.strengths, spread, freedom, confidence, seed=seed)
    chances = rank_chances(found.fit.strengths, spread, freedom, seed=seed)
    shown = {(labels or {}).get(system, system) for system in systems}
    unseen = sorted(shown - set(votes.systems))
    if unseen:
        notes = (*notes, f"Without a vote here, and so not rated: {', '.join(unseen)}.")
    feigned = np.array([voter.startswith(SIMULATED) for voter in votes.voters], dtype=bool)[votes.voter].sum()
    if feigned:
        notes = (*notes, f"{feigned:,} of these votes are simulated: no person cast them.")
    return Leaderboard(
        category=name,
        question=question,
        ratings=_ratings(votes, found, ranks, Sorting(sort)),
        votes=votes.votes,
        voters=len(votes.voters) if votes.voters_known else 0,
        prompts=len(votes.prompts) if votes.prompts_known else 0,
        excluded=excluded,
        recipe=_recipe(votes, found, ranks, chances, estimator, IntervalMethod(interval), seed)
        | {"sort": Sorting(sort).value},
        notes=notes,
    )


def _ratings(votes: Tally, found: Estimate, ranks: Ranks, sort: Sorting) -> tuple[Rating, ...]:
    wins = votes.counts[LEFT].sum(axis=1) + votes.counts[RIGHT].sum(axis=0)
    losses = votes.counts[LEFT].sum(axis=0) + votes.counts[RIGHT].sum(axis=1)
    ties, bad = (votes.counts[code].sum(axis=0) + votes.counts[code].sum(axis=1) for code in (TIE, BOTH_BAD))
    voters = _met(votes, votes.voter, len(votes.voters)) * votes.voters_known
    prompts = _met(votes, votes.prompt, len(votes.prompts)) * votes.prompts_known
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
    if sort is Sorting.LOWER_BOUND:
        return tuple(sorted(rows, key=lambda row: (-row.low, row.system)))
    return tuple(sorted(rows, key=lambda row: (row.rank, row.system)))


def _met(votes: Tally, cluster: Codes, groups: int) -> Codes:
    """Shape (systems,): in how many clusters each system appears."""
    size = len(votes.systems)
    seen = np.bincount(cluster * size + votes.left, minlength=groups * size)
    seen += np.bincount(cluster * size + votes.right, minlength=groups * size)
    times: Codes = np.count_nonzero(seen.reshape(groups, size), axis=0)
    return times


def _recipe(
    votes: Tally,
    found: Estimate,
    ranks: Ranks,
    chances: RankChances,
    estimator: str,
    interval: IntervalMethod,
    seed: int,
) -> dict[str, Any]:
    """JSON values only, so that a saved board says all of it again."""
    freedom = found.covariance.degrees_of_freedom
    return {
        "estimator": estimator,
        "model": ESTIMATORS[estimator][1],
        "both_bad": (
            "an outcome of its own"
            if estimator == "four_way"
            else "counted as a tie for strength, reported apart"
        ),
        "scale": "Elo: 400 points are odds of 10 to 1",
        "gauge": f"strengths sum to zero, shown as {found.anchor:g}",
        "anchor": found.anchor,
        "prior": (
            f"{PRIOR_BATTLES:g} virtual battles of each system against a phantom of free strength, and as "
            "many that hold each effect and slope at zero; fixed, whatever the number of votes"
        ),
        "interval": interval.value,
        "interval_form": found.covariance.form,
        "confidence": found.confidence,
        "degrees_of_freedom": freedom if np.isfinite(freedom) else None,
        "rank_rule": "simultaneous over all differences, stepwise max-t",
        "rank_critical": ranks.critical,
        "rank_draws": DRAWS,
        "seed": seed,
        "tied_with": {
            system: [votes.systems[j] for j in np.flatnonzero(ranks.tied[i])]
            for i, system in enumerate(votes.systems)
        },
        "chance_of_first": dict(zip(votes.systems, chances.first.tolist(), strict=True)),
        "acceptable": _acceptable(votes, found, interval),
        "order_effect_elo": _plain(found.order_effect()),
        "tie_parameter": _plain(found.tie_parameter()),
        "pairs": _pairs(votes, found),
        "iterations": found.fit.iterations,
        "converged": found.fit.converged,
        "data_sha256": votes.sha256(),
        "version": f"evalharness {evalharness.__version__}",
    }


def _pairs(votes: Tally, found: Estimate) -> dict[str, Any] | None:
    """How often every two systems met, and the chance that the first of them wins; None on large boards."""
    names = votes.systems
    if len(names) > MOST_IN_PAIRS:
        return None
    met = votes.pairs + votes.pairs.T
    return {
        "systems": list(names),
        "votes": met.tolist(),
        "wins": [
            [None if one == other else _plain(found.win_probability(one, other)) for other in names]
            for one in names
        ],
    }


def _acceptable(votes: Tally, found: Estimate, interval: IntervalMethod) -> dict[str, Any] | None:
    """Each system's acceptable rate, by the four-way model where the board's own has no both-bad."""
    if not votes.counts[BOTH_BAD].any():
        return None
    if found.acceptable(votes.systems[0]) is None:
        found, _ = estimate(votes, estimator="four_way", interval=interval, confidence=found.confidence)
    return {system: _plain(found.acceptable(system)) for system in votes.systems}


def _plain(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"value": interval.value, "low": interval.low, "high": interval.high}

"""All boards of one family of slices in one call: by category, language, tag, question, or any label.

Each slice is rated by itself wherever its votes allow it, and a thin slice is shown beside its pooled
ratings (see `pooling`), which lean on the whole board as far as the slices of that family are alike. A
slice that cannot be rated is a refusal with a sentence, never a gap in the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.estimate import ELO_PER_LOGIT, Estimate, Interval
from evalharness.ratings.fitting import DEFAULT_ESTIMATOR, estimate
from evalharness.ratings.pooling import Part, deviation_factors, errors_of, joint_errors, pool
from evalharness.ratings.tally import Codes, Tally, tally
from evalharness.records import Ballot, Prompt, Question

__all__ = ["FAMILIES", "Slice", "SliceRating", "Slices", "slices", "slices_of"]

FAMILIES = ("category", "language", "tag", "question")
"""What a study's own ballots can be sliced by."""

Labels = Sequence[str | Collection[str]] | Mapping[str, str | Collection[str]]
"""A label, or several, for each vote; or for each prompt by name."""


@dataclass(frozen=True, slots=True)
class SliceRating:
    """One system in one slice, in Elo on the scale of the whole board."""

    system: str
    votes: int
    """Votes of the slice in which it stood; 0 where it is not in the slice."""
    own: Interval | None
    """From the slice's votes alone; None where there are none. Both means agree on the slice's systems."""
    pooled: Interval
    weight: float
    """Share of the slice's own votes in `pooled`: 0 follows the whole board, 1 the slice."""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One slice that could be rated."""

    label: str
    votes: Tally
    """Its votes; `leaderboard(votes, category=label)` makes a full board of them."""
    estimate: Estimate
    """From these votes alone, strengths summing to zero over the slice's systems."""
    ratings: tuple[SliceRating, ...]
    """Every system of the whole board, best pooled rating first."""
    notes: tuple[str, ...]
    """Sentences a reader of this slice must know."""


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """A family of slices, the board they are slices of, and how much they differ."""

    family: str
    whole: Estimate
    spread: Interval | None
    """tau in Elo: standard deviation of a system's strength between slices (posterior median); None where
    no slice, or a single one that is the whole, leaves nothing to differ."""
    rated: Mapping[str, Slice]
    refused: Mapping[str, str]
    """Labels of slices that cannot be rated, each with the sentence that says why and with its votes."""
    notes: tuple[str, ...]


def slices(
    votes: Tally,
    labels: Labels,
    *,
    family: str = "label",
    estimator: str = DEFAULT_ESTIMATOR,
    confidence: float = 0.95,
    anchor: float = 1000.0,
) -> Slices:
    """Rate every slice of these votes, and pool the slices towards the board of all of them.

    `labels` gives one label, or several, or none (an empty collection), for each vote in the tally's
    order, or for each prompt by name. A vote with several labels counts in each of those slices.

    Raises RatingError where labels do not fit the votes, or where the votes as a whole allow no rating.
    """
    members = _members(votes, labels)
    shares = _shares(votes.votes, members)
    parts = {label: votes.where(rows, compact=True) for label, rows in members.items()}
    factors = dict(zip(members, deviation_factors(shares)[: len(members)].tolist(), strict=True))
    return _rate(
        family,
        votes,
        parts,
        factors,
        len(shares) - 1,
        estimator=estimator,
        confidence=confidence,
        anchor=anchor,
    )


def slices_of(
    ballots: Iterable[Ballot],
    prompts: Iterable[Prompt],
    *,
    by: Sequence[str] = FAMILIES,
    question: Question = Question.OVERALL,
    labels: Mapping[str, str] | None = None,
    estimator: str = DEFAULT_ESTIMATOR,
    confidence: float = 0.95,
    anchor: float = 1000.0,
) -> dict[str, Slices]:
    """All slices of a study, by family: category and language of the ballot, tags of its prompt, question.

    Categories, languages and tags slice the votes on one `question`. Questions are other votes on the same
    battles, so they are pooled towards the board of that question, not towards a sum of all answers.
    `labels` (codenames) replace the systems' names before anything is computed.

    Raises UnknownNameError for an unknown family, RatingError for a ballot on a prompt that `prompts` lacks
    (where tags are asked for) and where the votes on `question` allow no rating.
    """
    unknown = [name for name in by if name not in FAMILIES]
    if unknown:
        raise UnknownNameError(
            f"Votes cannot be sliced by {', '.join(map(repr, unknown))}; there are {', '.join(FAMILIES)}."
        )
    every = list(ballots)
    rows = [ballot for ballot in every if ballot.question is question]
    whole = tally(rows, labels=labels)
    found = {}
    for family in by:
        if family == "question":
            asked = sorted({ballot.question for ballot in every} - {question})
            parts = {
                str(other): tally((ballot for ballot in every if ballot.question is other), labels=labels)
                for other in asked
            }
            found[family] = _rate(
                family,
                whole,
                parts,
                dict.fromkeys(parts, 1.0),
                len(parts),
                estimator=estimator,
                confidence=confidence,
                anchor=anchor,
            )
        else:
            found[family] = slices(
                whole,
                _labels_by(family, rows, prompts),
                family=family,
                estimator=estimator,
                confidence=confidence,
                anchor=anchor,
            )
    return found


def _labels_by(family: str, rows: Sequence[Ballot], prompts: Iterable[Prompt]) -> Labels:
    if family == "category":
        return [str(ballot.category) for ballot in rows]
    if family == "language":
        return [ballot.language for ballot in rows]
    return {prompt.id: prompt.tags for prompt in prompts}


def _members(votes: Tally, labels: Labels) -> dict[str, Codes]:
    """Rows of each label, in the labels' order."""
    if isinstance(labels, Mapping):
        missing = [name for name in votes.prompts if name not in labels]
        if missing:
            raise RatingError(
                f"The labels lack the prompt {missing[0]!r} ({len(missing)} of {len(votes.prompts)} are "
                "missing). Give each prompt its labels; an empty collection says that it has none."
            )
        given = [labels[name] for name in votes.prompts]
        carrier = votes.prompt
    else:
        if len(labels) != votes.votes:
            raise RatingError(
                f"There are {len(labels)} labels for {votes.votes} votes. Give one entry a vote, in the "
                "tally's order."
            )
        given = list(labels)
        carrier = np.arange(votes.votes)
    carriers: dict[str, list[int]] = {}
    for place, entry in enumerate(given):
        for label in (entry,) if isinstance(entry, str) else sorted(set(entry)):
            carriers.setdefault(label, []).append(place)
    chosen = np.zeros(len(given), dtype=bool)
    members = {}
    for label in sorted(carriers):
        chosen[:] = False
        chosen[carriers[label]] = True
        rows = np.flatnonzero(chosen[carrier])
        if rows.size:
            members[label] = rows
    return members


def _shares(votes: int, members: Mapping[str, Codes]) -> np.ndarray:
    """Each label's share of the votes, a vote split evenly among its labels; votes without one come last."""
    times = np.bincount(np.concatenate([*members.values(), np.zeros(0, dtype=np.int64)]), minlength=votes)
    shares = [float((1.0 / times[rows]).sum()) for rows in members.values()]
    unlabelled = int((times == 0).sum())
    if unlabelled:
        shares.append(float(unlabelled))
    return np.array(shares) / votes


def _rate(
    family: str,
    votes: Tally,
    parts: Mapping[str, Tally],
    factors: Mapping[str, float],
    free: int,
    *,
    estimator: str,
    confidence: float,
    anchor: float,
) -> Slices:
    """Rate and pool the parts; at most `free` of their deviations from the whole vary independently."""
    whole, notes = estimate(votes, estimator=estimator, confidence=confidence, anchor=anchor)
    alone: dict[str, tuple[Estimate, tuple[str, ...]]] = {}
    refused: dict[str, str] = {}
    for label, part in parts.items():
        strangers = sorted(set(part.systems) - set(votes.systems))
        try:
            if strangers:
                raise RatingError(
                    f"The whole board has no vote on {', '.join(strangers)}, so nothing joins them."
                )
            alone[label] = estimate(part, estimator=estimator, confidence=confidence, anchor=anchor)
        except RatingError as reason:
            refused[label] = f"{_counted(part)}: {reason}"
    if not alone:
        return Slices(family, whole, None, {}, refused, notes)
    at_whole = errors_of(whole.fit, votes)
    views = [
        Part(
            systems=np.searchsorted(votes.systems, parts[label].systems),
            strengths=found.fit.strengths,
            joint=joint_errors(errors_of(found.fit, parts[label]), at_whole),
            factor=factors[label],
        )
        for label, (found, _) in alone.items()
    ]
    independent = min(free, len(views))
    spread, pooled = pool(
        whole.fit.strengths,
        views,
        independent=independent,
        confidence=confidence,
        tau=None if independent else 0.0,
    )
    steady = whole.covariance.quantile(confidence)
    rated = {}
    for (label, (found, own_notes)), view, result in zip(alone.items(), views, pooled, strict=True):
        quantile = steady + result.weight * (found.covariance.quantile(confidence) - steady)
        shift = float(whole.fit.strengths[view.systems].mean()) * ELO_PER_LOGIT
        seen = parts[label].pairs.sum(axis=0) + parts[label].pairs.sum(axis=1)
        times = dict(zip(parts[label].systems, seen.tolist(), strict=True))
        reach = quantile * np.sqrt(np.diag(result.covariance).clip(min=0.0))
        ratings = [
            SliceRating(
                system=system,
                votes=times.get(system, 0),
                own=found.rating(system).scaled(1.0, shift) if system in times else None,
                pooled=Interval(
                    float(result.strengths[i]),
                    float(result.strengths[i] - reach[i]),
                    float(result.strengths[i] + reach[i]),
                ).scaled(ELO_PER_LOGIT, anchor),
                weight=float(result.weight[i]),
            )
            for i, system in enumerate(votes.systems)
        ]
        ratings.sort(key=lambda row: (-row.pooled.value, row.system))
        rated[label] = Slice(label, parts[label], found, tuple(ratings), own_notes)
    shown = Interval(spread.value, spread.low, spread.high).scaled(ELO_PER_LOGIT) if independent else None
    return Slices(family, whole, shown, rated, refused, notes)


def _counted(part: Tally) -> str:
    """How much there is, for the head of a refusal."""
    return (
        f"{part.votes} votes on {len(part.systems)} systems by {len(part.voters)} voters "
        f"over {len(part.prompts)} prompts"
    )

"""Votes: is the candidate worse than its baseline by the margin? Safe to ask after every vote.

One anytime-valid head-to-head a board (`ratings.sequential`), with the margin in Elo. Where several boards
decide, each gets an equal part of alpha, so that any false "worse", whenever it is looked for, comes with
chance alpha at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalharness.errors import RatingError
from evalharness.ratings.closed_scores import Unit
from evalharness.ratings.planning import Aim, independent_votes
from evalharness.ratings.scale import implied_win_rate
from evalharness.ratings.sequential import HeadToHead, head_to_head
from evalharness.ratings.sequential import Verdict as Outcome
from evalharness.ratings.tally import Tally
from evalharness.records import Category, Question
from evalharness.regression.verdict import Check, Finding
from evalharness.tolerances import Part, RegressionSettings

__all__ = ["VoteBoard", "judge_votes"]

_TIES = 0.2
"""Share of ties that the arithmetic on votes to come assumes; `evalharness plan` takes others."""
_FINDINGS = {Outcome.NOT_WORSE: Finding.NOT_WORSE, Outcome.WORSE: Finding.WORSE}


@dataclass(frozen=True, slots=True, eq=False)
class VoteBoard:
    """The votes of one category on one question, systems under their published names."""

    category: Category
    question: Question
    votes: Tally | None
    """None where there is no vote at all."""

    @property
    def name(self) -> str:
        """Category, and the question in brackets."""
        return f"{self.category.value} ({self.question.value})"


def judge_votes(
    boards: Sequence[VoteBoard], baseline: str, candidate: str, settings: RegressionSettings
) -> tuple[Check, ...]:
    """A check a board; the overall question of each category decides, the others are told."""
    deciding = sum(board.question is Question.OVERALL for board in boards)
    alpha = settings.alpha / max(deciding, 1)
    return tuple(_judged(board, baseline, candidate, settings, alpha) for board in boards)


def _judged(
    board: VoteBoard, baseline: str, candidate: str, settings: RegressionSettings, alpha: float
) -> Check:
    check = Check(
        Part.VOTES,
        board.name,
        Finding.UNDECIDED,
        decides=board.question is Question.OVERALL and Part.VOTES in settings.decide_by,
        sentence="",
        question=board.question.value,
        unit="Elo",
        tolerance=settings.margin_elo,
        higher_is_worse=False,
        n_of=f"scores, one a {settings.unit}",
    )
    votes = board.votes
    if (
        votes is None
        or not {baseline, candidate} <= set(votes.systems)
        or not _met(votes, baseline, candidate)
    ):
        return replace(
            check,
            sentence=f"{board.name}: no votes yet between {candidate} and {baseline}.",
            more=_from_nothing(settings.margin_elo, alpha),
        )
    try:
        found = head_to_head(
            votes,
            candidate,
            baseline,
            unit=Unit(settings.unit),
            alpha=alpha,
            margin_elo=settings.margin_elo,
            votes_per_score=settings.votes_per_score,
            silence=settings.silence,
        )
    except RatingError as refusal:
        more = _from_nothing(settings.margin_elo, alpha)
        return replace(check, sentence=f"{board.name}: {refusal}", more=more)
    gap = found.gap_elo
    return replace(
        check,
        finding=_FINDINGS.get(found.verdict, Finding.UNDECIDED),
        sentence=f"{board.name}: {_claim(found)}",
        difference=gap.value if gap and math.isfinite(gap.value) else None,
        low=gap.low if gap else None,
        high=gap.high if gap else None,
        n=len(found.scores.values),
        more=_more(found),
        notes=found.notes,
        counts={"votes": {"on this pair": found.scores.met, "in closed scores": found.scores.votes}},
    )


def _met(votes: Tally, first: str, second: str) -> bool:
    one, other = votes.systems.index(first), votes.systems.index(second)
    return bool(votes.pairs[one, other] + votes.pairs[other, one])


def _claim(found: HeadToHead) -> str:
    """The head-to-head's own sentence, less what it says of scores to come."""
    return found.sentence.partition(" If they go on like this")[0]


def _more(found: HeadToHead) -> str | None:
    if found.decided:
        return None
    if found.more_scores_needed is None:
        if not len(found.scores.values):
            return "No score has closed yet; votes go on counting as voters finish."
        return "If votes go on as so far, no number of them would decide: the gap is about the margin."
    each = found.scores.votes / max(len(found.scores.values), 1)
    unit = found.rules.unit.value
    return (
        f"About {math.ceil(found.more_scores_needed * each):,} more votes would decide, if they go on as so "
        f"far: {found.more_scores_needed:,} more {unit}s with {each:.0f} each."
    )


def _from_nothing(margin_elo: float, alpha: float) -> str:
    decisive = independent_votes(Aim(0.0, margin_elo=margin_elo, alpha=alpha))
    return (
        f"If the two are alike, about {math.ceil(decisive / (1.0 - _TIES)):,} votes of people who cast few "
        f"each would show that it is not worse by {margin_elo:g} Elo (a win rate of "
        f"{100 * implied_win_rate(-margin_elo):.0f} %)."
    )

"""What makes a vote count: rules on answers and evidence, pure.

    judge(battle, answers, showing, evidence, now) -> the votes to store, or a Refusal

A refusal changes nothing and says in one sentence what is missing. `Showing` is what the server
itself knows (which clips it delivered, since when the voter can have watched them); `Evidence` is
what the page reports. The page's word alone never makes a vote count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from evalharness.labels import Scale, Strength
from evalharness.records import Battle, Outcome, Question, Vote

__all__ = [
    "ANSWERS",
    "Answer",
    "Answers",
    "Evidence",
    "Refusal",
    "RefusalKind",
    "Showing",
    "answers_from",
    "evidence_from",
    "judge",
    "same_answers",
]

LONGEST_S = 24 * 3600.0


class Answer(NamedTuple):
    """What a voter said of one question."""

    outcome: Outcome
    strength: Strength | None = None


Answers = Mapping[Question, Answer]

ANSWERS: Mapping[Scale, Mapping[str, Answer]] = {
    Scale.FOUR: {str(outcome): Answer(outcome) for outcome in Outcome},
    Scale.FIVE: {
        "tie": Answer(Outcome.TIE),
        **{
            f"{side}-{strength}": Answer(side, strength)
            for side in (Outcome.LEFT, Outcome.RIGHT)
            for strength in Strength
        },
    },
}
"""By scale, what the page may send and what it says."""


class RefusalKind(StrEnum):
    """Why a vote was refused."""

    MALFORMED = "malformed"
    """The answers or the evidence are not what the page sends."""
    UNSEEN = "unseen"
    """A clip was not delivered, or not watched far enough."""
    TOO_SOON = "too_soon"
    """Less time has passed than watching takes; the same vote may be sent again later."""
    EXPIRED = "expired"
    """The pair was not answered in time, and is somebody else's by now."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A vote that does not count, and why."""

    kind: RefusalKind
    sentence: str
    retry_after_s: float | None = None
    """Seconds after which the same vote would be taken; None where waiting does not help."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What the server knows about a battle's showing."""

    since: datetime
    """The earliest moment at which the voter can have begun to watch."""
    duration_s: float
    """Of the clips, both played side by side."""
    watch_share: float
    """Share of each clip the study wants seen, in [0, 1]."""
    delivered_left: bool
    delivered_right: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the page observed while a battle was on screen."""

    seen_left: float
    """Share of the left clip's distinct moments that were played in view, in [0, 1]."""
    seen_right: float
    heard_left_s: float
    """Seconds during which the left clip was the audible one."""
    heard_right_s: float
    first_heard: str
    """`left`, `right` or `none`: order effects can be told from it."""
    plays: int
    answer_s: float
    """From first picture to last answer, seconds."""
    hidden_s: float
    """Seconds the page was in the background."""
    drift_ms: float
    """Largest distance in time between the two players while playing, milliseconds."""
    input: str
    """`key`, `pointer` or `mixed`."""
    first_seen: str
    """`both` where they are played side by side, else the side that was played first."""
    last_seen: str
    """`both`, or the side that was played last before the answer."""

    @property
    def in_turn(self) -> bool:
        """Whether one clip was played after the other, not beside it."""
        return self.first_seen != "both"


EVIDENCE_LABELS: Mapping[str, Sequence[str]] = {
    "first_heard": ("left", "right", "none"),
    "input": ("key", "pointer", "mixed"),
    "first_seen": ("both", "left", "right"),
    "last_seen": ("both", "left", "right"),
}


def evidence_from(value: object) -> Evidence | Refusal:
    """The page's evidence as a record; a missing, extra or impossible field is a refusal."""
    if not isinstance(value, Mapping) or set(value) != set(Evidence.__dataclass_fields__):
        return _malformed("the evidence does not have the fields this page sends")
    for name in ("seen_left", "seen_right"):
        if not _is_number(value[name], high=1.0):
            return _malformed(f"'{name}' must be a share from 0 to 1")
    for name in ("heard_left_s", "heard_right_s", "answer_s", "hidden_s"):
        if not _is_number(value[name], high=LONGEST_S):
            return _malformed(f"'{name}' must be seconds from 0 to a day")
    if not _is_number(value["drift_ms"], high=LONGEST_S * 1000):
        return _malformed("'drift_ms' must be milliseconds")
    if not _is_number(value["plays"], high=100_000) or not isinstance(value["plays"], int):
        return _malformed("'plays' must be a count")
    for name, labels in EVIDENCE_LABELS.items():
        if value[name] not in labels:
            return _malformed(f"'{name}' must be one of {', '.join(labels)}")
    if (value["first_seen"] == "both") != (value["last_seen"] == "both"):
        return _malformed("'first_seen' and 'last_seen' are of clips side by side, or of clips in turn")
    return Evidence(**value)


def answers_from(value: object, scale: Scale) -> Answers | Refusal:
    """The page's answers by question; strict."""
    if not isinstance(value, Mapping):
        return _malformed("answers must be given as question and answer")
    labels, given = ANSWERS[scale], {}
    for question, label in value.items():
        if question not in set(Question):
            return _malformed(f"{question!r} is no question")
        if not isinstance(label, str) or label not in labels:
            return _malformed(f"{label!r} is no answer; allowed: {', '.join(labels)}")
        given[Question(question)] = labels[label]
    return given


def judge(
    battle: Battle,
    answers: Answers,
    showing: Showing,
    evidence: Evidence,
    now: datetime,
) -> tuple[Vote, ...] | Refusal:
    """The votes to store, one for each question of the battle in its order, or why there are none."""
    if set(answers) != set(battle.questions):
        asked = ", ".join(battle.questions)
        return _malformed(f"this pair asks exactly for {asked}")
    if not (showing.delivered_left and showing.delivered_right):
        return Refusal(
            RefusalKind.UNSEEN,
            "Not both clips were delivered to this page. Reload it and watch both, then vote.",
        )
    # The page may not be asked for the last frame of a rounding error.
    wanted = showing.watch_share - 1e-6
    if min(evidence.seen_left, evidence.seen_right) < wanted:
        return Refusal(
            RefusalKind.UNSEEN,
            f"Watch at least {showing.watch_share:.0%} of both clips before voting: "
            f"A was seen to {evidence.seen_left:.0%}, B to {evidence.seen_right:.0%}.",
        )
    takes_s = showing.watch_share * showing.duration_s * (2 if evidence.in_turn else 1)
    missing_s = takes_s - (now - showing.since).total_seconds()
    if missing_s > 0:
        return Refusal(
            RefusalKind.TOO_SOON,
            f"This vote came {missing_s:.1f} s before both clips can have been watched; nothing was saved.",
            retry_after_s=missing_s,
        )
    observed = asdict(evidence)
    return tuple(
        Vote(
            battle.id,
            battle.voter_id,
            question,
            answers[question].outcome,
            now,
            observed,
            answers[question].strength,
        )
        for question in battle.questions
    )


def same_answers(votes: Sequence[Vote], answers: Answers) -> bool:
    """Whether stored votes say what `answers` say: the test of an honest replay."""
    return {vote.question: Answer(vote.outcome, vote.strength) for vote in votes} == dict(answers)


def _is_number(value: Any, *, high: float) -> bool:
    """Whether it lies in [0, `high`]; no NaN does, and no integer is too large to be compared."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= high


def _malformed(what: str) -> Refusal:
    return Refusal(
        RefusalKind.MALFORMED, f"The vote was not understood: {what}. Nothing was saved; reload the page."
    )

"""What makes a vote count: rules on answers and evidence, pure.

    judge(battle, answers, showing, evidence, now) -> the votes to store, or a Refusal

A refusal changes nothing and says in one sentence what is missing. `Showing` is what the server
itself knows (which clips it delivered, since when the voter can have watched them); `Evidence` is
what the page reports. The page's word alone never makes a vote count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from evalharness.records import Battle, Outcome, Question, Vote

__all__ = [
    "Evidence",
    "Refusal",
    "RefusalKind",
    "Showing",
    "evidence_from",
    "judge",
    "outcomes_from",
    "same_answers",
]

LONGEST_S = 24 * 3600.0


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
    if value["first_heard"] not in ("left", "right", "none") or value["input"] not in (
        "key",
        "pointer",
        "mixed",
    ):
        return _malformed("'first_heard' or 'input' has a label this page does not send")
    return Evidence(**value)


def outcomes_from(value: object) -> dict[Question, Outcome] | Refusal:
    """The page's answers as labels; strict."""
    if not isinstance(value, Mapping):
        return _malformed("answers must be given as question and outcome")
    try:
        return {Question(question): Outcome(outcome) for question, outcome in value.items()}
    except ValueError as error:
        return _malformed(str(error))


def judge(
    battle: Battle,
    answers: Mapping[Question, Outcome],
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
    missing_s = showing.watch_share * showing.duration_s - (now - showing.since).total_seconds()
    if missing_s > 0:
        return Refusal(
            RefusalKind.TOO_SOON,
            f"This vote came {missing_s:.1f} s before both clips can have been watched; nothing was saved.",
            retry_after_s=missing_s,
        )
    observed = asdict(evidence)
    return tuple(
        Vote(battle.id, battle.voter_id, question, answers[question], now, observed)
        for question in battle.questions
    )


def same_answers(votes: Sequence[Vote], answers: Mapping[Question, Outcome]) -> bool:
    """Whether stored votes say what `answers` say: the test of an honest replay."""
    return {vote.question: vote.outcome for vote in votes} == dict(answers)


def _is_number(value: Any, *, high: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= high
    )


def _malformed(what: str) -> Refusal:
    return Refusal(
        RefusalKind.MALFORMED, f"The vote was not understood: {what}. Nothing was saved; reload the page."
    )

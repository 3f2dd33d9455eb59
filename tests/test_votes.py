"""What makes a vote count."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from evalharness.labels import Scale, Strength
from evalharness.records import Battle, Category, JobKey, Outcome, Question
from evalharness.votes import (
    ANSWERS as LABELS,
)
from evalharness.votes import (
    Answer,
    Evidence,
    Refusal,
    RefusalKind,
    Showing,
    answers_from,
    evidence_from,
    judge,
    same_answers,
)

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BATTLE = Battle(
    "b1", "v1", "p1", Category.AUDIO_SYNC, JobKey("a", "p1", 1), JobKey("b", "p1", 1), "x1", "x2",
    (Question.OVERALL, Question.AV_SYNC), 0.5, "uniform", START,
)  # fmt: skip
SHOWING = Showing(START, duration_s=5.0, watch_share=0.9, delivered_left=True, delivered_right=True)
EVIDENCE = Evidence(1.0, 0.95, 5.0, 4.8, "left", 2, 11.0, 0.0, 12.0, "key", "both", "both")
ANSWERS = {Question.AV_SYNC: Answer(Outcome.TIE), Question.OVERALL: Answer(Outcome.LEFT)}
LATER = START + timedelta(seconds=12)


def refusal(outcome: object) -> Refusal:
    assert isinstance(outcome, Refusal)
    assert outcome.sentence.endswith(".")
    return outcome


def test_an_honest_vote_becomes_one_row_a_question_in_the_battles_order() -> None:
    votes = judge(BATTLE, ANSWERS, SHOWING, EVIDENCE, LATER)
    assert isinstance(votes, tuple)
    assert [(vote.question, vote.outcome) for vote in votes] == [
        (Question.OVERALL, Outcome.LEFT),
        (Question.AV_SYNC, Outcome.TIE),
    ]
    assert {(vote.battle_id, vote.voter_id, vote.created_at) for vote in votes} == {("b1", "v1", LATER)}
    assert votes[0].evidence == asdict(EVIDENCE)
    assert same_answers(votes, ANSWERS)
    assert not same_answers(votes, ANSWERS | {Question.OVERALL: Answer(Outcome.RIGHT)})
    assert not same_answers(votes[:1], ANSWERS)


@pytest.mark.parametrize(
    "answers",
    [{Question.OVERALL: Answer(Outcome.LEFT)}, {}, ANSWERS | {Question.MOTION: Answer(Outcome.TIE)}],
    ids=["one missing", "none", "one too many"],
)
def test_exactly_the_questions_asked_must_be_answered(answers: dict[Question, Answer]) -> None:
    assert refusal(judge(BATTLE, answers, SHOWING, EVIDENCE, LATER)).kind is RefusalKind.MALFORMED


@pytest.mark.parametrize("side", ["delivered_left", "delivered_right"])
def test_a_clip_that_was_never_delivered_cannot_be_judged(side: str) -> None:
    told = refusal(judge(BATTLE, ANSWERS, replace(SHOWING, **{side: False}), EVIDENCE, LATER))
    assert told.kind is RefusalKind.UNSEEN


@pytest.mark.parametrize("side", ["seen_left", "seen_right"])
def test_both_clips_must_have_been_seen(side: str) -> None:
    told = refusal(judge(BATTLE, ANSWERS, SHOWING, replace(EVIDENCE, **{side: 0.89}), LATER))
    assert told.kind is RefusalKind.UNSEEN
    assert "89%" in told.sentence
    assert isinstance(judge(BATTLE, ANSWERS, SHOWING, replace(EVIDENCE, **{side: 0.9}), LATER), tuple)


def test_a_vote_faster_than_watching_takes_is_told_how_long_to_wait() -> None:
    told = refusal(judge(BATTLE, ANSWERS, SHOWING, EVIDENCE, START + timedelta(seconds=4)))
    assert told.kind is RefusalKind.TOO_SOON
    assert told.retry_after_s == pytest.approx(0.5)
    assert isinstance(judge(BATTLE, ANSWERS, SHOWING, EVIDENCE, START + timedelta(seconds=4.5)), tuple)


def test_evidence_is_read_as_sent() -> None:
    assert evidence_from(asdict(EVIDENCE)) == EVIDENCE


@pytest.mark.parametrize(
    "change",
    [
        {"seen_left": 1.2},
        {"seen_left": "1"},
        {"seen_right": True},
        {"answer_s": -1},
        {"answer_s": float("nan")},
        {"hidden_s": float("inf")},
        {"plays": 1.5},
        {"drift_ms": None},
        {"first_heard": "both"},
        {"first_seen": "none"},
        {"first_seen": "left"},
        {"last_seen": "right"},
        {"input": "voice"},
        {"model": "x"},
    ],
    ids=str,
)
def test_impossible_evidence_is_refused(change: dict[str, object]) -> None:
    assert refusal(evidence_from(asdict(EVIDENCE) | change)).kind is RefusalKind.MALFORMED


def test_missing_evidence_and_other_labels_are_refused() -> None:
    short = asdict(EVIDENCE)
    del short["plays"]
    assert refusal(evidence_from(short)).kind is RefusalKind.MALFORMED
    assert refusal(evidence_from(None)).kind is RefusalKind.MALFORMED


@pytest.mark.parametrize("scale", Scale)
def test_answers_are_the_scales_own_and_no_others(scale: Scale) -> None:
    for label, answer in LABELS[scale].items():
        assert answers_from({"overall": label}, scale) == {Question.OVERALL: answer}
    others = set(LABELS[Scale.FOUR]) ^ set(LABELS[Scale.FIVE]) - set(LABELS[scale])
    others -= set(LABELS[scale])
    for wrong in ({"overall": each} for each in (*others, "leftt", "", None, 1, ["left"], {"left": 1})):
        assert refusal(answers_from(wrong, scale)).kind is RefusalKind.MALFORMED
    assert refusal(answers_from({"overal": "tie"}, scale)).kind is RefusalKind.MALFORMED
    assert refusal(answers_from(["tie"], scale)).kind is RefusalKind.MALFORMED


def test_a_five_step_answer_keeps_its_strength_and_an_honest_replay_has_the_same() -> None:
    answers = {Question.AV_SYNC: Answer(Outcome.TIE), Question.OVERALL: LABELS[Scale.FIVE]["right-slight"]}
    votes = judge(BATTLE, answers, SHOWING, EVIDENCE, LATER)
    assert isinstance(votes, tuple)
    assert [(vote.outcome, vote.strength) for vote in votes] == [
        (Outcome.RIGHT, Strength.SLIGHT),
        (Outcome.TIE, None),
    ]
    assert same_answers(votes, answers)
    assert not same_answers(votes, answers | {Question.OVERALL: LABELS[Scale.FIVE]["right-strong"]})


def test_clips_in_turn_take_twice_as_long_to_watch() -> None:
    in_turn = replace(EVIDENCE, first_seen="left", last_seen="right")
    told = refusal(judge(BATTLE, ANSWERS, SHOWING, in_turn, START + timedelta(seconds=5)))
    assert told.retry_after_s == pytest.approx(4.0)
    assert isinstance(judge(BATTLE, ANSWERS, SHOWING, in_turn, START + timedelta(seconds=9)), tuple)

"""Columns of votes from one query are the ballots, coded."""

import pytest

from evalharness.ratings import tally
from evalharness.ratings.tally import tally_codes
from evalharness.records import Category, Exclusion, Outcome, Question


@pytest.fixture
def voted(scene):
    """Votes of two voters on two categories and two questions, two of them excluded."""
    scene.arena()
    drawn = [
        scene.opened("late", "c", "a", voter="w", prompt="q"),
        scene.opened("one", "b", "a"),
        scene.opened("two", "a", "c", category=Category.AUDIO_SYNC),
        scene.opened("three", "c", "b", voter="w"),
    ]
    for battle, outcome in zip(drawn[1:] + drawn[:1], Outcome, strict=True):
        scene.store.commit_votes(scene.answers(battle, outcome))
    scene.store.exclude(Exclusion("three", Question.OVERALL, "too fast", "Ada", scene.later()))
    scene.store.exclude(Exclusion("three", Question.AV_SYNC, "too fast", "Ada", scene.later()))
    return scene.store


@pytest.mark.parametrize("category", [None, Category.TEXT_TO_VIDEO, Category.AUDIO_SYNC])
@pytest.mark.parametrize("question", [Question.OVERALL, Question.AV_SYNC])
def test_a_tally_of_the_columns_is_that_of_the_ballots(voted, category, question):
    ballots = voted.ballots(category=category, question=question)
    columns = voted.vote_columns(category=category, question=question)
    by_columns, by_ballots = tally_codes(**columns._asdict()), tally(ballots)
    assert len(ballots) == {None: 3, Category.TEXT_TO_VIDEO: 2, Category.AUDIO_SYNC: 1}[category]
    assert by_columns.sha256() == by_ballots.sha256()
    assert by_columns.left.tolist() == by_ballots.left.tolist()  # in the order in which they came
    assert by_columns.outcome.tolist() == by_ballots.outcome.tolist()


def test_pieces_share_their_codes(voted, monkeypatch):
    whole = voted.vote_columns(question=Question.OVERALL)
    monkeypatch.setattr("evalharness.store.counting._ROWS", 2)
    pieces = voted.vote_columns(question=Question.OVERALL)
    assert pieces.systems == whole.systems == ("b", "a", "c")
    assert pieces.left.tolist() == whole.left.tolist() == [0, 1, 2]


def test_no_votes_are_empty_columns(scene):
    columns = scene.store.vote_columns()
    assert columns.systems == columns.voters == columns.prompts == ()
    assert tally_codes(**columns._asdict()).votes == 0

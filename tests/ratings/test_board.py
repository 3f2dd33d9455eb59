"""The Leaderboard record: its numbers, its recipe, its refusals; nothing in it is ever NaN."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.errors import DisconnectedError, RatingError, UnknownNameError
from evalharness.ratings import ELO_PER_LOGIT, davidson, estimate, leaderboard, tally, tally_frame
from evalharness.records import Category, Leaderboard, Question, Rating


def _finite(board: Leaderboard) -> bool:
    numbers = [getattr(row, field.name) for row in board.ratings for field in fields(Rating)]
    json.dumps(board.recipe, allow_nan=False)
    return all(math.isfinite(number) for number in numbers if isinstance(number, float))


def test_a_board_from_ballots(ballots):
    rows = [("a", "b", "left"), ("b", "a", "right"), ("b", "a", "left"), ("a", "c", "tie")] * 20
    rows += [("c", "b", "both_bad"), ("b", "c", "left"), ("c", "a", "right"), ("c", "b", "left")] * 20
    board = leaderboard(ballots(rows), category=Category.TEXT_TO_VIDEO, excluded=3)
    assert (board.category, board.question, board.excluded) == ("text-to-video", Question.OVERALL, 3)
    assert (board.votes, board.voters, board.prompts) == (160, 25, 23)
    assert [row.system for row in board.ratings] == ["a", "b", "c"]
    a = board.ratings[0]
    assert (a.votes, a.wins, a.losses, a.ties, a.both_bad) == (100, 60, 20, 20, 0)
    c = board.ratings[2]
    assert (c.votes, c.wins, c.losses, c.ties, c.both_bad) == (100, 20, 40, 20, 20)
    assert np.mean([row.rating for row in board.ratings]) == pytest.approx(1000.0)
    assert all(row.low < row.rating < row.high for row in board.ratings)
    assert all(row.rank_low <= row.rank <= row.rank_high for row in board.ratings)
    assert board.recipe["converged"] is True
    assert board.recipe["tie_parameter"]["value"] > 0
    assert _finite(board)


def test_the_slice_is_what_was_asked_for(ballots):
    rows = [("a", "b", "left"), ("b", "a", "left"), ("b", "a", "tie"), ("a", "b", "right")] * 6
    sync = ballots(rows[:12], question=Question.AV_SYNC)
    elsewhere = [replace(ballot, category=Category.AUDIO_SYNC) for ballot in ballots(rows)]
    everything = ballots(rows) + sync + elsewhere
    assert leaderboard(everything, category="text-to-video").votes == 24
    assert leaderboard(everything, category=Category.AUDIO_SYNC).votes == 24
    assert leaderboard(everything, question=Question.AV_SYNC).votes == 12
    assert leaderboard(everything).votes == 48
    assert leaderboard(everything).category == "all"


def test_a_board_can_be_computed_again_from_its_recipe(draw):
    votes = tally_frame(draw([0.8, 0.2, -0.3, -0.7], votes=500, seed=1))
    board = leaderboard(votes, confidence=0.9, seed=7, estimator="bradley_terry", anchor=1500)
    recipe = board.recipe
    again = leaderboard(
        votes,
        estimator=recipe["estimator"],
        interval=recipe["interval"],
        confidence=recipe["confidence"],
        anchor=recipe["anchor"],
        seed=recipe["seed"],
    )
    assert again == board
    assert recipe["data_sha256"] == votes.sha256()


def test_ranks_and_tied_with_tell_the_same_story(draw):
    board = leaderboard(tally_frame(draw([2.0, 0.1, 0.0, -2.0], votes=2000, seed=2)))
    tied = board.recipe["tied_with"]
    assert tied["system 00"] == []
    assert tied["system 01"] == ["system 02"]
    assert [(row.rank_low, row.rank_high) for row in board.ratings] == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_differences_and_win_probabilities_have_intervals_of_their_own(draw):
    frame = draw([0.6, 0.0, -0.6], votes=2000, seed=3, nu=0.8)
    found, _ = estimate(tally_frame(frame))
    gap = found.difference("system 00", "system 02")
    assert gap.low < 1.2 * ELO_PER_LOGIT < gap.high
    assert gap.value == pytest.approx(found.rating("system 00").value - found.rating("system 02").value)
    back = found.difference("system 02", "system 00")
    assert (back.value, back.low) == (pytest.approx(-gap.value), pytest.approx(-gap.high))
    chance = found.win_probability("system 00", "system 02")
    odds = math.exp(0.6)
    assert chance.low < (odds + 0.4) / (odds + 1 / odds + 0.8) < chance.high
    assert found.win_probability("system 02", "system 00").value == pytest.approx(1 - chance.value)
    assert found.win_rate("system 00") == pytest.approx(
        (chance.value + found.win_probability("system 00", "system 01").value) / 2
    )
    with pytest.raises(UnknownNameError, match="No system 'x' is on this board"):
        found.rating("x")


def test_the_order_effect_is_reported_with_its_interval(draw):
    board = leaderboard(tally_frame(draw([0.5, 0.0, -0.5], votes=4000, seed=4, order=0.3)))
    effect = board.recipe["order_effect_elo"]
    assert effect["low"] < 0.3 * ELO_PER_LOGIT < effect["high"]
    assert effect["low"] > 0


def test_sides_that_never_alternated_are_rated_without_an_order_effect(draw):
    frame = draw([0.5, 0.0, -0.5], votes=500, seed=5)
    board = leaderboard(tally_frame(frame[frame["left"] < frame["right"]]))
    # Three systems in a circle still tell order from strength; two shown one way do not.
    assert board.recipe["order_effect_elo"] is not None
    pair = frame[(frame["left"] == "system 00") & (frame["right"] == "system 01")]
    board = leaderboard(tally_frame(pair))
    assert board.recipe["order_effect_elo"] is None
    assert "Sides never alternated" in board.notes[0]


def test_systems_without_a_vote_are_named(ballots):
    rows = [("a", "b", "left"), ("b", "a", "left"), ("b", "a", "tie"), ("a", "b", "right")] * 6
    board = leaderboard(ballots(rows), systems=["a", "b", "real name"], labels={"real name": "mystery"})
    assert any("Without a vote here, and so not rated: mystery." in note for note in board.notes)


def test_labels_hide_real_names_from_the_whole_record(ballots):
    rows = [("a", "b", "left"), ("b", "a", "right"), ("b", "c", "left"), ("c", "b", "left")] * 8
    board = leaderboard(ballots(rows), labels={"a": "codename", "b": "bee"})
    text = json.dumps([repr(board)])
    assert "codename" in text
    assert "'a'" not in text
    with pytest.raises(DisconnectedError) as caught:
        leaderboard(ballots([("secret", "b", "left"), ("c", "d", "left")]), labels={"secret": "codename"})
    assert "secret" not in str(caught.value)


def test_labels_that_would_come_too_late_are_refused(ballots):
    with pytest.raises(RatingError, match="too late to mask a name"):
        leaderboard(tally(ballots([("a", "b", "left")])), labels={"a": "codename"})


def test_no_votes_one_vote_and_too_few_votes_are_refused_with_a_sentence(ballots):
    with pytest.raises(RatingError, match="There are no votes here yet"):
        leaderboard([])
    with pytest.raises(
        RatingError, match=r"1 vote cannot rate 2 systems, as 1 number is to be .*at least 2 votes"
    ):
        leaderboard(ballots([("a", "b", "left")]))
    rows = [("a", "b", "left"), ("b", "c", "tie"), ("c", "a", "left"), ("b", "a", "left")]
    with pytest.raises(RatingError, match="4 votes cannot rate 3 systems, as 4 numbers"):
        leaderboard(ballots(rows))


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"estimator": "elo"}, "No estimator is called 'elo'; there are bradley_terry, davidson"),
        (
            {"interval": "bootstrap"},
            "No interval is called 'bootstrap'; there are two_way_jackknife, .*, row_sandwich",
        ),
    ],
)
def test_unknown_names_answer_with_the_known_ones(draw, setting, sentence):
    with pytest.raises(UnknownNameError, match=sentence):
        leaderboard(tally_frame(draw([0.5, -0.5], votes=100, seed=6)), **setting)


@pytest.mark.parametrize(
    ("setting", "sentence"), [({"confidence": 95}, "between 0 and 1"), ({"anchor": math.nan}, "finite")]
)
def test_impossible_settings_are_refused(draw, setting, sentence):
    with pytest.raises(RatingError, match=sentence):
        leaderboard(tally_frame(draw([0.5, -0.5], votes=100, seed=6)), **setting)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")]),
            st.sampled_from(["left", "right", "tie", "both_bad"]),
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_any_votes_give_a_finite_board_or_a_sentence(votes):
    rows = [(*pair, outcome, f"v{voter}", f"p{prompt}") for pair, outcome, voter, prompt in votes]
    table = tally_frame(pd.DataFrame(rows, columns=["left", "right", "outcome", "voter", "prompt"]))
    try:
        board = leaderboard(table)
    except RatingError:
        return
    assert _finite(board)
    assert all(row.low < row.high for row in board.ratings)
    assert sum(row.votes for row in board.ratings) == 2 * board.votes
    assert all(row.low <= row.rating <= row.high for row in board.ratings)


def test_the_real_crowd_board(crowd):
    board = leaderboard(crowd)
    assert board.votes == 8931
    assert board.ratings[0].system == "GPT 4"
    assert _finite(board)
    assert "Only 13 prompts (20 are wanted)" in board.notes[0]
    assert davidson(crowd).iterations < 12

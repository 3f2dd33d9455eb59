"""Coding of votes: strict labels, nothing guessed, the same votes the same hash."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalharness.errors import RatingError
from evalharness.ratings import tally, tally_frame
from evalharness.ratings.tally import tally_codes
from evalharness.records import Question

ROWS = [
    ("b", "a", "left", "ann", "p1"),
    ("a", "b", "right", "bob", "p1"),
    ("a", "c", "tie", "ann", "p2"),
    ("c", "a", "both_bad", "cid", "p2"),
    ("b", "a", "left", "cid", "p3"),
]


def test_counts_keep_order_of_sides_and_the_four_outcomes_apart(ballots):
    votes = tally(ballots(ROWS))
    assert votes.systems == ("a", "b", "c")
    assert votes.voters == ("ann", "bob", "cid")
    assert votes.prompts == ("p1", "p2", "p3")
    expected = np.zeros((4, 3, 3), dtype=int)
    expected[0, 1, 0] = 2  # b on the left beat a twice
    expected[1, 0, 1] = 1
    expected[2, 0, 2] = 1
    expected[3, 2, 0] = 1
    assert np.array_equal(votes.counts, expected)
    assert votes.outcome.tolist() == [0, 1, 2, 3, 0]
    assert votes.voter.tolist() == [0, 1, 0, 2, 2]


def test_a_frame_is_coded_as_ballots_are(ballots):
    frame = pd.DataFrame(ROWS, columns=["x", "y", "verdict", "worker", "prompt"])
    from_frame = tally_frame(frame, left="x", right="y", outcome="verdict", voter="worker")
    from_ballots = tally(ballots(ROWS))
    assert from_frame.systems == from_ballots.systems
    assert np.array_equal(from_frame.counts, from_ballots.counts)
    assert from_frame.sha256() == from_ballots.sha256()


def test_the_hash_ignores_arrival_and_sees_every_change(ballots):
    known = tally(ballots(ROWS)).sha256()
    assert tally(ballots(ROWS[::-1])).sha256() == known
    for changed in (
        [*ROWS[:4], ("b", "a", "right", "cid", "p3")],
        [*ROWS[:4], ("b", "a", "left", "bob", "p3")],
        [*ROWS[:4], ("b", "a", "left", "cid", "p1")],
        ROWS[:4],
        [*ROWS, ROWS[0]],
    ):
        assert tally(ballots(changed)).sha256() != known


def test_labels_mask_names_before_anything_is_computed(ballots):
    votes = tally(ballots(ROWS), labels={"a": "mystery model"})
    assert votes.systems == ("b", "c", "mystery model")
    assert votes.left.tolist() == [0, 2, 2, 1, 0]


def test_two_systems_must_not_share_a_label(ballots):
    with pytest.raises(RatingError, match=r"Two systems would be published as b\b"):
        tally(ballots(ROWS), labels={"a": "b"})


def test_ballots_of_two_questions_are_refused(ballots):
    mixed = ballots(ROWS) + ballots(ROWS, question=Question.AV_SYNC)
    with pytest.raises(RatingError, match=r"answer 2 questions \(av_sync, overall\)"):
        tally(mixed)


def test_a_system_against_itself_is_refused_with_its_battle(ballots):
    with pytest.raises(RatingError, match=r"Battle battle-5 sets a against itself \(1 such votes\)"):
        tally(ballots([*ROWS, ("a", "a", "left")]))


@pytest.mark.parametrize("label", ["leftt", "Left", "tie (bothbad)", None])
def test_an_unknown_outcome_is_refused_and_never_made_a_tie(label):
    frame = pd.DataFrame(
        [*ROWS, ("a", "b", label, "v", "p")], columns=["left", "right", "outcome", "voter", "prompt"]
    )
    with pytest.raises(
        RatingError, match=r"Row 5 has the outcome .* \(1 such rows\); allowed are left, right, tie"
    ):
        tally_frame(frame)


def test_empty_cells_and_missing_columns_are_refused():
    frame = pd.DataFrame(ROWS, columns=["left", "right", "outcome", "voter", "prompt"])
    with pytest.raises(RatingError, match="no column worker; it has left"):
        tally_frame(frame, voter="worker")
    frame.loc[2, "voter"] = None
    with pytest.raises(RatingError, match=r"Row 2 names no voter \(1 such rows\)"):
        tally_frame(frame)


def test_no_ballots_give_an_empty_tally():
    votes = tally([])
    assert (votes.votes, votes.systems, votes.counts.shape) == (0, (), (4, 0, 0))


def test_a_slice_keeps_names_and_codes_or_closes_ranks(ballots):
    votes = tally(ballots(ROWS))
    chosen = votes.where(votes.voter == 2)  # cid: c - a both bad, b - a left
    assert (chosen.systems, chosen.voters) == (votes.systems, votes.voters)
    assert chosen.voter.tolist() == [2, 2]
    assert chosen.counts.sum() == 2
    compact = votes.where([2, 2, 2], compact=True)
    again = tally(ballots([ROWS[2]] * 3))
    assert compact.systems == ("a", "c")
    assert compact.sha256() == again.sha256()
    assert np.array_equal(compact.counts, again.counts)
    everything = votes.where(slice(None), compact=True)
    assert everything.sha256() == votes.sha256()


def test_categories_nobody_voted_on_are_no_systems():
    frame = pd.DataFrame(ROWS, columns=["left", "right", "outcome", "voter", "prompt"])
    known = tally_frame(frame).sha256()
    wide = frame.astype("category")
    wide["left"] = wide["left"].cat.add_categories(["never shown"])
    assert tally_frame(wide).sha256() == known


def test_codes_in_any_order_are_tallied_by_name():
    votes = tally_codes(
        ["z", "y"],
        ["w", "v"],
        ["p"],
        left=np.array([0, 1]),
        right=np.array([1, 0]),
        outcome=np.array([0, 2]),
        voter=np.array([0, 1]),
        prompt=np.array([0, 0]),
        labels={"z": "a"},
    )
    assert votes.systems == ("a", "y")
    assert votes.left.tolist() == [0, 1]
    assert votes.voter.tolist() == [1, 0]
    assert votes.counts[0, 0, 1] == votes.counts[2, 1, 0] == 1

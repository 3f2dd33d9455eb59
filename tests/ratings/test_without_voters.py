"""The board without some voters: equal to a board that never had them."""

from __future__ import annotations

import numpy as np
import pytest

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import ELO_PER_LOGIT, davidson
from evalharness.ratings.simulate import SHILL, simulate
from evalharness.ratings.without_voters import board_without, busiest_voters, without_voters

TRUTH = np.linspace(-0.8, 0.8, 6)


def test_leaving_shills_out_takes_their_lift_away() -> None:
    votes = simulate(TRUTH, votes=6_000, seed=2, voters=60, activity=0.0, shills=6, shilled=0)
    shills = [name for name in votes.voters if name.endswith(SHILL)]
    board = board_without(votes, shills)
    alone = davidson(votes.where(np.array([not votes.voters[v].endswith(SHILL) for v in votes.voter])))
    np.testing.assert_allclose(board.after, alone.strengths * ELO_PER_LOGIT, atol=1e-6)
    np.testing.assert_allclose(board.before, davidson(votes).strengths * ELO_PER_LOGIT, atol=1e-6)
    assert board.moves.argmin() == 0
    assert board.moves[0] < -20.0
    assert board.votes_left_out == sum(name.endswith(SHILL) for name in np.array(votes.voters)[votes.voter])
    assert f"Without 6 voters ({board.votes_left_out} of 6000 votes)" in board.sentence
    assert "simulated system 06 stays first" in board.sentence


def test_ranks_count_from_the_best() -> None:
    votes = simulate(TRUTH, votes=4_000, seed=3, voters=40)
    board = board_without(votes, busiest_voters(votes))
    assert list(board.rank_before) == [6, 5, 4, 3, 2, 1]


def test_busiest_voters_are_the_ones_with_most_votes() -> None:
    votes = simulate(TRUTH, votes=4_000, seed=4, voters=300)
    cast = np.bincount(votes.voter)
    chosen = busiest_voters(votes, 0.02)
    places = [votes.voters.index(name) for name in chosen]
    assert places == list(np.argsort(-cast, kind="stable")[: len(cast) // 50])
    assert len(busiest_voters(votes, 0.0001)) == 1


def test_what_cannot_be_left_out_is_said_in_a_sentence() -> None:
    votes = simulate(TRUTH, votes=300, seed=5, voters=5)
    with pytest.raises(UnknownNameError, match="'nobody'"):
        without_voters(votes, ["nobody"])
    with pytest.raises(RatingError, match="All voters would be left out"):
        without_voters(votes, votes.voters)
    with pytest.raises(RatingError, match="between 0 and 1"):
        busiest_voters(votes, 1.0)


def test_a_system_that_would_lose_all_votes_is_named() -> None:
    votes = simulate([0.0, 0.5, 1.0], votes=400, seed=6, voters=8)
    with_third = (votes.left == 2) | (votes.right == 2)
    rows = ~with_third | (votes.voter == 0)
    fewer = votes.where(rows)
    with pytest.raises(RatingError, match="nobody has voted on simulated system 03"):
        board_without(fewer, [votes.voters[0]])

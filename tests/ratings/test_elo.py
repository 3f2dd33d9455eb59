"""Online Elo: by hand, against another library, and shown to depend on the order of votes."""

from __future__ import annotations

import evalica
import numpy as np
import pytest

from evalharness.errors import RatingError
from evalharness.ratings import davidson, elo, elo_spread, tally, tally_frame


def test_two_votes_by_hand(ballots):
    # 1000 v 1000: left wins, +16 / -16. Then 1016 v 984 tie: expected 1 / (1 + 10^(-32/400)) = 0.545922.
    run = elo(tally(ballots([("a", "b", "left"), ("a", "b", "tie")])), k=32)
    assert run.ratings == pytest.approx([1014.5305, 985.4695], abs=1e-4)


def test_agrees_with_evalica(draw):
    frame = draw([0.9, 0.2, -0.2, -0.9], votes=500, seed=1)
    winner = {"left": evalica.Winner.X, "right": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    other = evalica.elo(
        frame["left"], frame["right"], frame["outcome"].map(winner), initial=1000, base=10, scale=400, k=16
    )
    run = elo(tally_frame(frame), k=16)
    assert run.ratings == pytest.approx(other.scores.sort_index().to_numpy(), abs=1e-6)


def test_points_only_change_hands(draw):
    run = elo(tally_frame(draw([0.9, 0.2, -1.1], votes=400, seed=2)), initial=1500)
    assert run.ratings.mean() == pytest.approx(1500)


def test_the_same_votes_in_another_order_give_other_ratings_while_the_fit_stays(draw):
    frame = draw([0.3, 0.1, -0.1, -0.3], votes=600, seed=3)
    spread = elo_spread(tally_frame(frame), shuffles=20, seed=5)
    assert spread.shuffled.shape == (20, 4)
    assert (spread.width > 20).all()
    assert len(spread.leaders) > 1
    again = elo_spread(tally_frame(frame), shuffles=20, seed=5)
    assert np.array_equal(spread.shuffled, again.shuffled)
    backwards = davidson(tally_frame(frame.iloc[::-1]))
    assert backwards.strengths == pytest.approx(davidson(tally_frame(frame)).strengths, abs=1e-10)


def test_real_votes_have_no_single_elo_leader(crowd):
    spread = elo_spread(crowd, shuffles=30, seed=1)
    assert len(spread.leaders) > 1
    assert spread.width.max() > 100


def test_what_makes_no_sense_is_refused(ballots):
    votes = tally(ballots([("a", "b", "left"), ("a", "b", "tie")]))
    with pytest.raises(RatingError, match="no votes yet"):
        elo(tally([]))
    with pytest.raises(RatingError, match="k must be a positive number; found 0"):
        elo(votes, k=0)
    with pytest.raises(RatingError, match="each of the 2 votes once"):
        elo(votes, order=np.array([0, 0]))
    with pytest.raises(RatingError, match="At least one shuffle"):
        elo_spread(votes, shuffles=0)

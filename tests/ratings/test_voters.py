"""Voters who discriminate more or less: by a naive likelihood, by hand, by laws and by simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit, logsumexp

from evalharness.errors import RatingError
from evalharness.ratings import Tally, davidson, tally_frame
from evalharness.ratings.simulate import CLICKER, simulate
from evalharness.ratings.voters import discrimination_board
from evalharness.records import Outcome

TRUTH = np.linspace(-1.0, 1.0, 8)


def bad_crowd(seed: int = 3, **habits: float) -> Tally:
    """120 voters with 60 votes each on 8 systems, a quarter of them clickers."""
    return simulate(
        TRUTH, votes=7_200, seed=seed, voters=120, activity=0.0, clickers=30, tie_slope=0.0, **habits
    )


def test_the_scale_is_that_of_attentive_voters_and_not_shrunk_by_clickers() -> None:
    board = discrimination_board(bad_crowd(tie=0.0))
    assert board.converged
    plain = float(TRUTH @ board.plain.strengths / (TRUTH @ TRUTH))
    repaired = float(TRUTH @ board.strengths / (TRUTH @ TRUTH))
    assert plain < 0.8
    assert repaired == pytest.approx(1.0, abs=0.12)
    assert board.stretch == pytest.approx(repaired / plain, rel=0.02)
    assert abs(board.strengths.sum()) < 1e-9
    assert board.groups[1].share == pytest.approx(0.25, abs=0.08)


def test_clickers_get_low_discrimination_and_their_intervals_cover_zero() -> None:
    votes = bad_crowd(tie=0.0)
    board = discrimination_board(votes)
    clicks = np.array([name.endswith(CLICKER) for name in votes.voters])
    assert board.discrimination[clicks].mean() == pytest.approx(0.0, abs=0.15)
    assert board.discrimination[~clicks].mean() == pytest.approx(1.0, abs=0.1)
    covers = (board.low[clicks] < 0.0) & (board.high[clicks] > 0.0)
    assert covers.mean() > 0.85
    assert board.groups[1].chance[clicks].mean() > 0.7 > 0.2 > board.groups[1].chance[~clicks].mean()


def test_without_bad_voters_the_board_hardly_differs_from_the_plain_one() -> None:
    votes = simulate(TRUTH, votes=6_000, seed=5, voters=100, activity=0.0, tie_slope=0.0)
    board = discrimination_board(votes)
    assert board.stretch == pytest.approx(1.0, abs=0.07)
    assert np.abs(board.moves).max() < 8.0
    assert board.contrary == ()


def test_a_voter_who_answers_the_reverse_is_named() -> None:
    votes = simulate(TRUTH, votes=6_000, seed=8, voters=60, activity=0.0, tie_slope=0.0)
    reverse = np.array([1, 0, 2, 3])
    mine = votes.voter == 7
    frame = _frame(votes, np.where(mine, reverse[votes.outcome], votes.outcome))
    board = discrimination_board(tally_frame(frame))
    assert board.contrary == (votes.voters[7],)
    assert board.high[board.voters.index(votes.voters[7])] < 0.0


def _frame(votes: Tally, outcome: np.ndarray):  # type: ignore[no-untyped-def]  # pandas has no types here
    import pandas as pd

    labels = np.array([label.value for label in (Outcome.LEFT, Outcome.RIGHT, Outcome.TIE, Outcome.BOTH_BAD)])
    return pd.DataFrame(
        {
            "left": np.array(votes.systems)[votes.left],
            "right": np.array(votes.systems)[votes.right],
            "outcome": labels[outcome],
            "voter": np.array(votes.voters)[votes.voter],
            "prompt": np.array(votes.prompts)[votes.prompt],
        }
    )


def test_the_fit_maximises_the_marginal_likelihood_written_out() -> None:
    """An independent optimiser on the same likelihood, written plainly, finds the same strengths."""
    votes = simulate(TRUTH[:4] * 1.5, votes=900, seed=2, voters=15, tie=0.6, clickers=4, order_effect=0.2)
    nodes = np.array([-1.0, 0.0, 1 - 0.3 * 3**0.5, 1.0, 1 + 0.3 * 3**0.5])
    direction = np.array([0.5, -0.5, 0.0, 0.0])[votes.outcome]
    tied = votes.outcome >= 2

    def loss(point: np.ndarray) -> float:
        strengths, order, log_tie, raw = point[:4], point[4], point[5], np.append(0.0, point[6:])
        share = np.exp(raw - logsumexp(raw))
        prior = share[[2, 1, 0, 0, 0]] * np.array([1, 1, 1 / 6, 2 / 3, 1 / 6])
        by_node = []
        for node in nodes:
            seen = node * (strengths[votes.left] - strengths[votes.right]) + order
            total = np.logaddexp(np.logaddexp(seen / 2, -seen / 2), log_tie)
            by_node.append(np.bincount(votes.voter, direction * seen + tied * log_tie - total))
        told = logsumexp(np.stack(by_node) + np.log(prior)[:, None], axis=0).sum()
        told += np.array([9.0, 0.9, 0.1]) @ np.log(share)
        held = point[:5]
        return -float(told + 0.25 * (log_expit(held) + log_expit(-held)).sum())

    found = minimize(loss, np.array([-1, 0, 0, 1, 0, 0, -2, -4], dtype=float), method="BFGS").x
    board = discrimination_board(votes)
    np.testing.assert_allclose(board.strengths, found[:4] - found[:4].mean(), atol=3e-3)
    assert board.order_effect == pytest.approx(found[4], abs=3e-3)
    assert board.log_tie == pytest.approx(found[5], abs=3e-3)
    share = np.exp(np.append(0.0, found[6:]))
    assert [group.share for group in board.groups] == pytest.approx(list(share / share.sum()), abs=3e-3)


def test_mirroring_the_screen_turns_only_the_order_effect() -> None:
    votes = bad_crowd(tie=0.5, order_effect=0.3)
    frame = _frame(votes, votes.outcome)
    turned = frame.rename(columns={"left": "right", "right": "left"})
    turned["outcome"] = turned["outcome"].replace({"left": "right", "right": "left"})
    one, other = discrimination_board(tally_frame(frame)), discrimination_board(tally_frame(turned))
    np.testing.assert_allclose(one.strengths, other.strengths, atol=1e-6)
    np.testing.assert_allclose(one.discrimination, other.discrimination, atol=1e-6)
    assert one.order_effect == pytest.approx(-other.order_effect, abs=1e-6)


def test_own_discrimination_solves_its_equation() -> None:
    """sum gap (won - chance) + 1 - a = 0, at the fitted strengths; the documented example is one voter's."""

    def solved(gap: np.ndarray, won: np.ndarray, order: float) -> float:
        return float(brentq(lambda a: gap @ (won - expit(a * gap + order)) + 1.0 - a, -20.0, 20.0))

    assert solved(np.ones(10), np.arange(10) < 8, 0.0) == pytest.approx(1.2416, abs=1e-4)
    votes = bad_crowd(tie=0.0)
    board = discrimination_board(votes)
    for code in (0, 50, 119):
        rows = votes.voter == code
        gap = board.strengths[votes.left[rows]] - board.strengths[votes.right[rows]]
        own = solved(gap, (votes.outcome[rows] == 0).astype(float), board.order_effect or 0.0)
        assert board.discrimination[code] == pytest.approx(own, abs=1e-5)


def test_ratings_are_on_the_elo_scale_and_beside_the_plain_ones() -> None:
    votes = bad_crowd(tie=0.5)
    board = discrimination_board(votes)
    ratings = board.ratings(1200.0)
    assert list(ratings) == list(votes.systems)
    assert np.mean(list(ratings.values())) == pytest.approx(1200.0)
    np.testing.assert_allclose(board.plain.strengths, davidson(votes).strengths)
    assert board.votes.sum() == votes.votes


def test_one_voter_is_refused_in_a_sentence() -> None:
    votes = simulate(TRUTH, votes=300, seed=1, voters=1)
    with pytest.raises(RatingError, match=r"one voter.*others"):
        discrimination_board(votes)


def test_real_crowd_votes_find_some_voters_at_random(crowd: Tally) -> None:
    board = discrimination_board(crowd)
    assert board.converged
    assert 0.0 < board.groups[1].share < 0.4
    assert board.stretch > 1.0

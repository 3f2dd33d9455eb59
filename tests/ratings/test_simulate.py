"""Simulated votes against the model they are drawn from, and the long run against a very large draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from evalharness.errors import RatingError
from evalharness.ratings import bradley_terry, davidson
from evalharness.ratings.long_run import expected_shares, long_run
from evalharness.ratings.simulate import CLICKER, SHILL, Habits, simulate
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE

STRENGTHS = np.array([0.9, 0.2, -0.3, -0.8])


def test_one_pair_by_hand() -> None:
    """Felt ln 4 against 0 with nu 1, bad 1/2: 2 : 1/2 : e^(m/2) : e^-m / 2 with m = ln 2."""
    habits = Habits(tie=1.0, both_bad=0.5, tie_slope=0.5, bad_slope=1.0)
    weight = np.array([2.0, 0.5, np.sqrt(2.0), 0.25])
    shares = habits.shares(np.array(np.log(4.0)), np.array(0.0))
    np.testing.assert_allclose(shares, weight / weight.sum(), rtol=1e-12)


def test_outcomes_fall_as_the_model_says() -> None:
    habits = Habits(tie=0.6, both_bad=0.3, tie_slope=0.4, bad_slope=0.5, order_effect=0.2)
    votes = simulate(
        STRENGTHS,
        votes=200_000,
        seed=3,
        tie=0.6,
        both_bad=0.3,
        tie_slope=0.4,
        bad_slope=0.5,
        order_effect=0.2,
    )
    expected = habits.shares(STRENGTHS[:, None], STRENGTHS[None, :]) * votes.pairs
    off = ~np.eye(4, dtype=bool)
    chi_square = ((votes.counts - expected)[:, off] ** 2 / expected[:, off]).sum()
    assert stats.chi2.sf(chi_square, 12 * 3) > 1e-4
    assert stats.chisquare(votes.pairs[off]).pvalue > 1e-4


def test_rows_and_counts_agree_and_names_say_simulated() -> None:
    votes = simulate(STRENGTHS, votes=500, seed=1, voters=300, both_bad=0.5)
    counts = np.zeros_like(votes.counts)
    np.add.at(counts, (votes.outcome, votes.left, votes.right), 1)
    np.testing.assert_array_equal(counts, votes.counts)
    for names in (votes.systems, votes.voters, votes.prompts):
        assert list(names) == sorted(names)
        assert all(name.startswith("simulated ") for name in names)
    assert len(votes.voters) < 300  # those without a vote are not there
    np.testing.assert_array_equal(np.unique(votes.voter), np.arange(len(votes.voters)))
    np.testing.assert_array_equal(np.unique(votes.prompt), np.arange(len(votes.prompts)))


def test_the_seed_decides() -> None:
    first, again, other = (simulate(STRENGTHS, votes=300, seed=seed, voter_spread=0.5) for seed in (1, 1, 2))
    assert first.sha256() == again.sha256() != other.sha256()


def test_exposure_activity_and_given_pairs() -> None:
    votes = simulate(STRENGTHS, votes=60_000, seed=5, exposure=[3, 1, 1, 0], voters=4, activity=1.0)
    shown = votes.pairs.sum(axis=0) + votes.pairs.sum(axis=1)
    np.testing.assert_allclose(shown / 60_000, np.array([6, 4, 4, 0]) / 7, atol=0.01)
    busy = np.sort(np.bincount(votes.voter))[::-1] / 60_000
    np.testing.assert_allclose(busy, np.array([12, 6, 4, 3]) / 25, atol=0.01)
    left, right = np.arange(99) % 3, np.full(99, 3)
    votes = simulate(STRENGTHS, votes=99, seed=5, pairs=(left, right))
    np.testing.assert_array_equal(votes.left, left)
    np.testing.assert_array_equal(votes.right, right)


def test_one_voter_has_one_taste() -> None:
    """Spread of voters shows as votes that agree within a voter more than between voters."""
    pair = (np.zeros(20_000, dtype=int), np.ones(20_000, dtype=int))
    votes = simulate(
        [0.0, 0.0], votes=20_000, seed=4, voters=100, activity=0, tie=0, voter_spread=1.0, pairs=pair
    )
    wins = np.bincount(votes.voter, votes.outcome == LEFT) / np.bincount(votes.voter)
    gap_effect = stats.norm.rvs(0, np.sqrt(2), 400_000, random_state=1)
    assert wins.std() == pytest.approx(np.std(1 / (1 + np.exp(-gap_effect))), rel=0.2)


def test_clickers_and_shills_do_what_they_are_named_for() -> None:
    votes = simulate(
        STRENGTHS, votes=40_000, seed=6, voters=40, activity=0.3, tie=1.0, clickers=8, shills=4, shilled=3
    )
    kind = np.array([SHILL if SHILL in name else CLICKER if CLICKER in name else "" for name in votes.voters])
    assert (kind == CLICKER).sum() == 8
    assert (kind == SHILL).sum() == 4
    of = kind[votes.voter]
    clicked = votes.outcome[of == CLICKER]
    assert set(clicked) == {LEFT, RIGHT}
    assert stats.binomtest(int((clicked == LEFT).sum()), len(clicked)).pvalue > 1e-4
    bought = of == SHILL
    assert (votes.outcome[bought & (votes.left == 3)] == LEFT).all()
    assert (votes.outcome[bought & (votes.right == 3)] == RIGHT).all()
    assert (votes.outcome[bought & (votes.left != 3) & (votes.right != 3)] == TIE).any()


SETTINGS = [
    {"voter_spread": 0.8, "prompt_spread": 0.5},
    {"voter_spread": 0.6, "order_effect": 0.4, "exposure": [5, 1, 1, 2], "both_bad": 0.5, "tie_slope": 0.4},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=["tastes", "everything"])
@pytest.mark.parametrize("estimator", ["davidson", "bradley_terry"])
def test_long_run_is_what_very_many_votes_give(settings: dict[str, object], estimator: str) -> None:
    fit = {"davidson": davidson, "bradley_terry": bradley_terry}[estimator]
    votes = simulate(
        STRENGTHS, votes=800_000, seed=8, voters=100_000, prompts=100_000, activity=0, **settings
    )
    found = fit(votes, order_effect=True).strengths
    expected = long_run(STRENGTHS, estimator=estimator, **settings)
    np.testing.assert_allclose(found, expected, atol=0.012)
    assert np.abs(expected - (STRENGTHS - STRENGTHS.mean())).max() > 0.05  # the tastes do matter
    assert expected.sum() == pytest.approx(0.0, abs=1e-12)


def test_long_run_without_tastes_is_the_truth() -> None:
    centred = STRENGTHS - STRENGTHS.mean()
    np.testing.assert_allclose(long_run(STRENGTHS, order_effect=0.3), centred, atol=1e-9)
    np.testing.assert_allclose(long_run(STRENGTHS, tie=0.0, estimator="bradley_terry"), centred, atol=1e-9)


def test_long_run_against_an_independent_optimiser() -> None:
    """Maximise the expected Davidson log-likelihood by BFGS."""
    settings = {
        "voter_spread": 0.7,
        "prompt_spread": 0.7,
        "both_bad": 0.4,
        "tie_slope": 0.5,
        "order_effect": 0.3,
    }
    habits = Habits(0.7, 0.4, 0.5, 0.3, 0.3)
    off = ~np.eye(4, dtype=bool)
    shares = expected_shares(STRENGTHS, habits, np.hypot(0.7, 0.7))

    def loss(theta: np.ndarray) -> float:
        gap = np.append(theta[:3], -theta[:3].sum())
        gap = gap[:, None] - gap[None, :] + theta[3]
        norm = np.log(np.exp(gap / 2) + np.exp(-gap / 2) + np.exp(theta[4]))
        tied = shares[TIE] + shares[BOTH_BAD]
        return -((shares[LEFT] - shares[RIGHT]) * gap / 2 + tied * theta[4] - norm)[off].sum()

    found = optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(long_run(STRENGTHS, **settings)[:3], found[:3], atol=1e-6)


def test_expected_shares_against_drawn_effects() -> None:
    habits = Habits(0.7, 0.4, 0.5, 0.3, 0.3)
    effects = np.random.default_rng(2).normal(0, 1.0, (2, 300_000))
    drawn = habits.shares(STRENGTHS[0] + effects[0], STRENGTHS[2] + effects[1]).mean(axis=1)
    np.testing.assert_allclose(expected_shares(STRENGTHS, habits, 1.0)[:, 0, 2], drawn, atol=0.002)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"strengths": [1.0]}, "two or more strengths"),
        ({"strengths": [1000.0, 1100.0]}, "look like Elo points"),
        ({"votes": 0}, "votes must be at least 1"),
        ({"voter_spread": -1.0}, "voter_spread must be at least 0"),
        ({"tie": float("nan")}, "tie must be at least 0"),
        ({"order_effect": float("inf")}, "order_effect must be finite"),
        ({"exposure": [1.0, 0.0]}, "one a system"),
        ({"exposure": [1.0, 0.0, 0.0, 0.0]}, "two or more positive"),
        ({"pairs": (np.zeros(3, int), np.ones(3, int))}, "two arrays of 100 places"),
        ({"pairs": (np.ones(100, int), np.ones(100, int))}, "against itself"),
        ({"clickers": 151}, "cannot be among 150 voters"),
        ({"shills": 1, "shilled": 4}, "a place from 0 to 3"),
    ],
)
def test_impossible_draws_are_refused(change: dict[str, object], sentence: str) -> None:
    settings: dict[str, object] = {"strengths": STRENGTHS, "votes": 100, "seed": 1, **change}
    with pytest.raises(RatingError, match=sentence):
        simulate(**settings)


def test_long_run_refuses_what_it_cannot_know() -> None:
    with pytest.raises(RatingError, match="never shown"):
        long_run(STRENGTHS, exposure=[1, 1, 1, 0])
    with pytest.raises(RatingError, match="asked was 'elo'"):
        long_run(STRENGTHS, estimator="elo")
    with pytest.raises(RatingError, match="prompt_spread must be at least 0"):
        long_run(STRENGTHS, prompt_spread=-0.1)

"""The four-way model against an independent likelihood and optimiser, known truth, laws, a hand example."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

from evalharness.ratings import Rates, covariance, davidson, four_way, tally_frame
from evalharness.ratings.estimate import Estimate
from evalharness.ratings.maximum import PRIOR_BATTLES
from evalharness.ratings.simulate import simulate

TRUTH = np.array([0.9, 0.3, 0.0, -0.4, -0.8])


def board(votes=4000, seed=1, **kind):
    habits = {"both_bad": 0.5, "bad_slope": 0.8, "tie_slope": 0.4, "order_effect": 0.2, **kind}
    return simulate(TRUTH, votes=votes, seed=seed, **habits)


def log_likelihood(theta, votes, rates):
    """Vote by vote, from the formula in the docs; prior and phantom gauge included."""
    size = len(votes.systems)
    s, rest = theta[:size], theta[size:]
    held = list(s)
    if rates is Rates.SYSTEM:
        t, b, rest = rest[:size], rest[size : 2 * size], rest[2 * size :]
        held += [*t, *b]
        order, tie, bad = rest
        held.append(order)
    elif rates is Rates.PAIR_QUALITY:
        order, tie, tie_slope, bad, bad_slope = rest
        held += [order, tie_slope, bad_slope]
    else:
        order, tie, bad = rest
        held.append(order)
    total = 0.0
    for i, j, outcome in zip(votes.left, votes.right, votes.outcome, strict=True):
        d, m = s[i] - s[j] + order, (s[i] + s[j]) / 2
        t_ij, b_ij = tie, bad
        if rates is Rates.PAIR_QUALITY:
            t_ij, b_ij = tie + tie_slope * m, bad + bad_slope * m
        elif rates is Rates.SYSTEM:
            t_ij, b_ij = tie + t[i] + t[j], bad + b[i] + b[j]
        weights = np.exp([d / 2, -d / 2, t_ij, b_ij])
        total += np.log(weights[outcome] / weights.sum())
    for value in held:
        win = 1 / (1 + np.exp(-value))
        total += PRIOR_BATTLES / 2 * (np.log(win) + np.log(1 - win))
    return total


def phantom(fit):
    """The fit's parameters before they were shifted to sum zero, found again from the gauge's own rule."""
    size, theta = len(fit.systems), fit.theta.copy()

    def unshifted(shift):
        moved = theta.copy()
        moved[:size] += shift
        for rate in ("tie", "both_bad"):
            moved[fit.design.place(rate)] -= moved[fit.design.place(f"{rate}_slope")] * shift
        return moved

    return unshifted


@pytest.mark.parametrize("rates", list(Rates))
def test_an_independent_optimiser_finds_the_same_maximum(rates):
    votes = board(300, seed=3)
    fit = four_way(votes, rates=rates)
    assert fit.converged
    size = fit.parameters
    found = minimize(
        lambda theta: -log_likelihood(theta, votes, rates), np.zeros(size), method="BFGS", tol=1e-9
    )
    strengths = found.x[:5] - found.x[:5].mean()
    assert fit.strengths == pytest.approx(strengths, abs=2e-4)
    assert fit.order_effect == pytest.approx(found.x[fit.design.place("order")], abs=2e-4)
    if rates is Rates.PAIR_QUALITY:
        for name in ("tie_slope", "both_bad_slope"):
            assert fit.theta[fit.design.place(name)] == pytest.approx(
                found.x[fit.design.place(name)], abs=5e-4
            )


def test_the_gradient_at_the_maximum_is_zero_by_finite_differences():
    votes = board(200, seed=5)
    fit = four_way(votes)
    # The prior says where the phantom stands; among all shifts of the same fit it picks the likeliest.
    unshifted = phantom(fit)
    best = minimize(
        lambda shift: -log_likelihood(unshifted(shift[0]), votes, Rates.PAIR_QUALITY), [0.0], tol=1e-12
    )
    theta = unshifted(best.x[0])
    slope = approx_fprime(theta, lambda at: log_likelihood(at, votes, Rates.PAIR_QUALITY), 1e-6)
    assert np.abs(slope).max() < 2e-3  # of a log-likelihood near -250, by differences of 1e-6


def test_the_truth_is_recovered_with_both_slopes():
    votes = board(400_000, seed=2, voters=3000, prompts=500)
    fit = four_way(votes)
    assert fit.strengths == pytest.approx(TRUTH - TRUTH.mean(), abs=0.02)
    named = dict(zip(fit.design.names, fit.theta[fit.design.shared :], strict=True))
    assert named["order"] == pytest.approx(0.2, abs=0.02)
    assert named["tie_slope"] == pytest.approx(0.4, abs=0.04)
    assert named["both_bad_slope"] == pytest.approx(-0.8, abs=0.04)
    assert np.exp(named["both_bad"]) == pytest.approx(0.5, rel=0.03)


def test_systems_may_have_propensities_of_their_own():
    votes = board(400_000, seed=2, voters=3000, prompts=500)
    # Systems 0 and 1 blur: half of the decisive votes on their battles become ties, a quarter both bad.
    random = np.random.default_rng(0)
    blurred = np.isin(votes.left, [0, 1]) & np.isin(votes.right, [0, 1]) & (votes.outcome < 2)
    outcome = votes.outcome.copy()
    outcome[blurred & (random.random(votes.votes) < 0.5)] = 2
    frame = pd.DataFrame(
        {
            "left": np.array(votes.systems)[votes.left],
            "right": np.array(votes.systems)[votes.right],
            "outcome": np.array(["left", "right", "tie", "both_bad"])[outcome],
            "voter": votes.voter.astype(str),
            "prompt": votes.prompt.astype(str),
        }
    )
    changed = tally_frame(frame)
    by_system, plain = four_way(changed, rates=Rates.SYSTEM), four_way(changed)
    ties = by_system.theta[5:10]
    assert ties[:2].min() > ties[2:].max() + 0.2
    assert ties.sum() == pytest.approx(0.0, abs=1e-9)
    truth = TRUTH - TRUTH.mean()
    assert np.abs(by_system.strengths - truth).max() < np.abs(plain.strengths - truth).max()


def test_without_slopes_and_both_bad_it_is_davidson():
    votes = simulate(TRUTH, votes=3000, seed=7)
    one, other = four_way(votes, rates=Rates.CONSTANT), davidson(votes)
    assert one.theta == pytest.approx(other.theta, abs=1e-9)
    assert covariance(one, votes).matrix == pytest.approx(covariance(other, votes).matrix, abs=1e-9)


@given(seed=st.integers(0, 50), rates=st.sampled_from(list(Rates)))
@settings(deadline=None, max_examples=15)
def test_mirrored_sides_mirror_the_order_effect_and_nothing_else(seed, rates):
    votes = board(1500, seed=seed)
    swap = np.array([1, 0, 2, 3])
    frame = pd.DataFrame(
        {
            "left": np.array(votes.systems)[votes.right],
            "right": np.array(votes.systems)[votes.left],
            "outcome": np.array(["left", "right", "tie", "both_bad"])[swap[votes.outcome]],
            "voter": np.array(votes.voters)[votes.voter],
            "prompt": np.array(votes.prompts)[votes.prompt],
        }
    )
    one, other = four_way(votes, rates=rates), four_way(tally_frame(frame), rates=rates)
    assert one.strengths == pytest.approx(other.strengths, abs=1e-7)
    assert one.order_effect == pytest.approx(-other.order_effect, abs=1e-7)
    mirrored = covariance(other, tally_frame(frame)).matrix[:5, :5]
    assert covariance(one, votes).matrix[:5, :5] == pytest.approx(mirrored, abs=1e-7)


def test_acceptable_by_hand_and_in_the_long_run():
    """a against b, evenly matched: 40 left, 40 right, 40 ties, 40 both bad: P(both bad) = 1/4, so 1 - 1/2."""
    rows = [(*pair, outcome) for pair in (("a", "b"), ("b", "a"))
            for outcome in ("left", "right", "tie", "both_bad") for _ in range(20)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome"])
    frame["voter"] = [f"v{row % 30}" for row in range(len(frame))]
    frame["prompt"] = [f"p{row % 37}" for row in range(len(frame))]
    votes = tally_frame(frame)
    fit = four_way(votes)
    estimate = Estimate(fit, covariance(fit, votes))
    for system in "ab":
        found = estimate.acceptable(system)
        assert found.value == pytest.approx(0.5, abs=1e-6)
        assert 0.35 < found.low < 0.5 < found.high < 0.65
    assert Estimate(davidson(votes), covariance(davidson(votes), votes)).acceptable("a") is None


def test_better_systems_are_acceptable_more_often_and_intervals_cover():
    truth_fit = four_way(board(2_000_000, seed=99, voters=5000, prompts=500))
    truth = [_acceptable(truth_fit, number) for number in range(5)]
    assert truth == sorted(truth, reverse=True)
    inside = []
    for seed in range(40):
        votes = board(3000, seed=seed, voters=200, prompts=100, activity=0.0)
        fit = four_way(votes)
        estimate = Estimate(fit, covariance(fit, votes))
        found = [estimate.acceptable(system) for system in votes.systems]
        inside += [row.low <= value <= row.high for row, value in zip(found, truth, strict=True)]
    assert 0.90 <= np.mean(inside) <= 0.99


def _acceptable(fit, number):
    tie, bad = fit.draw_levels(number, number)[:, 0]
    return float(1 - np.sqrt(np.exp(bad) / (2 + np.exp(tie) + np.exp(bad))))


def test_rates_that_depend_on_who_is_compared_predict_unseen_votes_better():
    benchmark = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "four_way.py"))
    seen, unseen = board(60_000, seed=11), board(60_000, seed=12)
    loss = {rates: benchmark["log_loss"](four_way(seen, rates=rates), unseen) for rates in Rates}
    assert loss[Rates.PAIR_QUALITY] < loss[Rates.CONSTANT] - 0.005
    assert loss[Rates.SYSTEM] < loss[Rates.CONSTANT] - 0.005

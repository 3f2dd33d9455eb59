"""Bootstraps: by hand, against naive resampling and refitting, and against the sandwich they must equal."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import (
    ELO_PER_LOGIT,
    Estimate,
    IntervalMethod,
    bradley_terry,
    covariance,
    davidson,
    tally,
    tally_frame,
)
from evalharness.ratings.bootstrap import Bootstrap, bootstrap
from evalharness.ratings.design import Rates
from evalharness.ratings.four_way import four_way
from evalharness.ratings.leave_out import cluster_scores
from evalharness.ratings.resampling import BootstrapWeights, blocks_of, independent

MANY = 8_000


@pytest.fixture
def clustered(draw):
    """1,500 votes on five systems by 40 voters on 30 prompts, each with a taste of their own."""
    return tally_frame(
        draw([0.8, 0.4, 0.0, -0.3, -0.9], 1500, 3, voters=40, prompts=30, voter_sd=0.6, prompt_sd=0.5)
    )


def errors(found: Bootstrap) -> np.ndarray:
    return np.sqrt(np.diag(found.covariance))


def sandwich_errors(fit, votes, codes, groups):
    """H^-1 S'S H^-1 by the cluster's scores, in the reported gauge."""
    moves = cluster_scores(fit, votes, codes, groups) @ np.linalg.inv(fit.information) @ fit.gauge.T
    return np.sqrt((moves**2).sum(axis=0))


def test_four_voters_by_hand(ballots):
    # Four voters cast 10 votes each between a and b; a wins 10, 9, 7 and 4: p = 0.75, information
    # 40 x 0.1875 = 7.5, scores 2.5, 1.5, -0.5, -3.5. Drawing voters again moves the gap by
    # sum (w_g - 1) s_g / 7.5, with the standard deviation sqrt(21) / 7.5 = 0.611 logits.
    rows = [
        ("a", "b", "left" if vote < wins else "right", f"voter {voter}")
        for voter, wins in enumerate((10, 9, 7, 4))
        for vote in range(10)
    ]
    votes = tally(ballots(rows))
    fit = bradley_terry(votes)
    found = bootstrap(fit, votes, resamples=MANY, seed=1)
    gaps = found.strengths[:, 0] - found.strengths[:, 1]
    # The prior (half a virtual battle each) adds its 0.06 to the information.
    assert gaps.std() == pytest.approx(math.sqrt(21) / 7.5, rel=0.04)
    assert found.units == 4
    assert found.strengths.sum(axis=1) == pytest.approx(np.zeros(MANY), abs=1e-9)


@pytest.mark.parametrize("weights", ["poisson", "multinomial"])
@pytest.mark.parametrize("unit", ["voter", "prompt", "cell", "row"])
def test_the_covariance_is_that_of_the_sandwich(clustered, unit, weights):
    fit = davidson(clustered)
    found = bootstrap(fit, clustered, unit=unit, weights=weights, resamples=MANY, seed=2)
    codes = {
        "voter": clustered.voter,
        "prompt": clustered.prompt,
        "cell": clustered.voter * 30 + clustered.prompt,
        "row": np.arange(clustered.votes),
    }[unit]
    expected = sandwich_errors(fit, clustered, codes, int(codes.max()) + 1)
    # 8,000 resamples know a standard error to 0.8 %.
    assert errors(found) == pytest.approx(expected, rel=0.035)


def test_rows_are_the_row_sandwich(clustered):
    fit = davidson(clustered)
    expected = np.sqrt(np.diag(covariance(fit, clustered, IntervalMethod.ROW_SANDWICH).matrix))
    assert errors(bootstrap(fit, clustered, unit="row", resamples=MANY, seed=5)) == pytest.approx(
        expected, rel=0.035
    )


def test_two_ways_is_the_naive_pigeonhole(clustered):
    # Written out: a weight for each voter and each prompt, their product on every vote's own score.
    fit = davidson(clustered)
    random = np.random.default_rng(8)
    each = cluster_scores(fit, clustered, np.arange(clustered.votes), clustered.votes)
    pulls = []
    for _ in range(MANY):
        weight = random.poisson(1.0, 40)[clustered.voter] * random.poisson(1.0, 30)[clustered.prompt]
        pulls.append((weight - 1.0) @ each)
    naive = (np.array(pulls) @ np.linalg.inv(fit.information) @ fit.gauge.T).std(axis=0)
    found = bootstrap(fit, clustered, unit="two_way", resamples=MANY, seed=9)
    assert errors(found) == pytest.approx(naive, rel=0.06)
    assert found.units == 30
    assert (errors(found) > errors(bootstrap(fit, clustered, unit="voter", resamples=MANY, seed=9))).all()


@pytest.mark.parametrize("unit", ["voter", "row"])
def test_steps_reach_the_refit(draw, unit):
    # Naive: draw rows (or whole voters) with replacement, tally them, fit from scratch.
    votes = tally_frame(draw([1.2, 0.0, -1.2], 240, 4, voters=24, prompts=10, order=0.2))
    fit = davidson(votes)
    random = np.random.default_rng(3)
    places = [np.flatnonzero(votes.voter == voter) for voter in range(24)]
    refits = []
    for _ in range(300):
        if unit == "row":
            rows = random.integers(votes.votes, size=votes.votes)
        else:
            rows = np.concatenate([places[voter] for voter in random.integers(24, size=24)])
        again = davidson(votes.where(rows))
        refits.append(again.theta)
    found = bootstrap(fit, votes, unit=unit, weights="multinomial", steps=6, resamples=2000, seed=6)
    assert errors(found) == pytest.approx(np.std(refits, axis=0), rel=0.13)
    assert found.draws.mean(axis=0) == pytest.approx(np.mean(refits, axis=0), abs=0.05)
    for share in (0.05, 0.5, 0.95):
        assert np.quantile(found.strengths, share, axis=0) == pytest.approx(
            np.quantile(refits, share, axis=0)[:3], abs=0.08
        )


def test_a_resample_refitted_is_the_fit_of_its_votes(draw):
    # The very same weights, then a fit from scratch of rows repeated as often; 90 votes feel the prior.
    votes = tally_frame(draw([0.5, 0.0, -0.5], 90, 3, voters=12, prompts=5))
    fit = davidson(votes)
    found = bootstrap(fit, votes, unit="voter", steps=30, resamples=5, seed=7)
    ones, whole = np.ones(12, dtype=np.int64), slice(0, 12)
    drawn = independent(np.random.default_rng(7), BootstrapWeights.POISSON, ones, [whole], 5)
    for resample, weight in enumerate(drawn(slice(0, 5), whole)):
        times = weight[votes.voter].astype(int)
        again = davidson(votes.where(np.repeat(np.arange(90), times)))
        # What is left is the prior's third order.
        assert found.draws[resample] == pytest.approx(again.theta, abs=2e-3)


def undefeated(ballots, wins=12):
    """a wins all its votes against b, which beats c in 8 of 12; one vote a voter."""
    rows = [("a", "b", "left")] * (wins // 2) + [("b", "a", "right")] * (wins // 2)
    rows += [("b", "c", "left")] * 4 + [("c", "b", "right")] * 4 + [("c", "b", "left")] * 4
    return tally(ballots([(*row, f"voter {place}") for place, row in enumerate(rows)]))


def test_one_step_scatters_around_the_fit_even_where_the_prior_decides(ballots):
    votes = undefeated(ballots)
    fit = bradley_terry(votes)
    found = bootstrap(fit, votes, resamples=MANY, seed=1)
    assert found.draws.mean(axis=0) == pytest.approx(fit.theta, abs=0.02)


def test_steps_stay_with_the_prior_where_a_system_won_everything(ballots):
    votes = undefeated(ballots)
    fit = bradley_terry(votes)
    found = bootstrap(fit, votes, unit="row", steps=40, resamples=400, seed=2)
    # Without a prior the undefeated system would run away; with it, refits stay near those from scratch.
    random = np.random.default_rng(1)
    again = [
        bradley_terry(votes.where(np.repeat(np.arange(votes.votes), random.poisson(1.0, votes.votes)))).theta
        for _ in range(400)
    ]
    assert np.median(found.draws, axis=0) == pytest.approx(np.median(again, axis=0), abs=0.15)
    assert found.draws.mean(axis=0) == pytest.approx(np.mean(again, axis=0), abs=0.15)


def test_the_chance_is_that_of_the_fitted_rates(draw):
    votes = tally_frame(draw([1.0, 0.0, -1.0], 600, 6, nu=1.5))
    fit = four_way(votes)
    expected = Estimate(fit, covariance(fit, votes)).win_probability("system 00", "system 01")
    found = bootstrap(fit, votes, seed=1).win_probability("system 00", "system 01")
    assert found.value == pytest.approx(expected.value)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.05)


def test_steps_with_controls_and_with_rates_by_system(draw):
    frame = draw([0.9, 0.0, -0.9], 900, 5, voters=30, prompts=10, order=0.1)
    votes = tally_frame(frame)
    louder_side = np.array([2.0, -2.0, 0.0, 0.0])[votes.outcome]
    loudness = louder_side + np.random.default_rng(1).normal(scale=7.0, size=votes.votes)
    fit = davidson(votes, covariates={"loudness": loudness})
    assert fit.theta[fit.design.place("loudness")] > 0.02
    one = bootstrap(fit, votes, unit="voter", resamples=600, seed=1)
    more = bootstrap(fit, votes, unit="voter", resamples=600, steps=4, seed=1)
    assert errors(more) == pytest.approx(errors(one), rel=0.12)
    assert more.draws.mean(axis=0) == pytest.approx(fit.theta, abs=0.05)
    by_system = four_way(votes, rates=Rates.SYSTEM)
    one, more = (bootstrap(by_system, votes, resamples=600, steps=steps, seed=1) for steps in (1, 4))
    assert errors(more) == pytest.approx(errors(one), rel=0.2)
    assert more.draws.mean(axis=0) == pytest.approx(by_system.theta, abs=0.1)
    by_quality = four_way(votes)
    with pytest.raises(RatingError, match="one step only"):
        bootstrap(by_quality, votes, steps=2, seed=1)


def with_draws(values: np.ndarray) -> Bootstrap:
    """A board of a and b whose resampled strengths are `values` and their opposites."""
    frame = pd.DataFrame(
        {
            "left": ["a", "b"],
            "right": ["b", "a"],
            "outcome": ["left", "left"],
            "voter": ["v", "w"],
            "prompt": ["p", "q"],
        }
    )
    votes = tally_frame(frame)
    found = bootstrap(bradley_terry(votes), votes, seed=1)
    return replace(found, draws=np.stack([values, -values], axis=1))


def test_percentiles_by_hand():
    found = with_draws(np.linspace(-1.0, 1.0, 2001))
    # 2.5 % from either end of an even spread over -1 to 1 are -0.95 and 0.95; the gap is twice that.
    interval = found.rating("a", anchor=0.0)
    assert (interval.low, interval.high) == pytest.approx((-0.95 * ELO_PER_LOGIT, 0.95 * ELO_PER_LOGIT))
    gap = found.difference("a", "b", 0.9)
    assert (gap.low, gap.high) == pytest.approx((-1.8 * ELO_PER_LOGIT, 1.8 * ELO_PER_LOGIT))
    chance = found.win_probability("a", "b", 0.9)
    assert chance.low == pytest.approx(1 / (1 + math.exp(1.8)))
    assert chance.low + chance.high == pytest.approx(1.0)


def test_percentiles_agree_with_standard_errors(clustered):
    fit = davidson(clustered)
    found = bootstrap(fit, clustered, resamples=MANY, seed=4)
    low, high = found.percentiles(found.strengths)
    reach = 0.5 * (high - low) / stats.norm.ppf(0.975)
    assert reach == pytest.approx(errors(found)[:5], rel=0.06)
    assert 0.5 * (low + high) == pytest.approx(fit.strengths, abs=0.03)


def test_mirrored_votes_mirror_only_the_order_effect(draw, mirrored):
    frame = draw([0.6, 0.0, -0.6], 600, 2, order=0.4)
    votes, turned = tally_frame(frame), tally_frame(mirrored(frame))
    one = bootstrap(davidson(votes), votes, unit="voter", resamples=200, seed=1)
    other = bootstrap(davidson(turned), turned, unit="voter", resamples=200, seed=1)
    assert other.strengths == pytest.approx(one.strengths, abs=1e-4)
    assert other.draws[:, 3] == pytest.approx(-one.draws[:, 3], abs=1e-4)


def test_the_same_seed_draws_the_same(clustered):
    fit = davidson(clustered)
    one, two, other = (bootstrap(fit, clustered, resamples=50, seed=seed).draws for seed in (1, 1, 2))
    assert one.tolist() == two.tolist()
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("units", [np.ones(300, dtype=np.int64), np.arange(1, 301)])
def test_weights_are_one_on_average_with_the_right_variance(units):
    blocks = list(blocks_of(300, 70))
    for weights in BootstrapWeights:
        draw = independent(np.random.default_rng(1), weights, units, blocks, 4000)
        drawn = np.concatenate([draw(slice(0, 4000), block) for block in blocks], axis=1) * units
        assert drawn.mean(axis=0) / units == pytest.approx(np.ones(300), abs=0.08)
        assert (drawn.var(axis=0) / units).mean() == pytest.approx(1.0, rel=0.01)
        if weights is BootstrapWeights.MULTINOMIAL:
            assert drawn.sum(axis=1) == pytest.approx(np.full(4000, units.sum()))


@pytest.mark.parametrize("mean", [1, 3, 200, 40_000])
def test_poisson_numbers_have_their_moments(mean):
    draw = independent(
        np.random.default_rng(3), BootstrapWeights.POISSON, np.full(200, mean), [slice(0, 200)], 2000
    )
    drawn = draw(slice(0, 2000), slice(0, 200)) * mean
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    assert drawn.var() == pytest.approx(mean, rel=0.015)
    assert stats.skew(drawn.ravel()) == pytest.approx(mean**-0.5, abs=0.02)


def test_what_cannot_be_drawn_is_said(clustered, ballots):
    fit = davidson(clustered)
    with pytest.raises(UnknownNameError, match="No bootstrap unit is called 'person'; there are voter"):
        bootstrap(fit, clustered, unit="person", seed=1)
    with pytest.raises(UnknownNameError, match="No bootstrap weights is called"):
        bootstrap(fit, clustered, weights="normal", seed=1)
    with pytest.raises(RatingError, match="1 resamples show no spread"):
        bootstrap(fit, clustered, resamples=1, seed=1)
    with pytest.raises(RatingError, match="0 steps move nothing"):
        bootstrap(fit, clustered, steps=0, seed=1)
    with pytest.raises(RatingError, match="Bootstrap the votes that were fitted"):
        bootstrap(fit, clustered.where(slice(0, 100)), seed=1)
    few = bootstrap(fit, clustered, resamples=30, seed=1)
    with pytest.raises(RatingError, match="Draw at least 40"):
        few.rating("system 00")
    with pytest.raises(RatingError, match="between 0 and 1"):
        few.rating("system 00", 95.0)
    with pytest.raises(UnknownNameError, match="No system 'nobody'"):
        few.difference("system 00", "nobody", 0.5)
    alone = tally(ballots([("a", "b", "left", "v", "p"), ("b", "a", "left", "v", "p")]))
    for unit in ("voter", "two_way"):
        with pytest.raises(RatingError, match="only one"):
            bootstrap(bradley_terry(alone), alone, unit=unit, seed=1)


def test_real_votes_scatter_more_by_voter_than_by_vote(video_votes):
    fit = davidson(video_votes)
    row = errors(bootstrap(fit, video_votes, unit="row", resamples=1000, seed=1))[: len(fit.systems)]
    voter = errors(bootstrap(fit, video_votes, unit="voter", resamples=1000, seed=1))[: len(fit.systems)]
    # Observers of this panel differ: by voter the errors are about 2.7 times those by vote.
    assert 1.8 < np.median(voter / row) < 3.8

"""Covariates beside strengths: known effects, intervals that cover, another optimiser, laws, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from evalharness.errors import RatingError
from evalharness.ratings import ELO_PER_LOGIT, bradley_terry, controlled, davidson, simulate, tally_frame
from evalharness.ratings.maximum import PRIOR_BATTLES
from evalharness.ratings.tally import tally_codes

TRUTH = np.array([0.8, 0.4, 0.0, -0.3, -0.9])
EFFECT = 0.5
"""Logits for each second by which the left clip is longer."""


def lengthy(votes, seed, *, effect=EFFECT, habit=0.5):
    """Votes on clips whose systems make longer clips by habit, and voters who like length."""
    random = np.random.default_rng([seed, 1])  # not the stream that drew the board
    board = simulate(TRUTH, votes=votes, seed=seed, voters=200, prompts=100, activity=0.0)
    usual = habit * np.array([0.0, -1.0, 2.0, 1.0, -2.0])
    length = usual[board.left] - usual[board.right] + random.normal(0, 1, votes)
    gap = TRUTH[board.left] - TRUTH[board.right] + effect * length
    weight = np.exp(np.stack([gap / 2, -gap / 2, np.full(votes, np.log(0.7))]))
    share = np.cumsum(weight / weight.sum(axis=0), axis=0)
    outcome = np.minimum((random.random(votes) > share).sum(axis=0), 2)
    codes = {"left": board.left, "right": board.right, "voter": board.voter, "prompt": board.prompt}
    return tally_codes(board.systems, board.voters, board.prompts, outcome=outcome, **codes), length


def test_a_known_effect_is_recovered_and_taken_from_the_ratings():
    votes, length = lengthy(100_000, seed=1)
    found = controlled(votes, {"seconds": length})
    (effect,) = found.effects
    assert effect.per_unit.value / ELO_PER_LOGIT == pytest.approx(EFFECT, rel=0.03)
    assert effect.per_spread.value == pytest.approx(effect.per_unit.value * np.sqrt((length**2).mean()))
    assert effect.per_unit.low > 0.0
    truth = (TRUTH - TRUTH.mean()) * ELO_PER_LOGIT + 1000

    def worst(estimate):
        return max(
            abs(estimate.rating(name).value - true) for name, true in zip(votes.systems, truth, strict=True)
        )

    assert worst(found.controlled) < 8.0 < 60.0 < worst(found.plain)
    name = votes.systems[4]
    assert found.shift(name) == found.controlled.rating(name).value - found.plain.rating(name).value > 0


def test_intervals_of_effect_and_ratings_cover():
    truth = (TRUTH - TRUTH.mean()) * ELO_PER_LOGIT + 1000
    of_effect, of_ratings = [], []
    for seed in range(60):
        votes, length = lengthy(2000, seed=seed)
        found = controlled(votes, {"seconds": length})
        interval = found.effects[0].per_unit
        of_effect.append(interval.low <= EFFECT * ELO_PER_LOGIT <= interval.high)
        for name, true in zip(votes.systems, truth, strict=True):
            rating = found.controlled.rating(name)
            of_ratings.append(rating.low <= true <= rating.high)
    assert np.mean(of_effect) >= 0.85  # 60 draws at .95: below .85 once in a thousand
    assert 0.91 <= np.mean(of_ratings) <= 0.985


def test_an_independent_optimiser_finds_the_same_maximum():
    votes, length = lengthy(400, seed=3)
    bright = np.random.default_rng(9).integers(-1, 2, votes.votes).astype(float)
    fit = davidson(votes, covariates={"seconds": length, "bright": bright})
    scales = [np.sqrt((values**2).mean()) for values in (length, bright)]

    def minus(theta):
        s, (order, seconds, light, tie) = theta[:5], theta[5:]
        gap = s[votes.left] - s[votes.right] + order + seconds * length + light * bright
        weight = np.stack([gap / 2, -gap / 2, np.full(len(gap), tie)])
        log = weight - np.logaddexp.reduce(weight, axis=0)
        held = np.array([*s, order, seconds * scales[0], light * scales[1]])
        prior = PRIOR_BATTLES / 2 * -(np.logaddexp(0, held) + np.logaddexp(0, -held)).sum()
        return -(log[votes.outcome, np.arange(len(gap))].sum() + prior)

    found = minimize(minus, np.zeros(9), method="BFGS", tol=1e-9).x
    assert fit.strengths == pytest.approx(found[:5] - found[:5].mean(), abs=1e-4)
    assert fit.theta[5:] == pytest.approx(found[5:], abs=1e-4)


def test_another_unit_changes_the_number_not_the_board():
    votes, length = lengthy(3000, seed=4)
    seconds, minutes = (controlled(votes, {"length": length / unit}) for unit in (1.0, 60.0))
    one, other = seconds.effects[0], minutes.effects[0]
    assert other.per_unit.value == pytest.approx(60 * one.per_unit.value, rel=1e-6)
    assert other.per_spread.low == pytest.approx(one.per_spread.low, rel=1e-6)
    for name in votes.systems:
        assert seconds.shift(name) == pytest.approx(minutes.shift(name), abs=1e-6)


def test_mirrored_sides_keep_the_effect():
    votes, length = lengthy(3000, seed=5)
    swap = np.array([1, 0, 2, 3])
    codes = {"left": votes.right, "right": votes.left, "voter": votes.voter, "prompt": votes.prompt}
    mirrored = tally_codes(votes.systems, votes.voters, votes.prompts, outcome=swap[votes.outcome], **codes)
    one = controlled(votes, {"seconds": length}).effects[0].per_unit
    other = controlled(mirrored, {"seconds": -length}).effects[0].per_unit
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-6)


def test_coarse_covariates_share_cells_and_change_nothing():
    votes, length = lengthy(5000, seed=6)
    coarse = np.round(length)
    fit = bradley_terry(votes, covariates={"seconds": coarse})
    apart = bradley_terry(votes, covariates={"seconds": coarse + 1e-12 * np.arange(votes.votes)})
    assert len(fit.cells.left) < 300 < len(apart.cells.left) == votes.votes
    assert fit.theta == pytest.approx(apart.theta, abs=1e-6)


@pytest.mark.parametrize(
    ("covariates", "sentence"),
    [
        ({}, "nothing to control for"),
        ({"seconds": np.zeros(500)}, "'seconds' is 0 in every vote"),
        ({"seconds": np.ones(499)}, "has shape \\(499,\\), but there are 500 votes"),
        (
            {"seconds": np.where(np.arange(500) == 7, np.nan, 1.0)},
            "not a number for 1 of 500 votes, first in row 7",
        ),
        ({"seconds": np.ones(500)}, "cannot be told from strength, order"),
    ],
)
def test_what_cannot_be_controlled_is_refused_with_a_sentence(covariates, sentence):
    votes, _ = lengthy(500, seed=7)
    with pytest.raises(RatingError, match=sentence):
        controlled(votes, covariates)


def test_a_property_of_the_system_cannot_be_told_from_its_strength():
    votes, length = lengthy(500, seed=8)
    by_system = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    fixed = by_system[votes.left] - by_system[votes.right]
    with pytest.raises(
        RatingError, match="'price' cannot be told from strength, order, seconds: it is fixed by"
    ):
        controlled(votes, {"seconds": length, "price": fixed})


def test_the_worked_example_of_the_methods():
    """The longer clip wins 60 : 20, whichever side it is on: odds of 3 a second."""
    rows = []
    for left, right in (("a", "b"), ("b", "a")):
        for length in (1.0, -1.0):
            longer = "left" if length > 0 else "right"
            shorter = "right" if length > 0 else "left"
            rows += [(left, right, longer, length)] * 30 + [(left, right, shorter, length)] * 10
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome", "length"])
    frame["voter"], frame["prompt"] = [f"v{i % 25}" for i in range(160)], [f"p{i % 31}" for i in range(160)]
    found = controlled(tally_frame(frame), {"length": frame["length"].to_numpy()})
    assert np.log(3) * ELO_PER_LOGIT == pytest.approx(190.85, abs=0.005)
    assert found.effects[0].per_unit.value == pytest.approx(190.13, abs=0.005)
    assert found.controlled.difference("a", "b").value == pytest.approx(0.0, abs=1e-6)

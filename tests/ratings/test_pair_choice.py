"""Chances of system pairs: the example of docs/methods.md, laws, and what each of the four parts promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.errors import RatingError
from evalharness.ratings import Tally
from evalharness.ratings.pair_choice import PLACEMENT, pair_preference, pair_weights
from evalharness.ratings.simulate import simulate


def known(size: int) -> np.ndarray:
    """Meetings of systems none of which is a newcomer."""
    return np.full((size, size), 100) - 100 * np.eye(size, dtype=np.int64)


def total(chances: np.ndarray) -> float:
    return float(np.triu(chances, 1).sum())


def test_the_worked_example() -> None:
    chances = pair_weights(np.array([0.45, 0.25, 0.0]), np.diag([0.02, 0.02, 0.02]), known(3))
    # Each difference has the variance 0.04. Phi(-1) = 0.158655 and Phi(-1.25) = 0.105650, to the fourth power
    # 6.3359e-4 and 1.2459e-4; Phi(-2.25) = 0.012224 is nothing beside them.
    assert chances[0, 1] == pytest.approx(0.9 * 6.3359 / (6.3359 + 1.2459 + 0.0002) + 0.1 / 3, abs=1e-4)
    assert chances[0, 1] == pytest.approx(0.785, abs=5e-4)
    assert chances[1, 2] == pytest.approx(0.181, abs=5e-4)
    assert chances[0, 2] == pytest.approx(0.033, abs=5e-4)


def test_the_score_is_the_variance_times_the_simulated_chance_of_a_wrong_sign() -> None:
    random = np.random.default_rng(3)
    root = random.normal(size=(4, 4)) * 0.4
    strengths, covariance = random.normal(size=4) * 0.5, root @ root.T
    draws = random.multivariate_normal(strengths, covariance, 400_000)
    score = np.zeros((4, 4))
    for i in range(4):
        for j in range(i):
            gap = draws[:, i] - draws[:, j]
            wrong = np.mean(np.sign(gap) != np.sign(strengths[i] - strengths[j]))
            score[i, j] = score[j, i] = (gap.var() * wrong) ** 4
    chances = pair_weights(strengths, covariance, known(4), explore=1e-9)
    assert chances == pytest.approx(score / total(score), abs=0.01)


@given(
    size=st.integers(2, 7),
    seed=st.integers(0, 999),
    explore=st.floats(0.01, 1.0),
    quota=st.integers(0, 20),
    votes=st.integers(0, 60),
)
def test_chances_are_chances_and_know_neither_names_nor_the_anchor(
    size: int, seed: int, explore: float, quota: int, votes: int
) -> None:
    random = np.random.default_rng(seed)
    strengths, root = random.normal(size=size), random.normal(size=(size, size)) * 0.3
    half = np.triu(random.integers(0, 25, (size, size)), 1)
    covariance, meetings = root @ root.T, half + half.T
    settings = {"explore": explore, "newcomer_votes": votes, "quota": quota}
    chances = pair_weights(strengths, covariance, meetings, **settings)
    assert total(chances) == pytest.approx(1.0)
    assert np.array_equal(chances, chances.T)
    assert not np.diag(chances).any()
    pairs = size * (size - 1) / 2
    assert chances[np.triu_indices(size, 1)].min() >= explore / pairs * (1 - 1e-12)
    order = random.permutation(size)
    other = pair_weights(
        5.0 - strengths[order], covariance[np.ix_(order, order)], meetings[np.ix_(order, order)], **settings
    )  # renamed, shifted, and turned upside down
    assert other == pytest.approx(chances[np.ix_(order, order)])


def test_newcomers_take_their_share_and_meet_the_established_systems_near_them() -> None:
    strengths = np.array([2.0, 1.0, 0.0, -1.0, -2.0, 0.9])
    covariance = np.diag([0.01] * 5 + [0.3])
    meetings = known(6)
    meetings[5, :] = meetings[:, 5] = [2, 2, 2, 2, 2, 0]
    chances = pair_weights(strengths, covariance, meetings)
    newcomer = chances[5, :5]
    assert newcomer.sum() == pytest.approx(0.1 * 5 / 15 + 0.9 * PLACEMENT)
    assert newcomer.argsort()[::-1].tolist() == [1, 2, 0, 3, 4]
    assert newcomer.min() > newcomer.max() / 4  # where it stands is still unsure, so opponents are spread
    unsure = pair_weights(strengths, np.diag([0.01] * 5 + [3.0]), meetings)[5, :5]
    assert unsure.min() / unsure.max() > newcomer.min() / newcomer.max()


def test_newcomers_meet_each_other_only_while_there_are_few_others() -> None:
    few, many = known(6), known(6)
    few[4:, :] = few[:, 4:] = 0
    many[2:, :] = many[:, 2:] = 0
    floor = 0.1 / 15
    zero, unsure = np.zeros(6), np.diag(np.full(6, 0.1))
    assert pair_weights(zero, unsure, few)[4, 5] == pytest.approx(floor)
    assert pair_weights(zero, unsure, many)[4, 5] > 2 * floor
    assert pair_weights(zero, unsure, many * 0) == pytest.approx((1 - np.eye(6)) / 15)


def test_pairs_under_their_quota_go_before_those_whose_order_is_open() -> None:
    meetings = known(4)
    meetings[0, 3] = meetings[3, 0] = 4
    meetings[1, 3] = meetings[3, 1] = 8
    strengths, covariance = np.array([0.0, 0.0, 1.0, 9.0]), np.diag(np.full(4, 0.05))
    asked = pair_weights(strengths, covariance, meetings, quota=10, newcomer_votes=0)
    floor = 0.1 / 6
    assert asked[0, 3] == pytest.approx(0.9 * 6 / 8 + floor)  # 6 and 2 meetings are missing
    assert asked[1, 3] == pytest.approx(0.9 * 2 / 8 + floor)
    assert asked[0, 1] == pytest.approx(floor)
    free = pair_weights(strengths, covariance, meetings, quota=4, newcomer_votes=0)
    assert free[0, 1] == pytest.approx(0.9 + floor, abs=0.05)


def test_where_nothing_is_left_to_learn_all_pairs_are_alike() -> None:
    chances = pair_weights(np.array([0.0, 5.0, 9.0]), np.zeros((3, 3)), known(3))
    assert chances == pytest.approx((1 - np.eye(3)) / 3)
    assert pair_weights(np.array([0.0, 1.0]), np.eye(2), known(2))[0, 1] == pytest.approx(1.0)


@pytest.fixture(scope="module")
def votes() -> Tally:
    return simulate([0.0, 0.05, 0.8, 1.6, -0.8], votes=1500, seed=2)


def test_from_votes_the_closest_pair_is_wanted_most(votes: Tally) -> None:
    chances = pair_preference(votes, votes.systems)
    assert np.unravel_index(chances.argmax(), chances.shape) == (0, 1)
    assert total(chances) == pytest.approx(1.0)


def test_systems_without_votes_are_newcomers_and_withdrawn_ones_get_no_chance(votes: Tally) -> None:
    systems = ("a new one", *votes.systems[1:])
    chances = pair_preference(votes, systems)
    assert total(chances) == pytest.approx(1.0)
    assert chances.shape == (5, 5)
    assert chances[0].sum() == pytest.approx(0.1 * 4 / 10 + 0.9 * PLACEMENT)
    turned = pair_preference(votes, systems[::-1])
    assert turned == pytest.approx(chances[::-1, ::-1])


STRENGTHS, SPREAD = np.array([0.0, 1.0, 2.0]), np.eye(3)


@pytest.mark.parametrize(
    ("strengths", "covariance", "meetings", "settings", "sentence"),
    [
        (STRENGTHS, np.eye(2), known(3), {}, r"found \(3,\), \(2, 2\) and \(3, 3\)"),
        (STRENGTHS, SPREAD, np.arange(9).reshape(3, 3), {}, "give counts . counts.T"),
        (STRENGTHS[:1], SPREAD[:1, :1], known(1), {}, "no pairs among 1 systems"),
        (STRENGTHS * np.nan, SPREAD, known(3), {}, "not a finite number"),
        (STRENGTHS, SPREAD, known(3), {"explore": 0.0}, "must lie in .0, 1.; found 0.0"),
        (STRENGTHS, SPREAD, known(3), {"quota": -1}, "found 30 and -1"),
    ],
)
def test_what_gives_no_chances_is_refused(
    strengths: np.ndarray,
    covariance: np.ndarray,
    meetings: np.ndarray,
    settings: dict[str, float],
    sentence: str,
) -> None:
    with pytest.raises(RatingError, match=sentence):
        pair_weights(strengths, covariance, meetings, **settings)  # type: ignore[arg-type]  # by name


def test_votes_that_allow_no_rating_are_refused(votes: Tally) -> None:
    few = simulate([0.0, 1.0, 2.0], votes=2, seed=1)
    with pytest.raises(RatingError):
        pair_preference(few, few.systems)

"""Rank intervals: by hand, against known quantiles and a naive twin, and their error rates in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalharness.errors import RatingError
from evalharness.ratings import covariance, davidson, tally_frame
from evalharness.ratings.ranks import (
    max_t_critical,
    rank_chances,
    rank_intervals,
    stepwise_ranks,
    tied_groups,
)


def test_two_systems_need_the_ordinary_quantile():
    # One pair, one ratio: its 95 % quantile is the two-sided normal or t quantile.
    matrix = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert max_t_critical(matrix, math.inf, 0.95, seed=1) == pytest.approx(1.96, abs=0.06)
    assert max_t_critical(matrix, 5.0, 0.95, seed=1) == pytest.approx(stats.t.ppf(0.975, 5), abs=0.12)


def test_equal_independent_systems_need_the_studentised_range():
    # Independent errors: max |z_i - z_j| / sqrt(2) is the studentised range over sqrt(2).
    size = 6
    expected = stats.studentized_range.ppf(0.95, size, 1e6) / math.sqrt(2)
    assert max_t_critical(np.eye(size), math.inf, 0.95, seed=3) == pytest.approx(expected, abs=0.06)


def test_rank_intervals_by_hand():
    # Errors of differences are sqrt(2) x 0.1 = 0.141; with critical value 2 a gap must exceed 0.283.
    ranks = rank_intervals(np.array([0.5, 0.4, 0.0, -0.9]), 0.01 * np.eye(4), critical=2.0)
    assert ranks.best.tolist() == [1, 1, 3, 4]
    assert ranks.worst.tolist() == [2, 2, 3, 4]
    assert ranks.above.sum() == 5


def test_without_a_standard_error_nothing_is_decided():
    assert max_t_critical(np.zeros((3, 3)), 10.0, 0.95, seed=1) == 0.0
    ranks = rank_intervals(np.array([3.0, 0.0, -3.0]), np.zeros((3, 3)), critical=0.0)
    assert ranks.best.tolist() == [1, 1, 1]
    assert ranks.worst.tolist() == [3, 3, 3]


def test_the_same_seed_gives_the_same_value():
    matrix = np.diag([1.0, 2.0, 0.5])
    one, two, other = (max_t_critical(matrix, 12.0, 0.95, seed=seed) for seed in (4, 4, 5))
    assert one == two
    assert one == pytest.approx(other, rel=0.05)


def test_all_true_ranks_are_inside_at_once(draw):
    truth = np.array([0.5, 0.3, 0.1, -0.1, -0.3, -0.5])
    right = 0
    boards = 40
    for board in range(boards):
        votes = tally_frame(draw(truth, 1200, board, voters=40, prompts=30, voter_sd=0.5, prompt_sd=0.5))
        fit = davidson(votes)
        found = covariance(fit, votes)
        strengths = found.matrix[:6, :6]
        critical = max_t_critical(strengths, found.degrees_of_freedom, 0.95, seed=board, draws=2000)
        ranks = rank_intervals(fit.strengths, strengths, critical)
        true_rank = np.arange(1, 7)
        right += bool(((ranks.best <= true_rank) & (true_rank <= ranks.worst)).all())
    assert right >= 0.9 * boards


def test_stepwise_by_hand():
    # Errors of differences are 0.1414. Far apart, two systems are one question with a known answer's
    # direction: its one-sided quantile at 4.5 % is 1.695, where one step needs the two-sided 1.960.
    ranks = stepwise_ranks(np.array([9.0, 0.0]), 0.01 * np.eye(2), math.inf, 0.95, seed=1, draws=40_000)
    assert ranks.critical == pytest.approx(stats.norm.ppf(0.955), abs=0.04)
    assert ranks.best.tolist() == ranks.worst.tolist() == [1, 2]


def test_clear_gaps_leave_the_close_pairs_to_themselves():
    # Three pairs of twins, pairs far apart: what stays open is three independent differences, so c solves
    # P(max of three |z| < c) = 0.955; one step would have to allow for all fifteen differences.
    strengths = np.array([20.0, 20.1, 0.0, 0.1, -20.0, -20.1])
    ranks = stepwise_ranks(strengths, np.eye(6), math.inf, 0.95, seed=2, draws=40_000)
    assert ranks.critical == pytest.approx(stats.norm.ppf(0.5 + 0.5 * 0.955 ** (1 / 3)), abs=0.03)
    assert max_t_critical(np.eye(6), math.inf, 0.95, seed=2) > ranks.critical + 0.3
    assert ranks.best.tolist() == [1, 1, 3, 3, 5, 5]
    assert ranks.worst.tolist() == [2, 2, 4, 4, 6, 6]


def naive_stepwise(strengths, matrix, draws, confidence=0.95):
    """The procedure written out over every ordered pair, nothing skipped."""
    alpha = 1 - confidence
    size = len(strengths)
    pairs = [(j, k) for j in range(size) for k in range(size) if j != k]
    error = {(j, k): math.sqrt(matrix[j, j] + matrix[k, k] - 2 * matrix[j, k]) for j, k in pairs}
    drawn = {(j, k): (draws[:, j] - draws[:, k]) / error[j, k] for j, k in pairs}
    seen = {(j, k): (strengths[j] - strengths[k]) / error[j, k] for j, k in pairs}
    bound = np.quantile(np.max([drawn[pair] for pair in pairs], axis=0), 1 - alpha / 10)
    still = set(pairs)
    critical = math.inf
    while still:
        lowered = [drawn[pair] + min(0.0, seen[pair] + bound) for pair in still]
        critical = np.quantile(np.max(lowered, axis=0), 1 - 0.9 * alpha)
        passed = {pair for pair in still if seen[pair] > critical}
        if not passed:
            break
        still -= passed
    return critical, {pair for pair in pairs if seen[pair] > critical}, seen


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 7), spread=st.sampled_from([0.0, 1.0, 3.0, 10.0]))
def test_stepwise_is_the_naive_procedure(seed, size, spread):
    random = np.random.default_rng(seed)
    root = random.normal(size=(size, size))
    matrix = root @ root.T + 0.1 * np.eye(size)
    strengths = spread * random.normal(size=size)
    twin, above, seen = naive_stepwise(
        strengths, matrix, random.multivariate_normal(np.zeros(size), matrix, 40_000)
    )
    ranks = stepwise_ranks(strengths, matrix, math.inf, 0.95, seed=seed, draws=40_000)
    # Two simulations of 40,000 boards; a pair on the very edge may fall to either side and move c a little.
    edge = [pair for pair in seen if abs(seen[pair] - twin) < 0.05]
    if not edge:
        assert ranks.critical == pytest.approx(twin, abs=0.05)
        assert {(j, k) for j, k in seen if ranks.above[j, k]} == above


@pytest.mark.parametrize(
    ("truth", "freedom"),
    [
        (np.zeros(8), math.inf),
        (np.zeros(8), 12.0),
        (np.array([9.0, 9.0, 9.0, 3.0, 3.0, 0.0, 0.0, 0.0]), math.inf),
        (np.array([3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.0, -0.5]), math.inf),
        (np.array([30.0, 30.0, 20.0, 20.0, 10.0, 10.0, 0.0, 0.0]), 12.0),
    ],
    ids=["equal", "equal, few clusters", "groups", "ladder", "far pairs, few clusters"],
)
def test_no_system_is_wrongly_called_better_on_95_percent_of_boards(truth, freedom):
    boards = 400
    random = np.random.default_rng(5)
    root = random.normal(size=(8, 8))
    matrix = 0.25 * root @ root.T / 8 + np.diag(random.uniform(0.3, 2.0, 8))
    not_better = truth[:, None] <= truth[None, :]
    wrong = 0
    for board in range(boards):
        scale = 1.0 if math.isinf(freedom) else random.chisquare(freedom) / freedom
        seen = truth + random.multivariate_normal(np.zeros(8), matrix)
        ranks = stepwise_ranks(seen, matrix * scale, freedom, 0.95, seed=board, draws=1_000)
        wrong += bool((ranks.above & not_better).any())
    # 0.05 and three standard errors of 400 boards.
    assert wrong / boards <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / boards)


def test_shifts_names_and_signs_do_not_matter():
    random = np.random.default_rng(7)
    root = random.normal(size=(6, 6))
    matrix = root @ root.T
    strengths = 4 * random.normal(size=6)
    one = stepwise_ranks(strengths, matrix, 30.0, 0.95, seed=3)
    shifted = stepwise_ranks(strengths + 7, matrix, 30.0, 0.95, seed=3)
    turned = stepwise_ranks(-strengths, matrix, 30.0, 0.95, seed=3)
    assert shifted.above.tolist() == one.above.tolist()
    assert turned.above.tolist() == one.above.T.tolist()
    assert turned.best.tolist() == (7 - one.worst).tolist()
    # A common error of all strengths is no error of a difference.
    common = stepwise_ranks(strengths, matrix + 5.0, 30.0, 0.95, seed=3)
    assert common.above.tolist() == one.above.tolist()


def test_stepwise_without_a_standard_error_decides_nothing():
    ranks = stepwise_ranks(np.array([3.0, 0.0]), np.zeros((2, 2)), 10.0, 0.95, seed=1)
    assert (ranks.best.tolist(), ranks.worst.tolist()) == ([1, 1], [2, 2])


def test_tied_groups_by_hand():
    # The order is d, a, b, c; a gap must exceed 0.283. d (0.8) is clear of all; a and b tie, b and c tie,
    # a and c (0.5 and 0.1) do not.
    strengths = np.array([0.5, 0.3, 0.1, 0.8])
    ranks = rank_intervals(strengths, 0.01 * np.eye(4), critical=2.0)
    assert tied_groups(ranks, strengths) == ((3,), (0, 1), (1, 2))
    assert ranks.tied.astype(int).tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_tied_groups_hold_every_system_and_no_decided_pair():
    random = np.random.default_rng(11)
    strengths = random.normal(size=20)
    ranks = rank_intervals(strengths, np.diag(random.uniform(0.005, 0.3, 20)), critical=2.0)
    groups = tied_groups(ranks, strengths)
    assert {place for group in groups for place in group} == set(range(20))
    assert all(ranks.tied[i, j] for group in groups for i in group for j in group if i != j)
    assert not any(set(a) <= set(b) for a in groups for b in groups if a is not b)


def test_chances_by_hand():
    # Two systems, gap 1, errors 0.5 and 0.5: the first leads with probability Phi(1 / 0.7071) = 0.9214.
    chances = rank_chances(np.array([1.0, 0.0]), 0.25 * np.eye(2), math.inf, seed=1, draws=40_000)
    assert chances.first == pytest.approx([0.9214, 0.0786], abs=0.006)
    assert chances.expected == pytest.approx([1.0786, 1.9214], abs=1e-4)
    assert chances.top(2) == pytest.approx([1.0, 1.0])
    with pytest.raises(RatingError, match="best 3 of 2 systems"):
        chances.top(3)


def test_equal_systems_share_every_place():
    chances = rank_chances(np.zeros(5), np.eye(5), 20.0, seed=2, draws=40_000)
    assert chances.at_most == pytest.approx(np.tile(np.arange(1, 6) / 5, (5, 1)), abs=0.012)
    assert chances.expected == pytest.approx(np.full(5, 3.0))


def test_expected_rank_is_the_mean_of_the_simulated_ranks():
    random = np.random.default_rng(9)
    root = random.normal(size=(7, 7))
    chances = rank_chances(random.normal(size=7), root @ root.T, 15.0, seed=4, draws=40_000)
    # The mean of a rank is the sum over k of the chance to be no better than k.
    assert (1 - chances.at_most).sum(axis=1) + 1 == pytest.approx(chances.expected, abs=0.05)
    assert chances.at_most.sum(axis=0) == pytest.approx(np.arange(1, 8))


def test_ranks_known_for_certain():
    chances = rank_chances(np.array([0.0, 2.0, -1.0]), np.zeros((3, 3)), 10.0, seed=1)
    assert chances.expected.tolist() == [2.0, 1.0, 3.0]
    assert chances.first.tolist() == [0.0, 1.0, 0.0]

"""Rank intervals: by hand, against known quantiles, and simultaneous coverage in a small simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from evalharness.ratings import covariance, davidson, tally_frame
from evalharness.ratings.ranks import max_t_critical, rank_intervals


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

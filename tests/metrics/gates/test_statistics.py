"""Order, correlation and separation against worked examples and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu, spearmanr

from metrics.gates.statistics import ordered_share, separation, sign_test, spearman

NAN = float("nan")


def test_order_counts_neighbours_and_ties_as_half() -> None:
    assert ordered_share(np.array([[1.0, 2, 3], [3, 2, 1]])) == 0.5
    assert ordered_share(np.array([[1.0, 2, 2]])) == 0.75
    assert ordered_share(np.array([[1.0, NAN, 3], [0, 1, NAN]])) == 1.0
    assert np.isnan(ordered_share(np.array([[1.0, NAN]])))


def test_two_levels_at_the_end_of_the_range_are_in_order() -> None:
    rows = np.array([[0.0, 0.5, 1, 1, 1]])
    assert ordered_share(rows) == 0.75
    assert ordered_share(rows, most=1.0) == 1.0
    assert ordered_share(rows, most=2.0) == 0.75, "short of the end there is room"
    assert ordered_share(np.array([[1.0, 1, 1]]), most=1.0) == 0.75, "undamaged and damaged alike is no order"
    assert ordered_share(np.array([[0.0, 1, 0.5, 1, NAN]]), most=1.0) == pytest.approx(2 / 3)
    assert ordered_share(np.array([[0.0, 0, 0, 1]]), most=1.0) == pytest.approx(2 / 3), (
        "the good end is blind"
    )


def test_spearman_is_the_mean_of_each_clips_own() -> None:
    rows = np.random.default_rng(1).normal(size=(4, 6))
    rows[2] = np.round(rows[2])  # ties
    expected = np.mean([spearmanr(np.arange(6), row).statistic for row in rows])
    assert spearman(rows) == pytest.approx(expected, abs=1e-12)
    assert spearman(np.array([[1.0, 1, 1]])) == 0.0
    assert spearman(np.array([[5.0, NAN, 6, 9]])) == 1.0
    assert np.isnan(spearman(np.array([[1.0, 2, NAN]])))


@pytest.mark.parametrize("seed", range(5))
def test_the_sign_test_is_the_binomial_one(seed: int) -> None:
    differences = np.random.default_rng(seed).normal(0.5, 1, 9)
    above = int((differences > 0).sum())
    expected = binomtest(above, 9, alternative="greater").pvalue
    assert sign_test(np.append(differences, [0.0, NAN])) == pytest.approx(expected)


def test_five_clips_can_tell_and_four_cannot() -> None:
    assert sign_test(np.ones(5)) < 0.05 < sign_test(np.ones(4))
    assert sign_test(np.zeros(9)) == 1.0


def test_separation_is_the_area_under_the_curve() -> None:
    rng = np.random.default_rng(2)
    undamaged, damaged = np.round(rng.normal(0, 1, 30), 1), np.round(rng.normal(1, 1, 20), 1)
    expected = mannwhitneyu(damaged, undamaged).statistic / 600
    assert separation(undamaged, np.append(damaged, NAN)) == pytest.approx(expected)
    assert np.isnan(separation(undamaged, np.array([NAN])))

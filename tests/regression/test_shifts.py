"""Intervals and p values of paired differences, against enumeration and scipy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from evalharness.regression.rates import holm, share_difference
from evalharness.regression.shifts import Shifts, prompts_for

FEW = st.lists(st.integers(-40, 40), min_size=1, max_size=7)


def flipped(differences: list[int], centre: float) -> float:
    """By hand: the share of sign choices whose sum is as large as the one that was seen."""
    off = [each - centre for each in differences]
    sums = [
        sum(s * d for s, d in zip(signs, off, strict=True)) for signs in product((1, -1), repeat=len(off))
    ]
    return sum(total >= sum(off) - 1e-9 for total in sums) / len(sums)


@given(FEW, st.integers(-30, 30))
@settings(max_examples=60, deadline=None)
def test_a_p_value_is_that_of_all_sign_flips(differences: list[int], centre: int) -> None:
    found = Shifts(np.array(differences, dtype=float))
    assert found.p_at_most(centre + 0.5) == pytest.approx(flipped(differences, centre + 0.5))
    mirrored = Shifts(-np.array(differences, dtype=float))
    assert found.p_at_least(centre) == pytest.approx(mirrored.p_at_most(-centre))


@given(FEW)
@settings(max_examples=60, deadline=None)
def test_the_interval_is_where_the_tests_do_not_reject(differences: list[int]) -> None:
    found = Shifts(np.array(differences, dtype=float))
    low, high = found.interval(0.1)
    if np.isinf(low):
        assert 2.0 ** -len(differences) > 0.1
        return
    assert found.p_at_most(low) > 0.1 or found.p_at_most(low - 1e-6) <= 0.1
    assert found.p_at_most(low - 1e-3) <= 0.1
    assert found.p_at_least(high + 1e-3) <= 0.1
    assert low <= high


def test_many_prompts_agree_with_scipys_sampled_signs() -> None:
    differences = np.random.default_rng(3).normal(0.25, 1.0, 40)
    ours = Shifts(differences).p_at_most(0.0)
    theirs = permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative="greater", n_resamples=9999, rng=1
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.015)


def test_more_prompts_narrow_the_interval_and_a_level_needs_so_many() -> None:
    rng = np.random.default_rng(5)
    widths = []
    for n in (6, 12, 48, 200):
        low, high = Shifts(rng.normal(0.0, 1.0, n)).interval(0.05)
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert (prompts_for(0.05), prompts_for(0.05 / 8)) == (5, 8)
    assert Shifts(np.ones(5)).p_at_most(0.0) == 2**-5


def test_holm_is_the_textbooks() -> None:
    """Holm (1979), by hand: sorted p times the number of hypotheses left, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_difference_of_shares_is_newcombes() -> None:
    """Newcombe (1998), table II: 56/70 less 48/80, method 10: 0.2, 0.0524 to 0.3339."""
    gap, low, high = share_difference((56, 48), (70, 80), 0.025)
    assert (gap, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)

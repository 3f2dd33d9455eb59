"""E-processes: by hand, against exact enumeration and recursion, a naive twin, laws, and coverage."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.errors import RatingError
from evalharness.ratings.betting import SHARES, STAKES, EProcess, Null, ScoreCounts, log_e_path

SCORES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30)
MEANS = st.floats(0.05, 0.95)


def _naive(scores: list[float], mean: float) -> float:
    """Wealth against "at most mean", from the formula's letter."""
    total = 0.0
    for share, stake in zip(SHARES, STAKES, strict=True):
        wealth = 1.0
        for score in scores:
            wealth *= 1.0 + stake * (score / mean - 1.0)
        total += share * wealth
    return total


def test_the_worked_example():
    # Scores 1, 1, 0 against "at most 1/2": a gambler with stake t has (1 + t)^2 (1 - t).
    by_hand = [1.012, 1.024, 1.047, 1.089, 1.152, 1.176, 0.648]
    assert [(1 + t) ** 2 * (1 - t) for t in STAKES] == pytest.approx(by_hand, abs=5e-4)
    process = EProcess()
    for score in (1, 1, 0):
        process.add(score)
    assert float(process.e_value) == pytest.approx(1.0586, abs=5e-5)
    assert sum(SHARES) == pytest.approx(1.0)


@given(SCORES, MEANS)
def test_the_wealth_is_its_formula_score_by_score(scores, mean):
    expected = [math.log(_naive(scores[: n + 1], mean)) for n in range(len(scores))]
    assert log_e_path(scores, mean, Null.AT_MOST) == pytest.approx(expected, abs=1e-9)
    process = EProcess(mean, runs=2)
    for score in scores:
        process.add([score, 1.0 - score])
    assert process.log_e[0] == pytest.approx(expected[-1], abs=1e-9)
    assert process.scores == len(scores)
    assert ScoreCounts.of(scores).log_e(np.array([mean]), Null.AT_MOST) == pytest.approx(
        expected[-1], abs=1e-9
    )


@given(SCORES, MEANS, st.randoms(use_true_random=False))
def test_mirrored_scores_swap_the_nulls_and_order_does_not_matter(scores, mean, random):
    forward = log_e_path(scores, mean, Null.AT_LEAST)[-1]
    mirrored = [1.0 - score for score in scores]
    assert log_e_path(mirrored, 1.0 - mean, Null.AT_MOST)[-1] == pytest.approx(forward, abs=1e-9)
    random.shuffle(scores)
    assert log_e_path(scores, mean, Null.AT_LEAST)[-1] == pytest.approx(forward, abs=1e-9)


@pytest.mark.parametrize("mean", [0.5, 0.3])
def test_under_the_null_expected_wealth_is_exactly_one(mean):
    expected = 0.0
    for scores in itertools.product([0.0, 1.0], repeat=9):
        chance = mean ** sum(scores) * (1 - mean) ** (9 - sum(scores))
        expected += chance * math.exp(log_e_path(scores, mean, Null.AT_MOST)[-1])
    assert expected == pytest.approx(1.0, abs=1e-12)


def _stops(rate: float, looks: int) -> tuple[float, int]:
    """Exact chance to decide within `looks` single votes at alpha 0.05, and the median moment.

    The wealth depends on wins only, so the chances of each number of wins follow by recursion.
    """
    chances, stopped, median = np.array([1.0]), 0.0, looks + 1
    for n in range(1, looks + 1):
        chances = np.append(chances * (1 - rate), 0.0) + np.append(0.0, chances * rate)
        wins = np.arange(n + 1)
        logs = wins[:, None] * np.log1p(STAKES) + (n - wins)[:, None] * np.log1p(-STAKES)
        decided = np.exp(np.minimum(logs, 50.0)) @ SHARES >= 40.0
        decided |= decided[::-1]
        stopped += chances[decided].sum()
        chances = np.where(decided, 0.0, chances)
        if stopped >= 0.5 and median > looks:
            median = n
    return float(stopped), median


def test_equal_systems_looked_at_2000_times_and_the_medians_that_were_promised():
    assert _stops(0.5, 2000)[0] <= 0.05
    assert _stops(0.5, 2000)[0] >= 0.02  # not bought with an idle test
    assert _stops(0.55, 2000)[1] <= 750
    assert _stops(0.60, 600)[1] <= 200


@given(SCORES, st.sampled_from([0.05, 0.2]))
def test_the_confidence_sequence_holds_the_rates_not_refuted(scores, alpha):
    low, high = (float(end[0]) for end in ScoreCounts.of(scores).limits(alpha))
    assert 0.0 <= low <= np.mean(scores) + 1e-9
    assert np.mean(scores) - 1e-9 <= high <= 1.0
    for rate in np.linspace(0.02, 0.98, 25):
        if min(abs(rate - low), abs(rate - high)) < 1e-6:
            continue
        mirrored = [1.0 - score for score in scores]
        refuted = max(_naive(scores, rate), _naive(mirrored, 1.0 - rate)) >= 2.0 / alpha
        assert refuted == (not low < rate < high)


@pytest.mark.parametrize("rate", [0.5, 0.8])
def test_the_confidence_sequence_covers_at_all_looks_together(rate):
    random = np.random.default_rng(3)
    looks = np.arange(5, 301, 5)
    missed = 0
    for _ in range(100):
        scores = random.binomial(4, random.beta(4 * rate, 4 * (1 - rate), 300)) / 4
        low, high = ScoreCounts.of(scores, looks).limits(0.05)
        missed += bool(((low > rate) | (high < rate)).any())
    assert missed <= 5  # 5 % of 100
    assert high[-1] - low[-1] < 0.2


def test_leaning_reaches_the_rate_with_scores_like_those_seen():
    counts = ScoreCounts.of([0.5, 0.5, 1.0, 0.25])
    values = np.append(counts.values, [0.0, 1.0])
    for rate in (0.0, 0.3, 0.5625, 0.9, 1.0):
        chances = counts.leaning(rate)
        assert chances.sum() == pytest.approx(1.0)
        assert chances.min() >= 0.0
        assert chances @ values == pytest.approx(rate)


def test_more_needed_is_the_first_moment_the_expected_pace_gets_there():
    scores = [1.0, 0.0, 1.0, 1.0, 0.0, 0.5] * 5
    counts = ScoreCounts.of(scores)
    rate = float(np.mean(scores))
    found = counts.more_needed(0.5, Null.AT_MOST, math.log(40), rate)
    pace = np.mean([np.log1p(STAKES * (2 * score - 1)) for score in scores], axis=0)

    def wealth(more: int) -> float:
        return float(SHARES @ np.exp((len(scores) + more) * pace))

    assert wealth(found) >= 40 > wealth(found - 1)
    assert counts.more_needed(0.5, Null.AT_LEAST, math.log(40), rate) is None
    assert ScoreCounts.of([1.0] * 99).more_needed(0.5, Null.AT_MOST, math.log(40), 1.0) == 0


def test_more_needed_is_about_the_median_of_what_it_foretells():
    random = np.random.default_rng(8)
    foretold = ScoreCounts.of([]).more_needed(0.5, Null.AT_MOST, math.log(40), 0.58)
    process = EProcess(runs=1000)
    stopped = np.zeros(1000, dtype=int)
    for number in range(1, 1200):
        process.add(random.random(1000) < 0.58)
        stopped[(stopped == 0) & (process.log_e >= math.log(40))] = number
    assert 0.4 <= (stopped[stopped > 0] <= foretold).sum() / 1000 <= 0.7


def test_what_is_no_score_and_what_is_no_rate_are_refused():
    with pytest.raises(RatingError, match=r"from 0 to 1; found .*1\.5"):
        EProcess().add(1.5)
    with pytest.raises(RatingError, match="found .*nan"):
        log_e_path([0.5, float("nan")], 0.5, Null.AT_MOST)
    with pytest.raises(RatingError, match=r"between 0 and 1; found 1\.0"):
        EProcess(1.0)

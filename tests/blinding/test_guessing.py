from __future__ import annotations

import numpy as np
import pytest

from evalharness.blinding.guessing import columns, guess, wilson

SYSTEMS = ["a", "b", "c", "d"] * 8
PROMPTS = [f"p{index // 4}" for index in range(32)]


def test_a_habit_is_guessed_through_any_amount_of_prompt() -> None:
    rng = np.random.default_rng(1)
    prompt = np.repeat(rng.normal(0, 100, 8), 4)
    habit = np.tile([0.0, 1.0, 2.0, 3.0], 8)

    result = guess(SYSTEMS, PROMPTS, (prompt + habit)[:, None], seed=1)

    assert result is not None
    assert result.accuracy == 1.0
    assert result.tells


def test_what_is_the_same_for_all_is_guessed_at_chance_exactly() -> None:
    prompt = np.repeat(np.arange(8.0), 4)

    result = guess(SYSTEMS, PROMPTS, prompt[:, None], seed=1)

    assert result is not None
    assert (result.accuracy, result.chance, result.tells) == (0.25, 0.25, False)


def test_noise_seldom_raises_an_alarm() -> None:
    alarms = 0
    for seed in range(60):
        table = np.random.default_rng(seed).normal(0, 1, (32, 1))
        result = guess(SYSTEMS, PROMPTS, table, seed=seed)
        assert result is not None
        alarms += result.tells

    assert alarms <= 6


def test_nothing_is_guessed_where_nothing_can_be_learnt() -> None:
    assert guess(["a", "b"], ["p", "p"], np.ones((2, 1)), seed=1) is None
    assert guess(["a", "a"], ["p", "q"], np.ones((2, 1)), seed=1) is None


def test_the_result_depends_on_nothing_but_its_input() -> None:
    table = np.random.default_rng(9).normal(0, 1, (32, 2))

    assert guess(SYSTEMS, PROMPTS, table, seed=4) == guess(SYSTEMS, PROMPTS, table, seed=4)


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    # Worked by hand from the closed form; 8 of 10 and 0 of 10 stand in textbooks.
    [(0.8, 10, 0.4902, 0.9433), (0.0, 10, 0.0, 0.2775), (1.0, 8, 0.6756, 1.0)],
)
def test_wilson(share: float, n: int, low: float, high: float) -> None:
    assert wilson(share, n) == pytest.approx((low, high), abs=5e-5)


def test_words_and_missing_values_become_columns() -> None:
    assert columns(["x", "y", "x"]).tolist() == [[1, 0], [0, 1], [1, 0]]
    assert columns([1.0, None, 3.0]).tolist() == [[1, 0], [2, 1], [3, 0]]
    assert columns([(1.0, 2.0), (3.0, 4.0)]).tolist() == [[1, 2], [3, 4]]

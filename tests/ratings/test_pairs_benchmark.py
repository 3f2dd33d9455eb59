"""benchmarks/pairs.py at a small size: it runs, and its policies do what their names say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pairs.py"


@pytest.fixture(scope="module")
def pairs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_pairs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def test_gap_aware_orders_systems_better_than_uniform_choice_does(pairs: ModuleType) -> None:
    uniform, gap_aware = (
        pairs.result(name, systems=12, votes=3200, runs=6) for name in ("uniform", "gap-aware")
    )
    assert gap_aware.tau > uniform.tau
    assert gap_aware.taus.mean() > uniform.taus.mean()  # at every size on the way, taken together
    assert gap_aware.half_width_elo > uniform.half_width_elo  # and this is its price


@pytest.mark.parametrize("name", ["uniform", "balanced", "closest rating", "gap-aware"])
def test_no_policy_sets_a_system_against_itself_and_balanced_is_balanced(
    pairs: ModuleType, name: str
) -> None:
    nothing = np.empty(0, dtype=np.int64)
    board = pairs.Board(6, nothing, nothing, nothing)
    left, right = pairs.POLICIES[name](board, np.random.default_rng(1))
    assert (left != right).all()
    if name == "balanced":
        board.left, board.right = left, right
        met = board.meetings()[np.triu_indices(6, 1)]
        assert met.max() - met.min() <= 1


def test_a_draw_is_timed_for_every_policy(pairs: ModuleType) -> None:
    times = pairs.draw_times_ms(systems=20, prompts=5, draws=40)
    assert set(times) == {"uniform", "balanced", "gap_aware", "(preference made anew)"}
    assert all(0 < median <= high for median, high in times.values())

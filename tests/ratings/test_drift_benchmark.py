"""benchmarks/drift.py at a small size: it runs, and what it finds is what docs say."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    name = "drift_benchmark"
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "drift.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_the_story_ends_as_the_page_tells(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    found = benchmark.story(2)
    said = capsys.readouterr().out
    assert "HappyHorse-1.0 1379, Seedance 2.0 1273:  +106 Elo: wins 64.8 % of decisive votes" in said
    assert "HappyHorse-1.0 1290, Seedance 2.0 1273:  +17 Elo: wins 52.4 % of decisive votes" in said
    assert "SIMULATED" in said
    page = (ROOT / "docs" / "case-happyhorse.md").read_text(encoding="utf-8")
    told = re.findall(
        r"^\| (at once|evenly[^|]*) \| ([\d,]+) \| ([\d,]+) to ([\d,]+) \|$", page, re.MULTILINE
    )
    assert len(told) == 2
    for delays, (_, *figures) in zip(found.values(), told, strict=True):
        _, low, high = (float(figure.replace(",", "")) for figure in figures)
        assert 0.6 * low <= np.median(delays) <= 1.4 * high


def test_a_hundred_points_are_seen_and_steady_boards_are_left_alone(benchmark: ModuleType) -> None:
    crowd = benchmark.Crowd(voter_spread=0.4)
    steady = [benchmark.moving(0.0, 0, 8_000, seed, crowd) for seed in range(4)]
    assert sum(bool(benchmark.watch_drift(board).alarms) for board in steady) <= 1
    assert sum(benchmark.eager_reader(board) for board in steady) >= 2
    moved = benchmark.moving(-100.0, 8_000, 14_000, 1, crowd)
    assert moved.systems[benchmark.MOVED] in benchmark.watch_drift(moved).alarms

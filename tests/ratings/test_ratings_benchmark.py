"""The ratings benchmark at its smallest size: what it measures is there, and the libraries agree."""

from __future__ import annotations

import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def found() -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        script = runpy.run_path(str(BENCHMARKS / "ratings.py"))
        words = ["Bradley-Terry", "Parquet", "two-way", "evalica", "choix", "arena-rank"]
        return script["compare"]("small", only=words, env="this", limit_s=60.0)


def test_every_method_says_what_it_took(found: dict) -> None:
    for name, result in found.items():
        if "error" not in result:
            assert len(result["seconds"]) == 2, name
            assert min(result["seconds"]) > 0.0, name
            assert 0.0 <= result["mb"] < 400.0, name


def test_libraries_find_the_same_maximum(found: dict) -> None:
    assert found["evalica bradley_terry"]["off"] < 1e-3
    assert found["choix ilsr_pairwise"]["off"] < 1e-3
    assert found["Bradley-Terry fit"]["off"] < 0.1  # the weak prior
    assert found["Parquet file to fit"]["off"] == pytest.approx(found["Bradley-Terry fit"]["off"], abs=1e-6)


def test_intervals_are_wider_where_voters_and_prompts_count(found: dict) -> None:
    rows, both = found["Bradley-Terry + row sandwich"], found["four-way + two-way + ranks"]
    assert 0.0 < rows["width"] < both["width"]


def test_a_peer_that_is_not_there_is_a_row_that_says_so(found: dict) -> None:
    if find_spec("arena_rank"):
        pytest.skip("arena-rank is installed here, so its row holds figures.")
    assert found["arena-rank + row sandwich"]["error"] == "ModuleNotFoundError: No module named 'arena_rank'"

"""interval_coverage.py and style.py of benchmarks at a small size: intervals cover, style is found."""

import runpy
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
REAL = BENCHMARKS.parents[1] / "shared" / "data" / "votes" / "hdrvdc_bright.csv"


@pytest.fixture(scope="module")
def coverage():
    return runpy.run_path(str(BENCHMARKS / "interval_coverage.py"))


def test_two_way_intervals_cover_where_rows_taken_for_independent_do_not(coverage):
    found = coverage["measured"](12, "voters and prompts 0.8")
    for name in ("Davidson, two-way", "four-way, two-way", "half wins, two-way"):
        assert 0.90 <= np.mean(found[name].covered) <= 0.99, name
        assert np.mean(found[name].ranks) >= 11 / 12, name
    assert np.mean(found["half wins, rows"].covered) < 0.80
    assert np.mean(found["half wins, rows"].ranks) < 0.75


def test_halves_of_real_video_votes_agree_within_their_intervals(coverage):
    if not REAL.is_file():
        pytest.skip("The real video votes are not beside this checkout.")
    votes = coverage["video_votes"](REAL)
    methods = coverage["IntervalMethod"]
    for by in ("voters", "prompts"):
        two_way = coverage["split_agreement"](votes, by, methods.TWO_WAY_JACKKNIFE, 10)
        rows = coverage["split_agreement"](votes, by, methods.ROW_SANDWICH, 10)
        assert two_way >= 0.93
        assert rows < 0.80


def test_style_is_found_and_taken_out():
    found = runpy.run_path(str(BENCHMARKS / "style.py"))["measured"](3, 20_000)
    assert found["effect"] == pytest.approx(0.5, rel=0.06)
    assert found["RMSE"] < 20 < 40 < found["RMSE, no control"]

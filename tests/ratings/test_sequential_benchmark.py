"""The benchmark of stopping rules stops where `head_to_head` does, and its claims hold in small."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalharness.ratings.sequential import head_to_head
from evalharness.ratings.tally import tally_frame

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "sequential.py"


@pytest.fixture(scope="module")
def bench() -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARK))


@pytest.mark.parametrize(("rate", "per_voter", "at_once"), [(0.75, 20, 8), (0.7, 20, 1), (0.6, 1, 1)])
def test_it_stops_at_the_vote_at_which_head_to_head_does(bench, rate, per_voter, at_once):
    drawn = bench["draw"](bench["Scenario"]("any", rate, per_voter, at_once), runs=3, votes=1600, seed=2)
    stops = bench["bets_on_voters"](drawn)
    for wins, stop in zip(drawn.wins, stops, strict=True):
        frame = pd.DataFrame(
            {
                "left": "A",
                "right": "B",
                "outcome": np.where(wins, "left", "right"),
                "voter": [f"voter {number}" for number in drawn.voter],
                "prompt": "p",
            }
        )
        found = head_to_head(tally_frame(frame), "A", "B", votes_per_score=per_voter)
        assert found.trail.votes_cast[found.decided_at - 1] == stop


def test_the_mean_voter_wins_as_often_as_named(bench):
    random = np.random.default_rng(1)
    logits = random.normal(0.9, 1.13, 400_000)
    assert bench["mean_rate"](0.9, 1.13) == pytest.approx((1 / (1 + np.exp(-logits))).mean(), abs=2e-3)
    drawn = bench["draw"](bench["Scenario"]("any", 0.7, 20), runs=400, votes=400, seed=1)
    assert drawn.wins.mean() == pytest.approx(0.7, abs=0.01)


def test_the_claims_hold_in_small(bench):
    found = bench["measure"](runs=200, most=800)
    ours, peeked = found[bench["OURS"]], found["z test, peeking every 20"]
    for name in ("equal", "equal, in a row", "equal, in turns"):
        assert ours[name][0] <= 0.05
    assert ours["60 %"][1] <= 200
    assert ours["70 %, in a row"][0] > 0.5
    assert peeked["equal"][0] > 0.2
    assert peeked["equal, in a row"][0] > 0.9
    assert found["bets on votes, every vote"]["equal, in a row"][0] > 0.5

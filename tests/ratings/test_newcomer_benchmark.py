"""The newcomer benchmark at a small size: its claim holds, and its boards are what it says."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalharness.ratings import bradley_terry

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "newcomer.py"


@pytest.fixture(scope="module")
def newcomer() -> dict[str, Any]:
    return runpy.run_path(str(BENCHMARK))


def test_newcomers_get_the_votes_they_are_said_to_have(newcomer: dict[str, Any]) -> None:
    votes = newcomer["independent_board"](newcomer["truth_of"](1), 1_000_000, 1)
    shown = votes.pairs.sum(axis=0) + votes.pairs.sum(axis=1)
    twins = shown[-12:].reshape(3, 4).mean(axis=1)
    np.testing.assert_allclose(twins, [100, 300, 1_000], rtol=0.15)
    assert shown[:28].min() > 50_000


def test_the_ridge_makes_intervals_of_newcomers_shrink_as_the_board_grows(newcomer: dict[str, Any]) -> None:
    """For one newcomer: its own information is h, the ridge r, so the width falls by h / (h + r)."""
    votes = newcomer["independent_board"](newcomer["truth_of"](3), 1_000_000, 3)
    fit = bradley_terry(votes)
    honest, ridged = newcomer["row_reach"](fit, votes), newcomer["ridge_reach"](fit, votes)
    chance = 1 / (1 + np.exp(-(fit.strengths[:, None] - fit.strengths)))
    own = (votes.pairs + votes.pairs.T) * chance * (1 - chance)
    expected = own.sum(axis=1) / (own.sum(axis=1) + 1e-5 * votes.votes)
    np.testing.assert_allclose((ridged / honest)[-12:], expected[-12:], rtol=0.05)


def test_newcomers_intervals_hold_on_a_small_board(newcomer: dict[str, Any]) -> None:
    scores = newcomer["without_tastes"]((100_000,), 15)
    assert np.mean([score.coverage for key, score in scores.items() if key[2] == "Davidson"]) > 0.90
    tastes = newcomer["with_tastes"]((50_000,), (8,))
    assert np.mean([score.coverage for key, score in tastes.items() if "default" in key[2]]) > 0.88
    lines = list(newcomer["rows"](scores))
    assert lines[0].split()[:3] == ["votes", "of", "newcomer"]
    assert len(lines) == 5

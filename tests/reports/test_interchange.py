"""JSON keeps every field, refuses what is not finite, and refuses text it did not write."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from evalharness.errors import EvalHarnessError
from evalharness.records import Leaderboard
from evalharness.reports import Summary, from_json, render_json, to_json


def test_every_field_comes_back(summary, board):
    assert from_json(Summary, render_json(summary)) == summary
    assert from_json(Leaderboard, to_json(board)) == board


def test_missing_values_stay_missing_and_never_become_zero(summary):
    text = render_json(summary)
    assert "NaN" not in text
    back = from_json(Summary, text)
    assert back.metrics[1].mean is None
    assert back.generation[1].median_latency_s is None
    assert json.loads(text)["metrics"][1]["mean"] is None


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused(board, number):
    broken = replace(board, ratings=(replace(board.ratings[0], rating=number), *board.ratings[1:]))
    with pytest.raises(EvalHarnessError, match="A Leaderboard holds a number that is not finite"):
        to_json(broken)
    with pytest.raises(EvalHarnessError, match="not finite"):
        to_json(replace(board, recipe={"rank_critical": number}))


def test_other_text_is_refused(board, summary):
    with pytest.raises(EvalHarnessError, match=r"no Summary/1: its form is 'Leaderboard/1'"):
        from_json(Summary, to_json(board))
    with pytest.raises(EvalHarnessError, match="cannot be read as a Leaderboard"):
        from_json(Leaderboard, to_json(board)[:-20])
    body = json.loads(to_json(board))
    body["ratings"][0]["rating"] = "high"
    with pytest.raises(EvalHarnessError, match="cannot be read as a Leaderboard"):
        from_json(Leaderboard, json.dumps(body))
    with pytest.raises(EvalHarnessError, match="its form is None"):
        from_json(Summary, "[]")

"""What stands beside a rating, from records whose figures can be told by looking."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import pytest

from evalharness.reports import GenerationRow, Profile, Summary, render_csv, render_markdown
from evalharness.reports.beside import beside, figures, status


def made(system: str, done: int, failed: dict[str, int]) -> GenerationRow:
    return GenerationRow(system, done, 0, failed, 12.5, done, 0.25, 0.25 * done, done)


@pytest.fixture
def told(summary: Summary) -> Summary:
    first, second, *_ = [row.system for row in summary.boards[0].ratings]
    acceptable = {"value": 0.9, "low": 0.85, "high": 0.95}
    board = summary.boards[0]
    recipe = {**board.recipe, "acceptable": {first: acceptable, second: None}}
    return replace(
        summary,
        boards=(replace(board, recipe=recipe), *summary.boards[1:]),
        generation=(made(first, 16, {"moderation": 3, "server": 1}), made(second, 0, {})),
        profiles=(Profile(first, date(2026, 4, 1), open_weights=True), Profile(second, masked=True)),
    )


def test_figures_are_those_on_record(told: Summary) -> None:
    first, second, *_ = figures(told, told.boards[0])
    assert (first.failed, first.refused) == (4 / 20, 3 / 20)
    assert (first.median_latency_s, first.clip_usd) == (12.5, 0.25)
    assert (first.released, first.open_weights) == (date(2026, 4, 1), True)
    assert first.acceptable is not None
    assert (second.failed, second.refused) == (None, None), "nothing ended, so there is no share"
    assert (second.acceptable, second.released, second.open_weights) == (None, None, None)


@pytest.mark.parametrize(
    ("half", "word"),
    [(19.9, "established"), (20, "established"), (20.1, "usable"), (50, "usable"), (51, "preliminary")],
)
def test_status_is_by_half_of_the_interval(summary: Summary, half: float, word: str) -> None:
    row = summary.boards[0].ratings[0]
    assert status(replace(row, low=row.rating - half, high=row.rating + half)) == word


def test_columns_that_nobody_has_are_left_out(summary: Summary, told: Summary) -> None:
    bare = beside(replace(summary, generation=(), profiles=(), metrics=()), summary.boards[0])
    assert set(bare.columns) <= {"system", "status", "acceptable"}
    full = beside(told, told.boards[0])
    assert {"median latency", "price a clip", "failed", "refused", "released", "weights"} <= set(full.columns)
    cells = dict(zip(full.columns, full.rows[0], strict=True))
    assert cells["acceptable"] == "90 % (85 to 95)"
    assert (cells["failed"], cells["refused"]) == ("20 %", "15 %")
    assert (cells["released"], cells["weights"]) == ("2026-04-01", "open")


def test_metrics_are_those_of_the_question_that_failed_no_gate(summary: Summary) -> None:
    for board in summary.boards:
        spoken = {name for name in beside(summary, board).columns if "." in name}
        for name in spoken:
            assert summary.meanings[name].question == board.question
        failed = {row.metric for row in summary.metrics if row.failed_gate}
        assert not spoken & failed


def test_the_same_in_markdown_and_csv(told: Summary) -> None:
    assert "90 % (85 to 95)" in render_markdown(told)
    rows = list(csv.DictReader(io.StringIO(render_csv(told))))
    assert rows[0]["refused"] == "0.15"
    assert rows[0]["acceptable"] == "0.9"
    assert rows[0]["released"] == "2026-04-01"
    assert rows[1]["failed"] == ""

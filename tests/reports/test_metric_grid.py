"""Metrics as a grid: every system in every line, failed gates and gaps kept in view."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from evalharness.reports import Meaning, MetricRow, Summary, render_html, render_markdown, render_terminal
from evalharness.reports.metric_grid import cell, metric_grid

FAILED = "Failed 1 of 2 gates (picture noise: it does not fall)."


def row(system: str, metric: str, n: int = 3, silent: int = 0, version: str = "1") -> MetricRow:
    unscorable = {"no sound": silent} if silent else {}
    return MetricRow(
        system, metric, version, "s", 0.5 if n else None, None, n, unscorable, {}, 0, "text-to-video"
    )


@pytest.fixture
def rows() -> list[MetricRow]:
    lags = [row("a", "sync.lag_s"), row("b", "sync.lag_s", n=0, silent=3)]
    trusts = [row("a", "sync.trust"), row("b", "sync.trust", n=0, silent=3)]
    noted = [replace(each, note=FAILED, failed_gate=True) for each in trusts]
    new = [replace(row(system, "sync.lag_s", version="2"), note="Not validated.") for system in "ab"]
    return [*lags, *noted, *new]


def test_a_line_is_a_quantity_in_one_version_and_every_system_is_in_it(rows: list[MetricRow]) -> None:
    grid = metric_grid(rows, {"sync.lag_s": Meaning("zero")})
    assert grid is not None
    assert grid.systems == ("a", "b")
    lines = [(line.metric, line.version, line.about, line.mark) for line in grid.lines]
    assert lines == [
        ("sync.lag_s", "1", "s, zero is best", ""),
        ("sync.trust", "1", "s", "!"),
        ("sync.lag_s", "2", "s, zero is best", "?"),
    ]
    assert [cell(each, signed=False) for each in grid.lines[0].cells] == ["0.500 (3)", "– (0 of 3)"]
    assert grid.failed == (("sync.trust", FAILED),)
    assert grid.unjudged == ("sync.lag_s",)


def test_early_and_late_do_not_cancel() -> None:
    found = [replace(row("a", "sync.lag_s"), mean=0.01, magnitude=0.35, deviation=0.5)]
    grid = metric_grid(found, {"sync.lag_s": Meaning("zero")})
    assert grid is not None
    assert [cell(each, grid.lines[0].signed) for each in grid.lines[0].cells] == ["0.350, bias 0.0100 (3)"]
    assert cell(found[0], signed=False) == "0.0100 ± 0.500 (3)"


def test_quantities_that_leave_out_different_clips_are_named() -> None:
    grid = metric_grid([row("a", "sync.lag_s", n=2, silent=1), row("a", "sync.trust")], {})
    assert grid is not None
    assert grid.left_out == (("sync.lag_s", "a", "1 unscorable: no sound"),)


def test_what_the_quantities_of_a_metric_leave_out_alike_is_said_once(rows: list[MetricRow]) -> None:
    grid = metric_grid(rows, {})
    assert grid is not None
    assert grid.left_out == (("sync", "b", "3 unscorable: no sound"),)
    assert metric_grid([], {}) is None


def test_a_failed_gate_is_said_wherever_metrics_are_shown(summary: Summary, rows: list[MetricRow]) -> None:
    shown = replace(summary, metrics=tuple(rows))
    console = Console(file=io.StringIO(), width=160)
    render_terminal(shown, console)
    for text in (console.file.getvalue(), render_markdown(shown), render_html(shown)):  # type: ignore[attr-defined]  # StringIO
        assert "Failed 1 of 2 gates" in text
        assert "No gate has judged" in text


def test_reasons_that_differ_in_figures_alone_are_counted_together() -> None:
    reasons = {"Weak (0.23, 0.5 needed).": 2, "No sound.": 1, "Weak (0.31, 0.5 needed).": 1}
    grid = metric_grid([replace(row("a", "sync.lag_s"), unscorable=reasons)], {})
    assert grid is not None
    ((_, _, said),) = grid.left_out
    assert said == "3 unscorable: such as Weak (0.23, 0.5 needed); 1 unscorable: No sound"


def test_lines_stand_together_by_what_voters_are_asked_and_the_empty_stand_apart() -> None:
    rows = [
        *(row(system, "loud.level") for system in "ab"),
        *(row(system, "lips.closure") for system in "ab"),
        *(row(system, "sync.lag_s", n=n, silent=3 - n) for system, n in (("a", 0), ("b", 3))),
        *(row(system, "talk.rate", n=0, silent=3) for system in "ab"),
        *(row(system, "talk.error", n=0, silent=3) for system in "ab"),
    ]
    meanings = {"lips.closure": Meaning("higher", "lip_accuracy"), "sync.lag_s": Meaning("zero", "av_sync")}
    grid = metric_grid(rows, meanings)
    assert grid is not None
    groups = [(group.title, [line.metric for line in group.lines]) for group in grid.groups]
    assert groups == [
        ("Sound in sync", ["sync.lag_s"]),
        ("Lip accuracy", ["lips.closure"]),
        ("Sound, faces and file", ["loud.level"]),
    ]
    assert grid.empty == (("talk", "6 unscorable: no sound"),)
    assert grid.left_out == (("sync", "a", "3 unscorable: no sound"),)


def test_a_quantity_alone_without_a_value_does_not_stand_for_its_metric() -> None:
    grid = metric_grid([row("a", "sync.lag_s", n=0, silent=2), row("a", "sync.trust")], {})
    assert grid is not None
    assert grid.empty == (("sync.lag_s", "2 unscorable: no sound"),)


def test_the_page_marks_what_failed_in_words_and_folds_the_empty_away(
    summary: Summary, rows: list[MetricRow]
) -> None:
    nothing = [row(system, "talk.rate", n=0, silent=3) for system in "ab"]
    page = render_html(replace(summary, metrics=(*rows, *nothing)))
    legend, table = page.index('class="legend'), page.index('<div class="scroll grid">')
    assert legend < table
    assert '<tr class="failed"><th scope="row">sync.<wbr>trust' in page
    assert page.count(">failed a gate</span>") == 2, "in the legend and beside the quantity"
    folded = page[page.index("<summary>No value in any system, and why</summary>") :]
    assert "<li>talk: 6 unscorable: no sound</li>" in folded
    assert "talk.<wbr>rate" not in page[table : page.index("<details>", table)]


@pytest.mark.parametrize("width", [80, 120])
def test_names_stand_whole_in_a_terminal_and_no_system_is_cut_off(summary: Summary, width: int) -> None:
    name = "speech_accuracy.language_match"
    rows = tuple(row(f"m{n}", name) for n in range(4))
    console = Console(file=io.StringIO(), width=width)
    render_terminal(replace(summary, metrics=rows, meanings={name: Meaning("higher", "av_sync")}), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # StringIO
    assert name in shown
    assert shown.index("Sound in sync:") < shown.index(name)
    assert all(f"m{n}" in shown for n in range(4))

"""Terminal, Markdown and CSV: the same numbers, their evidence beside them, odd names kept as text."""

from __future__ import annotations

import csv
import io

from rich.console import Console

from evalharness.reports import Summary, render_csv, render_markdown, render_terminal

ODD_NAME = "<script>alert(1)</script> | [bold]*x*"


def _terminal(summary: Summary, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    render_terminal(summary, console)
    return console.file.getvalue()


def test_the_terminal_shows_boards_refusals_metrics_and_generation(summary):
    text = _terminal(summary)
    first = next(line for line in text.splitlines() if "aurora-2" in line and "1101" in line)
    for part in ("1–2", "1050 to 1153", "64 %", "120", "24", "21", ODD_NAME):
        assert part in first
    assert "180 votes from 24 voters on 21 prompts, 7 excluded" in text
    assert "Note: Only 12 voters" in text
    assert "Audio sync · Lip accuracy\nThere are no votes here yet." in text
    assert (
        "8 unscorable: the clip has no sound; 1 failed: RuntimeError: decoder stopped; 2 not measured" in text
    )
    assert "2 moderation, 1 timeout" in text
    assert "As delivered (differing: length)" in text
    assert "6.0 s (7 of 8)" in text
    assert "10 excluded (7 voter failed two gold pairs; 3 answered too fast), 180 counted." in text


def test_a_narrow_terminal_never_breaks_a_number(summary):
    assert "1050 to 1153" in _terminal(summary, width=100)


def test_eighty_columns_hold_a_row_a_system_with_its_ties(summary):
    text = _terminal(summary, width=80)
    rows = [line for line in text.splitlines() if "1050 to 1153" in line]
    assert len(rows) == 1
    assert all(len(line) <= 80 for line in text.splitlines())
    head = next(line for line in text.splitlines() if "interval" in line)
    assert "tied" in head.split()
    assert "voters" not in head


def test_markdown_holds_tables_recipe_and_commands(summary):
    text = render_markdown(summary)
    assert text.startswith("# Ice & fire\n\nAs of 2026-03-02 09:30 UTC, by evalharness 0.1.0.\n")
    assert "| 1–2 | aurora-2 | 1101 | 1050 to 1153 | 64 % | 120 | 24 | 21 | \\<script\\>" in text
    assert "- Interval: 95 % by two-way cluster jackknife over voters and prompts, t with 20 degrees" in text
    assert "- Order effect: 12.5 (−3.25 to 28.2) Elo for being shown on the left" in text
    assert "Tie parameter" not in text
    assert f"- Data: SHA-256 {'ab' * 32}" in text
    assert "> Only 12 voters" in text
    assert "Not rated: There are no votes here yet." in text
    assert "```\nevalharness report ice-and-fire\n```" in text
    widths = {
        line.replace("\\|", "").count("|")
        for line in text.splitlines()
        if line.startswith("| ") and "1–2" in line
    }
    assert widths == {10}


def test_csv_keeps_full_precision_and_names_what_was_refused(summary, board):
    rows = list(csv.DictReader(io.StringIO(render_csv(summary))))
    assert len(rows) == 4
    assert rows[1]["system"] == ODD_NAME
    assert float(rows[0]["rating"]) == board.ratings[0].rating
    assert (rows[0]["rank_low"], rows[0]["rank_high"], rows[0]["both_bad"]) == ("1", "2", "5")
    assert (rows[0]["board_votes"], rows[0]["board_voters"], rows[0]["board_excluded"]) == ("180", "24", "7")
    assert rows[0]["tied_with"] == ODD_NAME
    assert rows[0]["data_sha256"] == "ab" * 32
    assert rows[3]["refused"] == "There are no votes here yet."
    assert rows[3]["rating"] == ""

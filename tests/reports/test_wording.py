"""Sentences and headings: as strong as the evidence, at a length that their place bears."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalharness.records import Leaderboard
from evalharness.reports import Meaning, wording


def _wide(board: Leaderboard, systems: int, tied: int) -> Leaderboard:
    """A board of many systems whose first is tied with the next `tied`."""
    rows = tuple(replace(board.ratings[0], system=f"s{i}", rank_high=9) for i in range(systems))
    return replace(board, ratings=rows, recipe={"tied_with": {"s0": [f"s{i}" for i in range(1, tied + 1)]}})


@pytest.mark.parametrize(
    ("systems", "tied", "words"),
    [
        (9, 0, "–"),
        (9, 2, "s1, s2"),
        (9, 6, "s1, s2, s3, s4 and 2 more"),
        (9, 8, "all others"),
        (4, 3, "s1, s2, s3"),
    ],
)
def test_long_lists_of_ties_are_shortened_in_tables(board, systems, tied, words):
    assert wording.tied_words(_wide(board, systems, tied), "s0") == words


def test_headlines(board):
    assert wording.headline(_wide(board, 9, 8)).endswith("but the votes tell it from no other system yet.")
    assert wording.headline(_wide(board, 9, 5)).endswith("tell it from s1, s2, s3 and 2 more.")


def test_headings():
    assert wording.title("audio-sync") == "Audio sync"
    assert wording.question_title("av_sync") == "Sound in sync"
    assert wording.question_title("visual_quality") == "Visual quality"


def test_units_and_directions():
    assert wording.unit_line("s", Meaning("zero")) == "s, zero is best"
    assert wording.unit_line("", Meaning("lower")) == "no unit, lower is better"
    assert wording.unit_line("", Meaning("lower", low=0, high=1)) == "0..1, lower is better"
    assert wording.unit_line("", Meaning(low=-1.0, high=1.0)) == "−1..1"
    assert wording.unit_line("LUFS", Meaning(low=-70.0)) == "LUFS"


def test_a_bare_recipe_still_reads(board):
    lines = dict(wording.board_lines(replace(board, recipe={})))
    assert lines == {
        "Votes": "180 votes from 24 voters on 21 prompts, 7 excluded",
        "Estimator": "not stated: not stated",
    }

"""docs/case-happyhorse.md: each number on the page that is computed, computed again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from evalharness.ratings import IntervalMethod, Tally, estimate
from evalharness.ratings.scale import Gap, gap_of, implied_win_rate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "case-happyhorse.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| [^|]+ \| [^|]*?(\d{4}) \| [^|]*?(\d{4}) \| ([+-]\d+) \| (\d+\.\d) % \|$", PAGE, re.MULTILINE
)
PROSE = " ".join(PAGE.split())


def test_every_table_row_was_read() -> None:
    assert len(ROWS) == len(re.findall(r"^\|.*\d %.*\|$", PAGE, re.MULTILINE)) - 1  # one line quotes a Gap
    assert len(ROWS) == 11


@pytest.mark.parametrize(("first", "second", "gap", "wins"), ROWS)
def test_gaps_and_win_rates_follow_from_the_ratings(first: str, second: str, gap: str, wins: str) -> None:
    assert int(first) - int(second) == int(gap)
    assert f"{100 * implied_win_rate(float(gap)):.1f}" == wins


def test_the_sentences() -> None:
    assert str(Gap(1379 - 1273)) in PROSE
    assert f"it would take a gap of {gap_of(0.9):+.0f} Elo" in PROSE
    fall = 1379 - 1290
    assert f"A fall of {fall} is {fall / 10:.1f} of them, or {fall / (10 * 2**0.5):.1f}" in PROSE
    assert f"({10 * 2**0.5:.1f})" in PROSE
    assert f"by {fall} points on one board and {1205 - 1125} on another" in PROSE
    assert f"named by {(1205 - 1095) - (1205 - 1219)} points" in PROSE
    assert f"give +-{1.96 * 400 / 2.302585 / (5980 * 0.22) ** 0.5:.1f} " in PROSE
    assert implied_win_rate(106) == pytest.approx(2 / 3, abs=0.02)  # "two wins in three votes"
    assert implied_win_rate(150) == pytest.approx(7 / 10, abs=0.02)  # "seven in ten"


def test_how_much_wider_honest_intervals_are_on_real_video_votes(video_votes: Tally) -> None:
    said = re.search(r"are (\d\.\d) times as wide", PROSE)
    assert said
    widths = []
    for method in IntervalMethod.TWO_WAY_JACKKNIFE, IntervalMethod.ROW_SANDWICH:
        ratings = [estimate(video_votes, interval=method)[0].rating(name) for name in video_votes.systems]
        widths.append(np.array([rating.high - rating.low for rating in ratings]))
    assert np.median(widths[0] / widths[1]) == pytest.approx(float(said[1]), abs=0.3)


def test_links_lead_somewhere() -> None:
    methods = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert "### What a gap promises" in methods
    assert "(case-happyhorse.md)" in methods

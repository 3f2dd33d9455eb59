"""The HTML report and the forest plot: self-contained, escaped, and true to the numbers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from evalharness.reports import Summary, forest_svg, render_html

ODD_NAME = "<script>alert(1)</script> | [bold]*x*"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt; | [bold]*x*"
VOID = {"meta", "br", "link", "img", "hr", "input", "wbr"}


class _Reader(HTMLParser):
    """Tags in balance, attributes that could fetch or run something, and the text of table cells."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.fetches: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name in {"src", "href", "xlink:href", "action", "data"} and not value.startswith("#"):
                self.fetches.append(value)
            assert not name.startswith("on")
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.rows and self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def read():
    def reader(page: str) -> _Reader:
        found = _Reader()
        found.feed(page)
        found.close()
        assert found.open == []
        return found

    return reader


def test_the_page_is_one_file_that_fetches_and_runs_nothing(summary, read):
    page = render_html(summary)
    found = read(page)
    assert found.fetches == []
    assert not {"script", "link", "iframe", "img", "form"} & found.tags
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    outside = set(re.findall(r"https?://[^\"' )<]+", page))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_names_are_text_and_never_markup(summary):
    page = render_html(summary)
    assert "<script" not in page
    assert page.count(ESCAPED) >= 4  # table, tied with, and both plots


def test_the_tables_hold_the_numbers(summary, read):
    rows = [[" ".join(cell.split()) for cell in row] for row in read(render_html(summary)).rows]
    first = [
        "1–2",
        "aurora-2",
        "1101",
        "1050 to 1153",
        "64 %",
        "120",
        "70",
        "30",
        "15",
        "5",
        "24",
        "21",
        ODD_NAME,
    ]
    assert first in rows
    assert ["event_sync.offset_s s, zero is best", "0.0412 ± 0.0100n = 9", "–n = 0 of 11"] in rows
    assert ["Sound in sync"] in rows
    assert ["drift-mini", "8", "1", "3", "2 moderation, 1 timeout", "–", "–", "–"] in rows


def test_the_page_says_what_was_refused_left_out_excluded_and_how(summary):
    page = render_html(summary)
    for sentence in (
        "There are no votes here yet.",
        "8 unscorable: the clip has no sound; 1 failed: RuntimeError: decoder stopped; 2 not measured",
        "Excluded: voter failed two gold pairs",
        "Only 12 voters (20 are wanted)",
        "aurora-2 has the highest rating; the votes do not yet tell it from &lt;script",
        "evalharness report ice-and-fire",
        "ab" * 32,
        "Ice &amp; fire",
        "190 of 210",
    ):
        assert sentence in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_an_empty_summary_still_makes_a_page(summary, read):
    bare = Summary(summary.study, summary.as_of, summary.version)
    found = read(render_html(bare))
    assert found.rows == []


@pytest.mark.parametrize("compact", [False, True])
def test_the_plot_is_drawn_to_scale(board, compact):
    drawing = ET.fromstring(forest_svg(board, compact=compact))
    texts = ["".join(node.itertext()) for node in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text.startswith("1101") and "1050 to 1153" in text for text in texts)
    points = _points(drawing)
    assert len(points) == 3
    (x1, y1), (x2, y2), (x3, y3) = points
    assert y1 < y2 < y3
    # Ratings 1101.4, 1062.0 and 836.6 on one linear axis.
    assert (x1 - x2) / (x1 - x3) == pytest.approx((1101.4 - 1062.0) / (1101.4 - 836.6), abs=0.01)


def _points(drawing: ET.Element) -> list[tuple[float, float]]:
    marks = [node for node in drawing.iter() if "mark-symbol" in node.get("class", "")]
    places = [re.fullmatch(r"translate\((.+),(.+)\)", path.get("transform")) for path in marks[0]]
    return sorted(((float(found[1]), float(found[2])) for found in places), key=lambda point: point[1])


def test_the_plot_takes_the_colours_of_its_page(board):
    drawing = forest_svg(board)
    assert "var(--accent, #2f62d9)" in drawing
    assert 'fill="currentColor"' in drawing
    assert 'fill="white"' not in drawing


def test_a_leader_apart_from_all_others_is_said_to_lead(board, summary):
    apart = replace(board.ratings[0], rank_low=1, rank_high=1)
    clear = replace(board, ratings=(apart, *board.ratings[1:]), recipe={**board.recipe, "tied_with": {}})
    page = render_html(replace(summary, boards=(clear,)))
    assert "aurora-2 leads, and the votes tell it from every other system." in page

"""The report as a PDF: boards on A4 pages with their plots, for whoever files or prints it.

Each page is an SVG that vl-convert turns into a page of a PDF; pypdf puts them together. The same summary
gives the same bytes.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from evalharness.records import Leaderboard
from evalharness.reports import numbers, wording
from evalharness.reports.beside import beside
from evalharness.reports.forest import forest_svg
from evalharness.reports.metric_grid import MetricGrid, cell, metric_grid
from evalharness.reports.summary import Summary

__all__ = ["render_pdf"]

WIDTH, HEIGHT, MARGIN = 595, 842, 48
"""A4 in points, and the white around."""
INNER = WIDTH - 2 * MARGIN
FONT = "font-family=\"'DejaVu Sans', 'Noto Sans', 'Noto Sans CJK SC', sans-serif\""
LETTER = 0.56
"""Width of a letter in font sizes, on the wide side, by which lines are broken."""
_VARIABLE = re.compile(r"var\(--[a-z]+, (#[0-9a-f]{6})\)")
_SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)"[^>]*? height="([\d.]+)"')


def render_pdf(summary: Summary) -> bytes:
    """The whole report as a PDF of A4 pages."""
    import vl_convert
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    pages = _pages(summary)
    for number, page in enumerate(pages, 1):
        page.foot(f"{summary.study} · {wording.as_of_line(summary)} · page {number} of {len(pages)}")
        (drawn,) = PdfReader(io.BytesIO(vl_convert.svg_to_pdf(page.svg()))).pages
        _order(drawn["/Resources"].get_object())
        writer.add_page(drawn)
    writer.add_metadata({"/Title": summary.study, "/Creator": f"evalharness {summary.version}"})
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _order(resources: Any) -> None:
    """Put fonts and colours by their names: the renderer's order of them is left to chance."""
    for group in resources.values():
        named = group.get_object()
        if isinstance(named, dict):
            for name in sorted(named):
                dict.__setitem__(named, name, dict.pop(named, name))


@dataclass
class _Page:
    """A page that fills from the top."""

    at: float = MARGIN
    parts: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Points that are free."""
        return HEIGHT - MARGIN - 24 - self.at

    def line(
        self, text: str, size: float, *, x: float = MARGIN, weight: str = "normal", ink: str = "#1d2126"
    ) -> None:
        """A line of text, its base `size` below where the page is filled."""
        self.at += size * 1.35
        self.word(text, size, x=x, weight=weight, ink=ink)

    def word(
        self, text: str, size: float, *, x: float, weight: str = "normal", ink: str = "#1d2126",
        anchor: str = "start",
    ) -> None:  # fmt: skip
        """Text on the line that the page is at."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{self.at:.1f}" {FONT} font-size="{size:g}" font-weight="{weight}" '
            f'fill="{ink}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def rule(self) -> None:
        """A thin line across."""
        self.at += 4
        self.parts.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{self.at:.1f}" y2="{self.at:.1f}" '
            'stroke="#d0cdc5" stroke-width="0.6"/>'
        )

    def picture(self, svg: str, shrink: float, height: float) -> None:
        """Another SVG, `height` points high once it is shrunk."""
        self.parts.append(
            f'<g transform="translate({MARGIN},{self.at + 6:.1f}) scale({shrink:.4f})">{svg}</g>'
        )
        self.at += height + 12

    def foot(self, text: str) -> None:
        """What stands below every page."""
        self.at = HEIGHT - MARGIN
        self.word(text, 7.5, x=MARGIN, ink="#5c646e")

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" color="#1d2126">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
            f"{''.join(self.parts)}</svg>"
        )


class _Layout:
    """Pages, a new one wherever the next thing does not fit."""

    def __init__(self) -> None:
        self.pages = [_Page()]

    def room(self, height: float) -> _Page:
        """The page that has so much room."""
        if self.pages[-1].left < height:
            self.pages.append(_Page())
        return self.pages[-1]

    def heading(self, text: str, size: float = 13, follows: float = 50) -> None:
        """A heading, on a page that has so many points for what follows."""
        page = self.room(size * 3 + follows)
        page.at += size * 0.8
        page.line(text, size, weight="bold")
        page.at += 3

    def text(self, text: str, size: float = 9, ink: str = "#1d2126") -> None:
        """A paragraph."""
        for line in textwrap.wrap(text, int(INNER / (size * LETTER))) or [""]:
            self.room(size * 1.4).line(line, size, ink=ink)
        self.pages[-1].at += 3

    def picture(self, svg: str) -> None:
        """A plot in the colours of paper."""
        svg = _VARIABLE.sub(r"\1", svg)
        size = _SIZE.search(svg)
        if size is None:
            return
        width, height = map(float, size.groups())
        shrink = min(1.0, INNER / width, (_Page().left - 60) / height)
        self.room(height * shrink + 12).picture(svg, shrink, height * shrink)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], size: float = 8) -> None:
        """A table; the first column is text and takes what the others leave, the others are numbers."""
        widths = [max(len(text) for text in column) for column in zip(columns, *rows, strict=True)]
        others = [width * size * LETTER + 9 for width in widths[1:]]
        first = INNER - sum(others)
        edges = [MARGIN + first + sum(others[: place + 1]) for place in range(len(others))]
        letters = max(12, int(first / (size * LETTER)))

        def line(cells: Sequence[str], weight: str, ink: str) -> None:
            head, *more = textwrap.wrap(cells[0], letters) or [""]
            page = self.room(size * 1.4 * (1 + len(more)) + 8)
            page.line(head, size, weight=weight, ink=ink)
            for edge, text in zip(edges, cells[1:], strict=True):
                page.word(text, size, x=edge, anchor="end", ink=ink)
            for rest in more:
                page.line(rest, size, weight=weight, ink=ink)
            page.rule()

        line(columns, "normal", "#5c646e")
        for row in rows:
            line(row, "bold", "#1d2126")
        self.pages[-1].at += 6


def _pages(summary: Summary) -> list[_Page]:
    layout = _Layout()
    layout.heading(summary.study, 20)
    layout.text(wording.as_of_line(summary), ink="#5c646e")
    for line in wording.mask_lines(summary):
        layout.text(line)
    if summary.flow:
        layout.text(wording.flow_line(summary.flow))
    for category in summary.categories:
        for board in (board for board in summary.boards if board.category == category):
            _board(layout, summary, board)
        for refusal in (refusal for refusal in summary.refused if refusal.category == category):
            layout.heading(f"{wording.title(category)} · {wording.question_title(refusal.question)}")
            layout.text(f"Not rated: {refusal.sentence}")
    for category, grid in _grids(summary):
        _metrics(layout, category, grid)
    if summary.generation:
        layout.heading("Generation")
        layout.table(
            ("system", "clips", "failed", "median latency", "mean cost"),
            [
                (
                    row.system,
                    f"{row.done:,}",
                    f"{sum(row.failed.values()):,}",
                    numbers.seconds(row.median_latency_s),
                    numbers.dollars(row.mean_cost_usd),
                )
                for row in summary.generation
            ],
        )
    return layout.pages


def _board(layout: _Layout, summary: Summary, board: Leaderboard) -> None:
    name = f"{wording.title(board.category)} · {wording.question_title(board.question)}"
    layout.heading(name, follows=min(200, 60 + 34 * len(board.ratings)))
    layout.text(wording.headline(board))
    layout.picture(forest_svg(board))
    layout.table(
        ("system", "rank", "rating", "interval", "wins", "votes", "voters", "prompts"),
        [
            (
                row.system,
                numbers.ranks(row.rank_low, row.rank_high),
                numbers.points(row.rating),
                numbers.span(row.low, row.high),
                numbers.percent(row.win_rate),
                f"{row.votes:,}",
                f"{row.voters:,}" if row.voters else numbers.NONE,
                f"{row.prompts:,}" if row.prompts else numbers.NONE,
            )
            for row in board.ratings
        ],
    )
    aside = beside(summary, board)
    for start in range(1, len(aside.columns), 5):
        part = slice(start, start + 5)
        layout.table(
            (aside.columns[0], *aside.columns[part]), [(row[0], *row[part]) for row in aside.rows], 7
        )
    for note in board.notes:
        layout.text(f"Note. {note}", 8)
    for label, said in wording.board_lines(board):
        layout.text(f"{label}: {said}", 7, ink="#5c646e")


def _grids(summary: Summary) -> Iterator[tuple[str, MetricGrid]]:
    for category in summary.categories:
        grid = metric_grid([row for row in summary.metrics if row.category == category], summary.meanings)
        if grid:
            yield category, grid


def _metrics(layout: _Layout, category: str, grid: MetricGrid) -> None:
    """Quantities in rows; so many systems at a time as a page is wide."""
    layout.heading(f"Automatic metrics · {wording.title(category)}")
    layout.text(
        "Mean ± standard deviation over clips, and how many; where zero is best, the mean distance from "
        "zero, and the mean as bias.",
        8,
        ink="#5c646e",
    )
    for start in range(0, len(grid.systems), 2):
        layout.table(
            ("quantity", *grid.systems[start : start + 2]),
            [
                (
                    f"{line.metric} {line.mark}".rstrip(),
                    *(cell(row, line.signed) for row in line.cells[start : start + 2]),
                )
                for group in grid.groups
                for line in group.lines
            ],
            6.5,
        )
    for quantity, note in grid.failed:
        layout.text(f"! {quantity}: {note}", 7, ink="#5c646e")

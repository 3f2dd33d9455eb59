"""The report as one HTML file: no network, no script, no outside font; light and dark, wide and narrow."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evalharness.records import Leaderboard, Question
from evalharness.reports import agreement_table, delivery, numbers, wording
from evalharness.reports.agreement import Agreement, AgreementRow, CombinedRow, PeopleRow
from evalharness.reports.agreement_plot import agreement_svg, by_accuracy
from evalharness.reports.beside import Beside, beside, figures
from evalharness.reports.forest import forest_svg
from evalharness.reports.frontier import Frontier, frontier_svg, frontiers
from evalharness.reports.metric_grid import MetricGrid, metric_grid, reading
from evalharness.reports.offsets import offset_rows, offset_sentence, offsets_svg
from evalharness.reports.summary import Refusal, Summary

__all__ = ["render_html"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two systems: the chance that the first wins, with interval, and how often they met."""

    value: float
    low: float
    high: float
    votes: int


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A board with its plots, in both widths."""

    board: Leaderboard
    beside: Beside
    frontiers: tuple[tuple[Frontier, Markup, Markup], ...]
    pairs: tuple[tuple[str, tuple[_Pair | None, ...]], ...]
    """Each system with what is known of it against each other one, in the board's order."""
    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True)
class _Agreeing:
    """Metrics held against the votes on one question."""

    question: Question
    rows: tuple[AgreementRow, ...]
    people: PeopleRow | None
    combined: CombinedRow | None
    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True)
class _Section:
    """All that one category shows."""

    category: str
    boards: tuple[_Drawn, ...]
    refused: tuple[Refusal, ...]
    metrics: MetricGrid | None
    agreement: tuple[_Agreeing, ...]
    offsets: tuple[tuple[str, str, Markup, Markup], ...]
    """Of each lag: its name, the plot in words, and the plot in both widths."""


def render_html(summary: Summary) -> str:
    """The whole report as the text of a single file."""
    environment = Environment(
        loader=PackageLoader("evalharness.reports"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        numbers=numbers,
        wording=wording,
        reading=reading,
        breakable=_breakable,
        delivery=delivery,
        agreeing=agreement_table,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        summary=summary,
        sections=[_section(summary, category) for category in summary.categories],
        systems=len({row.system for board in summary.boards for row in board.ratings}),
    )


def _section(summary: Summary, category: str) -> _Section:
    metrics = [row for row in summary.metrics if row.category == category]
    return _Section(
        category=category,
        boards=tuple(_drawn(summary, board) for board in summary.boards if board.category == category),
        refused=tuple(refusal for refusal in summary.refused if refusal.category == category),
        metrics=metric_grid(metrics, summary.meanings),
        offsets=tuple(
            (
                metric,
                offset_sentence(rows),
                _svg(offsets_svg(rows)),
                _svg(offsets_svg(rows, compact=True)),
            )
            for metric, rows in offset_rows(metrics, summary.meanings)
        ),
        agreement=tuple(
            _agreeing(summary.agreement, category, question)
            for question in dict.fromkeys(
                row.question for row in summary.agreement.rows if row.category == category
            )
        ),
    )


def _agreeing(found: Agreement, category: str, question: Question) -> _Agreeing:
    here = (category, question)
    rows = tuple(row for row in found.rows if (row.category, row.question) == here)
    people = next((row for row in found.people if (row.category, row.question) == here), None)
    combined = next((row for row in found.combined if (row.category, row.question) == here), None)
    wide, narrow = (_svg(agreement_svg(rows, people, compact=compact)) for compact in (False, True))
    return _Agreeing(question, by_accuracy(rows), people, combined, wide, narrow)


def _svg(drawn: str) -> Markup:
    return Markup(drawn)  # noqa: S704 - Vega escapes every text it draws


def _breakable(name: str) -> Markup:
    """A name that a narrow column may break after a dot or an underscore."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])", name))


def _drawn(summary: Summary, board: Leaderboard) -> _Drawn:
    wide, narrow = (_svg(forest_svg(board, compact=compact)) for compact in (False, True))
    costs = tuple(
        (found, _svg(frontier_svg(found)), _svg(frontier_svg(found, compact=True)))
        for found in frontiers(board, figures(summary, board))
    )
    return _Drawn(board, beside(summary, board), costs, _pairs(board), wide, narrow)


def _pairs(board: Leaderboard) -> tuple[tuple[str, tuple[_Pair | None, ...]], ...]:
    told = board.recipe.get("pairs")
    if told is None:
        return ()
    place = {name: number for number, name in enumerate(told["systems"])}
    names = [row.system for row in board.ratings]

    def pair(one: str, other: str) -> _Pair | None:
        wins = told["wins"][place[one]][place[other]]
        met = told["votes"][place[one]][place[other]]
        return None if wins is None else _Pair(wins["value"], wins["low"], wins["high"], met)

    return tuple((one, tuple(pair(one, other) for other in names)) for one in names)

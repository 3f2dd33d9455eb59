"""Leaderboards as tables: for the terminal, as Markdown and as CSV.

Each shows the same: rating with interval, rank interval, who cannot be told apart, and how many votes,
voters and prompts stand behind it; the recipe follows below (a few columns of it in CSV).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evalharness.records import Leaderboard, Rating
from evalharness.reports import numbers
from evalharness.reports.agreement_table import COLUMNS as AGREEMENT_COLUMNS
from evalharness.reports.agreement_table import agreement_tables
from evalharness.reports.beside import beside, figures
from evalharness.reports.delivery import ASPECTS, WAITS, DeliveryRow, differing, said
from evalharness.reports.metric_grid import MetricGrid, cell, metric_grid
from evalharness.reports.summary import GenerationRow, Summary
from evalharness.reports.wording import (
    as_of_line,
    board_counts,
    board_lines,
    flow_line,
    interval_line,
    mask_lines,
    question_title,
    tied_with,
    tied_words,
    title,
)

__all__ = ["render_csv", "render_markdown", "render_terminal"]

_BOARD_COLUMNS = ("rank", "system", "rating", "interval", "wins", "votes", "voters", "prompts", "tied with")
ASIDE = (
    "status",
    "acceptable",
    "median_latency_s",
    "clip_usd",
    "failed",
    "refused",
    "released",
    "open_weights",
)
"""Columns of CSV beside the rating."""
_WIDE = 110
"""Columns of a terminal from which a board shows everything."""
_NUMERIC = frozenset({"rank", "rating", "wins", "votes", "voters", "prompts", "mean", "n", "done", "waiting"})


def render_terminal(summary: Summary, console: Console) -> None:
    """Print boards, refusals, metrics and generation on `console`."""
    for category in summary.categories:
        for board in (board for board in summary.boards if board.category == category):
            heading = f"{title(category)} · {question_title(board.question)}"
            rows = [_board_row(board, row) for row in board.ratings]
            wide = console.width >= _WIDE
            console.print(_rich(heading, *((_BOARD_COLUMNS, rows) if wide else _narrowed(board, rows))))
            if wide:
                aside = beside(summary, board)
                console.print(_rich("Beside the rating", aside.columns, aside.rows))
            console.print(
                f"[dim]{escape(board_counts(board))}. {escape(interval_line(board.recipe) or '')}[/]"
            )
            for note in board.notes:
                console.print(f"[yellow]Note:[/] {escape(note)}")
            console.print()
        for refusal in (refusal for refusal in summary.refused if refusal.category == category):
            heading = f"{title(category)} · {question_title(refusal.question)}"
            console.print(f"[bold]{escape(heading)}[/]\n{escape(refusal.sentence)}\n")
    for heading, grid in _grids(summary):
        console.print(_rich(heading, *_grid_table(grid)))
        for note in _grid_notes(grid):
            console.print(f"[dim]{escape(note)}[/]")
        console.print()
    for columns, rows, heading in _side_tables(summary):
        console.print(_rich(heading, columns, rows))
        console.print()
    if summary.flow:
        console.print(f"[dim]{escape(flow_line(summary.flow))}[/]")


def render_markdown(summary: Summary) -> str:
    """Boards with their recipes, refusals, metrics and generation as Markdown."""
    parts = [f"# {_plain(summary.study)}", f"{as_of_line(summary)}."]
    parts += [_plain(line) for line in mask_lines(summary)]
    parts += [flow_line(summary.flow)] if summary.flow else []
    for category in summary.categories:
        boards = [board for board in summary.boards if board.category == category]
        refusals = [refusal for refusal in summary.refused if refusal.category == category]
        if boards or refusals:
            parts.append(f"## {title(category)}")
        for board in boards:
            parts.append(f"### {question_title(board.question)}")
            parts.append(_markdown(_BOARD_COLUMNS, [_board_row(board, row) for row in board.ratings]))
            aside = beside(summary, board)
            parts.append(_markdown(aside.columns, aside.rows))
            parts.extend(f"> {_plain(note)}" for note in board.notes)
            parts.append("\n".join(f"- {label}: {_plain(line)}" for label, line in board_lines(board)))
        for refusal in refusals:
            parts.append(f"### {question_title(refusal.question)}")
            parts.append(f"Not rated: {_plain(refusal.sentence)}")
    for heading, grid in _grids(summary):
        parts.append(f"## {heading}")
        parts.append(
            "Mean ± standard deviation over clips, and how many; where zero is best, the mean distance from "
            "zero, and the mean as bias."
        )
        parts.append(_markdown(*_grid_table(grid)))
        parts.append("\n".join(f"- {_plain(note)}" for note in _grid_notes(grid)))
    for heading, lines, rows in agreement_tables(summary.agreement):
        parts.append(f"## {heading}")
        parts += [_plain(line) for line in lines]
        parts.append(_markdown(AGREEMENT_COLUMNS, rows))
    for columns, rows, heading in _side_tables(summary):
        parts.append(f"## {heading}")
        parts.append(_markdown(columns, rows))
    if summary.recompute:
        parts.append("## Compute it again")
        parts.append("```\n" + "\n".join(summary.recompute) + "\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def render_csv(summary: Summary) -> str:
    """One line a rating, all its fields and its board's; a refused board is a line with its sentence."""
    fields = [name for name in Rating.__dataclass_fields__ if name != "system"]
    recipe = ("estimator", "interval", "confidence", "seed", "data_sha256", "version")
    text = io.StringIO()
    columns = ["category", "question", "system", *fields, "tied_with", "board_votes", "board_voters"]
    columns += ["board_prompts", "board_excluded", *recipe, *ASIDE, "refused"]
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for board in summary.boards:
        for row, aside in zip(board.ratings, figures(summary, board), strict=True):
            writer.writerow(
                {
                    "category": board.category,
                    "question": board.question.value,
                    "system": row.system,
                    **{name: getattr(row, name) for name in fields},
                    "tied_with": "; ".join(tied_with(board, row.system)),
                    "board_votes": board.votes,
                    "board_voters": board.voters,
                    "board_prompts": board.prompts,
                    "board_excluded": board.excluded,
                    **{name: board.recipe.get(name, "") for name in recipe},
                    **{name: getattr(aside, name) for name in ASIDE},
                    "acceptable": (aside.acceptable or {}).get("value"),
                }
            )
    for refusal in summary.refused:
        writer.writerow(
            {
                "category": refusal.category,
                "question": refusal.question.value,
                "refused": refusal.sentence,
            }
        )
    return text.getvalue()


def _board_row(board: Leaderboard, row: Rating) -> tuple[str, ...]:
    return (
        numbers.ranks(row.rank_low, row.rank_high),
        row.system,
        numbers.points(row.rating),
        numbers.span(row.low, row.high),
        numbers.percent(row.win_rate),
        f"{row.votes:,}",
        f"{row.voters:,}" if row.voters else numbers.NONE,
        f"{row.prompts:,}" if row.prompts else numbers.NONE,
        tied_words(board, row.system),
    )


def _narrowed(
    board: Leaderboard, rows: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A board's columns for a narrow terminal: voters and prompts go, and ties become their number."""
    kept = [place for place, column in enumerate(_BOARD_COLUMNS) if column not in {"voters", "prompts"}]
    narrow = []
    for rating, row in zip(board.ratings, rows, strict=True):
        tied = len(tied_with(board, rating.system))
        narrow.append((*(row[place] for place in kept[:-1]), str(tied) if tied else numbers.NONE))
    return (*(_BOARD_COLUMNS[place] for place in kept[:-1]), "tied"), narrow


def _side_tables(summary: Summary) -> list[tuple[tuple[str, ...], list[tuple[str, ...]], str]]:
    tables: list[tuple[tuple[str, ...], list[tuple[str, ...]], str]] = []
    if summary.generation:
        made = ("system", "done", "waiting", "failed", "median latency", "mean cost", "total cost")
        tables.append((made, [_generation_cells(row) for row in summary.generation], "Generation"))
    if summary.delivery:
        columns = ("system", "clips", *ASPECTS, "queue", "run", "download")
        unlike = differing(summary.delivery)
        heading = f"As delivered (differing: {', '.join(unlike)})" if unlike else "As delivered (all alike)"
        tables.append((columns, [_delivery_cells(row) for row in summary.delivery], heading))
    return tables


def _grids(summary: Summary) -> list[tuple[str, MetricGrid]]:
    """The metrics of each category that has any, with their heading."""
    grids = []
    for category in summary.categories:
        rows = [row for row in summary.metrics if row.category == category]
        if grid := metric_grid(rows, summary.meanings):
            where = "" if category == "all" else f" · {title(category)}"
            grids.append((f"Automatic metrics{where}", grid))
    return grids


def _grid_table(grid: MetricGrid) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A line a quantity, below a line with the name of its group."""
    rows: list[tuple[str, ...]] = []
    for group in grid.groups:
        rows.append((f"{group.title}:", *("" for _ in ("about", *grid.systems))))
        rows += [
            (
                f"{line.metric} {line.mark}".rstrip(),
                line.about,
                *(cell(row, line.signed) for row in line.cells),
            )
            for line in group.lines
        ]
    return ("quantity", "unit, best", *grid.systems), rows


def _grid_notes(grid: MetricGrid) -> list[str]:
    """What stands below a grid: failed gates, quantities without a verdict or a value, clips left out."""
    notes = [f"! {quantity}: {note}" for quantity, note in grid.failed]
    if grid.unjudged:
        notes.append(f"? No gate has judged these in this version: {', '.join(grid.unjudged)}.")
    notes += [f"No value in any system: {metric}: {sentence}" for metric, sentence in grid.empty]
    return notes + [f"{metric}, {system}: {sentence}" for metric, system, sentence in grid.left_out]


def _generation_cells(row: GenerationRow) -> tuple[str, ...]:
    failed = ", ".join(f"{count} {kind}" for kind, count in row.failed.items())
    return (
        row.system,
        str(row.done),
        str(row.waiting),
        failed or "0",
        numbers.seconds(row.median_latency_s),
        numbers.dollars(row.mean_cost_usd),
        numbers.dollars(row.total_cost_usd),
    )


def _delivery_cells(row: DeliveryRow) -> tuple[str, ...]:
    return (
        row.system,
        str(row.clips),
        *(said(row, aspect) for aspect in ASPECTS),
        *(numbers.seconds(row.waits_s[part]) for part in WAITS),
    )


def _rich(heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=escape(heading), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    names = [row[columns.index("system")] for row in rows] if "system" in columns else []
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in _NUMERIC else "left",
            no_wrap=column in _NUMERIC | {"interval", "quantity"},
            overflow="fold",
            # A narrow terminal may shorten anything but the names.
            min_width=min(24, max(map(len, names))) if column == "system" and names else None,
        )
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---:" if column in _NUMERIC else "---" for column in columns]
    lines = [columns, rule, *([_plain(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it stands, also within a table cell."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ")

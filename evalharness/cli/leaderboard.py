"""`evalharness leaderboard`: the boards, in the terminal or as Markdown, CSV or JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import StudyFolder, out, store_of
from evalharness.config import Study, load_study
from evalharness.data import data_folder
from evalharness.gates import read_validations
from evalharness.records import Category, Question
from evalharness.registry import METRICS
from evalharness.reports import Meaning, Summary

if TYPE_CHECKING:
    from evalharness.publication import Selection

__all__ = ["Form", "leaderboard", "meanings", "summary_of"]


class Form(StrEnum):
    """How to print a board."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


def leaderboard(
    folder: StudyFolder = Path(),
    category: Annotated[Category | None, typer.Option(help="Only this board.")] = None,
    question: Annotated[Question | None, typer.Option(help="Only this question.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Only prompts in this language, as the prompts name it: ja.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only prompts with this tag.")] = None,
    form: Annotated[Form, typer.Option("--format", help="How to print it.")] = Form.TERMINAL,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """Rate the systems from the votes as they stand; ends with code 6 when no board can be rated yet."""
    from evalharness import reports
    from evalharness.publication import Selection

    summary = summary_of(load_study(folder), Selection(category, question, language, tag))
    match Form.JSON if as_json else form:
        case Form.TERMINAL:
            reports.render_terminal(summary, out)
        case Form.MARKDOWN:
            typer.echo(reports.render_markdown(summary), nl=False)
        case Form.CSV:
            typer.echo(reports.render_csv(summary), nl=False)
        case Form.JSON:
            typer.echo(reports.render_json(summary))
    if not summary.boards:
        raise typer.Exit(6)


def summary_of(study: Study, only: Selection | None = None) -> Summary:
    """What there is to report of a study now, or of a part of it."""
    from evalharness.publication import ALL, publish  # pandas, altair: not at the command line's start

    with store_of(study) as store:
        return publish(
            study,
            store,
            datetime.now(UTC),
            meanings=meanings(),
            only=only or ALL,
            validations=read_validations(data_folder() / GATES_FILE),
        )


def meanings() -> dict[str, Meaning]:
    """How to read each quantity of every registered metric."""
    return {
        f"{metric.name}.{each.name}": Meaning(each.better, metric.question, each.low, each.high)
        for metric in map(METRICS.load, METRICS)
        for each in metric.quantities
    }

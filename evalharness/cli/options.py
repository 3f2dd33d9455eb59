"""Options and openers that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from evalharness.config import ExecutorName, Study
from evalharness.records import Task
from evalharness.store import Store

__all__ = [
    "TASKS",
    "AsJson",
    "Executing",
    "StudyFolder",
    "left_behind",
    "out",
    "print_json",
    "progress_bar",
    "status",
    "store_of",
]

StudyFolder = Annotated[Path, typer.Argument(help="The study's folder.", show_default="this folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Executing = Annotated[
    ExecutorName | None,
    typer.Option(
        "--executor",
        help="Where what computes runs: in this process, in a process a core, or on a Ray cluster.",
        show_default="the study's, else processes",
    ),
]

TASKS = {Task.TEXT_TO_VIDEO: "t2v", Task.IMAGE_TO_VIDEO: "i2v", Task.REFERENCE_TO_VIDEO: "r2v"}
"""Short words for tables."""

out = Console()
"""What was asked for: standard output."""
status = Console(stderr=True)
"""Progress and remarks: standard error."""


def print_json(value: Any) -> None:
    """Print `value` as JSON on standard output; NaN is an error, never a surprise for the reader."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))  # noqa: T201 - rich would wrap it


@contextmanager
def store_of(study: Study) -> Iterator[Store]:
    """The study's database, opened, migrated, and closed again."""
    with Store.open(study.database_url) as store:
        yield store


@contextmanager
def progress_bar(task: str, *, keeps: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left; the callback takes (done, total).

    When Ctrl-C ends the work, it says how much was finished, and whether that is kept (`keeps`).
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=status)
    row = bar.add_task(task, total=None)

    def show(done: int, total: int) -> None:
        bar.start()  # not before there is something to show: settings may still be refused
        bar.update(row, completed=done, total=total)

    try:
        yield show
    except KeyboardInterrupt:
        bar.stop()
        status.print(left_behind(int(bar.tasks[0].completed), bar.tasks[0].total, keeps), soft_wrap=True)
        raise
    finally:
        bar.stop()


def left_behind(done: int, total: float | None, keeps: bool) -> str:
    """What an interrupted command leaves behind."""
    if not keeps or not done:
        return (
            "Nothing is kept of this run." if not keeps else "Nothing was finished yet, so nothing is kept."
        )
    return f"{done} of {total:g} are finished and kept; the same command goes on from there."

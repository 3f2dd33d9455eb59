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

from evalharness.config import Study
from evalharness.store import Store

__all__ = ["AsJson", "StudyFolder", "out", "print_json", "progress_bar", "status", "store_of"]

StudyFolder = Annotated[Path, typer.Argument(help="The study's folder.", show_default="this folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

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
def progress_bar(task: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left; the callback takes (done, total)."""
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
    finally:
        bar.stop()

"""Progress of a generation, one bar a system: made, failed, held back, under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from evalharness.cli.options import left_behind, status
from evalharness.dispatch import Progress as Report
from evalharness.dispatch import SystemProgress

__all__ = ["generation_bars"]


@contextmanager
def generation_bars() -> Iterator[Report]:
    """Bars for the systems that have something to do. When Ctrl-C ends the work, it says what is kept."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    bars = Progress(*columns, console=status)
    rows: dict[str, TaskID] = {}
    last: Mapping[str, SystemProgress] = {}

    def show(progress: Mapping[str, SystemProgress]) -> None:
        nonlocal last
        last = progress
        bars.start()  # not before there is something to show: settings may still be refused
        for name, system in progress.items():
            if not system.todo:
                continue
            if name not in rows:
                rows[name] = bars.add_task(f"generate {name}", said="", total=system.todo)
            bars.update(rows[name], completed=system.ended, total=system.todo, said=_said(system))

    try:
        yield show
    except KeyboardInterrupt:
        bars.stop()
        made, todo = (sum(getattr(row, part) for row in last.values()) for part in ("made", "todo"))
        status.print(left_behind(made, todo, keeps=True), soft_wrap=True)
        raise
    finally:
        bars.stop()


def _said(system: SystemProgress) -> str:
    """What the bar's length does not show."""
    words = {"failed": system.failed, "held back": system.held, "under way": system.running}
    return ", ".join(f"{count} {word}" for word, count in words.items() if count)

"""`evalharness measure`: clips x metrics -> measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import StudyFolder, out, progress_bar, store_of
from evalharness.config import Study, load_study

if TYPE_CHECKING:
    from evalharness.measure import MeasureSummary

__all__ = ["measure", "run_measurement"]


def measure(
    folder: StudyFolder = Path(),
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be given again.")] = None,
) -> None:
    """Measure every clip that has not been measured yet.

    Ends with code 4 when a measurement failed; unscorable clips are no failure, they have a reason.
    """
    summary = run_measurement(load_study(folder), metric)
    out.print(
        f"{summary.clips} clips, {summary.measured} measured now: {summary.values} values, "
        f"{summary.unscorable} unscorable, {len(summary.failures)} failed."
    )
    for name, lacking in summary.left_out.items():
        out.print(f"Left out: {name}. {lacking}", markup=False)
    if summary.failures:
        table = Table("clip", "metric", "reason", title="Failed")
        for row in summary.failures:
            table.add_row(row.clip_sha256[:12], row.metric, escape(row.reason or ""))
        out.print(table)
        raise typer.Exit(4)


def run_measurement(study: Study, metrics: list[str] | None = None) -> MeasureSummary:
    """Measure with a progress bar."""
    from evalharness.measure import measure_study  # metrics: not at the command line's start

    with store_of(study) as store, progress_bar("measure") as progress:
        return measure_study(study, store, metrics=metrics, progress=progress)

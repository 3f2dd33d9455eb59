"""`evalharness measure`: clips x metrics -> measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.leaderboard import meanings
from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import Executing, StudyFolder, out, progress_bar, store_of
from evalharness.config import ExecutorName, Study, load_study
from evalharness.data import data_folder
from evalharness.executors import executor_for
from evalharness.gates import read_validations
from evalharness.records import MeasurementStatus

if TYPE_CHECKING:
    from evalharness.measure import MeasureSummary

__all__ = ["measure", "run_measurement"]


def measure(
    folder: StudyFolder = Path(),
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be given again.")] = None,
    table: Annotated[
        Path | None,
        typer.Option("--csv", help="Then write all measurements here: a line a clip and quantity."),
    ] = None,
    executor: Executing = None,
) -> None:
    """Measure every clip that has not been measured yet.

    Ends with code 4 when a measurement failed; unscorable clips are no failure, they have a reason.
    """
    study = load_study(folder)
    summary = run_measurement(study, metric, executor)
    for line in _counted(summary):
        out.print(line, highlight=False, soft_wrap=True)
    if table is not None:
        _write(study, table)
    for name, lacking in summary.left_out.items():
        out.print(f"Left out: {name}. {lacking}", markup=False)
    if summary.failures:
        failed = Table("clip", "metric", "reason", title="Failed")
        for row in summary.failures:
            failed.add_row(row.clip_sha256[:12], row.metric, escape(row.reason or ""))
        out.print(failed)
        raise typer.Exit(4)


def run_measurement(
    study: Study, metrics: list[str] | None = None, executor: ExecutorName | None = None
) -> MeasureSummary:
    """Measure with a progress bar."""
    from evalharness.measure import measure_study  # metrics: not at the command line's start

    with store_of(study) as store, progress_bar("measure") as progress:
        return measure_study(
            study, store, metrics=metrics, executor=executor_for(study, executor), progress=progress
        )


def _counted(summary: MeasureSummary) -> tuple[str, str]:
    """This run, and all that the study has of the metrics asked for."""
    new, failed = summary.new, len(summary.failures)
    now = f"This run: {summary.measured} of {summary.clips} clips measured"
    if summary.measured:
        values, unscorable, failing = (new.get(ending, 0) for ending in MeasurementStatus)
        now += f": {values} values, {unscorable} unscorable, {failing} failed"
    whole = f"In all: {summary.values} values, {summary.unscorable} unscorable, {failed} failed."
    return f"{now}.", whole


def _write(study: Study, file: Path) -> None:
    from evalharness.publication import measurements_csv  # pandas: not at the command line's start

    with store_of(study) as store:
        text = measurements_csv(study, store, meanings(), read_validations(data_folder() / GATES_FILE))
    file.write_text(text, encoding="utf-8")
    out.print(f"Wrote {file}", soft_wrap=True)

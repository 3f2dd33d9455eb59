"""`evalharness blind`: clips -> exhibits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import StudyFolder, out, progress_bar, store_of
from evalharness.config import Study, load_study

if TYPE_CHECKING:
    from evalharness.exhibition import BlindingSummary

__all__ = ["blind", "run_blinding"]


def blind(folder: StudyFolder = Path()) -> None:
    """Make the review copy of every clip: one form for all, nothing in it that names a system.

    Ends with code 4 when a clip could not be blinded; each such clip is listed with its reason.
    """
    summary = run_blinding(load_study(folder))
    copies = f", {summary.spoiled} spoiled copies for gold pairs" if summary.spoiled else ""
    out.print(
        f"{summary.made} exhibits made now, {summary.reused} there before, {summary.silent} of them silent, "
        f"{len(summary.failures)} clips failed{copies}."
    )
    for note in summary.notes:
        out.print(f"[yellow]note:[/] {escape(note)}")
    if summary.failures:
        table = Table("system", "prompt", "seed", "reason", title="Not blinded")
        for failure in summary.failures:
            table.add_row(
                failure.clip.system, failure.clip.prompt_id, str(failure.clip.seed), escape(failure.message)
            )
        out.print(table)
        raise typer.Exit(4)


def run_blinding(study: Study) -> BlindingSummary:
    """Blind with a progress bar."""
    from evalharness.exhibition import blind_study  # PyAV: not at the command line's start

    with store_of(study) as store, progress_bar("blind") as progress:
        return blind_study(study, store, progress=progress)

"""`evalharness report`: everything about a study in files that can be passed on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from evalharness.cli.agreement import agreement_found
from evalharness.cli.auditing import audit_entry
from evalharness.cli.leaderboard import meanings, summary_of
from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import StudyFolder, out, progress_bar, status, store_of
from evalharness.config import Study, load_study
from evalharness.data import data_folder
from evalharness.errors import ConfigError
from evalharness.gates import read_validations
from evalharness.reports import Summary
from evalharness.reports.numbers import many

__all__ = ["report", "told_of_bundle"]


def report(
    folder: StudyFolder = Path(),
    bundle: Annotated[
        Path | None,
        typer.Option(help="A new folder for a bundle: report, votes and hashes.", show_default=False),
    ] = None,
    everybody: Annotated[
        bool,
        typer.Option(
            "--everybody",
            help="All voters in the bundle, not only those who agreed to be published: not for publishing.",
        ),
    ] = False,
) -> None:
    """Write report.html (one file, no network), and the same as Markdown, CSV, JSON and PDF beside it.

    measurements.csv has what the metrics' means are made of: one line a clip and quantity. A bundle holds the
    single votes as well, so that anybody can compute the report again with `evalharness verify`.
    """
    study = load_study(folder)
    if bundle is not None:
        _bundle(study, bundle, everybody)
    elif everybody:
        raise ConfigError("--everybody is about a bundle: name its folder with --bundle.")
    else:
        _report(study)


def _bundle(study: Study, folder: Path, everybody: bool) -> None:
    from evalharness.bundle import bundle_of_study

    with store_of(study) as store, progress_bar("votes", keeps=False) as show:
        total = store.progress()["votes"]
        summary = bundle_of_study(
            study,
            store,
            folder,
            meanings=meanings(),
            validations=read_validations(data_folder() / GATES_FILE),
            everybody=everybody,
            progress=lambda done: show(done, total),
        )
        what = "a bundle of everybody" if everybody else "a bundle"
        store.note_audit(audit_entry("", "exported", what=what, open_data_only=not everybody))
    told_of_bundle(folder, summary)


def told_of_bundle(folder: Path, summary: Summary) -> None:
    """Say what was written, and how it is looked at."""
    votes = sum(board.votes for board in summary.boards)
    status.print(
        f"{many(len(summary.boards), 'board')} of {many(votes, 'vote')} in {folder}. Look at it again with "
        f"python -m evalharness verify {folder}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )


def _report(study: Study) -> None:
    from evalharness import reports
    from evalharness.publication import habits, measurements_csv

    summary = summary_of(study)
    if summary.boards:
        with store_of(study) as store:
            summary = replace(summary, habits=habits(study, store))
    if summary.metrics and summary.boards:
        summary = replace(summary, agreement=agreement_found(study))
    study.reports.mkdir(exist_ok=True)
    files = {
        "report.html": reports.render_html(summary).encode(),
        "report.md": reports.render_markdown(summary).encode(),
        "report.csv": reports.render_csv(summary).encode(),
        "report.json": reports.render_json(summary).encode(),
        "report.pdf": reports.render_pdf(summary),
    }
    if summary.metrics:
        with store_of(study) as store:
            validations = read_validations(data_folder() / GATES_FILE)
            text = measurements_csv(study, store, meanings(), validations)
            files["measurements.csv"] = text.encode()
    for name, content in files.items():
        file = study.reports / name
        file.write_bytes(content)
        out.print(f"Wrote {file}", soft_wrap=True)

"""`evalharness report`: everything about a study in files that can be passed on."""

from __future__ import annotations

from pathlib import Path

from evalharness.cli.leaderboard import meanings, summary_of
from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import StudyFolder, out, store_of
from evalharness.config import load_study
from evalharness.data import data_folder
from evalharness.gates import read_validations

__all__ = ["report"]


def report(folder: StudyFolder = Path()) -> None:
    """Write report.html (one file, no network), and the same as Markdown, CSV and JSON beside it.

    measurements.csv has what the metrics' means are made of: one line a clip and quantity.
    """
    from evalharness import reports
    from evalharness.publication import measurements_csv

    study = load_study(folder)
    summary = summary_of(study)
    study.reports.mkdir(exist_ok=True)
    texts = {
        "report.html": reports.render_html(summary),
        "report.md": reports.render_markdown(summary),
        "report.csv": reports.render_csv(summary),
        "report.json": reports.render_json(summary),
    }
    if summary.metrics:
        with store_of(study) as store:
            validations = read_validations(data_folder() / GATES_FILE)
            texts["measurements.csv"] = measurements_csv(study, store, meanings(), validations)
    for name, text in texts.items():
        file = study.reports / name
        file.write_text(text, encoding="utf-8")
        out.print(f"Wrote {file}", soft_wrap=True)

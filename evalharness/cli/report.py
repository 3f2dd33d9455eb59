"""`evalharness report`: everything about a study in files that can be passed on."""

from __future__ import annotations

from pathlib import Path

from evalharness.cli.leaderboard import summary_of
from evalharness.cli.options import StudyFolder, out
from evalharness.config import load_study

__all__ = ["report"]


def report(folder: StudyFolder = Path()) -> None:
    """Write report.html (one file, no network), and the same as Markdown, CSV and JSON beside it."""
    from evalharness import reports

    study = load_study(folder)
    summary = summary_of(study)
    study.reports.mkdir(exist_ok=True)
    for suffix, render in {
        "html": reports.render_html,
        "md": reports.render_markdown,
        "csv": reports.render_csv,
        "json": reports.render_json,
    }.items():
        file = study.reports / f"report.{suffix}"
        file.write_text(render(summary), encoding="utf-8")
        out.print(f"Wrote {file}", soft_wrap=True)

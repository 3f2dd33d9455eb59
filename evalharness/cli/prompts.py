"""`evalharness prompts`: what a study asks for."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import AsJson, StudyFolder, out, print_json
from evalharness.config import load_study
from evalharness.prompts import load_suites

__all__ = ["prompts"]


def prompts(folder: StudyFolder = Path(), as_json: AsJson = False) -> None:
    """Check the study's prompt suites and list the prompts it takes from them."""
    study = load_study(folder)
    rows = load_suites(study.settings.prompts, study.folder)
    if as_json:
        print_json([{**asdict(prompt), "category": prompt.category} for prompt in rows])
        return
    table = Table("id", "category", "language", "text", "spoken", title=f"{len(rows)} prompts")
    for prompt in rows:
        table.add_row(
            prompt.id, prompt.category, prompt.language, escape(prompt.text), escape(prompt.spoken or "")
        )
    out.print(table)

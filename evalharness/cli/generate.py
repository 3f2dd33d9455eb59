"""`evalharness generate`: prompts x systems x seeds -> clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from evalharness.cli.options import AsJson, StudyFolder, out, print_json, progress_bar, store_of
from evalharness.config import Study, load_study
from evalharness.generate import GenerationSummary, generate_study
from evalharness.prompts import load_suites

__all__ = ["generate", "run_generation"]


def generate(
    folder: StudyFolder = Path(),
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also try again what failed in an earlier run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make every clip the study still lacks; stop it at any time, it goes on from there.

    Ends with code 4 when a job has no clip; each such job is listed with its reason.
    """
    summary = run_generation(load_study(folder), retry_failed=retry_failed)
    if as_json:
        print_json(_as_json(summary))
    else:
        _print(summary, folder)
    if summary.failures:
        raise typer.Exit(4)


def run_generation(study: Study, *, retry_failed: bool = False) -> GenerationSummary:
    """Generate with a progress bar."""
    prompts = load_suites(study.settings.prompts, study.folder)
    with store_of(study) as store, progress_bar("generate") as progress:
        return generate_study(study, store, prompts, retry_failed=retry_failed, progress=progress)


def _as_json(summary: GenerationSummary) -> dict[str, object]:
    return {
        "planned": summary.planned,
        "made": summary.made,
        "kept": summary.kept,
        "failures": [
            {
                "system": key.system,
                "prompt_id": key.prompt_id,
                "seed": key.seed,
                "kind": failure.kind,
                "message": failure.message,
            }
            for key, failure in sorted(summary.failures.items())
        ],
    }


def _print(summary: GenerationSummary, folder: Path) -> None:
    out.print(
        f"{summary.planned} clips planned: {summary.made} made now, {summary.kept} there before, "
        f"{len(summary.failures)} failed."
    )
    if summary.failures:
        table = Table("system", "prompt", "seed", "class", "reason", title="No clip")
        for key, failure in sorted(summary.failures.items()):
            table.add_row(key.system, key.prompt_id, str(key.seed), failure.kind, failure.message)
        out.print(table)
        out.print(f"Once the cause is mended: python -m evalharness generate {folder} --retry-failed")

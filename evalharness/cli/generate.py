"""`evalharness generate`: prompts x systems x seeds -> clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.adapters.folder import survey
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
    buy_again: Annotated[
        bool,
        typer.Option(
            "--buy-again",
            help="Also ask again for what a vendor was asked for and may bill already: look there first.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make every clip the study still lacks; stop it at any time, it goes on from there.

    Ends with code 4 when a job has no clip; each such job is listed with its reason. Files in a folder of
    finished clips that no prompt asks for are listed too: a misspelt name shows there.
    """
    study = load_study(folder)
    summary = run_generation(study, retry_failed=retry_failed or buy_again, buy_again=buy_again)
    unmatched = _unmatched(study)
    if as_json:
        print_json(_as_json(summary) | {"unmatched": unmatched})
    else:
        _print(summary, folder)
        _print_unmatched(unmatched)
    if summary.failures:
        raise typer.Exit(4)


def run_generation(study: Study, *, retry_failed: bool = False, buy_again: bool = False) -> GenerationSummary:
    """Generate with a progress bar."""
    prompts = load_suites(study.settings.prompts, study.folder)
    with store_of(study) as store, progress_bar("generate") as progress:
        return generate_study(
            study, store, prompts, retry_failed=retry_failed, buy_again=buy_again, progress=progress
        )


def _unmatched(study: Study) -> Mapping[str, Sequence[str]]:
    """System -> files of its folder or manifest that belong to no prompt and seed of the study."""
    prompts = load_suites(study.settings.prompts, study.folder)
    found = {
        system.name: survey(system, study.folder, prompts, study.settings.generation.seeds).unmatched
        for system in study.systems
        if system.adapter == "folder"
    }
    return {
        system: [_shown(file, study.folder) for file in files] for system, files in found.items() if files
    }


def _shown(file: Path, folder: Path) -> str:
    return (file.relative_to(folder) if file.is_relative_to(folder) else file).as_posix()


def _as_json(summary: GenerationSummary) -> dict[str, object]:
    return {
        "planned": summary.planned,
        "made": summary.made,
        "kept": summary.kept,
        "notes": list(summary.notes),
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
        f"{len(summary.failures)} failed{_kinds(summary)}."
    )
    for note in summary.notes:
        out.print(f"[yellow]note:[/] {escape(note)}")
    if summary.failures:
        table = Table("system", "prompt", "seed", "class", "reason", title="No clip")
        for key, failure in sorted(summary.failures.items()):
            table.add_row(key.system, key.prompt_id, str(key.seed), failure.kind, escape(failure.message))
        out.print(table)
        out.print(f"Once the cause is mended: python -m evalharness generate {folder} --retry-failed")


def _kinds(summary: GenerationSummary) -> str:
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(summary.by_kind.items()))
    return f" ({counts})" if counts else ""


def _print_unmatched(unmatched: Mapping[str, Sequence[str]]) -> None:
    if not unmatched:
        return
    table = Table("system", "file", title="Not asked for")
    for system, files in unmatched.items():
        for file in files:
            table.add_row(system, escape(file))
    out.print(table)
    out.print("No prompt and seed of the study asks for these files.")
    out.print("A clip is named <prompt id>.mp4 or <prompt id>__<seed>.mp4; `prompts` lists the ids.")

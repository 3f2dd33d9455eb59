"""`evalharness audit blinding`: prove that exhibits tell nothing of their systems."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import AsJson, StudyFolder, out, print_json, progress_bar, store_of
from evalharness.config import load_study
from evalharness.errors import BlindingError

if TYPE_CHECKING:
    from evalharness.blinding import AuditReport

__all__ = ["app"]

app = typer.Typer(help="Check that a study is what it claims to be.", no_args_is_help=True)

Words = Annotated[list[str] | None, typer.Option("--word", help="A further name to look for in the files.")]
Accepted = Annotated[
    list[str] | None, typer.Option("--accept", help="A feature that may differ: a warning, not a leak.")
]


@app.callback()
def _group() -> None:
    """Check that a study is what it claims to be."""


@app.command("blinding")
def blinding(
    folder: StudyFolder = Path(), word: Words = None, accept: Accepted = None, as_json: AsJson = False
) -> None:
    """List what still differs between systems in their exhibits, and how well they can be guessed from it.

    Ends with code 7 and a sentence that names the feature when something leaks.
    """
    from evalharness.blinding import audit_exhibits  # decodes media: not at the command line's start
    from evalharness.blinding.measured import mark_notes

    study = load_study(folder)
    with store_of(study) as store:
        exhibits = store.exhibits()
        forms = {exhibit.prompt_id: exhibit.recipe["form"] for exhibit in exhibits}
        spoiled = [e for e in store.flawed_exhibits() if e.recipe["form"] == forms.get(e.prompt_id)]
        clips, measurements = store.clips(), store.measurements()
    if not exhibits:
        raise BlindingError(
            f"There is nothing to audit: this study has no exhibits yet. Make them with "
            f"'python -m evalharness blind {folder}'."
        )
    codenames = [system.codename for system in study.systems if system.codename]
    with progress_bar("fetch") as progress:
        study.storage.fetch([(each.path, each.sha256) for each in (*exhibits, *spoiled)], progress)
    with progress_bar("audit", keeps=False) as progress:
        report = audit_exhibits(
            exhibits,
            study.storage.root,
            words=[*codenames, *(word or [])],
            accept=accept or [],
            spoiled=spoiled,
            progress=progress,
        )
    report = replace(report, notes=(*report.notes, *mark_notes(clips, measurements)))
    if as_json:
        print_json(asdict(report))
    else:
        findings = Table("", "feature", "kind", "what differs", title=f"{report.exhibits} exhibits")
        for finding in report.findings:
            mark = "[red]leak[/]" if finding.leak else "[yellow]differs[/]"
            findings.add_row(mark, finding.feature, finding.kind, escape(finding.sentence))
        if report.findings:
            out.print(findings)
        guesses = Table("guessed from", "result", title="How well systems can be guessed")
        for name, guess in report.guesses.items():
            guesses.add_row(name, str(guess))
        out.print(guesses)
        for note in report.notes:
            out.print(f"[yellow]note:[/] {escape(note)}")
    report.require_blind()
    if not as_json:
        out.print(_verdict(report))


def _verdict(report: AuditReport) -> str:
    """What an audit without a leak has shown, and no more than that."""
    alike = "the files' form is the same for all systems of a prompt, and nothing in them names anybody"
    if not report.guesses:
        return (
            f"[yellow]Not proven:[/] {alike}, but with so few prompts and systems no guessing could be tried."
        )
    seen = "; what still differs lies in the pictures and sounds themselves" if report.findings else ""
    return (
        f"[green]No leak found[/] in {report.exhibits} exhibits of {report.prompts} prompts: {alike}{seen}."
    )

"""`evalharness regress`: may this release replace the one before it?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from evalharness.cli.leaderboard import meanings
from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import AsJson, StudyFolder, out, print_json, status, store_of
from evalharness.config import Study, load_study
from evalharness.data import data_folder
from evalharness.errors import ConfigError, MediaError, RegressionError, StorageError
from evalharness.gates import read_validations

if TYPE_CHECKING:
    from evalharness.regression import Comparison, History
    from evalharness.releases import Evidence
    from evalharness.store import Store

__all__ = ["UNDECIDED", "evidence_of", "regress", "write_page"]

UNDECIDED = 6
"""Exit code, as that of `compare`: these votes and measurements do not decide."""


def regress(
    folder: StudyFolder = Path(),
    baseline: Annotated[str | None, typer.Option(help="The release that is in use.")] = None,
    candidate: Annotated[str | None, typer.Option(help="The release that may take its place.")] = None,
    history: Annotated[
        bool,
        typer.Option("--history", help="Every release that study.toml names, each against the one before."),
    ] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here, for a build server.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a pull request's comment here.")] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write a page with worst prompts, and trends, here.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every quantity that was compared.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether a release is worse than the one before it: by votes, by metrics, in price and reliability.

    Ends with code 0 where it passes, 8 where it is worse, 6 where that is undecided; with --history the
    newest release decides. What matters is set in the table regression of study.toml, before anybody looks.
    """
    from evalharness.regression import Verdict
    from evalharness.regression.junit import render_junit
    from evalharness.regression.markdown import render_markdown

    study, now = load_study(folder), datetime.now(UTC)
    _refuse_half_a_question(baseline, candidate, history)
    with store_of(study) as store:
        evidence = evidence_of(study, store)
        found, past = _found(evidence, baseline, candidate)
        console = status if as_json else out
        if junit is not None:
            _write(junit, render_junit(found, now), console)
        if markdown is not None:
            _write(markdown, render_markdown(found, past), console)
        if page is not None:
            write_page(evidence, found, past, page, now, console)
    if as_json:
        print_json(_record(found, past))
    else:
        _show(found, past, everything)
    if found.verdict is Verdict.FAIL:
        raise RegressionError(found.headline)
    if found.verdict is Verdict.UNDECIDED:
        raise typer.Exit(UNDECIDED)


def evidence_of(study: Study, store: Store) -> Evidence:
    """What the study has, with what is asked of it."""
    from evalharness.regression import EFFECTS_FILE, read_effects
    from evalharness.releases import Evidence

    known = meanings()
    effects = read_effects(data_folder() / EFFECTS_FILE, study.settings.regression, known)
    return Evidence(study, store, effects, known, read_validations(data_folder() / GATES_FILE))


def write_page(
    evidence: Evidence,
    found: Comparison,
    past: History | None,
    file: Path,
    now: datetime,
    console: Console,
) -> None:
    """One HTML file: trends where there is a history, and the worst prompts of every comparison, seen and
    heard."""
    from evalharness import __version__
    from evalharness.regression.page import render_page

    comparisons = past.steps if past else (found,)
    text = render_page(comparisons, _sheets(evidence, comparisons), now, __version__, past)
    _write(file, text, console)


def _refuse_half_a_question(baseline: str | None, candidate: str | None, history: bool) -> None:
    given = [name for name in (baseline, candidate) if name is not None]
    if history and given:
        raise ConfigError(
            "--history compares the releases that study.toml names: leave out --baseline and --candidate, or "
            "leave out --history."
        )
    if not history and len(given) < 2:
        raise ConfigError(
            "Name both --baseline, the release that is in use, and --candidate, the one that may take its "
            "place; or give --history for all of [regression] releases."
        )


def _found(
    evidence: Evidence, baseline: str | None, candidate: str | None
) -> tuple[Comparison, History | None]:
    """The comparison that decides, and the history behind it where it was asked for."""
    from evalharness.releases import compare_releases, history_of

    if baseline is None or candidate is None:
        past = history_of(evidence)
        return past.steps[-1], past
    return compare_releases(evidence, baseline, candidate), None


def _sheets(evidence: Evidence, comparisons: tuple[Comparison, ...]) -> dict[tuple[str, str, str], str]:
    """Contact sheets of the worst prompts; a clip that cannot be read has none, and that is said."""
    from evalharness.regression.contact import contact_sheet, inline, worst_prompts

    sheets = {}
    for found in comparisons:
        for each in worst_prompts(found):
            try:
                pair = [evidence.file(name, each.prompt) for name in (found.baseline, found.candidate)]
                sheets[found.baseline, found.candidate, each.prompt] = inline(contact_sheet(*pair))
            except (MediaError, StorageError) as error:
                status.print(f"No pictures of {each.prompt}: {error}", markup=False, soft_wrap=True)
    return sheets


def _record(found: Comparison, past: History | None) -> dict[str, Any]:
    from evalharness.regression import to_record

    if past is None:
        return to_record(found)
    return {
        "study": past.study,
        "releases": list(past.releases),
        "verdict": found.verdict.value,
        "steps": [to_record(step) for step in past.steps],
        "whole": to_record(past.whole),
        "first_breaks": [
            {
                "check": each.check.name,
                "before": each.before,
                "since": each.since,
                "decides": each.check.decides,
                "sentence": each.sentence,
            }
            for each in past.breaks
        ],
    }


def _show(found: Comparison, past: History | None, everything: bool) -> None:
    from evalharness.regression.terminal import show_comparison, show_history

    if past is not None:
        show_history(past, out)
    show_comparison(found, out, wide=everything)


def _write(file: Path, text: str, console: Console) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    console.print(f"Wrote {file}", soft_wrap=True, highlight=False)

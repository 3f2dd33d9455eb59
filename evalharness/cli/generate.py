"""`evalharness generate`: prompts x systems x seeds -> clips."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.budget import committed_usd
from evalharness.cli.generation_bars import generation_bars
from evalharness.cli.generation_failures import failure_table
from evalharness.cli.generation_plan import money, print_plan, show_plan
from evalharness.cli.options import AsJson, Executing, StudyFolder, out, print_json, status, store_of
from evalharness.config import ExecutorName, Study, load_study
from evalharness.errors import ConfigError
from evalharness.executors import executor_for
from evalharness.generate import GenerationSummary, generate_study
from evalharness.outlook import Outlook, outlook
from evalharness.prompts import load_suites
from evalharness.purchases import given_up

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
            help="Also ask again for what a vendor was asked for and never answered: look there first.",
        ),
    ] = False,
    give_up: Annotated[
        bool,
        typer.Option("--give-up", help="Also ask again for clips whose tasks a vendor runs, and bills."),
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(
            min=0, help="Begin no clip that brings what the study spends in all above this many US dollars."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked for, at what price; send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Spend what the plan says without asking.")] = False,
    executor: Executing = None,
    as_json: AsJson = False,
) -> None:
    """Make every clip the study still lacks; stop it at any time, it goes on from there.

    Where clips cost money the plan is shown first, and nothing is bought without --yes, --budget or your
    answer. Ends with code 4 when a job has no clip; each such job is listed with its reason. Files in a
    folder of finished clips that no prompt asks for are listed too: a misspelt name shows there.
    """
    if budget is not None and not math.isfinite(budget):
        raise ConfigError(f"--budget: found {budget}; give an amount of US dollars, such as 25.")
    study = load_study(folder)
    retry_failed = retry_failed or buy_again or give_up
    prompts = load_suites(study.settings.prompts, study.folder)
    over = given_up(buy_again=buy_again, give_up=give_up)
    with store_of(study) as store:
        foreseen = outlook(study, store, prompts, retry_failed=retry_failed, given_up=over)
        if dry_run:
            show_plan(study, store, prompts, foreseen, retry_failed=retry_failed, as_json=as_json)
            if budget is not None and not as_json:
                spent_usd = committed_usd(study, store, prompts)
                fits = "all of it fits" if spent_usd + foreseen.cost_usd <= budget else "not all of it fits"
                out.print(
                    f"Of the budget of ${budget:.2f}, ${spent_usd:.2f} are spent or promised; what is "
                    f"planned costs {money(foreseen)}: {fits}. Clips beyond it are not begun.",
                    soft_wrap=True,
                )
            return
    if foreseen.charged and not yes and budget is None:
        print_plan(foreseen, status)
        _ask(foreseen)
    summary = run_generation(
        study,
        retry_failed=retry_failed,
        buy_again=buy_again,
        give_up=give_up,
        budget_usd=budget,
        executor=executor,
    )
    unmatched = _unmatched(study)
    if as_json:
        print_json(_as_json(summary) | {"unmatched": unmatched})
    else:
        _print(summary, folder)
        _print_unmatched(unmatched)
    if summary.failures or summary.held:
        raise typer.Exit(4)


def run_generation(
    study: Study,
    *,
    retry_failed: bool = False,
    buy_again: bool = False,
    give_up: bool = False,
    budget_usd: float | None = None,
    executor: ExecutorName | None = None,
) -> GenerationSummary:
    """Generate with a progress bar for each system."""
    import_module("evalharness.media")  # PyAV: where it is broken, that is said before any clip is made
    prompts = load_suites(study.settings.prompts, study.folder)
    with store_of(study) as store:
        try:
            with generation_bars() as progress:
                return generate_study(
                    study,
                    store,
                    prompts,
                    retry_failed=retry_failed,
                    buy_again=buy_again,
                    give_up=give_up,
                    budget_usd=budget_usd,
                    executor=executor_for(study, executor),
                    progress=progress,
                )
        except KeyboardInterrupt:
            stands = sum(purchase.open for purchase in store.purchases_without_clip())
            if stands:
                status.print(
                    f"{stands} clips were asked for at vendors, who go on with them and bill them; "
                    "'generate --retry-failed' fetches them.",
                    soft_wrap=True,
                )
            raise


def _ask(foreseen: Outlook) -> None:
    """Let a person agree to the spending. Raises ConfigError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise ConfigError(
            f"This would spend {money(foreseen)} at vendors, and there is nobody to ask: say --yes, or set a "
            "limit with --budget."
        )
    typer.confirm(f"Spend {money(foreseen)}?", abort=True, err=True)


def _unmatched(study: Study) -> Mapping[str, Sequence[str]]:
    """System -> files of its folder or manifest that belong to no prompt and seed of the study."""
    from evalharness.adapters.folder import survey  # PyAV: not at the command line's start

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
        "held": summary.held,
        "committed_usd": summary.committed_usd,
        "systems": {
            name: {
                "made": each.made,
                "failed": each.failed,
                "held": each.held,
                "failures_by_class": Counter(
                    failure.kind for key, failure in summary.failures.items() if key.system == name
                ),
            }
            for name, each in summary.systems.items()
        },
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
    if summary.held:
        out.print(
            f"[yellow]{summary.held} clips were not begun:[/] the budget would be passed; "
            f"${summary.committed_usd:.2f} are spent or promised. A larger --budget goes on with them.",
            soft_wrap=True,
        )
    for note in summary.notes:
        out.print(f"[yellow]note:[/] {escape(note)}")
    if summary.failures:
        table, left_out = failure_table(summary.failures)
        out.print(table)
        if left_out:
            out.print(f"{left_out} further reasons: --json lists every clip.")
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

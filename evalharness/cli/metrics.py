"""`evalharness metrics`: the table of all metrics; `metrics validate`: what each shows on known damage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalharness.cli.metrics_table import GATES_FILE, listed, show_gates, show_list, show_metrics
from evalharness.cli.options import AsJson, out, print_json, progress_bar, status
from evalharness.data import data_folder
from evalharness.errors import ConfigError, MissingExtraError
from evalharness.gates import Validation, write_validations
from evalharness.registry import METRICS

if TYPE_CHECKING:
    from evalharness.validation import Source

__all__ = ["app", "write_plots"]

QUICK = "a quick run: fewer clips, every second level"

app = typer.Typer(help="Every metric: what it measures, what it needs, how far it is to be believed.")


@app.callback(invoke_without_command=True)
def metrics(
    context: typer.Context,
    metric: Annotated[
        list[str] | None, typer.Option(help="All about this metric; may be given again.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All about every metric: unit, sign, range, source, cost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List every metric: the question it speaks to, what its gates showed, and whether it can run here.

    A gate is what a metric must show on clips of known damage before it is believed; `metrics validate`
    tries them all.
    """
    if context.invoked_subcommand is not None:
        return
    rows = listed(metric or METRICS)
    if as_json:
        print_json(rows)
    elif metric or everything:
        show_metrics(rows, out)
    else:
        show_list(rows, out)


@app.command("validate")
def validate(
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be given again.")] = None,
    clips: Annotated[
        Path | None, typer.Option(help="A folder of your own clips instead of rendered ones.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Fewer clips and every second level.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Write the plots, as PNG and SVG, and gates.json here.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Keep the verdicts: they are what tables and boards show.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; default: one a core.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try metrics on ladders of known damage, and say of each gate whether it holds.

    Clips are rendered: seven people who speak, one a language, ten impacts, and five given pictures set in
    motion. Damage is made in memory: shifted, swapped and spoilt sound, wrong lips, noise, blur, flicker,
    lost frames, coding. A failed gate is a finding, not an error: the command ends with code 0.
    """
    from evalharness.validation import validate as validated  # metrics: not at the command line's start

    if write and (quick or clips is not None):
        raise ConfigError(
            "--write keeps the verdicts of a whole run on rendered clips, so that they mean the same "
            "everywhere. Leave out --quick and --clips, or write to a folder with --out."
        )
    names = _usable(metric)
    with progress_bar("validate", keeps=False) as progress:
        found = validated(
            names, _sources(clips, quick=quick), quick=quick, progress=progress, processes=processes
        )
    if quick:
        found = tuple(replace(row, clips=f"{row.clips}; {QUICK}") for row in found)
    if as_json:
        print_json([{"verdict": row.verdict, "quick": quick, **asdict(row)} for row in found])
    else:
        show_gates(found, out, quick=quick)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_validations(folder / GATES_FILE, found)
        drawn = write_plots(found, folder)
        status.print(f"{len(drawn)} plots and {GATES_FILE} are in {folder}.", soft_wrap=True)
    if write:
        write_validations(data_folder() / GATES_FILE, found)


def write_plots(validations: Sequence[Validation], folder: Path, *, svg: bool = True) -> list[Path]:
    """A picture `gates-<metric>` for each metric whose gates climb a ladder: PNG, and SVG if asked for."""
    from evalharness.reports.gate_plots import gates_png, gates_svg

    drawn = []
    for validation in validations:
        picture, drawing = gates_png(validation), gates_svg(validation) if svg else None
        if picture is not None:
            drawn.append(folder / f"gates-{validation.metric}.png")
            drawn[-1].write_bytes(picture)
        if drawing is not None:
            (folder / f"gates-{validation.metric}.svg").write_text(drawing, encoding="utf-8")
    return drawn


def _sources(clips: Path | None, *, quick: bool) -> tuple[Source, ...]:
    from evalharness.validation import brought, rendered

    return rendered(quick=quick) if clips is None else brought(clips)


def _usable(asked: Sequence[str] | None) -> list[str]:
    """The metrics to try: those asked for, which must be able to run here, or all that are."""
    from evalharness.usable import lacking

    missing = {name: said for name in asked or METRICS if (said := lacking(name)) is not None}
    if asked and missing:
        raise MissingExtraError(
            " ".join(f"'{name}' cannot run here: {said}" for name, said in missing.items())
        )
    for name, said in missing.items():
        status.print(f"Left out: {name}. {said}", markup=False, soft_wrap=True)
    return [name for name in asked or METRICS if name not in missing]

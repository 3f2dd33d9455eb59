"""`evalharness inspect`: every metric on clips that belong to no study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.options import AsJson, out, print_json, progress_bar, status
from evalharness.records import Measurement, MeasurementStatus

if TYPE_CHECKING:
    from metrics.av import Brief

__all__ = ["inspect"]


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Video files.")],
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be given again.")] = None,
    spoken: Annotated[str | None, typer.Option(help="The words that should be said.")] = None,
    language: Annotated[
        str, typer.Option(help="Of the words and the prompt: zh, yue, en, ja, ko, fr or de.")
    ] = "",
    prompt: Annotated[str, typer.Option(help="What the clips were asked to show.")] = "",
    as_json: AsJson = False,
) -> None:
    """Measure video files as they are, without a study.

    Ends with code 4 when a measurement failed; unscorable is no failure, it has a reason.
    """
    from evalharness.measure import measure_files  # metrics: not at the command line's start
    from metrics.av import Brief

    brief = Brief(text=prompt, language=language, spoken=spoken)
    with progress_bar("measure") as progress:
        found, left_out = measure_files(files, brief, metrics=metric, progress=progress)
    for name, lacking in left_out.items():
        status.print(f"Left out: {name}. {lacking}", markup=False, style="dim")
    if as_json:
        print_json({"clips": _plain(found, brief), "left_out": dict(left_out)})
    else:
        for path, rows in found.items():
            out.print(_table(path, rows))
    if any(row.status is MeasurementStatus.FAILED for rows in found.values() for row in rows):
        raise typer.Exit(4)


def _table(path: Path, rows: Sequence[Measurement]) -> Table:
    table = Table("quantity", "reading", "with", title=escape(str(path)), title_justify="left")
    for row in rows:
        if row.value is None:
            table.add_row(row.metric, f"[dim]{row.status}[/dim]", f"[dim]{escape(row.reason or '')}[/dim]")
        else:
            table.add_row(row.metric, f"{row.value:.4g} {row.unit}".rstrip(), escape(_short(row.details)))
    return table


def _short(details: Mapping[str, Any]) -> str:
    """What stands beside a value in a line: numbers and words; lists are for --json."""

    def shown(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.3g}"
        if isinstance(value, list | tuple) and len(value) == 2:
            return f"{shown(value[0])}..{shown(value[1])}"
        return str(value)

    plain = {key: value for key, value in details.items() if not isinstance(value, Mapping)}
    return ", ".join(
        f"{key} {shown(value)}"
        for key, value in plain.items()
        if not isinstance(value, list | tuple) or len(value) == 2
    )


def _plain(found: Mapping[Path, Sequence[Measurement]], brief: Brief) -> list[dict[str, Any]]:
    return [
        {
            "file": str(path),
            "asked": {"prompt": brief.text, "language": brief.language, "spoken": brief.spoken},
            "measurements": [{**asdict(row), "status": str(row.status)} for row in rows],
        }
        for path, rows in found.items()
    ]

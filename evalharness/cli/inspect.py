"""`evalharness inspect`: every metric on clips that belong to no study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.metrics_table import GATES_FILE
from evalharness.cli.options import AsJson, out, print_json, progress_bar, status
from evalharness.data import data_folder
from evalharness.errors import ConfigError
from evalharness.gates import gate_note, read_validations
from evalharness.records import Measurement, MeasurementStatus
from evalharness.registry import METRICS
from evalharness.reports import numbers, wording

if TYPE_CHECKING:
    from metrics.av import Brief

__all__ = ["inspect"]

_WAYS = {"lower": "lower is better", "higher": "higher is better", "zero": "zero is best", "none": ""}
_RECORD_KEEPING = frozenset({"brief", "weights"})
"""Details that say whether two measurements are comparable; in --json."""


class Language(StrEnum):
    """Languages whose words can be measured."""

    ZH = "zh"
    YUE = "yue"
    EN = "en"
    JA = "ja"
    KO = "ko"
    FR = "fr"
    DE = "de"


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Video files, or folders of them.")],
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be given again.")] = None,
    spoken: Annotated[str | None, typer.Option(help="The words that should be said.")] = None,
    language: Annotated[Language | None, typer.Option(help="Of the words and the prompt.")] = None,
    prompt: Annotated[str, typer.Option(help="What the clips were asked to show.")] = "",
    as_json: AsJson = False,
) -> None:
    """Measure video files as they are, without a study.

    A folder means the clips in it. Ends with code 4 when a file could not be read or a measurement failed;
    unscorable is no failure, it has a reason.
    """
    from evalharness.measure import measure_files  # metrics: not at the command line's start
    from metrics.av import Brief

    if spoken and language is None:
        raise ConfigError("Words were given with --spoken, but not their language: add --language en, say.")
    brief = Brief(text=prompt, language=language.value if language else "", spoken=spoken)
    clips, refused = _clips(files)
    for path, sentence in refused.items():
        status.print(f"[bold red]{escape(str(path))}:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
    with progress_bar("measure", keeps=False) as progress:
        found, left_out = measure_files(clips, brief, metrics=metric, progress=progress)
    for name, lacking in left_out.items() if found else ():
        status.print(f"Left out: {name}. {lacking}", markup=False, style="dim")
    if as_json:
        print_json(
            {
                "clips": _plain(found, brief),
                "refused": {str(path): sentence for path, sentence in refused.items()},
                "left_out": dict(left_out),
            }
        )
    else:
        notes = _gate_notes(next(iter(found.values()), ()))
        for path, rows in found.items():
            out.print(_table(path, rows, notes))
        for quantity, note in notes.items():
            if note.startswith("Failed"):
                out.print(f"! {quantity}: {note}", markup=False, style="yellow")
        if any(not note.startswith("Failed") for note in notes.values()):
            out.print("? No gate has judged this quantity in this version.", style="dim")
    if refused or any(row.status is MeasurementStatus.FAILED for rows in found.values() for row in rows):
        raise typer.Exit(4)


def _clips(paths: Sequence[Path]) -> tuple[list[Path], dict[Path, str]]:
    """The files to measure, a folder's in order of name, and why any path names none."""
    from evalharness.validation import VIDEO  # metrics: not at the command line's start

    clips: list[Path] = []
    refused: dict[Path, str] = {}
    for path in paths:
        try:
            if path.is_dir():
                inside = sorted(
                    each for each in path.iterdir() if each.suffix.lower() in VIDEO and each.is_file()
                )
                clips += inside
                if inside:
                    status.print(
                        f"{path}: {numbers.many(len(inside), 'clip')}.", markup=False, soft_wrap=True
                    )
                else:
                    refused[path] = f"There is no clip in this folder ({', '.join(VIDEO)})."
            else:
                path.open("rb").close()
                clips.append(path)
        except OSError as error:
            refused[path] = f"It cannot be read ({error.strerror}). Name the file of a clip."
    return clips, refused


def _gate_notes(rows: Sequence[Measurement]) -> dict[str, str]:
    """By quantity: what its gates showed, where a reader must know it."""
    validations = read_validations(data_folder() / GATES_FILE)
    notes = {row.metric: gate_note(row.metric, row.version, validations) for row in rows}
    return {quantity: note for quantity, note in notes.items() if note is not None}


def _table(path: Path, rows: Sequence[Measurement], notes: Mapping[str, str]) -> Table:
    table = Table("quantity", "reading", "best", "with", title=escape(str(path)), title_justify="left")
    reasons = {row.reason for row in rows}
    if len(rows) > 1 and len(reasons) == 1 and rows[0].status is MeasurementStatus.FAILED:
        table.add_row("all", "[red]failed[/red]", "", escape(rows[0].reason or ""))
        return table
    quantities = {
        f"{name}.{each.name}": each
        for name in {row.metric.partition(".")[0] for row in rows}
        for each in METRICS.load(name).quantities
    }
    told: set[str] = set()
    for row in rows:
        note = notes.get(row.metric)
        mark = "" if note is None else " !" if note.startswith("Failed") else " ?"
        quantity = quantities[row.metric]
        name, way = f"{row.metric}{mark}", _WAYS[quantity.better]
        beside = _short(row.details) if row.value is not None else row.reason or ""
        shown = escape(beside) if beside not in told else "as above"
        told.add(beside)
        if row.value is None:
            table.add_row(name, f"[dim]{row.status}[/dim]", f"[dim]{way}[/dim]", f"[dim]{shown}[/dim]")
        else:
            unit = row.unit or f"({wording.unit_word('', quantity.low, quantity.high)})"
            table.add_row(name, f"{row.value:.4g} {unit}", way, shown if beside else "")
    return table


def _short(details: Mapping[str, Any]) -> str:
    """What stands beside a value in a line: numbers and words; lists are for --json."""

    def shown(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.3g}"
        if isinstance(value, list | tuple) and len(value) == 2:
            return f"{shown(value[0])}..{shown(value[1])}"
        return str(value)

    plain = {
        key: value
        for key, value in details.items()
        if not isinstance(value, Mapping) and key not in _RECORD_KEEPING
    }
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

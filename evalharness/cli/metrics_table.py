"""What `evalharness metrics` prints: every metric, what it needs and how far it is to be believed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evalharness.data import data_folder
from evalharness.gates import Validation, read_validations, verdict_of
from evalharness.registry import METRICS
from evalharness.reports import wording

__all__ = ["COSTS_FILE", "GATES_FILE", "Listing", "listed", "show_gates", "show_list", "show_metrics"]

GATES_FILE = "gates.json"
COSTS_FILE = "metric_costs.json"
Listing = dict[str, Any]

_WIDE = 150
"""Columns of a terminal from which everything stands in one table."""
_BETTER = {"lower": "lower", "higher": "higher", "zero": "nearest 0", "none": "(description)"}
_COLOURS = {"passed": "green", "failed": "red", "not judged": "yellow"}


def listed(names: Iterable[str] = METRICS) -> list[Listing]:
    """All there is to know of each metric, ready for JSON."""
    from evalharness.usable import lacking

    folder = data_folder()
    validations = read_validations(folder / GATES_FILE)
    costs = _costs(folder / COSTS_FILE)
    rows = []
    for name in names:
        missing = lacking(name)
        metric = METRICS.load(name)
        weights = metric.weights() if missing is None else None
        found = _holding(validations.get(name), metric.version, weights)
        rows.append(
            {
                "name": name,
                "version": metric.version,
                "question": metric.question or None,
                "source": metric.source or None,
                "needs": metric.needs,
                "of_clip": list(metric.of_clip),
                "uses_prompt": metric.uses_brief,
                "missing": missing,
                "weights": weights or None,
                "cost_s": costs.get((name, metric.version)),
                "gates": _gates(found),
                "quantities": [
                    {
                        "name": f"{name}.{each.name}",
                        "unit": each.unit,
                        "better": each.better,
                        "low": each.low,
                        "high": each.high,
                        "meaning": each.meaning,
                        "gates": _gates(found, f"{name}.{each.name}"),
                    }
                    for each in metric.quantities
                ],
            }
        )
    return rows


def show_list(rows: Sequence[Listing], console: Console) -> None:
    """A line a metric: the question it speaks to, what its gates showed, and whether it can run here."""
    table = Table("metric", "speaks to", "gates", "here")
    for row in rows:
        question = wording.question_title(row["question"]) if row["question"] else ""
        here = "[green]ready[/]" if row["missing"] is None else f"[yellow]lacks[/] {escape(row['needs'])}"
        table.add_row(f"[bold]{escape(row['name'])}[/]", escape(question), _shown(row["gates"]), here)
    console.print(table)
    console.print(
        "Gates: what a metric must show on clips of known damage before it is believed. More: "
        "--metric NAME for one, --all for every one, with units, signs, sources and costs.",
        style="dim",
        soft_wrap=True,
    )


def show_metrics(rows: Sequence[Listing], console: Console) -> None:
    """One table where the terminal is wide enough, else a paragraph a metric."""
    if console.width >= _WIDE:
        console.print(_table(rows))
    else:
        for row in rows:
            _paragraph(row, console)
    console.print(
        "Clip: what one must have before any quantity has a value. Cost: seconds for a clip of 5 s at 1080p "
        "on one core, when it was last measured. Gates: what the metric shows on known damage (python -m "
        "evalharness metrics validate); a verdict holds for one version.",
        style="dim",
        soft_wrap=True,
    )


def show_gates(validations: Sequence[Validation], console: Console, *, quick: bool = False) -> None:
    """The verdict on every gate; of a quick run it says so, as it may differ from that of a whole one."""
    said = " (quick)" if quick else ""
    wide = console.width >= _WIDE
    for validation in validations:
        heading = f"{validation.metric} {validation.version}: {validation.verdict}{said}"
        if not validation.gates:
            console.print(
                f"[bold]{escape(validation.metric)} {validation.version}[/]: no gate is asked of it.\n"
            )
            continue
        table = Table(
            "quantity", "damage", "asked", "", "n", "found", title=escape(heading), title_justify="left"
        )
        if not wide:
            table = Table("damage", "", "n", "found", title=escape(heading), title_justify="left")
        for gate in validation.gates:
            quantity = gate.quantity.partition(".")[2]
            damage = f"{gate.damage} ({gate.damage_unit})" if gate.damage_unit else gate.damage or "none"
            verdict = f"[{_COLOURS[gate.verdict]}]{gate.verdict}{said}[/]"
            found = escape(" ".join([gate.said, _figures(gate.figures)]).strip())
            if wide:
                table.add_row(quantity, damage, escape(gate.asked), verdict, str(gate.n), found)
            else:
                asked = f"{quantity}: {gate.asked}"
                table.add_row(damage, verdict, str(gate.n), f"[dim]{escape(asked)}.[/] {found}")
        console.print(table)
    if validations:
        console.print(f"Tried on {validations[0].clips}.", style="dim", soft_wrap=True)


def _holding(found: Validation | None, version: str, weights: str | None) -> Validation | None:
    """The validation, if it is of this version and, where they are known, of these weights."""
    if found is None or found.version != version or weights not in (None, found.weights):
        return None
    return found


def _gates(found: Validation | None, quantity: str | None = None) -> Listing:
    """The verdict on a metric, or on one of its quantities."""
    if found is None:
        return {"verdict": "not validated", "passed": 0, "asked": 0}
    gates = [gate for gate in found.gates if quantity in (None, gate.quantity)]
    passed = sum(gate.verdict == "passed" for gate in gates)
    return {"verdict": verdict_of(gates) if gates else "no gate", "passed": passed, "asked": len(gates)}


def _costs(file: Path) -> dict[tuple[str, str], float]:
    """Seconds a clip by metric and version, as the benchmark last wrote them."""
    if not file.is_file():
        return {}
    rows: Mapping[str, Mapping[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["metrics"]
    return {(name, row["version"]): float(row["seconds"]) for name, row in rows.items()}


def _table(rows: Sequence[Listing]) -> Table:
    table = Table(
        "quantity", "speaks to", "unit", "better", "range", "source", "clip", "needs", "here", "cost", "gates"
    )
    for row in rows:
        table.add_section()
        for index, each in enumerate(row["quantities"]):
            shared = [""] * 5
            if index == 0:
                shared = [row["source"] or "", _of_clip(row), row["needs"], _here(row), _cost(row)]
            table.add_row(
                escape(each["name"]),
                escape(row["question"] or "") if index == 0 else "",
                escape(each["unit"] or _range(each) or "no unit"),
                _BETTER[each["better"]],
                _range(each),
                *map(escape, shared[:3]),
                *shared[3:],
                _shown(each["gates"]),
            )
    return table


def _paragraph(row: Listing, console: Console) -> None:
    console.print(f"[bold]{escape(row['name'])}[/] {row['version']}, gates: {_shown(row['gates'])}")
    for each in row["quantities"]:
        words = [each["unit"] or ("" if _range(each) else "no unit"), _BETTER[each["better"]], _range(each)]
        console.print(
            f"  [cyan]{escape(each['name'])}[/] ({', '.join(filter(None, words))})", highlight=False
        )
        console.print(f"    {escape(each['meaning'])}", highlight=False, soft_wrap=True)
    facts = {
        "speaks to": row["question"],
        "source": row["source"],
        "of the clip": _of_clip(row),
        "needs": row["needs"],
        "cost": _cost(row),
    }
    said = [f"{name}: {fact}" for name, fact in facts.items() if fact]
    console.print(f"  {escape('; '.join(said))}", highlight=False, soft_wrap=True, style="dim")
    if row["missing"]:
        console.print(f"  [yellow]missing:[/] {escape(row['missing'])}", highlight=False, soft_wrap=True)
    console.print()


def _of_clip(row: Listing) -> str:
    """What a clip must have, in words."""
    return ", ".join(row["of_clip"]) or "pictures"


def _here(row: Listing) -> str:
    return "[green]ready[/]" if row["missing"] is None else f"[yellow]{escape(row['missing'])}[/]"


def _cost(row: Listing) -> str:
    return "not measured" if row["cost_s"] is None else f"{row['cost_s']:.2g} s"


def _range(quantity: Listing) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in (quantity["low"], quantity["high"]))
    return f"{low}..{high}" if low or high else ""


def _shown(gates: Listing) -> str:
    verdict = gates["verdict"]
    colour = _COLOURS.get(verdict, "dim")
    count = f" ({gates['passed']} of {gates['asked']})" if gates["asked"] else ""
    return f"[{colour}]{verdict}{count}[/]"


def _figures(figures: Mapping[str, float | None]) -> str:
    known = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in figures.items() if value is not None]
    return f"({', '.join(known)})" if known else ""

"""The numbers of a report from the tables of its bundle: for whoever makes one, and whoever verifies it."""

from __future__ import annotations

import csv
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.agreement import VOTE_COLUMNS, ClipId, agreement_of, newest
from evalharness.bundle.ballots import CHOICES, Ballots, Slice, read_votes_table
from evalharness.bundle.pages import MEASUREMENTS
from evalharness.errors import ConfigError
from evalharness.exports import TABLES, Manifest, read_rows
from evalharness.habits import HABIT_COLUMNS, habits_of
from evalharness.reports import Agreement, HabitRow, Summary

__all__ = ["agreement_figures", "chosen_of", "clip_figures", "habit_figures", "metric_figures", "of_votes"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BY_NAME = {table.name: table for table in TABLES}
Metric = tuple[str, str, str, str]
"""Category, system, quantity, version."""


def of_votes(
    summary: Summary,
    ballots: Ballots,
    slices: Iterable[Slice],
    chosen: Mapping[Slice, Mapping[str, Any]],
    systems: Iterable[str],
    *,
    has_flow: bool,
) -> Summary:
    """The summary with all that is made of votes computed from them."""
    boards, refused = ballots.boards(slices, chosen=chosen, systems=[*systems])
    return replace(summary, boards=boards, refused=refused, flow=ballots.flow() if has_flow else None)


def chosen_of(summary: Summary) -> dict[Slice, dict[str, Any]]:
    """What was chosen of each board: what its recipe says of it."""
    return {
        (board.category, board.question): {
            name: board.recipe[name] for name in CHOICES if name in board.recipe
        }
        for board in summary.boards
    }


def metric_figures(folder: Path, tables: Path, manifest: Manifest) -> dict[Metric, dict[str, Any]]:
    """Fields of `MetricRow` by category, system, quantity and version, from measurements.csv."""
    categories = {str(row["prompt"]): str(row["category"]) for row in _records(tables, manifest, "prompts")}
    lines: dict[Metric, list[tuple[str, str, str]]] = defaultdict(list)
    path = folder / MEASUREMENTS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                quantity = f"{row['metric']}.{row['quantity']}"
                metric = categories[row["prompt"]], row["system"], quantity, row["version"]
                lines[metric].append((row["ending"], row["value"], row["reason"]))
        return {metric: _figures(rows) for metric, rows in lines.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path.name} is not as evalharness writes it: {error!r}.") from error


def _figures(rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    values = [float(value) for ending, value, _ in rows if ending == "value"]
    return {
        "mean": statistics.fmean(values) if values else None,
        "deviation": statistics.stdev(values) if len(values) > 1 else None,
        "magnitude": statistics.fmean(map(abs, values)) if values else None,
        "quantiles": tuple(np.quantile(values, QUANTILES).tolist()) if values else None,
        "n": len(values),
        "unscorable": dict(Counter(reason for ending, _, reason in rows if ending == "unscorable")),
        "failed": dict(Counter(reason for ending, _, reason in rows if ending == "failed")),
    }


def agreement_figures(folder: Path, tables: Path, summary: Summary) -> Agreement:
    """How far metrics agree with voters, from the table of votes and measurements.csv.

    Gates and directions are as the summary has them.
    """
    votes = read_votes_table(tables, [*VOTE_COLUMNS, "left_out"])
    found: dict[str, dict[str, dict[ClipId, float]]] = {}
    with (folder / MEASUREMENTS).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["ending"] == "value":
                of_metric = found.setdefault(f"{row['metric']}.{row['quantity']}", {})
                clip = row["system"], row["prompt"], int(row["seed"])
                of_metric.setdefault(row["version"], {})[clip] = float(row["value"])
    versions = {name: newest(each) for name, each in found.items()}
    values = {name: found[name][version] for name, version in versions.items()}
    failed = {(row.metric, row.version) for row in summary.metrics if row.failed_gate}
    failing = frozenset(name for name, version in versions.items() if (name, version) in failed)
    return agreement_of(votes[votes["left_out"].isna()], values, summary.meanings, failed_gates=failing)


def habit_figures(tables: Path) -> tuple[HabitRow, ...]:
    """How the votes that count were cast, from the table of votes."""
    votes = read_votes_table(tables, [*HABIT_COLUMNS, "left_out"])
    return habits_of(votes[votes["left_out"].isna()])


def clip_figures(tables: Path, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Fields of `GenerationRow` by system, from the clips' table; what failed left no clip."""
    waits: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    systems = set()
    for row in _records(tables, manifest, "clips"):
        systems.add(str(row["system"]))
        if row["latency_s"] is not None:
            waits[str(row["system"])].append(row["latency_s"])
        if row["cost_usd"] is not None:
            costs[str(row["system"])].append(row["cost_usd"])
    return {
        name: {
            "median_latency_s": statistics.median(waits[name]) if waits[name] else None,
            "timed": len(waits[name]),
            "mean_cost_usd": statistics.fmean(costs[name]) if costs[name] else None,
            "total_cost_usd": sum(costs[name]) if costs[name] else None,
            "priced": len(costs[name]),
        }
        for name in systems
    }


def _records(tables: Path, manifest: Manifest, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a table by column; none where the bundle has no such table."""
    if name not in manifest.rows:
        return
    table = BY_NAME[name]
    names = [column.name for column in table.columns]
    for piece in read_rows(tables, table):
        for row in piece:
            yield dict(zip(names, row, strict=True))

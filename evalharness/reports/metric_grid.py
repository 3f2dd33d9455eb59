"""Automatic metrics of one category as a grid: a line a quantity, a column a system."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalharness.reports import numbers, wording
from evalharness.reports.summary import MetricRow

__all__ = ["MetricGrid", "MetricLine", "cell", "metric_grid", "reading"]


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One quantity in one version, over all systems."""

    metric: str
    """`<metric>.<quantity>`."""
    version: str
    about: str
    """Unit and which way is better, in words; may be empty."""
    note: str | None
    """What to know before believing it: what its gates showed."""
    failed: bool
    """Whether it failed a gate."""
    signed: bool
    """Whether nearest zero is best: then the mean distance from zero is shown, and the mean as bias."""
    cells: tuple[MetricRow, ...]
    """One of each system, in the grid's order."""

    @property
    def mark(self) -> str:
        """`!` where a gate was failed, `?` where none has judged it, otherwise nothing."""
        return "" if self.note is None else "!" if self.failed else "?"


@dataclass(frozen=True, slots=True)
class MetricGrid:
    """What `metric_grid` makes."""

    systems: tuple[str, ...]
    lines: tuple[MetricLine, ...]
    left_out: tuple[tuple[str, str, str], ...]
    """(metric, system, sentence) for every mean that leaves clips out; where the quantities of a metric
    leave out different clips, their names stand for the metric's."""

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """(quantity, note) of those that failed a gate."""
        return tuple((line.metric, line.note) for line in self.lines if line.failed and line.note)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Quantities that no gate has judged in this version."""
        return tuple(line.metric for line in self.lines if line.note and not line.failed)


def metric_grid(rows: Sequence[MetricRow], directions: Mapping[str, str]) -> MetricGrid | None:
    """The grid of one category's rows; None where there are none."""
    if not rows:
        return None
    systems = tuple(dict.fromkeys(row.system for row in rows))
    found: dict[tuple[str, str], dict[str, MetricRow]] = {}
    for row in rows:
        found.setdefault((row.metric, row.version), {})[row.system] = row
    lines = []
    for (metric, version), cells in found.items():
        first = next(iter(cells.values()))
        unit = next((row.unit for row in cells.values() if row.unit), "")
        about = wording.unit_line(unit, directions.get(metric))
        ordered = tuple(cells[system] for system in systems)
        signed = directions.get(metric) == "zero"
        lines.append(MetricLine(metric, version, about, first.note, first.failed_gate, signed, ordered))
    return MetricGrid(systems, tuple(lines), _left_out(rows))


def cell(row: MetricRow, signed: bool) -> str:
    """`reading` with the clips it is over: `0.041 ± 0.010 (9)`, `(9 of 11)` where some are left out."""
    count = f"{row.n} of {row.clips}" if row.n < row.clips else str(row.n)
    return f"{reading(row, signed)} ({count})"


def reading(row: MetricRow, signed: bool) -> str:
    """Mean and standard deviation over clips; where `signed`, distance from zero and the mean as bias."""
    if signed and row.magnitude is not None:
        return f"{numbers.figure(row.magnitude)}, bias {numbers.figure(row.mean)}"
    spread = f" ± {numbers.figure(row.deviation)}" if row.deviation is not None else ""
    return numbers.figure(row.mean) + spread


def _left_out(rows: Sequence[MetricRow]) -> tuple[tuple[str, str, str], ...]:
    """(metric or quantity, system, sentence): a metric's name where all its quantities share the sentence."""
    quantities: dict[str, set[str]] = defaultdict(set)
    sharing: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        metric = row.metric.partition(".")[0]
        quantities[metric].add(row.metric)
        if row.n < row.clips:
            sharing[metric, row.system, wording.not_scored(row)].add(row.metric)
    return tuple(
        (metric if shared == quantities[metric] else ", ".join(sorted(shared)), system, sentence)
        for (metric, system, sentence), shared in sharing.items()
    )

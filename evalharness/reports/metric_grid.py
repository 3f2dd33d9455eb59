"""Automatic metrics of one category as a grid: a line a quantity, a column a system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalharness.reports import numbers, wording
from evalharness.reports.summary import MetricRow

__all__ = ["MetricGrid", "MetricLine", "cell", "metric_grid"]


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
    """(metric, system, sentence) for every mean that leaves clips out; quantities of a metric that leave
    out the same clips for the same reasons are one entry."""

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
    left_out: dict[tuple[str, str, str], None] = {}
    for row in rows:
        found.setdefault((row.metric, row.version), {})[row.system] = row
        if row.n < row.clips:
            left_out[row.metric.partition(".")[0], row.system, wording.not_scored(row)] = None
    lines = []
    for (metric, version), cells in found.items():
        first = next(iter(cells.values()))
        unit = next((row.unit for row in cells.values() if row.unit), "")
        about = wording.unit_line(unit, directions.get(metric))
        ordered = tuple(cells[system] for system in systems)
        lines.append(MetricLine(metric, version, about, first.note, first.failed_gate, ordered))
    return MetricGrid(systems, tuple(lines), tuple(left_out))


def cell(row: MetricRow) -> str:
    """A mean with the clips it is over: `0.041 (9)`, or `0.041 (9 of 11)` where some are left out."""
    count = f"{row.n} of {row.clips}" if row.n < row.clips else str(row.n)
    return f"{numbers.figure(row.mean)} ({count})"

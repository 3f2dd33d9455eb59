"""Automatic metrics of one category as a grid: a line a quantity, a column a system.

Lines stand together by the question that voters are asked and the metric speaks to. A quantity that has no
value in any system is no line: why it has none is said once, apart from the numbers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evalharness.records import Question
from evalharness.reports import numbers, wording
from evalharness.reports.summary import Meaning, MetricRow

__all__ = ["MetricGrid", "MetricGroup", "MetricLine", "cell", "metric_grid", "reading"]

_QUESTIONS = (
    Question.AV_SYNC,
    Question.LIP_ACCURACY,
    Question.VISUAL_QUALITY,
    Question.MOTION,
    Question.PROMPT_ADHERENCE,
)
_NO_QUESTION = "Sound, faces and file"


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One quantity in one version, over all systems."""

    metric: str
    """`<metric>.<quantity>`."""
    version: str
    about: str
    """Unit and which way is better, in words."""
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
class MetricGroup:
    """Lines that speak to one question."""

    title: str
    lines: tuple[MetricLine, ...]


@dataclass(frozen=True, slots=True)
class MetricGrid:
    """What `metric_grid` makes."""

    systems: tuple[str, ...]
    groups: tuple[MetricGroup, ...]
    """Quantities with a value in some system, by question."""
    empty: tuple[tuple[str, str], ...]
    """(metric or quantities, sentence) for those without a value in any system."""
    left_out: tuple[tuple[str, str, str], ...]
    """(metric, system, sentence) for every mean that leaves clips out; where the quantities of a metric
    leave out different clips, their names stand for the metric's."""

    @property
    def lines(self) -> tuple[MetricLine, ...]:
        """The lines of all groups."""
        return tuple(line for group in self.groups for line in group.lines)

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """(quantity, note) of those that failed a gate."""
        return tuple((line.metric, line.note) for line in self.lines if line.failed and line.note)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Quantities that no gate has judged in this version."""
        return tuple(line.metric for line in self.lines if line.note and not line.failed)


def metric_grid(rows: Sequence[MetricRow], meanings: Mapping[str, Meaning]) -> MetricGrid | None:
    """The grid of one category's rows; None where there are none."""
    if not rows:
        return None
    systems = tuple(dict.fromkeys(row.system for row in rows))
    found: dict[tuple[str, str], dict[str, MetricRow]] = {}
    for row in rows:
        found.setdefault((row.metric, row.version), {})[row.system] = row
    grouped: dict[str, list[MetricLine]] = {title: [] for title in (*map(_title, _QUESTIONS), _NO_QUESTION)}
    shown: list[MetricRow] = []
    empty: list[MetricRow] = []
    for cells in found.values():
        ordered = tuple(cells[system] for system in systems)
        if any(row.n for row in ordered):
            meaning = meanings.get(ordered[0].metric, Meaning())
            grouped[_title(meaning.question)].append(_line(ordered, meaning))
            shown += ordered
        else:
            empty.append(_together(ordered))
    groups = tuple(MetricGroup(title, tuple(lines)) for title, lines in grouped.items() if lines)
    quantities: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        quantities[_metric(row)].add(row.metric)
    nowhere = tuple((metric, sentence) for metric, _, sentence in _left_out(empty, quantities))
    return MetricGrid(systems, groups, nowhere, _left_out(shown, quantities))


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


def _title(question: str) -> str:
    return wording.question_title(question) if question in _QUESTIONS else _NO_QUESTION


def _line(cells: tuple[MetricRow, ...], meaning: Meaning) -> MetricLine:
    first = cells[0]
    unit = next((row.unit for row in cells if row.unit), "")
    about = wording.unit_line(unit, meaning)
    signed = meaning.better == "zero"
    return MetricLine(first.metric, first.version, about, first.note, first.failed_gate, signed, cells)


def _together(cells: Sequence[MetricRow]) -> MetricRow:
    """A quantity without a value anywhere, its reasons counted over all systems."""
    return replace(
        cells[0],
        system="all",
        unscorable=sum((Counter(row.unscorable) for row in cells), Counter()),
        failed=sum((Counter(row.failed) for row in cells), Counter()),
        unmeasured=sum(row.unmeasured for row in cells),
    )


def _metric(row: MetricRow) -> str:
    return row.metric.partition(".")[0]


def _left_out(
    rows: Sequence[MetricRow], quantities: Mapping[str, set[str]]
) -> tuple[tuple[str, str, str], ...]:
    """(metric or quantity, system, sentence): a metric's name where all its quantities share the sentence."""
    sharing: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        if row.n < row.clips:
            sharing[_metric(row), row.system, wording.not_scored(row)].add(row.metric)
    return tuple(
        (metric if shared == quantities[metric] else ", ".join(sorted(shared)), system, sentence)
        for (metric, system, sentence), shared in sharing.items()
    )

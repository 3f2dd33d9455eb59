"""A comparison, or a history, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evalharness.regression.history import History
from evalharness.regression.verdict import Check, Comparison, Finding, Verdict
from evalharness.regression.wording import amount, interval, percent_change
from evalharness.tolerances import Part

__all__ = ["COLOURS", "change_words", "show_comparison", "show_history", "shown_checks", "tolerance_words"]

COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNDECIDED: "yellow"}
_MARKS = {Finding.WORSE: "red", Finding.NOT_WORSE: "green", Finding.UNDECIDED: "yellow"}


def show_comparison(found: Comparison, out: Console, *, wide: bool = False) -> None:
    """The verdict, why, and the checks; quantities that decide nothing only where `wide`."""
    out.print(escape(found.headline), style=f"bold {COLOURS[found.verdict]}", highlight=False, soft_wrap=True)
    for reason in found.reasons:
        out.print(f"  {escape(reason)}", highlight=False, soft_wrap=True)
    shown = shown_checks(found, wide=wide)
    table = Table("check", "found", "change", "interval", "allowed", "n", title=f"{found.prompts} prompts")
    for check in shown:
        mark = _MARKS.get(check.finding, "dim")
        name = check.name if check.decides else f"{check.name} (told)"
        table.add_row(
            escape(name),
            f"[{mark}]{check.finding.value}[/]",
            *change_words(check),
            tolerance_words(check),
            str(check.n),
        )
    out.print(table)
    for check in found.told:
        out.print(f"[yellow]told:[/] {escape(check.sentence)}", highlight=False, soft_wrap=True)
    for note in (*found.notes, *(f"{c.name}: {note}" for c in shown for note in c.notes)):
        out.print(f"[yellow]note:[/] {escape(note)}", highlight=False, soft_wrap=True)
    left_out = len(found.checks) - len(shown)
    if left_out:
        out.print(f"{left_out} more quantities were compared and decide nothing: --all shows them.")


def show_history(found: History, out: Console) -> None:
    """Each step's verdict in a line, and where what broke first."""
    table = Table("release", "against", "verdict", "why", title="Releases, oldest first")
    for step in found.steps:
        style = COLOURS[step.verdict]
        why = step.headline.partition(": ")[2]
        table.add_row(
            escape(step.candidate), escape(step.baseline), f"[{style}]{step.verdict}[/]", escape(why)
        )
    out.print(table)
    whole = found.whole
    if len(found.releases) > 2:
        out.print(f"All steps together: {escape(whole.headline)}", highlight=False, soft_wrap=True)
    for each in found.breaks:
        style = "red" if each.check.decides else "yellow"
        out.print(f"[{style}]{escape(each.sentence)}[/]", highlight=False, soft_wrap=True)
    if not found.breaks:
        out.print("Nothing was found worse in any release.")
    for note in sorted({note for step in found.steps for note in step.notes}):
        out.print(f"[yellow]note:[/] {escape(note)}", highlight=False, soft_wrap=True)


def shown_checks(found: Comparison, *, wide: bool) -> list[Check]:
    """All where `wide`; else those that decide, those found worse, and what speaks of votes or service."""
    return [
        check
        for check in found.checks
        if wide
        or check.decides
        or check.doubt
        or check.finding is Finding.WORSE
        or check.part is not Part.METRICS
    ]


def change_words(check: Check) -> tuple[str, str]:
    """Difference and interval as text."""
    if check.difference is None:
        return "–", "–"
    if check.part is Part.SERVICE:
        ends = [check.low, check.high]
        said = " to ".join(percent_change(end) if end is not None and abs(end) < 1e9 else "?" for end in ends)
        return percent_change(check.difference), said
    return (
        ("+" if check.difference > 0 else "") + amount(check.difference, check.unit),
        interval(check.low, check.high, check.unit),
    )


def tolerance_words(check: Check) -> str:
    """What is allowed, as text."""
    if check.tolerance is None:
        return "–"
    if check.part is Part.SERVICE:
        return percent_change(check.tolerance)
    sign = "+" if check.higher_is_worse else "−"
    return f"{sign}{amount(check.tolerance, check.unit)}"

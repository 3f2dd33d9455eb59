"""A comparison as a comment on a pull request: the verdict and a short table first, details folded."""

from __future__ import annotations

from evalharness.regression.history import History
from evalharness.regression.terminal import change_words, shown_checks, tolerance_words
from evalharness.regression.verdict import Check, Comparison, Verdict

__all__ = ["render_markdown"]

_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.UNDECIDED: "❔"}


def render_markdown(found: Comparison, history: History | None = None) -> str:
    """GitHub-flavoured Markdown; with a history, its table and first breaks above the newest step."""
    short = [check for check in found.checks if check.decides]
    lines = [f"### {_MARKS[found.verdict]} {_plain(found.headline)}", ""]
    lines += [f"- {_plain(reason)}" for reason in found.reasons]
    lines += [f"- Told: {_plain(check.sentence)}" for check in found.told]
    lines += [f"- **Note:** {_plain(note)}" for note in found.notes]
    lines += ["", *_table(short)]
    if history is not None:
        lines += ["", *_history(history)]
    folded = shown_checks(found, wide=True)
    lines += ["", f"<details><summary>All {len(folded)} checks, over {found.prompts} prompts</summary>", ""]
    lines += _table(folded)
    for check in folded:
        if check.sentence:
            lines += ["", f"**{_plain(check.name)}.** {_plain(check.sentence)}"]
            lines += [_plain(text) for text in (check.more, *check.notes) if text]
            if check.worst and check.finding.value != "not asked":
                said = ", ".join(f"`{each.prompt}`" for each in check.worst)
                lines += [f"Worst prompts: {said}."]
    return "\n".join([*lines, "", "</details>", ""])


def _table(checks: list[Check]) -> list[str]:
    rows = ["| check | found | change | interval | allowed | n |", "| --- | --- | --- | --- | --- | --- |"]
    for check in checks:
        cells = (
            check.name if check.decides else f"{check.name} (told)",
            check.finding.value,
            *change_words(check),
            tolerance_words(check),
            str(check.n),
        )
        rows.append("| " + " | ".join(map(_plain, cells)) + " |")
    return rows


def _history(found: History) -> list[str]:
    rows = ["| release | against | verdict |", "| --- | --- | --- |"]
    rows += [
        f"| {_plain(step.candidate)} | {_plain(step.baseline)} | {_MARKS[step.verdict]} {step.verdict} |"
        for step in found.steps
    ]
    return [*rows, "", *(f"- {_plain(each.sentence)}" for each in found.breaks)]


def _plain(text: str) -> str:
    """Text that is no markup: names of systems and prompts come from people."""
    for mark in ("\\", "|", "<", "*", "`", "[", "@"):
        text = text.replace(mark, f"\\{mark}" if mark not in "<@" else {"<": "&lt;", "@": "&#64;"}[mark])
    return " ".join(text.split())

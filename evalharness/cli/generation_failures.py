"""Clips that are missing, by reason: a hundred prompts refused for one reason are one line."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from rich.markup import escape
from rich.table import Column, Table

from evalharness.production import Failure
from evalharness.records import FailureKind, JobKey

__all__ = ["failure_table"]

NAMED = 3
"""Prompts that a line names."""
LINES = 40


def failure_table(failures: Mapping[JobKey, Failure]) -> tuple[Table, int]:
    """The table, and how many reasons it leaves out."""
    table = Table(
        Column("system", overflow="fold"),
        Column("clips", justify="right"),
        "class",
        "reason",
        Column("prompts", overflow="fold"),
        title="No clip",
    )

    def reason(item: tuple[JobKey, Failure]) -> tuple[str, FailureKind, str]:
        key, failure = item
        return key.system, failure.kind, failure.message

    groups = [(why, list(items)) for why, items in groupby(sorted(failures.items(), key=reason), key=reason)]
    for (system, kind, message), items in groups[:LINES]:
        prompts = list(dict.fromkeys(key.prompt_id for key, _ in items))
        named = ", ".join(prompts[:NAMED])
        more = f" and {len(prompts) - NAMED} more" if len(prompts) > NAMED else ""
        table.add_row(escape(system), str(len(items)), kind, escape(message), escape(named + more))
    return table, max(0, len(groups) - LINES)

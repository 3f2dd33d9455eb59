"""Jobs by their key: in SQL and in sentences."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, and_

from evalharness.records import JobKey
from evalharness.store import convert

__all__ = ["is_job", "named"]


def is_job(table: Table, key: JobKey) -> ColumnElement[bool]:
    """The rows of `table` that belong to the job of this key."""
    return and_(*(table.c[name] == value for name, value in convert.key_values(key).items()))


def named(key: JobKey) -> str:
    """A job in a sentence."""
    return f"({key.system}, {key.prompt_id}, seed {key.seed})"

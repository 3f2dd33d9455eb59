"""What a study is about: its systems and its prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select, text

from evalharness.errors import StoreError
from evalharness.records import Prompt, System
from evalharness.store import convert, schema
from evalharness.store.database import Database, upsert_into

__all__ = ["Content"]

SYSTEM_IDENTITY = ("adapter", "model", "revision", "parameters")
PROMPT_IDENTITY = ("task", "text", "spoken", "reading", "pictures")
"""What clips were asked with; a picture's path may change, since a study can be moved, not what it shows."""


class Content:
    """The part of `Store` that keeps systems and prompts."""

    _database: Database

    def put_systems(self, systems: Iterable[System]) -> None:
        """Add systems, or change known ones by name; all or none.

        Raises StoreError where a system that has clips, or clips that stand at a vendor, would change its
        adapter, model, revision or parameters: its old and new clips would be rated as one.
        """
        rows = [convert.system_values(system) for system in systems]
        with self._database.writing("store the systems") as connection:
            _upsert(connection, schema.systems, rows, SYSTEM_IDENTITY, _with_clips(connection, "system"))

    def systems(self) -> tuple[System, ...]:
        """All systems by name."""
        with self._database.reading("read the systems") as connection:
            rows = connection.execute(select(schema.systems).order_by(schema.systems.c.name))
            return tuple(convert.system(row) for row in rows)

    def put_prompts(self, prompts: Iterable[Prompt]) -> None:
        """Add prompts, or change known ones by id; all or none.

        Raises StoreError where a prompt that has clips, or clips that stand at a vendor, would change its
        task, its words or its pictures.
        """
        rows = [convert.prompt_values(prompt) for prompt in prompts]
        with self._database.writing("store the prompts") as connection:
            _upsert(connection, schema.prompts, rows, PROMPT_IDENTITY, _with_clips(connection, "prompt_id"))

    def prompts(self) -> tuple[Prompt, ...]:
        """All prompts by id."""
        with self._database.reading("read the prompts") as connection:
            rows = connection.execute(select(schema.prompts).order_by(schema.prompts.c.id))
            return tuple(convert.prompt(row) for row in rows)


def _with_clips(connection: Connection, column: str) -> set[str]:
    """Those that have a clip, or have asked a vendor for one that may come yet."""
    made = select(schema.clips.c[column])
    asked = select(schema.purchases.c[column]).where(text(schema.OPEN_PURCHASE))
    return set(connection.scalars(made.union(asked)))


def _upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    identity: Sequence[str],
    with_clips: set[str],
) -> None:
    """Insert or update `rows` by primary key, refusing a changed identity of what has clips."""
    (key,) = table.primary_key.columns
    known = {row[key.name]: dict(row) for row in connection.execute(select(table)).mappings()}
    for row in rows:
        name = row[key.name]
        if name in with_clips:
            _refuse_change(table.name.removesuffix("s"), name, known[name], row, identity)
    if rows:
        insert = upsert_into(connection, table)
        changes = {column.name: insert.excluded[column.name] for column in table.columns if column is not key}
        connection.execute(insert.on_conflict_do_update(index_elements=[key], set_=changes), rows)


def _refuse_change(
    noun: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any], identity: Sequence[str]
) -> None:
    # Rows of an earlier version have no hashes of their pictures: today's are taken for them.
    changed = [field for field in identity if _plain(before[field]) not in (_plain(after[field]), [])]
    if changed:
        raise StoreError(
            f"The {noun} '{name}' has clips already, so its {' and '.join(changed)} cannot change: clips of "
            f"before and after, and such as a vendor was asked for, would count as one {noun}. "
            f"Give the changed {noun} a new name, or put back what it was."
        )


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value

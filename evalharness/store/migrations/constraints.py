"""Giving a table another CHECK or UNIQUE where SQL has no word for it.

PostgreSQL takes the constraint away and adds it. SQLite keeps a table as the text it was made with, which may
be edited where what is stored stays as it is: making the table anew would drop what other tables refer to.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

__all__ = ["replace_check", "replace_unique"]


def replace_check(table: str, name: str, old: str, new: str) -> None:
    """Let the CHECK `name` of `table` say `new` instead of `old`; no row is rewritten.

    Every row that was allowed by `old` must be allowed by `new`. Raises RuntimeError where SQLite's text does
    not hold `old`.
    """
    if _on_postgresql():
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, new)
    else:
        _edit(table, f"CHECK ({old})", f"CHECK ({new})")


def replace_unique(table: str, name: str, old: Sequence[str], new: Sequence[str]) -> None:
    """Let the UNIQUE `name` of `table` be of the columns `new` instead of `old`; no row is rewritten.

    Raises RuntimeError where SQLite's text does not hold `old`, and the database's own error where rows are
    not unique by `new`.
    """
    if _on_postgresql():
        op.drop_constraint(name, table, type_="unique")
        op.create_unique_constraint(name, table, list(new))
    else:
        _edit(table, f"UNIQUE ({', '.join(old)})", f"UNIQUE ({', '.join(new)})")
        op.execute(f"REINDEX {table}")  # the constraint's index was made of the old columns


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _edit(table: str, old: str, new: str) -> None:
    """SQLite: put `new` for `old` in the text of a table."""
    connection = op.get_bind()
    version = connection.execute(text("PRAGMA schema_version")).scalar_one()
    connection.execute(text("PRAGMA writable_schema = ON"))
    changed = connection.execute(
        text(
            "UPDATE sqlite_schema SET sql = replace(sql, :old, :new)"
            " WHERE type = 'table' AND name = :table AND instr(sql, :old) > 0"
        ),
        {"table": table, "old": old, "new": new},
    )
    # A new version number makes this connection, and every other, read the text again.
    connection.execute(text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(text("PRAGMA writable_schema = OFF"))
    if changed.rowcount != 1:
        raise RuntimeError(f"The table {table} has no {old}.")

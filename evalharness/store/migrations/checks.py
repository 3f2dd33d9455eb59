"""Giving a table another CHECK where SQL has no word for it."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

__all__ = ["replace_check"]


def replace_check(table: str, name: str, old: str, new: str) -> None:
    """Let the CHECK `name` of `table` say `new` instead of `old`; no row is rewritten.

    PostgreSQL takes the constraint away and adds it. SQLite keeps a table as the text it was made with, which
    may be edited where what is stored stays as it is: making the table anew would drop what other tables
    refer to. Every row that was allowed by `old` must be allowed by `new`. Raises RuntimeError where SQLite's
    text does not hold `old`.
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, new)
        return
    where = {"table": table, "old": f"CHECK ({old})", "new": f"CHECK ({new})"}
    version = connection.execute(text("PRAGMA schema_version")).scalar_one()
    connection.execute(text("PRAGMA writable_schema = ON"))
    changed = connection.execute(
        text(
            "UPDATE sqlite_schema SET sql = replace(sql, :old, :new)"
            " WHERE type = 'table' AND name = :table AND instr(sql, :old) > 0"
        ),
        where,
    )
    # A new version number makes this connection, and every other, read the text again.
    connection.execute(text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(text("PRAGMA writable_schema = OFF"))
    if changed.rowcount != 1:
        raise RuntimeError(f"The table {table} has no CHECK ({old}).")

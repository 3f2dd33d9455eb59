"""An act goes on record in the transaction in which it is done: neither is there without the other."""

from __future__ import annotations

from sqlalchemy import Connection

from evalharness.people import AuditEntry
from evalharness.store import convert, schema

__all__ = ["note"]


def note(connection: Connection, entry: AuditEntry | None) -> None:
    """Put it on record; None: nothing."""
    if entry is not None:
        connection.execute(schema.audit.insert(), convert.audit_values(entry))

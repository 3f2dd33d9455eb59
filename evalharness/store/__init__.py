"""Where a study is kept: one `Store`, on SQLite and PostgreSQL alike. Callers see records, never rows."""

from evalharness.store.store import Store

__all__ = ["Store"]

"""Bringing a database to the schema of this program: Alembic, driven from the package."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from evalharness.errors import StoreError
from evalharness.store.database import Database
from evalharness.store.schema import METADATA

__all__ = ["VERSION_TABLE", "upgrade"]

VERSION_TABLE = "schema_version"

# Any constant will do, as long as every program that migrates a study takes the same one.
_ADVISORY_LOCK = 0x65_76_61_6C

# Alembic works on module-level proxies: one migration at a time within a process.
_in_this_process = threading.Lock()


def upgrade(database: Database) -> None:
    """Migrate `database` to head, in one transaction; programs that open it meanwhile wait.

    Raises StoreError for a database of a newer program, or one that holds tables of someone else.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    with database.reading("read the version of the schema") as connection:
        if _version(connection) == head:
            return
    with _in_this_process, database.writing("bring the schema up to date") as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        _check(database, connection, script)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def _check(database: Database, connection: Connection, script: ScriptDirectory) -> None:
    version = _version(connection)
    known = {revision.revision for revision in script.walk_revisions()}
    if version is not None and version not in known:
        raise StoreError(
            f"The database {database.name} has schema {version}, which this evalharness does not know: "
            f"its newest is {script.get_current_head()}. A newer evalharness made it; install that one."
        )
    taken = sorted(set(METADATA.tables) & set(inspect(connection).get_table_names()))
    if version is None and taken:
        raise StoreError(
            f"The database {database.name} is not empty and not a study: it has tables named "
            f"{', '.join(taken)} but no {VERSION_TABLE}. Give the study a database of its own."
        )

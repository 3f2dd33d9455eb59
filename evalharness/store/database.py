"""One database: its connections, its transactions, and its refusals as sentences.

SQLite and PostgreSQL differ here, in `refusals.py`, in `schema.UtcTime` and in the triggers of the
migrations; nowhere else.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, Connection, Engine, Select, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from evalharness.errors import MissingExtraError, StoreError
from evalharness.store.refusals import explain

__all__ = ["Database", "plain_rows", "upsert_into"]

BUSY_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10
SCRUB_TIMEOUT_MS = 1_000
_BEGINS = "evalharness_begins"


class Database:
    """Connections to one database. `reading`, `looking` and `writing` are the only ways to reach it."""

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.name = _without_secrets(parsed)
        """The URL as it may be shown: no password, no query."""
        self._password = parsed.password
        self.engine = _engine(parsed, self.name)
        on_sqlite = parsed.drivername == "sqlite"
        self._writer = self.engine.execution_options(**{_BEGINS: "BEGIN IMMEDIATE"})
        self._looker = self.engine.execution_options(
            **({_BEGINS: None} if on_sqlite else {"isolation_level": "AUTOCOMMIT"})
        )
        # SQLite has one writer at a time, and those who wait for it sleep and try again, some of them
        # long. Threads of one program queue here instead: the slowest of 20 then waits a tenth as long.
        self._turn: AbstractContextManager[object] = threading.Lock() if on_sqlite else nullcontext()

    @contextmanager
    def reading(self, purpose: str) -> Iterator[Connection]:
        """A transaction that reads; `purpose` completes "Could not …" should the database refuse."""
        with self._transaction(self.engine, purpose) as connection:
            yield connection

    @contextmanager
    def looking(self, purpose: str) -> Iterator[Connection]:
        """For one statement that reads, which needs no transaction around it: what a vote does most."""
        with self._transaction(self._looker, purpose) as connection:
            yield connection

    @contextmanager
    def writing(self, purpose: str) -> Iterator[Connection]:
        """A transaction that writes: whole, or rolled back on any exception."""
        with self._turn, self._transaction(self._writer, purpose) as connection:
            yield connection

    def scrub(self) -> None:
        """Let what was taken away leave SQLite's log, too; what it overwrites in the file is overwritten.

        Where somebody reads for longer than a second it stays in the log until the next time, or until the
        last program closes the file. PostgreSQL keeps it until its own VACUUM.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with self._turn, self._transaction(self._looker, "clear the log") as connection:
            # While it waits for readers nobody can write: votes shall not wait for a long export.
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {SCRUB_TIMEOUT_MS}")
            try:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT_S * 1000)}")

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine, purpose: str) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = explain(error)
            if self._password:
                reason = reason.replace(str(self._password), "***")
            broken = isinstance(error, DBAPIError) and error.connection_invalidated
            change = "It is not known whether anything was changed" if broken else "Nothing was changed"
            raise StoreError(
                f"Could not {purpose}: {reason} {change} in the database {self.name}."
            ) from error


def plain_rows(connection: Connection, query: Select[Any], most: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query as the driver gives them, `most` at a time: for a million votes.

    A row of SQLAlchemy's costs as much again as the database takes to find it. Nothing is converted: times
    are texts on SQLite. The query's values become part of its text: labels and moments, never what people
    wrote.
    """
    text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    driver: Any = connection.connection
    # PostgreSQL's driver would fetch all rows at once, but for a cursor with a name.
    cursor = driver.cursor("plain_rows") if connection.dialect.name == "postgresql" else driver.cursor()
    try:
        cursor.execute(text)
        while rows := cursor.fetchmany(most):
            yield rows
    except connection.dialect.loaded_dbapi.Error as error:  # as SQLAlchemy would have it
        raise DBAPIError.instance(text, None, error, connection.dialect.loaded_dbapi.Error) from error
    finally:
        cursor.close()


def upsert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, in this connection's dialect."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        scheme = parsed.drivername if parsed else "no URL"
        raise StoreError(
            "The database must be given as 'sqlite:///file.db' or 'postgresql+psycopg://host/name'; "
            f"found {scheme}."
        )
    if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StoreError(
            "A study cannot live in memory, where its votes would be lost at the end of the program; "
            "name a file, for example 'sqlite:///study.db'."
        )
    return parsed


def _without_secrets(url: URL) -> str:
    return URL.create(url.drivername, url.username, None, url.host, url.port, url.database).render_as_string()


def _engine(url: URL, name: str) -> Engine:
    if url.drivername == "sqlite":
        engine = create_engine(
            url, connect_args={"timeout": BUSY_TIMEOUT_S}, max_overflow=50, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options: dict[str, Any] = {}
    if "connect_timeout" not in url.query:
        options["connect_timeout"] = CONNECT_TIMEOUT_S
    try:
        return create_engine(url, connect_args=options, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"The database {name} needs the driver psycopg, which is not installed. "
            "Install it with: pip install 'evalharness[postgres]'."
        ) from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Settings of each new SQLite connection.

    synchronous=FULL: under WAL, NORMAL would keep a confirmed vote through kill -9 but may lose it
    to a power cut; FULL syncs the log at every commit. It costs a third of the commits a second
    (1,100 against 1,700 where benchmarks/store_votes.py was first run), of which no study needs ten.
    secure_delete: what is deleted or changed is overwritten, since people may ask for it.
    recursive_triggers: without it INSERT OR REPLACE would delete a vote past its trigger.
    """
    connection.isolation_level = None  # sqlite3 begins no transaction of its own: _begin_sqlite does
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(
            f"its file system allows no write-ahead log (journal mode stays '{mode}'); "
            "move the study to a local disk"
        )


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where we mean to write: a later upgrade could not wait its turn."""
    begin = connection.get_execution_options().get(_BEGINS, "BEGIN")
    if begin is not None:
        connection.exec_driver_sql(begin)

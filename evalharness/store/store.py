"""The store: everything a study knows, behind one class.

Contract, held by `tests/store/` on SQLite and PostgreSQL alike:

- Callers give and get records; rows, sessions and SQL stay inside this package.
- Each method is one transaction: it happens whole, or raises and changes nothing.
- Any thread may call any method; several processes may open the same database.
- Whatever the database refuses is a StoreError with a finished sentence and its cause.
- What is read comes in a stated order, the same on both back ends, and equals what was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from sqlalchemy import func, select

from evalharness.errors import EvalHarnessError
from evalharness.records import JobState
from evalharness.store import schema
from evalharness.store.casting import Casting
from evalharness.store.content import Content
from evalharness.store.counting import Counting
from evalharness.store.database import Database
from evalharness.store.jobs import Jobs
from evalharness.store.material import Material, current_exhibits
from evalharness.store.migrate import upgrade
from evalharness.store.people import People
from evalharness.store.purchases import Purchases
from evalharness.store.showings import Showings
from evalharness.store.voting import Voting

__all__ = ["Store"]


class Store(Casting, Content, Counting, Jobs, Material, People, Purchases, Showings, Voting):
    """A study's database, open. Also a context manager that closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect to `url` (sqlite:///file or postgresql+psycopg://…) and migrate it to the newest schema.

        Raises StoreError where the database cannot be reached, is a newer program's or not a study's,
        MissingExtraError where its driver is not installed. No message holds a password.
        """
        database = Database(url)
        try:
            upgrade(database)
        except EvalHarnessError:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def progress(self) -> Mapping[str, int]:
        """Counts for status lines.

        Keys: jobs_pending, jobs_running, jobs_done, jobs_failed, and systems, prompts, clips, exhibits
        (current ones), measurements, voters, battles, votes (excluded ones too), exclusions.
        """
        tables = (
            schema.systems,
            schema.prompts,
            schema.clips,
            schema.measurements,
            schema.voters,
            schema.battles,
            schema.votes,
            schema.exclusions,
        )
        with self._database.reading("count what is stored") as connection:
            counts = {f"jobs_{state}": 0 for state in JobState}
            by_state = select(schema.jobs.c.state, func.count()).group_by(schema.jobs.c.state)
            for state, count in connection.execute(by_state):
                counts[f"jobs_{state}"] = count
            for table in tables:
                counts[table.name] = connection.scalar(select(func.count()).select_from(table)) or 0
            current = current_exhibits().order_by(None).subquery()
            counts["exhibits"] = connection.scalar(select(func.count()).select_from(current)) or 0
        return counts

"""What is made from clips: exhibits to be shown, measurements to be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, select

from evalharness.errors import NotFoundError, StoreError
from evalharness.records import Exhibit, Measurement
from evalharness.store import convert, schema
from evalharness.store.database import Database, upsert_into

__all__ = ["Material", "current_exhibits"]


class Material:
    """The part of `Store` that keeps exhibits and measurements."""

    _database: Database

    def put_exhibit(self, exhibit: Exhibit) -> None:
        """Store an exhibit; the newest of a clip's key is the current one.

        Storing the same one again changes nothing. Raises StoreError where its id is another's.
        """
        values = convert.exhibit_values(exhibit)
        with self._database.writing(f"store the exhibit {exhibit.id}") as connection:
            known = connection.execute(select(schema.exhibits).filter_by(id=exhibit.id)).one_or_none()
            if known is None:
                connection.execute(schema.exhibits.insert(), values)
            elif convert.exhibit_values(convert.exhibit(known)) != values:
                raise StoreError(
                    f"The exhibit {exhibit.id} is stored already and may have been shown, so it "
                    "cannot change; draw a new random id."
                )

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The current exhibit of each clip key, by system, prompt and seed; none with a flaw."""
        with self._database.reading("read the exhibits") as connection:
            return tuple(convert.exhibit(row) for row in connection.execute(current_exhibits()))

    def flawed_exhibits(self) -> tuple[Exhibit, ...]:
        """The newest exhibit of each clip key and flaw, by system, prompt, seed and flaw."""
        with self._database.reading("read the flawed exhibits") as connection:
            return tuple(convert.exhibit(row) for row in connection.execute(_newest(flawed=True)))

    def exhibit(self, exhibit_id: str) -> Exhibit:
        """One exhibit, current or not. Raises NotFoundError."""
        with self._database.reading(f"read the exhibit {exhibit_id!r}") as connection:
            row = connection.execute(select(schema.exhibits).filter_by(id=exhibit_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no exhibit {exhibit_id!r}.")
        return convert.exhibit(row)

    def put_measurements(self, rows: Iterable[Measurement]) -> None:
        """Store measurements, replacing earlier ones of the same clip, metric and version; all or none."""
        values = [convert.measurement_values(row) for row in rows]
        if not values:
            return
        with self._database.writing("store the measurements") as connection:
            insert = upsert_into(connection, schema.measurements)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=list(schema.measurements.primary_key),
                    set_={
                        name: insert.excluded[name]
                        for name in ("status", "value", "unit", "reason", "details")
                    },
                ),
                values,
            )

    def measurements(self) -> tuple[Measurement, ...]:
        """All measurements by clip hash, metric and version."""
        order = list(schema.measurements.primary_key)
        with self._database.reading("read the measurements") as connection:
            rows = connection.execute(select(schema.measurements).order_by(*order))
            return tuple(convert.measurement(row) for row in rows)


def current_exhibits() -> Select[Any]:
    """The newest exhibit of each clip key, by system, prompt and seed; none with a flaw."""
    return _newest(flawed=False)


def _newest(*, flawed: bool) -> Select[Any]:
    of = schema.exhibits.c
    key = (of.system, of.prompt_id, of.seed, of.flaw)
    newest = select(func.max(of.number)).where(of.flaw.is_not(None) == flawed).group_by(*key)
    return select(schema.exhibits).where(of.number.in_(newest)).order_by(*key)

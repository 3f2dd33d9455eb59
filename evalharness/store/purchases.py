"""Creates at vendors: on record before they are sent, so that none is sent twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from evalharness.errors import StoreError
from evalharness.purchases import OPEN_STAGES, Purchase, PurchaseStage
from evalharness.records import JobKey
from evalharness.store import convert, schema
from evalharness.store.database import Database
from evalharness.store.keys import is_job, named

__all__ = ["Purchases", "deliver"]

_OPEN = text(schema.OPEN_PURCHASE)


class Purchases:
    """The part of `Store` that keeps creates at vendors.

    INTENDED -> SUBMITTED -> RUNNING -> DOWNLOADED -> DELIVERED (by `finish_job`), or ENDED where the task
    brought no clip, WITHDRAWN where the create had no effect. Stages that nobody saw are passed over.
    Only `abandon_purchases`, a person's decision, lets a job that may have been billed be paid for again.
    """

    _database: Database

    def open_purchase(self, key: JobKey) -> Purchase | None:
        """The create of this job that stands, or None where a new one may be sent."""
        query = select(schema.purchases).where(is_job(schema.purchases, key), _OPEN)
        with self._database.reading(f"look up the purchase of {named(key)}") as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else convert.purchase(row)

    def intend_purchase(self, key: JobKey, request: Mapping[str, Any]) -> int:
        """Put a create on record that is about to be sent; returns its number.

        Raises StoreError where one of this job stands: it must not be sent.
        """
        values = convert.checked(
            f"request of {named(key)}",
            convert.key_values(key) | {"intended_at": datetime.now(UTC), "request": dict(request)},
        )
        with self._database.writing(f"record the purchase of {named(key)}") as connection:
            of_job = select(schema.purchases.c.stage).where(is_job(schema.purchases, key))
            if connection.execute(of_job.where(_OPEN)).first() is not None:
                raise StoreError(
                    f"A create of {named(key)} stands already: another one could be paid for twice."
                )
            count = select(func.count()).select_from(schema.purchases).where(is_job(schema.purchases, key))
            number = (connection.scalar(count) or 0) + 1
            row = values | {"number": number, "stage": PurchaseStage.INTENDED.value}
            connection.execute(schema.purchases.insert(), row)
            return number

    def submit_purchase(
        self, key: JobKey, task_id: str, poll_url: str | None, *, watched: bool = True
    ) -> None:
        """The vendor has made a task for the create that stands; now, if somebody `watched`.

        Raises StoreError where none stands.
        """
        values = {
            "stage": PurchaseStage.SUBMITTED.value,
            "task_id": convert.readable(task_id),
            "poll_url": poll_url,
            "submitted_at": datetime.now(UTC) if watched else None,
        }
        with self._database.writing(f"record the task of {named(key)}") as connection:
            self._change(connection, key, values)

    def run_purchase(self, key: JobKey, *, watched: bool = True) -> None:
        """The vendor is at the task of the create that stands; it began now, if somebody `watched`.

        Raises StoreError where no task stands.
        """
        moment = {"running_at": datetime.now(UTC)} if watched else {}
        with self._database.writing(f"record that the task of {named(key)} runs") as connection:
            self._change(connection, key, {"stage": PurchaseStage.RUNNING.value, **moment})

    def receive_purchase(self, key: JobKey) -> None:
        """The file of the create that stands has come whole. Raises StoreError where no task stands."""
        values = {"stage": PurchaseStage.DOWNLOADED.value, "downloaded_at": datetime.now(UTC)}
        with self._database.writing(f"record the download of {named(key)}") as connection:
            self._change(connection, key, values)

    def close_purchase(self, key: JobKey, stage: PurchaseStage) -> None:
        """The create that stands has come to nothing: WITHDRAWN or ENDED.

        Raises StoreError where none stands.
        """
        with self._database.writing(f"close the purchase of {named(key)}") as connection:
            self._change(connection, key, {"stage": stage.value, "closed_at": datetime.now(UTC)})

    def abandon_purchases(self, keys: Iterable[JobKey]) -> int:
        """Give up the creates of these jobs that stand, as a person has decided; returns how many."""
        values = {"stage": PurchaseStage.ABANDONED.value, "closed_at": datetime.now(UTC)}
        with self._database.writing("give up what may have been paid for") as connection:
            return sum(
                connection.execute(
                    update(schema.purchases).where(is_job(schema.purchases, key), _OPEN).values(**values)
                ).rowcount
                for key in keys
            )

    def purchases(self) -> tuple[Purchase, ...]:
        """All creates, by system, prompt, seed and number."""
        table = schema.purchases
        query = select(table).order_by(table.c.system, table.c.prompt_id, table.c.seed, table.c.number)
        with self._database.reading("read the purchases") as connection:
            return tuple(convert.purchase(row) for row in connection.execute(query))

    def purchases_without_clip(self) -> tuple[Purchase, ...]:
        """All creates that had or may have had an effect and have brought no clip: a vendor may bill them."""
        stages = (PurchaseStage.DELIVERED.value, PurchaseStage.WITHDRAWN.value)
        query = select(schema.purchases).where(schema.purchases.c.stage.not_in(stages))
        with self._database.reading("read the purchases without a clip") as connection:
            return tuple(convert.purchase(row) for row in connection.execute(query))

    def standing_purchases(self) -> Mapping[str, Mapping[PurchaseStage, int]]:
        """How many creates stand, by system and stage, both in their order; systems with none left out."""
        table = schema.purchases.c
        query = (
            select(table.system, table.stage, func.count()).where(_OPEN).group_by(table.system, table.stage)
        )
        with self._database.reading("count the purchases that stand") as connection:
            rows = {(system, stage): count for system, stage, count in connection.execute(query)}
        return {
            system: {stage: rows[system, stage] for stage in OPEN_STAGES if (system, stage) in rows}
            for system in sorted({system for system, _ in rows})
        }

    def last_purchase(self, key: JobKey) -> Purchase | None:
        """The latest create of this job, however it stands."""
        table = schema.purchases
        query = select(table).where(is_job(table, key)).order_by(table.c.number.desc()).limit(1)
        with self._database.reading(f"look up the purchase of {named(key)}") as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else convert.purchase(row)

    @staticmethod
    def _change(connection: Connection, key: JobKey, values: Mapping[str, Any]) -> None:
        changed = connection.execute(
            update(schema.purchases).where(is_job(schema.purchases, key), _OPEN).values(**values)
        )
        if changed.rowcount == 0:
            raise StoreError(f"No create of {named(key)} stands; nothing was changed.")


def deliver(connection: Connection, key: JobKey) -> None:
    """The create that stands, if one does, has brought the job's clip; within the caller's transaction."""
    values = {"stage": PurchaseStage.DELIVERED.value, "closed_at": datetime.now(UTC)}
    connection.execute(update(schema.purchases).where(is_job(schema.purchases, key), _OPEN).values(**values))

"""Generation: which clips are wanted, which are being made, which are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case, func, select, tuple_, update

from evalharness.errors import NotFoundError, StoreError
from evalharness.records import Clip, FailureKind, Job, JobKey, JobState
from evalharness.store import convert, schema
from evalharness.store.database import Database, upsert_into
from evalharness.store.keys import is_job, named
from evalharness.store.purchases import deliver

__all__ = ["Jobs"]


class Jobs:
    """The part of `Store` that keeps generation jobs and their clips.

    A job moves PENDING -> RUNNING -> DONE or FAILED, FAILED -> RUNNING when tried again, and
    RUNNING -> PENDING when its run was killed. DONE is final.
    """

    _database: Database

    def add_jobs(self, keys: Iterable[JobKey]) -> int:
        """Add jobs as PENDING; known ones stay as they are. Returns how many were new."""
        fresh = {"state": JobState.PENDING.value, "attempts": 0, "updated_at": datetime.now(UTC)}
        rows = [convert.checked("job", convert.key_values(key) | fresh) for key in keys]
        if not rows:
            return 0
        with self._database.writing("add the jobs") as connection:
            insert = upsert_into(connection, schema.jobs).on_conflict_do_nothing()
            return len(connection.execute(insert.returning(schema.jobs.c.seed), rows).all())

    def start_job(self, key: JobKey) -> bool:
        """Take a PENDING or FAILED job: RUNNING, one more attempt, in one atomic step.

        False where someone else is at it or it is DONE. Raises NotFoundError for an unknown key.
        """
        with self._database.writing(f"start the job {named(key)}") as connection:
            taken = connection.execute(
                update(schema.jobs)
                .where(is_job(schema.jobs, key), schema.jobs.c.state.in_([JobState.PENDING, JobState.FAILED]))
                .values(attempts=schema.jobs.c.attempts + 1, **_moved(JobState.RUNNING))
            )
            if taken.rowcount == 1:
                return True
            _require(connection, key)
            return False

    def finish_job(self, key: JobKey, clip: Clip) -> None:
        """Store the clip and mark its job DONE and its purchase delivered, all or nothing.

        A job that was released meanwhile may still be finished, so that paid work is not lost.
        Raises StoreError where the job is DONE already or the clip is of another key.
        """
        if clip.key != key:
            raise StoreError(
                f"The clip of {named(clip.key)} cannot finish the job {named(key)}; nothing was stored."
            )
        row = convert.clip_values(clip)
        with self._database.writing(f"finish the job {named(key)}") as connection:
            self._end(connection, key, _moved(JobState.DONE))
            insert = upsert_into(connection, schema.contents).values(sha256=clip.sha256)
            connection.execute(insert.on_conflict_do_nothing())
            connection.execute(schema.clips.insert(), row)
            deliver(connection, key)

    def fail_job(self, key: JobKey, kind: FailureKind, message: str) -> None:
        """Mark a job FAILED with its class and a finished sentence.

        Raises StoreError where the job is DONE already.
        """
        values = _moved(JobState.FAILED) | {"failure": kind.value, "message": convert.readable(message)}
        with self._database.writing(f"record the failure of the job {named(key)}") as connection:
            self._end(connection, key, values)

    def release_jobs(self) -> int:
        """Put RUNNING jobs back to PENDING, attempts kept; returns how many.

        For the start of a run: whatever is RUNNING then was left behind by one that was killed.
        """
        with self._database.writing("release the jobs of an earlier run") as connection:
            released = connection.execute(
                update(schema.jobs)
                .where(schema.jobs.c.state == JobState.RUNNING)
                .values(**_moved(JobState.PENDING))
            )
            return released.rowcount

    def job_states(self, system: str, seed: int, prompt_ids: Sequence[str]) -> dict[str, JobState]:
        """How the jobs of one system and seed stand, by prompt; those not on record are left out."""
        table = schema.jobs
        query = select(table.c.prompt_id, table.c.state).where(
            table.c.system == system, table.c.seed == seed, table.c.prompt_id.in_(prompt_ids)
        )
        with self._database.reading("read how the jobs stand") as connection:
            return {prompt_id: JobState(state) for prompt_id, state in connection.execute(query)}

    def jobs(self, state: JobState | None = None) -> tuple[Job, ...]:
        """All jobs, or those in `state`, by system, prompt and seed."""
        joined = schema.jobs.outerjoin(schema.clips)
        query = select(schema.jobs, schema.clips.c.sha256).select_from(joined).order_by(*_keys(schema.jobs))
        if state is not None:
            query = query.where(schema.jobs.c.state == state)
        with self._database.reading("read the jobs") as connection:
            return tuple(convert.job(row) for row in connection.execute(query))

    def clips(self) -> tuple[Clip, ...]:
        """The clips of all DONE jobs, by system, prompt and seed; two may be the same file."""
        with self._database.reading("read the clips") as connection:
            rows = connection.execute(select(schema.clips).order_by(*_keys(schema.clips)))
            return tuple(convert.clip(row) for row in rows)

    def clips_in_stretches(self, length: int = 500) -> Iterator[tuple[Clip, ...]]:
        """The clips of all DONE jobs in the same order, so many at a time: for studies beyond memory."""
        keys = _keys(schema.clips)
        last: JobKey | None = None
        while True:
            query = select(schema.clips).order_by(*keys).limit(length)
            if last is not None:
                query = query.where(tuple_(*keys) > tuple_(last.system, last.prompt_id, last.seed))
            with self._database.reading("read the clips") as connection:
                found = tuple(convert.clip(row) for row in connection.execute(query))
            if not found:
                return
            yield found
            last = found[-1].key

    def clips_usd(self) -> float:
        """What all clips have cost, in US dollars, as far as it is known."""
        with self._database.reading("add up what clips cost") as connection:
            return float(connection.scalar(select(func.sum(schema.clips.c.cost_usd))) or 0.0)

    def systems_with_unpriced_clips(self) -> tuple[str, ...]:
        """Systems with clips of which nobody knows what they cost."""
        table = schema.clips
        query = select(table.c.system).where(table.c.cost_usd.is_(None)).distinct().order_by(table.c.system)
        with self._database.reading("look for clips without a price") as connection:
            return tuple(connection.scalars(query))

    def attempts_without_clip(self, system: str) -> int:
        """How often a system's jobs were begun and brought no clip."""
        table = schema.jobs
        done = func.sum(case((table.c.state == JobState.DONE.value, 1), else_=0))
        query = select(func.coalesce(func.sum(table.c.attempts) - done, 0)).where(table.c.system == system)
        with self._database.reading("count the attempts") as connection:
            return int(connection.scalar(query) or 0)

    @staticmethod
    def _end(connection: Connection, key: JobKey, values: dict[str, Any]) -> None:
        """Move a job that is not DONE; raises StoreError where it is."""
        ended = connection.execute(
            update(schema.jobs)
            .where(is_job(schema.jobs, key), schema.jobs.c.state != JobState.DONE)
            .values(**values)
        )
        if ended.rowcount == 0:
            _require(connection, key)
            raise StoreError(f"The job {named(key)} is done already; its clip was kept, nothing was changed.")


def _keys(table: Table) -> list[ColumnElement[Any]]:
    return [table.c.system, table.c.prompt_id, table.c.seed]


def _moved(state: JobState) -> dict[str, Any]:
    return {"state": state.value, "failure": None, "message": None, "updated_at": datetime.now(UTC)}


def _require(connection: Connection, key: JobKey) -> None:
    if connection.scalar(select(func.count()).select_from(schema.jobs).where(is_job(schema.jobs, key))) == 0:
        raise NotFoundError(f"There is no job {named(key)}; add it first.")

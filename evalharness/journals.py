"""A job's journal in the study's database: what was sent to a vendor is there before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evalharness.adapters.base import MemoryJournal, Standing
from evalharness.purchases import PurchaseStage
from evalharness.records import JobKey
from evalharness.store import Store

__all__ = ["StoreJournal"]


class StoreJournal(MemoryJournal):
    """The `Journal` of one job: each word is kept in the database first, and then in memory.

    The database is written from a thread: other jobs go on meanwhile. It is read once, since one run at a
    time works on a job; a word that does not fit how the job stands there is a StoreError.
    """

    def __init__(self, store: Store, key: JobKey) -> None:
        """Reads how far an earlier run has got."""
        self._store = store
        self._key = key
        found = store.open_purchase(key)
        super().__init__(
            None
            if found is None
            else Standing(
                intended=found.request,
                intended_at=found.intended_at,
                task_id=found.task_id,
                poll_url=found.poll_url,
                submitted_at=found.submitted_at,
                running_at=found.running_at,
            )
        )

    async def intend(self, request: Mapping[str, Any]) -> None:
        """A create with this request is about to be sent."""
        await asyncio.to_thread(self._store.intend_purchase, self._key, request)
        await super().intend(request)

    async def submitted(self, task_id: str, poll_url: str | None, *, watched: bool = True) -> None:
        """The vendor has made this task, and will bill it."""
        await asyncio.to_thread(self._store.submit_purchase, self._key, task_id, poll_url, watched=watched)
        await super().submitted(task_id, poll_url, watched=watched)

    async def running(self, *, watched: bool = True) -> None:
        """The vendor is at it."""
        await asyncio.to_thread(self._store.run_purchase, self._key, watched=watched)
        await super().running(watched=watched)

    async def downloaded(self) -> None:
        """The file has come whole."""
        await asyncio.to_thread(self._store.receive_purchase, self._key)

    async def withdrawn(self) -> None:
        """The create certainly had no effect."""
        await asyncio.to_thread(self._store.close_purchase, self._key, PurchaseStage.WITHDRAWN)
        await super().withdrawn()

    async def ended(self) -> None:
        """The task is over and left no clip."""
        await asyncio.to_thread(self._store.close_purchase, self._key, PurchaseStage.ENDED)
        await super().ended()

"""A job's journal in the study's database: what was sent to a vendor is there before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evalharness.adapters.base import Standing
from evalharness.purchases import PurchaseStage
from evalharness.records import JobKey
from evalharness.store import Store

__all__ = ["StoreJournal"]


class StoreJournal:
    """The `Journal` of one job. The database is written from a thread: other jobs go on meanwhile."""

    def __init__(self, store: Store, key: JobKey) -> None:
        """Reads how far an earlier run has got."""
        self._store = store
        self._key = key
        self._standing = self._read()

    @property
    def standing(self) -> Standing:
        """How far the job has come."""
        return self._standing

    async def intend(self, request: Mapping[str, Any]) -> None:
        """A create with this request is about to be sent."""
        await asyncio.to_thread(self._store.intend_purchase, self._key, request)
        await self._again()

    async def submitted(self, task_id: str, poll_url: str | None) -> None:
        """The vendor has made this task, and will bill it."""
        await asyncio.to_thread(self._store.submit_purchase, self._key, task_id, poll_url)
        await self._again()

    async def running(self) -> None:
        """The vendor has begun. Nothing hangs on it: a poll tells it anew."""

    async def withdrawn(self) -> None:
        """The create certainly had no effect."""
        await self._close(PurchaseStage.WITHDRAWN)

    async def ended(self) -> None:
        """The task is over and left no clip."""
        await self._close(PurchaseStage.ENDED)

    async def _close(self, stage: PurchaseStage) -> None:
        await asyncio.to_thread(self._store.close_purchase, self._key, stage)
        await self._again()

    async def _again(self) -> None:
        self._standing = await asyncio.to_thread(self._read)

    def _read(self) -> Standing:
        found = self._store.open_purchase(self._key)
        if found is None:
            return Standing()
        return Standing(found.request, found.task_id, found.poll_url, found.submitted_at)

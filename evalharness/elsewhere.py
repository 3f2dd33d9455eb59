"""Clips that are made at vendors: one event loop in a thread of its own, where hundreds of tasks are awaited.

Connections are shared by all vendors of a run, limits by all systems that use one model through one route.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Self

from evalharness.adapters.base import Journal
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.client import Client
from evalharness.adapters.remote.limits import Limits
from evalharness.production import Failure, Order, produce_elsewhere
from evalharness.records import Clip

__all__ = ["Elsewhere"]

GOODBYE_S = 200.0
"""How long a run that is broken off waits for creates that are under way: their tasks would be lost."""


class Elsewhere:
    """The event loop of one run. A context manager; it starts with the first clip."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: Client | None = None
        self._limits: dict[tuple[str, str], Limits] = {}
        self._tasks: set[asyncio.Task[Clip | Failure]] = set()

    def submit(self, order: Order, adapter: RemoteAdapter, journal: Journal) -> Future[Clip | Failure]:
        """Begin with one clip, or go on with it; returns at once."""
        return asyncio.run_coroutine_threadsafe(self._make(order, adapter, journal), self._running())

    async def _make(self, order: Order, adapter: RemoteAdapter, journal: Journal) -> Clip | Failure:
        if self._client is None:
            self._client = Client()
        model, account = adapter.model, adapter.account
        if account not in self._limits:
            self._limits[account] = Limits(
                requests_per_minute=model.requests_per_minute, running=model.running
            )
        task = asyncio.ensure_future(produce_elsewhere(order, journal, self._client, self._limits[account]))
        self._tasks.add(task)
        try:
            return await task
        finally:
            self._tasks.discard(task)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="elsewhere", daemon=True)
            self._thread.start()
        return self._loop

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is None or self._thread is None:
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(GOODBYE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

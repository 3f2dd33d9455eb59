"""What an account may do at once: requests in a minute, and tasks that run. First come, first served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evalharness.adapters.remote.clock import CLOCK, Clock

__all__ = ["Limits"]


class Limits:
    """The limits of one account, shared by all that use it in one event loop."""

    def __init__(
        self, *, requests_per_minute: int | None = None, running: int | None = None, clock: Clock = CLOCK
    ) -> None:
        self._gap_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._places = asyncio.Semaphore(running) if running else None
        self._clock = clock
        self._next_s = clock.monotonic()

    async def request(self) -> None:
        """Wait until one more request may be sent: they are spread evenly over the minute."""
        now_s = self._clock.monotonic()
        turn_s = max(self._next_s, now_s)
        # Taken before the wait, so whoever comes next gets a later turn.
        self._next_s = turn_s + self._gap_s
        if turn_s > now_s:
            await self._clock.sleep(turn_s - now_s)

    @asynccontextmanager
    async def task(self) -> AsyncIterator[None]:
        """Hold one of the account's places for a running task."""
        if self._places is None:
            yield
            return
        async with self._places:
            yield

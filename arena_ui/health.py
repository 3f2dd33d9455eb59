"""Whether this process lives, and whether it should be sent voters. Neither looks at any voter.

GET /healthz   200 "ok" while the process answers
GET /readyz    200 "ready"; 503 "draining" once it has been told to stop, 503 "no database" while that
               does not answer within two seconds
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from evalharness.errors import StoreError

__all__ = ["Health"]

PATIENCE_S = 2.0
HEADERS = {"Cache-Control": "no-store"}


class Health:
    """The state of one process; `ask_database` raises StoreError where the database does not answer."""

    def __init__(self, ask_database: Callable[[], object]) -> None:
        self._ask_database = ask_database
        self._asking: asyncio.Task[bool] | None = None
        self.draining = False
        """Set once the process has been told to stop: it serves whoever comes, and asks for nobody."""

    def routes(self) -> list[Route]:
        """Both routes."""
        return [
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/readyz", self._readyz, methods=["GET"]),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok", headers=HEADERS)

    async def _readyz(self, _request: Request) -> Response:
        if self.draining:
            return PlainTextResponse("draining", 503, HEADERS)
        if not await self._database_answers():
            return PlainTextResponse("no database", 503, HEADERS)
        return PlainTextResponse("ready", headers=HEADERS)

    async def _database_answers(self) -> bool:
        """One question at a time, however many ask: a database that hangs holds one thread."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        await asyncio.wait([self._asking], timeout=PATIENCE_S)
        return self._asking.done() and self._asking.result()

    async def _ask(self) -> bool:
        try:
            await asyncio.to_thread(self._ask_database)
        except StoreError:
            return False
        return True

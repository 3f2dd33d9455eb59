"""A line to one vendor: calls in their turn, with the key, to the vendor's own host alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from evalharness.adapters.remote.client import Client, NoAnswer
from evalharness.adapters.remote.clock import CLOCK, Clock
from evalharness.adapters.remote.exchange import Answer, Call, Created, Delivery, Fault, Status
from evalharness.adapters.remote.limits import Limits
from evalharness.adapters.remote.route import Route
from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["Line", "TaskReport"]


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What came of asking how a task stands."""

    account: Status | Fault | NoAnswer
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Everything that is needed to talk to one vendor."""

    route: Route
    client: Client
    home: str
    """Scheme and host that the key is meant for: `origin` of the call that creates tasks."""
    limits: Limits = field(default_factory=Limits)
    clock: Clock = CLOCK
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @staticmethod
    def origin(url: str) -> str:
        """Scheme, host and port of an address."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    async def credentials(self, url: str) -> Mapping[str, str]:
        """The key as headers, for this address.

        Raises GenerationError of kind AUTH where it is not set, and of kind SERVER where a vendor's answer
        would send it to another host.
        """
        if self.origin(url) != self.home:
            raise GenerationError(
                FailureKind.SERVER,
                f"{self.route.vendor} pointed to {self.origin(url)}, which is not its own host {self.home}: "
                "the key was not sent there.",
            )
        now_s = self.clock.unix()
        if self.route.credentials_block:
            return await asyncio.to_thread(self.route.credentials, self.environment, now_s)
        return self.route.credentials(self.environment, now_s)

    async def send(self, call: Call) -> Answer | NoAnswer:
        """Send a call whose turn it is."""
        return await self.client.send(call, await self.credentials(call.url) if call.authorised else {})

    async def ask(self, call: Call) -> Answer | NoAnswer:
        """Wait for a turn, and send."""
        await self.limits.request()
        return await self.send(call)

    async def report(self, task: Created) -> TaskReport:
        """Ask once how a task stands, with the second question that some vendors need."""
        answer = await self.ask(self.route.poll(task))
        if isinstance(answer, NoAnswer):
            return TaskReport(answer)
        second = self.route.after(answer, task)
        if second is not None:
            answer = await self.ask(second)
            if isinstance(answer, NoAnswer):
                return TaskReport(answer)
        return TaskReport(self.route.polled(answer, task), answer.status)

    async def key_for(self, delivery: Delivery) -> Mapping[str, str]:
        """The headers that fetching a clip needs: none where its link is signed."""
        return await self.credentials(delivery.url) if delivery.authorised else {}

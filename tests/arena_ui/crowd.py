"""Voters over HTTP, many in one thread: each does what the page and its outbox do, without a screen.

A request is sent again until the arena has answered it: after a connection that broke, and after 425, 429
and 503 when the reply says so. What was acknowledged, and how long that took, is written down.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["EVIDENCE", "Ledger", "Voter", "voting"]

EVIDENCE = {
    "seen_left": 1.0, "seen_right": 1.0, "heard_left_s": 0.0, "heard_right_s": 0.0, "first_heard": "none",
    "plays": 1, "answer_s": 0.1, "hidden_s": 0.0, "drift_ms": 0.0, "input": "key",
    "first_seen": "both", "last_seen": "both",
}  # fmt: skip
LATER = (425, 429, 503)
LOST_PAUSE_S = 0.05
CHOICES = ("left", "right", "tie")


@dataclass
class Ledger:
    """What a crowd was told."""

    acknowledged: dict[str, dict[str, str]] = field(default_factory=dict)
    """Answers by battle, once the arena said that they are saved."""
    repeated: int = 0
    """Acknowledgements of a vote that was saved before: the first one was lost on its way."""
    vote_s: list[float] = field(default_factory=list)
    """Seconds from sending a vote to its acknowledgement, of votes sent once."""
    put_off: Counter[str] = field(default_factory=Counter)
    """Requests that had to be sent again, by why."""
    surprises: list[str] = field(default_factory=list)
    """Replies that no voter should get."""


Receipts = Callable[[dict[str, Any]], dict[str, str]]


class Voter:
    """One browser: its connection, its cookie, its outbox."""

    def __init__(
        self,
        url: str,
        ledger: Ledger,
        seed: int,
        *,
        tls: ssl.SSLContext | None = None,
        think_s: float = 0.0,
        receipts: Receipts | None = None,
    ) -> None:
        """`think_s`: mean of the exponential pause before a vote; `receipts`: in place of fetching clips."""
        self.url, self._ledger, self._random, self._think_s = url, ledger, random.Random(seed), think_s
        self.client = httpx.AsyncClient(
            base_url=url,
            headers={"Origin": url, "X-Arena": "1"},
            timeout=20,
            trust_env=False,
            verify=tls or False,
        )
        self._receipts = receipts

    async def join(self) -> None:
        """Become a voter, a new one each time."""
        self.client.cookies.clear()
        await self._ask("POST", "/api/join", json={"consent": True, "languages": ["en"]})

    @property
    def cookie(self) -> str:
        """As a browser sends it."""
        return "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())

    async def run(self) -> None:
        """Vote until cancelled; whoever has seen everything is followed by another."""
        async with self.client:
            while True:
                await self.join()
                await self.answer_all()

    async def answer_all(self) -> None:
        """Vote on every pair there is for this voter."""
        pairs = (await self._ask("POST", "/api/next", json={})).json().get("pairs")
        while pairs:
            pairs = await self._vote(pairs[0])

    async def _vote(self, pair: dict[str, Any]) -> Any:
        receipts = self._receipts(pair) if self._receipts else await self._watch(pair)
        if self._think_s:
            await asyncio.sleep(self._random.expovariate(1 / self._think_s))
        answers = {question: self._random.choice(CHOICES) for question in pair["questions"]}
        body = {"ticket": pair["battle_id"], "answers": answers, "evidence": EVIDENCE, "receipts": receipts}
        sent, before = time.perf_counter(), self._ledger.put_off.total()
        reply = await self._ask("POST", "/api/vote", json=body)
        if reply.status_code != 200:
            return None
        if self._ledger.put_off.total() == before:
            self._ledger.vote_s.append(time.perf_counter() - sent)
        told = reply.json()
        self._ledger.acknowledged[pair["battle_id"]] = answers
        self._ledger.repeated += told["again"]
        return told["pairs"]

    async def _watch(self, pair: dict[str, Any]) -> dict[str, str]:
        return {
            side: (await self._ask("GET", f"/clip/{pair[side]}")).headers.get("x-receipt", "")
            for side in ("left", "right")
        }

    async def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        while True:
            try:
                reply = await self.client.request(method, path, **content)
            except httpx.TransportError as error:
                self._ledger.put_off[type(error).__name__] += 1
                await asyncio.sleep(LOST_PAUSE_S)
                continue
            if reply.status_code in LATER:
                self._ledger.put_off[str(reply.status_code)] += 1
                await asyncio.sleep(min(0.2, reply.json()["retry_after_s"]))
                continue
            if reply.status_code not in (200, 201):
                what = path.split("/")[1:3] if path.startswith("/api") else path.split("/")[1:2]
                self._ledger.surprises.append(f"{'/'.join(what)}: {reply.status_code} {reply.text[:120]}")
                await asyncio.sleep(LOST_PAUSE_S)
            return reply


@contextmanager
def voting(voters: Sequence[Voter]) -> Iterator[None]:
    """Let them vote, in a thread of their own, while the block runs; then break off whatever is under way.

    Raises RuntimeError where a voter could not go on.
    """
    loop = asyncio.new_event_loop()
    ends: list[object] = []

    async def vote() -> None:
        tasks.extend(asyncio.create_task(voter.run()) for voter in voters)
        ends.extend(await asyncio.gather(*tasks, return_exceptions=True))

    def stop() -> None:
        for task in tasks:
            task.cancel()

    tasks: list[asyncio.Task[None]] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(vote()), name="voters")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop)
        thread.join()
        loop.close()
    broken = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"{len(broken)} voters gave up; the first: {broken[0]!r}")

"""How much one voter, and one network, may ask for: token buckets in memory, one ASGI middleware.

Whoever sends more than people do is answered 429 with `Retry-After` and a sentence; nothing is counted or
changed, and the same request is taken later. A voter is their cookie, a network their /24 or /48 (a lab or
a university shares one). Each process counts for itself: behind a proxy with n replicas the limits are up
to n times as wide, and the proxy's own come first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from hashlib import blake2b
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from arena_ui.addresses import network_of
from arena_ui.routes import COOKIE

__all__ = ["REQUESTS_A_VOTE", "Bucket", "Limits"]

REQUESTS_A_VOTE = MappingProxyType(
    {
        "/": 1.0,  # pages
        "/api/join": 1 / 30,
        "/api/return": 1 / 30,
        "/api/next": 1.0,
        "/api/vote": 1.0,
        "/api/": 1.0,
        "/clip/": 6.0,  # two sides, each perhaps in ranges or once more
        "/picture/": 12.0,
        "/_stcore/stream": 1.0,
        # Cheap to answer, and a proxy keeps most of it.
        "/static/": 0.0,
        "/component/": 0.0,
        "/media/": 0.0,
        "/_stcore/": 0.0,
        "/healthz": 0.0,
        "/readyz": 0.0,
    }
)
"""Requests to a route for each vote that a voter may send, by the longest prefix; 0: nobody counts."""
KINDS = ("http", "websocket")
WINDOW_S = 60.0
MOST_KEYS = 100_000
TOO_MANY = "More requests came from here than voters send. Nothing is lost: the same is taken in {seconds} s."


class Bucket:
    """`per_minute` requests a minute of each key, a minute's worth of them at once. Not thread-safe.

    Of each key only the moment is kept at which all its requests are paid for, and only while that lies
    ahead: memory is bounded whatever keys come.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost_s = min(WINDOW_S, WINDOW_S / per_minute)
        self._clock = clock
        self._paid_at: dict[str, float] = {}

    def wait_s(self, key: str) -> float:
        """Seconds until `key` may ask again; 0 where it may now. Nothing is counted."""
        now = self._clock()
        return max(0.0, max(self._paid_at.get(key, now), now) + self._cost_s - WINDOW_S - now)

    def count(self, key: str) -> None:
        """One request of `key`."""
        now = self._clock()
        if key not in self._paid_at and len(self._paid_at) >= MOST_KEYS:
            self._forget(now)
        self._paid_at[key] = max(self._paid_at.get(key, now), now) + self._cost_s

    def _forget(self, now: float) -> None:
        """Drop who has nothing left to pay; under a flood of new keys, the half that came first."""
        owing = {key: moment for key, moment in self._paid_at.items() if moment > now}
        self._paid_at = owing if len(owing) < MOST_KEYS // 2 else dict([*owing.items()][MOST_KEYS // 2 :])


class Limits:
    """Answers 429 to more than `votes_per_minute` of a voter, or `voters_per_network` times that."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        votes_per_minute: float,
        voters_per_network: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._buckets = {
            prefix: (
                Bucket(share * votes_per_minute * voters_per_network, clock),
                Bucket(share * votes_per_minute, clock),
            )
            for prefix, share in REQUESTS_A_VOTE.items()
            if share
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count one connection, and serve it or not."""
        buckets = self._buckets.get(_route(scope["path"])) if scope["type"] in KINDS else None
        if buckets is None:
            await self._app(scope, receive, send)
            return
        asked = zip(buckets, (_network(scope), _voter(scope)), strict=True)
        counted = [(bucket, key) for bucket, key in asked if key]
        wait_s = max((bucket.wait_s(key) for bucket, key in counted), default=0.0)
        if wait_s > 0:
            await _later(wait_s, scope, receive, send)
            return
        for bucket, key in counted:
            bucket.count(key)
        await self._app(scope, receive, send)


def _route(path: str) -> str:
    """The longest prefix of `path` in the table."""
    return max((prefix for prefix in REQUESTS_A_VOTE if path.startswith(prefix)), key=len, default="/")


def _network(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(client[0]) if client else ""


def _voter(scope: Scope) -> str:
    """Who asks: a digest of the voter's cookie, whether it is a voter's or not; "" without one."""
    secret = cookie_parser(Headers(scope=scope).get("cookie", "")).get(COOKIE, "")
    return blake2b(secret.encode(), digest_size=12).hexdigest() if secret else ""


async def _later(wait_s: float, scope: Scope, receive: Receive, send: Send) -> None:
    seconds = math.ceil(wait_s)
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013, "reason": "try again later"})
        return
    body = {"error": TOO_MANY.format(seconds=seconds), "kind": "limit", "retry_after_s": seconds}
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    await JSONResponse(body, status_code=429, headers=headers)(scope, receive, send)

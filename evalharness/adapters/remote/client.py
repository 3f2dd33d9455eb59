"""Sending a call and telling its endings apart: answered, certainly not received, or nobody knows.

A create is not repeated unless it is certain that the vendor never had it; everything else here serves that.
Nothing is retried, no redirect is followed, and no message repeats a header: one of them is the key.
"""

from __future__ import annotations

import asyncio
import json
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from evalharness.adapters.remote.exchange import Answer, Call

if TYPE_CHECKING:  # httpx takes a fifth of a second to import: only those who send pay for it
    import httpx

__all__ = ["Bounds", "Client", "NoAnswer", "unanswered"]

TEXT_CHARACTERS = 2000
"""How much of a body is kept as text, for messages."""

NAMES = {"x-goog-user-project"}
"""Headers that go with a key and are none: vendors' answers name them with good reason."""

KEY_CHARACTERS = 8
"""Header values shorter than this are no keys."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long to wait for a vendor, and how much to take from it."""

    connect_s: float = 15.0
    read_s: float = 60.0
    """The longest silence in the middle of an exchange."""
    call_s: float = 180.0
    """One call and its answer together."""
    answer_bytes: int = 256 * 2**20
    """Of an answer: some hold the clip itself."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A call that was not answered."""

    why: str
    """A finished sentence."""
    certain: bool
    """Whether the vendor certainly never received the call: it may be sent again."""


class Client:
    """Connections to vendors, shared by all calls of one event loop; an async context manager."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.http = self._connections(kept=100)
        self._fresh = self._connections(kept=0)
        """For what must not be sent twice: a kept connection may be closed by its vendor just when it is used
        again, and then nobody knows whether the call arrived."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.http.aclose()
        await self._fresh.aclose()

    async def send(self, call: Call, credentials: Mapping[str, str]) -> Answer | NoAnswer:
        """Send `call` once; with `credentials` only where the call is to be authorised."""
        import httpx

        headers = dict(call.headers) | (dict(credentials) if call.authorised else {})
        connections = self.http if call.method == "GET" else self._fresh
        try:
            async with (
                asyncio.timeout(self.bounds.call_s),
                connections.stream(call.method, call.url, json=call.json, headers=headers) as response,
            ):
                body = await self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return unanswered(error)
        except TimeoutError:
            return NoAnswer(f"No whole answer came within {self.bounds.call_s:g} s.", certain=False)
        if body is None:
            most = self.bounds.answer_bytes / 2**20
            return NoAnswer(f"The answer is longer than {most:g} MiB and was left.", certain=False)
        body = _without(body, credentials)
        return Answer(
            status=response.status_code,
            body=_parsed(body),
            text=body[: 4 * TEXT_CHARACTERS].decode("utf-8", "replace")[:TEXT_CHARACTERS],
            headers={name.lower(): value for name, value in response.headers.items()},
        )

    def _connections(self, kept: int) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            timeout=httpx.Timeout(self.bounds.read_s, connect=self.bounds.connect_s, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=kept),
            follow_redirects=False,
            verify=_trusted(),
        )

    async def _read(self, response: httpx.Response) -> bytes | None:
        received = bytearray()
        async for part in response.aiter_bytes():
            received += part
            if len(received) > self.bounds.answer_bytes:
                return None
        return bytes(received)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust: read once, which takes longer than many a call."""
    import httpx

    return httpx.create_ssl_context()


def unanswered(error: Exception) -> NoAnswer:
    """What a failed exchange means; says nothing of what was sent."""
    import httpx

    # Connecting ends with the TLS handshake: where it failed, not one byte of the request was sent.
    if isinstance(error, httpx.ConnectTimeout):
        return NoAnswer("No connection was made in time.", certain=True)
    if isinstance(error, httpx.ConnectError):
        return NoAnswer(f"No connection could be made ({error}).", certain=True)
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return NoAnswer("The address is none that can be called.", certain=True)
    if isinstance(error, httpx.LocalProtocolError):
        return NoAnswer("The call could not be written as HTTP, and was not sent.", certain=True)
    if isinstance(error, httpx.TimeoutException):
        return NoAnswer("No answer came in time.", certain=False)
    return NoAnswer("The connection was lost before a whole answer had come.", certain=False)


def _without(body: bytes, credentials: Mapping[str, str]) -> bytes:
    """The body without the keys it repeats: some vendors quote what they refuse."""
    for name, value in credentials.items():
        if name.lower() in NAMES:
            continue
        key = value.rpartition(" ")[2].encode()
        if len(key) >= KEY_CHARACTERS:
            body = body.replace(key, b"[key]")
    return body


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _parsed(body: bytes) -> Any:
    try:
        # NaN and its like are no JSON, and no database takes them as such; nor a number beyond all floats.
        return json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        return None

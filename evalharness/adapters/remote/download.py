"""Fetching a finished clip: whole, bounded in size and time, hashed on its way to the disk.

Links to storage carry their own signature: no key goes along unless the vendor itself hands the clip out, and
none ever follows a redirect.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from evalharness.adapters.remote.client import Client, unanswered
from evalharness.adapters.remote.exchange import Delivery, Fault
from evalharness.records import FailureKind

if TYPE_CHECKING:
    import httpx

__all__ = ["DownloadBounds", "Received", "download"]

REDIRECTS = 5

GONE = {403, 404, 410}
"""What storage answers once a link is over: signatures grow old (403), files are deleted (404, 410)."""

TYPES = ("video/", "application/octet-stream", "binary/octet-stream", "application/mp4", "application/binary")
"""Beginnings of what a video is called on its way; storage often does not know better."""


@dataclass(frozen=True, slots=True)
class DownloadBounds:
    """How much to take, and how long."""

    clip_bytes: int = 4 * 2**30
    clip_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was fetched whole."""

    sha256: str
    bytes: int


async def download(
    client: Client,
    delivery: Delivery,
    target: Path,
    credentials: Mapping[str, str],
    bounds: DownloadBounds,
    *,
    lives_s: float | None = None,
) -> Received | Fault:
    """Write the clip to `target`, anew, with these `credentials` for the host that its link names alone.

    `lives_s`: for how long the link will still work, where known.

    A fault of kind EXPIRED means that the link is over; of kind AUTH, that the key was refused; any other,
    that another try may end better.
    """
    import httpx

    if delivery.content is not None:
        target.write_bytes(delivery.content)
        return Received(hashlib.sha256(delivery.content).hexdigest(), len(delivery.content))
    if lives_s is not None and lives_s <= 0:
        return Fault(FailureKind.EXPIRED, "The link to the finished clip is over: it was fetched too late.")
    limit_s = bounds.clip_s if lives_s is None else min(bounds.clip_s, lives_s)
    try:
        async with asyncio.timeout(limit_s):
            return await _follow(client, delivery, target, credentials, bounds.clip_bytes)
    except TimeoutError:
        return Fault(FailureKind.TIMEOUT, f"The clip was not downloaded within {limit_s:.0f} s.")
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        return Fault(FailureKind.SERVER, f"The clip could not be downloaded: {unanswered(error).why}")


async def _follow(
    client: Client, delivery: Delivery, target: Path, credentials: Mapping[str, str], most_bytes: int
) -> Received | Fault:
    url, headers = delivery.url, dict(credentials)
    for _ in range(REDIRECTS + 1):
        if urlsplit(url).scheme not in {"http", "https"}:
            return Fault(FailureKind.SERVER, "The link to the clip leads to something other than http(s).")
        # Unpacked on the way, a body could grow without end: storage sends videos as they are.
        headers |= {"Accept-Encoding": "identity"}
        async with client.http.stream("GET", url, headers=headers) as response:
            if not response.has_redirect_location:
                return await _store(response, target, most_bytes)
            url, headers = urljoin(url, response.headers["location"]), {}
    return Fault(FailureKind.SERVER, f"The link to the clip leads on and on, more than {REDIRECTS} times.")


async def _store(response: httpx.Response, target: Path, most_bytes: int) -> Received | Fault:
    refused = _refused(response, most_bytes)
    if refused is not None:
        return refused
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        async for part in response.aiter_raw():
            size += len(part)
            if size > most_bytes:
                return _too_large(most_bytes)
            digest.update(part)
            file.write(part)
    promised = response.headers.get("content-length", "")
    if size == 0 or (promised.isdecimal() and int(promised) != size):
        return Fault(
            FailureKind.SERVER, f"The clip broke off after {size} of {promised or 'unknown many'} bytes."
        )
    return Received(digest.hexdigest(), size)


def _refused(response: httpx.Response, most_bytes: int) -> Fault | None:
    """Why what begins to arrive cannot be the clip."""
    status = response.status_code
    if status in GONE:
        return Fault(
            FailureKind.EXPIRED, f"The link to the finished clip is over: it was answered with HTTP {status}."
        )
    if status == 401:
        return Fault(FailureKind.AUTH, "The finished clip was refused with HTTP 401: check the key.")
    if status != 200:
        return Fault(FailureKind.SERVER, f"The link to the clip was answered with HTTP {status}.")
    found = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found and not found.startswith(TYPES):
        return Fault(FailureKind.SERVER, f"The link to the clip gave {found} instead of a video.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return Fault(FailureKind.SERVER, "The clip came packed, though that was not asked for.")
    promised = response.headers.get("content-length", "")
    if promised.isdecimal() and int(promised) > most_bytes:
        return _too_large(most_bytes)
    return None


def _too_large(most_bytes: int) -> Fault:
    return Fault(FailureKind.SERVER, f"The clip is larger than {most_bytes / 2**20:g} MiB and was left.")

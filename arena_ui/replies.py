"""What all our routes share: the voter's cookie, JSON that comes, sentences that go."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["COOKIE", "PRIVATE", "body_of", "error", "join_first"]

COOKIE = "arena_voter"
LARGEST_BODY = 16_384
PRIVATE = {"Cache-Control": "private, no-store"}


async def body_of(request: Request) -> dict[str, Any] | None:
    """The request's JSON object; None where it is something else, or too large."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):  # no JSON, no text, a number of thousands of digits; nested too deep
        return None
    return value if isinstance(value, dict) else None


def error(status: int, kind: str, sentence: str, **more: Any) -> Response:
    """A refusal: one sentence, and a label for the page."""
    return JSONResponse({"error": sentence, "kind": kind, **more}, status_code=status, headers=PRIVATE)


def join_first() -> Response:
    """To whoever is no voter."""
    return error(401, "join", "This browser has not joined the study yet. Reload the page.")

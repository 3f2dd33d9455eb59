"""Taking values out of answers whose shape nobody promised: what is not there as documented is None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalharness.adapters.remote.exchange import Answer

__all__ = ["at", "kept", "link", "retry_after_s", "table", "text"]


def at(body: Any, *keys: str) -> Any:
    """The value under these keys, one within another, or None."""
    for key in keys:
        if not isinstance(body, Mapping):
            return None
        body = body.get(key)
    return body


def text(body: Any, *keys: str) -> str | None:
    """The text under these keys, or None where it is missing, empty or no text."""
    found = at(body, *keys)
    return found if isinstance(found, str) and found.strip() else None


def table(body: Any, *keys: str) -> Mapping[str, Any]:
    """The object under these keys; empty where there is none."""
    found = at(body, *keys)
    return found if isinstance(found, Mapping) else {}


def link(body: Any, *keys: str) -> str | None:
    """The web address under these keys, or None where there is none."""
    found = text(body, *keys)
    return found if found is not None and found.startswith(("https://", "http://")) else None


def kept(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the named values that were given, for a clip's recipe."""
    return {name: body[name] for name in names if body.get(name) is not None}


def retry_after_s(answer: Answer) -> float | None:
    """What the `Retry-After` header asks to wait, where it gives a number of seconds."""
    given = answer.headers.get("retry-after", "").strip()
    return float(given) if given.isascii() and given.isdecimal() and len(given) < 7 else None

"""From what a vendor says went wrong to a fault: its kind, and a finished sentence with its own words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evalharness.records import FailureKind

__all__ = ["PLACES", "kind_of_status", "mentions", "sentence", "struck_place"]

PLACES = {"prompt": "input", "input": "input", "output": "output", "generated": "output"}
"""Words of moderation -> what it struck."""

_STATUSES = {
    401: FailureKind.AUTH,
    402: FailureKind.BILLING,
    403: FailureKind.AUTH,
    429: FailureKind.RATE,
}

_LONGEST = 400


def kind_of_status(status: int) -> FailureKind:
    """What an HTTP status means where the vendor gives no code of its own."""
    if status in _STATUSES:
        return _STATUSES[status]
    return FailureKind.PARAMETER if 400 <= status < 500 else FailureKind.SERVER


def mentions(words: str | None, any_of: Iterable[str]) -> bool:
    """Whether a vendor's words hold one of some others, which are in lower case."""
    lowered = (words or "").lower()
    return any(word in lowered for word in any_of)


def struck_place(words: str | None, places: Mapping[str, str] = PLACES) -> str | None:
    """What moderation refused, `input` or `output`, where a vendor's words name one thing alone."""
    lowered = (words or "").lower()
    named = {place for word, place in places.items() if word in lowered}
    return named.pop() if len(named) == 1 else None


def sentence(said: str, code: str | None = None, words: str | None = None) -> str:
    """`said`, then the vendor's code and words where there are any, on one line and ended."""
    parts = [" ".join(part.split()) for part in (said, code, words) if part]
    line = ": ".join(part for part in parts if part)[:_LONGEST]
    return line if line.endswith((".", "!", "?", "。")) else f"{line}."

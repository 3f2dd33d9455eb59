"""What is said and what is computed, side by side: a sentence for each field in which they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences"]

CLOSE = 1e-9
"""Relative distance at which two numbers are the same: another processor may add in another order."""


def differences(said: Any, gives: Any, name: str, source: str) -> Iterator[str]:
    """A sentence for each number or text that is not the same, down to the last field."""
    if isinstance(said, Mapping) and isinstance(gives, Mapping):
        for key in [*said, *(key for key in gives if key not in said)]:
            yield from differences(said.get(key), gives.get(key), f"{name}: {key}", source)
    elif isinstance(said, list | tuple) and isinstance(gives, list | tuple) and len(said) == len(gives):
        for place, (one, other) in enumerate(zip(said, gives, strict=True), 1):
            yield from differences(one, other, f"{name} {place}", source)
    elif not _alike(said, gives):
        yield f"{name} is {_worded(said)} in the report; by {source} it is {_worded(gives)}."


def _alike(said: Any, gives: Any) -> bool:
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (said, gives)]
    if all(numbers):
        return math.isclose(said, gives, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(said == gives)


def _worded(value: Any) -> str:
    return "nothing" if value is None else str(value)

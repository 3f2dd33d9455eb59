"""Time as the remote adapters see it: one value to pass along, so that tests need not wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["CLOCK", "Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """The three things that are done with time."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds for measuring how long something took."""
    unix: Callable[[], float] = time.time
    """Seconds since 1970, for signatures and for what outlives the process."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


CLOCK = Clock()
"""The real one."""

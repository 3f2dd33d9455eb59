"""This process does the work itself, one order after the other: for looking into it with a debugger."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

__all__ = ["Here"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Here:
    """Works while it is asked; what kills a worker elsewhere ends the command here."""

    capacity = 1

    def submit(self, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """See `Executor`; the future has ended when it comes back."""
        future: Future[R] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:  # belongs to whoever waits; Ctrl-C does not
            future.set_exception(error)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is ever under way."""

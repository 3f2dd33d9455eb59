"""What every executor is."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Protocol, Self, TypeVar, TypeVarTuple

__all__ = ["Executor", "WorkerDied", "handed_on", "hold_to_one_thread"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class WorkerDied(Exception):
    """The process that did the work died under it, or its whole machine did.

    The work may be to blame (out of memory, a crash in a library) or have been a bystander.
    """


class Executor(Protocol):
    """Takes work and does it elsewhere or later. A context manager that starts with the first work, so that
    it costs nothing where there is none.

    Left after an error (Ctrl-C included), it begins nothing more and stops what it can of what is under way.
    """

    @property
    def capacity(self) -> int:
        """How many orders keep all of it busy; whoever has more keeps the rest back."""

    def submit(self, work: Callable[[*Ts], R], *args: *Ts, gpus: int = 0) -> Future[R]:
        """Do `work(*args)`: both, and the result, can be pickled. An order is never done twice.

        `gpus`: how many the work needs to itself, where the executor shares them out. The future ends with
        the result, with what `work` raised, or with WorkerDied.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def handed_on(inner: Future[R], meant: Callable[[BaseException], BaseException]) -> Future[R]:
    """A future that ends as `inner` does, its exception replaced by what that one meant."""
    outer: Future[R] = Future()
    outer.set_running_or_notify_cancel()

    def end(ended: Future[R]) -> None:
        try:
            outer.set_result(ended.result())
        except CancelledError as error:
            outer.set_exception(error)
        except BaseException as error:  # whatever it is, it belongs to whoever waits
            outer.set_exception(meant(error))

    inner.add_done_callback(end)
    return outer


def hold_to_one_thread() -> None:
    """In a worker, before anything is imported: every core has a worker, and libraries that start threads of
    their own would only fight over them."""
    for variable in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "OPENCV_FOR_THREADS_NUM",
    ):
        os.environ.setdefault(variable, "1")

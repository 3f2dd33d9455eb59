"""What every executor is."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Protocol, Self, TypeVar, TypeVarTuple, runtime_checkable

__all__ = ["Executor", "GpuExecutor", "WorkerDied", "hold_to_one_thread"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class WorkerDied(Exception):
    """The process that did the work died under it, or its whole machine did.

    The work may be to blame (out of memory, a crash in a library), or have had nothing to do with it.
    """


class Executor(Protocol):
    """Takes work and does it elsewhere or later. A context manager that starts with the first work, so that
    it costs nothing where there is none.

    Left after an error (Ctrl-C included), it begins nothing more and stops what it can of what is under way.
    """

    @property
    def capacity(self) -> int:
        """How many orders keep all of it busy; whoever has more keeps the rest back."""

    def submit(self, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """Do `work(*args)`: both, and the result, can be pickled. An order is never done twice.

        The future ends with the result, with what `work` raised, or with WorkerDied.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class GpuExecutor(Protocol):
    """An executor that gives work GPUs of other machines."""

    def submit_on_gpus(self, gpus: int, system: str, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """Do `work(*args)` in a process that holds `gpus` GPUs of one machine, from order to order of the
        same system as far as possible. Ends as `Executor.submit` does.
        """


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

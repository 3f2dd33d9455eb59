"""A pool of processes on this machine.

Its workers are spawned (never forked: the parent holds threads and database connections) and end by
themselves when the parent dies, so that a killed run leaves nothing behind that still writes.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from evalharness.executors.base import WorkerDied, handed_on, hold_to_one_thread

__all__ = ["Processes", "process_pool"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


def process_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """A pool of `workers` processes (default: one a core) that do not outlive this process."""
    return ProcessPoolExecutor(
        max_workers=workers or os.cpu_count() or 1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare_worker,
    )


def _prepare_worker() -> None:
    hold_to_one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker holds both ends of its queue and so never sees it close when the parent is killed.
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class Processes:
    """As many processes as there are cores, or `workers`.

    When one dies, the pool ends with it: whatever was under way ends with WorkerDied, whoever's fault it
    was. The next order gets a new pool.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.capacity = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, work: Callable[[*Ts], R], *args: *Ts, gpus: int = 0) -> Future[R]:
        """See `Executor`; all workers see all GPUs."""
        del gpus
        if self._pool is None:
            self._pool = process_pool(self.capacity)
        try:
            future = self._pool.submit(work, *args)
        except BrokenProcessPool:
            self._pool = process_pool(self.capacity)
            future = self._pool.submit(work, *args)
        return handed_on(future, _meant)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            broken_off = error is not None
            self._pool.shutdown(wait=not broken_off, cancel_futures=broken_off)
            self._pool = None


def _meant(error: BaseException) -> BaseException:
    return WorkerDied(str(error)) if isinstance(error, BrokenProcessPool) else error

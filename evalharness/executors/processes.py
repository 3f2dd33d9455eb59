"""A pool of processes on this machine.

Its workers are spawned (never forked: the parent holds threads and database connections) and end by
themselves when the parent dies, so that a killed run leaves nothing behind that still writes.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from evalharness.adapters.processes import end_with_parent
from evalharness.executors.base import WorkerDied, hold_to_one_thread

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
    end_with_parent()


class Processes:
    """As many processes as there are cores, or `workers`; one that dies costs the order it had, no other.

    Each is a pool of one, which a thread of this process feeds: a pool of many breaks whole with its first.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.capacity = workers or os.cpu_count() or 1
        self._threads: ThreadPoolExecutor | None = None
        self._pools: list[ProcessPoolExecutor] = []
        self._own = threading.local()
        """Of each thread: its `pool`."""

    def submit(self, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """See `Executor`."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.capacity, thread_name_prefix="processes")
        return self._threads.submit(self._feed, work, args)

    def _feed(self, work: Callable[[*Ts], R], args: tuple[*Ts]) -> R:
        pool: ProcessPoolExecutor | None = getattr(self._own, "pool", None)
        if pool is None:
            pool = self._own.pool = process_pool(1)
            self._pools.append(pool)
        try:
            return pool.submit(work, *args).result()
        except BrokenProcessPool as error:
            self._own.pool = None
            raise WorkerDied(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        broken_off = error is not None
        if self._threads is not None:
            self._threads.shutdown(wait=not broken_off, cancel_futures=broken_off)
            self._threads = None
        while self._pools:
            self._pools.pop().shutdown(wait=not broken_off, cancel_futures=broken_off)

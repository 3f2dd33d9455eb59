"""Where work runs: threads for adapters that wait, a pool of processes for those that compute.

A pool's workers are spawned (never forked: the parent holds threads and database connections) and
end by themselves when the parent dies, so that a killed run leaves nothing behind that still writes.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from types import TracebackType
from typing import ParamSpec, TypeVar

__all__ = ["Workplace", "process_pool"]

P = ParamSpec("P")
R = TypeVar("R")


def process_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """A pool of `workers` processes (default: one a core) that do not outlive this process."""
    return ProcessPoolExecutor(
        max_workers=workers or os.cpu_count() or 1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare_worker,
    )


def _prepare_worker() -> None:
    # The pool already uses every core: libraries that start threads of their own would only fight over them.
    for variable in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "OPENCV_FOR_THREADS_NUM",
    ):
        os.environ.setdefault(variable, "1")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker holds both ends of its queue and so never sees it close when the parent is killed.
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class Workplace:
    """Threads and processes for one run; the processes start with the first work that needs them."""

    def __init__(self, *, threads: int, processes: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(max_workers=max(1, threads), thread_name_prefix="generate")
        self._process_count = processes
        self._processes: ProcessPoolExecutor | None = None

    def submit(self, cpu_bound: bool, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `work` in a process if it computes, in a thread if it waits."""
        if not cpu_bound:
            return self._threads.submit(work, *args, **kwargs)
        if self._processes is None:
            self._processes = process_pool(self._process_count)
        try:
            return self._processes.submit(work, *args, **kwargs)
        except BrokenProcessPool:
            # A worker died; its pool serves no more. What it was doing ended with this same error.
            self._processes = process_pool(self._process_count)
            return self._processes.submit(work, *args, **kwargs)

    def __enter__(self) -> Workplace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error (Ctrl-C included) nothing queued may start any more.
        cancel = error is not None
        self._threads.shutdown(wait=not cancel, cancel_futures=cancel)
        if self._processes is not None:
            self._processes.shutdown(wait=not cancel, cancel_futures=cancel)

"""Threads for adapters that wait, an executor for those that compute, a cluster's GPUs where it has some."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from evalharness.adapters.base import Capabilities
from evalharness.executors.base import Executor, GpuExecutor

__all__ = ["Workplace"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Workplace:
    """Where one run's clips are made on this side of the network."""

    def __init__(self, *, threads: int, executor: Executor) -> None:
        self._threads = ThreadPoolExecutor(max_workers=max(1, threads), thread_name_prefix="generate")
        self._executor = executor

    def submit(self, able: Capabilities, system: str, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """Have the executor do `work` for a system whose adapter computes, a thread if it waits.

        One that takes GPUs is served by an executor that has some, else by this machine's, which it finds by
        itself.
        """
        if able.cpu_bound:
            return self._executor.submit(work, *args)
        if able.gpus and isinstance(self._executor, GpuExecutor):
            return self._executor.submit_on_gpus(able.gpus, system, work, *args)
        return self._threads.submit(work, *args)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error (Ctrl-C included) nothing queued may start any more.
        broken_off = error is not None
        self._threads.shutdown(wait=not broken_off, cancel_futures=broken_off)
        self._executor.__exit__(kind, error, trace)

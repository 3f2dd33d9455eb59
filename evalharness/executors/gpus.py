"""Workers of a Ray cluster that hold GPUs: each keeps what it has loaded from one order to the next.

Loading a model takes longer than a clip, so an order goes to a worker that served the same system last, where
one rests. Workers that hold different numbers of GPUs could block each other for ever, each with half of what
the other needs: orders of one size are done before those of another. Ray names a worker's GPUs in
CUDA_VISIBLE_DEVICES: inside, its own first one is `cuda:0`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from evalharness.adapters.processes import stop_programs
from evalharness.errors import ConfigError

__all__ = ["GpuWorkers"]

GRACE_S = 5.0
"""For what is broken off to let go of its programs."""


@dataclass(frozen=True, eq=False, slots=True)
class _Order:
    gpus: int
    system: str
    parcel: bytes
    future: Future[Any] = field(default_factory=Future)


@dataclass(eq=False, slots=True)
class _Worker:
    actor: Any
    gpus: int
    system: str
    """Whose model it has loaded."""
    busy: bool = False


class GpuWorkers:
    """The workers of one run, begun as orders need them; what none can serve yet waits here."""

    def __init__(self, carry_out: Callable[[bytes], Any]) -> None:
        """`carry_out` unpacks an order and does it; the cluster's machines must be able to import it."""
        self._carry_out = carry_out
        self._workers: list[_Worker] = []
        self._waiting: list[_Order] = []
        self._lock = threading.Lock()
        self._ends = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gpus")
        """Where ends are heard of: Ray's own thread must never wait for the lock, or for Ray."""

    def submit(self, gpus: int, system: str, parcel: bytes) -> Future[Any]:
        """Have an order done where `gpus` GPUs of one machine are at hand; its future ends as Ray's does.

        Raises ConfigError where no machine of the cluster has as many: Ray would wait for one for ever.
        """
        most = max(_gpus(), default=0)
        if gpus > most:
            raise ConfigError(
                f"A clip of the system '{system}' takes {gpus} GPU{'s' if gpus > 1 else ''} of one machine, "
                f"and the Ray cluster has no machine with more than {most}: add one, or generate where the "
                "GPUs are, without --executor ray."
            )
        order = _Order(gpus, system, parcel)
        order.future.set_running_or_notify_cancel()
        with self._lock:
            self._waiting.append(order)
            self._serve()
        return order.future

    def close(self) -> None:
        """End all workers, with what they are at and the programs that they started."""
        with self._lock:
            for order in self._waiting:
                order.future.set_exception(CancelledError())
            self._waiting.clear()
            told = [worker.actor.break_off.remote() for worker in self._workers if worker.busy]
        if told:
            _ray().wait(told, num_returns=len(told), timeout=GRACE_S)
        with self._lock:
            self._dismiss(list(self._workers))
        self._ends.shutdown(wait=False)

    def _serve(self) -> None:
        """Give out what can be done now: first what needs as many GPUs as workers hold already."""
        held = self._workers[0].gpus if self._workers else None
        for order in sorted(self._waiting, key=lambda order: order.gpus != held):
            worker = self._worker_for(order)
            if worker is not None:
                self._waiting.remove(order)
                self._start(worker, order)

    def _worker_for(self, order: _Order) -> _Worker | None:
        """One that rests and has the system's model, else a new one, else any that rests."""
        others = [worker for worker in self._workers if worker.gpus != order.gpus]
        if any(worker.busy for worker in others):
            return None
        self._dismiss(others)
        resting = sorted(
            (worker for worker in self._workers if not worker.busy),
            key=lambda worker: worker.system != order.system,
        )
        if resting and resting[0].system == order.system:
            return resting[0]
        if len(self._workers) < sum(gpus // order.gpus for gpus in _gpus()):
            return self._begin(order)
        return resting[0] if resting else None

    def _begin(self, order: _Order) -> _Worker:
        # It mostly waits for its GPUs: the CPUs are for orders that compute.
        kind = _ray().remote(num_cpus=0, num_gpus=order.gpus, max_restarts=0, max_task_retries=0)(_Holder)
        actor = kind.options(max_concurrency=2).remote(self._carry_out)  # the other one is for break_off
        worker = _Worker(actor, order.gpus, order.system)
        self._workers.append(worker)
        return worker

    def _start(self, worker: _Worker, order: _Order) -> None:
        worker.busy, worker.system = True, order.system
        future: Future[Any] = worker.actor.do.remote(order.parcel).future()

        def hear(ended: Future[Any]) -> None:
            with suppress(RuntimeError):  # closed meanwhile: nobody waits for it
                self._ends.submit(self._end, worker, order, ended)

        future.add_done_callback(hear)

    def _end(self, worker: _Worker, order: _Order, ended: Future[Any]) -> None:
        error = ended.exception()
        with self._lock:
            worker.busy = False
            if error is not None and not _raised_by_the_work(error) and worker in self._workers:
                self._workers.remove(worker)  # it died
        if error is None:
            order.future.set_result(ended.result())
        else:
            order.future.set_exception(error)
        with self._lock:
            try:
                self._serve()
            except Exception as lost:  # the cluster itself: whoever waits must hear of it
                for waiting in self._waiting:
                    waiting.future.set_exception(lost)
                self._waiting.clear()

    def _dismiss(self, workers: list[_Worker]) -> None:
        for worker in workers:
            _ray().kill(worker.actor)
            self._workers.remove(worker)


class _Holder:
    """The actor: one process, one order at a time."""

    def __init__(self, carry_out: Callable[[bytes], Any]) -> None:
        self._carry_out = carry_out

    def do(self, parcel: bytes) -> Any:
        return self._carry_out(parcel)

    def break_off(self) -> None:
        stop_programs()


def _raised_by_the_work(error: BaseException) -> bool:
    from ray.exceptions import RayTaskError

    return isinstance(error, RayTaskError)


def _gpus() -> list[int]:
    """How many GPUs each machine of the cluster has."""
    return [int(node["Resources"].get("GPU", 0)) for node in _ray().nodes() if node["Alive"]]


def _ray() -> Any:
    return import_module("ray")

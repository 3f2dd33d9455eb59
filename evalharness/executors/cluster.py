"""A Ray cluster: the machines behind an address, or this machine as a cluster of its own.

An order takes one CPU of the cluster, or the GPUs it is said to need, and is never done again by Ray itself.
Every machine needs the same evalharness, and must reach what holds the study's files: that is looked at
before the first order.
"""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple

from evalharness import __version__
from evalharness.errors import ConfigError, EvalHarnessError, MissingExtraError
from evalharness.executors.base import WorkerDied, hold_to_one_thread
from evalharness.executors.gpus import GpuWorkers
from evalharness.storage import Folder, Storage

__all__ = ["Cluster"]

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

LOCAL = "local"
"""Ray's word for a new cluster of this machine alone."""
ANSWER_S = 60.0
"""How long the cluster may take to answer at all, and each machine to say that it sees the study."""
GRACE_S = 5.0
"""Between asking work that is broken off to end and killing its process."""
SHARED_MEMORY_BYTES = 80_000_000
"""Of a cluster of our own: orders and results are small, and Ray would take a third of the memory."""


class Cluster:
    """The workers of a Ray cluster.

    `address`: host:port of its head, or `auto` for the one that runs on this machine; without one
    RAY_ADDRESS counts, and without that a cluster of `workers` CPUs (default: every core) is started here
    and ended with the work. Where this process is in a cluster already, that one is used.
    """

    def __init__(self, storage: Storage, *, address: str = "", workers: int | None = None) -> None:
        """Raises MissingExtraError where Ray is not installed."""
        if find_spec("ray") is None:
            raise MissingExtraError(
                "Work was to run on a Ray cluster, and Ray is not installed. Do: "
                "pip install 'evalharness[ray]'"
            )
        self._storage = storage
        self._address = address or os.environ.get("RAY_ADDRESS") or LOCAL
        self._workers = workers
        self._carry_out: Any = None
        """The remote function; None until the first work."""
        self._began = False
        """Whether this process joined the cluster for our sake, and is to leave it."""
        self._gpus = GpuWorkers(_do)
        self._out: set[Any] = set()
        """References to the work under way."""

    @property
    def capacity(self) -> int:
        """See `Executor`: two orders a CPU, so that none waits for this process to answer.

        Raises what `submit` raises.
        """
        self._start()
        return max(1, 2 * int(_ray().cluster_resources().get("CPU", 0)))

    def submit(self, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """See `Executor`.

        Raises ConfigError where the cluster does not answer, or one of its machines cannot do the study's
        work.
        """
        self._start()
        reference = self._carry_out.remote(pickle.dumps((work, args)))
        self._out.add(reference)
        future: Future[R] = reference.future()
        future.add_done_callback(lambda _: self._out.discard(reference))
        return _handed_on(future)

    def submit_on_gpus(self, gpus: int, system: str, work: Callable[[*Ts], R], *args: *Ts) -> Future[R]:
        """As `submit`, in a process that holds `gpus` GPUs and has the system's model, if one of them has.

        Raises ConfigError also where no machine of the cluster has as many.
        """
        self._start()
        return _handed_on(self._gpus.submit(gpus, system, pickle.dumps((work, args))))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._carry_out is not None and error is not None:
            self._break_off()
        self._gpus.close()
        self._leave()

    def _start(self) -> None:
        if self._carry_out is not None:
            return
        ray = _ray()
        if not ray.is_initialized():
            self._join()
        try:
            self._visit_machines()
        except BaseException:
            self._leave()
            raise
        self._carry_out = ray.remote(num_cpus=1, max_retries=0)(_carry_out)

    def _join(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options: dict[str, Any] = {}
        if self._address == LOCAL:
            # Ray opens ports to the network, guarded by a token that it would write into the user's home.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            options = {
                "num_cpus": self._workers or os.cpu_count() or 1,
                "include_dashboard": False,
                "object_store_memory": SHARED_MEMORY_BYTES,
            }
            if sys.platform == "linux":
                # For 127.0.0.1 Ray would put this machine's address in the network.
                options["_node_ip_address"] = "127.0.0.2"
        ray = _ray()
        # What its machines complain of Ray would print to standard output, where --json prints. All that
        # concerns an order comes back as its exception.
        ray._private.worker.print_to_stdstream = _print_nothing
        try:
            self._knock()
            ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"The Ray cluster at '{self._address}' cannot be joined ({error}). Start it with 'ray start "
                "--head', or mend ray_address in [work], or RAY_ADDRESS, to host:port."
            ) from error
        self._began = True

    def _knock(self) -> None:
        """Raises OSError or ValueError where nobody listens at the address: Ray would ask for minutes."""
        if self._address in (LOCAL, "auto"):
            return
        host, _, port = self._address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=ANSWER_S).close()

    def _leave(self) -> None:
        self._carry_out = None
        if self._began:
            _ray().shutdown()
            self._began = False

    def _visit_machines(self) -> None:
        """Raises ConfigError where a machine of the cluster cannot do the study's work."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        ray = _ray()
        visit = ray.remote(num_cpus=0, max_retries=0)(_carry_out)
        machines = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        with _marker(self._storage) as marker:
            parcel = pickle.dumps((_complaint, (self._storage, marker, __version__)))
            there = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in machines]
            visits = [visit.options(scheduling_strategy=strategy).remote(parcel) for strategy in there]
            for machine, reference in zip(machines, visits, strict=True):
                try:
                    complaint = ray.get(reference, timeout=ANSWER_S)
                except Exception as error:  # Ray's own, or what a machine without evalharness raises
                    complaint = (
                        f"cannot run evalharness ({type(error).__name__}). Install evalharness {__version__} "
                        "there, with the same extras."
                    )
                if complaint is not None:
                    raise ConfigError(
                        f"The machine {machine['NodeManagerHostname']} of the Ray cluster {complaint}"
                    )

    def _break_off(self) -> None:
        ray = _ray()
        out = list(self._out)
        for reference in out:
            ray.cancel(reference)  # raises KeyboardInterrupt there, which leaves nothing half written
        _, left = ray.wait(out, num_returns=len(out), timeout=GRACE_S) if out else ([], [])
        for reference in left:
            ray.cancel(reference, force=True)


def _ray() -> Any:
    """Ray's module: half a second of imports, and half typed."""
    return import_module("ray")


def _carry_out(parcel: bytes) -> Any:
    """Runs on a worker that has one CPU."""
    hold_to_one_thread()
    return _do(parcel)


def _do(parcel: bytes) -> Any:
    """Runs on a worker. The work is unpacked here, since unpacking already imports what it needs."""
    work, args = pickle.loads(parcel)  # noqa: S301 - packed by the process that owns this job
    return work(*args)


def _complaint(storage: Storage, marker: Path | None, version: str) -> str | None:
    """Runs on each machine: what hinders it, as the end of a sentence about it."""
    if version != __version__:
        return f"has evalharness {__version__}, and here is {version}: the same must be on both."
    if marker is not None and not marker.is_file():
        return (
            f"does not see {marker.parent}. Put the study on a file system that all machines share, under "
            "the same path, or name a storage that all reach in [storage]."
        )
    try:
        storage.check()
    except EvalHarnessError as error:
        return f"does not reach the study's storage. {error}"
    return None


@contextmanager
def _marker(storage: Storage) -> Iterator[Path | None]:
    """A new file in a study's own folder; None where its files lie in a storage elsewhere."""
    if not isinstance(storage, Folder):
        yield None
        return
    marker = storage.root / f".seen-{secrets.token_hex(8)}"
    marker.touch()
    try:
        yield marker
    finally:
        marker.unlink()


def _handed_on(inner: Future[R]) -> Future[R]:
    """A future that ends as Ray's does, with what its exception meant."""
    outer: Future[R] = Future()
    outer.set_running_or_notify_cancel()

    def end(ended: Future[R]) -> None:
        try:
            outer.set_result(ended.result())
        except CancelledError as error:
            outer.set_exception(error)
        except BaseException as error:  # whatever it is, it belongs to whoever waits
            outer.set_exception(_meant(error))

    inner.add_done_callback(end)
    return outer


def _meant(error: BaseException) -> BaseException:
    from ray import exceptions

    died = (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.OutOfMemoryError,
        exceptions.NodeDiedError,
        exceptions.LocalRayletDiedError,
        exceptions.ObjectLostError,
    )
    if isinstance(error, died):
        return WorkerDied(f"{type(error).__name__}: {error}")
    if isinstance(error, exceptions.RayTaskError) and isinstance(error.cause, BaseException):
        return error.cause
    return error


def _print_nothing(*_: Any, **__: Any) -> None:
    """In the place of Ray's printing."""

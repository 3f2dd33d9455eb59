"""One run over a study's backlog: who works on what, what is tried again, when money or work runs out.

At most `concurrency` jobs of a system are under way, and only these are held in memory.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from evalharness.adapters.base import Adapter, Standing, offer_of
from evalharness.adapters.maker import make_adapter
from evalharness.adapters.processes import stopping_programs
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.backlog import Wanted
from evalharness.budget import Budget
from evalharness.config import Study
from evalharness.elsewhere import Elsewhere
from evalharness.errors import StoreError
from evalharness.executors import Executor, WorkerDied, Workplace
from evalharness.journals import StoreJournal
from evalharness.production import Failure, Order, produce
from evalharness.records import Clip, FailureKind, JobKey, JobState, Prompt, System
from evalharness.store import Store

__all__ = ["Dispatch", "Progress", "SystemProgress"]

RETRY_PAUSE_S = 2.0
"""Wait before the first retry of a clip; doubled for each further one."""


@dataclass(slots=True)
class SystemProgress:
    """How far one system has come in this run."""

    todo: int
    """Jobs of this run."""
    made: int = 0
    failed: int = 0
    """Jobs that ended without a clip."""
    held: int = 0
    """Jobs not begun, because the budget would have been passed."""
    running: int = 0
    """Jobs under way."""

    @property
    def ended(self) -> int:
        """Jobs that this run is through with."""
        return self.made + self.failed + self.held


Progress = Callable[[Mapping[str, SystemProgress]], None]
"""Called with every system's progress whenever a job has begun or ended."""


class Dispatch:
    """One pass over the jobs to do."""

    def __init__(
        self,
        study: Study,
        store: Store,
        prompts: Sequence[Prompt],
        wanted: Wanted,
        states: Collection[JobState],
        *,
        executor: Executor,
        budget: Budget | None = None,
        progress: Progress | None = None,
    ) -> None:
        """`states`: the jobs to be taken up."""
        self._study = study
        self._store = store
        self._prompts = {prompt.id: prompt for prompt in prompts}
        self._budget = budget
        self._executor = executor
        self._report = progress or (lambda _progress: None)
        self.progress = {
            system.name: SystemProgress(
                sum(count for state, count in wanted.count(system).items() if state in states)
            )
            for system in study.systems
        }
        self._adapters: dict[str, Adapter] = {
            system.name: make_adapter(system, folder=study.folder)
            for system in study.systems
            if self.progress[system.name].todo
        }
        self._queues: dict[str, Iterator[JobKey]] = {
            system.name: wanted.standing(system, states) for system in study.systems
        }
        self._again: dict[str, list[JobKey]] = {system.name: [] for system in study.systems}
        """Jobs whose rest is over."""
        self._resting: list[tuple[float, JobKey]] = []
        """Jobs to be tried again, with the monotonic time from which they may."""
        self._tries: Counter[JobKey] = Counter()
        self._running: dict[Future[Clip | Failure], JobKey] = {}

    def finish(self) -> Mapping[str, SystemProgress]:
        """Do all jobs."""
        self._report(self.progress)
        threads = sum(system.concurrency for system in self._study.systems)
        with (
            Workplace(threads=threads, executor=self._executor) as workplace,
            Elsewhere() as elsewhere,
            stopping_programs(),
        ):
            while True:
                self._wake()
                for system in self._study.systems:
                    self._fill(system, workplace, elsewhere)
                if self._running:
                    ended, _ = wait(self._running, timeout=self._pause_s(), return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._end(self._running.pop(future), future)
                elif self._resting:
                    time.sleep(self._pause_s() or 0.0)
                else:
                    return self.progress

    def _pause_s(self) -> float | None:
        return max(0.0, self._resting[0][0] - time.monotonic()) if self._resting else None

    def _wake(self) -> None:
        while self._resting and self._resting[0][0] <= time.monotonic():
            key = heapq.heappop(self._resting)[1]
            self._again[key.system].append(key)

    def _fill(self, system: System, workplace: Workplace, elsewhere: Elsewhere) -> None:
        progress = self.progress[system.name]
        while progress.running < system.concurrency:
            key = self._next(system)
            if key is None:
                return
            self._start(key, system, workplace, elsewhere)

    def _next(self, system: System) -> JobKey | None:
        again = self._again[system.name]
        return again.pop() if again else next(self._queues[system.name], None)

    def _start(self, key: JobKey, system: System, workplace: Workplace, elsewhere: Elsewhere) -> None:
        progress = self.progress[system.name]
        order = Order.of(self._study, system, self._prompts[key.prompt_id], key.seed)
        adapter = self._adapters[system.name]
        journal = StoreJournal(self._store, key) if isinstance(adapter, RemoteAdapter) else None
        stands = journal is not None and journal.standing != Standing()
        if self._budget is not None and not stands and not self._affordable(self._budget, order, adapter):
            progress.held += 1
            self._forget(key)
            return
        if not self._store.start_job(key):
            progress.todo -= 1  # it was finished meanwhile
            self._forget(key)
            return
        if isinstance(adapter, RemoteAdapter) and journal is not None:
            future = elsewhere.submit(order, adapter, journal)
        else:
            future = workplace.submit(adapter.capabilities, system.name, produce, order)
        self._running[future] = key
        self._tries[key] += 1
        progress.running += 1
        self._report(self.progress)

    def _affordable(self, budget: Budget, order: Order, adapter: Adapter) -> bool:
        if adapter.refuse(order.request) is not None:
            return True  # it costs nothing, and its failure is to be recorded
        price = offer_of(adapter, order.request).cost_usd or 0.0
        return budget.promise(order.key, price, self._store.last_purchase(order.key))

    def _end(self, key: JobKey, future: Future[Clip | Failure]) -> None:
        progress = self.progress[key.system]
        progress.running -= 1
        try:
            result = future.result()
        except WorkerDied:
            # Perhaps its machine died, and not of this clip: it may try again.
            result = Failure(
                FailureKind.PROGRAM,
                "The worker process died while making this clip (out of memory, or killed from outside).",
                retry_safe=True,
            )
        if isinstance(result, Clip):
            try:
                self._store.finish_job(key, result)
            except StoreError as error:
                # What one adapter says must not end the run. Where the database is at fault, `fail_job` does.
                result = Failure(FailureKind.PROGRAM, f"The clip is there and cannot be recorded: {error}")
        if isinstance(result, Clip):
            if self._budget is not None:
                self._budget.paid(key, result.cost_usd)
            progress.made += 1
            self._forget(key)
            return
        self._store.fail_job(key, result.kind, result.message)
        if self._budget is not None:
            remote = isinstance(self._adapters[key.system], RemoteAdapter)
            self._budget.failed(key, self._store.last_purchase(key), remote=remote)
        if result.retry_safe and self._tries[key] < self._study.settings.generation.attempts:
            pause_s = RETRY_PAUSE_S * 2.0 ** (self._tries[key] - 1)
            heapq.heappush(self._resting, (time.monotonic() + pause_s, key))
            return
        progress.failed += 1
        self._forget(key)

    def _forget(self, key: JobKey) -> None:
        """This run is through with the job."""
        self._tries.pop(key, None)
        self._report(self.progress)

"""Prompts x systems x seeds -> clips: resumable, bounded, retried where safe, every ending recorded.

One clip's way: its job is claimed in the database, an adapter writes it to a partial file, the file
is probed, hashed and moved to its place under `clips/`, and the clip's record and the job's end are
written in one transaction. Killed anywhere on that way, the next run starts that job again and
repeats no finished one; what was half written is swept away. What a vendor was asked for stands in the
job's journal, and is asked after, not asked for again.
"""

from __future__ import annotations

import heapq
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from evalharness.adapters.base import Adapter
from evalharness.adapters.processes import stopping_programs
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.config import Study
from evalharness.elsewhere import Elsewhere
from evalharness.executors import Workplace
from evalharness.journals import StoreJournal
from evalharness.locks import only_run
from evalharness.production import ASKED, PARTIAL, Failure, Order, asked, produce
from evalharness.records import Clip, FailureKind, JobKey, JobState, Prompt, System
from evalharness.registry import ADAPTERS
from evalharness.store import Store

__all__ = ["GenerationSummary", "generate_study", "plan"]

RETRY_PAUSE_S = 2.0
"""Wait before the first retry of a clip; doubled for each further one."""


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """What one run did and what the study has now."""

    planned: int
    """Jobs of the study as its settings stand."""
    made: int
    """Clips made by this run."""
    kept: int
    """Clips that were there before."""
    failures: Mapping[JobKey, Failure] = field(default_factory=dict)
    """Jobs without a clip, with the reason of their last try."""
    notes: tuple[str, ...] = ()
    """Sentences the study's owner should know."""

    @property
    def by_kind(self) -> Mapping[FailureKind, int]:
        """How many jobs failed in which way."""
        return Counter(failure.kind for failure in self.failures.values())


Progress = Callable[[int, int], None]
"""Called with (ended jobs, all jobs of this run)."""


def plan(systems: Iterable[System], prompts: Iterable[Prompt], seeds: Iterable[int]) -> tuple[JobKey, ...]:
    """Every (system, prompt, seed) of a study.

    Prompts go round fastest across systems, so that an unfinished run already holds whole battles.
    """
    wanted_systems, wanted_seeds = tuple(systems), tuple(seeds)
    return tuple(
        JobKey(system.name, prompt.id, seed)
        for seed in wanted_seeds
        for prompt in prompts
        for system in wanted_systems
    )


def generate_study(
    study: Study,
    store: Store,
    prompts: Sequence[Prompt],
    *,
    retry_failed: bool = False,
    buy_again: bool = False,
    progress: Progress | None = None,
) -> GenerationSummary:
    """Make every clip the study still lacks.

    Jobs that failed in an earlier run stay failed unless `retry_failed`. What was asked of a vendor and
    never answered is not asked again unless `buy_again`, which may pay twice. Raises ConfigError when an
    adapter's parameters are wrong or another run is at work in this folder; a clip that cannot be
    made is no exception but a record.
    """
    with only_run(study.folder, "generate"):
        _check_adapters(study)
        study.storage.check()
        store.put_systems(study.systems)
        store.put_prompts(prompts)
        keys = plan(study.systems, prompts, study.settings.generation.seeds)
        store.add_jobs(keys)
        store.release_jobs()
        if buy_again:
            store.abandon_purchases()
        _sweep(study.clips / PARTIAL)
        wanted = set(keys)
        standing = {job.key: job for job in store.jobs() if job.key in wanted}
        open_states = {JobState.PENDING} | ({JobState.FAILED} if retry_failed else set())
        todo = [key for key in keys if standing[key].state in open_states]
        made = _Run(study, store, prompts, todo, progress).finish()
        after = [job for job in store.jobs() if job.key in wanted]
        return GenerationSummary(
            planned=len(keys),
            made=made,
            kept=sum(job.state is JobState.DONE for job in after) - made,
            failures={
                job.key: Failure(job.failure or FailureKind.PROGRAM, job.message or "")
                for job in after
                if job.state is JobState.FAILED
            },
            notes=_notes(study, [clip for clip in store.clips() if clip.key in wanted]),
        )


class _Run:
    """One pass over the jobs to do, at most `concurrency` of a system at a time."""

    def __init__(
        self,
        study: Study,
        store: Store,
        prompts: Sequence[Prompt],
        todo: Sequence[JobKey],
        progress: Progress | None,
    ) -> None:
        self._study = study
        self._store = store
        self._systems = {system.name: system for system in study.systems}
        self._prompts = {prompt.id: prompt for prompt in prompts}
        self._waiting: dict[str, deque[JobKey]] = {name: deque() for name in self._systems}
        for key in todo:
            self._waiting[key.system].append(key)
        self._adapters: dict[str, Adapter] = {
            system.name: ADAPTERS.load(system.adapter)(system, folder=study.folder)
            for system in study.systems
            if self._waiting[system.name]
        }
        self._resting: list[tuple[float, JobKey]] = []
        """Jobs to be tried again, with the monotonic time from which they may."""
        self._tries: Counter[JobKey] = Counter()
        self._running: dict[Future[Clip | Failure], JobKey] = {}
        self._total = len(todo)
        self._ended = self._made = 0
        self._progress = progress or (lambda _ended, _total: None)

    def finish(self) -> int:
        """Do all jobs; returns how many clips were made."""
        self._progress(0, self._total)
        threads = sum(system.concurrency for system in self._systems.values())
        with Workplace(threads=threads) as workplace, Elsewhere() as elsewhere, stopping_programs():
            while self._ended < self._total:
                self._wake()
                for system in self._systems.values():
                    self._start(system, workplace, elsewhere)
                if not self._running:
                    time.sleep(max(0.0, self._resting[0][0] - time.monotonic()) if self._resting else 0.0)
                    continue
                ended, _ = wait(self._running, timeout=self._pause_s(), return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(self._running.pop(future), future)
        return self._made

    def _pause_s(self) -> float | None:
        return max(0.0, self._resting[0][0] - time.monotonic()) if self._resting else None

    def _wake(self) -> None:
        while self._resting and self._resting[0][0] <= time.monotonic():
            key = heapq.heappop(self._resting)[1]
            self._waiting[key.system].appendleft(key)

    def _start(self, system: System, workplace: Workplace, elsewhere: Elsewhere) -> None:
        queue = self._waiting[system.name]
        busy = sum(key.system == system.name for key in self._running.values())
        while queue and busy < system.concurrency:
            key = queue.popleft()
            if not self._store.start_job(key):
                self._note_end()  # it was finished meanwhile
                continue
            order = Order(
                key,
                system,
                self._prompts[key.prompt_id],
                self._study.settings.generation,
                self._study.folder,
                self._study.storage,
            )
            adapter = self._adapters[system.name]
            if isinstance(adapter, RemoteAdapter):
                future = elsewhere.submit(order, adapter, StoreJournal(self._store, key))
            else:
                future = workplace.submit(adapter.capabilities.cpu_bound, produce, order)
            self._running[future] = key
            self._tries[key] += 1
            busy += 1

    def _end(self, key: JobKey, future: Future[Clip | Failure]) -> None:
        try:
            result = future.result()
        except BrokenProcessPool:
            # Its neighbours in the pool end so too, whoever's fault it was: all may try again.
            result = Failure(
                FailureKind.PROGRAM,
                "The worker process died while making this clip (out of memory, or killed from outside).",
                retry_safe=True,
            )
        if isinstance(result, Clip):
            self._store.finish_job(key, result)
            self._made += 1
            self._note_end()
            return
        self._store.fail_job(key, result.kind, result.message)
        if result.retry_safe and self._tries[key] < self._study.settings.generation.attempts:
            pause_s = RETRY_PAUSE_S * 2.0 ** (self._tries[key] - 1)
            heapq.heappush(self._resting, (time.monotonic() + pause_s, key))
        else:
            self._note_end()

    def _note_end(self) -> None:
        self._ended += 1
        self._progress(self._ended, self._total)


def _notes(study: Study, clips: Sequence[Clip]) -> tuple[str, ...]:
    notes = []
    now = asked(study.settings.generation)
    others = [clip for clip in clips if clip.request.get(ASKED, now) != now]
    if others:
        notes.append(
            f"{len(others)} of {len(clips)} clips were asked for with other settings than [generation] has "
            f"now ({others[0].request[ASKED]}, now {now}) and are kept as they are. For clips of one recipe "
            "make a new study, or put the settings back."
        )
    lost = study.storage.missing(clip.path for clip in clips)
    if lost:
        notes.append(
            f"{len(lost)} clips are recorded and their files are gone, {lost[0]} for one. Put them back: "
            "a clip's name is its content's hash, so any copy of the file will do."
        )
    return tuple(notes)


def _check_adapters(study: Study) -> None:
    """Make each system's adapter once, so that a wrong parameter is said before any work starts."""
    for system in study.systems:
        ADAPTERS.load(system.adapter)(system, folder=study.folder)


def _sweep(folder: Path) -> None:
    """Remove what killed runs left half written. Only one run is at work, so all of it is theirs."""
    if folder.is_dir():
        for leftover in folder.iterdir():
            if leftover.is_dir():  # a program's frames, left beside the clip it was making
                shutil.rmtree(leftover)
            else:
                leftover.unlink()

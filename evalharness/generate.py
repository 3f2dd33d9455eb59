"""Prompts x systems x seeds -> clips: resumable, bounded, retried where safe, every ending recorded.

One clip's way: its job is claimed in the database, an adapter writes it to a partial file, the file
is probed, hashed and moved to its place under `clips/`, and the clip's record and the job's end are
written in one transaction. Killed anywhere on that way, the next run starts that job again and
repeats no finished one; what was half written is swept away.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evalharness import media
from evalharness.adapters.base import Adapter, GenerationRequest
from evalharness.adapters.processes import stopping_programs
from evalharness.config import GenerationSettings, Study
from evalharness.errors import GenerationError, MediaError
from evalharness.executors import Workplace
from evalharness.locks import only_run
from evalharness.records import Clip, FailureKind, JobKey, JobState, Prompt, System
from evalharness.registry import ADAPTERS
from evalharness.store import Store

__all__ = ["Failure", "GenerationSummary", "Order", "generate_study", "plan", "produce"]

RETRY_PAUSE_S = 2.0
"""Wait before the first retry of a clip; doubled for each further one."""

PARTIAL = ".partial"
ASKED = "asked"
"""Where a clip's request keeps what study.toml asked for when it was made."""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything a worker needs to make one clip; travels to another process."""

    key: JobKey
    system: System
    prompt: Prompt
    settings: GenerationSettings
    folder: Path
    """The study's folder."""

    @property
    def partial(self) -> Path:
        """Where the clip is while it is not yet whole; the same for every try."""
        name = hashlib.sha256(repr(self.key).encode()).hexdigest()[:24]
        return self.folder / "clips" / PARTIAL / f"{name}.mp4"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order gave no clip."""

    kind: FailureKind
    message: str
    retry_safe: bool = False


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
    progress: Progress | None = None,
) -> GenerationSummary:
    """Make every clip the study still lacks.

    Jobs that failed in an earlier run stay failed unless `retry_failed`. Raises ConfigError when an
    adapter's parameters are wrong or another run is at work in this folder; a clip that cannot be
    made is no exception but a record.
    """
    with only_run(study.folder, "generate"):
        _check_adapters(study)
        store.put_systems(study.systems)
        store.put_prompts(prompts)
        keys = plan(study.systems, prompts, study.settings.generation.seeds)
        store.add_jobs(keys)
        store.release_jobs()
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


def produce(order: Order) -> Clip | Failure:
    """Make one clip and lay it in its place; runs in a worker, touches no database.

    Whatever goes wrong comes back as a Failure: an adapter's own GenerationError with its kind, a
    file that is no video as MEDIA, an exception the adapter should not have let out as PROGRAM.
    """
    partial = order.partial
    settings = order.settings
    request = GenerationRequest(
        prompt=order.prompt,
        seed=order.key.seed,
        duration_s=settings.duration_s,
        width=settings.width,
        height=settings.height,
        fps=settings.fps,
        output=partial,
        timeout_s=settings.timeout_s,
    )
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        adapter: Adapter = ADAPTERS.load(order.system.adapter)(order.system, folder=order.folder)
        refusal = adapter.refuse(request)
        if refusal is not None:
            return Failure(FailureKind.PARAMETER, refusal)
        started = time.monotonic()
        generated = adapter.generate(request)
        elapsed_s = time.monotonic() - started
        streams = media.probe(partial)
        sha256, path = _settle(partial, order.folder)
    except GenerationError as error:
        return Failure(error.kind, str(error), error.retry_safe)
    except MediaError as error:
        return Failure(FailureKind.MEDIA, str(error))
    except Exception as error:  # a bug in one adapter must cost one clip and a record, not the run
        return Failure(
            FailureKind.PROGRAM,
            f"The adapter '{order.system.adapter}' broke its contract with {type(error).__name__}: {error}",
        )
    finally:
        partial.unlink(missing_ok=True)
    return Clip(
        sha256=sha256,
        key=order.key,
        path=path.relative_to(order.folder).as_posix(),
        bytes=path.stat().st_size,
        streams=streams,
        created_at=datetime.now(UTC),
        adapter=order.system.adapter,
        adapter_version=adapter.version,
        request={**generated.request, ASKED: _asked(settings)},
        provider_task_id=generated.provider_task_id,
        latency_s=elapsed_s if generated.latency_s is None else generated.latency_s,
        cost_usd=generated.cost_usd,
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
        self._cpu_bound = {
            system.name: ADAPTERS.load(system.adapter)(system, folder=study.folder).capabilities.cpu_bound
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
        with Workplace(threads=threads) as workplace, stopping_programs():
            while self._ended < self._total:
                self._wake()
                for system in self._systems.values():
                    self._start(system, workplace)
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

    def _start(self, system: System, workplace: Workplace) -> None:
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
            )
            future = workplace.submit(self._cpu_bound[system.name], produce, order)
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


def _asked(settings: GenerationSettings) -> dict[str, float]:
    """What study.toml asks of every system; kept with each clip."""
    return {
        "duration_s": settings.duration_s,
        "width": settings.width,
        "height": settings.height,
        "fps": settings.fps,
    }


def _notes(study: Study, clips: Sequence[Clip]) -> tuple[str, ...]:
    notes = []
    now = _asked(study.settings.generation)
    others = [clip for clip in clips if clip.request.get(ASKED, now) != now]
    if others:
        notes.append(
            f"{len(others)} of {len(clips)} clips were asked for with other settings than [generation] has "
            f"now ({others[0].request[ASKED]}, now {now}) and are kept as they are. For clips of one recipe "
            "make a new study, or put the settings back."
        )
    lost = [clip.path for clip in clips if not study.path(clip.path).is_file()]
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


def _settle(partial: Path, folder: Path) -> tuple[str, Path]:
    """Move a whole file to its place under its content hash, durably; returns hash and path."""
    with partial.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    path = folder / "clips" / sha256[:2] / f"{sha256}{partial.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return sha256, path


def _sweep(folder: Path) -> None:
    """Remove what killed runs left half written. Only one run is at work, so all of it is theirs."""
    if folder.is_dir():
        for leftover in folder.iterdir():
            if leftover.is_dir():  # a program's frames, left beside the clip it was making
                shutil.rmtree(leftover)
            else:
                leftover.unlink()

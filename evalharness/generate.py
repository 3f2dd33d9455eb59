"""Prompts x systems x seeds -> clips: resumable, bounded, retried where safe, every ending recorded.

One clip's way: its job is claimed in the database, an adapter writes it to a partial file, the file
is probed, hashed and moved to its place under `clips/`, and the clip's record and the job's end are
written in one transaction. Killed anywhere on that way, the next run starts that job again and
repeats no finished one; what was half written is swept away. What a vendor was asked for stands in the
job's journal, and is asked after, not asked for again.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from evalharness.adapters.maker import make_adapter
from evalharness.backlog import Wanted
from evalharness.budget import Budget, committed_usd
from evalharness.config import Study
from evalharness.dispatch import Dispatch, Progress, SystemProgress
from evalharness.errors import ConfigError
from evalharness.executors import Executor, executor_for
from evalharness.locks import only_run
from evalharness.outlook import Outlook, outlook
from evalharness.production import ASKED, PARTIAL, Failure, asked
from evalharness.purchases import given_up
from evalharness.records import FailureKind, JobKey, JobState, Prompt
from evalharness.store import Store

__all__ = ["GenerationSummary", "generate_study"]


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """What one run did and what the study has now."""

    planned: int
    """Jobs of the study as its settings stand."""
    made: int
    """Clips made by this run."""
    kept: int
    """Clips that were there before."""
    held: int = 0
    """Jobs not begun, because the budget would have been passed."""
    failures: Mapping[JobKey, Failure] = field(default_factory=dict)
    """Jobs without a clip, with the reason of their last try."""
    systems: Mapping[str, SystemProgress] = field(default_factory=dict)
    """What this run did for each system."""
    committed_usd: float | None = None
    """What the study has spent or may have to, where there is a budget."""
    notes: tuple[str, ...] = ()
    """Sentences the study's owner should know."""

    @property
    def by_kind(self) -> Mapping[FailureKind, int]:
        """How many jobs failed in which way."""
        return Counter(failure.kind for failure in self.failures.values())


def generate_study(
    study: Study,
    store: Store,
    prompts: Sequence[Prompt],
    *,
    retry_failed: bool = False,
    buy_again: bool = False,
    give_up: bool = False,
    budget_usd: float | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> GenerationSummary:
    """Make every clip the study still lacks.

    Jobs that failed in an earlier run stay failed unless `retry_failed`. What was asked of a vendor and
    never answered is not asked again unless `buy_again`, which may pay twice, and a task that runs there only
    where `give_up` says so, which does. No clip is begun that would bring what the study has spent, over all
    its runs, above `budget_usd`. What computes on this side of the network runs by `executor` (default: the
    study's). Raises ConfigError when an adapter's parameters are wrong, a price is not known under a budget,
    or another run is at work in this folder; a clip that cannot be made is no exception but a record.
    """
    with only_run(study.folder, "generate"):
        _check_adapters(study)
        study.storage.check()
        wanted = Wanted(store, study.systems, prompts, study.settings.generation.seeds)
        over = given_up(buy_again=buy_again, give_up=give_up)
        open_purchases = [row for row in store.purchases_without_clip() if row.open]
        store.abandon_purchases(row.key for row in open_purchases if row.stage in over and row.key in wanted)
        store.put_systems(study.systems)
        store.put_prompts(prompts)
        wanted.add()
        store.release_jobs()
        _sweep(study.clips / PARTIAL)
        foreseen = outlook(study, store, prompts, retry_failed=retry_failed)
        budget = None if budget_usd is None else _budget(study, store, prompts, foreseen, budget_usd)
        if foreseen.clips:
            _keep(study, foreseen)
        states = {JobState.PENDING} | ({JobState.FAILED} if retry_failed else set())
        run = Dispatch(
            study,
            store,
            prompts,
            wanted,
            states,
            executor=executor or executor_for(study),
            budget=budget,
            progress=progress,
        )
        systems = run.finish()
        made = sum(system.made for system in systems.values())
        done = sum(wanted.count(system).get(JobState.DONE, 0) for system in study.systems)
        return GenerationSummary(
            planned=len(wanted),
            made=made,
            kept=done - made,
            held=sum(system.held for system in systems.values()),
            failures={
                job.key: Failure(job.failure or FailureKind.PROGRAM, job.message or "")
                for job in store.jobs(JobState.FAILED)
                if job.key in wanted
            },
            systems=systems,
            committed_usd=None if budget is None else budget.committed_usd,
            notes=(*outlook(study, store, prompts).notes, *_notes(study, store, wanted)),
        )


def _budget(
    study: Study, store: Store, prompts: Sequence[Prompt], foreseen: Outlook, limit_usd: float
) -> Budget:
    """Raises ConfigError where a system's price is not known: no budget could be kept."""
    if foreseen.unpriced:
        raise ConfigError(
            f"The price of a clip of '{foreseen.unpriced[0]}' is not known, so a budget cannot be kept: add "
            "it to the model's file under data/adapters, or leave --budget out."
        )
    return Budget(limit_usd, committed_usd(study, store, prompts))


def _keep(study: Study, foreseen: Outlook) -> None:
    """Leave beside the clips what was planned and in what they were known to differ."""
    now = datetime.now(UTC)
    file = study.folder / "plans" / f"{now:%Y%m%dT%H%M%S.%fZ}.json"
    file.parent.mkdir(exist_ok=True)
    said = {"planned_at": now.isoformat(), "asked": asked(study.settings.generation), **asdict(foreseen)}
    file.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _notes(study: Study, store: Store, wanted: Wanted) -> tuple[str, ...]:
    """What the owner should know of the clips that are there."""
    now = asked(study.settings.generation)
    clips = others = 0
    other: object = None
    for stretch in store.clips_in_stretches():
        for clip in stretch:
            if clip.key not in wanted:
                continue
            clips += 1
            if clip.request.get(ASKED, now) != now:
                others += 1
                other = other or clip.request[ASKED]
    lost = study.storage.missing(
        clip.path for stretch in store.clips_in_stretches() for clip in stretch if clip.key in wanted
    )
    notes = []
    if others:
        notes.append(
            f"{others} of {clips} clips were asked for with other settings than [generation] has now "
            f"({other}, now {now}) and are kept as they are. For clips of one recipe make a new study, or "
            "put the settings back."
        )
    if lost:
        notes.append(
            f"{len(lost)} clips are recorded and their files are gone, {lost[0]} for one. Put them back: "
            "a clip's name is its content's hash, so any copy of the file will do."
        )
    return tuple(notes)


def _check_adapters(study: Study) -> None:
    """Make each system's adapter once, so that a wrong parameter is said before any work starts."""
    for system in study.systems:
        make_adapter(system, folder=study.folder)


def _sweep(folder: Path) -> None:
    """Remove what killed runs left half written. Only one run is at work, so all of it is theirs."""
    if folder.is_dir():
        for leftover in folder.iterdir():
            if leftover.is_dir():  # a program's frames, left beside the clip it was making
                shutil.rmtree(leftover)
            else:
                leftover.unlink()

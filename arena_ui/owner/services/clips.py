"""The clips: what came in, what is missing, what failed, and whether exhibits tell of their systems."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from evalharness.records import JobKey, JobState

if TYPE_CHECKING:
    from evalharness.blinding import AuditReport

__all__ = ["Failure", "Intake", "SystemClips", "blinding", "intake"]


@dataclass(frozen=True, slots=True)
class SystemClips:
    """What came of one system, under the name it is shown by."""

    system: str
    clips: int
    exhibits: int
    without_exhibit: int
    """Clips that no exhibit shows yet: blind the study."""
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A clip that could not be made."""

    system: str
    prompt_id: str
    seed: int
    kind: str
    attempts: int
    message: str
    """Empty for masked systems: a vendor's words may name them."""


@dataclass(frozen=True, slots=True)
class Intake:
    """All that came in."""

    systems: tuple[SystemClips, ...]
    failures: tuple[Failure, ...]
    prompts: int
    flawed: int
    """Exhibits spoiled on purpose, to see whether voters look."""


def intake(office: Office, person: Person) -> Intake:
    """What came in, and what did not. Raises NotAllowed."""
    office.permit(person, Action.CLIPS)
    return office.fresh.get("intake", lambda: _intake(office))


def _intake(office: Office) -> Intake:
    store, labels = office.store, office.labels
    masked = {system.name for system in office.study.systems if system.codename}
    clips, shown = {clip.key for clip in store.clips()}, {exhibit.clip for exhibit in store.exhibits()}
    jobs = store.jobs()
    states = Counter((job.key.system, job.state) for job in jobs)
    names = sorted({job.key.system for job in jobs} | set(labels), key=lambda name: labels.get(name, name))
    return Intake(
        systems=tuple(
            SystemClips(
                system=labels.get(name, name),
                clips=_of(name, clips),
                exhibits=_of(name, shown),
                without_exhibit=_of(name, clips - shown),
                waiting=states[name, JobState.PENDING] + states[name, JobState.RUNNING],
                failed=states[name, JobState.FAILED],
            )
            for name in names
        ),
        failures=tuple(
            Failure(
                labels.get(job.key.system, job.key.system),
                job.key.prompt_id,
                job.key.seed,
                job.failure.value if job.failure else "not recorded",
                job.attempts,
                "" if job.key.system in masked else job.message or "",
            )
            for job in jobs
            if job.state is JobState.FAILED
        ),
        prompts=len(store.prompts()),
        flawed=len(store.flawed_exhibits()),
    )


def _of(system: str, keys: set[JobKey]) -> int:
    return sum(key.system == system for key in keys)


def blinding(
    office: Office, person: Person, progress: Callable[[int, int], None] | None = None
) -> AuditReport | str:
    """The blinding report, or why there is none; made once for the same exhibits, since it decodes them all.

    Raises NotAllowed, and MediaError or StorageError where an exhibit cannot be read.
    """
    office.permit(person, Action.CLIPS)
    exhibits = office.store.exhibits()
    if not exhibits:
        return "There is nothing to examine: this study has no exhibits yet."
    known = blake2b(" ".join(each.sha256 for each in exhibits).encode(), digest_size=16).hexdigest()
    return office.lasting.get(f"blinding {known}", lambda: _blinding(office, progress))


def _blinding(office: Office, progress: Callable[[int, int], None] | None) -> AuditReport:
    from evalharness.blinding import audit_exhibits  # decodes media
    from evalharness.blinding.measured import mark_notes

    labels = office.labels
    exhibits = [
        replace(each, clip=replace(each.clip, system=labels.get(each.clip.system, each.clip.system)))
        for each in office.store.exhibits()
    ]
    clips = [
        replace(each, key=replace(each.key, system=labels.get(each.key.system, each.key.system)))
        for each in office.store.clips()
    ]
    storage = office.study.storage
    storage.fetch([(each.path, each.sha256) for each in exhibits], None)
    # Under their real names systems are looked for all the same.
    report = audit_exhibits(exhibits, storage.root, words=labels, progress=progress)
    return replace(
        report,
        findings=tuple(replace(found, sentence=_masked(found.sentence, labels)) for found in report.findings),
        values={},  # they hold words as they were found, and no page shows them
        notes=(*report.notes, *mark_notes(clips, office.store.measurements())),
    )


def _masked(sentence: str, labels: Mapping[str, str]) -> str:
    """The sentence with the name of who stands behind a codename left out."""
    for name, label in labels.items():
        if name != label:
            sentence = re.sub(re.escape(name), f"(who is behind {label})", sentence, flags=re.IGNORECASE)
    return sentence

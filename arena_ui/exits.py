"""How a voter leaves, and what they take back to the platform that sent them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from evalharness.labels import Outcome, Purpose, Question, ScreeningKind
from evalharness.people import Screening
from evalharness.records import Battle, Vote
from evalharness.settings import Platform, RecruitingSettings

__all__ = ["SUBMITS_TO", "Exit", "WayOut", "exit_of", "failed_traps", "is_screened_out", "way_out"]

TRIES: Mapping[ScreeningKind, int] = {ScreeningKind.DEVICE: 1, ScreeningKind.HEADPHONES: 2}
"""Trials after which a voter who passed none cannot take part. Languages and training turn nobody away."""
SUBMITS_TO: Mapping[Platform, tuple[str, ...]] = {Platform.MTURK: ("https://*.mturk.com",)}
"""Origins to which a page of ours hands in a form."""
SUBMIT_PATH = "/mturk/externalSubmit"


class Exit(StrEnum):
    """The four ways out; each has a code of its own."""

    COMPLETED = "completed"
    SCREENED_OUT = "screened_out"
    FAILED_CHECKS = "failed_checks"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True)
class WayOut:
    """What the last screen offers."""

    code: str
    """What the platform wants to be told."""
    url: str = ""
    """Where to go with it; "" where the code is only shown."""
    form: Mapping[str, str] = field(default_factory=dict)
    """Fields to post there; none: it is a link."""

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


def exit_of(*, done: bool, screened_out: bool, traps_failed: int, traps_forgiven: int) -> Exit | None:
    """By which exit a voter leaves; None while they are to go on.

    Checks decide once the session is done: before, nobody is told that one was failed.
    """
    if screened_out:
        return Exit.SCREENED_OUT
    if not done:
        return None
    return Exit.FAILED_CHECKS if traps_failed > traps_forgiven else Exit.COMPLETED


def is_screened_out(screenings: Iterable[Screening]) -> bool:
    """Whether these trials of one voter say for good that they cannot take part."""
    trials = tuple(screenings)
    for kind, tries in TRIES.items():
        passed = [each.passed for each in trials if each.kind is kind]
        if len(passed) >= tries and not any(passed):
            return True
    return False


def failed_traps(answered: Iterable[tuple[Battle, Iterable[Vote]]]) -> int:
    """How many of a voter's traps were answered otherwise than their words asked; open ones do not count."""
    failed = 0
    for battle, votes in answered:
        overall = [vote.outcome for vote in votes if vote.question is Question.OVERALL]
        failed += battle.purpose is Purpose.TRAP and bool(overall) and not _as_asked(battle, overall)
    return failed


def _as_asked(battle: Battle, overall: list[Outcome]) -> bool:
    return all(outcome is battle.expected for outcome in overall)


def way_out(exit_: Exit, settings: RecruitingSettings, details: Mapping[str, Any]) -> WayOut | None:
    """What to offer a voter who leaves by this exit; `details` as their arrival holds them.

    None in a study that nobody recruits for. Without `details`, as after people were forgotten, the code is
    only shown where the link told the way.
    """
    if settings.platform is Platform.OPEN:
        return None
    code = settings.codes.model_dump()[exit_]
    if settings.platform is not Platform.MTURK:
        return WayOut(code, settings.way_out(code))
    host, assignment = details.get("submit_to"), details.get("session")
    if not (host and assignment):
        return WayOut(code)
    return WayOut(code, f"{host}{SUBMIT_PATH}", {"assignmentId": str(assignment), "code": code})

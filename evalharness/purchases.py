"""What was asked of vendors and may have to be paid for: one record for each create, kept for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from evalharness.records import JobKey

__all__ = ["OPEN_STAGES", "Purchase", "PurchaseStage", "given_up"]


class PurchaseStage(StrEnum):
    """How far a create has come: INTENDED, SUBMITTED, RUNNING, DOWNLOADED and, once verified, DELIVERED.

    A vendor may be too quick to be seen RUNNING, and a file that no player could show is DOWNLOADED anew. The
    other three are endings without a clip. While a create is in one of OPEN_STAGES, no other one of its job
    may begin.
    """

    INTENDED = "intended"
    """About to be sent, or sent and never answered: it may be billed."""
    SUBMITTED = "submitted"
    """The vendor has a task for it, and bills it when it ends well."""
    RUNNING = "running"
    """The vendor was heard to be at it."""
    DOWNLOADED = "downloaded"
    """A file has come whole, its size and type as promised, and is hashed; whether it plays is not known."""
    DELIVERED = "delivered"
    """Verified: every frame of its clip was decoded, and it is the job's clip."""
    WITHDRAWN = "withdrawn"
    """It certainly had no effect."""
    ENDED = "ended"
    """The vendor ended the task without a clip."""
    ABANDONED = "abandoned"
    """A person has given it up and lets the job be paid for again."""


OPEN_STAGES = (
    PurchaseStage.INTENDED,
    PurchaseStage.SUBMITTED,
    PurchaseStage.RUNNING,
    PurchaseStage.DOWNLOADED,
)
"""Those in which a create stands, in their order; in all but the first the vendor's task is known."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One create at a vendor."""

    key: JobKey
    number: int
    """The how-manieth of its job, from 1."""
    stage: PurchaseStage
    intended_at: datetime
    request: Mapping[str, Any] = field(default_factory=dict)
    """The exact request, secrets left out, and what was asked for by it; JSON values only."""
    task_id: str | None = None
    """The vendor's, once it is known."""
    poll_url: str | None = None
    submitted_at: datetime | None = None
    """When the vendor answered the create; None where that answer was lost and the task found later."""
    running_at: datetime | None = None
    """When its task was seen to begin; None where nobody watched."""
    downloaded_at: datetime | None = None
    """When its file had come whole, for the last time."""
    closed_at: datetime | None = None
    """When it came to stand no more: delivered, withdrawn, ended or abandoned."""

    @property
    def open(self) -> bool:
        """Whether it still stands."""
        return self.stage in OPEN_STAGES


def given_up(*, buy_again: bool, give_up: bool) -> frozenset[PurchaseStage]:
    """Which creates a person lets be paid for again: those without an answer, or tasks that run, too."""
    if give_up:
        return frozenset(OPEN_STAGES)
    return frozenset({PurchaseStage.INTENDED}) if buy_again else frozenset()

"""What was asked of vendors and may have to be paid for: one record for each create, kept for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from evalharness.records import JobKey

__all__ = ["Purchase", "PurchaseStage", "given_up"]


class PurchaseStage(StrEnum):
    """Where a create stands. While it is INTENDED or SUBMITTED, no other one of its job may begin."""

    INTENDED = "intended"
    """About to be sent, or sent and never answered: it may be billed."""
    SUBMITTED = "submitted"
    """The vendor has a task for it, and bills it when it ends well."""
    DELIVERED = "delivered"
    """Its clip is the job's clip."""
    WITHDRAWN = "withdrawn"
    """It certainly had no effect."""
    ENDED = "ended"
    """The vendor ended the task without a clip."""
    ABANDONED = "abandoned"
    """A person has given it up and lets the job be paid for again."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One create at a vendor."""

    key: JobKey
    number: int
    """The how-manieth of its job, from 1."""
    stage: PurchaseStage
    intended_at: datetime
    request: Mapping[str, Any] = field(default_factory=dict)
    """The exact request, secrets left out; JSON values only."""
    task_id: str | None = None
    """The vendor's, once it is known."""
    poll_url: str | None = None
    submitted_at: datetime | None = None
    closed_at: datetime | None = None
    """When it came to stand no more: delivered, withdrawn, ended or abandoned."""

    @property
    def open(self) -> bool:
        """Whether it still stands."""
        return self.stage in {PurchaseStage.INTENDED, PurchaseStage.SUBMITTED}


def given_up(*, buy_again: bool, give_up: bool) -> frozenset[PurchaseStage]:
    """Which creates a person lets be paid for again: those without an answer, or tasks that run, too."""
    if give_up:
        return frozenset({PurchaseStage.INTENDED, PurchaseStage.SUBMITTED})
    return frozenset({PurchaseStage.INTENDED}) if buy_again else frozenset()

"""Records of the people of a study: how voters came, what they were tried for, what they reported, and what
its owners did.

What could name a person lies in `Arrival` alone, so that it can be taken away after they are paid, and
everything else about a voter means nothing by itself. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from evalharness.labels import FaultKind, ScreeningKind

__all__ = [
    "BY_VOTER",
    "SIMULATED",
    "TAKEN_AWAY",
    "Arrival",
    "AuditEntry",
    "Fault",
    "Screening",
    "is_reserved",
]

BY_VOTER = "the voter"
"""Author of the ruling by which somebody withdraws; nobody else's decision overrules it."""
TAKEN_AWAY = "taken away with the person"
"""What is left of the reason that a person gave for a decision on a voter who was erased."""
SIMULATED = "simulated"
"""How the names of simulated voters begin; the ids of people are random hexadecimal."""
_RULE = re.compile(r"[a-z_]+/\d+")


def is_reserved(author: str) -> bool:
    """Whether this is no person: a rule with its version, such as `quality/2`, or a voter for themselves."""
    return author == BY_VOTER or _RULE.fullmatch(author) is not None


@dataclass(frozen=True, slots=True)
class Arrival:
    """From where a voter came; what a recruiting platform calls them."""

    voter_id: str
    platform: str
    """Name of the platform, or "open" where nobody sent them."""
    person_key: str
    """Keyed hash of what the platform calls the person: whoever comes again is the same voter."""
    person: str | None
    """What the platform calls the person, for paying them; None once it was taken away."""
    details: Mapping[str, Any]
    """The platform's names of the study and of the session, and where to send the person afterwards."""
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Screening:
    """One trial of a voter's machine, ears or understanding. Append only."""

    voter_id: str
    kind: ScreeningKind
    passed: bool
    created_at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    """What was measured or answered; JSON values only."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A pair that its voter could not judge. Append only; such a pair has no votes."""

    battle_id: str
    kind: FaultKind
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did on the owner's pages. Append only."""

    author: str
    role: str
    action: str
    details: Mapping[str, Any]
    created_at: datetime

"""Who may do what on the owner's pages: one table, asked by every service before it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from evalharness.errors import EvalHarnessError

__all__ = ["ALLOWED", "Action", "NotAllowed", "Person", "Role", "require"]


class Role(StrEnum):
    """What somebody is to a study, from least to most."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    OWNER = "owner"


class Action(StrEnum):
    """What can be done. The label is what a refusal and the audit call it."""

    PROGRESS = "see the progress"
    RESULTS = "see the results"
    CLIPS = "see the clips"
    QUALITY = "see the quality"
    RATERS = "see the raters"
    EXPORT = "export votes without names"
    NAMES = "see what platforms call raters"
    DECIDE = "decide on raters"
    PRIVACY = "find, export or erase a person"
    AUDIT = "see the audit"


_VIEWER = frozenset({Action.PROGRESS, Action.RESULTS})
_ANALYST = _VIEWER | {Action.CLIPS, Action.QUALITY, Action.RATERS, Action.EXPORT}
ALLOWED: Mapping[Role, frozenset[Action]] = MappingProxyType(
    {Role.VIEWER: _VIEWER, Role.ANALYST: _ANALYST, Role.OWNER: frozenset(Action)}
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in."""

    name: str
    """Of their account, or their e-mail address: the author of what they decide."""
    role: Role

    def may(self, action: Action) -> bool:
        """Whether their role allows it."""
        return action in ALLOWED[self.role]


class NotAllowed(EvalHarnessError):
    """A role does not allow what was asked."""


def require(person: Person, action: Action) -> None:
    """Raise NotAllowed where the person's role does not allow the action."""
    if not person.may(action):
        least = next(role for role in Role if action in ALLOWED[role])
        raise NotAllowed(
            f"To {action}, one has to be {least} of this study; {person.name} is {person.role}. "
            "Ask its owner for another role."
        )

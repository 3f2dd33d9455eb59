"""All battles and votes, read once for every service that looks at them."""

from __future__ import annotations

from dataclasses import dataclass

from arena_ui.owner.office import Office
from evalharness.records import Battle, Vote

__all__ = ["Cast", "cast"]


@dataclass(frozen=True, slots=True)
class Cast:
    """What was shown and answered."""

    battles: tuple[Battle, ...]
    votes: tuple[Vote, ...]


def cast(office: Office) -> Cast:
    """All battles and votes of the study, a few seconds old at most."""
    return office.fresh.get("cast", lambda: Cast(office.store.battles(), office.store.votes()))

"""What one voter preferred: their own comparisons, counted by system. Pure.

Checks are left out, as they are of every board: with them somebody could tell which pairs were checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evalharness.records import Battle, Outcome, Purpose

__all__ = ["Judged", "Standing", "judged", "standings"]

LOST_TO = {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}


@dataclass(frozen=True, slots=True)
class Judged:
    """A comparison with what its voter said, and who made the clips."""

    prompt: str
    """Its words."""
    left: str
    """The system, as it is published."""
    right: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Standing:
    """How often one system was preferred."""

    system: str
    shown: int
    won: int
    lost: int
    tied: int
    both_bad: int

    @property
    def share(self) -> float:
        """Of what could be won, ties half; both-bad pairs are not won by anybody."""
        return (self.won + 0.5 * self.tied) / self.shown


def judged(
    answered: Iterable[tuple[Battle, Outcome]], prompts: Mapping[str, str], labels: Mapping[str, str]
) -> tuple[Judged, ...]:
    """The comparisons among a voter's answered battles, in their order.

    `prompts` are words by id, `labels` published names by system.
    """
    return tuple(
        Judged(
            prompts.get(battle.prompt_id, ""),
            labels.get(battle.left.system, battle.left.system),
            labels.get(battle.right.system, battle.right.system),
            outcome,
        )
        for battle, outcome in answered
        if battle.purpose is Purpose.COMPARISON
    )


def standings(pairs: Iterable[Judged]) -> tuple[Standing, ...]:
    """The systems, the most preferred first."""
    seen: dict[str, list[Outcome]] = {}
    for pair in pairs:
        seen.setdefault(pair.left, []).append(pair.outcome)
        seen.setdefault(pair.right, []).append(LOST_TO.get(pair.outcome, pair.outcome))
    made = [
        Standing(
            system,
            len(said),
            won=said.count(Outcome.LEFT),
            lost=said.count(Outcome.RIGHT),
            tied=said.count(Outcome.TIE),
            both_bad=said.count(Outcome.BOTH_BAD),
        )
        for system, said in seen.items()
    ]
    return tuple(sorted(made, key=lambda standing: (-standing.share, standing.system)))

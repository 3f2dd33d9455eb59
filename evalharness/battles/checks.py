"""When a voter's session tests the voter: positions drawn by the voter's id, and what each shows again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from evalharness.labels import Scale
from evalharness.records import Battle, Outcome, Purpose

__all__ = ["Agenda", "Checks", "trap_answer"]

TRAPS = {
    Scale.FOUR: (Outcome.LEFT, Outcome.RIGHT, Outcome.BOTH_BAD),
    Scale.FIVE: (Outcome.LEFT, Outcome.RIGHT),
}
"""What a trap may ask for. A tie is what somebody answers who did not look."""


@dataclass(frozen=True, slots=True)
class Checks:
    """How many a session holds of each kind, and where they may stand."""

    traps: int = 0
    repeats: int = 0
    swapped_repeats: int = 0
    golds: int = 0
    first_after: int = 3
    """Comparisons before the first check."""
    apart: int = 4
    """Pairs between a battle and its repeat."""

    @property
    def number(self) -> int:
        """How many a session holds in all."""
        return sum(self.kinds.values())

    @property
    def kinds(self) -> Mapping[Purpose, int]:
        """How many of each kind."""
        return {
            Purpose.TRAP: self.traps,
            Purpose.REPEAT: self.repeats,
            Purpose.SWAPPED_REPEAT: self.swapped_repeats,
            Purpose.GOLD: self.golds,
        }


class Agenda:
    """One voter's checks: the same however often it is asked for, and another one for another voter."""

    def __init__(self, checks: Checks, secret: str, comparisons: int) -> None:
        """`secret`: the voter's, and unknown to them, or they could tell where their checks stand.

        `comparisons`: how many a session holds. Of checks that find no room, the last are left out.
        """
        self._checks = checks
        rng = Random(f"checks/{secret}")
        kinds = [kind for kind, number in checks.kinds.items() for _ in range(number)]
        rng.shuffle(kinds)
        last = comparisons + len(kinds)
        # Between two checks stands a comparison: drawn from positions closed up, then moved apart.
        room = range(checks.first_after, max(last - len(kinds) + 1, checks.first_after))
        places = sorted(rng.sample(room, min(len(kinds), len(room))))
        self._plan = [
            (place + nth, kind) for nth, (place, kind) in enumerate(zip(places, kinds, strict=False))
        ]

    def due(self, before: Sequence[Battle], put_aside: Sequence[bool] = ()) -> tuple[Purpose, ...]:
        """Kinds of check whose time has come after these battles, and that were not shown yet.

        A check that its voter put aside as faulty, as `put_aside` says battle by battle, is shown again: no
        check is passed by reporting it.
        """
        if before and before[-1].purpose is not Purpose.COMPARISON:
            return ()
        wanted = Counter(kind for place, kind in self._plan if place <= len(before))
        wanted.subtract(Counter(each.purpose for each in before))
        again = zip(before, put_aside, strict=True) if put_aside else ()
        wanted.update(Counter(each.purpose for each, faulty in again if faulty))
        return tuple(kind for kind, number in wanted.items() if number > 0)

    def to_repeat(self, before: Sequence[Battle], answered: Sequence[bool]) -> Battle | None:
        """The battle to show again, None where none is long enough ago; each is shown again once at most."""
        taken = {each.repeats for each in before}
        for battle, is_answered in list(zip(before, answered, strict=True))[: -self._checks.apart]:
            if is_answered and battle.purpose is Purpose.COMPARISON and battle.id not in taken:
                return battle
        return None


def trap_answer(battle_id: str, scale: Scale) -> Outcome:
    """What a trap asks for."""
    return Random(f"trap/{battle_id}").choice(TRAPS[scale])

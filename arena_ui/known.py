"""Battles by voter: what never changes of them is kept here, what changes is asked of the database."""

from __future__ import annotations

from evalharness.records import Battle
from evalharness.store import Store
from evalharness.store.showings import Shown

__all__ = ["KnownBattles"]

MOST = 16_384
"""Battles kept, some kilobyte each; the first that came go first."""


class KnownBattles:
    """The battles of a store, read once each. Thread-safe."""

    def __init__(self, store: Store, most: int = MOST) -> None:
        self._store, self._most = store, most
        self._battles: dict[str, Battle] = {}

    def note(self, battle: Battle) -> None:
        """A battle that was read or stored."""
        while len(self._battles) >= self._most:
            self._battles.pop(next(iter(self._battles), ""), None)
        self._battles[battle.id] = battle

    def battle(self, battle_id: str) -> Battle:
        """One battle. Raises NotFoundError."""
        known = self._battles.get(battle_id)
        if known is None:
            known = self._store.battle(battle_id)
            self.note(known)
        return known

    def shown_to(self, voter_id: str) -> tuple[Shown, ...]:
        """All battles of one voter, oldest first, and where each stands."""
        standings = self._store.standings(voter_id)
        known = [self._battles.get(each.battle_id) for each in standings]
        if None not in known:
            return tuple(
                Shown(battle, each.answered_at, each.faulty)
                for battle, each in zip(known, standings, strict=True)
                if battle is not None
            )
        shown = self._store.shown_to(voter_id)
        for each in shown:
            self.note(each.battle)
        return shown

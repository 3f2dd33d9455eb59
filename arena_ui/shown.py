"""What the study has shown by now: the tally that draws are balanced by, kept fresh beside other processes.

A battle counts from the moment it is drawn. One that nobody answers within the ticket's life was given up: it
counts no longer, and the pair comes back for somebody else. What other processes draw is read at most once a
second, so that several of them may overshoot a quota by what they draw within one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from evalharness.battles import Pair, Pool, Quotas, Tally
from evalharness.records import Battle, Purpose
from evalharness.store import Store
from evalharness.store.showings import Opened

__all__ = ["ShownByNow"]

REFRESH = timedelta(seconds=1)
OVERLAP = timedelta(seconds=30)
"""How far clocks of several machines may differ."""


class ShownByNow:
    """The live tally of one study. Not thread-safe: whoever draws holds a lock anyway."""

    def __init__(
        self, store: Store, pool: Pool, quotas: Quotas, life: timedelta, clock: Callable[[], datetime]
    ) -> None:
        """`life`: how long a voter may take to answer a battle."""
        self._store, self._life, self._clock = store, life, clock
        self._tally = Tally(pool, quotas=quotas)
        self._known: dict[str, Opened] = {}
        """Battles whose ticket may still live, and young ones that a look at the database may find again."""
        self._read_at = clock()
        began = self._read_at - life - OVERLAP
        for often in store.answered_before(began):
            self._tally.add(
                often.category, _pair(often.prompt_id, often.left, often.right), often.left, often.right,
                often.number,
            )  # fmt: skip
        self._learn(began)

    def tally(self) -> Tally:
        """How often everything was shown, by now."""
        now = self._clock()
        if now - self._read_at >= REFRESH:
            since, self._read_at = self._read_at - OVERLAP, now
            self._learn(since)
            self._forget(now)
        return self._tally

    def note(self, battle: Battle) -> None:
        """This process drew a battle."""
        if battle.purpose is Purpose.COMPARISON:
            left, right = battle.left.system, battle.right.system
            self._add(Opened(battle.id, battle.category, battle.prompt_id, left, right, battle.created_at))

    def take_back(self, battle: Battle) -> None:
        """A battle that was noted could not be stored. Was it stored after all, the next look finds it."""
        opened = self._known.pop(battle.id, None)
        if opened is not None:
            self._remove(opened)

    def _learn(self, since: datetime) -> None:
        for opened in self._store.opened_since(since):
            if opened.battle_id not in self._known:
                self._add(opened)

    def _add(self, opened: Opened) -> None:
        self._known[opened.battle_id] = opened
        pair = _pair(opened.prompt_id, opened.left, opened.right)
        self._tally.add(opened.category, pair, opened.left, opened.right)

    def _forget(self, now: datetime) -> None:
        """Take back what was never answered, and remember no longer what was."""
        over = [each for each in self._known.values() if now - each.created_at > self._life + OVERLAP]
        if not over:
            return
        answered = self._store.answered_among([each.battle_id for each in over])
        for opened in over:
            del self._known[opened.battle_id]
            if opened.battle_id not in answered:
                self._remove(opened)

    def _remove(self, opened: Opened) -> None:
        pair = _pair(opened.prompt_id, opened.left, opened.right)
        self._tally.remove(opened.category, pair, opened.left, opened.right)


def _pair(prompt_id: str, left: str, right: str) -> Pair:
    return Pair(prompt_id, *sorted((left, right)))

"""How often everything was shown so far: what balance is kept by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from evalharness.battles.pool import Board, Counts, Pair, Pool, pair_of
from evalharness.records import Battle, Category

__all__ = ["NEVER", "Sheet", "Tally", "least_shown"]

NEVER = np.iinfo(np.int32).max
"""Stands for 'cannot be shown' where the fewest battles are looked for."""


class Tally:
    """How often each category, pair and side of a pool was shown so far; add every battle that is opened.

    Battles on prompts or systems that are no longer in the pool count for what is left of them.
    """

    def __init__(self, pool: Pool, battles: Iterable[Battle] = ()) -> None:
        self._pool = pool
        self.categories: Counter[Category] = Counter()
        self.orders: Counter[tuple[str, str]] = Counter()
        """(left system, right system) over the whole study."""
        self.lefts: Counter[str] = Counter()
        self.sheets: Mapping[Category, Sheet] = {
            category: Sheet(pool, board) for category, board in pool.boards.items()
        }
        for battle in battles:
            self.add(battle.category, pair_of(battle), battle.left.system, battle.right.system)

    def add(self, category: Category, pair: Pair, left: str, right: str) -> None:
        """Count one battle."""
        self.categories[category] += 1
        self.orders[left, right] += 1
        self.lefts[left] += 1
        couple = self._pool.couple(*pair.systems)
        if couple is not None and category in self.sheets:
            self.sheets[category].add(pair.prompt_id, couple)


class Sheet:
    """The battles of one category, by couple: arrays of shape (couples,)."""

    def __init__(self, pool: Pool, board: Board) -> None:
        self._pool, self._board = pool, board
        self._row = {prompt_id: number for number, prompt_id in enumerate(board.prompts)}
        self._times: dict[int, Counts] = {}
        self.meetings: Counts = np.zeros_like(board.both)
        """How often the two systems met."""
        self.fewest: Counts = np.zeros_like(board.both)
        """Battles on that of their prompts on which they met least."""
        self.prompts: Counts = board.both.copy()
        """On how many prompts they met so few times."""

    def add(self, prompt_id: str, couple: int) -> None:
        """Count one battle."""
        self.meetings[couple] += 1
        times = self.times(couple)
        row = self._row.get(prompt_id)
        if row is not None and times[row] != NEVER:
            self._times[couple] = times
            times[row] += 1
            self.fewest[couple], self.prompts[couple] = least_shown(times)

    def times(self, couple: int) -> Counts:
        """Shape (prompts,): battles of the two systems on each prompt, `NEVER` where one has no exhibit."""
        known = self._times.get(couple)
        if known is not None:
            return known
        first, second = (self._board.on[:, which[couple]] for which in (self._pool.first, self._pool.second))
        return np.where(first & second, 0, NEVER).astype(np.int32)

    def unseen(self, couple: int, seen: Iterable[str]) -> Counts:
        """`times`, for a voter who has seen the two systems on these prompts and shall not again."""
        times = self.times(couple).copy()
        times[[self._row[prompt_id] for prompt_id in seen]] = NEVER
        return times


def least_shown(times: Counts) -> tuple[int, int]:
    """The least number of battles on a prompt, and on how many prompts; (0, 0) where none can be shown."""
    least = int(times.min())
    return (0, 0) if least == NEVER else (least, int(np.count_nonzero(times == least)))

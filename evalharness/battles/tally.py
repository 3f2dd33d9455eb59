"""How often everything was shown so far: what balance and quotas are kept by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from evalharness.battles.pool import Board, Counts, Pair, Pool, pair_of
from evalharness.records import Battle, Category

__all__ = ["NEVER", "Quotas", "Sheet", "Tally", "least_shown"]

NEVER = np.iinfo(np.int32).max
"""Stands for 'cannot be shown' where the fewest battles are looked for."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many battles are wanted at most; None where there is no end."""

    pair: int | None = None
    """Of two systems, in each category."""
    prompt: int | None = None
    category: int | None = None


NO_QUOTAS = Quotas()
NOTHING_SEEN: Mapping[int, Iterable[str]] = MappingProxyType({})


class Tally:
    """How often each category, pair and side of a pool was shown so far; add every battle that is opened.

    Battles on prompts or systems that are no longer in the pool count for what is left of them.
    """

    def __init__(self, pool: Pool, battles: Iterable[Battle] = (), quotas: Quotas = NO_QUOTAS) -> None:
        self._pool, self._quotas = pool, quotas
        self.categories: Counter[Category] = Counter()
        self.orders: Counter[tuple[str, str]] = Counter()
        """(left system, right system) over the whole study."""
        self.lefts: Counter[str] = Counter()
        self.sheets: Mapping[Category, Sheet] = {
            category: Sheet(pool, board, quotas) for category, board in pool.boards.items()
        }
        for battle in battles:
            self.add(battle.category, pair_of(battle), battle.left.system, battle.right.system)

    def add(self, category: Category, pair: Pair, left: str, right: str, number: int = 1) -> None:
        """Count a battle, or `number` of them."""
        self._count(number, category, pair, left, right)

    def remove(self, category: Category, pair: Pair, left: str, right: str) -> None:
        """Count one battle no longer, that was added: it was shown and will not be answered."""
        self._count(-1, category, pair, left, right)

    def left_over(self, category: Category, seen: Mapping[int, Iterable[str]] = NOTHING_SEEN) -> Counts:
        """Shape (couples,): prompts on which they may still meet before a voter who has seen them on others.

        `seen`: by couple, the ids of prompts.
        """
        if self._quotas.category is not None and self.categories[category] >= self._quotas.category:
            return np.zeros_like(self.sheets[category].meetings)
        return self.sheets[category].left_over(seen)

    @property
    def is_full(self) -> bool:
        """Whether all that is wanted was shown: there is nothing left for anybody."""
        return not any(self.left_over(category).any() for category in self.sheets)

    def _count(self, step: int, category: Category, pair: Pair, left: str, right: str) -> None:
        self.categories[category] += step
        self.orders[left, right] += step
        self.lefts[left] += step
        couple = self._pool.couple(*pair.systems)
        if couple is not None and category in self.sheets:
            self.sheets[category].count(step, pair.prompt_id, couple)


class Sheet:
    """The battles of one category, by couple: arrays of shape (couples,).

    A prompt that has its quota is closed: what is said of prompts is said of the open ones.
    """

    def __init__(self, pool: Pool, board: Board, quotas: Quotas = NO_QUOTAS) -> None:
        self._pool, self._board, self._quotas = pool, board, quotas
        self._row = {prompt_id: number for number, prompt_id in enumerate(board.prompts)}
        self._times: dict[int, Counts] = {}
        self._on_prompt = np.zeros(len(board.prompts), dtype=np.int64)
        self._closed = np.zeros(len(board.prompts), dtype=np.bool_)
        self._open: Counts = board.both.copy()
        self.meetings: Counts = np.zeros_like(board.both)
        """How often the two systems met."""
        self.fewest: Counts = np.zeros_like(board.both)
        """Battles on that of their open prompts on which they met least."""
        self.prompts: Counts = board.both.copy()
        """On how many open prompts they met so few times."""

    def count(self, step: int, prompt_id: str, couple: int) -> None:
        """Count `step` battles more, or less where it is negative."""
        self.meetings[couple] += step
        row = self._row.get(prompt_id)
        if row is None:
            return
        times = self._times.setdefault(couple, self._times_of(couple))
        if times[row] != NEVER:
            times[row] += step
            self.fewest[couple], self.prompts[couple] = least_shown(self.unseen(couple))
        self._on_prompt[row] += step
        if self._quotas.prompt is not None:
            self._turn(row, closed=bool(self._on_prompt[row] >= self._quotas.prompt))

    def left_over(self, seen: Mapping[int, Iterable[str]]) -> Counts:
        """As `Tally.left_over`, but for the category's own quota."""
        left = self._open.copy()
        for couple, prompt_ids in seen.items():
            left[couple] -= sum(not self._closed[self._row[prompt_id]] for prompt_id in prompt_ids)
        if self._quotas.pair is not None:
            left[self.meetings >= self._quotas.pair] = 0
        return left

    def unseen(self, couple: int, seen: Iterable[str] = ()) -> Counts:
        """Shape (prompts,): battles of the two systems on each prompt, `NEVER` where they may not meet.

        That is where one has no exhibit, on closed prompts, and on those where the voter has `seen` them.
        """
        times = self._times_of(couple).copy()
        times[self._closed] = NEVER
        times[[self._row[prompt_id] for prompt_id in seen]] = NEVER
        return times

    def _times_of(self, couple: int) -> Counts:
        known = self._times.get(couple)
        if known is not None:
            return known
        first, second = (self._board.on[:, which[couple]] for which in (self._pool.first, self._pool.second))
        return np.where(first & second, 0, NEVER).astype(np.int32)

    def _turn(self, row: int, *, closed: bool) -> None:
        """Close a prompt, or open it again."""
        if self._closed[row] == closed:
            return
        self._closed[row] = closed
        on = self._board.on[row]
        couples = np.flatnonzero(on[self._pool.first] & on[self._pool.second])
        self._open[couples] += -1 if closed else 1
        self.fewest[couples], self.prompts[couples] = 0, self._open[couples]  # right where they never met
        for couple in set(couples.tolist()) & self._times.keys():
            self.fewest[couple], self.prompts[couple] = least_shown(self.unseen(couple))


def least_shown(times: Counts) -> tuple[int, int]:
    """The least number of battles on a prompt, and on how many prompts; (0, 0) where none can be shown."""
    least = int(times.min())
    return (0, 0) if least == NEVER else (least, int(np.count_nonzero(times == least)))

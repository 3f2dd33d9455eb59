"""What a study can show: pairs of systems on a prompt, and the exhibits behind them.

A study of 300 systems on 100 prompts has 4.5 million pairs, so a pool does not list them: it keeps one number
for every *couple*, two systems on whatever prompt, in each category. Couples are numbered as
`np.triu_indices(systems, 1)` lists them: by first, then by second system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from evalharness.records import Battle, Category, Exhibit, Prompt

__all__ = ["Board", "Counts", "Pair", "Pool", "pair_of"]

Counts = NDArray[np.int32]


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two systems on one prompt, in no order: `first` < `second` by name."""

    prompt_id: str
    first: str
    second: str

    @property
    def systems(self) -> tuple[str, str]:
        """The two names, sorted."""
        return self.first, self.second


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """What one category has to show."""

    prompts: tuple[str, ...]
    """Ids, sorted."""
    on: NDArray[np.bool_]
    """Shape (prompts, systems): whether the system has an exhibit on the prompt."""
    both: Counts
    """Shape (couples,): on how many prompts both systems have one."""


class Pool:
    """Every pair a study can show: prompts and their exhibits, sorted so that order of input is no matter."""

    def __init__(self, prompts: Iterable[Prompt], exhibits: Iterable[Exhibit]) -> None:
        self.prompts: Mapping[str, Prompt] = {prompt.id: prompt for prompt in prompts}
        shelf: dict[tuple[str, str], list[Exhibit]] = {}
        for exhibit in sorted(exhibits, key=lambda each: (each.clip, each.id)):
            if exhibit.prompt_id in self.prompts:
                shelf.setdefault((exhibit.prompt_id, exhibit.clip.system), []).append(exhibit)
        self._shelf = shelf
        self.systems: tuple[str, ...] = tuple(sorted({system for _, system in shelf}))
        self._place = {name: number for number, name in enumerate(self.systems)}
        self.first, self.second = np.triu_indices(len(self.systems), 1)
        """Shape (couples,): where the two systems of each couple stand in `systems`."""
        self.boards: Mapping[Category, Board] = {
            category: self._board(category)
            for category in sorted({self.prompts[prompt_id].category for prompt_id, _ in shelf})
        }
        self.size: int = sum(int(board.both.sum()) for board in self.boards.values())
        """How many pairs there are."""

    def session(self, most: int) -> int:
        """Comparisons in the session of one voter: `most`, or all there are."""
        return min(most, self.size)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All of them, by prompt and systems; a long list where systems are many, so draws go without it."""
        systems: dict[str, list[str]] = {}
        for prompt_id, system in sorted(self._shelf):
            systems.setdefault(prompt_id, []).append(system)
        return tuple(
            Pair(prompt_id, first, second)
            for prompt_id, names in systems.items()
            for first, second in combinations(names, 2)
        )

    @property
    def paired_prompts(self) -> frozenset[str]:
        """Ids of the prompts on which two systems or more have an exhibit."""
        return frozenset(
            board.prompts[row]
            for board in self.boards.values()
            for row in np.flatnonzero(board.on.sum(axis=1) > 1)
        )

    def __contains__(self, pair: Pair) -> bool:
        return all((pair.prompt_id, system) in self._shelf for system in pair.systems)

    def category(self, pair: Pair) -> Category:
        """The board the pair counts for."""
        return self.prompts[pair.prompt_id].category

    def couple(self, first: str, second: str) -> int | None:
        """The number of two systems, `first` < `second` by name; None where one has nothing to show."""
        i, j = self._place.get(first), self._place.get(second)
        return None if i is None or j is None else i * (2 * len(self.systems) - i - 1) // 2 + j - i - 1

    def exhibits(self, pair: Pair) -> Sequence[tuple[Exhibit, Exhibit]]:
        """Exhibits of (first, second): those of equal seed where there are any, else every combination."""
        first, second = (self._shelf[pair.prompt_id, system] for system in pair.systems)
        both = tuple(product(first, second))
        matched = tuple((one, other) for one, other in both if one.clip.seed == other.clip.seed)
        return matched or both

    def _board(self, category: Category) -> Board:
        prompts = sorted({p for p, _ in self._shelf if self.prompts[p].category is category})
        row = {prompt_id: number for number, prompt_id in enumerate(prompts)}
        on = np.zeros((len(prompts), len(self.systems)), dtype=np.bool_)
        for prompt_id, system in self._shelf:
            if prompt_id in row:
                on[row[prompt_id], self._place[system]] = True
        counted = on.astype(np.float32)  # exact up to 16 million prompts, and fast
        together = counted.T @ counted
        return Board(tuple(prompts), on, together[self.first, self.second].astype(np.int32))


def pair_of(battle: Battle) -> Pair:
    """The pair a battle showed."""
    first, second = sorted((battle.left.system, battle.right.system))
    return Pair(battle.prompt_id, first, second)

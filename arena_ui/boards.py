"""The boards that visitors see: counted once for all of them, and again when somebody looks later.

Counting a million votes takes seconds the first time, and well under one after that: where there are many,
it is begun when the arena starts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalharness.errors import RatingError, StoreError
from evalharness.labels import Sorting
from evalharness.records import Category, Leaderboard, Question, System
from evalharness.store import Store

if TYPE_CHECKING:
    from evalharness.standings import Standings

__all__ = ["Boards"]

FRESH_S = 5.0
"""For how long visitors share one board, at least."""
REST = 19.0
"""Times as long as the counting took it rests, so that votes never wait for boards."""

MANY = 100_000
"""Votes that are worth counting before anybody asks; fewer take less time than loading what counts them."""


@dataclass(frozen=True, slots=True)
class _Made:
    board: Leaderboard | str
    until: float


class Boards:
    """Boards under published names. Thread-safe."""

    def __init__(
        self,
        store: Store,
        systems: Sequence[System],
        clock: Callable[[], float] = time.monotonic,
        sort: Sorting = Sorting.RATING,
    ) -> None:
        self._store, self._systems, self._clock, self._sort = store, tuple(systems), clock, sort
        self._standings: Standings | None = None
        self._made: dict[tuple[Category | None, Question], _Made] = {}
        self._counting = threading.Lock()

    def board(self, category: Category | None, question: Question) -> Leaderboard | str:
        """The board of the votes that count, None: of all categories; or the sentence why there is none."""
        made = self._held(category, question)
        if made is not None:
            return made.board
        with self._counting:  # one at a time: whoever waited finds the board
            made = self._held(category, question) or self._count(category, question)
        return made.board

    def begin(self, question: Question) -> threading.Thread:
        """Count the board that visitors see first, beside the voting, where that takes long."""

        def count() -> None:
            try:
                if self._store.votes_cast(category=None, question=question) >= MANY:
                    self.board(None, question)
            except StoreError:  # the first visitor who looks is told
                return

        thread = threading.Thread(target=count, name="first board", daemon=True)
        thread.start()
        return thread

    def _held(self, category: Category | None, question: Question) -> _Made | None:
        made = self._made.get((category, question))
        return made if made is not None and self._clock() < made.until else None

    def _count(self, category: Category | None, question: Question) -> _Made:
        if self._standings is None:
            from evalharness.standings import Standings  # scipy: only where boards are looked at

            self._standings = Standings(self._store, self._systems, self._sort)
        began = self._clock()
        try:
            board: Leaderboard | str = self._standings.board(category, question)
        except RatingError as error:
            board = str(error)
        now = self._clock()
        made = self._made[category, question] = _Made(board, now + max(FRESH_S, REST * (now - began)))
        return made

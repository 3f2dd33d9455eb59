"""The boards of a study whose votes keep coming: read once, then only what is new.

    standings = Standings(store, study.systems)
    standings.board(Category.TEXT_TO_VIDEO, Question.OVERALL)      # the votes as they are now

Votes are append only, so all but the first reading asks for the newest alone. Whose votes count may change at
any time: that is asked every time, and is a mask. Nothing is trusted: where votes held and votes in the
database differ in number, or a single vote was excluded, all are read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalharness.labels import Sorting
from evalharness.ratings import leaderboard
from evalharness.ratings.tally import tally_codes
from evalharness.records import Category, Leaderboard, Outcome, Question, System
from evalharness.store import Store

__all__ = ["Standings"]

LATE = timedelta(minutes=2)
"""By how much a vote may reach the database later than its moment says: its writer had to wait, or a clock
of another machine is slow."""
_OUTCOMES = {outcome.value: place for place, outcome in enumerate(Outcome)}
_LEFT, _RIGHT, _OUTCOME, _VOTER, _PROMPT, _CATEGORY, _EXCLUDED = range(7)
Codes = NDArray[np.int32]


class Standings:
    """The boards of one study. Thread-safe; who asks for a question that is being read waits for it."""

    def __init__(self, store: Store, systems: Sequence[System], sort: Sorting = Sorting.RATING) -> None:
        self._store, self._sort = store, sort
        self._labels = {system.name: system.label for system in systems}
        self._votes: dict[Question, _Votes] = {}
        self._locks = {question: threading.Lock() for question in Question}

    def board(self, category: Category | None, question: Question) -> Leaderboard:
        """The board of the votes that count, under published names; None: of all categories.

        Raises RatingError where the votes allow none.
        """
        with self._locks[question]:
            votes = self._votes[question] = self._read(question)
            columns, cast = votes.counted(category, self._store.excluded_voters())
        tally = tally_codes(**columns, labels=self._labels)
        return leaderboard(
            tally,
            category=category,
            question=question,
            excluded=cast - tally.votes,
            systems=[*self._labels.values()],
            sort=self._sort,
        )

    def _read(self, question: Question) -> _Votes:
        """All votes by now: those held with the new ones, or where these are not all, read from the start."""
        exclusions = self._store.newest_exclusion()
        cast = self._store.votes_cast(category=None, question=question)
        held = self._votes.get(question)
        if held is not None and held.exclusions == exclusions:
            for piece in self._store.comparisons(question, held.newest and held.newest - LATE):
                held.add(piece)
            if held.votes >= cast:  # more: they came since we counted
                return held
        fresh = _Votes(exclusions)
        for piece in self._store.comparisons(question):
            fresh.add(piece)
        return fresh


@dataclass
class _Votes:
    """Votes on one question as codes: places in lists of names, which grow."""

    exclusions: int
    """The number of the newest exclusion when they were read from the start."""
    votes: int = 0
    newest: datetime | None = None
    _names: tuple[dict[str, int], ...] = field(default_factory=lambda: ({}, {}, {}, {}))
    """Systems, voters, prompts, categories."""
    _pieces: list[Codes] = field(default_factory=list)
    """Each of shape (7, votes)."""
    _recent: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    """Battles of the last votes, which are read again with the next: no vote is held twice."""

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take in rows of `Store.comparisons`, but for those that are held."""
        rows = [row for row in rows if row[7] not in self._recent]
        if not rows:
            return
        systems, voters, prompts, categories = self._names
        tables = (systems, systems, _OUTCOMES, voters, prompts, categories)
        *texts, excluded, battles, moments = zip(*rows, strict=True)
        coded = [
            [table.setdefault(text, len(table)) for text in column]
            for column, table in zip(texts, tables, strict=True)
        ]
        self._pieces.append(np.array([*coded, excluded], dtype=np.int32))
        self.votes += len(rows)
        last = _moment(moments[-1])
        self.newest = max(last, self.newest or last)
        self._recent.update(zip(battles, map(_moment, moments), strict=True))
        while next(iter(self._recent.values())) < self.newest - LATE:
            self._recent.popitem(last=False)

    def counted(self, category: Category | None, excluded: frozenset[str]) -> tuple[Mapping[str, Any], int]:
        """What `tally_codes` takes of the votes that count, and how many were cast."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces, axis=1)]
        codes = self._pieces[0] if self._pieces else np.empty((7, 0), dtype=np.int32)
        systems, voters, prompts, categories = self._names
        if category is not None:
            codes = codes[:, codes[_CATEGORY] == categories.get(category.value, -1)]
        out = np.array([name in excluded for name in voters], dtype=bool)
        counts = codes[:, (codes[_EXCLUDED] == 0) & ~out[codes[_VOTER]]]
        of_system, (left, right) = _used(systems, counts[[_LEFT, _RIGHT]])
        of_voter, voter = _used(voters, counts[_VOTER])
        of_prompt, prompt = _used(prompts, counts[_PROMPT])
        columns = {
            "systems": of_system,
            "voters": of_voter,
            "prompts": of_prompt,
            "left": left,
            "right": right,
            "outcome": counts[_OUTCOME],
            "voter": voter,
            "prompt": prompt,
        }
        return columns, codes.shape[1]


def _used(names: Mapping[str, int], codes: Codes) -> tuple[tuple[str, ...], Codes]:
    """The names that occur, and the codes as places among these."""
    used = np.bincount(codes.ravel(), minlength=len(names)) > 0
    places = np.cumsum(used, dtype=np.int32) - 1
    return tuple(name for name, place in names.items() if used[place]), places[codes]


def _moment(given: str | datetime) -> datetime:
    """As SQLite, or as PostgreSQL says it."""
    return datetime.fromisoformat(given) if isinstance(given, str) else given

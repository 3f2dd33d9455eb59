"""The votes that count, as columns of codes: what ratings are computed from, without a record a vote."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import case, func, select

from evalharness.records import Category, Outcome, Purpose, Question
from evalharness.store import schema
from evalharness.store.database import Database, plain_rows
from evalharness.store.voting import counted_votes, vote_is_excluded, voter_is_excluded

__all__ = ["Counting", "VoteColumns"]

_ROWS = 500
"""Votes fetched at a time: so few stay in the processor's cache, which takes a third off the time."""


class VoteColumns(NamedTuple):
    """Votes in the order in which they came; each array has shape (votes,) and holds places in a list.

    `ratings.tally_codes(**columns._asdict())` makes a `Tally` of them.
    """

    systems: tuple[str, ...]
    """Distinct names, in order of first appearance; likewise voters and prompts."""
    voters: tuple[str, ...]
    prompts: tuple[str, ...]
    left: NDArray[np.int64]
    """The system shown on the left, as its place in `systems`."""
    right: NDArray[np.int64]
    outcome: NDArray[np.int64]
    """Places in the enumeration `Outcome`: 0 left, 1 right, 2 tie, 3 both bad."""
    voter: NDArray[np.int64]
    prompt: NDArray[np.int64]


class Counting:
    """The part of `Store` that hands votes to the ratings."""

    _database: Database

    def vote_columns(
        self, *, category: Category | None = None, question: Question | None = None
    ) -> VoteColumns:
        """The votes of `ballots`, in the same order, as columns of codes from one query.

        Give the question where voters are asked several: a tally is of one.
        """
        votes, battles = schema.votes.c, schema.battles.c
        query = counted_votes(category, question).with_only_columns(
            battles.left_system, battles.right_system, votes.outcome, votes.voter_id, battles.prompt_id
        )
        systems: dict[str, int] = {}
        voters: dict[str, int] = {}
        prompts: dict[str, int] = {}
        outcomes = {outcome.value: place for place, outcome in enumerate(Outcome)}
        tables = (systems, systems, outcomes, voters, prompts)
        pieces = [np.empty((len(tables), 0), dtype=np.int64)]
        with self._database.reading("read the votes") as connection:
            pieces += [_coded(piece, tables) for piece in plain_rows(connection, query, _ROWS)]
        left, right, outcome, voter, prompt = np.concatenate(pieces, axis=1)
        return VoteColumns(tuple(systems), tuple(voters), tuple(prompts), left, right, outcome, voter, prompt)

    def comparisons(
        self, question: Question, since: datetime | None = None
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Votes on comparisons, in pieces, those of excluded voters too: for whoever keeps up with the votes.

        Rows of left system, right system, outcome, voter, prompt, category, whether the vote itself is
        excluded (0 or 1), battle, and when it was cast, by which they are sorted; from `since` on if given.
        The moment is as the driver gives it: ISO 8601 text or a datetime.
        """
        votes, battles = schema.votes.c, schema.battles.c
        query = (
            select(
                battles.left_system,
                battles.right_system,
                votes.outcome,
                votes.voter_id,
                battles.prompt_id,
                battles.category,
                case((vote_is_excluded(), 1), else_=0),
                votes.battle_id,
                votes.created_at,
            )
            .join(schema.battles, votes.battle_id == battles.id)
            .where(votes.question == question, battles.purpose == Purpose.COMPARISON)
            .order_by(votes.created_at, votes.battle_id)
        )
        if since is not None:
            query = query.where(votes.created_at >= since)
        with self._database.reading("read the votes") as connection:
            yield from plain_rows(connection, query, _ROWS)

    def excluded_voters(self) -> frozenset[str]:
        """Voters whose votes do not count, by the newest decision on each."""
        voters = schema.voters.c.id
        query = select(voters).where(voter_is_excluded(voters))
        with self._database.reading("read who is excluded") as connection:
            return frozenset(connection.execute(query).scalars())

    def newest_exclusion(self) -> int:
        """The number of the newest exclusion of a vote; 0 where there is none."""
        query = select(func.coalesce(func.max(schema.exclusions.c.number), 0))
        with self._database.reading("count the exclusions") as connection:
            return int(connection.execute(query).scalar_one())

    def votes_cast(
        self,
        *,
        category: Category | None,
        question: Question,
        prompts: Collection[str] | None = None,
    ) -> int:
        """How many votes on comparisons there are, those that are left out of `vote_columns` too.

        `prompts`: only votes on these.
        """
        votes, battles = schema.votes, schema.battles
        query = (
            select(func.count())
            .select_from(votes.join(battles, votes.c.battle_id == battles.c.id))
            .where(votes.c.question == question, battles.c.purpose == Purpose.COMPARISON)
        )
        if category is not None:
            query = query.where(battles.c.category == category)
        if prompts is not None:
            query = query.where(battles.c.prompt_id.in_(prompts))
        with self._database.reading("count the votes") as connection:
            return connection.execute(query).scalar_one()


def _coded(rows: Sequence[Sequence[str]], tables: Sequence[dict[str, int]]) -> NDArray[np.int64]:
    """Shape (columns, rows): each text as its place in its column's table, which grows by the new ones."""
    columns = zip(*rows, strict=True)
    return np.array(
        [
            [table.setdefault(text, len(table)) for text in column]
            for column, table in zip(columns, tables, strict=True)
        ],
        dtype=np.int64,
    )

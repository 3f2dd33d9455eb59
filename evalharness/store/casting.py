"""Every vote with all that is known of it, in pieces: what is handed out of a study, however large it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from evalharness.store import schema
from evalharness.store.database import Database
from evalharness.store.voting import vote_is_excluded, voter_is_excluded

__all__ = ["CastVote", "Casting"]

_ROWS = 20_000
"""Votes in one piece."""


class CastVote(NamedTuple):
    """A vote, its battle, and whether it counts. Labels as they are stored."""

    battle_id: str
    voter_id: str
    prompt_id: str
    category: str
    language: str
    question: str
    left: str
    right: str
    left_seed: int
    right_seed: int
    outcome: str
    strength: str | None
    purpose: str
    expected: str | None
    repeats: str | None
    policy: str
    probability: float
    cast_at: datetime
    consented_at: datetime
    open_data: bool
    evidence: Mapping[str, Any]
    vote_excluded: bool
    voter_excluded: bool


class Casting:
    """The part of `Store` that hands out votes one by one."""

    _database: Database

    def cast(self) -> Iterator[list[CastVote]]:
        """All votes, whether they count or not, in pieces of one reading of the database.

        In the order of their battles' ids, which are drawn: it tells nobody's time.
        """
        with self._database.reading("read the votes") as connection:
            rows = connection.execution_options(yield_per=_ROWS).execute(_cast())
            for piece in rows.partitions():
                yield [CastVote(*row) for row in piece]


def _cast() -> Select[Any]:
    votes, battles, voters = schema.votes.c, schema.battles.c, schema.voters.c
    return (
        select(
            votes.battle_id,
            votes.voter_id,
            battles.prompt_id,
            battles.category,
            schema.prompts.c.language,
            votes.question,
            battles.left_system,
            battles.right_system,
            battles.left_seed,
            battles.right_seed,
            votes.outcome,
            votes.strength,
            battles.purpose,
            battles.expected,
            battles.repeats,
            battles.policy,
            battles.probability,
            votes.created_at,
            voters.consented_at,
            voters.open_data,
            votes.evidence,
            vote_is_excluded(),
            voter_is_excluded(),
        )
        .join(schema.battles, votes.battle_id == battles.id)
        .join(schema.prompts, battles.prompt_id == schema.prompts.c.id)
        .join(schema.voters, votes.voter_id == voters.id)
        .order_by(votes.battle_id, votes.question)
    )

"""What was shown, for whoever draws what is shown next: comparisons in bulk, and one voter's battles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import ScalarSelect, bindparam, exists, func, select

from evalharness.records import Battle, Category, Purpose
from evalharness.store import convert, schema
from evalharness.store.database import Database

__all__ = ["Opened", "Showings", "Shown", "ShownOften", "Standing"]

_AT_ONCE = 500
"""Ids in one statement, below what any back end takes."""


class ShownOften(NamedTuple):
    """How many comparisons of one kind were answered."""

    category: Category
    prompt_id: str
    left: str
    """The system shown on the left."""
    right: str
    number: int


class Opened(NamedTuple):
    """A comparison that was drawn, answered or not."""

    battle_id: str
    category: Category
    prompt_id: str
    left: str
    right: str
    created_at: datetime


class Shown(NamedTuple):
    """A battle of a voter, of whatever purpose."""

    battle: Battle
    answered_at: datetime | None
    faulty: bool = False
    """Whether its voter reported that it could not be judged."""


class Standing(NamedTuple):
    """Where a battle of a voter stands."""

    battle_id: str
    answered_at: datetime | None
    faulty: bool


class Showings:
    """The part of `Store` that says what was shown."""

    _database: Database

    def answered_before(self, moment: datetime) -> tuple[ShownOften, ...]:
        """The answered comparisons that were drawn before `moment`, counted."""
        battles = schema.battles.c
        kind = (battles.category, battles.prompt_id, battles.left_system, battles.right_system)
        answered = exists().where(schema.votes.c.battle_id == battles.id)
        query = (
            select(*kind, func.count())
            .where(battles.purpose == Purpose.COMPARISON, battles.created_at < moment, answered)
            .group_by(*kind)
            .order_by(*kind)
        )
        with self._database.reading("count what was shown") as connection:
            return tuple(ShownOften(Category(label), *rest) for label, *rest in connection.execute(query))

    def opened_since(self, moment: datetime) -> tuple[Opened, ...]:
        """The comparisons that were drawn at `moment` or later, oldest first."""
        battles = schema.battles.c
        query = (
            select(
                battles.id,
                battles.category,
                battles.prompt_id,
                battles.left_system,
                battles.right_system,
                battles.created_at,
            )
            .where(battles.purpose == Purpose.COMPARISON, battles.created_at >= moment)
            .order_by(battles.created_at, battles.id)
        )
        with self._database.reading("read what was shown") as connection:
            return tuple(
                Opened(battle_id, Category(label), *rest)
                for battle_id, label, *rest in connection.execute(query)
            )

    def answered_among(self, battle_ids: Collection[str]) -> frozenset[str]:
        """Which of these battles have votes."""
        ids = sorted(battle_ids)
        found: set[str] = set()
        with self._database.reading("read which battles were answered") as connection:
            for start in range(0, len(ids), _AT_ONCE):
                some = schema.votes.c.battle_id.in_(ids[start : start + _AT_ONCE])
                found.update(connection.scalars(select(schema.votes.c.battle_id).where(some).distinct()))
        return frozenset(found)

    def standings(self, voter_id: str) -> tuple[Standing, ...]:
        """Where all battles of one voter stand, oldest first: what of `shown_to` changes."""
        with self._database.looking("read the voter's battles") as connection:
            return tuple(Standing(*row) for row in connection.execute(_STANDINGS, {"voter": voter_id}))

    def shown_to(self, voter_id: str) -> tuple[Shown, ...]:
        """All battles of one voter, oldest first, and when each was answered; one statement."""
        battles, asked = schema.battles, schema.battle_questions.c
        query = (
            select(
                battles,
                asked.question,
                _answered_at().label("answered_at"),
                schema.faults.c.kind.label("fault"),
            )
            .outerjoin(schema.faults, schema.faults.c.battle_id == battles.c.id)
            .join(schema.battle_questions, asked.battle_id == battles.c.id)
            .where(battles.c.voter_id == voter_id)
            .order_by(battles.c.created_at, battles.c.id, asked.position)
        )
        with self._database.reading("read the voter's battles") as connection:
            rows = connection.execute(query)
            grouped = [list(group) for _, group in groupby(rows, key=attrgetter("id"))]
        return tuple(
            Shown(
                convert.battle(group[0], [row.question for row in group]),
                group[0].answered_at,
                faulty=group[0].fault is not None,
            )
            for group in grouped
        )


def _answered_at() -> ScalarSelect[datetime]:
    """When the battle of the row was answered."""
    votes = schema.votes.c
    return (
        select(func.min(votes.created_at, type_=schema.UtcTime()))
        .where(votes.battle_id == schema.battles.c.id)
        .scalar_subquery()
    )


_STANDINGS = (  # built once: every vote asks it
    select(schema.battles.c.id, _answered_at(), schema.faults.c.kind.is_not(None))
    .outerjoin(schema.faults, schema.faults.c.battle_id == schema.battles.c.id)
    .where(schema.battles.c.voter_id == bindparam("voter"))
    .order_by(schema.battles.c.created_at, schema.battles.c.id)
)

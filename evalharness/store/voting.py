"""Voters, the battles they were shown, their votes, and the votes that do not count."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Exists, Select, bindparam, exists, select

from evalharness.errors import AlreadyAnswered, NotFoundError, StoreError
from evalharness.people import AuditEntry
from evalharness.records import (
    Ballot,
    Battle,
    Category,
    Decision,
    Exclusion,
    Outcome,
    Purpose,
    Question,
    Ruling,
    Vote,
    Voter,
)
from evalharness.store import convert, schema
from evalharness.store.auditing import note
from evalharness.store.database import Database, upsert_into

__all__ = ["Voting", "counted_votes", "vote_is_excluded", "voter_is_excluded"]

# What every vote asks is built once: building a statement costs more than SQLite takes to run it.
_VOTER_BY_TOKEN = select(schema.voters).where(schema.voters.c.token_hash == bindparam("hash"))
_ASKED = (
    select(schema.battle_questions.c.question, schema.battles.c.voter_id)
    .join(schema.battles, schema.battles.c.id == schema.battle_questions.c.battle_id)
    .where(schema.battles.c.id == bindparam("battle"))
    .order_by(schema.battle_questions.c.position)
    .with_for_update(of=schema.battles)
)
"""A row a question: what it asks, and whose battle it is; the battle's row is locked."""
_CLOSED = select(
    exists().where(schema.votes.c.battle_id == bindparam("battle")).label("answered"),
    exists().where(schema.faults.c.battle_id == bindparam("battle")).label("faulty"),
)
"""Whether the battle has votes, or a fault, by now."""


class Voting:
    """The part of `Store` that keeps voters, battles, votes and exclusions.

    Battles, votes and exclusions are append only; the database itself refuses to change or delete them.
    """

    _database: Database

    def put_voter(self, voter: Voter) -> None:
        """Add a voter, or change a known one by id. Raises StoreError where another holds their token."""
        values = convert.voter_values(voter)
        with self._database.writing("store the voter") as connection:
            insert = upsert_into(connection, schema.voters).values(values)
            changes = {name: insert.excluded[name] for name in values if name != "id"}
            connection.execute(
                insert.on_conflict_do_update(index_elements=[schema.voters.c.id], set_=changes)
            )

    def voter_by_token(self, token_hash: str) -> Voter | None:
        """The voter whose secret has this hash, if any; nobody has the empty one."""
        if not token_hash:
            return None
        with self._database.looking("look up the voter") as connection:
            row = connection.execute(_VOTER_BY_TOKEN, {"hash": token_hash}).one_or_none()
        return None if row is None else convert.voter(row)

    def open_battle(self, battle: Battle) -> None:
        """Store a battle as it is drawn, before it is shown.

        Raises StoreError where this voter was shown this pair on this prompt before, whatever the sides,
        where an exhibit is not of its side's system, prompt and seed, or where no question is asked, or one
        twice.
        """
        values = convert.battle_values(battle)
        if not battle.questions or len(set(battle.questions)) < len(battle.questions):
            asked = ", ".join(battle.questions) or "nothing"
            raise StoreError(
                f"The battle {battle.id} was not stored: it asks {asked}; "
                "let it ask at least one question, and none twice."
            )
        questions = [
            {"battle_id": battle.id, "question": question.value, "position": position}
            for position, question in enumerate(battle.questions)
        ]
        with self._database.writing(f"store the battle {battle.id}") as connection:
            connection.execute(schema.battles.insert(), values)
            connection.execute(schema.battle_questions.insert(), questions)

    def battle(self, battle_id: str) -> Battle:
        """One battle. Raises NotFoundError."""
        with self._database.reading("read the battle") as connection:
            found = _battles(connection, select(schema.battles).filter_by(id=battle_id))
        if not found:
            raise _no_battle(battle_id)
        return found[0]

    def battles(self, voter_id: str | None = None) -> tuple[Battle, ...]:
        """All battles, or those of one voter, oldest first."""
        query = select(schema.battles)
        if voter_id is not None:
            query = query.filter_by(voter_id=voter_id)
        with self._database.reading("read the battles") as connection:
            return tuple(_battles(connection, query))

    def commit_votes(self, votes: Sequence[Vote]) -> None:
        """Store the answers to all questions of one battle, all or none; once this returns they are kept.

        Raises AlreadyAnswered where the battle has votes, whoever was first: nothing is changed then.
        Raises NotFoundError for an unknown battle, StoreError where the votes are of several battles,
        of another voter than the battle's, or do not answer each asked question once.
        """
        battles = {vote.battle_id for vote in votes}
        if len(battles) != 1:
            raise StoreError(
                f"The votes were not stored: they are of {len(battles)} battles; give those of one."
            )
        (battle_id,) = battles
        rows = [convert.vote_values(vote) for vote in votes]
        with self._database.writing(f"store the votes on battle {battle_id}") as connection:
            # The battle's row is the lock: of two answers at once, the second waits here, then finds votes.
            # (SQLite took its only write lock at BEGIN and ignores FOR UPDATE.)
            asked = list(connection.execute(_ASKED, {"battle": battle_id}))
            if not asked:
                raise _no_battle(battle_id)
            if {vote.voter_id for vote in votes} != {asked[0].voter_id}:
                raise StoreError(
                    f"The votes on battle {battle_id} were not stored: "
                    "they are not by the voter it was drawn for."
                )
            # A statement of its own: one that waited for the lock sees what was there before it waited.
            closed = connection.execute(_CLOSED, {"battle": battle_id}).one()
            if closed.faulty:
                raise StoreError(
                    f"The votes on battle {battle_id} were not stored: its voter reported that it could not "
                    "be judged."
                )
            if closed.answered:
                raise AlreadyAnswered(
                    f"The battle {battle_id} was answered before; "
                    "the first answer stands and nothing was changed."
                )
            _check_answers(battle_id, [row.question for row in asked], [vote.question for vote in votes])
            connection.execute(schema.votes.insert(), rows)

    def votes(self, battle_id: str | None = None) -> tuple[Vote, ...]:
        """All votes, or those of one battle, excluded ones too; oldest first, then by battle and question."""
        query = select(schema.votes).order_by(*_vote_order())
        if battle_id is not None:
            query = query.filter_by(battle_id=battle_id)
        with self._database.reading("read the votes") as connection:
            return tuple(convert.vote(row) for row in connection.execute(query))

    def exclude(self, exclusion: Exclusion) -> None:
        """Take a vote out of the count; the vote stays.

        The same author's same reason for the same vote is kept once.
        Raises StoreError where there is no such vote.
        """
        values = convert.exclusion_values(exclusion)
        with self._database.writing("exclude the vote") as connection:
            insert = upsert_into(connection, schema.exclusions).values(values)
            connection.execute(
                insert.on_conflict_do_nothing(index_elements=["battle_id", "question", "reason", "author"])
            )

    def exclusions(self) -> tuple[Exclusion, ...]:
        """All exclusions in the order they were made."""
        with self._database.reading("read the exclusions") as connection:
            rows = connection.execute(select(schema.exclusions).order_by(schema.exclusions.c.number))
            return tuple(convert.exclusion(row) for row in rows)

    def rule(self, *rulings: Ruling, noted: AuditEntry | None = None) -> None:
        """Put decisions on voters on record, and `noted` with them: all or none.

        Raises StoreError where there is no such voter.
        """
        with self._database.writing("rule on the voter") as connection:
            for ruling in rulings:
                connection.execute(schema.rulings.insert(), convert.ruling_values(ruling))
            note(connection, noted)

    def rulings(self) -> tuple[Ruling, ...]:
        """All decisions on voters in the order they were made."""
        with self._database.reading("read the rulings") as connection:
            rows = connection.execute(select(schema.rulings).order_by(schema.rulings.c.number))
            return tuple(convert.ruling(row) for row in rows)

    def ballots(
        self, *, category: Category | None = None, question: Question | None = None
    ) -> tuple[Ballot, ...]:
        """The votes that count, joined with their battles; oldest first, then by battle and question.

        Those are the votes on comparisons that no exclusion names, of voters who are not excluded.
        """
        query = counted_votes(category, question)
        with self._database.reading("read the ballots") as connection:
            return tuple(
                Ballot(
                    battle_id=battle_id,
                    voter_id=voter_id,
                    prompt_id=prompt_id,
                    category=Category(category_label),
                    language=language,
                    question=Question(question_label),
                    left=left,
                    right=right,
                    outcome=Outcome(outcome),
                    created_at=created_at,
                )
                for (
                    battle_id,
                    voter_id,
                    prompt_id,
                    category_label,
                    language,
                    question_label,
                    left,
                    right,
                    outcome,
                    created_at,
                ) in connection.execute(query)
            )


def _battles(connection: Connection, query: Select[Any]) -> list[Battle]:
    """The battles of `query`, oldest first, each with its questions in their order; one statement."""
    battles, asked = schema.battles.c, schema.battle_questions.c
    rows = connection.execute(
        query.add_columns(asked.question)
        .join(schema.battle_questions, asked.battle_id == battles.id)
        .order_by(battles.created_at, battles.id, asked.position)
    )
    grouped = (list(group) for _, group in groupby(rows, key=attrgetter("id")))
    return [convert.battle(group[0], [row.question for row in group]) for group in grouped]


def _check_answers(battle_id: str, asked: Sequence[Question], answered: Sequence[Question]) -> None:
    if sorted(asked) != sorted(answered):
        raise StoreError(
            f"The votes on battle {battle_id} were not stored: it asks {', '.join(asked)}, "
            f"and the answers are to {', '.join(answered)}. Answer each asked question once."
        )


def counted_votes(category: Category | None, question: Question | None) -> Select[Any]:
    """The votes of `ballots`, joined with their battles, in its order."""
    votes, battles = schema.votes.c, schema.battles.c
    joined = schema.votes.join(schema.battles, votes.battle_id == battles.id).join(
        schema.prompts, battles.prompt_id == schema.prompts.c.id
    )
    query = (
        select(
            votes.battle_id,
            votes.voter_id,
            battles.prompt_id,
            battles.category,
            schema.prompts.c.language,
            votes.question,
            battles.left_system,
            battles.right_system,
            votes.outcome,
            votes.created_at,
        )
        .select_from(joined)
        .where(battles.purpose == Purpose.COMPARISON, ~vote_is_excluded(), ~voter_is_excluded())
        .order_by(*_vote_order())
    )
    if category is not None:
        query = query.where(battles.category == category)
    if question is not None:
        query = query.where(votes.question == question)
    return query


def vote_is_excluded() -> Exists:
    """Of a row of votes: whether it was taken out of the count by itself."""
    votes, exclusions = schema.votes.c, schema.exclusions.c
    return exists().where(exclusions.battle_id == votes.battle_id, exclusions.question == votes.question)


def voter_is_excluded(voter: ColumnElement[str] = schema.votes.c.voter_id) -> Exists:
    """Of a row with a voter's id: whether the newest decision on their counting is against them."""
    rulings, later = schema.rulings.c, schema.rulings.alias().c
    on_counting = (Decision.USED, Decision.EXCLUDED)
    overruled = exists().where(
        later.voter_id == rulings.voter_id, later.decision.in_(on_counting), later.number > rulings.number
    )
    return exists().where(rulings.voter_id == voter, rulings.decision == Decision.EXCLUDED, ~overruled)


def _vote_order() -> tuple[ColumnElement[Any], ...]:
    return schema.votes.c.created_at, schema.votes.c.battle_id, schema.votes.c.question


def _no_battle(battle_id: str) -> NotFoundError:
    return NotFoundError(f"There is no battle {battle_id!r}.")

"""The people of a study: how voters came, what they were tried for, what they reported; what owners did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, delete, exists, select, update

from evalharness.errors import AlreadyAnswered, NotFoundError
from evalharness.people import TAKEN_AWAY, Arrival, AuditEntry, Fault, Screening, is_reserved
from evalharness.records import Voter
from evalharness.store import convert, schema
from evalharness.store.auditing import note
from evalharness.store.database import Database, upsert_into

__all__ = ["People"]


class People:
    """The part of `Store` that keeps what is known of people, and takes away what could name them."""

    _database: Database

    def put_arrival(self, arrival: Arrival) -> None:
        """Keep from where a voter came, in place of what was kept of them before.

        What was taken away does not come back: of a person who was paid and forgotten only the moment is
        kept, and nothing of one who was erased.

        Raises StoreError where there is no such voter, or another voter is the same person.
        """
        values, arrivals = convert.arrival_values(arrival), schema.arrivals.c
        with self._database.writing("store how the voter came") as connection:
            if _is_erased(connection, arrival.voter_id):
                return
            insert = upsert_into(connection, schema.arrivals).values(values)
            changes: dict[str, Any] = {name: insert.excluded[name] for name in values if name != "voter_id"}
            for name in ("person", "details"):
                changes[name] = case((arrivals.person.is_(None), arrivals[name]), else_=insert.excluded[name])
            connection.execute(insert.on_conflict_do_update(index_elements=[arrivals.voter_id], set_=changes))

    def arrivals(self) -> tuple[Arrival, ...]:
        """All arrivals, oldest first."""
        order = schema.arrivals.c.arrived_at, schema.arrivals.c.voter_id
        with self._database.reading("read how voters came") as connection:
            rows = connection.execute(select(schema.arrivals).order_by(*order))
            return tuple(convert.arrival(row) for row in rows)

    def arrival(self, voter_id: str) -> Arrival | None:
        """How one voter came, None where nothing is kept of it."""
        with self._database.reading("read how the voter came") as connection:
            row = connection.execute(select(schema.arrivals).filter_by(voter_id=voter_id)).one_or_none()
        return None if row is None else convert.arrival(row)

    def voter_by_person(self, person_key: str) -> Voter | None:
        """The voter who this person was when they came before."""
        arrivals = schema.arrivals.c
        query = select(schema.voters).join(schema.arrivals, arrivals.voter_id == schema.voters.c.id)
        with self._database.reading("look up the voter") as connection:
            row = connection.execute(query.where(arrivals.person_key == person_key)).one_or_none()
        return None if row is None else convert.voter(row)

    def forget_people(self, voter_ids: Collection[str], *, noted: AuditEntry | None = None) -> int:
        """Take away what platforms call these voters, once they are paid; answers how many it was kept of.

        Whoever comes again is still known, by a hash that only this study's key can make. `noted` goes on
        record with it, or neither does.
        """
        arrivals = schema.arrivals
        known = arrivals.c.voter_id.in_(sorted(voter_ids)) & arrivals.c.person.is_not(None)
        with self._database.writing("take away what names voters") as connection:
            gone = connection.execute(update(arrivals).where(known).values(person=None, details={}))
            note(connection, noted)
        self._database.scrub()
        return gone.rowcount

    def voter(self, voter_id: str) -> Voter:
        """One voter. Raises NotFoundError."""
        with self._database.reading("read the voter") as connection:
            row = connection.execute(_voter(voter_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no voter {voter_id!r}.")
        return convert.voter(row)

    def voters(self) -> tuple[Voter, ...]:
        """All voters, by when they consented."""
        order = schema.voters.c.consented_at, schema.voters.c.id
        with self._database.reading("read the voters") as connection:
            return tuple(
                convert.voter(row) for row in connection.execute(select(schema.voters).order_by(*order))
            )

    def change_voter(
        self, voter_id: str, *, token_hash: str | None = None, languages: Sequence[str] | None = None
    ) -> None:
        """Give a voter another secret, or other languages; an erased one stays as they are.

        Raises StoreError where another voter holds the secret.
        """
        changes: dict[str, Any] = {}
        if token_hash is not None:
            changes["token_hash"] = token_hash
        if languages is not None:
            changes["languages"] = list(languages)
        voters = schema.voters
        with self._database.writing("change the voter") as connection:
            connection.execute(
                update(voters)
                .where(voters.c.id == voter_id, voters.c.erased_at.is_(None))
                .values(convert.checked("voter", changes))
            )

    def erase_voter(self, voter_id: str, moment: datetime, *, noted: AuditEntry | None = None) -> None:
        """Take away all that leads from a person to this voter: arrival, screenings, cookie, languages, and
        what people wrote as reasons of decisions.

        What stays are answers under a random id that nobody can connect with anyone. Erasing again changes
        nothing. `noted` goes on record with it, or neither does. Raises NotFoundError.
        """
        voters, rulings = schema.voters, schema.rulings
        with self._database.writing("erase the voter") as connection:
            # The voter's row is the lock: whoever would keep something of them waits here, then finds no one.
            if connection.execute(_voter(voter_id).with_for_update()).one_or_none() is None:
                raise NotFoundError(f"There is no voter {voter_id!r}.")
            decided = connection.execute(
                select(rulings.c.number, rulings.c.author).where(rulings.c.voter_id == voter_id)
            )
            by_people = [row.number for row in decided if not is_reserved(row.author)]
            connection.execute(
                update(rulings).where(rulings.c.number.in_(by_people)).values(reason=TAKEN_AWAY)
            )
            for table in (schema.arrivals, schema.screenings):
                connection.execute(delete(table).where(table.c.voter_id == voter_id))
            connection.execute(
                update(voters)
                .where(voters.c.id == voter_id, voters.c.erased_at.is_(None))
                .values(languages=[], token_hash=None, erased_at=moment)
            )
            note(connection, noted)
        self._database.scrub()

    def add_screening(self, screening: Screening) -> None:
        """Keep a trial of a voter, none of an erased one. Raises StoreError where there is no such voter."""
        values = convert.screening_values(screening)
        with self._database.writing("store the screening") as connection:
            if _is_erased(connection, screening.voter_id):
                return
            connection.execute(schema.screenings.insert(), values)

    def screenings(self, voter_id: str | None = None) -> tuple[Screening, ...]:
        """All trials, or those of one voter, in the order they were made."""
        query = select(schema.screenings).order_by(schema.screenings.c.number)
        if voter_id is not None:
            query = query.filter_by(voter_id=voter_id)
        with self._database.reading("read the screenings") as connection:
            return tuple(convert.screening(row) for row in connection.execute(query))

    def report_fault(self, fault: Fault) -> None:
        """Close a battle that could not be judged; a second report of it changes nothing.

        Raises AlreadyAnswered where it has votes, NotFoundError where there is no such battle.
        """
        values = convert.fault_values(fault)
        battles, votes = schema.battles.c, schema.votes.c
        with self._database.writing("store the fault") as connection:
            # The battle's row is the lock, as it is for votes.
            battle = select(battles.id).where(battles.id == fault.battle_id).with_for_update()
            if connection.execute(battle).one_or_none() is None:
                raise NotFoundError(f"There is no battle {fault.battle_id!r}.")
            if connection.scalar(select(exists().where(votes.battle_id == fault.battle_id))):
                raise AlreadyAnswered(f"The battle {fault.battle_id} was answered; no fault was stored.")
            insert = upsert_into(connection, schema.faults).values(values)
            connection.execute(insert.on_conflict_do_nothing(index_elements=["battle_id"]))

    def faults(self) -> tuple[Fault, ...]:
        """All faults, oldest first."""
        order = schema.faults.c.created_at, schema.faults.c.battle_id
        with self._database.reading("read the faults") as connection:
            rows = connection.execute(select(schema.faults).order_by(*order))
            return tuple(convert.fault(row) for row in rows)

    def note_audit(self, entry: AuditEntry) -> None:
        """Put on record what somebody did."""
        with self._database.writing("put it on record") as connection:
            note(connection, entry)

    def audit(self) -> tuple[AuditEntry, ...]:
        """All that was done, in its order."""
        with self._database.reading("read the audit") as connection:
            rows = connection.execute(select(schema.audit).order_by(schema.audit.c.number))
            return tuple(convert.audit_entry(row) for row in rows)


def _is_erased(connection: Connection, voter_id: str) -> bool:
    """Whether nothing may be kept of this voter any more; their row is locked."""
    row = connection.execute(_voter(voter_id).with_for_update(key_share=True)).one_or_none()
    return row is not None and row.erased_at is not None


def _voter(voter_id: str) -> Select[Any]:
    return select(schema.voters).where(schema.voters.c.id == voter_id)

"""What the database's errors mean, as clauses that finish the sentence "Could not …: "."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from evalharness.store.schema import METADATA

__all__ = ["explain"]

_MEANINGS = {
    "battles_repeats_fkey": "the battle that it repeats is not stored.",
    "ck_battles_pair": "a battle needs two different systems, and its pair in code point order.",
    "ck_battles_probability": "a battle's probability lies in (0, 1].",
    "ck_jobs_failed_has_reason": "a failed job, and only a failed one, has a kind of failure and a message.",
    "ck_measurements_finite": "a measured value is a finite number; report anything else as unscorable.",
    "ck_measurements_three_endings": (
        "a measurement is either a value with no reason, or unscorable or failed with a reason and no value."
    ),
    "ck_exclusions_reason": "an exclusion needs a reason.",
    "ck_rulings_reason": "a ruling needs a reason.",
    "fk_battles_left": "the left exhibit is not stored, or is of another system, prompt or seed.",
    "fk_battles_right": "the right exhibit is not stored, or is of another system, prompt or seed.",
    "fk_exclusions_vote": "there is no such vote to exclude.",
    "fk_rulings_voter": "there is no such voter to rule on.",
    "fk_measurements_content": "there is no clip with this hash; store the clip first.",
    "pk_votes": "the battle has a vote on this question already.",
    "uq_battles_pair": (
        "this voter was shown these two systems on this prompt before, and must not see them twice; "
        "draw another pair or another prompt."
    ),
    "uq_exhibits_id": "an exhibit with this id is stored already; draw a new random id.",
    "uq_voters_token_hash": "another voter holds this token; draw a new random one.",
}


def explain(error: SQLAlchemyError) -> str:
    """Why the database refused, as a finished clause; never with statement parameters in it."""
    if isinstance(error, IntegrityError):
        return _broken_rule(error)
    if isinstance(error, PoolTimeout):
        return "all database connections stayed busy; try again, with fewer threads."
    if isinstance(error, OperationalError) and "database is locked" in str(error.orig):
        return "another program held the database's write lock too long; let it finish and try again."
    cause = error.orig if isinstance(error, StatementError) and error.orig else error
    return _first_line(cause)


def _broken_rule(error: IntegrityError) -> str:
    rule = _constraint(error)
    if rule in _MEANINGS:
        return _MEANINGS[rule]
    if rule.startswith("ck_"):
        return f"a value lies outside what is allowed (rule {rule})."
    if rule.startswith(("pk_", "uq_")):
        return f"a row with this key is stored already (rule {rule})."
    if rule.startswith("fk_"):
        return (
            "it refers to something that is not stored or does not belong together "
            "(system, prompt, job, clip, exhibit, voter, battle or question); store that first."
        )
    return _first_line(error.orig)


def _first_line(cause: BaseException | None) -> str:
    """The first line alone: PostgreSQL's second one quotes the row."""
    line, _, _ = str(cause).strip().partition("\n")
    return f"{line.rstrip('.')}."


def _constraint(error: IntegrityError) -> str:
    """The violated constraint's name; "fk_" for SQLite's foreign keys, which it does not name; else ""."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name or "")
    kind, _, what = str(error.orig).partition(" constraint failed")
    found = what.removeprefix(": ")
    return {"UNIQUE": _BY_COLUMNS.get(found, ""), "CHECK": found, "FOREIGN KEY": "fk_"}.get(kind, "")


def _keys_by_columns() -> dict[str, str]:
    """Names of keys by SQLite's way of naming them: "table.column, table.column"."""
    return {
        ", ".join(f"{table.name}.{column.name}" for column in key.columns): str(key.name)
        for table in METADATA.tables.values()
        for key in table.constraints
        if isinstance(key, (PrimaryKeyConstraint, UniqueConstraint))
    }


_BY_COLUMNS = _keys_by_columns()

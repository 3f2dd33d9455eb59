"""Records to rows and back; the only place that knows both.

`checked` holds every row to what both back ends can keep alike: finite numbers, moments with a time
zone, whole numbers of 64 bits, text without NUL, JSON that comes back equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from evalharness.errors import StoreError
from evalharness.labels import FaultKind, ScreeningKind
from evalharness.people import Arrival, AuditEntry, Fault, Screening
from evalharness.purchases import Purchase, PurchaseStage
from evalharness.records import (
    Battle,
    Category,
    Clip,
    Decision,
    Exclusion,
    Exhibit,
    FailureKind,
    Job,
    JobKey,
    JobState,
    Measurement,
    MeasurementStatus,
    Outcome,
    Prompt,
    Purpose,
    Question,
    Ruling,
    Streams,
    Strength,
    System,
    Task,
    Vote,
    Voter,
)

Values = dict[str, Any]


def checked(noun: str, values: Mapping[str, Any]) -> Values:
    """`values` as both back ends can keep them, sequences as lists and mappings as dicts.

    Raises StoreError naming the `noun`, the field and what was found there.
    """
    return {field: _plain(noun, field, value) for field, value in values.items()}


def _plain(noun: str, field: str, value: Any) -> Any:
    problem = None
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {
                _plain(noun, field, key): _plain(noun, f"{field}.{key}", item) for key, item in value.items()
            }
        problem = "has keys that are not text"
    elif isinstance(value, (list, tuple)):
        return [_plain(noun, f"{field}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, str):
        problem = _unkeepable_text(value)
        value = str(value)  # a label's text, where it is one of an enum
    elif isinstance(value, datetime):
        problem = (
            None if value.utcoffset() is not None else f"is {value}, a time without a time zone; give UTC"
        )
    elif isinstance(value, float):
        problem = None if math.isfinite(value) else f"is {value}; only finite numbers can be stored"
        value = float(value)  # plain, where it is one of numpy's
    elif isinstance(value, int) and not isinstance(value, bool):
        problem = None if -(2**63) <= value < 2**63 else f"is {value}, which needs more than 64 bits"
    elif value is not None and not isinstance(value, bool):
        problem = f"is a {type(value).__name__}, which cannot be stored"
    if problem:
        raise StoreError(f"The {noun} was not stored: its {field} {problem}.")
    return value


def _unkeepable_text(value: str) -> str | None:
    if "\x00" in value:
        return "holds a NUL character, which PostgreSQL cannot keep"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return f"is {value!r}, which is not valid Unicode"
    return None


def readable(message: str) -> str:
    """Text from outside (a program's stderr, a server's answer) as storable text."""
    return message.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def key_values(key: JobKey) -> Values:
    """A job key's columns."""
    return {"system": key.system, "prompt_id": key.prompt_id, "seed": key.seed}


def system_values(record: System) -> Values:
    """A system's row."""
    return checked(f"system '{record.name}'", asdict(record))


def system(row: Row[Any]) -> System:
    """A system from its row."""
    return System(**row._mapping)


def prompt_values(record: Prompt) -> Values:
    """A prompt's row."""
    return checked(f"prompt '{record.id}'", asdict(record))


def prompt(row: Row[Any]) -> Prompt:
    """A prompt from its row."""
    values = dict(row._mapping)
    lists = {name: tuple(values[name]) for name in ("tags", "references", "pictures")}
    return Prompt(**{**values, **lists, "task": Task(values["task"])})


def job(row: Row[Any]) -> Job:
    """A job from its row, joined with its clip's `sha256`."""
    return Job(
        key=JobKey(row.system, row.prompt_id, row.seed),
        state=JobState(row.state),
        attempts=row.attempts,
        failure=None if row.failure is None else FailureKind(row.failure),
        message=row.message,
        clip_sha256=row.sha256,
        updated_at=row.updated_at,
    )


def purchase(row: Row[Any]) -> Purchase:
    """A purchase from its row."""
    values = dict(row._mapping)
    key = JobKey(values.pop("system"), values.pop("prompt_id"), values.pop("seed"))
    return Purchase(**{**values, "key": key, "stage": PurchaseStage(values["stage"])})


def clip_values(record: Clip) -> Values:
    """A clip's row."""
    values = asdict(record)
    del values["key"]
    return checked(f"clip {record.sha256}", key_values(record.key) | values)


def clip(row: Row[Any]) -> Clip:
    """A clip from its row."""
    values = dict(row._mapping)
    key = JobKey(values.pop("system"), values.pop("prompt_id"), values.pop("seed"))
    return Clip(**{**values, "key": key, "streams": Streams(**values["streams"])})


def exhibit_values(record: Exhibit) -> Values:
    """An exhibit's row. Raises StoreError where it names another prompt than its clip."""
    if record.prompt_id != record.clip.prompt_id:
        raise StoreError(
            f"The exhibit {record.id} was not stored: it is said to be of prompt '{record.prompt_id}', "
            f"but its clip is of prompt '{record.clip.prompt_id}'."
        )
    values = asdict(record)
    del values["clip"]
    return checked(f"exhibit {record.id}", key_values(record.clip) | values)


def exhibit(row: Row[Any]) -> Exhibit:
    """An exhibit from its row."""
    values = dict(row._mapping)
    del values["number"]
    key = JobKey(values.pop("system"), values["prompt_id"], values.pop("seed"))
    return Exhibit(**{**values, "clip": key, "streams": Streams(**values["streams"])})


def measurement_values(record: Measurement) -> Values:
    """A measurement's row."""
    return checked(f"measurement {record.metric} of clip {record.clip_sha256}", asdict(record))


def measurement(row: Row[Any]) -> Measurement:
    """A measurement from its row."""
    values = row._mapping
    return Measurement(**{**values, "status": MeasurementStatus(values["status"])})


def voter_values(record: Voter) -> Values:
    """A voter's row; no token is NULL, so that many voters may have none."""
    return checked("voter", asdict(record) | {"token_hash": record.token_hash or None})


def voter(row: Row[Any]) -> Voter:
    """A voter from their row."""
    values = row._mapping
    return Voter(
        **{**values, "languages": tuple(values["languages"]), "token_hash": values["token_hash"] or ""}
    )


def battle_values(record: Battle) -> Values:
    """A battle's row, without its questions. Raises StoreError where its sides are of another prompt."""
    for side, key in (("left", record.left), ("right", record.right)):
        if key.prompt_id != record.prompt_id:
            raise StoreError(
                f"The battle {record.id} was not stored: it is on prompt '{record.prompt_id}', "
                f"but its {side} clip is of prompt '{key.prompt_id}'."
            )
    first, second = sorted((record.left.system, record.right.system))
    return checked(
        f"battle {record.id}",
        {
            "id": record.id,
            "voter_id": record.voter_id,
            "prompt_id": record.prompt_id,
            "category": record.category,
            "left_system": record.left.system,
            "left_seed": record.left.seed,
            "left_exhibit": record.left_exhibit,
            "right_system": record.right.system,
            "right_seed": record.right.seed,
            "right_exhibit": record.right_exhibit,
            "first_system": first,
            "second_system": second,
            "probability": record.probability,
            "policy": record.policy,
            "created_at": record.created_at,
            "purpose": record.purpose,
            "expected": record.expected,
            "repeats": record.repeats,
        },
    )


def battle(row: Row[Any], questions: Sequence[str]) -> Battle:
    """A battle from its row and the labels of its questions, in the order they are asked."""
    return Battle(
        id=row.id,
        voter_id=row.voter_id,
        prompt_id=row.prompt_id,
        category=Category(row.category),
        left=JobKey(row.left_system, row.prompt_id, row.left_seed),
        right=JobKey(row.right_system, row.prompt_id, row.right_seed),
        left_exhibit=row.left_exhibit,
        right_exhibit=row.right_exhibit,
        questions=tuple(Question(label) for label in questions),
        probability=row.probability,
        policy=row.policy,
        created_at=row.created_at,
        purpose=Purpose(row.purpose),
        expected=None if row.expected is None else Outcome(row.expected),
        repeats=row.repeats,
    )


def vote_values(record: Vote) -> Values:
    """A vote's row."""
    return checked(f"vote on battle {record.battle_id}", asdict(record))


def vote(row: Row[Any]) -> Vote:
    """A vote from its row."""
    values = row._mapping
    strength = values["strength"]
    labels = {
        "question": Question(values["question"]),
        "outcome": Outcome(values["outcome"]),
        "strength": None if strength is None else Strength(strength),
    }
    return Vote(**{**values, **labels})


def exclusion_values(record: Exclusion) -> Values:
    """An exclusion's row."""
    return checked(f"exclusion of a vote on battle {record.battle_id}", asdict(record))


def exclusion(row: Row[Any]) -> Exclusion:
    """An exclusion from its row."""
    values = dict(row._mapping)
    del values["number"]
    return Exclusion(**{**values, "question": Question(values["question"])})


def ruling_values(record: Ruling) -> Values:
    """A ruling's row."""
    return checked(f"ruling on voter {record.voter_id}", asdict(record))


def ruling(row: Row[Any]) -> Ruling:
    """A ruling from its row."""
    values = dict(row._mapping)
    del values["number"]
    return Ruling(**{**values, "decision": Decision(values["decision"])})


def arrival_values(record: Arrival) -> Values:
    """An arrival's row."""
    return checked("arrival", asdict(record))


def arrival(row: Row[Any]) -> Arrival:
    """An arrival from its row."""
    return Arrival(**row._mapping)


def screening_values(record: Screening) -> Values:
    """A screening's row."""
    return checked(f"screening of voter {record.voter_id}", asdict(record))


def screening(row: Row[Any]) -> Screening:
    """A screening from its row."""
    values = dict(row._mapping)
    del values["number"]
    return Screening(**{**values, "kind": ScreeningKind(values["kind"])})


def fault_values(record: Fault) -> Values:
    """A fault's row."""
    return checked(f"fault of battle {record.battle_id}", asdict(record))


def fault(row: Row[Any]) -> Fault:
    """A fault from its row."""
    values = row._mapping
    return Fault(**{**values, "kind": FaultKind(values["kind"])})


def audit_values(record: AuditEntry) -> Values:
    """An audit entry's row."""
    return checked("entry of the audit", asdict(record))


def audit_entry(row: Row[Any]) -> AuditEntry:
    """An audit entry from its row."""
    values = dict(row._mapping)
    del values["number"]
    return AuditEntry(**values)

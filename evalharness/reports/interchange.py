"""Reports as JSON that loads back into the same records, every field kept.

The first key names the kind and the form's version. There is no NaN or infinity in it: a number that
is not finite is refused, since other readers would turn it into null and then into zero.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from evalharness.errors import EvalHarnessError
from evalharness.records import Leaderboard
from evalharness.reports.summary import Summary

__all__ = ["from_json", "render_json", "to_json"]

FORM = 1
"""Raised when a field changes its meaning."""

Record = TypeVar("Record", Leaderboard, Summary)


def to_json(record: Leaderboard | Summary) -> str:
    """The record as indented JSON. Raises EvalHarnessError where it holds a number that is not finite."""
    kind = type(record)
    # Not by pydantic, which writes NaN within free-form recipes as null.
    body = {"form": f"{kind.__name__}/{FORM}", **asdict(record)}
    try:
        return json.dumps(body, indent=2, allow_nan=False, default=_time) + "\n"
    except ValueError as error:
        raise EvalHarnessError(
            f"A {kind.__name__} holds a number that is not finite, which JSON cannot carry. "
            "Find the value at its source; it was not written."
        ) from error


def from_json(kind: type[Record], text: str) -> Record:
    """The record of `kind` that `to_json` wrote. Raises EvalHarnessError for anything else."""
    wanted = f"{kind.__name__}/{FORM}"
    try:
        body = json.loads(text)
        found = body.pop("form", None) if isinstance(body, dict) else None
        if found != wanted:
            raise EvalHarnessError(
                f"The text is no {wanted}: its form is {found!r}. Read it with the version that wrote it, "
                "or write the report again."
            )
        record: Record = TypeAdapter(kind).validate_json(json.dumps(body), strict=True)
    except (json.JSONDecodeError, ValidationError) as error:
        raise EvalHarnessError(
            f"The text cannot be read as a {kind.__name__}: {str(error).splitlines()[0]}. "
            "It may be cut short or edited: write the report again."
        ) from error
    return record


def render_json(summary: Summary) -> str:
    """The whole summary as JSON."""
    return to_json(summary)


def _time(value: object) -> str:
    if isinstance(value, date):  # which a datetime is, too
        return value.isoformat()
    raise TypeError(f"A report holds a {type(value).__name__}, for which JSON has no form.")

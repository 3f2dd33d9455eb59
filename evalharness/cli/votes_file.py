"""A file of votes at the command line: the options that say which column holds what, in one vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalharness.errors import ConfigError

if TYPE_CHECKING:
    from evalharness.ratings import Tally

__all__ = [
    "Columns",
    "Delimiter",
    "Outcomes",
    "Silent",
    "WinnerNamed",
    "Without",
    "columns_of",
    "require_no_file",
    "votes_of",
]

_MEANING = re.compile(r"(?P<label>.*?)=(?P<meaning>left|right|tie|both_bad|skip)(?:,|$)")
_ROLES = ("left", "right", "outcome", "voter", "prompt", "time", "count")


class Silent(StrEnum):
    """What a file may not tell."""

    VOTER = "voter"
    PROMPT = "prompt"
    SIDES = "sides"
    OUTCOME = "outcome"


Columns = Annotated[
    list[str] | None,
    typer.Option("--column", help="Name of a column of the file: voter=worker; may be given again."),
]
Outcomes = Annotated[
    list[str] | None,
    typer.Option(
        help="What labels mean: model_a=left,model_b=right,draw=tie,bad=both_bad,unsure=skip. "
        "left, right, tie and both_bad mean themselves; =tie speaks for empty cells."
    ),
]
WinnerNamed = Annotated[
    bool, typer.Option("--winner-named", help="The outcome is the winning system's name.")
]
Without = Annotated[
    list[Silent] | None,
    typer.Option(
        help="What the file does not tell; may be given again. sides: left and right are no places on "
        "a screen. outcome: the left column holds the winner."
    ),
]
Delimiter = Annotated[str | None, typer.Option(help="What separates the cells of a text file.")]


def votes_of(
    file: Path,
    columns: Mapping[str, str | None],
    *,
    outcomes: list[str] | None = None,
    known: Mapping[str, str] | None = None,
    winner_named: bool = False,
    without: list[Silent] | None = None,
    delimiter: str | None = None,
) -> Tally:
    """The votes of a file; `columns` by role, `known` what labels mean that `outcomes` does not name.

    Raises ConfigError for options that cannot be read.
    """
    from evalharness.ratings.reading import read_votes

    untold = set(without or ())
    named: dict[str, Any] = dict(columns)
    for silent in (Silent.VOTER, Silent.PROMPT, Silent.OUTCOME):
        if silent in untold:
            named[silent.value] = None
    return read_votes(
        file,
        **named,
        outcomes={**(known or {}), **_meanings(outcomes or [])},
        winner_named=winner_named,
        sides=Silent.SIDES not in untold,
        delimiter=delimiter,
    )


def columns_of(words: list[str] | None) -> dict[str, str]:
    """Columns by role, from words such as voter=worker."""
    columns = {}
    for word in words or []:
        role, sign, name = word.partition("=")
        if role not in _ROLES or not sign or not name:
            raise ConfigError(
                f"--column takes role=name, the role one of {', '.join(_ROLES)}; found {word!r}."
            )
        columns[role] = name
    return columns


def require_no_file(columns: dict[str, str], described: dict[str, Any]) -> None:
    """Raise ConfigError for options that describe a file where none was given."""
    if columns or any(described.values()):
        raise ConfigError(
            "--column, --outcomes, --winner-named, --without and --delimiter describe a file of votes: give "
            "the file with --votes-file."
        )


def _meanings(given: list[str]) -> dict[str, str]:
    """Labels and what they mean, from words such as a=left,b=right; a label may hold commas and signs."""
    meanings = {}
    for words in given:
        found = list(_MEANING.finditer(words))
        if "".join(part.group() for part in found) != words or not found:
            raise ConfigError(
                f"--outcomes {words} cannot be read. Write label=meaning, separated by commas; a meaning "
                "is left, right, tie, both_bad or skip: model_a=left,model_b=right,draw=tie."
            )
        meanings.update({part["label"]: part["meaning"] for part in found})
    return meanings

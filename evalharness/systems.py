"""`[[systems]]` of study.toml: how a system is reached, and by which name boards call it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import tomlkit
from pydantic import Field, model_validator

from evalharness.errors import ConfigError
from evalharness.records import System
from evalharness.settings import Settings

__all__ = ["Name", "SystemSettings", "write_reveal"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=80)]


class SystemSettings(Settings):
    """`[[systems]]`: one system of the study."""

    name: Name
    adapter: Name
    model: str = ""
    revision: str = ""
    codename: Name | None = None
    revealed: date | None = None
    """Since when its name is shown in place of its codename; `reveal` writes it."""
    released: date | None = None
    open_weights: bool | None = None
    """Whether its weights can be had; left out, boards say nothing of it."""
    concurrency: int = Field(default=1, ge=1, le=64)
    parameters: dict[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _revealed_was_masked(self) -> SystemSettings:
        if self.revealed is not None and self.codename is None:
            raise ValueError("revealed says when a codename ended; this system has none")
        return self

    def record(self) -> System:
        """The system's record; one that was revealed has no codename any more."""
        known = self.model_dump(exclude={"revealed", "released", "open_weights"})
        return System(**{**known, "codename": None if self.revealed else self.codename})


def write_reveal(file: Path, codename: str, day: date) -> SystemSettings:
    """Write into study.toml that the system with this codename goes by its name since `day`.

    All else in the file stays as it stands, comments too. Raises ConfigError where no system has that
    codename, or it was revealed before.
    """
    text = file.read_text(encoding="utf-8")
    document = tomlkit.parse(text)
    tables = document.get("systems", [])
    found = [table for table in tables if table.get("codename") == codename]
    masked = sorted(
        str(table["codename"]) for table in tables if "codename" in table and "revealed" not in table
    )
    if not found:
        raise ConfigError(
            f"No masked system is called {codename!r}; masked are {', '.join(masked) or 'none'}. Give the "
            "codename, as boards show it."
        )
    (table, *_) = found
    if "revealed" in table:
        raise ConfigError(f"{codename} was revealed on {table['revealed']}: it is {table['name']}.")
    table["revealed"] = day
    written = tomlkit.dumps(document)
    _require_only(day, codename, tomllib.loads(text), tomllib.loads(written))
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(written, encoding="utf-8")
    draft.replace(file)
    return SystemSettings.model_validate(tomllib.loads(written)["systems"][list(tables).index(table)])


def _require_only(day: date, codename: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raise ConfigError unless all that differs is that one system was revealed on this day."""
    for table in before["systems"]:
        if table.get("codename") == codename:
            table["revealed"] = day
    if before != after:
        raise ConfigError(
            f"study.toml could not be changed safely. Add the line `revealed = {day}` to the system "
            f"{codename} by hand."
        )

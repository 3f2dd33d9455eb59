"""Which quantities decide, and the smallest change of each that matters: data/regression.toml, study.toml."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalharness.errors import ConfigError, UnknownNameError
from evalharness.tolerances import RegressionSettings

__all__ = ["EFFECTS_FILE", "Effects", "read_effects"]

EFFECTS_FILE = "regression.toml"
"""Its name in the folder of data that comes along."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What is asked of metrics."""

    deciding: frozenset[str]
    smallest: Mapping[str, float]
    """By quantity, positive, in its unit."""


def read_effects(file: Path, settings: RegressionSettings, known: Collection[str]) -> Effects:
    """The table of `file`, changed as the study says; `known` are the quantities that there are.

    Raises ConfigError where the file is no such table, or a deciding quantity has no smallest effect;
    UnknownNameError for a quantity that the study names and nobody measures.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        deciding, smallest = list(table["deciding"]), {k: float(v) for k, v in table["effects"].items()}
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{file} was to hold a list 'deciding' and a table 'effects' of numbers, and does not ({error}). "
            "Put back the file that came along."
        ) from error
    for name in (*(settings.deciding or ()), *settings.effects):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3) or sorted(known)[:3]
            raise UnknownNameError(
                f"study.toml: regression: no quantity is called {name!r}; near it: {', '.join(near)}. "
                "'python -m evalharness metrics --all' lists them."
            )
    smallest |= settings.effects
    chosen = deciding if settings.deciding is None else settings.deciding
    without = [name for name in chosen if name not in smallest]
    if without:
        raise ConfigError(
            f"study.toml: regression.deciding: {', '.join(without)} is to decide and has no smallest effect "
            "that matters. Give one under [regression.effects]."
        )
    return Effects(frozenset(chosen), smallest)

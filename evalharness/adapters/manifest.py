"""A CSV manifest of finished clips: which file is which system's answer to which prompt and seed."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalharness.errors import ConfigError

__all__ = ["Entry", "read_manifest"]

NEEDED = ("system", "prompt_id", "file")
OPTIONAL = ("seed", "latency_s", "cost_usd")


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished clip."""

    system: str
    prompt_id: str
    seed: int
    file: Path
    latency_s: float | None = None
    """What the system took for it, in seconds."""
    cost_usd: float | None = None


def read_manifest(file: Path, *, base: Path, unseeded: int) -> tuple[Entry, ...]:
    """The rows of all systems, in their order.

    `base` is the folder that relative files count from; a row without a seed gets `unseeded`.
    Raises ConfigError naming the file, the line, the column, what was found and what is allowed.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            header = _checked_header(file, next(reader, []))
            return tuple(
                _entry(f"{file.name}:{reader.line_num}", header, row, base, unseeded) for row in reader if row
            )
    except OSError as error:
        raise ConfigError(f"The manifest {file} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"The manifest {file} is not a CSV file in UTF-8: {error}.") from error


def _checked_header(file: Path, found: Sequence[str]) -> Sequence[str]:
    problems = (
        [f"the column '{column}' is missing" for column in NEEDED if column not in found]
        + [f"the column '{column}' is not known" for column in found if column not in NEEDED + OPTIONAL]
        + [f"the column '{column}' stands there twice" for column in found if found.count(column) > 1]
    )
    if problems:
        raise ConfigError(
            f"{file.name}:1: {problems[0]}: found {', '.join(found) or 'nothing'}; "
            f"needed are {', '.join(NEEDED)}; {', '.join(OPTIONAL)} may be added."
        )
    return found


def _entry(where: str, header: Sequence[str], cells: Sequence[str], base: Path, unseeded: int) -> Entry:
    if len(cells) != len(header):
        raise ConfigError(f"{where}: found {len(cells)} cells; the header has {len(header)} columns.")
    row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
    for column in NEEDED:
        if not row[column]:
            raise ConfigError(f"{where}: {column}: found nothing; it must be given.")
    return Entry(
        system=row["system"],
        prompt_id=row["prompt_id"],
        seed=_seed(row, where, unseeded),
        file=base / row["file"],
        latency_s=_amount(row, "latency_s", where),
        cost_usd=_amount(row, "cost_usd", where),
    )


def _seed(row: Mapping[str, str], where: str, unseeded: int) -> int:
    text = row.get("seed", "")
    try:
        return int(text) if text else unseeded
    except ValueError:
        raise ConfigError(f"{where}: seed: found '{text}'; allowed: a whole number, or nothing.") from None


def _amount(row: Mapping[str, str], column: str, where: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise ConfigError(f"{where}: {column}: found '{text}'; allowed: a number of at least 0, or nothing.")
    return amount

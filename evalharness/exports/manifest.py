"""The manifest: what an export holds, and by which hashes it is known again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from evalharness.errors import ConfigError

__all__ = ["FILE", "Manifest", "changed_since", "hash_of", "read_manifest"]

FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was exported."""

    study: str
    made_at: str | None
    """None where the votes do not say when they were cast."""
    version: str
    """Of evalharness."""
    options: Mapping[str, Any]
    rows: Mapping[str, int]
    """By table."""
    sha256: Mapping[str, str]
    """By file."""

    def write(self, folder: Path) -> None:
        """Put it into the export's folder, last of all."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        (folder / FILE).write_text(text, encoding="utf-8")


def changed_since(folder: Path) -> tuple[str, ...]:
    """A sentence for each file that is missing, changed, or was not there when the export was made.

    Raises ConfigError where there is no export.
    """
    known = read_manifest(folder).sha256
    here = {path.name: path for path in folder.iterdir() if path.is_file() and path.name != FILE}
    return (
        *(f"{name} is missing." for name in sorted(set(known) - set(here))),
        *(f"{name} was not part of the export." for name in sorted(set(here) - set(known))),
        *(
            f"{name} is not as it was written."
            for name in sorted(set(here) & set(known))
            if hash_of(here[name]) != known[name]
        ),
    )


def read_manifest(folder: Path) -> Manifest:
    """The manifest in an export's folder. Raises ConfigError where there is none, or not one."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Manifest(
            study=str(told["study"]),
            made_at=None if told["made_at"] is None else str(told["made_at"]),
            version=str(told["version"]),
            options=dict(told["options"]),
            rows={str(name): int(number) for name, number in told["rows"].items()},
            sha256={str(name): str(digest) for name, digest in told["sha256"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{folder} holds no export: its {FILE} is missing or not one. Name the folder given to --out."
        ) from error


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

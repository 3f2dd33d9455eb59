"""Files of weights that users bring: where they are said to be, and whether they are what they should be.

Weights are never fetched. A path comes from an environment variable; where a release is known by its
SHA-256, any other file is refused.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["WeightsError", "brought", "verified"]


class WeightsError(ValueError):
    """Weights that are not there, or not what they should be; the message is a finished sentence."""


def brought(variable: str) -> Path | None:
    """The path that the environment variable names, or None where it is unset or empty.

    Raises WeightsError where it names nothing that exists.
    """
    said = os.environ.get(variable, "")
    if not said:
        return None
    path = Path(said).expanduser()
    if not path.exists():
        raise WeightsError(f"{variable} names {path}, where there is nothing. Correct it, or unset it.")
    return path


def verified(path: Path, sha256: str) -> Path:
    """`path`, if the SHA-256 of what is in it is `sha256` (hexadecimal); WeightsError otherwise."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise WeightsError(
            f"{path} has the SHA-256 {found[:16]}…, the released weights have {sha256[:16]}…. "
            "It is another file, or a damaged one: fetch the release again."
        )
    return path

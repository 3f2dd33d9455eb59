"""The files that come with evalharness, for people to read and edit: prompts, prices, verdicts of gates."""

from __future__ import annotations

from pathlib import Path

from evalharness.errors import ConfigError

__all__ = ["data_folder"]


def data_folder() -> Path:
    """Where they lie: `evalharness/_data` in an installed wheel, `data/` beside the package in a checkout.

    Raises ConfigError if they are in neither place.
    """
    package = Path(__file__).resolve().parent
    candidates = (package / "_data", package.parent / "data")
    for folder in candidates:
        if (folder / "prompts").is_dir():
            return folder
    raise ConfigError(
        f"The data that come with evalharness are missing: neither {candidates[0]} nor {candidates[1]} holds "
        "a folder 'prompts'. Install evalharness again."
    )

"""The published files of weights, known by how their SHA-256 begins and ends.

Neither file may be shipped here: users fetch them from their authors and name them in the environment.
Only the first and last digits of their sums are known to this package, 48 bits; a file with others is
refused, and even the right one is only read as weights, never run (torch's `weights_only`).
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.weights import WeightsError, brought

__all__ = ["S3FD", "SYNCNET", "Release", "recognised", "state"]


@dataclass(frozen=True, slots=True)
class Release:
    """One published file of weights."""

    file: str
    variable: str
    """The environment variable that names its path."""
    begins: str
    """The first digits of its SHA-256, hexadecimal …"""
    ends: str
    """… and the last."""

    def brought(self) -> Path | None:
        """Where the user says it is, or None. Raises WeightsError where nothing is there."""
        return brought(self.variable)


SYNCNET = Release("syncnet_v2.model", "EVALHARNESS_SYNCNET_WEIGHTS", "961e8696", "5442")
S3FD = Release("sfd_face.pth", "EVALHARNESS_S3FD_WEIGHTS", "d54a87c2", "c491")


def recognised(path: Path, release: Release) -> Path:
    """`path`, if its SHA-256 begins and ends as the release's does; WeightsError otherwise."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not (found.startswith(release.begins) and found.endswith(release.ends)):
        raise WeightsError(
            f"{path} has the SHA-256 {found[:8]}…{found[-4:]}, the released {release.file} has "
            f"{release.begins}…{release.ends}. It is another file, or a damaged one: fetch the release again."
        )
    return path


def state(path: Path, release: Release) -> Mapping[str, Any]:
    """The state dict in `path`. Raises WeightsError where it is not the release or holds other things."""
    import torch

    recognised(path, release)
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{path} holds more than weights, or is no file of torch: not loaded.") from error
    if not isinstance(weights, Mapping):
        raise WeightsError(f"{path} holds a {type(weights).__name__}, not a state dict: not loaded.")
    return weights

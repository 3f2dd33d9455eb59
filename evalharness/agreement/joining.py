"""Votes and measurements side by side: for each vote, by how much a metric prefers the left clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalharness.records import Outcome

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["VOTE_COLUMNS", "ClipId", "Slice", "newest", "oriented"]

Reals = NDArray[np.float64]
Codes = NDArray[np.int64]
ClipId = tuple[str, str, int]
"""System, prompt, seed."""

VOTE_COLUMNS = (
    "category", "question", "voter", "prompt", "left", "right", "left_seed", "right_seed", "outcome"
)  # fmt: skip
"""What is needed of the votes that count, one a row; systems by the names that are published."""
_PREFERS = {Outcome.LEFT.value: 1.0, Outcome.RIGHT.value: -1.0} | dict.fromkeys(
    (Outcome.TIE.value, Outcome.BOTH_BAD.value), 0.0
)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """The votes on one question in one category; arrays of shape (votes,)."""

    prefers: Reals
    """1: the left clip, -1: the right one, 0: neither."""
    voter: Codes
    prompt: Codes
    left: Codes
    """Place of the left clip in `clips`."""
    right: Codes
    clips: tuple[ClipId, ...]

    @classmethod
    def of(cls, votes: pd.DataFrame) -> Slice:
        """From rows with `VOTE_COLUMNS`."""
        import pandas as pd

        sides = [
            pd.MultiIndex.from_arrays([votes[side], votes["prompt"], votes[f"{side}_seed"]])
            for side in ("left", "right")
        ]
        codes, clips = pd.factorize(sides[0].append(sides[1]), sort=True)
        left, right = np.split(codes.astype(np.int64), 2)
        voter, prompt = (pd.factorize(votes[name])[0].astype(np.int64) for name in ("voter", "prompt"))
        return cls(
            votes["outcome"].astype(str).map(_PREFERS).to_numpy(np.float64),
            voter,
            prompt,
            left,
            right,
            tuple((str(system), str(prompt_id), int(seed)) for system, prompt_id, seed in clips),
        )

    def values(self, measured: Mapping[ClipId, float]) -> Reals:
        """Shape (clips,): each clip's value, NaN where it has none."""
        return np.array([measured.get(clip, np.nan) for clip in self.clips], dtype=np.float64)

    def gaps(self, values: Reals) -> Reals:
        """Shape (votes,): the left clip's value minus the right one's, NaN where either has none."""
        gaps: Reals = values[self.left] - values[self.right]
        return gaps

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that were compared, by name."""
        return tuple(sorted({system for system, _, _ in self.clips}))


def newest(versions: Mapping[str, Mapping[ClipId, float]]) -> str:
    """The version of a quantity to ask: the one that most clips have, of equals the last by name."""
    return max(versions, key=lambda version: (len(versions[version]), version))


def oriented(values: Reals, better: str) -> Reals:
    """Values of which more is better, by the quantity's direction: `higher`, `lower` or `zero`.

    Raises ValueError for a quantity without a direction.
    """
    if better == "higher":
        return values
    if better == "lower":
        return -values
    if better == "zero":
        return -np.abs(values)
    raise ValueError(f"a quantity whose better way is {better!r} prefers no clip")

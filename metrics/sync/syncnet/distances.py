"""From embeddings to SyncNet's three numbers.

For every shift of the sound by -15..15 pictures, the distance between what is seen and what is heard is
averaged over the clip. LSE-D is the least of the 31 means (lower is better), LSE-C how far it lies below
their median (higher is better; Prajwal et al. 2020 named both), and the offset is the shift where it lies.

The published code gives the offset in pictures and calls sound that is early positive; `Verdict.offset_s`
is in seconds and positive where the sound is late, as everywhere in this package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FPS", "REACH", "Verdict", "mean_distances", "verdict"]

Array = NDArray[np.float64]

FPS = 25.0
REACH = 15
"""Pictures by which the sound is shifted either way, 0.6 s."""
NUDGE = 1e-6
"""What torch's pairwise_distance adds to each difference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What SyncNet says of one face."""

    offset_frames: int
    """As published: pictures at 25 a second, positive where the sound is early."""
    lse_c: float
    lse_d: float

    @property
    def offset_s(self) -> float:
        """Positive where the sound is late, -0.6..0.6 in steps of 0.04."""
        return (0 - self.offset_frames) / FPS

    @property
    def at_edge(self) -> bool:
        """Whether the best shift is the largest that was tried: the truth may lie beyond."""
        return abs(self.offset_frames) == REACH


def mean_distances(seen: NDArray[np.floating], heard: NDArray[np.floating], reach: int = REACH) -> Array:
    """(2 * reach + 1,) mean Euclidean distances of (n, d) and (n, d), `heard` taken -reach..reach later.

    As published, sound beyond either end of the clip counts as a point at zero.
    """
    if seen.shape != heard.shape or not len(seen):
        raise ValueError(
            f"Sound and picture need as many points each, at least one: {seen.shape}, {heard.shape}"
        )
    padded = np.pad(heard.astype(np.float64), ((reach, reach), (0, 0)))
    shifted = (padded[shift : shift + len(seen)] for shift in range(2 * reach + 1))
    return np.array([np.linalg.norm(seen - sound + NUDGE, axis=1).mean() for sound in shifted])


def verdict(distances: Array) -> Verdict:
    """SyncNet's numbers for the (31,) mean distances; see `mean_distances`."""
    best = int(np.argmin(distances))
    least = float(distances[best])
    return Verdict(len(distances) // 2 - best, float(np.median(distances)) - least, least)

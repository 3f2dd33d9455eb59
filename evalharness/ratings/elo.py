"""Online Elo: one pass over the votes, each moving two ratings.

After a vote, R_left += k (y - E) and R_right -= k (y - E), with E = 1 / (1 + 10^((R_right - R_left) / 400))
and y = 1 for left, 0 for right, 1/2 for a tie or both bad (Elo 1978). The result depends on the order
in which the votes came, as no estimate should; `elo_spread` shows by how much. Kept for comparison:
leaderboards use the estimators of `davidson` and `bradley_terry`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalharness.errors import RatingError
from evalharness.ratings.tally import Codes, Tally

__all__ = ["EloRun", "EloSpread", "elo", "elo_spread"]

_SCORE = (1.0, 0.0, 0.5, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class EloRun:
    """Ratings after one pass."""

    systems: tuple[str, ...]
    ratings: NDArray[np.float64]
    """Shape (systems,), on the Elo scale; their mean is `initial` for ever."""
    k: float
    initial: float


@dataclass(frozen=True, slots=True, eq=False)
class EloSpread:
    """What the order of the same votes does to the ratings."""

    systems: tuple[str, ...]
    given: NDArray[np.float64]
    """Shape (systems,): ratings in the order in which the votes came."""
    shuffled: NDArray[np.float64]
    """Shape (shuffles, systems): ratings in random orders of the same votes."""
    k: float
    seed: int

    @property
    def width(self) -> NDArray[np.float64]:
        """Shape (systems,): highest minus lowest rating that some order gave, in Elo."""
        every = np.vstack([self.given, self.shuffled])
        spread: NDArray[np.float64] = every.max(axis=0) - every.min(axis=0)
        return spread

    @property
    def leaders(self) -> tuple[str, ...]:
        """Every system that came first in some order."""
        every = np.vstack([self.given, self.shuffled])
        return tuple(self.systems[i] for i in np.unique(every.argmax(axis=1)))


def elo(votes: Tally, *, k: float = 32.0, initial: float = 1000.0, order: Codes | None = None) -> EloRun:
    """One pass over the votes; `order` is a permutation of the rows, by default as they came.

    Raises RatingError where there are no votes, k is not positive, or `order` is no permutation.
    """
    if votes.votes == 0:
        raise RatingError("There are no votes yet, so there is no Elo rating. Collect some battles first.")
    if not (np.isfinite(k) and k > 0):
        raise RatingError(f"Elo's k must be a positive number; found {k!r}. Usual values are 4 to 32.")
    rows = np.arange(votes.votes) if order is None else np.asarray(order)
    if not np.array_equal(np.sort(rows), np.arange(votes.votes)):
        raise RatingError(
            f"The order must name each of the {votes.votes} votes once; found {len(rows)} entries with gaps "
            "or repeats. Use numpy.random.Generator.permutation."
        )
    ratings = [float(initial)] * len(votes.systems)
    score = np.array(_SCORE)[votes.outcome[rows]]
    sides = zip(votes.left[rows].tolist(), votes.right[rows].tolist(), score.tolist(), strict=True)
    for left, right, y in sides:
        expected = 1.0 / (1.0 + 10.0 ** ((ratings[right] - ratings[left]) / 400.0))
        move = k * (y - expected)
        ratings[left] += move
        ratings[right] -= move
    return EloRun(votes.systems, np.array(ratings), k, initial)


def elo_spread(votes: Tally, *, k: float = 32.0, shuffles: int = 50, seed: int = 1) -> EloSpread:
    """Online Elo over seeded random orders of the same votes, beside the order they came in."""
    if shuffles < 1:
        raise RatingError(f"At least one shuffle is needed to see a spread; found {shuffles}.")
    random = np.random.default_rng(seed)
    runs = [elo(votes, k=k, order=random.permutation(votes.votes)).ratings for _ in range(shuffles)]
    return EloSpread(votes.systems, elo(votes, k=k).ratings, np.vstack(runs), k, seed)

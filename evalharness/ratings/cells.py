"""Votes that no model can tell apart, counted together: the likelihood needs only these counts.

A *cell* is an ordered pair of systems and, under controls, one set of covariate values. Without controls
a million votes on fifty systems fall into 2,450 cells, so a fit costs milliseconds however many votes
there are; with continuous covariates every vote may be a cell of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalharness.errors import RatingError
from evalharness.ratings.tally import OUTCOMES, Codes, Tally

__all__ = ["Cells", "Reals", "cells_of"]

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The distinct cells of a tally, and which cell each vote is in."""

    left: Codes
    """Shape (cells,): the system on the left."""
    right: Codes
    covariates: Reals
    """Shape (covariates, cells): left minus right."""
    counts: Reals
    """Shape (4, cells): votes by outcome."""
    of_vote: NDArray[np.int32]
    """Shape (votes,): each vote's cell."""

    @property
    def votes(self) -> Reals:
        """Shape (cells,): votes of any outcome."""
        total: Reals = self.counts.sum(axis=0)
        return total

    def answers(self, votes: Tally, rows: slice = slice(None)) -> Codes:
        """Shape (votes,): each vote's place in a table of shape (4, cells), flattened; of `rows` alone."""
        return votes.outcome[rows] * len(self.left) + self.of_vote[rows]


def cells_of(votes: Tally, covariates: Mapping[str, Reals] | None = None) -> Cells:
    """Count `votes` by cell; each covariate has shape (votes,).

    Raises RatingError where a covariate's length or values do not fit.
    """
    size = len(votes.systems)
    columns = [
        _checked(name, np.asarray(values, dtype=float), votes) for name, values in (covariates or {}).items()
    ]
    if not columns:
        left, right = np.nonzero(votes.pairs)
        place = np.zeros((size, size), dtype=np.int32)
        place[left, right] = np.arange(len(left))
        of_vote = place[votes.left, votes.right]
        counts = votes.counts[:, left, right].astype(float)
        return Cells(left, right, np.empty((0, len(left))), counts, of_vote)
    key = votes.left * size + votes.right
    for values in columns:
        levels, code = np.unique(values, return_inverse=True)
        _, key = np.unique(key * len(levels) + code, return_inverse=True)
    _, first = np.unique(key, return_index=True)
    counts = np.bincount(votes.outcome * len(first) + key, minlength=len(OUTCOMES) * len(first))
    return Cells(
        votes.left[first],
        votes.right[first],
        np.stack([values[first] for values in columns]),
        counts.reshape(len(OUTCOMES), len(first)).astype(float),
        key.astype(np.int32),
    )


def _checked(name: str, values: Reals, votes: Tally) -> Reals:
    if values.shape != (votes.votes,):
        raise RatingError(
            f"The covariate '{name}' has shape {values.shape}, but there are {votes.votes} votes. "
            "Give one number a vote: the left clip's value minus the right clip's."
        )
    unknown = ~np.isfinite(values)
    if unknown.any():
        raise RatingError(
            f"The covariate '{name}' is not a number for {int(unknown.sum())} of {votes.votes} votes, first "
            f"in row {int(unknown.argmax())}. Measure it there, or leave those votes out."
        )
    return values

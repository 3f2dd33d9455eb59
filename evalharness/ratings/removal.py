"""Paths of removal: in which order votes, voters or prompts go, and the shortest stretch that is enough.

A *stock* is what there is to remove of one unit; given how strongly each holds an order up, it lays out a
*path*, strongest first. Those that do not hold it up are not on the path.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

import numpy as np
from scipy import sparse

from evalharness.ratings.leave_out import leave_out_moves
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.recount import Recount
from evalharness.ratings.tally import Codes, Tally

__all__ = ["ClusterStock", "Path", "Stock", "Unit", "VoteStock", "shortest"]

State = TypeVar("State")


class Unit(StrEnum):
    """What is removed."""

    VOTES = "votes"
    VOTERS = "voters"
    PROMPTS = "prompts"


class Path(Protocol):
    """An order of removal; k counts votes, voters or prompts from its beginning."""

    longest: int

    def guess(self, gap: float) -> int:
        """The k after which, to first order, a gap of this many logits is gone; `longest` if never."""

    def counts(self, k: int) -> Reals:
        """Shape (4, cells): the votes that are gone after k."""

    def members(self, k: int) -> Codes:
        """Rows, or codes of voters or prompts, that are gone after k; ascending."""


class Stock(Protocol):
    """Votes, voters or prompts, and how to order them."""

    unit: Unit
    total: int

    def first_path(self, pull: Reals, i: int, j: int) -> Path:
        """The path by influence at the full board; `pull` as for `path`."""

    def path(self, pull: Reals) -> Path:
        """The path by the summed `pull` of the votes, shape (4 * cells,): how much each holds i above j."""


class VoteStock:
    """Single votes: those of one cell are alike, and go in the order in which they came."""

    unit = Unit.VOTES

    def __init__(self, votes: Tally, recount: Recount) -> None:
        self.total = votes.votes
        self.shape = recount.counts.shape
        self.times = recount.counts.ravel().astype(np.int64)
        self.rows = np.argsort(recount.kind, kind="stable")
        self.begins = np.concatenate([[0], np.cumsum(self.times)])

    def first_path(self, pull: Reals, i: int, j: int) -> Path:  # noqa: ARG002 - votes are too small to need it
        """The path by influence at the full board."""
        return self.path(pull)

    def path(self, pull: Reals) -> Path:
        """Cells by falling influence."""
        cells = np.argsort(-pull, kind="stable")
        return _VotePath(self, cells[(pull[cells] > 0.0) & (self.times[cells] > 0)], pull)


class _VotePath:
    def __init__(self, stock: VoteStock, cells: Codes, pull: Reals) -> None:
        self.stock, self.cells, self.pull = stock, cells, pull[cells]
        self.upto = np.cumsum(stock.times[cells])
        self.longest = int(self.upto[-1]) if cells.size else 0

    def guess(self, gap: float) -> int:
        """The first k with a summed influence of `gap`."""
        gone = np.cumsum(self.pull * self.stock.times[self.cells])
        last = int(np.searchsorted(gone, gap))
        if last == len(gone):
            return self.longest
        return int(self.upto[last] - np.floor((gone[last] - gap) / self.pull[last]))

    def counts(self, k: int) -> Reals:
        """All votes of the first cells, and part of the next."""
        gone = np.zeros(self.stock.shape)
        gone.ravel()[self.cells] = self._times(k)
        return gone

    def members(self, k: int) -> Codes:
        """Rows of the tally."""
        times = self._times(k)
        taken = [
            self.stock.rows[self.stock.begins[cell] : self.stock.begins[cell] + count]
            for cell, count in zip(self.cells[times > 0], times[times > 0], strict=True)
        ]
        return np.sort(np.concatenate(taken))

    def _times(self, k: int) -> Codes:
        size = self.stock.times[self.cells]
        times: Codes = np.clip(k - (self.upto - size), 0, size)
        return times


class ClusterStock:
    """Voters or prompts, each with all its votes."""

    def __init__(self, unit: Unit, fit: Fit, votes: Tally, recount: Recount) -> None:
        names, codes = (votes.voters, votes.voter) if unit is Unit.VOTERS else (votes.prompts, votes.prompt)
        self.unit, self.total, self.shape = unit, len(names), recount.counts.shape
        self.moves = leave_out_moves(fit, votes, codes, len(names))[:, : len(fit.systems)]
        ones = np.ones(votes.votes)
        self.cells = sparse.csr_array((ones, (codes, recount.kind)), shape=(len(names), recount.counts.size))

    def first_path(self, pull: Reals, i: int, j: int) -> Path:  # noqa: ARG002 - the move without it says more
        """By how far the gap falls when the fit moves by one Newton step without each."""
        return _ClusterPath(self, self.moves[:, j] - self.moves[:, i])

    def path(self, pull: Reals) -> Path:
        """By the summed influence of each one's votes."""
        return _ClusterPath(self, np.asarray(self.cells @ pull))


class _ClusterPath:
    def __init__(self, stock: ClusterStock, pull: Reals) -> None:
        order = np.argsort(-pull, kind="stable")
        self.stock, self.codes = stock, order[pull[order] > 0.0]
        self.gone = np.cumsum(pull[self.codes])
        self.longest = len(self.codes)

    def guess(self, gap: float) -> int:
        """The first k with a summed influence of `gap`."""
        return min(int(np.searchsorted(self.gone, gap)) + 1, self.longest)

    def counts(self, k: int) -> Reals:
        """All votes of the first k."""
        gone: Reals = self.stock.cells[self.codes[:k]].sum(axis=0)
        return np.asarray(gone).reshape(self.stock.shape)

    def members(self, k: int) -> Codes:
        """Codes of the voters or prompts."""
        return np.sort(self.codes[:k])


def shortest(
    margin: Callable[[int], tuple[float, State]],
    start: float,
    *,
    reversed_below: float,
    guess: int,
    longest: int,
) -> tuple[int, State] | None:
    """The smallest k from 1 to `longest` whose margin lies below `reversed_below`, with its state.

    `start` is the margin at 0. The margin is taken to fall with k nearly evenly, so the search goes by
    interpolation, and by halves where that stalls; what it returns was computed, and so was k - 1 not to be
    enough. None where even `longest` is not.
    """
    if longest < 1:
        return None
    low, at_low = 0, start
    high, at_high, state = 0, 0.0, None
    k, steps = min(max(guess, 1), longest), 0
    while True:
        found, reached = margin(k)
        if found < reversed_below:
            high, at_high, state = k, found, reached
        elif k == longest:
            return None
        else:
            low, at_low = k, found
        if state is not None and high - low == 1:
            return high, state
        steps += 1
        if state is None:
            fallen = start - at_low
            ahead = 2.0 * low if fallen <= 0.0 else low * start / fallen
            k = int(min(max(np.ceil(ahead), low + 1), longest, 4 * low + 4))
        elif steps % 3 == 0:
            k = (low + high) // 2
        else:
            k = low + round((high - low) * at_low / (at_low - at_high))
            k = min(max(k, low + 1), high - 1)

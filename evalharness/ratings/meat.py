"""The middle of a sandwich covariance: squared scores, summed by vote or by voter-and-prompt cell.

Cells of one vote each, by far the most on a large board, are counted with the rows. Within a cell of few
votes the cross terms are added pair by pair; cells of many votes are summed first and squared then. So
neither a crowd of visitors nor a panel that saw everything takes long, and beside one sorted key memory does
not grow with the votes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalharness.ratings.design import Slot
from evalharness.ratings.leave_out import vote_scores
from evalharness.ratings.maximum import assembled, scatter
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.tally import Codes, Tally

__all__ = ["cell_meat", "row_meat"]

_FEW = 6
"""Votes in a cell up to which their cross terms are added pair by pair."""
_BLOCK = 1 << 20
"""Votes handled at a time."""
_DENSE = 4_000_000
"""Numbers in a table of summed scores."""


def row_meat(fit: Fit) -> Reals:
    """Sum over votes of score times score transposed, shape (parameters, parameters), from the counts."""
    return _squares(fit, fit.cells.counts)


def cell_meat(fit: Fit, votes: Tally) -> Reals:
    """The same with the scores summed first within each cell of one voter and one prompt."""
    meat = row_meat(fit)
    table = vote_scores(fit)
    for answer, cell in _shared(fit, votes):
        size = np.bincount(cell)[cell]
        few = np.flatnonzero(size <= _FEW)
        for apart in range(1, _FEW):
            first = few[:-apart]
            same = cell[first] == cell[few[apart:]]
            _add_cross(meat, fit, table, answer[first[same]], answer[few[apart:][same]])
        many = size > _FEW
        if many.any():
            _add_sums(meat, fit, table, answer[many], np.unique(cell[many], return_inverse=True)[1])
    return meat


def _squares(fit: Fit, counts: Reals) -> Reals:
    score = fit.chances.score
    return assembled(fit.design, fit.slots, np.einsum("oc,poc,qoc->pqc", counts, score, score))


def _shared(fit: Fit, votes: Tally) -> Iterator[tuple[Codes, Codes]]:
    """Votes that share their voter-and-prompt cell with another: their answers and cells, by blocks.

    One sort brings the votes of a cell together; the answer rides along in the low digits of the key.
    """
    answers = fit.cells.counts.size
    key = votes.voter * len(votes.prompts)
    key += votes.prompt
    key *= answers
    for start in range(0, len(key), _BLOCK):
        rows = slice(start, start + _BLOCK)
        key[rows] += fit.cells.answers(votes, rows)
    key.sort()
    start = 0
    while start < len(key):
        last = min(start + _BLOCK, len(key)) - 1
        end = int(np.searchsorted(key, (key[last] // answers + 1) * answers))  # cells are not cut in two
        cell, answer = np.divmod(key[start:end], answers)
        starts = np.diff(cell, prepend=-1) > 0
        shared = ~(starts & np.append(starts[1:], True))
        if shared.any():
            yield answer[shared], np.cumsum(starts[shared]) - 1
        start = end


def _add_cross(meat: Reals, fit: Fit, table: Reals, first: Codes, second: Codes) -> None:
    """Add s_v s_w' + s_w s_v' for the answers v of `first` and w of `second`, pair by pair."""
    if not len(first):
        return
    added = np.zeros_like(meat)
    cells = len(fit.cells.left)

    def at(slot: Slot, answer: Codes) -> Codes | int:
        return slot.where if isinstance(slot.where, int) else slot.where[answer % cells]

    columns = [(at(slot, second), scores[second]) for slot, scores in zip(fit.slots, table, strict=True)]
    for slot, scores in zip(fit.slots, table, strict=True):
        row, mine = at(slot, first), scores[first]
        for column, theirs in columns:
            scatter(added, row, column, mine * theirs)
    meat += added + added.T


def _add_sums(meat: Reals, fit: Fit, table: Reals, answer: Codes, cell: Codes) -> None:
    """Add what squaring the summed scores of each cell adds to squaring them one by one."""
    size, cells = fit.parameters, len(fit.cells.left)
    many = max(1, _DENSE // size)
    for start in range(0, int(cell[-1]) + 1, many):
        rows = slice(*np.searchsorted(cell, [start, start + many]))
        of, at = cell[rows] - start, answer[rows]
        summed = np.zeros(many * size)
        for slot, scores in zip(fit.slots, table, strict=True):
            where = slot.where if isinstance(slot.where, int) else slot.where[at % cells]
            summed += np.bincount(of * size + where, scores[at], many * size)
        by_cell = summed.reshape(many, size)
        meat += by_cell.T @ by_cell
    counts = np.bincount(answer, minlength=fit.cells.counts.size).reshape(fit.cells.counts.shape)
    meat -= _squares(fit, counts.astype(float))

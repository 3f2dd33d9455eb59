"""Where one shot ends and another begins, from small grey pictures.

At a cut, the two pictures before it and the two after it differ, each from each; within a shot neighbours
are alike. Motion makes neighbours differ as well, hence the comparison with the steps around; a flash makes
one picture differ from both sides, hence two on either side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cuts"]

LEAST = 8.0
"""Grey levels (of 255) that pictures differ by across a cut, on average over their cells."""
ABOVE_MOTION = 3.0
"""How many times the steps around it a cut is."""
AROUND = 6
"""Steps on either side that say how much moves."""
CELLS = 24
"""Cells on the longer side of the picture that are compared: grain and small motion average out."""


def cuts(grey: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of the pictures (n, height, width) that begin a new shot; never 0."""
    cells = _cells(grey)
    count = len(cells)
    steps = _difference(cells[1:], cells[:-1])
    jumps = np.zeros(count)
    for index in range(1, count):
        jump = min(
            float(_difference(cells[after], cells[before]))
            for before in (index - 1, max(0, index - 2))
            for after in (index, min(count - 1, index + 1))
        )
        near = np.r_[steps[max(0, index - 1 - AROUND) : index - 1], steps[index : index + AROUND]]
        usual = float(np.median(near)) if near.size else 0.0
        if jump > max(LEAST, ABOVE_MOTION * usual):
            jumps[index] = jump
    # A picture blended of two shots jumps from the one and to the other: one cut.
    return np.array(
        [
            index
            for index in np.flatnonzero(jumps)
            if jumps[index] == jumps[max(0, index - 2) : index + 3].max()
        ],
        np.intp,
    )


def _cells(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, cells): means over squares of the pictures."""
    _, height, width = grey.shape
    size = max(1, -(-max(height, width) // CELLS))
    rows = np.add.reduceat(grey, np.arange(0, height, size), axis=1, dtype=np.float64)
    both = np.add.reduceat(rows, np.arange(0, width, size), axis=2)
    pixels = np.outer(np.diff(np.r_[0:height:size, height]), np.diff(np.r_[0:width:size, width]))
    return np.asarray((both / pixels).reshape(len(grey), -1), np.float64)


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(first - second).mean(axis=-1), np.float64)

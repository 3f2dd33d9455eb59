"""How often each unit of a board enters each of many resamples, drawn block by block.

Units come in groups whose votes count alike: all votes of one voter (a group of one unit), or all votes of
one answer between the same two systems (a group of as many units as votes). The weight of a group is how
often its units were drawn, over how many it has, so that it is 1 on average.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from evalharness.ratings.tally import Codes

__all__ = ["BootstrapWeights", "Draw", "Singles", "blocks_of", "independent", "product"]

Singles = NDArray[np.float32]

Draw = Callable[[slice, slice], Singles]
"""Weights of these resamples (rows) and groups (columns); each resample and group is asked for once."""

_TABLE = 2**16
"""Equally likely Poisson numbers in a table."""


class BootstrapWeights(StrEnum):
    """How often a unit enters a resample."""

    POISSON = "poisson"
    """Independently of the others, once on average: the size of the resample varies."""
    MULTINOMIAL = "multinomial"
    """As many draws with replacement as there are units."""


def blocks_of(length: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` (at least 1) that cover `length`."""
    for start in range(0, length, max(1, size)):
        yield slice(start, min(start + max(1, size), length))


def independent(
    random: np.random.Generator,
    weights: BootstrapWeights,
    units: Codes,
    blocks: list[slice],
    resamples: int,
) -> Draw:
    """Weights of groups with so many units each, shape (groups,); groups are asked for by these blocks."""
    if weights is BootstrapWeights.POISSON:
        return lambda some, block: _poisson(random, units[block], some.stop - some.start)
    # First how many draws fall on each block; given that, those on its groups do not depend on other blocks.
    size = np.array([units[block].sum() for block in blocks])
    fallen = random.multinomial(size.sum(), size / size.sum(), size=resamples)
    number = {block.start: place for place, block in enumerate(blocks)}
    return lambda some, block: _multinomial(random, units[block], fallen[some, number[block.start]])


def product(first: Singles, of_first: Codes, second: Singles, of_second: Codes) -> Draw:
    """Weights that are products: of a voter's, shape (resamples, voters), and of a prompt's.

    `of_first` and `of_second` have shape (groups,): which voter and which prompt a group belongs to.
    """

    def draw(some: slice, block: slice) -> Singles:
        weight = np.take(first[some], of_first[block], axis=1)
        weight *= np.take(second[some], of_second[block], axis=1)
        return weight

    return draw


def _poisson(random: np.random.Generator, units: Codes, resamples: int) -> Singles:
    if (units == 1).all():
        places = random.integers(_TABLE, size=(resamples, len(units)), dtype=np.uint16)
        return _poisson_table(1)[places]
    weight = np.empty((len(units), resamples), dtype=np.float32)
    for number in np.unique(units):
        alike = np.flatnonzero(units == number)
        places = random.integers(_TABLE, size=(len(alike), resamples), dtype=np.uint16)
        weight[alike] = _poisson_table(int(number))[places] / number
    return weight.T


@lru_cache(maxsize=64)
def _poisson_table(mean: int) -> Singles:
    """Poisson numbers of this mean as 65,536 equally likely ones: mean and variance are right to 0.1 %.

    Reading one takes a tenth of the time of drawing one.
    """
    beyond = int(mean + 10.0 * mean**0.5 + 10.0)
    edges = np.rint(_TABLE * pdtr(np.arange(beyond), mean)).astype(np.int64)
    return np.repeat(np.arange(beyond, dtype=np.float32), np.diff(edges, prepend=0))


def _multinomial(random: np.random.Generator, units: Codes, draws: Codes) -> Singles:
    """The weights of one block on which so many draws fell, `draws` of shape (resamples,)."""
    size = len(units)
    if (units == 1).all():
        hits = [np.bincount(random.integers(size, size=count), minlength=size) for count in draws]
        return np.array(hits, dtype=np.float32)
    hit = random.multinomial(draws, units / units.sum(), size=len(draws))
    return np.asarray(hit / units, dtype=np.float32)

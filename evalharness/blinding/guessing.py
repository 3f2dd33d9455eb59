"""How well systems can be guessed from measured features, against chance.

The guesser sits where a voter sits: beside each exhibit lie its rivals for the same prompt, so it looks
at differences within a prompt. It learns each system's mean difference on all other prompts
(nearest centroid, leave one prompt out), so nothing it has seen helps it but the system's habit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Guess", "Value", "columns", "guess"]

Value = str | float | tuple[float, ...] | None
"""What a feature may be; None where it does not exist."""

PERMUTATIONS = 999
ENOUGH = 60
SIGNIFICANT = 0.05
Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Guess:
    """How often the system was guessed."""

    accuracy: float
    """Share of exhibits guessed; a tie between k systems counts 1/k where the right one is among them."""
    low: float
    """Wilson's 95 % interval of it."""
    high: float
    chance: float
    p: float
    """Share of relabellings within prompts that are guessed as well as this or better."""
    exhibits: int

    @property
    def tells(self) -> bool:
        """Whether the systems are told apart: interval above chance, and p < 0.05."""
        return self.low > self.chance and self.p < SIGNIFICANT

    def __str__(self) -> str:
        return (
            f"{self.accuracy:.0%} of {self.exhibits} guessed, "
            f"95 % interval {self.low:.0%} to {self.high:.0%}, chance {self.chance:.0%}"
        )


def guess(
    systems: Sequence[str], prompts: Sequence[str], table: NDArray[np.float64], *, seed: int
) -> Guess | None:
    """Guess each row's system from its features.

    table: (exhibits, features), no NaN. None where there are fewer than two systems or prompts, since
    then nothing can be learnt on one prompt and tried on another.
    """
    names, label = np.unique(np.asarray(systems), return_inverse=True)
    groups, group = np.unique(np.asarray(prompts), return_inverse=True)
    if len(names) < 2 or len(groups) < 2:
        return None
    rows = [np.flatnonzero(group == g) for g in range(len(groups))]
    points = _within_prompts(table, rows)
    chance = 1.0 / len(names)
    accuracy = _accuracy(points, label, rows, len(names))
    p = _share_as_good(points, label, rows, len(names), accuracy, seed) if points.shape[1] else 1.0
    low, high = wilson(accuracy, len(label))
    return Guess(accuracy, low, high, chance, p, len(label))


def columns(values: Sequence[Value]) -> NDArray[np.float64]:
    """One feature's values as numbers: (exhibits, width).

    Words become one column a word; where some values are missing, a column says which.
    """
    if any(isinstance(value, str) for value in values):
        words = sorted({str(value) for value in values})
        return np.array([[float(str(value) == word) for word in words] for value in values])
    width = max((len(value) for value in values if isinstance(value, tuple)), default=1)
    table = np.full((len(values), width), np.nan)
    for row, value in enumerate(values):
        if value is not None:
            table[row] = value
    missing = np.isnan(table)
    if not missing.any():
        return table
    filler = np.nanmean(table, axis=0) if not missing.all() else np.zeros(width)
    return np.column_stack([np.where(missing, filler, table), missing.any(axis=1)])


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n (Wilson 1927)."""
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2)) / (1 + Z95**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _within_prompts(table: NDArray[np.float64], rows: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Differences from the prompt's mean, each column in units of its spread; constant columns go."""
    points = table.astype(np.float64, copy=True)
    for members in rows:
        points[members] -= points[members].mean(axis=0)
    spread = points.std(axis=0)
    scale = np.maximum(np.abs(table).max(axis=0, initial=0.0), 1.0)
    varying = spread > 1e-9 * scale
    scaled: NDArray[np.float64] = points[:, varying] / spread[varying]
    return scaled


def _accuracy(
    points: NDArray[np.float64], label: NDArray[np.intp], rows: Sequence[NDArray[np.intp]], systems: int
) -> float:
    member = np.eye(systems)[label]
    sums, counts = member.T @ points, member.sum(axis=0)
    right = 0.0
    for held in rows:
        count = counts - member[held].sum(axis=0)
        centroids = (sums - member[held].T @ points[held]) / np.maximum(count, 1)[:, None]
        distance = np.square(points[held][:, None, :] - centroids[None]).sum(axis=2)
        distance[:, count == 0] = np.inf
        nearest = distance <= distance.min(axis=1, keepdims=True) + 1e-9
        right += float((nearest[np.arange(len(held)), label[held]] / nearest.sum(axis=1)).sum())
    return right / len(label)


def _share_as_good(
    points: NDArray[np.float64],
    label: NDArray[np.intp],
    rows: Sequence[NDArray[np.intp]],
    systems: int,
    accuracy: float,
    seed: int,
) -> float:
    """The p of a relabelling test that stops early where nothing is to be found (Besag & Clifford 1991)."""
    rng = np.random.default_rng(seed)
    as_good = 0
    for tried in range(1, PERMUTATIONS + 1):
        as_good += _accuracy(points, _relabelled(label, rows, rng), rows, systems) >= accuracy - 1e-9
        if as_good == ENOUGH:
            return as_good / tried
    return (1 + as_good) / (1 + PERMUTATIONS)


def _relabelled(
    label: NDArray[np.intp], rows: Sequence[NDArray[np.intp]], rng: np.random.Generator
) -> NDArray[np.intp]:
    shuffled = label.copy()
    for members in rows:
        shuffled[members] = rng.permutation(label[members])
    return shuffled

"""Do voters agree? Krippendorff's alpha (2004) over pairs that several of them judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import krippendorff
import numpy as np

from evalharness.ratings.newton import Reals
from evalharness.records import Battle, Outcome, Purpose, Question, Vote

__all__ = ["PILOT_LEAST", "Agreement", "agreement"]

PILOT_LEAST = 0.5
"""Below it a pilot should change its question before a study is run on it."""
LEAST_PAIRS = 10
"""Pairs with several voters without which nothing is said."""
DRAWS = 500
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far voters agree on one question: 1 always, 0 as by chance, below 0 less than by chance."""

    question: Question
    alpha: float | None
    low: float | None
    """95 % interval: pairs drawn again."""
    high: float | None
    pairs: int
    """Pairs of clips that two voters or more judged."""
    votes: int
    """On those pairs."""
    reason: str | None
    """Why there is no alpha."""

    @property
    def is_doubtful(self) -> bool:
        """Whether a pilot should warn."""
        return self.alpha is not None and self.alpha < PILOT_LEAST


def agreement(
    battles: Iterable[Battle], votes: Iterable[Vote], question: Question, *, seed: int = 1
) -> Agreement:
    """Nominal alpha of a question's answers to comparisons: first better, second better, tie, both bad.

    A unit is two clips, whichever side each was on; a voter judges it once.
    """
    comparisons = {each.id: each for each in battles if each.purpose is Purpose.COMPARISON}
    units: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for vote in votes:
        battle = comparisons.get(vote.battle_id)
        if battle is not None and vote.question is question:
            exhibits = (battle.left_exhibit, battle.right_exhibit)
            units[tuple(sorted(exhibits))][_answer(vote.outcome, exhibits)] += 1
    counts = np.array([unit for _, unit in sorted(units.items()) if sum(unit) > 1]).reshape(-1, 4)
    pairs, judged = len(counts), int(counts.sum())
    if pairs < LEAST_PAIRS:
        few = f"Only {pairs} pairs were judged by two voters or more; alpha wants {LEAST_PAIRS}."
        return Agreement(question, None, None, None, pairs, judged, few)
    if np.count_nonzero(counts.sum(axis=0)) < 2:
        alike = "All answers are the same: whether voters agree or do not look cannot be told."
        return Agreement(question, None, None, None, pairs, judged, alike)
    rng = np.random.default_rng(seed)
    drawn = [_alpha(counts[rng.integers(0, pairs, pairs)]) for _ in range(DRAWS)]
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Agreement(question, _alpha(counts), float(low), float(high), pairs, judged, None)


def _answer(outcome: Outcome, exhibits: tuple[str, str]) -> int:
    """0 first exhibit by id, 1 second, 2 tie, 3 both bad."""
    if outcome in (Outcome.TIE, Outcome.BOTH_BAD):
        return 2 if outcome is Outcome.TIE else 3
    left_is_first = exhibits[0] <= exhibits[1]
    return int((outcome is Outcome.LEFT) != left_is_first)


def _alpha(counts: Reals) -> float:
    """NaN where a draw holds one answer only."""
    if np.count_nonzero(counts.sum(axis=0)) < 2:
        return float("nan")
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))

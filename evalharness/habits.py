"""How voters voted: towards one side, towards what they heard or saw first, how long, how much of the clips.

Read from the overall question alone, which every pair is asked: other questions share its evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalharness.ratings.shares import Reals, clustered
from evalharness.records import Outcome, Question
from evalharness.reports import HabitRow, Spread
from evalharness.reports.tables import quantiles

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HABIT_COLUMNS", "habits_of"]

HABIT_COLUMNS = (
    "category",
    "question",
    "voter",
    "prompt",
    "outcome",
    "first_heard",
    "first_seen",
    "answer_s",
    "seen_left",
    "seen_right",
)
"""What is needed of the votes that count, one a row; cells are empty where the page did not say."""
SIDES = (Outcome.LEFT.value, Outcome.RIGHT.value)


def habits_of(votes: pd.DataFrame) -> tuple[HabitRow, ...]:
    """A row a category, from votes with `HABIT_COLUMNS`."""
    overall = votes[votes["question"] == Question.OVERALL.value]
    return tuple(
        _row(str(category), part) for category, part in overall.groupby("category", sort=True, observed=True)
    )


def _row(category: str, votes: pd.DataFrame) -> HabitRow:
    decided = votes[votes["outcome"].isin(SIDES)]
    seen = votes[["seen_left", "seen_right"]].astype(float).min(axis=1, skipna=False)
    return HabitRow(
        category=category,
        votes=len(votes),
        decided=len(decided),
        left=_share(decided, (decided["outcome"] == Outcome.LEFT.value).to_numpy(np.float64)),
        first_heard=_toward(decided, "first_heard"),
        first_seen=_toward(decided, "first_seen"),
        answer_s=quantiles(_known(votes["answer_s"])),
        seen=quantiles(_known(seen)),
    )


def _toward(decided: pd.DataFrame, what: str) -> Spread | None:
    """Share of the votes for the side that came first, where one did."""
    told = decided[decided[what].isin(SIDES)]
    first = told[what].astype(str).to_numpy() == told["outcome"].astype(str).to_numpy()
    return _share(told, first.astype(np.float64))


def _share(votes: pd.DataFrame, holds: Reals) -> Spread | None:
    import pandas as pd

    if not len(votes):
        return None
    voter, prompt = (pd.factorize(votes[name])[0].astype(np.int64) for name in ("voter", "prompt"))
    found = clustered(holds, voter, prompt)
    return Spread(found.value, found.low, found.high)


def _known(values: pd.Series[float]) -> Sequence[float]:
    known: list[float] = values.astype(float).dropna().tolist()
    return known

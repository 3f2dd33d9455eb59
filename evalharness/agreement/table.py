"""Agreement of every quantity with every question, in every category.

Left out are quantities without a better way, those with values for few votes, and those that have the same
value for both clips of every pair, and so prefer none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from evalharness.agreement.combining import combine
from evalharness.agreement.joining import ClipId, Slice, oriented
from evalharness.agreement.pairwise import accuracy, among_voters
from evalharness.agreement.systems import Correlation, Strengths
from evalharness.errors import RatingError
from evalharness.ratings.shares import Share
from evalharness.records import Question
from evalharness.reports import Agreement, AgreementRow, CombinedRow, Meaning, PeopleRow, Spread

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LEAST_VOTES", "agreement_of"]

LEAST_VOTES = 20
"""Votes for a side that a quantity must have values for, to be listed."""


def agreement_of(
    votes: pd.DataFrame,
    values: Mapping[str, Mapping[ClipId, float]],
    meanings: Mapping[str, Meaning],
    *,
    failed_gates: frozenset[str] = frozenset(),
    progress: Callable[[int, int], None] | None = None,
) -> Agreement:
    """How far each quantity agrees with the voters.

    `votes`: those that count, with `VOTE_COLUMNS`. `values`: by quantity and clip. Quantities without a
    better way are not asked; those in `failed_gates` are listed, marked, and take no part in combinations.
    `progress(done, total)` counts slices.
    """
    asked = {name: found for name, found in values.items() if meanings.get(name, Meaning()).better != "none"}
    groups = list(votes.groupby(["category", "question"], sort=True, observed=True))
    rows: list[AgreementRow] = []
    people: list[PeopleRow] = []
    combined: list[CombinedRow] = []
    for number, ((category, question), part) in enumerate(groups):
        if progress:
            progress(number, len(groups))
        here = Slice.of(part)
        named = str(category), Question(question)
        between = among_voters(here)
        people.append(
            PeopleRow(
                *named,
                votes=len(part),
                undecided=int((here.prefers == 0).sum()),
                agree=_spread(between),
                pairs=between.n if between else 0,
            )
        )
        gaps = {}
        strengths = _strengths(here)
        for name, measured in sorted(asked.items()):
            better = oriented(here.values(measured), meanings[name].better)
            gap = here.gaps(better)
            share = accuracy(here, gap)
            if share is None or share.n < LEAST_VOTES or not np.nan_to_num(gap).any():
                continue  # too little is known, or both clips of every pair have the same value
            if name not in failed_gates:
                gaps[name] = gap
            ranks = strengths.correlations(better) if strengths else None
            rows.append(
                AgreementRow(
                    *named,
                    metric=name,
                    accuracy=_known(share),
                    votes=share.n,
                    unscored=int(((here.prefers != 0) & np.isnan(gap)).sum()),
                    systems=ranks[0].systems if ranks else 0,
                    kendall=_spread(ranks[0]) if ranks else None,
                    spearman=_spread(ranks[1]) if ranks else None,
                    speaks=meanings[name].question == question,
                    failed_gate=name in failed_gates,
                )
            )
        together = combine(here, gaps)
        if together is not None:
            combined.append(
                CombinedRow(
                    *named,
                    metrics=together.quantities,
                    weights=together.weights,
                    accuracy=_known(together.accuracy),
                    votes=together.accuracy.n,
                    best=together.best,
                    best_accuracy=_known(together.best_accuracy),
                    folds=together.folds,
                )
            )
    if progress:
        progress(len(groups), len(groups))
    return Agreement(tuple(rows), tuple(people), tuple(combined))


def _strengths(votes: Slice) -> Strengths | None:
    try:
        return Strengths(votes)
    except RatingError:  # its board says why
        return None


def _known(found: Share | Correlation) -> Spread:
    told = asdict(found)
    return Spread(told["value"], told["low"], told["high"])


def _spread(found: Share | Correlation | None) -> Spread | None:
    return None if found is None else _known(found)

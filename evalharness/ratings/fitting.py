"""Votes in, estimate out: the front door for a notebook, and the one place that decides what is fitted.

    from evalharness.ratings import fit

    board = fit(frame)                              # columns left, right, outcome, voter, prompt
    board.table()                                   # ratings with intervals
    board.difference("a", "b"), board.win_probability("a", "b")

No study, database or file is needed; `board.notes` says in sentences what a reader must know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.bradley_terry import bradley_terry
from evalharness.ratings.davidson import davidson
from evalharness.ratings.estimate import Estimate
from evalharness.ratings.four_way import four_way
from evalharness.ratings.intervals import IntervalMethod, covariance
from evalharness.ratings.newton import Fit, Reals, order_identifiable
from evalharness.ratings.reading import read_votes
from evalharness.ratings.tally import LEFT, RIGHT, Tally, tally, tally_frame
from evalharness.records import Ballot

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEFAULT_ESTIMATOR", "ESTIMATORS", "estimate", "fit"]

DEFAULT_ESTIMATOR = "davidson"
"""Strength from who wins, not from who draws: in `four_way` a system that ties often rises by it."""

ESTIMATORS: Mapping[str, tuple[Callable[..., Fit], str]] = {
    "four_way": (
        four_way,
        (
            "P(left) : P(right) : P(tie) : P(both bad) = exp(d/2) : exp(-d/2) : exp(t) : exp(b), d = left - "
            "right + order effect, t and b linear in the pair's mean strength; a gap of 400 is odds of 10 to "
            "1 among decisive votes"
        ),
    ),
    "davidson": (
        davidson,
        (
            "P(left) : P(right) : P(tie) = exp(d/2) : exp(-d/2) : nu, d = left - right + order effect, both "
            "bad a tie; a gap of 400 is odds of 10 to 1 among decisive votes"
        ),
    ),
    "bradley_terry": (
        bradley_terry,
        (
            "P(left) = 1 / (1 + exp(-d)), d = left - right + order effect, ties and both bad half a win "
            "each; a gap of 400 is odds of 10 to 1 of wins plus half the ties"
        ),
    ),
}
"""Estimators by name, each with its model in one line."""


def fit(
    votes: Tally | pd.DataFrame | Iterable[Ballot] | str | Path,
    *,
    estimator: str = DEFAULT_ESTIMATOR,
    interval: IntervalMethod | str = IntervalMethod.TWO_WAY_JACKKNIFE,
    confidence: float = 0.95,
    anchor: float = 1000.0,
    covariates: Sequence[str] | Mapping[str, Reals] = (),
    **columns: Any,
) -> Estimate:
    """Rate the systems of a table, a file of votes, a `Tally` or ballots of one question.

    A DataFrame or file has a row a vote; `columns` are the keywords of `tally_frame` and `read_votes`
    (left="model_a", voter="worker", outcomes={...}). `covariates` are columns of a table, or arrays of shape
    (votes,), left minus right: their effects are fitted beside the strengths. Raises as `estimate` and
    `tally_frame` do.
    """
    if isinstance(covariates, str):
        raise RatingError(f"Covariates are a list of columns: write covariates=[{covariates!r}].")
    from_table = not isinstance(votes, Tally) and hasattr(votes, "columns")
    given: Mapping[str, Reals]
    if isinstance(covariates, Mapping):
        given = covariates
    elif covariates and not from_table:
        raise RatingError(
            "Covariates by name are columns of a table, but these votes are not one. Give them as arrays."
        )
    else:
        given = _columns(votes, covariates, columns) if covariates else {}
    if from_table:
        counted = tally_frame(votes, **columns)
    elif isinstance(votes, str | Path):
        counted = read_votes(votes, **columns)
    else:
        if columns:
            raise RatingError(
                f"{', '.join(columns)} would name columns of a table or file, but these votes are neither."
            )
        counted = votes if isinstance(votes, Tally) else tally(_ballots(votes))
    found, _ = estimate(
        counted,
        estimator=estimator,
        interval=interval,
        confidence=confidence,
        anchor=anchor,
        covariates=given,
    )
    return found


def estimate(
    votes: Tally,
    *,
    estimator: str = DEFAULT_ESTIMATOR,
    interval: IntervalMethod | str = IntervalMethod.TWO_WAY_JACKKNIFE,
    confidence: float = 0.95,
    anchor: float = 1000.0,
    covariates: Mapping[str, Reals] | None = None,
) -> tuple[Estimate, tuple[str, ...]]:
    """Fit and find intervals; the sentences (also in `Estimate.notes`) tell what a reader must know of both.

    The order effect is fitted wherever sides are on record and alternated enough to tell it from strength.
    With one voter on one prompt the intervals fall back to the row sandwich, and a sentence says so.

    Raises RatingError where these votes allow no rating (none, one system, too few, only draws),
    DisconnectedError where systems were never compared, UnknownNameError for estimator or interval.
    """
    if estimator not in ESTIMATORS:
        raise UnknownNameError(
            f"No estimator is called {estimator!r}; there are {', '.join(sorted(ESTIMATORS))}."
        )
    if interval not in tuple(IntervalMethod):
        raise UnknownNameError(f"No interval is called {interval!r}; there are {', '.join(IntervalMethod)}.")
    notes = list(votes.caveats)
    order = votes.sides_known and votes.votes > 0 and order_identifiable(votes)
    fitted = ESTIMATORS[estimator][0](votes, order_effect=order, covariates=covariates)
    _require_enough(votes, fitted)
    if not order and votes.sides_known:
        notes.append("Sides never alternated, so no effect of being shown on the left could be estimated.")
    decisive = votes.counts[LEFT] + votes.counts[RIGHT]
    drawn_only = np.flatnonzero(decisive.sum(axis=0) + decisive.sum(axis=1) == 0)
    if len(drawn_only):
        names = ", ".join(votes.systems[place] for place in drawn_only)
        notes.append(
            f"No vote for or against {names} was decisive: that rating rests on draws alone, which say how "
            "close two systems are and not which is better. Look at the acceptable rate instead."
        )
    if not fitted.converged:
        notes.append(
            f"The fit had not converged after {fitted.iterations} iterations: do not publish these ratings."
        )
    method = IntervalMethod(interval)
    if method is IntervalMethod.TWO_WAY_JACKKNIFE and len(votes.voters) == len(votes.prompts) == 1:
        method = IntervalMethod.ROW_SANDWICH
        if votes.voters_known and votes.prompts_known:
            notes.append(
                "All votes come from one voter on one prompt: intervals speak of repeating just that and say "
                "nothing about other voters or prompts."
            )
    spread = covariance(fitted, votes, method)
    said = (*notes, *spread.notes)
    return replace(Estimate(fitted, spread, confidence, anchor), notes=said), said


def _ballots(votes: Iterable[Any]) -> list[Ballot]:
    rows = list(votes)
    strange = next((row for row in rows if not isinstance(row, Ballot)), None)
    if strange is not None:
        raise RatingError(
            f"Votes are a DataFrame, a file's path, a Tally or ballots; found {type(strange).__name__} "
            "instead. A list of dictionaries becomes a table by pandas.DataFrame(rows)."
        )
    return rows


def _require_enough(votes: Tally, fitted: Fit) -> None:
    free = fitted.parameters - 1
    if votes.votes <= free:
        cast = "1 vote" if votes.votes == 1 else f"{votes.votes} votes"
        wanted = "1 number is" if free == 1 else f"{free} numbers are"
        raise RatingError(
            f"{cast} cannot rate {len(votes.systems)} systems, as {wanted} to be estimated. Collect at least "
            f"{free + 1} votes; some dozens per system make a useful board."
        )


def _columns(frame: Any, names: Sequence[str], columns: Mapping[str, Any]) -> dict[str, Reals]:
    """Covariate columns of a table, in the order in which its rows will be coded."""
    reordered = [role for role in ("time", "count") if columns.get(role)]
    if reordered:
        raise RatingError(
            f"Covariates by column need one row a vote in order, but '{reordered[0]}' was given. Sort and "
            "spread the table first."
        )
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise RatingError(
            f"The table has no column {', '.join(missing)} to control for; it has "
            f"{', '.join(map(str, frame.columns))}."
        )
    text = [name for name in names if frame[name].dtype.kind not in "biuf"]
    if text:
        raise RatingError(
            f"The column {', '.join(text)} holds no numbers. A covariate is the left clip's value minus the "
            "right clip's."
        )
    return {name: np.asarray(frame[name], dtype=float) for name in names}

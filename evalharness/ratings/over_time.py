"""Ratings by slice of time, all on one scale.

Each system in turn is taken apart: in every slice of time it counts as a system of its own, while each
other system has one strength for all time. One fit of the board's model finds these strengths together, its
two-way cluster jackknife their intervals. The gauge: a slice's rating is told against the mean of the other
systems, and that mean is put where it stands on the board of all votes. So the slices of all systems share
the scale of that board; a line that falls means that the system lost to the others as they are over all
time, not that newcomers pushed the mean about.

In a slice with few votes about a system it gets no rating, only their number; its fit leaves those votes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalharness.errors import DisconnectedError, RatingError, UnknownNameError
from evalharness.ratings.estimate import ELO_PER_LOGIT, Estimate, Interval
from evalharness.ratings.fitting import DEFAULT_ESTIMATOR, estimate
from evalharness.ratings.tally import Codes, Tally, tally_codes

__all__ = [
    "OverTime",
    "SliceRating",
    "TimeSlices",
    "against_others",
    "before_and_since",
    "calendar_slices",
    "equal_slices",
    "over_time",
]


@dataclass(frozen=True, slots=True, eq=False)
class TimeSlices:
    """Which votes fall into which slice of time."""

    labels: tuple[str, ...]
    """In order of time."""
    of_vote: Codes
    """Shape (votes,): places in `labels`, in the order of the tally's rows."""


@dataclass(frozen=True, slots=True)
class SliceRating:
    """One system in one slice of time."""

    system: str
    slice: str
    votes: int
    """Votes about the system in the slice."""
    rating: Interval | None
    """On the scale of the board of all votes; None where the votes are too few."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Every system in every slice of time, by system in the order asked for, then by time."""

    ratings: tuple[SliceRating, ...]
    gauge: str
    """What the ratings are told against, in words."""
    notes: tuple[str, ...]

    def of(self, system: str) -> tuple[SliceRating, ...]:
        """The line of one system through time."""
        return tuple(row for row in self.ratings if row.system == system)


def equal_slices(votes: Tally, number: int, *, times: ArrayLike | None = None) -> TimeSlices:
    """`number` slices with as many votes each, in order of arrival, or of `times` where given.

    `times`, shape (votes,), are epoch seconds or numpy datetimes; labels then name the first and last day.
    Raises RatingError for fewer than one slice, more slices than votes, or times that do not fit.
    """
    if not 1 <= number <= votes.votes:
        raise RatingError(
            f"{votes.votes} votes cannot be cut into {number} slices. Ask for 1 to {votes.votes}."
        )
    moments = None if times is None else _moments(votes, times)
    order = np.arange(votes.votes) if moments is None else np.argsort(moments, kind="stable")
    parts = np.array_split(order, number)
    of_vote = np.empty(votes.votes, dtype=np.int64)
    labels = []
    for place, part in enumerate(parts):
        of_vote[part] = place
        if moments is None:
            labels.append(f"votes {part[0] + 1} to {part[-1] + 1}")
        else:
            first, last = moments[part[[0, -1]]].astype("datetime64[D]")
            labels.append(f"{place + 1}: {first} to {last}")
    return TimeSlices(tuple(labels), of_vote)


def calendar_slices(votes: Tally, times: ArrayLike, every: str) -> TimeSlices:
    """A slice for each "day", "week" (from Monday) or "month", UTC, from the first vote's to the last one's.

    `times`, shape (votes,), are epoch seconds or numpy datetimes. Slices without a vote are kept. Raises
    RatingError for times that do not fit, UnknownNameError for another period.
    """
    if every not in ("day", "week", "month"):
        raise UnknownNameError(f"Slices are a day, a week or a month long; found {every!r}.")
    moments = _moments(votes, times)
    days = moments.astype("datetime64[D]")
    if every == "month":
        number = days.astype("datetime64[M]").astype(np.int64)
    else:
        number = days.astype(np.int64)  # day 0, 1 January 1970, was a Thursday
        number = (number + 3) // 7 if every == "week" else number
    first = int(number.min())
    span = range(first, int(number.max()) + 1)
    if every == "month":
        labels = tuple(str(np.datetime64(month, "M")) for month in span)
    elif every == "week":
        labels = tuple(f"week of {np.datetime64(7 * week - 3, 'D')}" for week in span)
    else:
        labels = tuple(str(np.datetime64(day, "D")) for day in span)
    return TimeSlices(labels, number - first)


def over_time(
    votes: Tally,
    slices: TimeSlices,
    *,
    systems: Sequence[str] | None = None,
    least: int = 30,
    estimator: str = DEFAULT_ESTIMATOR,
    confidence: float = 0.95,
    anchor: float = 1000.0,
) -> OverTime:
    """Rating of each system (default: all) in each slice in which at least `least` votes are about it.

    `anchor` is the mean rating of the board of all votes. Intervals are each for itself, at `confidence`;
    to ask whether a system moved, use `drift`. Raises as `estimate` does, UnknownNameError for systems
    without votes.
    """
    board, notes = estimate(votes, estimator=estimator, confidence=confidence, anchor=anchor)
    rows = []
    for system in votes.systems if systems is None else systems:
        found, lost = _line(votes, slices, system, least, board, estimator)
        rows.extend(found)
        notes = (*notes, *lost)
    gauge = (
        "Told against the mean of the other systems, each at one strength for all time; that mean stands "
        f"where it stands on the board of all votes, whose own mean is {anchor:g}."
    )
    return OverTime(tuple(rows), gauge, notes)


def before_and_since(
    votes: Tally, system: str, row: int, *, estimator: str = DEFAULT_ESTIMATOR, confidence: float = 0.95
) -> Interval:
    """By how many Elo a system moved at `row`: since minus before, all others at one strength throughout.

    The jackknife knows that voters met the system on both sides. Where `row` was chosen because the
    system seemed to move there, as an alarm does, the move is overstated somewhat. Raises RatingError where
    there are no votes about the system on either side.
    """
    own = _about(votes, system)
    later = np.arange(votes.votes) >= row
    if not (own & later).any() or not (own & ~later).any():
        raise RatingError(
            f"{system} has {int((own & ~later).sum())} votes before row {row} and {int((own & later).sum())} "
            "since: to tell a move, both sides need some."
        )
    names = (f"{system} before", f"{system} since")
    apart = _apart(votes, system, names, later.astype(np.int64))
    found, _ = estimate(apart, estimator=estimator, confidence=confidence)
    return found.difference(names[1], names[0])


def against_others(found: Estimate, system: str, others: Sequence[str]) -> Interval:
    """Rating of a system minus the mean rating of `others`, in Elo."""
    axis = np.zeros(found.fit.parameters)
    axis[[found.fit.systems.index(other) for other in others]] = -1.0 / len(others)
    axis[found.fit.systems.index(system)] += 1.0
    strengths = axis[: len(found.fit.systems)]
    value = float(strengths @ found.fit.strengths)
    error = max(float(axis @ found.covariance.matrix @ axis), 0.0) ** 0.5
    reach = found.covariance.quantile(found.confidence) * error
    return Interval(value, value - reach, value + reach).scaled(ELO_PER_LOGIT)


def _line(
    votes: Tally, slices: TimeSlices, system: str, least: int, board: Estimate, estimator: str
) -> tuple[list[SliceRating], tuple[str, ...]]:
    """One system through time, and what went wrong."""
    own = _about(votes, system)
    number = np.bincount(slices.of_vote[own], minlength=len(slices.labels))
    names = tuple(f"{system} ({label})" for label in slices.labels)
    others = [name for name in votes.systems if name != system]
    keep = ~own | (number >= least)[slices.of_vote]
    rated: dict[int, Interval] = {}
    notes: tuple[str, ...] = ()
    if (number >= least).any():
        apart = _apart(votes.where(keep), system, names, slices.of_vote[keep])
        try:
            found, _ = estimate(apart, estimator=estimator, confidence=board.confidence)
        except DisconnectedError as problem:
            notes = (
                f"{system} has no line, as others met through it alone, each at its own time: {problem}",
            )
        else:
            shift = board.anchor + ELO_PER_LOGIT * float(
                np.mean([board.fit.strengths[votes.systems.index(other)] for other in others])
            )
            rated = {
                int(k): against_others(found, names[k], others).scaled(1.0, shift)
                for k in np.flatnonzero(number >= least)
            }
    rows = [SliceRating(system, label, int(number[k]), rated.get(k)) for k, label in enumerate(slices.labels)]
    return rows, notes


def _about(votes: Tally, system: str) -> NDArray[np.bool_]:
    """Shape (votes,): the votes that a system took part in."""
    if system not in votes.systems:
        raise UnknownNameError(f"There are no votes about {system}; there are {', '.join(votes.systems)}.")
    place = votes.systems.index(system)
    taken: NDArray[np.bool_] = (votes.left == place) | (votes.right == place)
    return taken


def _apart(votes: Tally, system: str, names: Sequence[str], part: Codes) -> Tally:
    """The votes with `system` called names[part] instead, `part` having shape (votes,)."""
    place, size = votes.systems.index(system), len(votes.systems)
    left = np.where(votes.left == place, size + part, votes.left)
    right = np.where(votes.right == place, size + part, votes.right)
    renamed = tally_codes(
        (*votes.systems, *names),
        votes.voters,
        votes.prompts,
        left=left,
        right=right,
        outcome=votes.outcome,
        voter=votes.voter,
        prompt=votes.prompt,
    )
    known = replace(
        renamed,
        sides_known=votes.sides_known,
        voters_known=votes.voters_known,
        prompts_known=votes.prompts_known,
    )
    return known.where(np.arange(votes.votes), compact=True)


def _moments(votes: Tally, times: ArrayLike) -> NDArray[np.datetime64]:
    """Times as datetimes to the second, one a vote."""
    given = np.asarray(times)
    if given.shape != (votes.votes,):
        raise RatingError(f"There are {votes.votes} votes and times of shape {given.shape}: give one a vote.")
    if not np.issubdtype(given.dtype, np.datetime64):
        seconds = np.asarray(given, dtype=float)
        if not np.isfinite(seconds).all():
            raise RatingError("Some votes have no time. Leave them out, or slice by order of arrival.")
        given = seconds.astype(np.int64)
    moments: NDArray[np.datetime64] = given.astype("datetime64[s]")
    if np.isnat(moments).any():
        raise RatingError("Some votes have no time. Leave them out, or slice by order of arrival.")
    return moments

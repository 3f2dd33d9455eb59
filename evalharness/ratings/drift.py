"""Is a system still what its past says? An alarm that may be looked at after every vote.

Each vote is judged against the past only: ratings are fitted to the votes so far (and again whenever
they have grown by a quarter); `innovations` says how far the vote departs from what they, the system's own
level and this voter's own past predict; `restarts` turns departures into evidence that the system moved.

The alarm is raised when the evidence about a system reaches systems watched / alpha. The chance that a board
on which nothing moves raises *any* alarm, however long it runs and however often one looks, is then at most
alpha (Bonferroni over systems, Ville's inequality over time). This is exact for normal innovations of
known variance ratio; that it holds for votes is measured by benchmarks/drift.py.

What no such test can tell: a system that changed from a crowd that changed; and, where few systems meet,
which of them moved, since votes speak of differences only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.connectivity import comparable_groups
from evalharness.ratings.davidson import davidson
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.innovations import Responses, innovations, responses, voter_variance
from evalharness.ratings.newton import Fit, Reals, order_identifiable
from evalharness.ratings.restarts import Experts
from evalharness.ratings.tally import LEFT, RIGHT, Codes, Tally

__all__ = ["LEAST_PAST", "Alarm", "DriftWatch", "Watched", "watch_drift"]

LEAST_PAST = 200
"""Votes of a system before the first about it, or against it, is staked on: what was expected of a newcomer
is soon found wrong, and its opponents must not pay for that."""
FIRST_FIT, GROWTH = 400, 1.25
"""Votes of the board before the first fit; it is repeated when they have grown by this factor."""
LEAST_VOTER_SPREAD = 0.2
"""In logits. Voters are never taken to differ by less, so that none, however busy, counts for more than
1 / 0.2^2 = 25 units of information: what 100 to 150 voters with one vote each say."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A system left its own past."""

    row: int
    """Row of the tally, from 0: the vote at which the evidence sufficed."""
    since: int
    """Row of the vote from which on it probably differs; rough, as guesses lie 200 of its votes apart."""
    votes_since: int
    """Votes of the system from `since` up to and with the alarm."""
    upward: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """What was found about one system."""

    system: str
    votes: int
    """Votes of the system that were staked on; 0 where its past was too short."""
    evidence: float
    """The most that the evidence ever was, at least 1."""
    alarm: Alarm | None

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.alarm is None:
            return f"{self.system}: no alarm in {self.votes:,} votes (evidence at most {self.evidence:.3g})."
        verb = "rose" if self.alarm.upward else "fell"
        return (
            f"{self.system} {verb} against its own past, from about vote {self.alarm.since + 1:,} of the "
            f"board on; the alarm came at vote {self.alarm.row + 1:,}, {self.alarm.votes_since:,} of its own "
            "later."
        )


@dataclass(frozen=True, slots=True)
class DriftWatch:
    """One pass over the votes, in the order in which they came."""

    watched: tuple[Watched, ...]
    alpha: float
    """Chance, at most, that a board on which nothing moves raises any alarm, ever."""
    threshold: float
    """Evidence that raises an alarm: systems watched / alpha."""
    tolerance: float
    """Elo by which a system may move without alarm."""
    notes: tuple[str, ...] = ()
    """What a reader must know, as sentences."""

    @property
    def alarms(self) -> dict[str, Alarm]:
        """By system, in the order in which they were raised."""
        raised = [(found.system, found.alarm) for found in self.watched if found.alarm is not None]
        return dict(sorted(raised, key=lambda pair: pair[1].row))


def watch_drift(
    votes: Tally, *, watch: Sequence[str] | None = None, alpha: float = 0.05, tolerance: float = 0.0
) -> DriftWatch:
    """Watch systems for moves against their own past; rows must stand in the order in which votes came.

    `watch` names the systems (default: all); fewer need less evidence each, if they are chosen before
    looking. Alarms name rows, so times[alarm.row] is when. After its alarm a system is watched no more,
    and its votes since the move no longer count for others. With a `tolerance` in Elo smaller moves go
    without alarm; it costs votes: with 10, a step of 50 is as hard to see as one of 40. Later votes never
    change what was found on earlier ones, as long as `watch` stays the same.

    Raises RatingError for an alpha outside 0 to 1 or a tolerance below 0, UnknownNameError for systems
    without votes.
    """
    if not 0.0 < alpha < 1.0:
        raise RatingError(
            f"The chance of a false alarm must lie between 0 and 1; found {alpha!r}. Usual is 0.05."
        )
    if not (np.isfinite(tolerance) and tolerance >= 0.0):
        raise RatingError(f"The tolerance must be 0 Elo or more; found {tolerance!r}.")
    names = votes.systems if watch is None else tuple(dict.fromkeys(watch))
    unknown = [name for name in names if name not in votes.systems]
    if unknown or not names:
        raise UnknownNameError(
            f"There are no votes about {', '.join(unknown) or 'any system'}; there are some about "
            f"{', '.join(votes.systems) or 'none'}."
        )
    notes = []
    if not votes.voters_known:
        votes = replace(votes, voter=np.arange(votes.votes), voters=tuple(map(str, range(votes.votes))))
        notes.append(
            "The votes do not say who cast them, so each is taken for another person's: one busy voter with "
            "a taste of their own could raise an alarm."
        )
    threshold = len(names) / alpha
    run = _Run(votes, tolerance / ELO_PER_LOGIT, float(np.log(threshold)))
    run.experts = {votes.systems.index(name): Experts() for name in names}
    run.through()
    watched = tuple(run.found(votes.systems.index(name)) for name in names)
    unwatched = [found.system for found in watched if found.votes == 0]
    if unwatched:
        notes.append(
            f"With too few votes to have a past ({LEAST_PAST} of each, {FIRST_FIT} in all), and so not "
            f"watched yet: {', '.join(unwatched)}."
        )
    return DriftWatch(watched, alpha, threshold, tolerance, tuple(notes))


@dataclass(slots=True, eq=False)
class _Run:
    """The pass over the votes, and what is known so far."""

    votes: Tally
    tolerance: float
    """In logits."""
    threshold: float
    """Log evidence that raises the alarm."""
    experts: dict[int, Experts] = field(default_factory=dict)
    """By system, as a place in `votes.systems`."""
    peak: dict[int, float] = field(default_factory=dict)
    """The largest log evidence, likewise."""
    alarms: dict[int, Alarm] = field(default_factory=dict)
    counts: NDArray[np.bool_] = field(init=False)
    """Shape (votes,): false for votes of a flagged system since its move."""

    def __post_init__(self) -> None:
        self.counts = np.ones(self.votes.votes, dtype=bool)

    def found(self, system: int) -> Watched:
        evidence = float(np.exp(self.peak.get(system, 0.0)))
        name = self.votes.systems[system]
        return Watched(name, self.experts[system].votes, evidence, self.alarms.get(system))

    def through(self) -> None:
        """All votes, one stretch between two fits at a time."""
        at, end = FIRST_FIT, FIRST_FIT
        while at < self.votes.votes:
            while end <= at:
                end = int(end * GROWTH)
            at = self.stretch(at, min(end, self.votes.votes))

    def stretch(self, start: int, end: int) -> int:
        """Fit to the votes before `start`, stake on those up to `end` or the first alarm; where it ended."""
        fit, past = self.fitted(start)
        if fit is None:
            return end
        size = len(self.votes.systems)
        taken = np.bincount(self.votes.left[past], minlength=size)
        taken += np.bincount(self.votes.right[past], minlength=size)
        known = taken >= LEAST_PAST
        both = known[self.votes.left[start:end]] & known[self.votes.right[start:end]]
        rows = np.concatenate([past, start + np.flatnonzero(self.counts[start:end] & both)])
        about = {int(i): responses(fit, self.votes, rows, int(i)) for i in np.flatnonzero(known)}
        old = {i: seen.between(0, start) for i, seen in about.items()}
        tau2 = max(voter_variance(list(old.values())), LEAST_VOTER_SPREAD**2)
        watched = [i for i in about if i in self.experts and i not in self.alarms]

        def bet(until: int) -> dict[int, tuple[Experts, Reals, Codes]]:
            after = {}
            for i in watched:
                new = about[i].between(start, until)
                if len(new.rows):
                    said = innovations(old[i], new, len(self.votes.voters), tau2)
                    after[i] = (*self.experts[i].bet(said, new.rows, self.tolerance), new.rows)
            return after

        after = bet(end)
        fired = [
            (int(rows[reached[0]]), -float(evidence[reached[0]]), i)
            for i, (_, evidence, rows) in after.items()
            if (reached := np.flatnonzero(evidence >= self.threshold)).size
        ]
        if fired:
            end = min(fired)[0] + 1
            after = bet(end)
        for i, (experts, evidence, _) in after.items():
            self.experts[i] = experts
            self.peak[i] = max(self.peak.get(i, 0.0), float(evidence.max()))
        if fired:
            self.raise_alarm(*min(fired)[::2], about)
        return end

    def fitted(self, start: int) -> tuple[Fit | None, Codes]:
        """The fit to the largest part of the field that had met before `start`, and its votes."""
        past = np.flatnonzero(self.counts[:start])
        seen = self.votes.where(past, compact=True)
        groups = comparable_groups(seen)
        if len(groups) > 1:
            inside = np.isin(np.array(self.votes.systems), groups[0])
            past = past[inside[self.votes.left[past]] & inside[self.votes.right[past]]]
            seen = self.votes.where(past, compact=True)
        if not np.isin(seen.outcome, (LEFT, RIGHT)).any():
            return None, past
        return davidson(seen, order_effect=seen.sides_known and order_identifiable(seen)), past

    def raise_alarm(self, row: int, system: int, about: dict[int, Responses]) -> None:
        """Note it, and let the system's votes since its move no longer count for others."""
        favourite = self.experts[system].favourite
        own = about[system].rows
        since = int(((own >= favourite.start) & (own <= row)).sum())
        self.alarms[system] = Alarm(row, favourite.start, since, favourite.upward)
        involved = (self.votes.left == system) | (self.votes.right == system)
        involved[: favourite.start] = False
        self.counts &= ~involved

"""What each voter did: checks, answering times, habits, and evidence that they answer unlike the others."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from evalharness.errors import RatingError
from evalharness.people import Fault
from evalharness.ratings.anomalies import Anomaly, anomalies
from evalharness.ratings.rings import Ring
from evalharness.ratings.suspicion import Suspect, suspicion
from evalharness.ratings.tally import tally
from evalharness.records import Ballot, Battle, Exhibit, Outcome, Purpose, Question, Vote

__all__ = ["Conduct", "Conducts", "Count", "conducts", "overall_ballots"]

MIRRORED = {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}
"""What an answer is called once the sides are exchanged; others stay."""
EVERYBODY = 0.999
"""Rate of false alarms at which all evidence is handed out: the rules have a threshold of their own."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of how many."""

    hits: int
    of: int

    def __str__(self) -> str:
        return f"{self.hits} of {self.of}" if self.of else "none"


@dataclass(frozen=True, slots=True)
class Conduct:
    """What one voter did."""

    voter_id: str
    comparisons: int
    """Answered; checks come beside them."""
    faults: Count
    """Pairs, checks too, that they put aside since they could not be judged."""
    checks_put_aside: Count
    """Of all checks they were shown."""
    traps: Count
    """Traps answered as they asked."""
    repeats: Count
    """Repeats, sides as they were or exchanged, whose overall answer was the same as the first time."""
    golds: Count
    """Gold pairs, one side spoiled on purpose, whose overall answer was the other side."""
    last_at: datetime
    """When they last answered something."""
    median_answer_s: float | None
    """From first picture to last answer, seconds; None where nothing was answered."""
    habits: tuple[Anomaly, ...]
    suspect: Suspect | None
    """Evidence that they favour a system, a side, or nothing; None where their votes cannot be predicted."""


@dataclass(frozen=True, slots=True)
class Conducts:
    """All voters who answered something, by id."""

    voters: tuple[Conduct, ...]
    rings: tuple[Ring, ...]
    """Systems that some voters favour together, whether these can be named or not."""
    notes: tuple[str, ...]
    """What could not be looked at, and why."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know beside the single voters."""
        return (*(ring.sentence for ring in self.rings), *self.notes)


def conducts(
    battles: Iterable[Battle],
    votes: Iterable[Vote],
    *,
    faults: Iterable[Fault] = (),
    exhibits: Iterable[Exhibit] = (),
    labels: Mapping[str, str] | None = None,
) -> Conducts:
    """What every voter did, from all battles and votes of a study, whoever is excluded by now.

    `exhibits` say how long the clips last: without them nobody can be told to answer sooner than one can
    watch. `labels` are the names by which systems are published: sentences say these, since they are kept
    with decisions.
    """
    shown = {battle.id: battle for battle in battles}
    cast = sorted(votes, key=lambda vote: (vote.created_at, vote.battle_id))
    overall = {vote.battle_id: vote.outcome for vote in cast if vote.question is Question.OVERALL}
    seconds = {vote.battle_id: vote.evidence.get("answer_s") for vote in cast}
    answered: dict[str, list[Battle]] = defaultdict(list)
    for battle_id in dict.fromkeys(vote.battle_id for vote in cast):
        answered[shown[battle_id].voter_id].append(shown[battle_id])
    lasts = {exhibit.id: exhibit.streams.duration_s for exhibit in exhibits}
    clips = {
        battle.id: max(lasts.get(side, np.nan) for side in (battle.left_exhibit, battle.right_exhibit))
        for battle in shown.values()
    }
    faulty = [shown[fault.battle_id] for fault in faults]
    put_aside = Counter(battle.voter_id for battle in faulty)
    checks_aside = Counter(each.voter_id for each in faulty if each.purpose is not Purpose.COMPARISON)
    last_at = {vote.voter_id: vote.created_at for vote in cast}
    ballots = overall_ballots(shown, cast)
    habits, suspects, rings, notes = _against_the_others(ballots, seconds, clips, labels)

    def conduct(voter_id: str) -> Conduct:
        own = answered[voter_id]
        traps, golds = (
            [overall[each.id] is each.expected for each in own if each.purpose is purpose]
            for purpose in (Purpose.TRAP, Purpose.GOLD)
        )
        repeats = [
            _as_first_time(each, overall[each.id]) is overall[each.repeats]
            for each in own
            if each.repeats is not None
        ]
        times = [float(took) for each in own if (took := seconds[each.id]) is not None]
        return Conduct(
            voter_id=voter_id,
            comparisons=sum(each.purpose is Purpose.COMPARISON for each in own),
            faults=Count(put_aside[voter_id], put_aside[voter_id] + len(own)),
            checks_put_aside=Count(
                checks_aside[voter_id],
                checks_aside[voter_id] + sum(each.purpose is not Purpose.COMPARISON for each in own),
            ),
            traps=Count(sum(traps), len(traps)),
            repeats=Count(sum(repeats), len(repeats)),
            golds=Count(sum(golds), len(golds)),
            last_at=last_at[voter_id],
            median_answer_s=statistics.median(times) if times else None,
            habits=tuple(habits[voter_id]),
            suspect=suspects.get(voter_id),
        )

    return Conducts(tuple(conduct(voter_id) for voter_id in sorted(answered)), rings, notes)


def overall_ballots(battles: Mapping[str, Battle], votes: Iterable[Vote]) -> list[Ballot]:
    """The overall answers to comparisons, of all voters."""
    rows = []
    for vote in votes:
        battle = battles[vote.battle_id]
        if vote.question is Question.OVERALL and battle.purpose is Purpose.COMPARISON:
            sides = battle.left.system, battle.right.system
            about = battle.prompt_id, battle.category, "", vote.question
            rows.append(Ballot(battle.id, vote.voter_id, *about, *sides, vote.outcome, vote.created_at))
    return rows


def _as_first_time(battle: Battle, outcome: Outcome) -> Outcome:
    swapped = battle.purpose is Purpose.SWAPPED_REPEAT
    return MIRRORED.get(outcome, outcome) if swapped else outcome


def _against_the_others(
    ballots: list[Ballot],
    seconds: Mapping[str, Any],
    clips: Mapping[str, float],
    labels: Mapping[str, str] | None,
) -> tuple[Mapping[str, list[Anomaly]], Mapping[str, Suspect], tuple[Ring, ...], tuple[str, ...]]:
    """Habits and evidence by voter, rings, and why there is none where the votes do not carry it.

    `seconds` is how long each battle took to answer, None where the page did not say; `clips` how long its
    longer clip lasts, NaN where that is not known.
    """
    habits: dict[str, list[Anomaly]] = defaultdict(list)
    suspects: dict[str, Suspect] = {}
    rings: tuple[Ring, ...] = ()
    coded, notes = tally(ballots, labels=labels), []
    took = np.array([seconds[ballot.battle_id] or np.nan for ballot in ballots], dtype=float)
    lasting = np.array([clips[ballot.battle_id] for ballot in ballots], dtype=float)
    try:
        for each in anomalies(coded, seconds=took, clip_seconds=lasting):
            habits[each.voter].append(each)
    except RatingError as error:
        notes.append(f"Habits were not looked at. {error}")
    try:
        found = suspicion(coded)
        suspects = {each.voter: each for each in found.suspects(EVERYBODY)}
        rings = found.rings
        notes += found.notes
    except RatingError as error:
        notes.append(f"Nobody was held against the votes of others. {error}")
    return habits, suspects, rings, tuple(notes)

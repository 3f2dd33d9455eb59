"""What each voter did: checks, answering times, habits, and evidence that they answer unlike the others."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.anomalies import Anomaly, anomalies
from evalharness.ratings.rings import Ring
from evalharness.ratings.suspicion import Suspect, suspicion
from evalharness.ratings.tally import tally
from evalharness.records import Ballot, Battle, Outcome, Purpose, Question, Vote

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
    traps: Count
    """Traps answered as they asked."""
    repeats: Count
    """Repeats, sides as they were or exchanged, whose overall answer was the same as the first time."""
    golds: Count
    """Gold pairs, one side spoiled on purpose, whose overall answer was the other side."""
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
    battles: Iterable[Battle], votes: Iterable[Vote], *, labels: Mapping[str, str] | None = None
) -> Conducts:
    """What every voter did, from all battles and votes of a study, whoever is excluded by now.

    `labels` are the names by which systems are published: sentences say these, since they are kept with
    decisions.
    """
    shown = {battle.id: battle for battle in battles}
    cast = sorted(votes, key=lambda vote: (vote.created_at, vote.battle_id))
    overall = {vote.battle_id: vote.outcome for vote in cast if vote.question is Question.OVERALL}
    seconds = {vote.battle_id: vote.evidence.get("answer_s") for vote in cast}
    answered: dict[str, list[Battle]] = defaultdict(list)
    for battle_id in dict.fromkeys(vote.battle_id for vote in cast):
        answered[shown[battle_id].voter_id].append(shown[battle_id])
    habits, suspects, rings, notes = _against_the_others(overall_ballots(shown, cast), seconds, labels)

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
            traps=Count(sum(traps), len(traps)),
            repeats=Count(sum(repeats), len(repeats)),
            golds=Count(sum(golds), len(golds)),
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
    ballots: list[Ballot], seconds: Mapping[str, Any], labels: Mapping[str, str] | None
) -> tuple[Mapping[str, list[Anomaly]], Mapping[str, Suspect], tuple[Ring, ...], tuple[str, ...]]:
    """Habits and evidence by voter, rings, and why there is none where the votes do not carry it.

    `seconds` is how long each battle took to answer, None where the page did not say.
    """
    habits: dict[str, list[Anomaly]] = defaultdict(list)
    suspects: dict[str, Suspect] = {}
    rings: tuple[Ring, ...] = ()
    coded, notes = tally(ballots, labels=labels), []
    took = np.array([seconds[ballot.battle_id] or np.nan for ballot in ballots], dtype=float)
    try:
        for each in anomalies(coded, seconds=took):
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

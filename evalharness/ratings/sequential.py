"""Anytime-valid head-to-head of two systems: look after every vote, stop when it is decided.

A z test looked at every twenty votes cries wolf a third of the time, and nearly always where one voter
casts many votes. Here each voter (or prompt) gives one score in [0, 1] (see `closed_scores`), and wealth from
betting on the scores is the evidence (see `betting`; Waudby-Smith & Ramdas 2024). Whoever looks, and however
often, the chance of ever deciding wrongly stays at most alpha.

*Superiority* (no margin): both "first wins at most half" and "at least half" are bet against, and either is
refuted at evidence 2 / alpha, so that equal systems are told apart at most alpha of the time.
*Non-inferiority* (margin in Elo): the boundary is the win rate of a system weaker by the margin. Refuting
"at most the boundary" at 1 / alpha shows that the first is not worse by that much; refuting "at least the
boundary" that it is. Both claims cannot be wrong at once, so each has the whole of alpha.

*Futility*: where collection ends at a planned number of scores anyway, it may stop as soon as even the most
favourable rate still inside the confidence sequence would not decide in what is left. Going on after all
does no harm to the guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
from scipy.special import logit

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.betting import Null, ScoreCounts, log_e_path
from evalharness.ratings.closed_scores import PairScores, Ties, Unit, closed_scores
from evalharness.ratings.estimate import ELO_PER_LOGIT, Interval
from evalharness.ratings.newton import Reals
from evalharness.ratings.scale import implied_win_rate
from evalharness.ratings.tally import Codes, Tally

__all__ = ["HeadToHead", "Rules", "Trail", "Verdict", "head_to_head"]

_FEW_PROMPTS = 20
"""Prompts under which a verdict is said to be about these alone."""

_Kind = TypeVar("_Kind", Unit, Ties)

_LOOKS = 200
"""Moments at which the confidence sequence is drawn; the evidence itself is kept after every score."""


class Verdict(StrEnum):
    """How a head-to-head stands."""

    FIRST_BETTER = "first better"
    SECOND_BETTER = "second better"
    NOT_WORSE = "not worse"
    """The first is not worse by the margin."""
    WORSE = "worse"
    """The first is worse by more than the margin."""
    FUTILE = "futile"
    """The scores still planned would not decide even at the most favourable rate."""
    UNDECIDED = "undecided"


_DECISIONS = {
    (True, True): Verdict.FIRST_BETTER,
    (True, False): Verdict.SECOND_BETTER,
    (False, True): Verdict.NOT_WORSE,
    (False, False): Verdict.WORSE,
}
"""By whether there is no margin, and whether the evidence is for a rate above the boundary."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What must be settled before the votes are looked at.

    Raises UnknownNameError for an unknown unit or rule for ties, RatingError for an impossible alpha, margin
    or plan.
    """

    unit: Unit = Unit.VOTER
    ties: Ties = Ties.HALF
    alpha: float = 0.05
    """Chance of ever deciding wrongly."""
    margin_elo: float | None = None
    """Asks whether the first is worse by this much (in Elo of the scores' own rate: half ties, or decisive
    votes only); None asks which of the two is better."""
    planned: int | None = None
    """Number of scores at which collection ends anyway."""
    votes_per_score: int | None = None
    silence: int = 50
    ended: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 0.5:
            raise RatingError(
                f"The chance of deciding wrongly must lie between 0 and 0.5; found {self.alpha!r}. "
                "Usual is 0.05."
            )
        if self.margin_elo is not None and not 0.0 < self.margin_elo < np.inf:
            raise RatingError(
                f"The margin must be a positive number of Elo points; found {self.margin_elo!r}. "
                "To ask which of two systems is better, give none."
            )
        if self.planned is not None and self.planned < 1:
            raise RatingError(
                f"The planned number of scores must be at least 1; found {self.planned}. "
                "Where collection has no end, give none."
            )

    @property
    def boundary(self) -> float:
        """The win rate bet against: 1/2, or that of a system weaker by the margin."""
        return 0.5 if self.margin_elo is None else implied_win_rate(-self.margin_elo)

    @property
    def threshold(self) -> float:
        """Evidence that decides: 2 / alpha without a margin, 1 / alpha with one."""
        return (2.0 if self.margin_elo is None else 1.0) / self.alpha

    @property
    def rate_of(self) -> str:
        """What a win rate is a share of."""
        return "of decisive votes" if self.ties is Ties.DROP else "in wins plus half the ties"


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """The evidence as it grew: what a plot shows."""

    votes_cast: Codes
    """Shape (scores,): rows of the tally cast when each score closed, votes on other pairs included."""
    log_e_first: Reals
    """Shape (scores,): log evidence that the first's win rate is above the boundary."""
    log_e_second: Reals
    """Shape (scores,): log evidence that it is below."""
    looks: Codes
    """Shape (looks,): numbers of scores at which the confidence sequence is given."""
    low: Reals
    high: Reals


@dataclass(frozen=True, slots=True, eq=False)
class HeadToHead:
    """What the votes on one pair decide, with all that is needed to check it."""

    first: str
    second: str
    rules: Rules
    verdict: Verdict
    """That of the first moment at which the evidence sufficed; later scores do not take it back."""
    decided_at: int | None
    """Scores at that moment; None where the evidence has not sufficed."""
    win_rate: Interval | None
    """Mean score of the first and the confidence sequence at level 1 - alpha, now; None without a score."""
    scores: PairScores
    trail: Trail
    more_scores_needed: int | None
    """Further scores to a verdict if they go on as so far: about half of all runs take longer. 0 once
    decided; None where that would never decide, or without a score."""
    notes: tuple[str, ...]

    @property
    def decided(self) -> bool:
        """Whether there is a reason to stop: a verdict, futility included."""
        return self.verdict is not Verdict.UNDECIDED

    @property
    def e_first(self) -> float:
        """Evidence now that the first's win rate is above the boundary; 1 says nothing, 20 is strong."""
        return _evidence(self.trail.log_e_first)

    @property
    def e_second(self) -> float:
        """Evidence now that it is below."""
        return _evidence(self.trail.log_e_second)

    @property
    def gap_elo(self) -> Interval | None:
        """The Elo gap that the win rate implies, first minus second; infinite at rates of 0 and 1."""
        if self.win_rate is None:
            return None
        rates = np.array([self.win_rate.value, self.win_rate.low, self.win_rate.high])
        return Interval(*(float(gap) for gap in ELO_PER_LOGIT * logit(rates)))

    @property
    def sentence(self) -> str:
        """The verdict, the rate with its interval, and on how much it rests, for the person who asked."""
        claim, unit, count = self._claim(), self.rules.unit, len(self.scores.values)
        if self.win_rate is None:
            return f"{claim}: no {unit} has a closed score on this pair yet."
        low, high = 100 * self.win_rate.low, 100 * self.win_rate.high
        return (
            f"{claim}: {self.first} scores {100 * self.win_rate.value:.1f} % ({low:.1f} to {high:.1f} %) "
            f"{self.rules.rate_of} against {self.second}, by {_many(count, 'score')}, one a {unit} "
            f"({_many(self.scores.votes, 'vote')}).{self._outlook()}"
        )

    def _claim(self) -> str:
        margin = "" if self.rules.margin_elo is None else f"{self.rules.margin_elo:g} Elo"
        return {
            Verdict.FIRST_BETTER: f"{self.first} is better than {self.second}",
            Verdict.SECOND_BETTER: f"{self.second} is better than {self.first}",
            Verdict.NOT_WORSE: f"{self.first} is not worse than {self.second} by {margin}",
            Verdict.WORSE: f"{self.first} is worse than {self.second} by more than {margin}",
            Verdict.FUTILE: f"Not to be decided within the {self.rules.planned} scores planned",
            Verdict.UNDECIDED: "Undecided",
        }[self.verdict]

    def _outlook(self) -> str:
        if self.verdict is not Verdict.UNDECIDED:
            return ""
        if self.more_scores_needed is None:
            return " If they go on like this, no number of scores would decide."
        return f" If they go on like this, about {_many(self.more_scores_needed, 'more score')} would decide."


def head_to_head(
    votes: Tally,
    first: str,
    second: str,
    *,
    unit: Unit | str = Unit.VOTER,
    alpha: float = 0.05,
    margin_elo: float | None = None,
    ties: Ties | str = Ties.HALF,
    planned: int | None = None,
    votes_per_score: int | None = None,
    silence: int = 50,
    ended: bool = False,
) -> HeadToHead:
    """Compare two systems by their votes against each other; valid whenever and however often it is called.

    `unit` is what each score stands for: a voter (of the population the voters come from, on these prompts),
    a prompt (of those these prompts were drawn from, by these voters), or a vote (only where no voter casts
    two). `votes_per_score`, `silence` and `ended` say when a score closes (see `closed_scores`). The rows of
    the tally must stand in order of time, and every keyword must be settled before the votes are looked at.

    Raises UnknownNameError for a system without votes or an unknown unit or rule for ties; RatingError for a
    system against itself, a pair that never met, one voter as the population of voters (or one prompt as
    that of prompts), and for what `Rules` and `closed_scores` refuse.
    """
    rules = Rules(
        _one_of(Unit, unit),
        _one_of(Ties, ties),
        alpha,
        margin_elo,
        planned,
        votes_per_score,
        silence,
        ended,
    )
    places = _places(votes, first, second)
    scores = closed_scores(
        votes,
        *places,
        unit=rules.unit,
        ties=rules.ties,
        votes_per_score=votes_per_score,
        silence=silence,
        ended=ended,
    )
    if scores.met == 0:
        raise RatingError(
            f"{first} and {second} never met, so there is no head-to-head. Collect battles between them, or "
            "compare their ratings, which go by way of other systems."
        )
    _require_population(votes, rules.unit)
    return _judge(first, second, rules, scores, _notes(votes, places, rules, scores))


def _judge(first: str, second: str, rules: Rules, scores: PairScores, notes: tuple[str, ...]) -> HeadToHead:
    boundary, threshold, count = rules.boundary, float(np.log(rules.threshold)), len(scores.values)
    above = log_e_path(scores.values, boundary, Null.AT_MOST)
    below = log_e_path(scores.values, boundary, Null.AT_LEAST)
    crossed = np.flatnonzero((above >= threshold) | (below >= threshold))
    decided_at = int(crossed[0]) + 1 if crossed.size else None
    looks = np.unique(np.linspace(0, count, _LOOKS + 1).round().astype(np.int64))
    tallied = ScoreCounts.of(scores.values, looks)
    low, high = tallied.limits(rules.alpha)
    rate = Interval(float(scores.values.mean()), float(low[-1]), float(high[-1])) if count else None

    def needed(low_rate: float, high_rate: float) -> int | None:
        """Scores to the nearer verdict, if they come at the low rate or at the high one."""
        down = tallied.more_needed(boundary, Null.AT_LEAST, threshold, low_rate)
        up = tallied.more_needed(boundary, Null.AT_MOST, threshold, high_rate)
        return min((road for road in (down, up) if road is not None), default=None)

    verdict = Verdict.UNDECIDED
    more = needed(rate.value, rate.value) if rate else None
    if decided_at is not None:
        up = bool(above[decided_at - 1] >= threshold)
        verdict, more = _DECISIONS[rules.margin_elo is None, up], 0
        if (above if up else below)[-1] < threshold:
            fallen = (
                f"The evidence sufficed at {decided_at} scores and has fallen back by {count}: the verdict "
                "stands, but look whether voters, prompts or systems have changed."
            )
            notes = (*notes, fallen)
    elif rules.planned is not None:
        best = needed(float(low[-1]), float(high[-1]))
        if best is None or best > rules.planned - count:
            verdict = Verdict.FUTILE
    trail = Trail(scores.rows + 1, above, below, looks, low, high)
    return HeadToHead(first, second, rules, verdict, decided_at, rate, scores, trail, more, notes)


def _places(votes: Tally, first: str, second: str) -> tuple[int, int]:
    for name in (first, second):
        if name not in votes.systems:
            raise UnknownNameError(
                f"No system with votes here is called {name!r}; there are "
                f"{', '.join(votes.systems) or 'none'}."
            )
    if first == second:
        raise RatingError(f"{first} cannot be compared with itself. Name two systems.")
    return votes.systems.index(first), votes.systems.index(second)


def _require_population(votes: Tally, unit: Unit) -> None:
    if unit is Unit.VOTER and not votes.voters_known:
        raise RatingError(
            "The votes do not say who cast them, so there is no score a voter. If each came from another "
            "person, unit 'vote' is right; else ask about further prompts with unit 'prompt'."
        )
    if unit is Unit.PROMPT and not votes.prompts_known:
        raise RatingError(
            "The votes do not say what was shown, so there is no score a prompt. Ask about further voters "
            "with unit 'voter'."
        )
    if unit is Unit.VOTER and len(votes.voters) == 1:
        raise RatingError(
            "All votes come from one voter, and one score cannot speak for a population of voters. "
            "Ask what this voter would say of further prompts: unit 'prompt'."
        )
    if unit is Unit.PROMPT and len(votes.prompts) == 1:
        raise RatingError(
            "All votes are on one prompt, and one score cannot speak for further prompts. "
            "Ask what further voters would say of this prompt: unit 'voter'."
        )


def _notes(votes: Tally, places: tuple[int, int], rules: Rules, scores: PairScores) -> tuple[str, ...]:
    notes = []
    if scores.open:
        notes.append(
            f"{_many(scores.open, rules.unit.value)} with {_many(scores.open_votes, 'vote')} may still vote "
            "and will count when closed."
        )
    if scores.late:
        remedy = (
            f"Where voters pause for more than {rules.silence} votes of others, settle on a longer silence"
            if rules.unit is Unit.VOTER
            else "Where prompts are voted on more often, settle on more votes a score"
        )
        notes.append(
            f"{_many(scores.late, 'vote')} came after their {rules.unit} had closed, and do not count. "
            f"{remedy} before the next votes come."
        )
    if rules.unit is Unit.VOTE and not votes.voters_known:
        notes.append("The votes do not say who cast them: the verdict holds if no voter cast two.")
    elif rules.unit is Unit.VOTE:
        voters = len(np.unique(votes.voter[np.isin(votes.left, places) & np.isin(votes.right, places)]))
        if voters < scores.met:
            notes.append(
                f"The {_many(scores.met, 'vote')} come from {_many(voters, 'voter')}. One voter's votes are "
                "not independent, so the chance of deciding wrongly is not kept: use unit 'voter'."
            )
    if rules.unit is not Unit.PROMPT and votes.prompts_known:
        prompts = len(np.unique(votes.prompt[np.isin(votes.left, places) & np.isin(votes.right, places)]))
        if prompts < _FEW_PROMPTS:
            notes.append(
                f"The verdict is about {_many(prompts, 'prompt')}: on other prompts it may be another. For "
                "other prompts too, ask with unit 'prompt', or show more of them."
            )
    share = scores.first_left / scores.met
    if votes.sides_known and scores.met >= 20 and not 0.25 <= share <= 0.75:
        notes.append(
            f"The first system was shown on the left in {100 * share:.0f} % of the votes: a preference for a "
            "side would pass for one for a system."
        )
    return tuple(notes)


def _one_of(kind: type[_Kind], label: str) -> _Kind:
    try:
        return kind(label)
    except ValueError:
        raise UnknownNameError(
            f"{label!r} is not among the {kind.__name__.lower()} rules; there are {', '.join(kind)}."
        ) from None


def _evidence(log_path: Reals) -> float:
    return float(np.exp(min(log_path[-1], 700.0))) if len(log_path) else 1.0


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

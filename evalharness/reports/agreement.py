"""How far automatic metrics agree with voters: the records of it, which reports show."""

from __future__ import annotations

from dataclasses import dataclass

from evalharness.records import Question

__all__ = ["Agreement", "AgreementRow", "CombinedRow", "PeopleRow", "Spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One quantity held against the votes on one question in one category."""

    category: str
    question: Question
    metric: str
    """`<metric>.<quantity>`."""
    accuracy: Spread
    """Share of the votes for a side on which the quantity prefers that side, 0 to 1; chance is 0.5."""
    votes: int
    """Votes for a side whose clips both have a value."""
    unscored: int
    """Votes for a side where a clip has none."""
    systems: int
    """Systems behind the correlations; 0 where there are none."""
    kendall: Spread | None
    """Tau-b of the systems' means with their ratings, -1 to 1."""
    spearman: Spread | None
    speaks: bool
    """Whether this is the question that the metric is meant to speak to."""
    failed_gate: bool


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """How far voters agree with one another on one question in one category."""

    category: str
    question: Question
    votes: int
    undecided: int
    """Ties and "both bad", which name no side."""
    agree: Spread | None
    """Share of the votes for a side that another voter on the same clips agrees with; None without such."""
    pairs: int
    """Votes that it is over."""


@dataclass(frozen=True, slots=True)
class CombinedRow:
    """Several quantities together, judged on prompts that they did not see."""

    category: str
    question: Question
    metrics: tuple[str, ...]
    weights: tuple[float, ...]
    accuracy: Spread
    votes: int
    best: str
    """The quantity that was best most often where the others were learnt."""
    best_accuracy: Spread
    """Of the single best, chosen with as little foresight."""
    folds: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """All of it."""

    rows: tuple[AgreementRow, ...] = ()
    people: tuple[PeopleRow, ...] = ()
    combined: tuple[CombinedRow, ...] = ()

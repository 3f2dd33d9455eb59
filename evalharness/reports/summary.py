"""What a report is made of: one frozen record that every rendering reads.

Names in it are the names to publish. A study with masked systems passes `labels` to the functions that
build these rows and to `ratings.leaderboard`, so that no real name ever reaches a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from evalharness.records import Leaderboard, Question
from evalharness.reports.agreement import Agreement, Spread
from evalharness.reports.delivery import DeliveryRow

__all__ = [
    "CategoryProgress",
    "GenerationRow",
    "HabitRow",
    "Meaning",
    "MetricRow",
    "Profile",
    "Refusal",
    "Summary",
    "VoteFlow",
]


NO_AGREEMENT = Agreement()
Quantiles = tuple[float, float, float, float, float]
"""Below which 5, 25, 50, 75 and 95 % lie."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A board that could not be computed, and why."""

    category: str
    question: Question
    sentence: str
    """The RatingError's message."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """How the numbers of a quantity are to be read."""

    better: str = "none"
    """`lower`, `higher`, `zero` (nearest to zero) or `none`."""
    question: str = ""
    """The voters' question it speaks to; empty for a property of the file."""
    low: float | None = None
    """The least value there can be, None where nothing bounds it."""
    high: float | None = None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of one system: the mean over what could be scored, and all that could not."""

    system: str
    metric: str
    """`<metric>.<quantity>`."""
    version: str
    unit: str
    mean: float | None
    """None where no clip could be scored."""
    deviation: float | None
    """Sample standard deviation over clips; None under two values."""
    n: int
    """Clips with a value."""
    unscorable: Mapping[str, int]
    """Reason -> clips."""
    failed: Mapping[str, int]
    """Error -> clips."""
    unmeasured: int
    """Clips that this metric has not been run on."""
    category: str = "all"
    magnitude: float | None = None
    """Mean distance from zero: early and late do not cancel in it as they do in `mean`."""
    note: str | None = None
    """What to know before believing it: what its gates showed, a sentence."""
    failed_gate: bool = False
    """Whether it failed a gate."""
    quantiles: Quantiles | None = None
    """Values below which 5, 25, 50, 75 and 95 % of the clips lie; None where there is none."""

    @property
    def clips(self) -> int:
        """All clips the row speaks of, scored or not."""
        return self.n + sum(self.unscorable.values()) + sum(self.failed.values()) + self.unmeasured


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """How one system's generation went."""

    system: str
    done: int
    waiting: int
    """Not yet started, or running."""
    failed: Mapping[str, int]
    """Failure class -> jobs."""
    median_latency_s: float | None
    timed: int
    """Clips whose latency is known."""
    mean_cost_usd: float | None
    total_cost_usd: float | None
    priced: int
    """Clips whose cost is known; means and totals are over these."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a system apart from its clips; nothing of one that is masked."""

    system: str
    released: date | None = None
    open_weights: bool | None = None
    masked: bool = False
    """Whether `system` is a codename."""
    formerly: str | None = None
    """The codename under which it was shown until it was revealed."""
    revealed: date | None = None


@dataclass(frozen=True, slots=True)
class HabitRow:
    """How votes were cast in one category, whatever they say of systems."""

    category: str
    votes: int
    decided: int
    """Votes for a side."""
    left: Spread | None
    """Share of these for the left side; without a bias one half, since both orders are shown."""
    first_heard: Spread | None
    """Share for the side that was heard first, where one was; None where the page did not say."""
    first_seen: Spread | None
    """Share for the side that was seen first, where clips were shown in turn."""
    answer_s: Quantiles | None
    """From first picture to last answer, seconds."""
    seen: Quantiles | None
    """Share of its moments that the less watched clip of a pair was played."""


@dataclass(frozen=True, slots=True)
class CategoryProgress:
    """Voting in one category."""

    category: str
    drawn: int | None
    """Battles shown; None where only answered ones are on record."""
    answered: int
    """Battles with a vote."""


@dataclass(frozen=True, slots=True)
class VoteFlow:
    """From battles drawn to votes counted: drawn >= answered; votes = excluded + counted."""

    drawn: int | None
    """None where only answered battles are on record."""
    answered: int
    votes: int
    """Answers to questions; a battle may have several."""
    excluded: Mapping[str, int]
    """Reason -> votes; a vote excluded twice counts under its first reason."""
    counted: int
    voters: int
    """People with at least one counted vote."""
    categories: tuple[CategoryProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a report shows."""

    study: str
    as_of: datetime | None
    """To which moment votes are in it; None where the votes do not say when they were cast."""
    version: str
    """Of evalharness, e.g. `0.1.0`."""
    boards: tuple[Leaderboard, ...] = ()
    refused: tuple[Refusal, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """`<metric>.<quantity>` -> how its numbers are to be read."""
    generation: tuple[GenerationRow, ...] = ()
    delivery: tuple[DeliveryRow, ...] = ()
    profiles: tuple[Profile, ...] = ()
    habits: tuple[HabitRow, ...] = ()
    agreement: Agreement = NO_AGREEMENT
    """Of metrics with voters."""
    flow: VoteFlow | None = None
    recompute: tuple[str, ...] = ()
    """Commands that compute this report again."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories of boards, refusals and metrics, in order of first appearance."""
        named: list[Leaderboard | Refusal | MetricRow] = [*self.boards, *self.refused, *self.metrics]
        return tuple(dict.fromkeys(row.category for row in named))

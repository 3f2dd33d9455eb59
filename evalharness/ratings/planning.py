"""How many votes, by how many voters, on how many prompts, tell a gap of a given size from none.

With independent decisive votes on one pair, a true share p of wins is told from p0 with the wanted power by

    n = (z_alpha + z_power)^2 p (1 - p) / (p - p0)^2

p0 = 1/2 and z_alpha two-sided for "is there a difference"; p0 the share at minus the margin and z_alpha
one-sided for "is it at most so much worse" (Wald's test; Fleiss, Levin & Paik 2003). Votes are not
independent: voters differ in how wide the gap is to them (variance voter_sd^2), and so do prompts. With V
voters and P prompts that take equal shares of N decisive votes on a board of n systems, the difference of
two has about

    variance = (n - 1) / (N p (1 - p)) + voter_sd^2 (1/V - 1/N) + prompt_sd^2 (1/P - 1/N)

in squared logits. More votes shrink the first term only: the standard error stays above voter_sd / sqrt(V)
until there are more voters. `plan` finds N for the board's own intervals: t quantile with min(V, P) - 1
degrees of freedom, symmetric in logits, and the cautious sum form under 20 voters or prompts. Where voters
are unevenly active, V is here, too, the number of equally active ones that would serve as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from evalharness.errors import RatingError
from evalharness.ratings.design_effect import DesignEffect
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.intervals import FEW_CLUSTERS
from evalharness.ratings.scale import implied_win_rate

__all__ = ["ASSUMED", "Aim", "Crowd", "Design", "independent_votes", "plan"]

PROMPTS = (20, 40, 80, 160, 320)
"""Numbers of prompts that a plan tries where none is given."""
VOTERS = (20, 30, 50, 80, 120, 200, 400, 800)
"""The same for voters."""
_FEWEST = 10
"""Voters, or prompts, among whom differences are taken for measured."""
_MOST_VOTES = 10**8
"""A design that needs more is reported as out of reach."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a study is to show, with which certainty. Raises RatingError for an aim nobody can have."""

    gap_elo: float
    """The true gap: of decisive votes, the better system wins 1 / (1 + 10^(-gap / 400))."""
    margin_elo: float | None = None
    """None: a difference, two-sided. Otherwise that the first system is worse by less than this margin,
    one-sided, `gap_elo` being how much better it truly is (0: as good)."""
    power: float = 0.8
    """Chance that the study shows it, if it is true."""
    alpha: float = 0.05
    """Chance that the study shows it, if it is not: both directions together for a difference."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.gap_elo) or abs(self.gap_elo) > 1500.0:
            raise RatingError(f"The gap must be a number of Elo points up to 1500; found {self.gap_elo!r}.")
        if self.margin_elo is None and self.gap_elo == 0.0:
            raise RatingError(
                "No number of votes shows a difference where there is none: give a gap above 0, or a margin "
                "within which the two count as equal."
            )
        if self.margin_elo is not None and not 0.0 < self.margin_elo <= 1500.0:
            raise RatingError(f"The margin must be above 0 and at most 1500 Elo; found {self.margin_elo!r}.")
        if self.margin_elo is not None and self.gap_elo <= -self.margin_elo:
            raise RatingError(
                f"A system {-self.gap_elo:g} Elo worse is not within a margin of {self.margin_elo:g}. "
                "Plan for a smaller shortfall or a wider margin."
            )
        for name in ("power", "alpha"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise RatingError(f"The {name} must lie between 0 and 1; found {getattr(self, name)!r}.")
        if self.power <= self.alpha:
            raise RatingError(
                f"A power of {self.power:g} at alpha {self.alpha:g} needs no votes, only luck; 0.8 is usual."
            )

    @property
    def win_rate(self) -> float:
        """Share of decisive votes that the first system wins if the aim is true."""
        return implied_win_rate(abs(self.gap_elo) if self.margin_elo is None else self.gap_elo)

    @property
    def effect(self) -> float:
        """Distance, in win rate, of the truth from what is to be ruled out; positive."""
        return self.win_rate - implied_win_rate(-(self.margin_elo or 0.0))

    @property
    def effect_elo(self) -> float:
        """The same distance in Elo."""
        return abs(self.gap_elo) if self.margin_elo is None else self.gap_elo + self.margin_elo

    @property
    def tail(self) -> float:
        """Chance of a false claim on the side that matters."""
        return self.alpha if self.margin_elo is not None else self.alpha / 2.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """How voters and prompts differ, measured on a board or assumed."""

    voter_sd: float
    """Standard deviation of the gap between two systems from voter to voter, in Elo."""
    prompt_sd: float
    """The same from prompt to prompt."""
    tie_share: float = 0.0
    """Ties and both-bad over all votes: they are cast but tell no direction."""
    voter_evenness: float = 1.0
    """How many voters of equal activity serve as well as these, over their number."""
    prompt_evenness: float = 1.0
    assumed: Mapping[str, str] = field(default_factory=dict)
    """By field that was not measured: a sentence that says so."""

    def __post_init__(self) -> None:
        for name in ("voter_sd", "prompt_sd"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise RatingError(f"{name} must be a number of Elo points from 0 up; found {value!r}.")
        if not 0.0 <= self.tie_share < 1.0:
            raise RatingError(f"The share of ties must be from 0 to below 1; found {self.tie_share!r}.")
        for name in ("voter_evenness", "prompt_evenness"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise RatingError(f"{name} must be above 0 and at most 1; found {getattr(self, name)!r}.")

    @classmethod
    def measured(cls, found: DesignEffect) -> Crowd:
        """As a board shows it; what its votes are too few to show is taken from `ASSUMED`, and said.

        Too few are under 10 voters (prompts), and votes among which chance shows larger differences than
        would be assumed, and larger than are there.
        """
        sds, assumed = {}, {}
        for name, sd, floor, clusters in (
            ("voter_sd", found.voter_sd, found.voter_floor, found.voters),
            ("prompt_sd", found.prompt_sd, found.prompt_floor, found.prompts),
        ):
            sds[name] = getattr(ASSUMED, name)
            if (
                sd is None
                or floor is None
                or clusters < _FEWEST
                or max(sds[name] / ELO_PER_LOGIT, sd) < floor
            ):
                assumed[name] = f"These votes cannot tell how {name[:-3]}s differ. {ASSUMED.assumed[name]}"
            else:
                sds[name] = ELO_PER_LOGIT * sd
        return cls(
            **sds,
            tie_share=found.tie_share,
            voter_evenness=found.voter_evenness,
            prompt_evenness=found.prompt_evenness,
            assumed=assumed,
        )

    def with_sds(self, voter_sd: float | None, prompt_sd: float | None) -> Crowd:
        """The same with other standard deviations, in Elo, where they are given."""
        given = {"voter_sd": voter_sd, "prompt_sd": prompt_sd}
        chosen = {name: value for name, value in given.items() if value is not None}
        said = {
            name: f"As asked: a gap differs by {value:g} Elo from {name[:-3]} to {name[:-3]}."
            for name, value in chosen.items()
        }
        return replace(self, **chosen, assumed={**self.assumed, **said})


ASSUMED = Crowd(
    voter_sd=100.0,
    prompt_sd=100.0,
    tie_share=0.2,
    assumed={
        "voter_sd": "Assumed: a gap differs by 100 Elo (standard deviation) from voter to voter. A "
        "laboratory panel on video quality showed 199.",
        "prompt_sd": "Assumed: a gap differs by 100 Elo from prompt to prompt. The same panel showed 142.",
        "tie_share": "Assumed: 20 % of votes are ties, and all voters are equally active.",
    },
)
"""Where nothing is known."""


@dataclass(frozen=True, slots=True)
class Design:
    """One way to reach an aim."""

    votes: int
    """All votes of the study, ties included."""
    voters: int
    prompts: int
    half_width: float
    """Distance from the estimated gap to the end of its interval that decides, in Elo: half the interval of
    confidence 1 - alpha for a difference, the one-sided bound for a margin."""
    power: float
    design_effect: float
    """Variance of the difference over that of as many independent votes."""
    limited_by: str
    """The largest part of the variance: "votes", "voters" or "prompts". More of these helps most."""


def independent_votes(aim: Aim) -> float:
    """Decisive votes on one pair that reach the aim, if no two votes had anything in common.

    *By hand:* 30 Elo is p = 0.54308; (1.95996 + 0.84162)^2 x 0.24814 / 0.043066^2 = 1,050.
    """
    p = aim.win_rate
    return float((ndtri(1.0 - aim.tail) + ndtri(aim.power)) ** 2 * p * (1.0 - p) / aim.effect**2)


def plan(
    aim: Aim,
    crowd: Crowd = ASSUMED,
    *,
    systems: int = 2,
    voters: Sequence[int] = VOTERS,
    prompts: Sequence[int] = PROMPTS,
) -> tuple[Design, ...]:
    """The fewest votes that reach the aim, for every number of voters with every number of prompts.

    `systems` on the board share the votes evenly; the gap is that of one pair among them. Combinations that
    reach the aim with no number of votes are left out. Raises RatingError for fewer than two systems,
    voters or prompts.
    """
    for name, numbers in {"systems": [systems], "voters": voters, "prompts": prompts}.items():
        if not numbers or min(numbers) < 2:
            raise RatingError(f"A plan needs at least two {name}; found {min(numbers, default=0)}.")
    return tuple(
        design
        for asked in sorted(set(voters))
        for shown in sorted(set(prompts))
        if (design := _fewest(_Variance(aim, crowd, systems, asked, shown))) is not None
    )


@dataclass(frozen=True, slots=True)
class _Variance:
    """The variance of a difference under one division of the votes, all in logits."""

    aim: Aim
    crowd: Crowd
    systems: int
    voters: int
    prompts: int

    def parts(self, decisive: int) -> dict[str, float]:
        """What votes, voters and prompts contribute."""
        crowd, p = self.crowd, self.aim.win_rate
        as_if = {
            "voters": (crowd.voter_sd, self.voters * crowd.voter_evenness),
            "prompts": (crowd.prompt_sd, self.prompts * crowd.prompt_evenness),
        }
        parts = {
            name: (sd / ELO_PER_LOGIT) ** 2 * max(1.0 / clusters - 1.0 / decisive, 0.0)
            for name, (sd, clusters) in as_if.items()
        }
        return {"votes": (self.systems - 1) / (decisive * p * (1.0 - p)), **parts}

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the board's intervals: uneven voters count as fewer."""
        crowd = self.crowd
        effective = min(self.voters * crowd.voter_evenness, self.prompts * crowd.prompt_evenness)
        return max(1.0, effective - 1.0)

    def reach(self, decisive: int) -> float:
        """Distance of the estimate from what it rules out at 1 - `Aim.tail`, as the board computes it."""
        parts = self.parts(decisive)
        variance = sum(parts.values())
        if min(self.voters, self.prompts) < FEW_CLUSTERS:  # the sum form counts the votes' own part twice
            variance += parts["votes"]
        return float(stdtrit(self.freedom, 1.0 - self.aim.tail) * np.sqrt(variance))

    def power(self, decisive: int) -> float:
        """Chance that the estimate lies further from what is to be ruled out than `reach`."""
        error = np.sqrt(sum(self.parts(decisive).values()))
        ahead = self.aim.effect_elo / ELO_PER_LOGIT - self.reach(decisive)
        return float(stdtr(self.freedom, ahead / error))


def _fewest(variance: _Variance) -> Design | None:
    """By bisection; every voter and every prompt has a decisive vote or more."""
    aim, crowd = variance.aim, variance.crowd
    enough, too_few = _MOST_VOTES, max(variance.voters, variance.prompts) - 1
    if variance.power(enough) < aim.power:
        return None
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if variance.power(middle) < aim.power:
            too_few = middle
        else:
            enough = middle
    parts = variance.parts(enough)
    return Design(
        votes=int(np.ceil(enough / (1.0 - crowd.tie_share))),
        voters=variance.voters,
        prompts=variance.prompts,
        half_width=ELO_PER_LOGIT * variance.reach(enough),
        power=variance.power(enough),
        design_effect=sum(parts.values()) / parts["votes"],
        limited_by=max(parts, key=lambda name: parts[name]),
    )

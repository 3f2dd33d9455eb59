"""How far the votes can be trusted: rules broken, agreement, side bias, and what the excluded change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.services.cast import cast
from arena_ui.owner.services.raters import conduct, verdicts
from evalharness.errors import RatingError
from evalharness.records import Ballot, Decision, Outcome

if TYPE_CHECKING:
    from evalharness.quality import Agreement
    from evalharness.quality.rules import Matter
    from evalharness.ratings.without_voters import WithoutVoters

__all__ = ["Quality", "SideBias", "left_share", "quality"]

CONFIDENCE = 0.95
SIDES = (Outcome.LEFT, Outcome.RIGHT)


@dataclass(frozen=True, slots=True)
class SideBias:
    """How often the left side won where a side won; sides are drawn by chance, so half is no bias."""

    share: float
    low: float
    """95 % interval; voters, not votes, are taken as independent."""
    high: float
    votes: int
    voters: int

    @property
    def is_there(self) -> bool:
        """Whether the interval leaves half out."""
        return not self.low <= 0.5 <= self.high


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known of the votes' quality."""

    voters: int
    """Who answered something."""
    broken: Mapping[tuple[Matter, str], int]
    """(matter, rule) -> voters who break it; every rule of the study is there."""
    agreements: tuple[Agreement, ...]
    side: SideBias | str
    """Or why nothing can be said."""
    without: WithoutVoters | str
    """The board without the excluded voters beside that of all votes, or why there is none."""
    notes: tuple[str, ...]


def quality(office: Office, person: Person) -> Quality:
    """How far the votes can be trusted. Raises NotAllowed."""
    office.permit(person, Action.QUALITY)
    return office.fresh.get("quality", lambda: _quality(office))


def _quality(office: Office) -> Quality:
    from evalharness.quality import RULES, agreement, overall_ballots

    now, judged = cast(office), verdicts(office)
    broken: dict[tuple[Matter, str], int] = {(rule.matter, rule.name): 0 for rule in RULES}
    for each in judged:
        for matter, reasons in each.against.items():
            for name in {reason.partition(":")[0] for reason in reasons}:  # each begins with its rule
                broken[matter, name] += 1
    ballots = overall_ballots({battle.id: battle for battle in now.battles}, now.votes)
    return Quality(
        voters=len(judged),
        broken=broken,
        agreements=tuple(
            agreement(now.battles, now.votes, question) for question in office.study.settings.arena.questions
        ),
        side=left_share(ballots),
        without=_without_excluded(office, ballots),
        notes=conduct(office).remarks,
    )


def left_share(ballots: Iterable[Ballot]) -> SideBias | str:
    """Share of the left side among the answers that name one, with an interval over voters."""
    from scipy.stats import t  # only who looks at quality loads it

    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for ballot in ballots:
        if ballot.outcome in SIDES:
            counts[ballot.voter_id][ballot.outcome is Outcome.RIGHT] += 1
    if len(counts) < 2:
        return "Side bias wants two voters or more who called a side better."
    left, right = np.array(list(counts.values()), dtype=float).T
    each = left + right
    share, voters = float(left.sum() / each.sum()), len(counts)
    # A ratio of sums over voters: its error comes from how far each voter's answers lie from the share.
    error = float(np.sqrt(np.square(left - share * each).sum() * voters / (voters - 1)) / each.sum())
    half = float(t.ppf((1 + CONFIDENCE) / 2, voters - 1)) * error
    return SideBias(share, max(0.0, share - half), min(1.0, share + half), int(each.sum()), voters)


def _without_excluded(office: Office, ballots: list[Ballot]) -> WithoutVoters | str:
    from evalharness.quality import newest
    from evalharness.ratings.tally import tally
    from evalharness.ratings.without_voters import board_without

    rulings, voted = office.store.rulings(), {ballot.voter_id for ballot in ballots}
    held = {name: newest(rulings, name, "count") for name in voted}
    excluded = [name for name, ruling in held.items() if ruling and ruling.decision is Decision.EXCLUDED]
    if not excluded:
        return "Nobody who voted is excluded."
    try:
        return board_without(tally(ballots, labels=office.labels), excluded)
    except RatingError as error:
        return f"What the excluded voters change cannot be said. {error}"

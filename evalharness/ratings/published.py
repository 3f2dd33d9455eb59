"""Does a board that was published still hold? Votes cast since against the intervals it gave.

The rating since is fitted to the votes since alone and told against the mean of the other published systems,
which is put where the board had it. A system has *left* its published interval where the interval since, at
the stated confidence for all systems together (Bonferroni), does not reach into it. This is a look at one
moment, for a banner on the old board; `drift` watches without a moment chosen beforehand. Votes speak of
differences only: on a board of n systems, a fall of one by d shows as a rise of each other by d / (n - 1).

Both must be of one kind: a board that counted ties as half wins has a narrower scale than Davidson's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.estimate import Interval
from evalharness.ratings.fitting import DEFAULT_ESTIMATOR, estimate
from evalharness.ratings.over_time import against_others
from evalharness.ratings.tally import Tally

__all__ = ["Departure", "Verdict", "departures"]


class Verdict(StrEnum):
    """Where the rating since lies."""

    HOLDS = "holds"
    """Inside the published interval."""
    UNSURE = "unsure"
    """Outside, but its own interval reaches in."""
    LEFT = "left"
    """Outside with all of its interval."""


@dataclass(frozen=True, slots=True)
class Departure:
    """One system then and since."""

    system: str
    published: Interval
    since: Interval
    """Rating by the votes since, on the published scale."""
    votes: int
    """Votes about the system since."""

    @property
    def verdict(self) -> Verdict:
        """Whether the published interval still holds."""
        if self.since.high < self.published.low or self.since.low > self.published.high:
            return Verdict.LEFT
        inside = self.published.low <= self.since.value <= self.published.high
        return Verdict.HOLDS if inside else Verdict.UNSURE

    @property
    def banner(self) -> str:
        """A sentence for the top of the old board; empty where it holds."""
        if self.verdict is Verdict.HOLDS:
            return ""
        then, now = self.published, self.since
        found = (
            f"{self.system} was published at {then.value:.0f} ({then.low:.0f} to {then.high:.0f}); the "
            f"{self.votes} votes about it since say {now.value:.0f} ({now.low:.0f} to {now.high:.0f})"
        )
        if self.verdict is Verdict.UNSURE:
            return f"{found}: outside what was published, though not surely."
        where = "below" if now.value < then.value else "above"
        return f"{found}: it has left its published interval and stands {where} it."


def departures(
    since: Tally,
    published: Mapping[str, Interval],
    *,
    estimator: str = DEFAULT_ESTIMATOR,
    confidence: float = 0.95,
) -> tuple[Departure, ...]:
    """Every published system that has votes since, in the order published.

    `since` holds the votes cast after the board was made; `estimator` is the kind that made it. At
    `confidence`, no system that stands still is said to have left, if the published intervals held the truth.
    Raises as `estimate` does, and RatingError where fewer than two published systems have votes since.
    """
    known = [name for name in published if name in since.systems]
    if len(known) < 2:
        raise RatingError(
            f"Of the {len(published)} published systems {len(known)} have votes since; to compare with the "
            "board two are needed. Wait for votes, or check that the names are the same."
        )
    own = 1.0 - (1.0 - confidence) / len(known)
    found, _ = estimate(since, estimator=estimator, confidence=own)
    rows = []
    for name in known:
        others = [other for other in known if other != name]
        level = float(np.mean([published[other].value for other in others]))
        place = since.systems.index(name)
        rows.append(
            Departure(
                name,
                published[name],
                against_others(found, name, others).scaled(1.0, level),
                int(((since.left == place) | (since.right == place)).sum()),
            )
        )
    return tuple(rows)

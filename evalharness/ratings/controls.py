"""Would the board be another if all clips were as long, as loud, as sharp? Covariates beside strengths.

    gap = left - right + order effect + sum_k effect_k x_k        x_k: left clip's value minus right clip's

Everything is one likelihood (a joint fit; "style control" in text arenas), so what a covariate explains is
taken from the strengths, and intervals of both carry the doubt about the other. The only shrinkage is the
fixed prior of `newton`, half a virtual battle on an effect of one typical difference of x: it never grows
with the votes. A covariate that varies only between systems, not within them, cannot be told from strength
and is refused. Control what a voter should not reward; an effect that is part of quality belongs to the
rating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.estimate import ELO_PER_LOGIT, Estimate, Interval
from evalharness.ratings.fitting import DEFAULT_ESTIMATOR, estimate
from evalharness.ratings.intervals import IntervalMethod
from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import Tally

__all__ = ["Controlled", "Effect", "controlled"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one covariate does to a battle."""

    name: str
    per_unit: Interval
    """In Elo for each unit by which the left clip has more."""
    per_spread: Interval
    """In Elo for one typical difference (`spread`): comparable between covariates."""
    spread: float
    """Root mean square of the difference between the two clips of a battle, in the covariate's unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Controlled:
    """The same votes rated with and without covariates."""

    plain: Estimate
    controlled: Estimate
    """Ratings as if the two clips of every battle were equal in all covariates."""
    effects: tuple[Effect, ...]

    def shift(self, system: str) -> float:
        """Controlled minus plain rating, in Elo: negative where the covariates flattered the system."""
        return self.controlled.rating(system).value - self.plain.rating(system).value


def controlled(
    votes: Tally,
    covariates: Mapping[str, Reals],
    *,
    estimator: str = DEFAULT_ESTIMATOR,
    interval: IntervalMethod | str = IntervalMethod.TWO_WAY_JACKKNIFE,
    confidence: float = 0.95,
    anchor: float = 1000.0,
) -> Controlled:
    """Rate `votes` with and without `covariates`, each of shape (votes,), left minus right, in any unit.

    A yes-or-no property is 1, 0 or -1: left only, both or neither, right only. Raises RatingError without a
    covariate, for one that does not fit the votes, never varies or cannot be told from strength, and as
    `estimate` does.
    """
    if not covariates:
        raise RatingError("No covariate was given, so there is nothing to control for. Name at least one.")
    rated = partial(
        estimate, votes, estimator=estimator, interval=interval, confidence=confidence, anchor=anchor
    )
    (plain, _), (joint, _) = rated(), rated(covariates=covariates)
    effects = []
    for name, values in covariates.items():
        spread = float(np.sqrt(np.mean(np.asarray(values, dtype=float) ** 2)))
        logit = joint.effect(name)
        effects.append(
            Effect(name, logit.scaled(ELO_PER_LOGIT), logit.scaled(ELO_PER_LOGIT * spread), spread)
        )
    return Controlled(plain, joint, tuple(effects))

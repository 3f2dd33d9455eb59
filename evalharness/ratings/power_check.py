"""The power of a planned study, found by running it on simulated voters.

The plan's formula rests on large-sample theory; this draws whole boards as the plan describes them, finds
the intervals that the board would publish, and counts how often they show what the study is to show.

A plan speaks of gaps and spreads as a fit shows them, which are a little smaller than those felt (see
`long_run`); strengths and spreads are enlarged until the long run is what was planned.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.fitting import estimate
from evalharness.ratings.long_run import long_run
from evalharness.ratings.newton import Reals
from evalharness.ratings.planning import Aim, Crowd, Design
from evalharness.ratings.simulate import simulate

__all__ = ["simulated_power"]

_ROUNDS = 20


def simulated_power(
    design: Design, aim: Aim, crowd: Crowd, *, systems: int = 2, boards: int = 200, seed: int = 1
) -> float:
    """Share of simulated boards, from 0 to 1, whose interval shows what the aim wants shown.

    The first two systems lie the gap apart, the others halfway between them. Standard error about
    sqrt(power (1 - power) / boards).
    """
    strengths, voter_spread, prompt_spread, tie = _felt(aim, crowd, systems)
    confidence = 1.0 - 2.0 * aim.tail
    shown = 0
    for board in range(boards):
        votes = simulate(
            strengths,
            votes=design.votes,
            seed=seed + board,
            voters=design.voters,
            prompts=design.prompts,
            voter_spread=voter_spread,
            prompt_spread=prompt_spread,
            tie=tie,
            activity=_activity(design.voters, crowd.voter_evenness),
        )
        found, _ = estimate(votes, confidence=confidence)
        lead = found.difference(votes.systems[0], votes.systems[1])
        shown += lead.low > -(aim.margin_elo or 0.0)
    return shown / boards


def _felt(aim: Aim, crowd: Crowd, systems: int) -> tuple[Reals, float, float, float]:
    """Strengths, spreads of voters and prompts, and tie parameter that fit the plan in the long run."""
    gap = (abs(aim.gap_elo) if aim.margin_elo is None else aim.gap_elo) / ELO_PER_LOGIT
    voter_sd, prompt_sd = (sd / ELO_PER_LOGIT / np.sqrt(2.0) for sd in (crowd.voter_sd, crowd.prompt_sd))
    tie = 2.0 * crowd.tie_share / (1.0 - crowd.tie_share)
    apart = np.zeros(systems)
    apart[:2] = 0.5, -0.5
    enlarged = 1.0
    for _ in range(_ROUNDS):
        spread = {"voter_spread": enlarged * voter_sd, "prompt_spread": enlarged * prompt_sd}
        seen = long_run(0.1 * apart, tie=tie, **spread)
        enlarged *= 0.1 / (enlarged * (seen[0] - seen[1]))
    return enlarged * gap * apart, enlarged * voter_sd, enlarged * prompt_sd, tie


def _activity(voters: int, evenness: float) -> float:
    """The exponent at which voters are as uneven as wanted; the nearest possible for few voters."""

    def excess(exponent: float) -> float:
        share = np.arange(1, voters + 1, dtype=float) ** -exponent
        return float(share.sum() ** 2 / (voters * (share**2).sum()) - evenness)

    if excess(0.0) <= 1e-12:
        return 0.0
    return 4.0 if excess(4.0) > 0.0 else float(brentq(excess, 0.0, 4.0))

"""Evidence that a level moved at an unknown time: experts who stake on innovations.

An expert believes that the level moved by `step` when its `start`-th vote came, and stakes on that:

    W <- W (1 + stake z),   stake = step (A_start / A_now) / spread,   |stake z| <= 1/2

z being the vote's innovation, `spread` the standard error of its prediction and A the precision of the level,
so that A_start / A_now is the part of the past that is from before the move: it fades as new votes join.
While the level stands, z has mean 0 and no expert's wealth is expected to grow.

The evidence is the wealth of all experts, each weighted before the first vote: steps up and down of STEPS;
starts every RESTART votes, the k-th (from 0) with weight c / ((k + c) (k + c + 1)), which sum to 1 over
an endless run. It is a mixture of test martingales over start times, so while the level stands, the
chance that it ever reaches e is at most 1 / e (Ville 1939). Betting: Waudby-Smith & Ramdas 2024. Restarts:
Shin, Ramdas & Rinaldo 2024, with prior weights in place of their sum, so that the chance of an alarm over
the whole run is bounded and not only how often alarms come.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.innovations import Innovations
from evalharness.ratings.newton import Reals
from evalharness.ratings.tally import Codes

__all__ = ["RESTART", "STEPS", "Experts", "Favourite"]

STEPS = {20.0: 0.2, 55.0: 0.8}
"""Elo by which experts believe the level moved, with the weight of each; half of it up, half down."""
RESTART = 200
"""Votes from one start to the next."""
START_SCALE = 15
"""The c of the start weights: the first c starts share half of the weight."""
ESTRANGED = 3.0
"""A voter whose own past lies this many standard errors from the level is not staked on."""

_PIECE = 1_000
"""Votes taken at a time, so that a hundred thousand votes about a system need little memory."""

_STEP = np.array([sign * elo / ELO_PER_LOGIT for elo in STEPS for sign in (1, -1)])
_STEP_WEIGHT = np.log([weight / 2 for weight in STEPS.values() for _ in (1, -1)])


@dataclass(frozen=True, slots=True)
class Favourite:
    """The expert with the most weighted wealth: a rough guess of what happened, and when."""

    start: int
    """Row of the vote at which it started."""
    upward: bool


@dataclass(frozen=True, slots=True, eq=False)
class Experts:
    """All who stake on one system. `bet` returns new ones; nothing is changed in place."""

    votes: int = 0
    """Votes staked on so far."""
    start: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Shape (starts,): row of the vote at which each start's experts began."""
    precision: Reals = field(default_factory=lambda: np.zeros(0))
    """Shape (starts,): precision of the level then."""
    log_wealth: Reals = field(default_factory=lambda: np.zeros((0, len(_STEP))))
    """Shape (starts, steps)."""

    def bet(self, new: Innovations, rows: Codes, tolerance: float) -> tuple[Experts, Reals]:
        """Stake on these votes, at `rows` of the tally: the experts after, and the log evidence after each.

        Moves of up to `tolerance` (logits) are granted: z is taken as if the level had moved by that much in
        the direction staked on.
        """
        experts, path = self, []
        for at in range(0, len(rows), _PIECE):
            piece = slice(at, at + _PIECE)
            experts, evidence = experts._bet_at_once(new.part(piece), rows[piece], tolerance)
            path.append(evidence)
        return experts, np.concatenate([np.zeros(0), *path])

    def _bet_at_once(self, new: Innovations, rows: Codes, tolerance: float) -> tuple[Experts, Reals]:
        started = np.arange(-self.votes % RESTART, len(rows), RESTART)
        begin = np.concatenate([np.zeros(len(self.start), dtype=np.int64), started])
        start = np.concatenate([self.start, rows[started]])
        precision = np.concatenate([self.precision, new.precision[started]])
        begun = np.arange(len(rows))[:, None] >= begin

        trust = np.minimum(precision / new.precision[:, None], 1.0) / new.spread[:, None]
        trust[~begun | (new.estranged[:, None] > ESTRANGED)] = 0.0
        margin = tolerance / new.spread
        most = 0.5 / np.maximum(np.stack([margin - new.worst, margin + new.best]), 0.5)
        stake = np.clip(trust[:, :, None] * _STEP, -most[1][:, None, None], most[0][:, None, None])
        gain = stake * new.z[:, None, None] - np.abs(stake) * margin[:, None, None]
        wealth = np.cumsum(np.log1p(gain), axis=0)
        wealth[:, : len(self.start)] += self.log_wealth

        place = np.arange(len(start), dtype=float) + START_SCALE
        weight = np.log(START_SCALE / (place * (place + 1.0)))[:, None] + _STEP_WEIGHT
        unspent = np.log(START_SCALE / (begun.sum(axis=1) + START_SCALE))
        active = np.where(begun[:, :, None], wealth + weight, -np.inf).reshape(len(rows), -1)
        evidence = np.logaddexp(np.logaddexp.reduce(active, axis=1), unspent)
        return Experts(self.votes + len(rows), start, precision, wealth[-1]), evidence

    @property
    def favourite(self) -> Favourite:
        """Who is richest; there must have been a bet."""
        place = np.arange(len(self.start), dtype=float) + START_SCALE
        weighted = self.log_wealth + _STEP_WEIGHT - np.log(place * (place + 1.0))[:, None]
        start, step = divmod(int(weighted.argmax()), len(_STEP))
        return Favourite(int(self.start[start]), bool(_STEP[step] > 0))

"""Ratings in which a voter who answers at random counts for little: a sensitivity check, never the headline.

Voter v sees every gap through a discrimination a_v (Crowd-BT: Chen et al. 2013; am-ELO: Liu et al. 2025):

    P(left) : P(right) : P(tie) = exp(d/2) : exp(-d/2) : nu,  d = a_v (left - right) + order effect

a = 1 is the attentive voter, 0 one who answers at random, -1 one who answers the reverse of the question.
Voters are held to come from these three groups: attentive with a ~ N(1, 0.3^2), at random with a = 0,
contrary with a = -1; how large the groups are is estimated. A normal prior rather than a log-normal one,
since a log-normal a is never negative and a contrary voter would go unseen. Fixing the attentive group's
mean at 1 sets the scale: strengths are those an attentive voter would show, not an average with clickers.

The likelihood is marginal in a (the attentive normal by three-point Gauss-Hermite quadrature) and
maximised by EM with one Newton step on strengths, order effect and tie parameter a round. Maximising
over each a_v instead would use a voter's votes twice, for the strengths and for believing the voter, and
does not stop: voters who happen to agree would count ever more.

It repairs noise, not rigging: someone who favours one system is attentive enough elsewhere. For that see
`evalharness.ratings.suspicion`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from evalharness.ratings.davidson import davidson
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.maximum import PRIOR_BATTLES
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.predicted_votes import ATTENTIVE_SPREAD, require_crowd, sides_tell
from evalharness.ratings.tally import TIE, Codes, Tally

__all__ = ["DiscriminationBoard", "VoterGroup", "discrimination_board"]

_REACH = ATTENTIVE_SPREAD * 3.0**0.5
_NODES = np.array([-1.0, 0.0, 1.0 - _REACH, 1.0, 1.0 + _REACH])
"""Discriminations at which each voter's votes are weighed."""
_GROUP = np.array([2, 1, 0, 0, 0])
"""Group of each node: 0 attentive, 1 at random, 2 contrary."""
_WITHIN = np.array([1.0, 1.0, 1 / 6, 2 / 3, 1 / 6])
"""Share of each node in its group."""
_VIRTUAL_VOTERS = np.array([9.0, 0.9, 0.1])
"""Prior on the sizes of the groups: as if so many voters of each had been seen. It never grows."""
_OWN_PRIOR_SPREAD = 1.0
"""Standard deviation of the prior N(1, 1) behind a voter's own discrimination and interval."""

_NORMAL_95 = 1.959964
_ROUNDS = 300
_OWN_ROUNDS = 50
_STILL = 3e-4
"""Logits (0.05 Elo): a round in which no parameter, and no group's share, moves by more ends the fit."""
_BLOCK = 1 << 15
"""Votes worked on at a time, so that the arrays of a block stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class VoterGroup:
    """How large one group of voters is found to be, and each voter's chance to belong to it."""

    name: str
    share: float
    """Of all voters, in [0, 1]."""
    chance: Reals
    """Shape (voters,): posterior probability that the voter belongs to it."""


@dataclass(frozen=True, slots=True, eq=False)
class DiscriminationBoard:
    """Strengths with each voter's votes weighed by how well they discriminate, beside the plain ones."""

    plain: Fit
    """Davidson's model with every voter alike."""
    strengths: Reals
    """Shape (systems,), in logits, summing to zero, on the scale of an attentive voter."""
    order_effect: float | None
    log_tie: float | None
    voters: tuple[str, ...]
    votes: Codes
    """Shape (voters,): how many votes each cast."""
    discrimination: Reals
    """Shape (voters,): each voter's own slope on these strengths, with a prior N(1, 1)."""
    low: Reals
    """Shape (voters,): 95 % interval of the same, taking the strengths for known."""
    high: Reals
    groups: tuple[VoterGroup, VoterGroup, VoterGroup]
    """Attentive, at random, contrary."""
    iterations: int
    converged: bool

    @property
    def stretch(self) -> float:
        """How much wider these strengths spread than the plain ones (least squares through zero)."""
        base = self.plain.strengths
        return float(base @ self.strengths / (base @ base))

    @property
    def moves(self) -> Reals:
        """Shape (systems,): rating here minus stretched plain rating, in Elo: what is not mere scale."""
        moved: Reals = (self.strengths - self.stretch * self.plain.strengths) * ELO_PER_LOGIT
        return moved

    def ratings(self, anchor: float = 1000.0) -> dict[str, float]:
        """Elo-scale rating by system."""
        return {
            system: anchor + ELO_PER_LOGIT * float(strength)
            for system, strength in zip(self.plain.systems, self.strengths, strict=True)
        }

    @property
    def contrary(self) -> tuple[str, ...]:
        """Voters with a chance of at least 0.95 to be answering the reverse of the question."""
        return tuple(self.voters[code] for code in np.flatnonzero(self.groups[2].chance >= 0.95))


def discrimination_board(votes: Tally) -> DiscriminationBoard:
    """Fit strengths and voter groups together.

    Raises RatingError or DisconnectedError as `davidson` does, and RatingError for a single voter, or where
    it was not recorded who voted: how well a voter discriminates can only be said against others.
    """
    require_crowd(votes, "how well a voter discriminates")
    plain = davidson(votes, order_effect=sides_tell(votes))
    return _Mixture(votes, plain).board()


class _Mixture:
    """EM over the three groups; strengths, order effect and tie parameter move by one Newton step a round."""

    def __init__(self, votes: Tally, plain: Fit) -> None:
        self.votes, self.plain = votes, plain
        self.size, self.crowd = len(votes.systems), len(votes.voters)
        self.has_order, self.has_tie = plain.order_effect is not None, plain.log_tie is not None
        self.strengths = plain.strengths.copy()
        self.order = plain.order_effect or 0.0
        self.log_tie = -np.inf if plain.log_tie is None else plain.log_tie
        self.direction = np.array([1.0, -1.0, 0.0, 0.0])[votes.outcome]
        self.tied = votes.outcome >= TIE

    def board(self) -> DiscriminationBoard:
        """Rounds until nothing moves, then each voter's own slope."""
        share = _VIRTUAL_VOTERS / _VIRTUAL_VOTERS.sum()
        rounds, converged = 0, False
        while not converged and rounds < _ROUNDS:
            chance = self._chances(share)
            counted = np.bincount(_GROUP, chance.sum(axis=1)) + _VIRTUAL_VOTERS
            regrouped = counted / counted.sum()
            moved = self._newton(chance)
            converged = max(moved, float(np.abs(regrouped - share).max())) < _STILL
            share = regrouped
            rounds += 1
        chance = self._chances(share)
        attentive, random, contrary = (
            VoterGroup(name, float(share[group]), chance[group == _GROUP].sum(axis=0))
            for group, name in enumerate(("attentive", "at random", "contrary"))
        )
        own, error = self._own_slopes()
        return DiscriminationBoard(
            plain=self.plain,
            strengths=self.strengths - self.strengths.mean(),
            order_effect=self.order if self.has_order else None,
            log_tie=float(self.log_tie) if self.has_tie else None,
            voters=self.votes.voters,
            votes=np.bincount(self.votes.voter, minlength=self.crowd),
            discrimination=own,
            low=own - _NORMAL_95 * error,
            high=own + _NORMAL_95 * error,
            groups=(attentive, random, contrary),
            iterations=rounds,
            converged=converged,
        )

    def _gaps(self, rows: slice) -> Reals:
        gaps: Reals = self.strengths[self.votes.left[rows]] - self.strengths[self.votes.right[rows]]
        return gaps

    def _odds(self, gap: Reals) -> tuple[Reals, Reals, Reals]:
        """exp(d/2), exp(-d/2) and their sum with nu."""
        left = np.exp(0.5 * gap)
        right = 1.0 / left
        return left, right, left + right + np.exp(self.log_tie)

    def _chances(self, share: Reals) -> Reals:
        """Shape (nodes, voters): posterior probability of each discrimination."""
        log_likelihood = np.zeros((len(_NODES), self.crowd))
        for rows in _blocks(self.votes.votes):
            gap, voter = self._gaps(rows), self.votes.voter[rows]
            for node, discrimination in enumerate(_NODES):
                seen = discrimination * gap + self.order
                told = 0.5 * self.direction[rows] * seen - np.log(self._odds(seen)[2])
                log_likelihood[node] += np.bincount(voter, told, self.crowd)
        weight: Reals = log_likelihood + np.log(share[_GROUP] * _WITHIN)[:, None]
        weight -= weight.max(axis=0)
        np.exp(weight, out=weight)
        weight /= weight.sum(axis=0)
        return weight

    def _newton(self, chance: Reals) -> float:
        """One step on all parameters under these chances; how far strengths and the rest moved, at most."""
        size = self.size
        free = size + self.has_order + self.has_tie
        gradient, information = np.zeros(size + 2), np.zeros((size + 2, size + 2))
        between = np.zeros(size * size)
        for rows in _blocks(self.votes.votes):
            left, right = self.votes.left[rows], self.votes.right[rows]
            pull, stiff, slope_order, slope_tie = (np.zeros(len(left)) for _ in range(4))
            for node, discrimination in enumerate(_NODES):
                up, down, total = self._odds(discrimination * self._gaps(rows) + self.order)
                believed = chance[node, self.votes.voter[rows]]
                lead, tie = (up - down) / total, np.exp(self.log_tie) / total
                score = believed * 0.5 * (self.direction[rows] - lead)
                curve = believed * 0.25 * (1.0 - tie - lead**2)
                bend = believed * -0.5 * lead * tie
                pull += discrimination * score
                stiff += discrimination**2 * curve
                slope_order += discrimination * curve
                slope_tie += discrimination * bend
                gradient[size:] += score.sum(), believed @ (self.tied[rows] - tie)
                information[size, size] += curve.sum()
                information[size, -1] += bend.sum()
                information[-1, -1] += believed @ (tie * (1.0 - tie))
            between += np.bincount(left * size + right, stiff, size * size)
            gradient[:size] += np.bincount(left, pull, size) - np.bincount(right, pull, size)
            for place, value in ((size, slope_order), (size + 1, slope_tie)):
                information[:size, place] += np.bincount(left, value, size) - np.bincount(right, value, size)
        met = between.reshape(size, size)
        information[:size, :size] = np.diag(met.sum(axis=0) + met.sum(axis=1)) - met - met.T
        information = np.triu(information) + np.triu(information, 1).T
        held = np.append(self.strengths, self.order)
        gradient[:-1] += PRIOR_BATTLES * (0.5 - expit(held))
        information[np.arange(size + 1), np.arange(size + 1)] += PRIOR_BATTLES * expit(held) * expit(-held)
        kept = np.r_[:size, [size] * self.has_order, [size + 1] * self.has_tie].astype(int)
        step = np.zeros(size + 2)
        step[kept] = np.linalg.solve(information[np.ix_(kept, kept)], gradient[kept])
        self.strengths = self.strengths + step[:size]
        self.order += float(step[size])
        self.log_tie += float(step[-1])
        return float(np.abs(step[:free]).max())

    def _own_slopes(self) -> tuple[Reals, Reals]:
        """Each voter's discrimination given the strengths, prior N(1, 1), and its standard error."""
        own, precision = np.ones(self.crowd), np.ones(self.crowd)
        prior = 1.0 / _OWN_PRIOR_SPREAD**2
        for _ in range(_OWN_ROUNDS):
            score, precision = prior * (1.0 - own), np.full(self.crowd, prior)
            for rows in _blocks(self.votes.votes):
                gap, voter = self._gaps(rows), self.votes.voter[rows]
                up, down, total = self._odds(own[voter] * gap + self.order)
                lead = (up - down) / total
                curve = 0.25 * ((up + down) / total - lead**2)
                score += np.bincount(voter, 0.5 * (self.direction[rows] - lead) * gap, self.crowd)
                precision += np.bincount(voter, curve * gap**2, self.crowd)
            step = np.clip(score / precision, -1.0, 1.0)
            own = own + step
            if np.abs(step).max() < 1e-6:
                break
        return own, precision**-0.5


def _blocks(votes: int) -> Iterator[slice]:
    for start in range(0, votes, _BLOCK):
        yield slice(start, min(start + _BLOCK, votes))

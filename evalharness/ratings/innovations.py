"""What a vote adds to all that was known before it: innovations of one system's strength.

At a fit to the past, vote i about a system has a score s_i and an information I_i for that system's strength;
s_i / I_i estimates how far the strength lies from the fitted one, with variance 1 / I_i. Voter v adds a taste
of their own, constant over time, of variance tau^2 over voters. Nothing is taken as known about the
level m around which the tastes lie. The best linear prediction of the next vote, by voter v, from the past is

    m^ = sum_u q_u S_u / sum_u q_u I_u,  q_u = 1 / (1 + tau^2 I_u)      over voters u so far,
    p  = q_v m^ + tau^2 q_v S_v,         with variance  V = tau^2 q_v + q_v^2 / sum_u q_u I_u + 1 / I_i,

S_u and I_u being a voter's summed scores and information before this vote (best linear unbiased prediction,
Henderson 1975). The innovation z_i = (s_i / I_i - p) / sqrt(V) has mean 0 and variance 1 while the level
stands still, and innovations are uncorrelated whatever the level is and whoever votes when: the
error of the past rating is part of V, and a voter is compared with their own past first. They are the
recursive residuals of Brown, Durbin & Evans (1975), with voters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.tally import LEFT, RIGHT, Codes, Tally

__all__ = ["Innovations", "Responses", "innovations", "responses", "voter_variance"]


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """Votes about one system, in time order, seen from a fit to the past."""

    rows: Codes
    """Shape (votes,): rows of the tally."""
    voter: Codes
    score: Reals
    """Derivative of each vote's log-likelihood to the system's strength, in 1 / logit."""
    information: Reals
    """Expected information about that strength, in 1 / logit^2, positive."""
    win: Reals
    """The score that a win of the system would have had; with `loss` the range of the score."""
    loss: Reals

    def between(self, start: int, end: int) -> Responses:
        """Those at rows from `start` to before `end`."""
        first, last = np.searchsorted(self.rows, [start, end])
        own = slice(int(first), int(last))
        return Responses(
            rows=self.rows[own],
            voter=self.voter[own],
            score=self.score[own],
            information=self.information[own],
            win=self.win[own],
            loss=self.loss[own],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Innovations:
    """One entry a vote, shape (votes,), each known before the vote except `z`."""

    z: Reals
    """Standardised innovation, positive where the system did better than its past says."""
    spread: Reals
    """Standard error of the prediction, in logits: a shift of the level by d moves z by d / spread."""
    worst: Reals
    """z if the system loses this vote."""
    best: Reals
    """z if it wins."""
    precision: Reals
    """Precision of the level before this vote, in 1 / logit^2."""
    estranged: Reals
    """How many standard errors this voter's own past lies from the level; 0 for a newcomer."""

    def part(self, own: slice) -> Innovations:
        """Those of some votes in a row."""
        return Innovations(
            z=self.z[own],
            spread=self.spread[own],
            worst=self.worst[own],
            best=self.best[own],
            precision=self.precision[own],
            estranged=self.estranged[own],
        )


def responses(fit: Fit, votes: Tally, rows: Codes, system: int) -> Responses:
    """The votes among `rows` (ascending) that `system`, a place in `votes.systems`, took part in.

    `fit` is a Davidson fit over systems that include everyone met in `rows`, by name.
    """
    own = rows[(votes.left[rows] == system) | (votes.right[rows] == system)]
    place = np.full(len(votes.systems), -1)
    place[[votes.systems.index(name) for name in fit.systems]] = np.arange(len(fit.systems))
    gap = fit.strengths[place[votes.left[own]]] - fit.strengths[place[votes.right[own]]]
    gap += fit.order_effect or 0.0
    tie = 0.0 if fit.log_tie is None else float(np.exp(fit.log_tie))
    total = np.exp(gap / 2) + np.exp(-gap / 2) + tie
    lead, decisive = 2 * np.sinh(gap / 2) / total, 2 * np.cosh(gap / 2) / total
    # (decisive - lead^2) / 4, written so that nothing cancels where one side is sure to win
    information = 1 / total**2 + 0.25 * decisive * tie / total
    said = (votes.outcome[own] == LEFT).astype(float) - (votes.outcome[own] == RIGHT)
    side = np.where(votes.left[own] == system, 1.0, -1.0)
    return Responses(
        rows=own,
        voter=votes.voter[own],
        score=0.5 * side * (said - lead),
        information=information,
        win=0.5 * (1.0 - side * lead),
        loss=0.5 * (-1.0 - side * lead),
    )


def voter_variance(seen: list[Responses]) -> float:
    """tau^2: how much voters differ about a system beyond chance, in squared logits; may be negative.

    From pairs of votes by one voter about one system, whose scores have the expected product
    tau^2 I_i I_j (method of moments), summed over systems.
    """
    products, informations = 0.0, 0.0
    for votes in seen:
        score = np.bincount(votes.voter, votes.score)
        information = np.bincount(votes.voter, votes.information)
        products += float((score**2).sum() - (votes.score**2).sum())
        informations += float((information**2).sum() - (votes.information**2).sum())
    return products / informations if informations > 0 else 0.0


def innovations(past: Responses, new: Responses, voters: int, tau2: float) -> Innovations:
    """Innovations of the votes `new`, each predicted from `past` (not empty) and from those before it.

    `voters` is the number of voter codes; `tau2` the variance of their tastes, in squared logits.
    """
    known: Reals = np.bincount(past.voter, past.information, voters).astype(float)
    said: Reals = np.bincount(past.voter, past.score, voters).astype(float)
    discount = 1.0 / (1.0 + tau2 * known)
    own_information = _before(new.voter, new.information, known)
    own_score = _before(new.voter, new.score, said)
    before = 1.0 / (1.0 + tau2 * own_information)
    after = 1.0 / (1.0 + tau2 * (own_information + new.information))
    precision = float(discount @ known) + _running(
        after * (own_information + new.information) - before * own_information
    )
    weighted = float(discount @ said) + _running(after * (own_score + new.score) - before * own_score)
    level = weighted / precision
    predicted = before * level + tau2 * before * own_score
    spread = np.sqrt(tau2 * before + before**2 / precision + 1.0 / new.information)

    def standardised(score: Reals) -> Reals:
        z: Reals = (score / new.information - predicted) / spread
        return z

    return Innovations(
        z=standardised(new.score),
        spread=spread,
        worst=standardised(new.loss),
        best=standardised(new.win),
        precision=precision,
        estranged=np.abs(own_score - own_information * level)
        * np.sqrt(before / np.maximum(own_information, 1e-12)),
    )


def _running(change: Reals) -> Reals:
    """Sum of all entries before each."""
    total: Reals = np.cumsum(change) - change
    return total


def _before(voter: Codes, value: Reals, start: Reals) -> Reals:
    """Each voter's sum before each vote: `start` (by voter code) plus the voter's earlier entries."""
    order = np.argsort(voter, kind="stable")
    total = _running(value[order])
    first = np.flatnonzero(np.diff(voter[order], prepend=-1))
    total -= np.repeat(total[first], np.diff(np.append(first, len(voter))))
    sums = np.empty_like(value)
    sums[order] = total
    sums += start[voter]
    return sums

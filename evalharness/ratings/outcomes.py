"""How three predictors turn into the chances of left, right, tie and both bad.

Every pair model here speaks through the same three predictors of a battle:

    gap     left strength minus right strength, plus order effect and covariates
    tie     log weight of a tie, beside exp(gap / 2) and exp(-gap / 2) for the sides
    bad     log weight of both bad

A model says how likely each outcome is, given them, with first derivatives (the score) and the expected
second ones (the information). A predictor at minus infinity stands for an outcome that never came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, log_expit

from evalharness.ratings.cells import Reals

__all__ = ["BAD", "GAP", "LEVEL", "Chances", "FourWay", "HalfWins", "OutcomeModel", "TiesApart"]

GAP, LEVEL, BAD = range(3)
"""Places of the predictors: gap, log weight of a tie, log weight of both bad."""


@dataclass(frozen=True, slots=True, eq=False)
class Chances:
    """A model at given predictors, one column a cell."""

    log_likelihood: Reals
    """Shape (4, cells): of one vote of each outcome."""
    score: Reals
    """Shape (predictors, 4, cells): derivative of the log-likelihood to each predictor."""
    information: Reals
    """Shape (predictors, predictors, cells): of one vote; it does not depend on the outcome."""


class OutcomeModel(Protocol):
    """A likelihood of the four outcomes."""

    name: str
    predictors: int
    """How many of gap, tie and bad the model uses, in this order."""

    def chances(self, predictors: Reals) -> Chances:
        """Likelihood and derivatives at `predictors`, shape (3, cells)."""

    def expected_score(self, predictors: Reals) -> Reals:
        """Shape (cells,): chance that the left side wins plus half that of a draw of either kind."""


class HalfWins:
    """Bradley-Terry: a logistic in the gap; a tie or a both-bad is half a win for either side."""

    name = "bradley_terry"
    predictors = 1

    def chances(self, predictors: Reals) -> Chances:
        """As `OutcomeModel.chances`; the likelihood of a draw is the root of that of a win and a loss."""
        gap = predictors[GAP]
        left, right = expit(gap), expit(-gap)
        log_left, log_right = log_expit(gap), log_expit(-gap)
        log_draw, pull_draw = 0.5 * (log_left + log_right), 0.5 - left
        return Chances(
            np.stack([log_left, log_right, log_draw, log_draw]),
            np.stack([right, -left, pull_draw, pull_draw])[None],
            (left * right)[None, None],
        )

    def expected_score(self, predictors: Reals) -> Reals:
        """As `OutcomeModel.expected_score`."""
        score: Reals = expit(predictors[GAP])
        return score


class FourWay:
    """Left, right, tie and both bad, each with a weight of its own."""

    name = "four_way"
    predictors = 3

    def chances(self, predictors: Reals) -> Chances:
        """As `OutcomeModel.chances`: a multinomial logit."""
        share, log_share = _shares(predictors)
        lead = share[0] - share[1]
        score = np.empty((3, 4, share.shape[1]))
        score[GAP] = 0.5 * (np.array([1.0, -1.0, 0.0, 0.0])[:, None] - lead)
        score[LEVEL] = np.array([0.0, 0.0, 1.0, 0.0])[:, None] - share[2]
        score[BAD] = np.array([0.0, 0.0, 0.0, 1.0])[:, None] - share[3]
        information = np.empty((3, 3, share.shape[1]))
        information[GAP, GAP] = 0.25 * (share[0] + share[1] - lead**2)
        information[LEVEL, LEVEL] = share[2] * (1.0 - share[2])
        information[BAD, BAD] = share[3] * (1.0 - share[3])
        information[GAP, LEVEL] = information[LEVEL, GAP] = -0.5 * lead * share[2]
        information[GAP, BAD] = information[BAD, GAP] = -0.5 * lead * share[3]
        information[LEVEL, BAD] = information[BAD, LEVEL] = -share[2] * share[3]
        return Chances(log_share, score, information)

    def expected_score(self, predictors: Reals) -> Reals:
        """As `OutcomeModel.expected_score`."""
        share, _ = _shares(predictors)
        score: Reals = share[0] + 0.5 * (share[2] + share[3])
        return score


class TiesApart:
    """Davidson: left, right and tie; a both-bad counts as a tie."""

    name = "davidson"
    predictors = 2

    def chances(self, predictors: Reals) -> Chances:
        """As `OutcomeModel.chances`: the four-way model without both bad."""
        found = FourWay().chances(_without_bad(predictors))
        outcome = [0, 1, 2, 2]
        return Chances(
            found.log_likelihood[outcome], found.score[:BAD][:, outcome], found.information[:BAD, :BAD]
        )

    def expected_score(self, predictors: Reals) -> Reals:
        """As `OutcomeModel.expected_score`."""
        return FourWay().expected_score(_without_bad(predictors))


def _without_bad(predictors: Reals) -> Reals:
    return np.stack([predictors[GAP], predictors[LEVEL], np.full_like(predictors[GAP], -np.inf)])


def _shares(predictors: Reals) -> tuple[Reals, Reals]:
    """Shapes (4, cells): the chances and their logarithms."""
    gap, tie, bad = predictors
    weight = np.stack([gap / 2.0, -gap / 2.0, tie, bad])
    log_share = weight - np.logaddexp.reduce(weight, axis=0)
    return np.exp(log_share), log_share

"""What a fit to simulated votes converges to with ever more votes, voters and prompts.

Voters' and prompts' own effects average out of the strengths, but not out of the answers: a gap felt now
wider, now narrower, gives answers nearer to even than its mean would, so the strengths fitted to very many
votes lie closer together than those put in. That long-run value, not the strength put in, is what an
interval for "other voters and other prompts" has to cover. It is found without sampling, in two steps:

    share_ij(o) = E P(o | s_i + e, s_j + e')     e, e' independent normal, variance voter_spread^2 +
                                                 prompt_spread^2: Gauss-Hermite quadrature
    theta       = argmax sum_ij chance_ij sum_o share_ij(o) log P_theta(o | i, j)       by Newton's method

the point of the model closest to the truth in the sense of Kullback and Leibler, to which maximum likelihood
converges whether or not the model holds (White 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from evalharness.errors import RatingError
from evalharness.ratings.newton import Reals
from evalharness.ratings.simulate import Habits, checked_strengths, pair_chances, require_number
from evalharness.ratings.tally import LEFT, RIGHT

__all__ = ["expected_shares", "long_run"]

_NODES = 32
"""Quadrature points for each felt strength: shares exact to 1e-9 up to a spread of 1.5 logits."""
_STEPS = 60


def long_run(
    strengths: Sequence[float] | Reals,
    *,
    voter_spread: float = 0.0,
    prompt_spread: float = 0.0,
    tie: float = 0.7,
    both_bad: float = 0.0,
    tie_slope: float = 0.0,
    bad_slope: float = 0.3,
    order_effect: float = 0.0,
    exposure: Sequence[float] | Reals | None = None,
    estimator: Literal["davidson", "bradley_terry"] = "davidson",
    fit_order_effect: bool = True,
) -> Reals:
    """Strengths, in logits and summing to zero, that the estimator finds in ever more simulated votes.

    The arguments are those of `simulate`; clickers and shills are left out, so this is the value that
    honest voters give. Both-bad counts as a tie, as in the estimators. Raises RatingError for arguments
    that `simulate` would refuse.
    """
    truth = checked_strengths(strengths)
    for name, spread in {"voter_spread": voter_spread, "prompt_spread": prompt_spread}.items():
        require_number(spread, name, least=0.0)
    habits = Habits(tie, both_bad, tie_slope, bad_slope, order_effect)
    if estimator not in ("davidson", "bradley_terry"):
        raise RatingError(
            f"The long run is known for the estimators davidson and bradley_terry; asked was {estimator!r}."
        )
    shares = expected_shares(truth, habits, np.hypot(voter_spread, prompt_spread))
    left, right = shares[LEFT], shares[RIGHT]
    chance = pair_chances(len(truth), exposure)
    met = chance.sum(axis=0) > 0
    if not met.all():
        raise RatingError("A system that is never shown has no long run; give every system some exposure.")
    population = _Population(chance, left, right, estimator == "davidson", fit_order_effect)
    return population.closest_strengths()


def expected_shares(truth: Reals, habits: Habits, spread: float) -> Reals:
    """Shape (4, systems, systems): chance of each outcome for each ordered pair, over voters and prompts.

    `spread` is the standard deviation of what voter and prompt together add to one system's strength.
    """
    if spread == 0.0:
        return habits.shares(truth[:, None], truth[None, :])
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights /= weights.sum()
    shares = np.zeros((4, len(truth), len(truth)))
    for on_left, weight in zip(nodes * spread, weights, strict=True):
        for on_right, other in zip(nodes * spread, weights, strict=True):
            shares += weight * other * habits.shares(truth[:, None] + on_left, truth[None, :] + on_right)
    return shares


@dataclass(frozen=True, slots=True)
class _Population:
    """Expected answers, and the model of the chosen family that is closest to them."""

    chance: Reals
    """Shape (systems, systems): how often each ordered pair meets."""
    left: Reals
    """Shape (systems, systems): how often its left side wins."""
    right: Reals
    davidson: bool
    order: bool

    def closest_strengths(self) -> Reals:
        """Newton's method; parameters are strengths, order effect and (Davidson) log tie parameter."""
        size = len(self.chance)
        tied = float((self.chance * (1.0 - self.left - self.right)).sum())
        ties = self.davidson and tied > 1e-12
        theta = np.zeros(size + 2)
        theta[-1] = np.log(2.0 * tied / (1.0 - tied)) if ties else -np.inf
        free = np.append(np.ones(size, dtype=bool), [self.order, ties])
        for _ in range(_STEPS):
            gradient, information = self._derivatives(theta)
            information[:size, :size] += 1.0 / size  # the gauge: strengths sum to zero
            step = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
            theta[free] += step / max(1.0, 0.5 * np.abs(step).max())
            if np.abs(step).max() < 1e-11:
                break
        strengths: Reals = theta[:size] - theta[:size].mean()
        return strengths

    def _derivatives(self, theta: Reals) -> tuple[Reals, Reals]:
        """Gradient and information of the expected log-likelihood a vote."""
        size = len(self.chance)
        gap = theta[:size, None] - theta[None, :size] + theta[size]
        if self.davidson:
            weight = np.exp(np.stack([0.5 * gap, -0.5 * gap, np.full_like(gap, theta[-1])]))
            wins, losses, ties = weight / weight.sum(axis=0)
            lead = wins - losses
            pull = 0.5 * self.chance * (self.left - self.right - lead)
            pull_tie = self.chance * (1.0 - self.left - self.right - ties)
            curve = 0.25 * self.chance * (wins + losses - lead**2)
            cross, curve_tie = -0.5 * self.chance * lead * ties, self.chance * ties * (1.0 - ties)
        else:
            score = expit(gap)
            pull = self.chance * (0.5 * (1.0 + self.left - self.right) - score)
            curve = self.chance * score * (1.0 - score)
            pull_tie = cross = curve_tie = np.zeros_like(gap)
        gradient = np.append(_out_minus_in(pull), [pull.sum(), pull_tie.sum()])
        information = np.zeros((size + 2, size + 2))
        information[:size, :size] = np.diag(curve.sum(axis=0) + curve.sum(axis=1)) - curve - curve.T
        information[:size, size] = information[size, :size] = _out_minus_in(curve)
        information[:size, -1] = information[-1, :size] = _out_minus_in(cross)
        information[size:, size:] = [[curve.sum(), cross.sum()], [cross.sum(), curve_tie.sum()]]
        return gradient, information


def _out_minus_in(by_pair: Reals) -> Reals:
    """Per system: what it gets on the left minus what it gets on the right."""
    difference: Reals = by_pair.sum(axis=1) - by_pair.sum(axis=0)
    return difference

"""Several metrics together: how well could they stand in for a voter on prompts they have not seen?

A logistic regression of the side voted for on differences of metrics, without a constant, so that exchanging
the sides exchanges the answer. Folds are of prompts: no prompt's votes help to predict its own. It is a
predictor of votes and never part of a rating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.special import expit

from evalharness.agreement.joining import Codes, Reals, Slice
from evalharness.ratings.shares import Share, clustered

__all__ = ["Combination", "combine"]

LEAST_COVERED = 0.75
"""Share of the decided votes that a metric must have values for, to take part."""
MOST_METRICS = 12
LEAST_VOTES = 100
LEAST_PROMPTS = 5
FOLDS = 10
PENALTY = 1.0
"""Of the squared weights, of differences scaled to a mean square of one."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A combined predictor, judged on prompts that it did not see."""

    quantities: tuple[str, ...]
    weights: tuple[float, ...]
    """Of each quantity in all votes, in logits for a typical difference; more of better is positive."""
    accuracy: Share
    best: str
    """The single quantity that was chosen most often, on the other folds, as the best."""
    best_accuracy: Share
    """On the same votes, the best quantity chosen on the other folds each time: as little foresight."""
    folds: int


def combine(votes: Slice, gaps: Mapping[str, Reals], seed: int = 1) -> Combination | None:
    """Combine quantities, given by their gaps (left minus right of values of which more is better).

    None where fewer than two quantities cover the votes, or there are too few votes or prompts to tell.
    """
    decided = votes.prefers != 0
    names = tuple(sorted(name for name, gap in gaps.items() if _covers(gap[decided])))
    if len(names) < 2:
        return None
    table = np.stack([gaps[name] for name in names], axis=1)
    whole = decided & ~np.isnan(table).any(axis=1)
    side, voter, prompt = votes.prefers[whole], votes.voter[whole], votes.prompt[whole]
    if len(side) < LEAST_VOTES or len(np.unique(prompt)) < LEAST_PROMPTS:
        return None
    scale = np.sqrt((table[whole] ** 2).mean(axis=0))
    table = table[whole] / np.where(scale > 0, scale, 1.0)
    fold = _folds(prompt, seed)
    told, single, best = np.zeros(len(side)), np.zeros(len(side)), []
    for held in np.unique(fold):
        out = fold == held
        # What takes part is chosen without the votes that are to be foretold.
        some = _foremost(table[~out], side[~out])
        told[out] = table[out][:, some] @ _weights(table[~out][:, some], side[~out])
        best.append(int(some[0]))
        single[out] = table[out, some[0]]
    some = _foremost(table, side)
    return Combination(
        tuple(names[place] for place in some),
        tuple(float(weight) for weight in _weights(table[:, some], side)),
        clustered((np.sign(told) * side + 1) / 2, voter, prompt),
        names[int(np.bincount(best).argmax())],
        clustered((np.sign(single) * side + 1) / 2, voter, prompt),
        len(best),
    )


def _covers(gap: Reals) -> bool:
    return gap.size > 0 and bool((~np.isnan(gap)).mean() >= LEAST_COVERED)


def _foremost(table: Reals, side: Reals) -> Codes:
    """Places of the quantities that are right most often, the best first."""
    right = (np.sign(table) * side[:, None]).mean(axis=0)
    places: Codes = np.argsort(-right, kind="stable")[:MOST_METRICS]
    return places


def _folds(prompt: Codes, seed: int) -> Codes:
    """Shape (votes,): the fold of each vote's prompt; prompts are dealt out at random."""
    prompts = np.unique(prompt)
    dealt = np.random.default_rng(seed).permutation(len(prompts)) % min(FOLDS, len(prompts))
    folds: Codes = dealt[np.searchsorted(prompts, prompt)]
    return folds


def _weights(table: Reals, side: Reals) -> Reals:
    """The penalised maximum of likelihood, shape (quantities,)."""

    def loss(weights: Reals) -> tuple[float, Reals]:
        margin = side * (table @ weights)
        pull = -(side * expit(-margin)) @ table + PENALTY * weights
        return float(np.logaddexp(0.0, -margin).sum() + PENALTY * (weights**2).sum() / 2), pull

    found: Reals = optimize.minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B").x
    return found

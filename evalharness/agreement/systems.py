"""Do the systems that voters rate higher have the better mean? Rank correlations, with prompts drawn anew.

Prompts are drawn with replacement; each drawing rates the systems anew and takes the metric's means anew,
over the same prompts. Intervals speak of other prompts, not of other systems: three systems stand in the same
order by chance one time in six.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from evalharness.agreement.joining import Reals, Slice
from evalharness.errors import RatingError
from evalharness.ratings.davidson import davidson
from evalharness.ratings.newton import order_identifiable
from evalharness.ratings.recount import Recount
from evalharness.ratings.shares import CONFIDENCE
from evalharness.ratings.tally import Tally, tally_codes

__all__ = ["DRAWS", "LEAST_SYSTEMS", "Correlation", "Strengths"]

DRAWS = 200
LEAST_SYSTEMS = 3


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rank correlation with its interval over drawings of prompts."""

    value: float
    low: float
    high: float
    systems: int


class Strengths:
    """The systems' strengths by the votes of a slice, and by as many drawings of its prompts."""

    def __init__(self, votes: Slice, seed: int = 1) -> None:
        """Raises RatingError where these votes allow no rating."""
        self.systems = votes.systems
        if len(self.systems) < LEAST_SYSTEMS:
            raise RatingError(
                f"Only {len(self.systems)} systems: a rank correlation needs {LEAST_SYSTEMS} at least."
            )
        place = {name: number for number, name in enumerate(self.systems)}
        self._system = np.array([place[system] for system, _, _ in votes.clips], dtype=np.int64)
        prompts = sorted({prompt for _, prompt, _ in votes.clips})
        of_prompt = {name: number for number, name in enumerate(prompts)}
        self._prompt = np.array([of_prompt[prompt] for _, prompt, _ in votes.clips], dtype=np.int64)
        drawn = np.random.default_rng(seed).multinomial(
            len(prompts), np.full(len(prompts), 1 / len(prompts)), size=DRAWS
        )
        self._weights = np.concatenate([np.ones((1, len(prompts))), drawn.astype(np.float64)])
        self._strengths = self._rated(votes, len(prompts))

    def correlations(self, values: Reals) -> tuple[Correlation, Correlation] | None:
        """Kendall's tau-b and Spearman's rho of the strengths with the means of `values`, shape (clips,).

        More has to be better. None where fewer than three systems have a mean, or all means are the same.
        """
        means = self._means(values)
        known = ~np.isnan(means[0])
        if known.sum() < LEAST_SYSTEMS or len(np.unique(means[0][known])) < 2:
            return None
        pairs = [
            (strengths[known], mean[known])
            for strengths, mean in zip(self._strengths, means, strict=True)
            if not np.isnan(strengths).any()
            and not np.isnan(mean[known]).any()
            and len(np.unique(mean[known])) > 1  # where all means are the same, nothing is correlated
        ]
        systems = int(known.sum())
        return (
            _interval([float(stats.kendalltau(*pair).statistic) for pair in pairs], systems),
            _interval([float(stats.spearmanr(*pair).statistic) for pair in pairs], systems),
        )

    def _means(self, values: Reals) -> Reals:
        """Shape (1 + DRAWS, systems): a system's mean over its clips, weighted as the prompts were drawn."""
        size = (len(self.systems), self._weights.shape[1])
        known = ~np.isnan(values)
        cell = self._system[known] * size[1] + self._prompt[known]
        total = np.bincount(cell, weights=values[known], minlength=size[0] * size[1]).reshape(size)
        count = np.bincount(cell, minlength=size[0] * size[1]).reshape(size)
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Reals = (self._weights @ total.T) / (self._weights @ count.T)
        return means

    def _rated(self, votes: Slice, prompts: int) -> Reals:
        """Shape (1 + DRAWS, systems): strengths; NaN where a drawing allows no rating."""
        tally = _tally(votes, self.systems, self._system, self._prompt, prompts)
        fit = davidson(tally, order_effect=order_identifiable(tally))
        recount = Recount(fit, tally)
        size = recount.counts.size
        place = tally.prompt * size + recount.kind
        table = np.bincount(place, minlength=prompts * size).reshape(prompts, size)
        found = np.full((len(self._weights), len(self.systems)), np.nan)
        found[0] = fit.strengths
        for number, counts in enumerate(self._weights[1:] @ table, 1):
            drawn = counts.reshape(recount.counts.shape)
            if recount.rated(drawn):
                found[number] = recount.solve(drawn, recount.base.theta).theta[: len(self.systems)]
        return found


def _tally(
    votes: Slice, systems: tuple[str, ...], of_clip: np.ndarray, prompt_of: np.ndarray, prompts: int
) -> Tally:
    outcome = np.select([votes.prefers > 0, votes.prefers < 0], [0, 1], 2)
    return tally_codes(
        systems,
        [f"{number:07d}" for number in range(int(votes.voter.max()) + 1)],
        [f"{number:07d}" for number in range(prompts)],
        left=of_clip[votes.left],
        right=of_clip[votes.right],
        outcome=outcome.astype(np.int64),
        voter=votes.voter,
        prompt=prompt_of[votes.left],
    )


def _interval(drawn: list[float], systems: int) -> Correlation:
    """The value of all prompts, and the middle of the drawings, widened to hold it."""
    rest = np.array(drawn[1:])
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(rest, tails) if rest.size else (-1.0, 1.0)
    return Correlation(drawn[0], min(float(low), drawn[0]), max(float(high), drawn[0]), systems)

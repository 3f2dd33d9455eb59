"""Bootstraps of a fit: how strengths scatter when voters, prompts, both, or single votes are drawn again.

A resample gives each unit g (a voter with all votes, say) a weight w_g: independent Poisson(1), or how often
it came up in as many draws with replacement (multinomial; Efron 1979). At the fit the scores of all votes and
of the prior sum to zero, so one Newton step from there to the maximum of the weighted likelihood is

    move = H^-1 sum_g (w_g - 1) s_g         s_g: score of the unit's votes, H: information of the fit

(score bootstrap, Kline & Santos 2012): all resamples together are one product of matrices. More `steps`, each
with the same H at the gradient of the place reached, go on to the maximum itself. `two_way` draws voters
and prompts each on their own and weights a vote by the product (pigeonhole bootstrap: Owen 2007).

Drawn by voters, the covariance is that of the plain cluster sandwich, which is too small where clusters are
few or uneven; drawn both ways, it is too large where votes do not cluster. The boards therefore use the
two-way jackknife of `intervals`; these are for comparison, and for what has no formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
from scipy import sparse

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings.design import Rates
from evalharness.ratings.estimate import ELO_PER_LOGIT, Interval
from evalharness.ratings.leave_out import vote_scores
from evalharness.ratings.maximum import assembled
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.resampling import BootstrapWeights, Draw, Singles, blocks_of, independent, product
from evalharness.ratings.tally import Codes, Tally

__all__ = ["Bootstrap", "BootstrapUnit", "BootstrapWeights", "bootstrap"]

_AT_ONCE = 8_000_000
"""Weights, or scores, held at a time."""
_CELLS_AT_ONCE = 200_000
"""Cells at which the model is evaluated at a time."""


class BootstrapUnit(StrEnum):
    """What is drawn again: what another board would not share with this one."""

    VOTER = "voter"
    """All votes of a voter together."""
    PROMPT = "prompt"
    """All votes on a prompt together."""
    TWO_WAY = "two_way"
    """Voters and prompts, each on their own."""
    CELL = "cell"
    """The votes of one voter on one prompt together."""
    ROW = "row"
    """Every vote for itself, as most public boards do; too narrow where votes cluster."""


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """Resampled parameters of one fit, and intervals between their percentiles."""

    fit: Fit
    draws: Reals
    """Shape (resamples, parameters), as `Fit.theta`: in every resample the strengths sum to zero."""
    unit: BootstrapUnit
    weights: BootstrapWeights
    units: int
    """How many there were to draw from; two ways, of voters and prompts the smaller number."""
    steps: int
    seed: int

    @property
    def strengths(self) -> Reals:
        """Shape (resamples, systems), in logits."""
        return self.draws[:, : len(self.fit.systems)]

    @property
    def covariance(self) -> Reals:
        """Shape (parameters, parameters), around the mean of the resamples; strengths in logits."""
        around = self.draws - self.draws.mean(axis=0)
        matrix: Reals = around.T @ around / (len(around) - 1)
        return matrix

    def percentiles(self, values: Reals, confidence: float = 0.95) -> Reals:
        """Shape (2, ...): between which percentiles `confidence` of the values lie, shape (resamples, ...).

        `values` are anything computed from `draws`. Raises RatingError for a confidence outside 0 to 1, or
        with too few resamples to have such tails.
        """
        if not 0.0 < confidence < 1.0:
            raise RatingError(
                f"The confidence must lie between 0 and 1; found {confidence!r}. Usual is 0.95."
            )
        tail = 0.5 * (1.0 - confidence)
        if len(values) * tail < 1.0:
            raise RatingError(
                f"{len(values)} resamples have no {100 * confidence:g} % interval, as less than one of them "
                f"lies in each tail. Draw at least {int(np.ceil(1.0 / tail))}; usual are 1000."
            )
        return np.asarray(np.quantile(values, [tail, 1.0 - tail], axis=0))

    def rating(self, system: str, confidence: float = 0.95, *, anchor: float = 1000.0) -> Interval:
        """Elo-scale rating of one system against the board's mean."""
        place = self._place(system)
        logits = self._interval(self.fit.strengths[place], self.strengths[:, place], confidence)
        return logits.scaled(ELO_PER_LOGIT, anchor)

    def difference(self, first: str, second: str, confidence: float = 0.95) -> Interval:
        """Rating of `first` minus rating of `second`, in Elo."""
        return self._gap(first, second, confidence).scaled(ELO_PER_LOGIT)

    def win_probability(self, first: str, second: str, confidence: float = 0.95) -> Interval:
        """Chance that `first` beats `second`, draws half, each on the left half the time.

        The interval is that of the difference, carried through the fitted model with its rates of draws.
        """
        gap = self._gap(first, second, confidence)
        levels = self.fit.draw_levels(self._place(first), self._place(second))
        value, low, high = self.fit.expected_score(np.array([gap.value, gap.low, gap.high]), levels)
        return Interval(float(value), float(low), float(high))

    def _gap(self, first: str, second: str, confidence: float) -> Interval:
        one, other = self._place(first), self._place(second)
        value = self.fit.strengths[one] - self.fit.strengths[other]
        return self._interval(value, self.draws[:, one] - self.draws[:, other], confidence)

    def _interval(self, value: float, values: Reals, confidence: float) -> Interval:
        low, high = self.percentiles(values, confidence)
        return Interval(float(value), float(low), float(high))

    def _place(self, system: str) -> int:
        if system not in self.fit.systems:
            raise UnknownNameError(
                f"No system {system!r} is on this board; there are {', '.join(self.fit.systems)}."
            )
        return self.fit.systems.index(system)


def bootstrap(
    fit: Fit,
    votes: Tally,
    *,
    unit: BootstrapUnit | str = BootstrapUnit.VOTER,
    weights: BootstrapWeights | str = BootstrapWeights.POISSON,
    resamples: int = 1000,
    steps: int = 1,
    seed: int,
) -> Bootstrap:
    """Draw the units again `resamples` times and refit each, `steps` Newton steps from `fit`.

    `fit` must have been fitted to `votes`. One step is right to first order in the moves, and all that a
    large board needs; with some hundred votes, three or four bring out how skew the distribution is. The
    same seed gives the same resamples.

    Raises UnknownNameError for another unit or weights; RatingError for a fit of other votes, fewer than two
    units, fewer than two resamples or than one step, or several steps where rates depend on pair quality.
    """
    unit, weights = _known(unit, BootstrapUnit, "unit"), _known(weights, BootstrapWeights, "weights")
    _require_possible(fit, votes, resamples, steps)
    random = np.random.default_rng(seed)
    codes, counts = _grouped(fit, votes, unit)
    units = int(counts.sum())
    if unit is BootstrapUnit.TWO_WAY:
        units = min(len(np.unique(votes.voter)), len(np.unique(votes.prompt)))
    if units < 2:
        what = "voter or only one prompt" if unit is BootstrapUnit.TWO_WAY else unit.value
        raise RatingError(
            f"The votes come from only one {what}, so there is nothing to draw from. Collect more, or choose "
            "another unit, such as unit='row', which speaks of repeated votes only."
        )
    whole = steps > 1
    blocks = list(blocks_of(len(counts), len(counts) if whole else _AT_ONCE // fit.parameters))
    if unit is BootstrapUnit.TWO_WAY:
        draw = _two_way(random, weights, votes, codes, resamples)
    else:
        draw = independent(random, weights, counts, blocks, resamples)
    answers = _answers_by_group(fit, votes, codes, len(counts))
    moves = (
        _refits(fit, draw, answers, resamples, steps)
        if whole
        else _moves(fit, draw, answers, resamples, blocks)
    )
    return Bootstrap(fit, fit.theta + moves @ fit.gauge.T, unit, weights, units, steps, seed)


def _require_possible(fit: Fit, votes: Tally, resamples: int, steps: int) -> None:
    if resamples < 2:
        raise RatingError(f"{resamples} resamples show no spread. Draw at least 2; usual are 1000.")
    if steps < 1:
        raise RatingError(f"{steps} steps move nothing. Take 1, or 3 on boards of some hundred votes.")
    if steps > 1 and fit.design.rates is Rates.PAIR_QUALITY:
        raise RatingError(
            "With rates that depend on pair quality a resample is refitted by one step only. Ask for "
            "steps=1, or fit rates that are constant or by system."
        )
    if fit.systems != votes.systems or len(fit.cells.of_vote) != votes.votes:
        raise RatingError(
            f"The fit is of {len(fit.cells.of_vote)} votes on {len(fit.systems)} systems, these are "
            f"{votes.votes} on {len(votes.systems)}, or other ones. Bootstrap the votes that were fitted."
        )


_Named = TypeVar("_Named", BootstrapUnit, BootstrapWeights)


def _known(name: str, kind: type[_Named], what: str) -> _Named:
    if name not in tuple(kind):
        raise UnknownNameError(f"No bootstrap {what} is called {name!r}; there are {', '.join(kind)}.")
    return kind(name)


def _grouped(fit: Fit, votes: Tally, unit: BootstrapUnit) -> tuple[Codes, Codes]:
    """Shapes (votes,) and (groups,): each vote's group, and how many units the group has, all alike."""
    match unit:
        case BootstrapUnit.VOTER:
            key = votes.voter
        case BootstrapUnit.PROMPT:
            key = votes.prompt
        case BootstrapUnit.ROW:
            key = fit.cells.answers(votes)
        case BootstrapUnit.CELL | BootstrapUnit.TWO_WAY:
            key = votes.voter * len(votes.prompts) + votes.prompt
    if key.max() > 4 * len(key):
        _, codes, members = np.unique(key, return_inverse=True, return_counts=True)
    else:
        times = np.bincount(key)
        codes, members = (np.cumsum(times > 0) - 1)[key], times[times > 0]
    # Votes of one answer in one cell cannot be told apart, so that each of them is a unit of the group.
    return codes, members if unit is BootstrapUnit.ROW else np.ones_like(members)


def _two_way(
    random: np.random.Generator, weights: BootstrapWeights, votes: Tally, codes: Codes, resamples: int
) -> Draw:
    groups = int(codes.max()) + 1

    def side(names: tuple[str, ...], of_vote: Codes) -> tuple[Singles, Codes]:
        whole = slice(0, len(names))
        draw = independent(random, weights, np.ones(len(names), dtype=np.int64), [whole], resamples)
        of_group = np.zeros(groups, dtype=np.int64)
        of_group[codes] = of_vote
        return draw(slice(0, resamples), whole), of_group

    return product(*side(votes.voters, votes.voter), *side(votes.prompts, votes.prompt))


def _answers_by_group(fit: Fit, votes: Tally, codes: Codes, groups: int) -> sparse.csr_array:
    """Shape (groups, 4 * cells): how often each group gave each answer."""
    where = (codes, fit.cells.answers(votes))
    return sparse.csr_array(
        (np.ones(votes.votes, dtype=np.float32), where), shape=(groups, fit.cells.counts.size)
    )


def _moves(fit: Fit, draw: Draw, answers: sparse.csr_array, resamples: int, blocks: list[slice]) -> Reals:
    """Shape (resamples, parameters): one Newton step each, in the fitted gauge."""
    table = _score_table(fit).astype(np.float32)
    pull = np.zeros((resamples, fit.parameters))
    for block in blocks:
        scores = (answers[block] @ table).toarray()
        for some in blocks_of(resamples, _AT_ONCE // len(scores)):
            pull[some] += draw(some, block) @ scores
        pull -= scores.sum(axis=0, dtype=float)
    moves: Reals = pull @ np.linalg.inv(fit.information)
    return moves


def _refits(fit: Fit, draw: Draw, answers: sparse.csr_array, resamples: int, steps: int) -> Reals:
    """Shape (resamples, parameters): `steps` steps each, all with the information of the fit.

    The prior is taken to second order around the fit, where it is all but a parabola.
    """
    groups, size = answers.shape
    cells = size // 4
    design = _predictor_table(fit)
    inverse = np.linalg.inv(fit.information)
    votes_alone = assembled(fit.design, fit.slots, fit.cells.votes * fit.chances.information)
    prior = fit.information - votes_alone
    pull_of_prior = -(fit.cells.counts.ravel() @ _score_table(fit))
    theta = fit.theta.copy()
    for name in fit.design.covariates:  # the cells hold covariates in units of their own
        theta[fit.design.place(name)] /= fit.gauge[fit.design.place(name), fit.design.place(name)]
    start = fit.design.predictors(theta, fit.cells)
    moves = np.zeros((resamples, fit.parameters))
    for some in blocks_of(resamples, min(_AT_ONCE // groups, _CELLS_AT_ONCE // cells)):
        counts = (draw(some, slice(0, groups)) @ answers).T.reshape(4, cells, -1)
        move = moves[some]
        for _ in range(steps):
            predictors = start[:, :, None] + (design @ move.T).reshape(3, cells, -1)
            chances = fit.model.chances(predictors.reshape(3, -1))
            score = chances.score.reshape(-1, 4, cells, len(move))
            pulls = np.zeros((3, cells, len(move)))
            pulls[: len(score)] = (counts * score).sum(axis=1)
            gradient = (design.T @ pulls.reshape(3 * cells, -1)).T + pull_of_prior - move @ prior
            move += gradient @ inverse
    return moves


def _score_table(fit: Fit) -> sparse.csr_array:
    """Shape (4 * cells, parameters): the score of one vote of each answer."""
    cells = len(fit.cells.left)
    rows = np.arange(4 * cells)
    columns = [np.tile(np.broadcast_to(slot.where, cells), 4) for slot in fit.slots]
    return sparse.csr_array(
        (vote_scores(fit).ravel(), (np.tile(rows, len(columns)), np.concatenate(columns))),
        shape=(4 * cells, fit.parameters),
    )


def _predictor_table(fit: Fit) -> sparse.csr_array:
    """Shape (3 * cells, parameters): how the predictors of each cell move with the parameters."""
    cells = len(fit.cells.left)
    parts = [
        (
            predictor * cells + np.arange(cells),
            np.broadcast_to(slot.where, cells),
            np.broadcast_to(gain, cells),
        )
        for slot in fit.slots
        for predictor, gain in slot.gains
    ]
    rows, columns, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sparse.csr_array((values, (rows, columns)), shape=(3 * cells, fit.parameters))

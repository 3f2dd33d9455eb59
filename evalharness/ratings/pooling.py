"""Ratings of a thin slice, pooled towards the board it is a slice of (empirical Bayes).

A slice (one category, one language, one tag, one question) has fewer votes than the whole, so its own
ratings are noisy; the whole board's ratings are steady but answer another question. Pooling weighs both:

    strengths in slice s = strengths of the whole + deviation_s,    deviation_s ~ N(0, v I), v = h_s tau^2
    z      = Q'(slice - whole), with error covariance C_z            Q: orthonormal contrasts of its systems
    pooled = whole + v Q (v I + C_z)^-1 z

Contrasts, so that no result depends on a gauge; a system without votes in the slice stays at the whole's
rating with the variance of its deviation added. tau, one number for a family of slices, is estimated from
all of them: its posterior on a grid under a half-normal prior of one logit. Results are averaged over that
posterior, so that not knowing tau widens the intervals. Normal-normal shrinkage with unequal covariances:
Efron & Morris 1975; averaged over tau: Rubin 1981.

The whole includes the slice, so their errors are correlated, and the same people vote in many slices. Neither
is assumed away: leaving out a voter moves slice and whole together, and `joint_errors` is the two-way cluster
jackknife of both at once. And the whole's own truth is the mean of its slices' truths, each by its share w_t
of the votes, so that a slice deviates from it as h_s = (1 - w_s)^2 + sum of the other w_t^2 says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from evalharness.errors import RatingError
from evalharness.ratings.connectivity import one_way_groups
from evalharness.ratings.intervals import FEW_CLUSTERS, at_least
from evalharness.ratings.leave_out import leave_out_moves, vote_scores
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.tally import Codes, Tally

__all__ = [
    "PRIOR_TAU",
    "Errors",
    "Joint",
    "Part",
    "Pooled",
    "Spread",
    "deviation_factors",
    "errors_of",
    "joint_errors",
    "pool",
]

PRIOR_TAU = 1.0
"""Scale of the half-normal prior on tau, in logits (174 Elo): slices that differ more would be a surprise."""

_GRID = np.concatenate([[0.0], np.geomspace(0.004, 4.0, 150)])
"""Values of tau, in logits (0.7 to 700 Elo), on which its posterior is computed."""

_NEGLIGIBLE = 1e-9
"""Added to error variances, in squared logits, so that a slice that is the whole divides nothing by zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """How the strengths of one fit move with each voter, each prompt, and each voter-and-prompt cell."""

    voters: tuple[str, ...]
    prompts: tuple[str, ...]
    by_voter: Reals
    """Shape (voters, systems): leave-one-out moves in the sum-zero gauge, times sqrt((G - 1) / G)."""
    by_prompt: Reals
    cells: Codes
    """Cells with votes, in ascending order: voter times number of prompts, plus prompt."""
    by_cell: sparse.csr_array
    """Shape (cells, parameters): summed scores."""
    inverse: Reals
    """Shape (parameters, systems): how strengths, summing to zero, answer to a score."""
    model: Reals
    """Shape (systems, systems): covariance if the votes were independent and the model true."""
    one_way: bool
    """Whether between some systems every vote went one way."""


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Covariance of the errors in the strengths of a part, then of the whole, stacked; in squared logits."""

    errors: Reals
    """By the two-way jackknife."""
    cells: Reals
    """X: what is left where only votes of one voter on one prompt go together."""
    clusters: int
    """Voters or prompts of the part, whichever are fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A slice as pooling sees it."""

    systems: Codes
    """Places of its systems among the systems of the whole."""
    strengths: Reals
    """Its own fit, in logits, in any gauge."""
    joint: Joint
    factor: float
    """h_s: variance of its deviation from the whole, in units of tau squared."""


@dataclass(frozen=True, slots=True)
class Spread:
    """tau: how much a system's strength differs between slices, as a standard deviation in logits."""

    value: float
    """Posterior median."""
    low: float
    """Of the interval of highest posterior density."""
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Strengths in one slice after pooling, for every system of the whole."""

    strengths: Reals
    """Shape (systems,), in logits, summing to zero like those of the whole."""
    covariance: Reals
    """Shape (systems, systems): of the error, in squared logits."""
    weight: Reals
    """Shape (systems,): share of the slice's own votes in the result; 0 follows the whole, 1 the slice."""


def errors_of(fit: Fit, votes: Tally) -> Errors:
    """What `joint_errors` needs to know of a fit and of the votes it was fitted to."""
    size = len(fit.systems)
    inverse = np.linalg.inv(fit.information) @ fit.gauge.T
    cells, place = np.unique(votes.voter * len(votes.prompts) + votes.prompt, return_inverse=True)
    return Errors(
        voters=votes.voters,
        prompts=votes.prompts,
        by_voter=_moves(fit, votes, votes.voter, len(votes.voters)),
        by_prompt=_moves(fit, votes, votes.prompt, len(votes.prompts)),
        cells=cells,
        by_cell=_cell_scores(fit, votes, place, len(cells)),
        inverse=inverse[:, :size],
        model=(fit.gauge @ inverse)[:size, :size],
        one_way=len(one_way_groups(votes, draws_decide=fit.model.predictors == 1)) > 1,
    )


def joint_errors(part: Errors, whole: Errors) -> Joint:
    """How the errors in the strengths of the part and in those of the whole go together.

    The two-way cluster jackknife of both fits at once. Voters and prompts are matched by name; those who are
    in one fit alone move that one alone. The rules for small samples are those of a board's own intervals:
    nowhere less than X / 4; where the part has few clusters X is not subtracted; there, and where votes went
    one way, the part's errors are nowhere smaller than the model's own.
    """
    voter, prompt = _matched(part.voters, whole.voters), _matched(part.prompts, whole.prompts)
    clusters = _squares(part.by_voter, whole.by_voter, voter) + _squares(
        part.by_prompt, whole.by_prompt, prompt
    )
    in_voter, in_prompt = voter[part.cells // len(part.prompts)], prompt[part.cells % len(part.prompts)]
    known = (in_voter >= 0) & (in_prompt >= 0)
    wanted = np.where(known, in_voter * len(whole.prompts) + in_prompt, -1)
    place = np.minimum(np.searchsorted(whole.cells, wanted), len(whole.cells) - 1)
    shared = whole.cells[place] == wanted
    blocks = (
        part.inverse.T @ (part.by_cell.T @ part.by_cell) @ part.inverse,
        part.inverse.T @ (part.by_cell[shared].T @ whole.by_cell[place[shared]]) @ whole.inverse,
        whole.inverse.T @ (whole.by_cell.T @ whole.by_cell) @ whole.inverse,
    )
    cells = np.block([[blocks[0], blocks[1]], [blocks[1].T, blocks[2]]])
    few = min(len(part.voters), len(part.prompts)) < FEW_CLUSTERS
    found = at_least(cells / 4.0, clusters if few else clusters - cells)
    if few or part.one_way:
        found = at_least(linalg.block_diag(part.model, np.zeros_like(whole.model)), found)
    return Joint(found, cells, min(len(part.voters), len(part.prompts)))


def deviation_factors(shares: Reals) -> Reals:
    """h of each part of the whole, from the parts' shares of the votes (shape (parts,), summing to one)."""
    return 1.0 - 2.0 * shares + float((shares**2).sum())


def pool(
    whole: Reals,
    parts: Sequence[Part],
    *,
    independent: int | None = None,
    confidence: float = 0.95,
    tau: float | None = None,
) -> tuple[Spread, list[Pooled]]:
    """Pool the parts towards the whole; also how much they differ.

    `whole` holds its strengths, shape (systems,), summing to zero. `independent` is how many of the parts'
    deviations are free to vary (all, by default; one less where the parts make up the whole: the last one
    then follows from the others). `tau` fixes the spread, in logits, instead of estimating it.

    Raises RatingError without a part, and for a negative tau.
    """
    if not parts:
        raise RatingError("There is no slice to pool. Give at least one that can be rated by itself.")
    if tau is not None and not 0.0 <= tau < np.inf:
        raise RatingError(f"tau is a standard deviation in logits; found {tau!r}. Give 0 or more.")
    views = [_View.of(whole, part) for part in parts]
    free = (len(parts) if independent is None else independent) / len(parts)
    grid = _GRID if tau is None else np.array([tau])
    weight = _posterior(grid, views, free) if tau is None else np.ones(1)
    return _summary(grid, weight, confidence), [_pooled(whole, view, grid**2, weight) for view in views]


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A part along the axes on which its errors are uncorrelated."""

    axes: Reals
    """Shape (systems, axes): orthonormal contrasts of its systems, zero for systems it lacks."""
    seen: Reals
    """Shape (axes,): slice minus whole."""
    noise: Reals
    """Shape (axes,): error variance of `seen`, steadied: what tau and the weights are found from."""
    errors: Reals
    """Shape (axes, axes): covariance of that error, as found: what the intervals are made of."""
    shared: Reals
    """Shape (axes, systems): covariance of that error with the error of the whole."""
    whole_errors: Reals
    factor: float

    @classmethod
    def of(cls, whole: Reals, part: Part) -> _View:
        """Contrasts of slice minus whole, turned so that their errors are uncorrelated.

        From G clusters the errors of m contrasts are known only roughly: the jackknife finds some of them far
        too small, and pooling would take just these for real differences. For finding axes and weights it is
        therefore drawn by m / (m + G) towards X, scaled to its own mean (linear shrinkage as in Ledoit & Wolf
        2004).
        """
        own = len(part.systems)
        contrasts = linalg.helmert(own)
        both = np.zeros((own - 1, own + len(whole)))
        both[:, :own] = contrasts
        both[:, own + part.systems] = -contrasts
        errors, cells = (both @ matrix @ both.T for matrix in (part.joint.errors, part.joint.cells))
        drawn = (own - 1) / (own - 1 + part.joint.clusters)
        scale = np.trace(errors) / max(np.trace(cells), _NEGLIGIBLE)
        noise, turn = np.linalg.eigh((1.0 - drawn) * errors + drawn * scale * cells)
        axes = np.zeros((len(whole), own - 1))
        axes[part.systems] = contrasts.T @ turn
        return cls(
            axes=axes,
            seen=turn.T @ contrasts @ (part.strengths - whole[part.systems]),
            noise=np.maximum(noise, 0.0) + _NEGLIGIBLE,
            errors=turn.T @ errors @ turn,
            shared=turn.T @ both @ part.joint.errors[:, own:],
            whole_errors=part.joint.errors[own:, own:],
            factor=part.factor,
        )


def _posterior(grid: Reals, views: Sequence[_View], free: float) -> Reals:
    """Weights of the values of tau, from how far all slices lie from the whole beyond their errors.

    `free` below one takes back what is counted twice where the last slice follows from the others.
    """
    log = np.zeros(len(grid))
    for view in views:
        variance = view.factor * grid[:, None] ** 2 + view.noise
        log -= 0.5 * (np.log(variance) + view.seen**2 / variance).sum(axis=1)
    log = free * log - 0.5 * (grid / PRIOR_TAU) ** 2
    weight = np.exp(log - log.max()) * np.gradient(grid)
    return np.asarray(weight / weight.sum())


def _summary(grid: Reals, weight: Reals, confidence: float) -> Spread:
    """Median and the interval of highest density, which reaches down to 0 where slices may be alike."""
    if len(grid) == 1:
        return Spread(*(float(grid[0]),) * 3)
    median = float(np.interp(0.5, np.cumsum(weight) - 0.5 * weight, grid))
    likeliest = np.argsort(-weight / np.gradient(grid), kind="stable")
    inside = grid[likeliest[: 1 + int(np.searchsorted(np.cumsum(weight[likeliest]), confidence))]]
    return Spread(median, float(inside.min()), float(inside.max()))


def _pooled(whole: Reals, view: _View, squares: Reals, weight: Reals) -> Pooled:
    """Mean and covariance over the posterior of tau; `squares` are its values, squared."""
    variance = view.factor * squares[:, None]
    kept = variance / (variance + view.noise)
    mean = weight @ kept
    square = kept.T @ (weight[:, None] * kept)
    along = np.diag(weight @ (variance * (1.0 - kept) ** 2)) + square * view.errors
    along += (square - np.outer(mean, mean)) * np.outer(view.seen, view.seen)
    cross = view.axes @ (mean[:, None] * view.shared)
    size = len(whole)
    unseen = np.eye(size) - 1.0 / size - view.axes @ view.axes.T
    covariance = view.whole_errors + cross + cross.T + view.axes @ along @ view.axes.T
    covariance += view.factor * float(weight @ squares) * unseen
    reach = (view.axes**2).sum(axis=1)
    share = (view.axes**2) @ mean
    return Pooled(
        strengths=whole + view.axes @ (mean * view.seen),
        covariance=covariance,
        weight=np.divide(share, reach, out=np.zeros(size), where=reach > 0),
    )


def _moves(fit: Fit, votes: Tally, cluster: Codes, groups: int) -> Reals:
    """Shape (groups, systems): leave-one-out moves whose summed squares are the jackknife covariance."""
    if groups == 1:
        return np.zeros((1, len(fit.systems)))
    moves: Reals = leave_out_moves(fit, votes, cluster, groups)[:, : len(fit.systems)]
    return moves * float(np.sqrt((groups - 1) / groups))


def _cell_scores(fit: Fit, votes: Tally, place: Codes, cells: int) -> sparse.csr_array:
    """Shape (cells, parameters): the votes' score vectors, summed by voter-and-prompt cell."""
    answers = fit.cells.answers(votes)
    columns, values = [], []
    for slot, table in zip(fit.slots, vote_scores(fit), strict=True):
        where = slot.where if isinstance(slot.where, int) else slot.where[fit.cells.of_vote]
        columns.append(np.broadcast_to(where, votes.votes))
        values.append(table[answers])
    at = (np.tile(place, len(columns)), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), at), shape=(cells, fit.parameters))


def _matched(names: tuple[str, ...], among: tuple[str, ...]) -> Codes:
    """Place of each name in the other list; -1 where it is not there."""
    place = {name: number for number, name in enumerate(among)}
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)


def _squares(part: Reals, whole: Reals, place: Codes) -> Reals:
    """Summed squares and products of the moves of part and whole under the same clusters."""
    here = place >= 0
    across = part[here].T @ whole[place[here]]
    return np.block([[part.T @ part, across], [across.T, whole.T @ whole]])

"""Votes to a fit: what is fitted, what cannot be, and the gauge in which the result is told.

The part that all models share: `outcomes` says how predictors become chances, `design` how parameters become
predictors, `cells` how often each outcome came, `maximum` climbs. From a million votes on it costs what fifty
cost. The climb holds a phantom opponent at 0; the result is shifted so that the strengths sum to zero, which
changes no probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalharness.errors import RatingError
from evalharness.ratings.cells import Cells, Reals, cells_of
from evalharness.ratings.connectivity import require_comparable
from evalharness.ratings.design import Design, Rates, Slot
from evalharness.ratings.maximum import climb
from evalharness.ratings.outcomes import BAD, GAP, LEVEL, Chances, OutcomeModel
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE, Codes, Tally

__all__ = ["Fit", "Reals", "newton_fit", "order_identifiable"]

_COLLINEAR = 1e-8
"""A column of which strengths explain all but this share cannot be told from them."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Fitted parameters and all that is needed to find their uncertainty."""

    model: OutcomeModel
    design: Design
    systems: tuple[str, ...]
    cells: Cells
    theta: Reals
    """Shape (parameters,): as reported, strengths in logits summing to zero, effects in their own units."""
    gauge: Reals
    """Shape (parameters, parameters): how reported parameters move with the fitted ones."""
    slots: tuple[Slot, ...]
    """The parameters of every cell, at the maximum."""
    chances: Chances
    """Likelihood and derivatives by cell, at the maximum."""
    information: Reals
    """Shape (parameters, parameters): of votes and prior, in the fitted gauge; positive definite."""
    iterations: int
    converged: bool

    @property
    def parameters(self) -> int:
        """Length of the parameter vector: strengths, propensities if any, then `design.names`."""
        return len(self.theta)

    @property
    def strengths(self) -> Reals:
        """Shape (systems,), in logits, summing to zero."""
        return self.theta[: len(self.systems)]

    @property
    def order_effect(self) -> float | None:
        """In logits, positive where the left side is favoured; None where it was not fitted."""
        return float(self.theta[self.design.place("order")]) if self.design.order else None

    @property
    def log_tie(self) -> float | None:
        """Log weight of a tie (Davidson's log nu); None where ties were not fitted or none was cast."""
        return float(self.theta[self.design.place("tie")]) if LEVEL in self.design.fitted else None

    def draw_levels(self, first: Codes | int, second: Codes | int) -> Reals:
        """Log weights of a tie and of both bad between these systems, shape (2, pairs)."""
        found = np.full((2, np.broadcast(first, second).size), -np.inf)
        for predictor, rate in ((LEVEL, "tie"), (BAD, "both_bad")):
            if predictor not in self.design.fitted:
                continue
            level = self.theta[self.design.place(rate)]
            if self.design.rates is Rates.PAIR_QUALITY:
                mean = 0.5 * (self.strengths[first] + self.strengths[second])
                level = level + self.theta[self.design.place(f"{rate}_slope")] * mean
            elif self.design.rates is Rates.SYSTEM:
                own = self.theta[self.design.propensity(predictor) :]
                level = level + own[first] + own[second]
            found[predictor - 1] = level
        return found

    def expected_score(self, gap: Reals, levels: Reals | None = None) -> Reals:
        """Chance that the first of two systems wins, plus half that of a draw, each side taken half the time.

        `gap` is its strength minus the other's, in logits, shape (pairs,); `levels` the log weights of
        the draws as `draw_levels` gives them, by default those of an average pair.
        """
        if levels is None:
            middle = [
                self.theta[self.design.place(rate)] if predictor in self.design.fitted else -np.inf
                for predictor, rate in ((LEVEL, "tie"), (BAD, "both_bad"))
            ]
            levels = np.array(middle)[:, None]
        order = self.order_effect or 0.0
        draws = np.broadcast_to(levels, (2, np.size(gap)))
        shown = [
            self.model.expected_score(np.vstack([np.ravel(gap) + side, draws])) for side in (order, -order)
        ]
        return np.reshape(0.5 * (shown[0] + shown[1]), np.shape(gap))


def order_identifiable(votes: Tally) -> bool:
    """Whether the votes can tell an order effect from strengths: some system was shown on both sides.

    More exactly, whether no assignment of strengths to systems explains "left against right" alike for
    all pairs that met.
    """
    cells = cells_of(votes)
    return not _explained(cells, np.ones((1, len(cells.left))))


def newton_fit(
    votes: Tally,
    model: OutcomeModel,
    *,
    order_effect: bool,
    rates: Rates = Rates.CONSTANT,
    covariates: Mapping[str, Reals] | None = None,
) -> Fit:
    """Maximise the likelihood with the fixed prior.

    `covariates` are per vote, shape (votes,), left minus right, in any unit: their effects on the gap are
    fitted jointly with the strengths. With rates that are constant or by system the problem is concave, so
    the maximum is the only one; slopes on pair quality make it bilinear, climbed from slopes of zero.

    Raises RatingError without votes or without a decisive vote, where an order effect or a covariate cannot
    be told from strengths, or where a covariate does not fit the votes; DisconnectedError where systems were
    never compared.
    """
    if votes.votes == 0:
        raise RatingError("There are no votes here yet, so nothing can be rated. Collect some battles first.")
    cast = votes.counts.sum(axis=(1, 2))
    if cast[LEFT] + cast[RIGHT] == 0:
        raise RatingError(
            f"All {votes.votes} votes are ties or both-bad, so nothing tells the systems apart. "
            "Collect votes that prefer a side."
        )
    require_comparable(votes)
    cells = cells_of(votes, covariates)
    names = tuple(covariates or ())
    scales = np.sqrt(np.average(cells.covariates**2, axis=1, weights=cells.votes)) if names else np.empty(0)
    _require_told_apart(cells, order_effect, names, scales)
    if names:
        scaled = cells.covariates / scales[:, None]
        cells = Cells(cells.left, cells.right, scaled, cells.counts, cells.of_vote)
    # A draw that never came has no parameter: its weight is zero, its logarithm minus infinity.
    drawn = {LEVEL: cast[TIE] + (cast[BOTH_BAD] if model.predictors == LEVEL + 1 else 0), BAD: cast[BOTH_BAD]}
    fitted = (GAP, *(p for p in range(LEVEL, model.predictors) if drawn[p]))
    design = Design(len(votes.systems), rates, fitted, order_effect, names)
    theta = np.zeros(design.parameters)
    for predictor, rate in ((LEVEL, "tie"), (BAD, "both_bad")):
        if predictor in fitted:
            theta[design.place(rate)] = np.log(2.0 * drawn[predictor] / (cast[LEFT] + cast[RIGHT]))
    found = climb(model, design, cells, cells.counts, theta)
    reported, gauge = design.gauge(found.theta, tuple(scales))
    return Fit(
        model=model,
        design=design,
        systems=votes.systems,
        cells=cells,
        theta=reported,
        gauge=gauge,
        slots=found.slots,
        chances=found.chances,
        information=found.information,
        iterations=found.iterations,
        converged=found.converged,
    )


def _require_told_apart(cells: Cells, order: bool, names: tuple[str, ...], scales: Reals) -> None:
    """Refuse what no number of such votes could tell from strengths, or from what was named before."""
    columns = np.vstack([np.ones((int(order), len(cells.left))), cells.covariates])
    if order and _explained(cells, columns[:1]):
        raise RatingError(
            "The order effect cannot be told from strength: the sides never alternated. "
            "Fit without it (order_effect=False), or show systems on both sides."
        )
    for number, (name, scale) in enumerate(zip(names, scales, strict=True), start=1 + int(order)):
        if scale == 0.0:
            raise RatingError(
                f"The covariate '{name}' is 0 in every vote, so it can have no effect. Leave it out."
            )
        if _explained(cells, columns[:number]):
            before = ["strength", *(["order"] if order else []), *names[: number - 1 - int(order)]]
            raise RatingError(
                f"The covariate '{name}' cannot be told from {', '.join(before)}: it is fixed by which "
                "systems met. Leave it out, or collect clips in which it varies within a system."
            )


def _explained(cells: Cells, columns: Reals) -> bool:
    """Whether strengths and the columns before it explain the last column, shape (columns, cells), fully."""
    size = int(max(cells.left.max(), cells.right.max())) + 1
    votes, last = cells.votes, columns[-1]
    gram = np.zeros((size + len(columns), size + len(columns)))
    pairs = np.bincount(cells.left * size + cells.right, votes, size * size).reshape(size, size)
    gram[:size, :size] = np.diag(pairs.sum(axis=0) + pairs.sum(axis=1)) - pairs - pairs.T
    for number, column in enumerate(columns, start=size):
        weighted = votes * column
        gram[:size, number] = np.bincount(cells.left, weighted, size)
        gram[:size, number] -= np.bincount(cells.right, weighted, size)
        gram[number, :size] = gram[:size, number]
        gram[number, size:] = gram[size:, number] = (columns * weighted).sum(axis=1)
    around, cross = gram[:-1, :-1], gram[:-1, -1]
    left_over = gram[-1, -1] - cross @ np.linalg.pinv(around, hermitian=True) @ cross
    return bool(left_over <= _COLLINEAR * float(votes @ last**2))

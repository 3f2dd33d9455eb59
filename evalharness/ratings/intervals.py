"""How far the ratings would move with other voters and other prompts: covariances of a fit.

Votes of one voter resemble each other, and so do votes on one prompt, so intervals that take every
vote for independent are too narrow (on video panels by a factor of 2 to 4). The default here is the
two-way cluster jackknife: leave out each voter in turn, then each prompt, by one Newton step from the
fitted strengths (CR3; MacKinnon, Nielsen & Webb 2023), and combine as Cameron, Gelbach & Miller 2011.

    d_g = -(H - H_g)^-1 s_g      for each cluster g with score s_g and information H_g
    J   = (G - 1) / G  sum_g d_g d_g'       over the G voters; likewise over the prompts
    C   = J_voters + J_prompts - X          X: sandwich clustered on voter-and-prompt cells

The difference of estimates may fall to nothing, or below, in some direction; there it is raised to X / 4, so
that no standard error is less than half of what independent votes would give (this widens intervals of
simulated boards without clusters by 1 %, others less). t quantile with min(G_voters, G_prompts) - 1
degrees of freedom. Under 20 clusters on a side X is not subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import sparse
from scipy.special import stdtrit

from evalharness.errors import RatingError
from evalharness.ratings.connectivity import holding_clusters, one_way_groups
from evalharness.ratings.leave_out import leave_out_moves, vote_scores
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.tally import BOTH_BAD, LEFT, RIGHT, TIE, Codes, Tally

__all__ = ["FEW_CLUSTERS", "Covariance", "IntervalMethod", "covariance"]

FEW_CLUSTERS = 20
"""Under this many voters or prompts the cautious sum form is used."""


class IntervalMethod(StrEnum):
    """How the uncertainty of a fit is found."""

    TWO_WAY_JACKKNIFE = "two_way_jackknife"
    """Over voters and prompts: what other people and other prompts might have said."""
    ROW_SANDWICH = "row_sandwich"
    """Every vote taken for independent (Huber-White, HC0): as most public boards; usually too narrow."""


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """Sampling covariance of a fit's parameters, strengths in the sum-zero gauge."""

    matrix: Reals
    """Shape (parameters, parameters), in squared logits, positive semi-definite."""
    degrees_of_freedom: float
    """Of the t quantile; infinite for the row sandwich."""
    form: str
    """What was computed, in a few words, after the small-sample rules had their say."""
    notes: tuple[str, ...] = ()
    """Sentences a reader of the board must know."""

    def quantile(self, confidence: float) -> float:
        """Two-sided t quantile: an interval is the estimate +- this many standard errors."""
        return float(stdtrit(self.degrees_of_freedom, 0.5 + 0.5 * confidence))


def covariance(
    fit: Fit, votes: Tally, method: IntervalMethod = IntervalMethod.TWO_WAY_JACKKNIFE
) -> Covariance:
    """The covariance of `fit`, which must have been fitted to `votes`.

    With a single voter the jackknife runs over prompts alone, with a single prompt over voters alone,
    and the notes say what the interval then leaves out. Raises RatingError for a single voter on a
    single prompt: there is nothing to jackknife (ask for the row sandwich).
    """
    if method is IntervalMethod.ROW_SANDWICH:
        found = Covariance(
            _sandwich(fit, _row_meat(fit, votes)),
            np.inf,
            "row sandwich (HC0), normal quantile",
            ("Intervals take every vote for independent; votes of one voter or on one prompt rarely are.",),
        )
    else:
        found = _two_way(fit, votes)
    groups = one_way_groups(votes)
    if len(groups) > 1:
        found = _floored(
            found,
            fit,
            "Between these groups every vote went one way: "
            + "; ".join("{" + ", ".join(group) + "}" for group in groups)
            + ". Their distance is bounded by the prior alone; read it as 'far', not as a number.",
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One way in which votes cluster."""

    name: str
    codes: Codes
    groups: int


def _two_way(fit: Fit, votes: Tally) -> Covariance:
    both = (_Side("voter", votes.voter, len(votes.voters)), _Side("prompt", votes.prompt, len(votes.prompts)))
    sides = [side for side in both if side.groups > 1]
    if not sides:
        raise RatingError(
            "All votes come from one voter on one prompt, so no interval can say what other voters or "
            "prompts would do. Collect more, or ask for interval='row_sandwich', which speaks of repeated "
            "votes only."
        )
    few = [f"{side.groups} {side.name}s" for side in sides if side.groups < FEW_CLUSTERS]
    matrix: Reals = np.sum([_jackknife(fit, votes, side) for side in sides], axis=0)
    cells = _sandwich(fit, _cell_meat(fit, votes))
    if len(sides) == 1:
        form = f"one-way cluster jackknife over {sides[0].name}s"
    elif few:
        form = "two-way cluster jackknife over voters and prompts, sum form"
    else:
        form = "two-way cluster jackknife over voters and prompts"
        matrix = matrix - cells
    freedom = min(side.groups for side in sides) - 1
    notes = tuple(note for side in both if (note := _side_note(votes, side)))
    found = Covariance(_at_least(cells / 4.0, matrix), float(freedom), form, notes)
    if not few:
        return found
    note = (
        f"Only {' and '.join(few)} ({FEW_CLUSTERS} are wanted): intervals use the cautious form, a t "
        f"quantile with {freedom} degree{'s' if freedom > 1 else ''} of freedom, and are nowhere narrower "
        "than the model's own."
    )
    return _floored(found, fit, note)


def _side_note(votes: Tally, side: _Side) -> str:
    name = side.name
    if side.groups == 1:
        return f"There is one {name} only: intervals say nothing about what other {name}s would give."
    held = len(holding_clusters(votes, side.codes))
    if not held:
        return ""
    subject = f"One {name} alone holds" if held == 1 else f"{held} {name}s each alone hold"
    return (
        f"{subject} the board together: without that {name} some systems would never have met, and where it "
        "is left out only the prior bridges the gap."
    )


def _jackknife(fit: Fit, votes: Tally, side: _Side) -> Reals:
    """(G - 1) / G times the summed squares of the leave-one-cluster-out moves."""
    moves = leave_out_moves(fit, votes, side.codes, side.groups)
    size = len(fit.systems)
    moves[:, :size] -= moves[:, :size].mean(axis=1, keepdims=True)
    squares: Reals = (side.groups - 1) / side.groups * (moves.T @ moves)
    return squares


def _row_meat(fit: Fit, votes: Tally) -> Reals:
    """Sum over votes of score times score transposed, from the counts."""
    counts = np.stack([votes.counts[LEFT], votes.counts[RIGHT], votes.counts[TIE] + votes.counts[BOTH_BAD]])
    gap, tie = fit.terms.score_gap, fit.terms.score_tie
    return fit.assemble(
        (counts * gap**2).sum(axis=0), (counts * gap * tie).sum(axis=0), (counts * tie**2).sum(axis=0)
    )


def _cell_meat(fit: Fit, votes: Tally) -> Reals:
    """The same with the scores summed first within each cell of one voter and one prompt."""
    cell = votes.voter * len(votes.prompts) + votes.prompt
    order = np.argsort(cell)
    starts = np.diff(cell[order], prepend=-1) > 0
    lone = starts & np.append(starts[1:], True)
    # Votes alone in their cell count as rows; only the others have anything to be summed with.
    rows = order[~lone]
    scores = _score_rows(fit, votes, rows)
    place = np.cumsum(starts[~lone]) - 1
    ones = np.ones(len(rows))
    gather = sparse.csr_array(
        (ones, (place, np.arange(len(rows)))), shape=(place.max(initial=-1) + 1, len(rows))
    )
    by_cell = gather @ scores
    together = (by_cell.T @ by_cell - scores.T @ scores).toarray()
    meat: Reals = _row_meat(fit, votes) + together
    return meat


def _score_rows(fit: Fit, votes: Tally, rows: Codes) -> sparse.csr_array:
    """Shape (rows, parameters): the score vectors of these votes."""
    gap, tie = (score[rows] for score in vote_scores(fit, votes))
    columns, values = [votes.left[rows], votes.right[rows]], [gap, -gap]
    if fit.order_effect is not None:
        columns.append(np.full(len(rows), len(fit.systems)))
        values.append(gap)
    if fit.log_tie is not None:
        columns.append(np.full(len(rows), fit.parameters - 1))
        values.append(tie)
    where = (np.tile(np.arange(len(rows)), len(columns)), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), where), shape=(len(rows), fit.parameters))


def _sandwich(fit: Fit, meat: Reals) -> Reals:
    inverse = np.linalg.inv(fit.information)
    filled: Reals = inverse @ meat @ inverse
    return _sum_zero(fit, filled)


def _sum_zero(fit: Fit, matrix: Reals) -> Reals:
    """A covariance with the strengths recentred to sum to zero."""
    size = len(fit.systems)
    recentre = np.eye(fit.parameters)
    recentre[:size, :size] -= 1.0 / size
    centred: Reals = recentre @ matrix @ recentre.T
    return centred


def _at_least(floor: Reals, matrix: Reals) -> Reals:
    """`matrix` raised to `floor` (positive semi-definite) in every direction in which it has less."""
    lack = floor - matrix
    values, vectors = np.linalg.eigh(0.5 * (lack + lack.T))
    raised: Reals = matrix + (vectors * np.maximum(values, 0.0)) @ vectors.T
    return raised


def _floored(found: Covariance, fit: Fit, note: str) -> Covariance:
    """At least the model's own covariance in every direction, for where clusters are too few to tell."""
    own = _sum_zero(fit, np.asarray(np.linalg.inv(fit.information), dtype=float))
    matrix = _at_least(own, found.matrix)
    return Covariance(matrix, found.degrees_of_freedom, found.form, (*found.notes, note))

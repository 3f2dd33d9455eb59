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
simulated boards without clusters by 1 %, others less). t quantile with the smaller *effective* number of
clusters less one: voters of whom a few cast most votes count as fewer (Carter, Schnepel & Steigerwald
2017). Under 20 clusters on a side X is not subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import stdtrit

from evalharness.errors import RatingError
from evalharness.ratings.connectivity import holding_clusters, one_way_groups
from evalharness.ratings.leave_out import leave_out_moves
from evalharness.ratings.meat import cell_meat, row_meat
from evalharness.ratings.newton import Fit, Reals
from evalharness.ratings.tally import Codes, Tally

__all__ = ["FEW_CLUSTERS", "Covariance", "IntervalMethod", "at_least", "covariance"]

_INDEPENDENT = "Intervals take every vote for independent; votes of one voter or on one prompt rarely are."

_FEW_VOTES = 20
"""Votes a parameter under which the row sandwich is not trusted to be wide enough."""

FEW_CLUSTERS = 20
"""Under this many voters or prompts the cautious sum form is used."""


class IntervalMethod(StrEnum):
    """How the uncertainty of a fit is found."""

    TWO_WAY_JACKKNIFE = "two_way_jackknife"
    """Over voters and prompts: what other people and other prompts might have said."""
    VOTER_JACKKNIFE = "voter_jackknife"
    """Over voters alone: what other people might have said of these very prompts."""
    PROMPT_JACKKNIFE = "prompt_jackknife"
    """Over prompts alone: what these very people might have said of other prompts."""
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

    With a single voter the two-way jackknife runs over prompts alone, with a single prompt over voters
    alone, and the notes say what the interval then leaves out. Raises RatingError where there is nothing
    to jackknife: a single voter on a single prompt, or a single cluster on the side that was asked for (ask
    for the row sandwich).
    """
    voters = _Side("voter", votes.voter, len(votes.voters), votes.voters_known)
    prompts = _Side("prompt", votes.prompt, len(votes.prompts), votes.prompts_known)
    match method:
        case IntervalMethod.ROW_SANDWICH:
            found = Covariance(
                _sandwich(fit, row_meat(fit)),
                np.inf,
                "row sandwich (HC0), normal quantile",
                (_INDEPENDENT,),
            )
            if votes.votes < _FEW_VOTES * fit.parameters:
                found = _floored(
                    found,
                    fit,
                    f"Only {votes.votes} votes for {fit.parameters - 1} numbers: intervals are nowhere "
                    "narrower than the model's own.",
                )
        case IntervalMethod.TWO_WAY_JACKKNIFE:
            found = _jackknifed(fit, votes, (voters, prompts))
        case IntervalMethod.VOTER_JACKKNIFE:
            found = _jackknifed(fit, votes, (voters,))
        case IntervalMethod.PROMPT_JACKKNIFE:
            found = _jackknifed(fit, votes, (prompts,))
    groups = one_way_groups(votes, draws_decide=fit.model.predictors == 1)
    if len(groups) > 1:
        found = _floored(
            found,
            fit,
            "Between these groups no decisive votes went both ways: "
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
    known: bool

    @property
    def effective(self) -> float:
        """How many clusters of equal size would be as uneven a crowd: (sum of votes)^2 / sum of votes^2.

        After Carter, Schnepel & Steigerwald 2017: a few very busy voters leave fewer degrees of freedom
        than their number.
        """
        votes = np.bincount(self.codes, minlength=self.groups).astype(float)
        return float(votes.sum() ** 2 / (votes**2).sum())


def _jackknifed(fit: Fit, votes: Tally, asked: tuple[_Side, ...]) -> Covariance:
    sides = [side for side in asked if side.groups > 1]
    if not sides:
        only = " on ".join(f"one {side.name}" for side in asked)
        raise RatingError(
            f"All votes come from {only}, so no interval can say what other {asked[0].name}s would give. "
            "Collect more, or ask for interval='row_sandwich', which speaks of repeated votes only."
        )
    few = [f"{side.groups} {side.name}s" for side in sides if side.groups < FEW_CLUSTERS]
    matrix: Reals = np.sum([_jackknife(fit, votes, side) for side in sides], axis=0)
    cells = _sandwich(fit, cell_meat(fit, votes))
    if len(sides) == 1:
        form = f"one-way cluster jackknife over {sides[0].name}s"
    elif few:
        form = "two-way cluster jackknife over voters and prompts, sum form"
    else:
        form = "two-way cluster jackknife over voters and prompts"
        matrix = matrix - cells
    freedom = max(1.0, min(side.effective for side in sides) - 1.0)
    notes = [note for side in asked if side.known and (note := _side_note(votes, side))]
    if len(asked) == 1:
        other = "prompt" if asked[0].name == "voter" else "voter"
        notes.append(f"Intervals speak of other {asked[0].name}s only; those for other {other}s are wider.")
    found = Covariance(at_least(cells / 4.0, matrix), float(freedom), form, tuple(notes))
    if not few:
        return found
    note = (
        f"Only {' and '.join(few)} ({FEW_CLUSTERS} are wanted): intervals use the cautious form, a t "
        f"quantile with {freedom:.3g} degree{'s' if freedom > 1 else ''} of freedom, and are nowhere "
        "narrower than the model's own."
    )
    return _floored(found, fit, note)


def _side_note(votes: Tally, side: _Side) -> str:
    name = side.name
    if side.groups == 1:
        return f"There is one {name} only: intervals say nothing about what other {name}s would give."
    held = len(holding_clusters(votes, side.codes))
    if not held:
        if side.effective < FEW_CLUSTERS <= side.groups:
            return (
                f"A few {name}s have most of the votes: {side.groups} {name}s say as much of other {name}s "
                f"as {side.effective:.0f} with equal shares would, and intervals are wider for it."
            )
        return ""
    subject = f"One {name} alone holds" if held == 1 else f"{held} {name}s each alone hold"
    return (
        f"{subject} the board together: without that {name} some systems would never have met, and where it "
        "is left out only the prior bridges the gap."
    )


def _jackknife(fit: Fit, votes: Tally, side: _Side) -> Reals:
    """(G - 1) / G times the summed squares of the leave-one-cluster-out moves."""
    moves = leave_out_moves(fit, votes, side.codes, side.groups)
    squares: Reals = (side.groups - 1) / side.groups * (moves.T @ moves)
    return squares


def _sandwich(fit: Fit, meat: Reals) -> Reals:
    inverse = fit.gauge @ np.linalg.inv(fit.information)
    filled: Reals = inverse @ meat @ inverse.T
    return filled


def at_least(floor: Reals, matrix: Reals) -> Reals:
    """`matrix` raised to `floor` (positive semi-definite) in every direction in which it has less."""
    lack = floor - matrix
    values, vectors = np.linalg.eigh(0.5 * (lack + lack.T))
    raised: Reals = matrix + (vectors * np.maximum(values, 0.0)) @ vectors.T
    return raised


def _floored(found: Covariance, fit: Fit, note: str) -> Covariance:
    """At least the model's own covariance in every direction, for where clusters are too few to tell."""
    own: Reals = fit.gauge @ np.linalg.inv(fit.information) @ fit.gauge.T
    matrix = at_least(own, found.matrix)
    return Covariance(matrix, found.degrees_of_freedom, found.form, (*found.notes, note))

"""Votes to ratings: `tally` codes them, an estimator fits them, `leaderboard` reports with intervals.

    tally          ballots or a DataFrame -> integer-coded arrays and pair counts
    connectivity   is everything on one scale, and who holds it together
    elo            online Elo, to see that its result depends on the order of the votes
    newton         Newton's method on pair counts, shared by `bradley_terry` and `davidson`
    intervals      two-way (voter x prompt) cluster jackknife; row sandwich
    ranks          simultaneous rank intervals
    estimate       ratings, differences, win probabilities with intervals, on the Elo scale
    board          the `Leaderboard` record with its recipe

Pure functions of votes and a seed; docs/methods.md has every formula with an example by hand.
"""

from evalharness.ratings.board import ALL_CATEGORIES, ESTIMATORS, estimate, leaderboard
from evalharness.ratings.bradley_terry import bradley_terry
from evalharness.ratings.connectivity import comparable_groups, require_comparable
from evalharness.ratings.davidson import davidson
from evalharness.ratings.elo import EloRun, EloSpread, elo, elo_spread
from evalharness.ratings.design import Rates
from evalharness.ratings.estimate import ELO_PER_LOGIT, Estimate, Interval
from evalharness.ratings.four_way import four_way
from evalharness.ratings.intervals import Covariance, IntervalMethod, covariance
from evalharness.ratings.newton import Fit
from evalharness.ratings.tally import Tally, tally, tally_frame

__all__ = [
    "ALL_CATEGORIES",
    "ELO_PER_LOGIT",
    "ESTIMATORS",
    "Covariance",
    "EloRun",
    "EloSpread",
    "Estimate",
    "Fit",
    "Interval",
    "IntervalMethod",
    "Rates",
    "Tally",
    "bradley_terry",
    "comparable_groups",
    "covariance",
    "davidson",
    "elo",
    "elo_spread",
    "estimate",
    "four_way",
    "leaderboard",
    "require_comparable",
    "tally",
    "tally_frame",
]

"""Votes to ratings whose error bars are true. Pure functions of votes and a seed.

    from evalharness.ratings import fit, read_votes
    board = fit(read_votes("votes.csv"))       # or fit(frame): columns left, right, outcome, voter, prompt
    board.table(), board.difference("a", "b")

Votes       tally, reading (CSV, Parquet, JSON), layout, gathering, cells (votes no model can tell apart)
Models      outcomes, design, maximum (the climb), newton (votes to a fit); bradley_terry, davidson,
            four_way, elo
Doubt       intervals (two-way cluster jackknife, sandwiches), leave_out, meat, bootstrap, resampling, ranks
Boards      fitting (the front door), estimate, board, controls, slices, pooling, scale, connectivity
Voters      voters (discrimination), suspicion, rings, predicted_votes, anomalies, without_voters
Fragility   influence, removal, recount: how few votes or voters decide an order
Choice      pair_choice: which pair tells most
Over time   sequential (head-to-head under peeking), betting, closed_scores; drift, innovations,
            restarts; over_time, published
Planning    simulate, long_run, design_effect, planning, power_check, more_votes

docs/methods.md has every formula with an example by hand. What is here is what a notebook starts from; the
rest is imported from the module named above.
"""

from evalharness.ratings.board import ALL_CATEGORIES, leaderboard
from evalharness.ratings.bootstrap import Bootstrap, bootstrap
from evalharness.ratings.bradley_terry import bradley_terry
from evalharness.ratings.connectivity import comparable_groups, require_comparable
from evalharness.ratings.controls import Controlled, controlled
from evalharness.ratings.davidson import davidson
from evalharness.ratings.design import Rates
from evalharness.ratings.elo import EloRun, EloSpread, elo, elo_spread
from evalharness.ratings.estimate import ELO_PER_LOGIT, Estimate, Interval
from evalharness.ratings.fitting import ESTIMATORS, estimate, fit
from evalharness.ratings.four_way import four_way
from evalharness.ratings.intervals import Covariance, IntervalMethod, covariance
from evalharness.ratings.newton import Fit
from evalharness.ratings.ranks import RankChances, Ranks, rank_chances, stepwise_ranks, tied_groups
from evalharness.ratings.reading import read_votes
from evalharness.ratings.scale import Gap, gap_of, implied_win_rate
from evalharness.ratings.sequential import HeadToHead, head_to_head
from evalharness.ratings.simulate import simulate
from evalharness.ratings.tally import Tally, tally, tally_frame

__all__ = [
    "ALL_CATEGORIES",
    "ELO_PER_LOGIT",
    "ESTIMATORS",
    "Bootstrap",
    "Controlled",
    "Covariance",
    "EloRun",
    "EloSpread",
    "Estimate",
    "Fit",
    "Gap",
    "HeadToHead",
    "Interval",
    "IntervalMethod",
    "RankChances",
    "Ranks",
    "Rates",
    "Tally",
    "bootstrap",
    "bradley_terry",
    "comparable_groups",
    "controlled",
    "covariance",
    "davidson",
    "elo",
    "elo_spread",
    "estimate",
    "fit",
    "four_way",
    "gap_of",
    "head_to_head",
    "implied_win_rate",
    "leaderboard",
    "rank_chances",
    "read_votes",
    "require_comparable",
    "simulate",
    "stepwise_ranks",
    "tally",
    "tally_frame",
    "tied_groups",
]

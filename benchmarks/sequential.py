"""How often each way of stopping a head-to-head cries wolf, and how many votes it takes to see a difference.

    python benchmarks/sequential.py [--runs 4000] [--votes 2000] [--small]

Claimed: betting on one closed score a voter, looked at after every vote, tells equal systems apart in at most
5 % of studies, whether or not voters cast many votes each; where each casts one, the median study stops by
750 decisive votes at a true win rate of 55 %, and by 200 at 60 %.

Independent: one vote a voter. Clustered: 20 votes a voter, in a row or with eight voters taking turns; each
voter shifts either system by an own normal effect of 0.8 logits, and so the difference by 1.13. The win rates
named are those of the mean voter. Beside each share of studies decided stands the median number of votes cast
at the decision, undecided studies counted as later than any; a dash where most were not decided. About a
minute.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from evalharness.ratings.betting import EProcess, Null
from evalharness.ratings.closed_scores import VOTES_PER_SCORE, Unit

ALPHA = 0.05
EVERY = 20
"""Votes between two looks of the z tests."""
PER_VOTER = VOTES_PER_SCORE[Unit.VOTER]
SPREAD = 0.8
"""Standard deviation of a voter's effect on a system, in logits."""
TOGETHER = 8
"""Voters who take turns."""
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Scenario:
    """How votes come about."""

    name: str
    rate: float
    """Win rate of the first system with the mean voter."""
    per_voter: int = 1
    at_once: int = 1


SCENARIOS = (
    Scenario("equal", 0.5),
    Scenario("55 %", 0.55),
    Scenario("60 %", 0.6),
    Scenario("equal, in a row", 0.5, PER_VOTER),
    Scenario("equal, in turns", 0.5, PER_VOTER, TOGETHER),
    Scenario("60 %, in a row", 0.6, PER_VOTER),
    Scenario("70 %, in a row", 0.7, PER_VOTER),
)


@dataclass(frozen=True)
class Votes:
    """Many simulated studies of one scenario, side by side."""

    wins: np.ndarray
    """Shape (runs, votes): whether the first system won."""
    voter: np.ndarray
    """Shape (votes,): who cast each vote, the same in every run."""


def draw(scenario: Scenario, runs: int, votes: int, seed: int) -> Votes:
    """Decisive votes of simulated voters."""
    random = np.random.default_rng(seed)
    place = np.arange(votes)
    crew = scenario.at_once * scenario.per_voter
    voter = place // crew * scenario.at_once + place % crew % scenario.at_once
    centre, spread = logit(scenario.rate), 0.0
    if scenario.per_voter > 1:
        spread = SPREAD * np.sqrt(2.0)
        centre = brentq(lambda middle: mean_rate(middle, spread) - scenario.rate, -8.0, 8.0)
    tastes = random.normal(centre, spread, (runs, voter[-1] + 1))
    return Votes(random.random((runs, votes)) < expit(tastes)[:, voter], voter)


def mean_rate(centre: float, spread: float) -> float:
    """Win rate with the mean voter when their logits are normal (Gauss-Hermite)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    return float(weights @ expit(centre + spread * nodes) / weights.sum())


def z_test(votes: Votes, looks: np.ndarray, level: float) -> np.ndarray:
    """Votes cast when |z| first passes the two-sided level at one of the looks."""
    wins = np.cumsum(votes.wins, axis=1, dtype=np.int32)[:, looks - 1]
    passed = np.abs(wins - looks / 2) / np.sqrt(looks / 4) > norm.ppf(1 - level / 2)
    return np.where(passed.any(axis=1), looks[passed.argmax(axis=1)], NEVER)


def bets(scores: np.ndarray, cast: np.ndarray) -> np.ndarray:
    """Votes cast when either direction's evidence first reaches 2 / alpha; scores of shape (runs, scores)."""
    runs = len(scores)
    above, below = (EProcess(0.5, null, runs=runs) for null in (Null.AT_MOST, Null.AT_LEAST))
    stop = np.full(runs, NEVER)
    for number in range(scores.shape[1]):
        above.add(scores[:, number])
        below.add(scores[:, number])
        decided = np.maximum(above.log_e, below.log_e) >= np.log(2.0 / ALPHA)
        stop[decided & (stop == NEVER)] = cast[number]
    return stop


def bets_on_voters(votes: Votes) -> np.ndarray:
    """One score a voter, closed with their last vote."""
    voters, first = np.unique(votes.voter, return_index=True)
    each = np.bincount(votes.voter)
    order = np.argsort(votes.voter, kind="stable")
    last = order[np.cumsum(each) - 1]
    totals = np.add.reduceat(
        votes.wins[:, order].astype(float), np.searchsorted(votes.voter[order], voters), axis=1
    )
    full = np.flatnonzero(each == each[first.argmin()])  # those cut off by the end have not closed
    closing = full[np.argsort(last[full])]
    return bets(totals[:, closing] / each[closing], last[closing] + 1)


def rules(most: int) -> dict[str, Callable[[Votes], np.ndarray]]:
    """The ways of stopping; each gives the votes cast at the decision, shape (runs,)."""
    looks = np.arange(EVERY, most + 1, EVERY)
    return {
        f"z test, peeking every {EVERY}": lambda votes: z_test(votes, looks, ALPHA),
        "z test, once at the end": lambda votes: z_test(votes, looks[-1:], ALPHA),
        f"z test, Bonferroni over {len(looks)}": lambda votes: z_test(votes, looks, ALPHA / len(looks)),
        "bets on votes, every vote": lambda votes: bets(votes.wins, np.arange(1, most + 1)),
        "ours: bets on voters, every vote": bets_on_voters,
    }


OURS = "ours: bets on voters, every vote"
TARGETS = {
    "equal": "alarms <= 5 %",
    "55 %": "median <= 750",
    "60 %": "median <= 200",
    "equal, in a row": "alarms <= 5 %",
    "equal, in turns": "alarms <= 5 %",
}


def measure(runs: int, most: int) -> dict[str, dict[str, tuple[float, float]]]:
    """By rule and scenario: share of studies decided, and median votes at the decision (infinite: none)."""
    found: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in rules(most)}
    for seed, scenario in enumerate(SCENARIOS):
        votes = draw(scenario, runs, most, seed)
        for name, rule in rules(most).items():
            stop = rule(votes)
            middle = float(np.sort(stop)[(runs - 1) // 2])
            found[name][scenario.name] = (float((stop < NEVER).mean()), middle if middle < NEVER else np.inf)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--votes", type=int, default=2000)
    parser.add_argument("--small", action="store_true", help="400 runs, in a few seconds")
    chosen = parser.parse_args()
    runs = 400 if chosen.small else chosen.runs
    began = time.perf_counter()
    found = measure(runs, chosen.votes)
    print(
        f"{runs} studies of up to {chosen.votes} decisive votes: share decided, median votes at the decision"
    )
    print(f"{'':34}" + "".join(f"{scenario.name:>18}" for scenario in SCENARIOS))
    for name, row in found.items():
        cells = (
            f"{share:.3f} {'-' if median == np.inf else format(median, '.0f'):>6}"
            for share, median in row.values()
        )
        print(f"{name:34}" + "".join(f"{cell:>18}" for cell in cells))
    print(f"{'target, ours':34}" + "".join(f"{TARGETS.get(scenario.name, ''):>18}" for scenario in SCENARIOS))
    peeking = found[f"z test, peeking every {EVERY}"]
    for name in ("equal", "equal, in a row"):
        ours = max(found[OURS][name][0], 1 / runs)
        print(f"{name}: the peeked z test cries wolf {peeking[name][0] / ours:.0f} times as often as ours")
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()

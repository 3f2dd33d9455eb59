"""How many votes a ranking needs when pairs are chosen by what is still open, and how long a choice takes.

    python benchmarks/pairs.py [--runs 60] [--votes 12000] [--small]

Claims: gap-aware choice brings the mean Kendall tau to the true order to 0.93 with at least 30 % fewer votes
than uniform choice, the same maximum-likelihood fit (Davidson) on both sides; and a battle among 300 systems
on 100 prompts, 4.5 million pairs, is drawn within 5 ms. Intervals of ratings get wider; the table says by how
much.

Each run is a board of 30 systems with true strengths of its own, normal with a standard deviation of 104 Elo,
and independent decisive votes, up to 1.5 times --votes. Adaptive policies draw a tenth of the battles
uniformly and fit again every 100 votes. "Votes to mean tau" is where the mean over runs, made monotone,
reaches the goal; beside it the median over runs of the first look (every 400 votes) that reached it, which
flatters whoever's tau wavers most. Tau and half-width are means at --votes. About two minutes; --small takes
seconds and is too small to prove the claim.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import kendalltau

from evalharness import battles
from evalharness.battles import Pair, Pool, draw
from evalharness.ratings import (
    ELO_PER_LOGIT,
    Fit,
    IntervalMethod,
    Tally,
    comparable_groups,
    covariance,
    davidson,
)
from evalharness.ratings.pair_choice import EXPLORE, pair_weights
from evalharness.ratings.simulate import Habits
from evalharness.ratings.tally import LEFT, RIGHT, tally_codes
from evalharness.records import Exhibit, JobKey, Prompt, Streams, Task

SPREAD_ELO = 104.0
GOAL = 0.93
TARGET = 0.30
BATCH = 100
"""Votes drawn at a time; adaptive policies fit again after each."""
LOOK = 4
"""Batches between two looks at tau, the same for all policies."""
Reals = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass
class Board:
    """One simulated board under one policy."""

    systems: int
    left: Codes
    right: Codes
    outcome: Codes
    fit: Fit | None = None
    """To the votes so far; None before there are any."""

    def tally(self) -> Tally:
        """The votes so far, as the estimators take them; voters and prompts play no part here."""
        alone = np.zeros(len(self.left), dtype=np.int64)
        return tally_codes(
            [f"system {i:03d}" for i in range(self.systems)],
            ["simulated"],
            ["any"],
            left=self.left,
            right=self.right,
            outcome=self.outcome,
            voter=alone,
            prompt=alone,
        )

    def meetings(self) -> Codes:
        """Shape (systems, systems): votes by system and opponent."""
        size = self.systems
        ordered = np.bincount(self.left * size + self.right, minlength=size * size).reshape(size, size)
        return ordered + ordered.T

    def spread(self) -> Reals:
        """Covariance of the strengths, votes taken for independent, as they are here."""
        assert self.fit is not None
        matrix = covariance(self.fit, self.tally(), IntervalMethod.ROW_SANDWICH).matrix
        return matrix[: self.systems, : self.systems]


Policy = Callable[[Board, np.random.Generator], tuple[Codes, Codes]]


def uniform(board: Board, random: np.random.Generator) -> tuple[Codes, Codes]:
    """Every pair alike."""
    first = random.integers(board.systems, size=BATCH)
    return first, (first + random.integers(1, board.systems, size=BATCH)) % board.systems


def balanced(board: Board, random: np.random.Generator) -> tuple[Codes, Codes]:
    """The pairs that met least, ties drawn."""
    first, second = np.triu_indices(board.systems, 1)
    met = board.meetings()[first, second].astype(float)
    chosen = np.empty(BATCH, dtype=np.int64)
    for battle in range(BATCH):
        chosen[battle] = random.choice(np.flatnonzero(met == met.min()))
        met[chosen[battle]] += 1
    return first[chosen], second[chosen]


def closest(board: Board, random: np.random.Generator) -> tuple[Codes, Codes]:
    """A system drawn at random meets the one next to it in rating; a tenth of the battles are uniform."""
    if board.fit is None:
        return uniform(board, random)
    distance = np.abs(board.fit.strengths[:, None] - board.fit.strengths[None, :])
    np.fill_diagonal(distance, np.inf)
    first, second = uniform(board, random)
    adaptive = random.random(BATCH) >= EXPLORE
    second[adaptive] = distance.argmin(axis=1)[first[adaptive]]
    return first, second


def gap_aware(board: Board, random: np.random.Generator) -> tuple[Codes, Codes]:
    """As the arena chooses: `pair_weights`, newcomers and exploration included."""
    if board.fit is None:
        return uniform(board, random)
    weights = np.triu(pair_weights(board.fit.strengths, board.spread(), board.meetings()), 1)
    cell = random.choice(weights.size, BATCH, p=weights.ravel() / weights.sum())
    return np.divmod(cell, board.systems)


POLICIES: Mapping[str, Policy] = {
    "uniform": uniform,
    "balanced": balanced,
    "closest rating": closest,
    "gap-aware": gap_aware,
}
ADAPTIVE = ("closest rating", "gap-aware")


@dataclass(frozen=True)
class Result:
    """One policy over all runs."""

    taus: Reals
    """Shape (runs, looks)."""
    tau: float
    """Mean at the stated number of votes."""
    half_width_elo: float
    """Of a 95 % interval of a rating, there; mean over systems and runs."""

    @property
    def to_mean(self) -> float:
        """Votes at which the mean tau over runs reached the goal; infinite where it did not."""
        return votes_to_goal(self.taus.mean(axis=0))

    @property
    def to_first(self) -> float:
        """Votes at the first look that reached it, median over runs."""
        first = (1 + (self.taus >= GOAL).argmax(axis=1)) * float(LOOK * BATCH)
        return float(np.median(np.where((self.taus >= GOAL).any(axis=1), first, np.inf)))

    def against(self, base: Result) -> tuple[float, float, float]:
        """Votes to the mean goal relative to `base`, less one, with a 95 % bootstrap interval over boards."""
        random = np.random.default_rng(1)
        runs = len(self.taus)
        ratios = []
        for _ in range(500):
            boards = random.integers(runs, size=runs)
            theirs = votes_to_goal(base.taus[boards].mean(axis=0))
            ratios.append(min(votes_to_goal(self.taus[boards].mean(axis=0)), 1e9) / min(theirs, 1e9) - 1)
        low, high = np.quantile(ratios, (0.025, 0.975))
        return self.to_mean / base.to_mean - 1, float(low), float(high)


def votes_to_goal(tau: Reals) -> float:
    """Where a course of tau over looks, made monotone, reaches the goal."""
    smooth = isotonic_regression(tau).x
    at = LOOK * BATCH * np.arange(1, len(smooth) + 1)
    if smooth[-1] < GOAL:
        return np.inf
    return float(np.interp(GOAL, smooth, at))


def course(name: str, systems: int, votes: int, seed: int) -> tuple[Reals, float]:
    """One run: tau at every look up to 1.5 times `votes`, and the mean half-width in Elo at `votes`."""
    truth = np.random.default_rng([seed, 0]).normal(0.0, SPREAD_ELO / ELO_PER_LOGIT, systems)
    random = np.random.default_rng([seed, 1])
    habits = Habits(tie=0.0, tie_slope=0.0)
    nothing = np.empty(0, dtype=np.int64)
    board = Board(systems, nothing, nothing, nothing)
    taus, half_width = [], np.nan
    for batch in range(1, int(1.5 * votes) // BATCH + 1):
        left, right = POLICIES[name](board, random)
        won = random.random(BATCH) < habits.shares(truth[left], truth[right])[LEFT]
        board.left = np.concatenate([board.left, left])
        board.right = np.concatenate([board.right, right])
        board.outcome = np.concatenate([board.outcome, np.where(won, LEFT, RIGHT)])
        looks = batch % LOOK == 0
        if looks or name in ADAPTIVE:
            votes_so_far = board.tally()
            if board.fit is not None or len(comparable_groups(votes_so_far)) == 1:
                board.fit = davidson(votes_so_far, order_effect=False)
        if looks:
            taus.append(0.0 if board.fit is None else kendalltau(board.fit.strengths, truth).statistic)
        if batch * BATCH == votes:
            half_width = 1.96 * ELO_PER_LOGIT * float(np.sqrt(np.diag(board.spread())).mean())
    return np.array(taus), half_width


def result(name: str, *, systems: int = 30, votes: int = 12_000, runs: int = 60) -> Result:
    """Run a policy on boards 0 to `runs` - 1; every policy meets the same true strengths.

    `votes` must be a multiple of the votes between looks.
    """
    courses = [course(name, systems, votes, seed) for seed in range(runs)]
    taus = np.stack([tau for tau, _ in courses])
    at_votes = taus[:, votes // (LOOK * BATCH) - 1]
    return Result(taus, float(at_votes.mean()), float(np.mean([width for _, width in courses])))


def draw_times_ms(systems: int = 300, prompts: int = 100, draws: int = 200) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of a draw by policy, for voters of 20 battles each, in milliseconds.

    Keeping the tally is part of a draw. The last entry is the making of a preference (median and longest),
    which the arena does beside the voting, not in it.
    """
    streams = Streams("mp4", 1.0, 64, 48, 24.0, 24, "h264", "yuv420p")
    asked = [Prompt(f"p{i:03d}", Task.TEXT_TO_VIDEO, "Any.", "en", "CC0-1.0") for i in range(prompts)]
    names = [f"system {i:03d}" for i in range(systems)]
    shelf = [
        Exhibit(f"{one.id}/{name}", JobKey(name, one.id, 1), "", one.id, "", "", 1, streams, False, None)
        for one, name in product(asked, names)
    ]
    pool = Pool(asked, shelf)
    truth = np.random.default_rng(1).normal(0.0, SPREAD_ELO / ELO_PER_LOGIT, systems)
    met = np.full((systems, systems), 2) - 2 * np.eye(systems, dtype=np.int64)
    making = []
    for _ in range(5):
        start = time.perf_counter()
        weights = pair_weights(truth, np.diag(np.full(systems, 0.01)), met)
        making.append(1e3 * (time.perf_counter() - start))
    preference = {asked[0].category: weights[pool.first, pool.second]}
    times = {}
    for policy in ("uniform", "balanced", "gap_aware"):
        tally, rng, took = battles.Tally(pool), Random(1), []
        shown: set[Pair] = set()
        for number in range(draws):
            if number % 20 == 0:
                shown = set()
            start = time.perf_counter()
            drawn = draw(pool, shown, tally, policy, rng, preference)
            assert drawn is not None
            tally.add(drawn.category, drawn.pair, drawn.left.clip.system, drawn.right.clip.system)
            took.append(1e3 * (time.perf_counter() - start))
            shown.add(drawn.pair)
        times[policy] = (float(np.median(took)), float(np.quantile(took, 0.95)))
    times["(preference made anew)"] = (float(np.median(making)), float(max(making)))
    return times


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--votes", type=int, default=12_000)
    parser.add_argument("--small", action="store_true", help="2 runs of 2,000 votes")
    given = parser.parse_args()
    runs, votes = (2, 2_000) if given.small else (given.runs, given.votes)
    if votes < 2 * LOOK * BATCH or votes % (LOOK * BATCH):
        parser.error(f"--votes must be a multiple of {LOOK * BATCH}, and {2 * LOOK * BATCH} or more")
    print(f"{runs} boards of 30 systems; tau and half-width at {votes:,} votes")
    print(f"{'':18}{'votes to':>12}{'against uniform':>24}{'first look,':>13}{'tau':>8}{'half-width,':>13}")
    print(f"{'':18}{f'mean tau {GOAL}':>12}{'(95 % over boards)':>24}{'median':>13}{'':>8}{'Elo':>13}")
    base = result("uniform", votes=votes, runs=runs)
    for name in POLICIES:
        found = base if name == "uniform" else result(name, votes=votes, runs=runs)
        less = ""
        if name != "uniform" and np.isfinite([found.to_mean, base.to_mean]).all():
            less = "{:+.0%} ({:+.0%} to {:+.0%})".format(*found.against(base))
        print(
            f"{name:18}{found.to_mean:12,.0f}{less:>24}{found.to_first:13,.0f}"
            f"{found.tau:8.3f}{found.half_width_elo:13.1f}",
            flush=True,
        )
    print(f"Target for gap-aware: {-TARGET:+.0%} or less")
    print("\nOne draw, 300 systems on 100 prompts: median and 95th percentile, ms (target 5)")
    for name, (median, high) in draw_times_ms().items():
        print(f"{name:24}{median:8.2f}{high:8.2f}")


if __name__ == "__main__":
    main()

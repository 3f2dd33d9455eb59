"""Does the 95 % interval of a newcomer hold, however many votes the board already has?

    python benchmarks/newcomer.py [--boards 150] [--taste-boards 150 100] [--small]

Claim: a newcomer with 100, 300 or 1,000 votes on a board of 100,000, 1 or 5 million has an interval that
covers the truth 93 to 97 times in 100. Where a ridge that grows with the board is added to the Hessian, as in
arena-rank 0.1.1 (1e-5 times the number of votes on its diagonal, the fit itself left alone), it does not: the
newcomer's few votes are outweighed by the ridge, and the interval shrinks towards nothing.

Each board has 40 systems: 28 veterans and four newcomers of each size, so one board tests twelve. The first
table has independent votes, and the truth is what the votes were drawn from (for half-win Bradley-Terry, its
long run). In the second, voters and prompts shift each system by effects of 0.4 logits, and the default
interval is beside the row sandwich. Coverage / mean half-width in Elo; +- two standard errors of coverage
at the foot. The first table takes half a minute, the second two and a half.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalharness.ratings import (
    ELO_PER_LOGIT,
    Fit,
    IntervalMethod,
    Tally,
    bradley_terry,
    covariance,
    davidson,
)
from evalharness.ratings.long_run import long_run
from evalharness.ratings.simulate import Habits, pair_chances, simulate

Reals = NDArray[np.float64]

SYSTEMS, TWINS = 40, 4
NEWCOMERS = (100, 300, 1_000)
"""Votes of a newcomer; there are `TWINS` of each."""
TOTALS = (100_000, 1_000_000, 5_000_000)
TASTE_TOTALS = (100_000, 1_000_000)
SPREAD, TIE, ORDER_EFFECT = 0.4, 0.7, 0.05
RIDGE = 1e-5
"""arena-rank 0.1.1, `hessian_reg`: times the number of votes, on the diagonal of the summed Hessian."""
NORMAL_95 = 1.959964


@dataclass
class Score:
    """How the intervals of one kind of newcomer did."""

    covered: list[bool] = field(default_factory=list)
    half_width: list[float] = field(default_factory=list)

    def add(self, covered: NDArray[np.bool_], reach: Reals) -> None:
        """Count the twins of one board; `reach` in logits."""
        self.covered.extend(bool(each) for each in covered)
        self.half_width.extend(ELO_PER_LOGIT * reach)

    @property
    def coverage(self) -> float:
        """Share of intervals that cover the truth."""
        return float(np.mean(self.covered))

    @property
    def mean_half_width(self) -> float:
        """In Elo."""
        return float(np.mean(self.half_width))

    def __str__(self) -> str:
        return f"{self.coverage:.3f} / {self.mean_half_width:.0f}"


Scores = dict[tuple[int, int, str], Score]
"""By votes of the board, votes of the newcomer, and method."""


def exposure(total: int) -> Reals:
    """Shape (systems,): veterans alike, newcomers so that they get their votes of `total` on average."""
    wanted = np.repeat(NEWCOMERS, TWINS).astype(float)
    weight = np.ones(SYSTEMS)
    for _ in range(50):
        shown = 2.0 * total * pair_chances(SYSTEMS, weight).sum(axis=1)
        weight[-len(wanted) :] *= wanted / shown[-len(wanted) :]
    return weight


def truth_of(seed: int) -> Reals:
    """Strengths with the spread of a public board: standard deviation 104 Elo, newcomers like others."""
    drawn = np.random.default_rng(seed).normal(0.0, 0.6, SYSTEMS)
    return drawn - drawn.mean()


def independent_board(truth: Reals, total: int, seed: int) -> Tally:
    """Independent votes, drawn as counts by ordered pair and outcome: millions in a few milliseconds."""
    random = np.random.default_rng(seed)
    habits = Habits(tie=TIE, order_effect=ORDER_EFFECT)
    met = random.multinomial(total, pair_chances(SYSTEMS, exposure(total)).ravel())
    shares = habits.shares(truth[:, None], truth[None, :]).reshape(4, -1).T
    counts = random.multinomial(met, shares).T
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    outcome, pair = np.divmod(cell, SYSTEMS**2)
    left, right = np.divmod(pair, SYSTEMS)
    names = tuple(f"simulated system {number:02d}" for number in range(1, SYSTEMS + 1))
    nobody = np.broadcast_to(np.int64(0), total)  # the row sandwich asks neither who voted nor on what
    square = counts.reshape(4, SYSTEMS, SYSTEMS)
    return Tally(
        names, ("simulated voter",), ("simulated prompt",), left, right, outcome, nobody, nobody, square
    )


def row_reach(fit: Fit, votes: Tally, method: IntervalMethod = IntervalMethod.ROW_SANDWICH) -> Reals:
    """Shape (systems,): half-widths of 95 % intervals, in logits."""
    found = covariance(fit, votes, method)
    return found.quantile(0.95) * np.sqrt(np.diag(found.matrix)[:SYSTEMS])


def ridge_reach(fit: Fit, votes: Tally) -> Reals:
    """The half-widths that (H + RIDGE N)^-1 M (H + RIDGE N)^-1 gives, ties half: arena-rank's covariance."""
    gap = fit.strengths[:, None] - fit.strengths[None, :]
    chance = 1.0 / (1.0 + np.exp(-gap))
    answer = np.array([1.0, 0.0, 0.5, 0.5])[:, None, None]
    hessian = laplacian(votes.pairs * chance * (1.0 - chance))
    meat = laplacian((votes.counts * (answer - chance) ** 2).sum(axis=0))
    inverse = np.linalg.inv(hessian + RIDGE * votes.votes * np.eye(SYSTEMS))
    return NORMAL_95 * np.sqrt(np.diag(inverse @ meat @ inverse))


def laplacian(by_pair: Reals) -> Reals:
    """Second-order terms by ordered pair as a matrix over systems."""
    both = by_pair + by_pair.T
    return np.diag(both.sum(axis=1)) - both


def without_tastes(totals: tuple[int, ...], boards: int, seed: int = 1) -> Scores:
    """The first table."""
    scores: Scores = defaultdict(Score)
    for total in totals:
        for board in range(boards):
            truth = truth_of(seed + board)
            votes = independent_board(truth, total, seed + board)
            ties_apart = davidson(votes)
            add(scores, total, "Davidson", ties_apart, truth, row_reach(ties_apart, votes))
            half = bradley_terry(votes)
            half_truth = long_run(
                truth,
                tie=TIE,
                order_effect=ORDER_EFFECT,
                exposure=exposure(total),
                estimator="bradley_terry",
                fit_order_effect=False,
            )
            add(scores, total, "half-win BT", half, half_truth, row_reach(half, votes))
            add(scores, total, "ridge 1e-5 N", half, half_truth, ridge_reach(half, votes))
    return scores


def with_tastes(totals: tuple[int, ...], boards: tuple[int, ...], seed: int = 1) -> Scores:
    """The second table: 50 votes a voter on average, 500 prompts."""
    scores: Scores = defaultdict(Score)
    for total, number in zip(totals, boards, strict=True):
        tastes = {"voter_spread": SPREAD, "prompt_spread": SPREAD, "tie": TIE, "exposure": exposure(total)}
        for board in range(number):
            truth = truth_of(seed + board)
            target = long_run(truth, order_effect=ORDER_EFFECT, **tastes)
            votes = simulate(
                truth,
                votes=total,
                seed=seed + board,
                voters=total // 50,
                prompts=500,
                order_effect=ORDER_EFFECT,
                **tastes,
            )
            fit = davidson(votes)
            for name, method in {
                "two-way (default)": IntervalMethod.TWO_WAY_JACKKNIFE,
                "row sandwich": IntervalMethod.ROW_SANDWICH,
            }.items():
                add(scores, total, name, fit, target, row_reach(fit, votes, method))
    return scores


def add(scores: Scores, total: int, method: str, fit: Fit, truth: Reals, reach: Reals) -> None:
    """Score every newcomer of one board."""
    covered = np.abs(fit.strengths - truth) <= reach
    for place, newcomer in enumerate(NEWCOMERS):
        twins = slice(
            SYSTEMS - TWINS * (len(NEWCOMERS) - place), SYSTEMS - TWINS * (len(NEWCOMERS) - place - 1)
        )
        scores[total, newcomer, method].add(covered[twins], reach[twins])


def rows(scores: Scores) -> Iterator[str]:
    """The table, line by line; methods in the order in which they were scored."""
    methods = list(dict.fromkeys(method for _, _, method in scores))
    yield f"{'votes':>10}{'of newcomer':>13}" + "".join(f"{method:>20}" for method in methods)
    for total, newcomer in dict.fromkeys((total, newcomer) for total, newcomer, _ in scores):
        cells = [str(scores[total, newcomer, method]) for method in methods]
        yield f"{total:>10,}{newcomer:>13,}" + "".join(f"{cell:>20}" for cell in cells)
    sizes = {total: len(score.covered) for (total, _, _), score in scores.items()}
    errors = ", ".join(f"{2 * np.sqrt(0.95 * 0.05 / size):.3f} at {total:,}" for total, size in sizes.items())
    yield f"+- {errors}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=150, help="boards a size, independent votes")
    parser.add_argument(
        "--taste-boards", type=int, nargs=len(TASTE_TOTALS), default=[150, 100], help="the same with tastes"
    )
    parser.add_argument("--small", action="store_true", help="a glance, in seconds")
    asked = parser.parse_args()
    print("Independent votes: coverage of nominal 95 % / half-width in Elo\n")
    totals = TOTALS[:2] if asked.small else TOTALS
    print("\n".join(rows(without_tastes(totals, 10 if asked.small else asked.boards))), flush=True)
    print(f"\nVoters and prompts with tastes of {SPREAD} logits, Davidson\n")
    taste_totals = TASTE_TOTALS[:1] if asked.small else TASTE_TOTALS
    taste_boards = (5,) if asked.small else tuple(asked.taste_boards)
    print("\n".join(rows(with_tastes(taste_totals, taste_boards))))


if __name__ == "__main__":
    main()

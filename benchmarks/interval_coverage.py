"""How often 95 % intervals, and rank intervals, cover the truth when voters and prompts have tastes.

    python benchmarks/interval_coverage.py [--boards 200] [--small] [--votes-file hdrvdc_bright.csv]

Simulated: each board has 20 systems, 6,000 votes, 150 voters of very uneven activity (1 / rank: the busiest
casts 18 % of the votes) and 80 prompts; every voter and every prompt shifts every system by its own normal
effect (standard deviation in logits). The truth is what each estimator converges to with ever more voters and
prompts (`long_run`; for the four-way model a board of two million votes). Printed: share of ratings whose
interval covers it, mean half-width in Elo, and the share of boards on which *all* 20 rank intervals hold the
true rank. "rows" takes votes for independent, as arena-rank, evalica and FastChat do in their own ways; its
ranks come from intervals that do not overlap, as theirs do.

Real votes (--votes-file, the HDR-VDC table with columns observer, scene, condition_1, condition_2,
selection): ratings from one half of the voters, or of the scenes, against those from the other half, 200
random splits. Printed: how often the difference lies within its own interval. About six minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from evalharness.ratings import (
    ELO_PER_LOGIT,
    Fit,
    IntervalMethod,
    Tally,
    bradley_terry,
    covariance,
    davidson,
    four_way,
    tally_frame,
)
from evalharness.ratings.long_run import long_run
from evalharness.ratings.ranks import stepwise_ranks
from evalharness.ratings.simulate import simulate

SYSTEMS = 20
SIZE = {"votes": 6_000, "voters": 150, "prompts": 80, "activity": 1.0}
SCENARIOS = {
    "no clusters": (0.0, 0.0),
    "voters and prompts 0.4": (0.4, 0.4),
    "voters and prompts 0.8": (0.8, 0.8),
    "voters 0.8": (0.8, 0.0),
    "prompts 0.8": (0.0, 0.8),
}
JACKKNIFE, SANDWICH = IntervalMethod.TWO_WAY_JACKKNIFE, IntervalMethod.ROW_SANDWICH
METHODS: dict[str, tuple[Callable[[Tally], Fit], IntervalMethod]] = {
    "Davidson, two-way": (davidson, JACKKNIFE),
    "four-way, two-way": (four_way, JACKKNIFE),
    "half wins, two-way": (bradley_terry, JACKKNIFE),
    "half wins, voters": (bradley_terry, IntervalMethod.VOTER_JACKKNIFE),
    "half wins, rows": (bradley_terry, SANDWICH),
}


@dataclass
class Score:
    """What one method did in one scenario."""

    covered: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    ranks: list[bool] = field(default_factory=list)

    def cell(self) -> str:
        """Coverage, half-width, ranks."""
        return f"{np.mean(self.covered):.3f} / {np.mean(self.width):2.0f} / {np.mean(self.ranks):.2f}"


def measured(boards: int, scenario: str, seed: int = 5) -> dict[str, Score]:
    """Every method on the same boards of one scenario."""
    strengths = np.random.default_rng(0).normal(0, 0.6, SYSTEMS)
    voter_spread, prompt_spread = SCENARIOS[scenario]
    spread = {"voter_spread": voter_spread, "prompt_spread": prompt_spread, "both_bad": 0.1}
    targets = {
        davidson: long_run(strengths, **spread),
        bradley_terry: long_run(strengths, **spread, estimator="bradley_terry", fit_order_effect=False),
        four_way: four_way(
            simulate(strengths, votes=2_000_000, voters=60_000, prompts=60_000, activity=0, seed=1, **spread)
        ).strengths,
    }
    found = {name: Score() for name in METHODS}
    for board in range(boards):
        votes = simulate(strengths, **SIZE, seed=seed * 10_000 + board, **spread)
        for name, (fitted, method) in METHODS.items():
            fit = fitted(votes)
            spread_found = covariance(fit, votes, method)
            matrix = spread_found.matrix[:SYSTEMS, :SYSTEMS]
            reach = spread_found.quantile(0.95) * np.sqrt(np.diag(matrix))
            target = targets[fitted]
            found[name].covered.append(float((np.abs(fit.strengths - target) <= reach).mean()))
            found[name].width.append(float(reach.mean()) * ELO_PER_LOGIT)
            if method is SANDWICH:
                low, high = fit.strengths - reach, fit.strengths + reach
                best = 1 + (low[None, :] > high[:, None]).sum(axis=1)
                worst = SYSTEMS - (high[None, :] < low[:, None]).sum(axis=1)
            else:
                ranks = stepwise_ranks(
                    fit.strengths, matrix, spread_found.degrees_of_freedom, 0.95, seed=board
                )
                best, worst = ranks.best, ranks.worst
            true = 1 + (target[None, :] > target[:, None]).sum(axis=1)
            found[name].ranks.append(bool(((best <= true) & (true <= worst)).all()))
    return found


def split_agreement(votes: Tally, by: str, method: IntervalMethod, splits: int, seed: int = 3) -> float:
    """Share of ratings from one half that differ from the other half's by no more than their interval."""
    codes = votes.voter if by == "voters" else votes.prompt
    groups = int(codes.max()) + 1
    random = np.random.default_rng(seed)
    inside: list[float] = []
    for _ in range(splits):
        chosen = np.isin(codes, random.permutation(groups)[: groups // 2])
        halves = [votes.where(chosen, compact=True), votes.where(~chosen, compact=True)]
        fits = [davidson(half, order_effect=False) for half in halves]
        spreads = [covariance(fit, half, method) for fit, half in zip(fits, halves, strict=True)]
        size = len(votes.systems)
        error = np.sqrt(sum(np.diag(spread.matrix)[:size] for spread in spreads))
        reach = min(spread.quantile(0.95) for spread in spreads) * error
        inside.append(float((np.abs(fits[0].strengths - fits[1].strengths) <= reach).mean()))
    return float(np.mean(inside))


def video_votes(path: Path) -> Tally:
    """The HDR-VDC table as a tally: condition 1 on the left, though no screen side is documented."""
    table = pd.read_csv(path)
    table["outcome"] = table["selection"].map({1: "left", 2: "right", 0: "right"})
    return tally_frame(table, left="condition_1", right="condition_2", voter="observer", prompt="scene")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--small", action="store_true", help="10 boards, 10 splits")
    parser.add_argument("--votes-file", type=Path, default=Path("../shared/data/votes/hdrvdc_bright.csv"))
    given = parser.parse_args()
    boards = 10 if given.small else given.boards
    print(f"{boards} boards a row: coverage / half-width in Elo / all ranks right\n")
    print(f"{'tastes, logits':24}" + "".join(f"{name:>22}" for name in METHODS))
    for scenario in SCENARIOS:
        scores = measured(boards, scenario)
        print(f"{scenario:24}" + "".join(f"{score.cell():>22}" for score in scores.values()), flush=True)
    if not given.votes_file.is_file():
        print(f"\nNo real votes at {given.votes_file}: splits skipped.")
        return
    votes, splits = video_votes(given.votes_file), 10 if given.small else 200
    print(f"\n{votes.votes:,} real video votes, {splits} splits: share of ratings inside their interval")
    print(f"{'halves of the':24}{'two-way':>12}{'one-way':>12}{'rows':>12}")
    for by, own in (("voters", IntervalMethod.VOTER_JACKKNIFE), ("prompts", IntervalMethod.PROMPT_JACKKNIFE)):
        shares = [split_agreement(votes, by, method, splits) for method in (JACKKNIFE, own, SANDWICH)]
        print(f"{by:24}" + "".join(f"{share:12.3f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()

"""What pooling buys in thin slices, on simulated votes whose truth is known.

    python benchmarks/slices.py [--small] [--boards 60]

Claims: ratings pooled towards the whole board are nearer the truth than the slice's own and, where slices
differ, than the whole board's; their 95 % intervals cover 93-97 % on average over systems; tau is recovered.

Each board: 12 systems in 8 slices of 60 to 1,200 votes, 20 prompts each; the four thinnest lack two systems.
The same 150 voters, of uneven activity, vote everywhere; voters and prompts shift every system by normal
effects (standard deviation in logits, first column). Strengths in a slice are those of the study plus normal
deviations of standard deviation tau. The truth is what a fit converges to with ever more votes.

Printed, in Elo: root mean square error of the slice's own ratings, the whole board's and the pooled ones;
share of intervals that cover, for own, pooled, and pooled where the system has no vote in the slice; mean
half-width of the pooled; tau as it was among these slices, as estimated, and how often its interval holds it.
About two minutes; --small takes seconds and is too few boards to judge by.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalharness.ratings import ELO_PER_LOGIT, Tally
from evalharness.ratings.long_run import long_run
from evalharness.ratings.simulate import Habits
from evalharness.ratings.slices import slices
from evalharness.ratings.tally import tally_codes

SYSTEMS, VOTERS, PROMPTS, TIE = 12, 150, 20, 0.7
SIZES = np.geomspace(60, 1200, 8).astype(int)
SCENARIOS = [(spread, tau) for spread in (0.0, 0.5) for tau in (0.0, 0.2, 0.5)]
Reals = NDArray[np.float64]


@dataclass
class Score:
    """What one scenario came to, over boards."""

    squares: dict[str, list[float]] = field(default_factory=lambda: {"own": [], "whole": [], "pooled": []})
    covered: dict[str, list[float]] = field(default_factory=lambda: {"own": [], "pooled": [], "absent": []})
    width: list[float] = field(default_factory=list)
    tau: list[tuple[float, float]] = field(default_factory=list)
    """True and estimated, in Elo."""
    tau_held: list[bool] = field(default_factory=list)

    def error(self, which: str) -> float:
        """Root mean square error in Elo."""
        return float(np.sqrt(np.mean(self.squares[which])))

    def cover(self, which: str) -> float:
        """Share of intervals that hold the truth."""
        return float(np.mean(self.covered[which]))


def votes_in_slices(
    random: np.random.Generator, truths: Reals, spread: float, sizes: Sequence[int]
) -> tuple[Tally, list[str]]:
    """One study of simulated voters, and each vote's slice; `truths` has shape (slices, systems)."""
    number, systems = truths.shape
    slice_of = np.repeat(np.arange(number), sizes)
    total = len(slice_of)
    busiest_first = np.arange(1.0, VOTERS + 1) ** -0.8
    voter = random.choice(VOTERS, total, p=busiest_first / busiest_first.sum())
    prompt = slice_of * PROMPTS + random.integers(PROMPTS, size=total)
    present = np.where(slice_of < number // 2, systems - 2, systems)
    first = random.integers(present)
    second = (first + random.integers(1, present)) % present
    shuffled = random.permuted(np.tile(np.arange(systems), (number, 1)), axis=1)
    left, right = shuffled[slice_of, first], shuffled[slice_of, second]
    of_voter = random.normal(0.0, spread, (VOTERS, systems))
    of_prompt = random.normal(0.0, spread, (number * PROMPTS, systems))

    def felt(system: NDArray[np.int64]) -> Reals:
        return truths[slice_of, system] + of_voter[voter, system] + of_prompt[prompt, system]

    shares = Habits(tie=TIE, tie_slope=0.0).shares(felt(left), felt(right))
    outcome = (random.random(total) > np.cumsum(shares[:-1], axis=0)).sum(axis=0)
    names = [
        [f"simulated {what} {i:03d}" for i in range(count)]
        for what, count in (("system", systems), ("voter", VOTERS), ("prompt", number * PROMPTS))
    ]
    votes = tally_codes(*names, left=left, right=right, outcome=outcome, voter=voter, prompt=prompt)
    return votes, [f"slice {k}" for k in slice_of]


def scored(spread: float, tau: float, boards: int, seed: int = 1) -> Score:
    """Simulate, pool and compare with the truth."""
    score = Score()
    for board in range(boards):
        random = np.random.default_rng([seed, board])
        truths = random.normal(0.0, 0.6, SYSTEMS) + random.normal(0.0, tau, (len(SIZES), SYSTEMS))
        votes, labels = votes_in_slices(random, truths, spread, SIZES)
        found = slices(votes, labels, estimator="davidson", anchor=0.0)
        target = ELO_PER_LOGIT * np.array(
            [
                long_run(truth, voter_spread=spread, prompt_spread=spread, tie=TIE, tie_slope=0.0)
                for truth in truths
            ]
        )
        true_tau = float(
            np.sqrt(((target - target.mean(axis=0)) ** 2).sum() / (len(SIZES) - 1) / (SYSTEMS - 1))
        )
        score.tau.append((true_tau, found.spread.value))
        score.tau_held.append(found.spread.low <= true_tau <= found.spread.high)
        for label, rated in found.rated.items():
            truth = dict(zip(votes.systems, target[int(label.removeprefix("slice "))], strict=True))
            here = np.mean([truth[row.system] for row in rated.ratings if row.votes])
            shown = np.mean([found.whole.rating(row.system).value for row in rated.ratings if row.votes])
            for row in rated.ratings:
                actual = truth[row.system]
                inside = row.pooled.low <= actual <= row.pooled.high
                if row.own is None:
                    score.covered["absent"].append(inside)
                    continue
                # The slice's own ratings are known up to the mean of its systems, so they are judged by that.
                own_truth = actual - here + shown
                score.covered["own"].append(row.own.low <= own_truth <= row.own.high)
                score.covered["pooled"].append(inside)
                score.width.append((row.pooled.high - row.pooled.low) / 2)
                score.squares["own"].append((row.own.value - own_truth) ** 2)
                score.squares["whole"].append((found.whole.rating(row.system).value - actual) ** 2)
                score.squares["pooled"].append((row.pooled.value - actual) ** 2)
    return score


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=60)
    parser.add_argument("--small", action="store_true", help="three boards a row")
    given = parser.parse_args()
    boards = 3 if given.small else given.boards
    print(f"{boards} boards a row; target for coverage of pooled intervals: 0.93-0.97 on average")
    print(f"{'':14}{'error, Elo':^21}{'95 % intervals cover':^24}{'half-':>7}{'tau, Elo':^20}")
    heads = ("own", "whole", "pooled", "own", "pooled", "absent", "width", "true", "found", "held")
    print(
        f"{'effects, tau':14}"
        + "".join(f"{head:>{7 if i < 3 or i > 5 else 8}}" for i, head in enumerate(heads))
    )
    for spread, tau in SCENARIOS:
        found = scored(spread, tau, boards)
        true_tau, estimate = np.mean(found.tau, axis=0)
        print(
            f"{f'{spread:g}, {tau:g}':14}"
            + "".join(f"{found.error(which):7.1f}" for which in ("own", "whole", "pooled"))
            + "".join(f"{found.cover(which):8.3f}" for which in ("own", "pooled", "absent"))
            + f"{np.mean(found.width):7.0f}{true_tau:7.1f}{estimate:7.1f}{np.mean(found.tau_held):7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""How few votes, voters or prompts decide the order of a board, on real and on simulated votes.

    python benchmarks/influence.py [--small] [--votes 1000000] [--systems 50] [--data FOLDER]

Claims: all neighbours and first place of 1,000,000 votes on 50 systems are searched, each number confirmed by
a refit, in a few seconds; on tiny boards the numbers found are the fewest there are in nearly every case.

Real votes: `llmfao_crowd.csv` (59 language models, 8,931 votes, 124 voters, 13 prompts; Dustalov, CC BY
4.0) and `hdrvdc_bright.csv` (18 video conditions, 12,898 votes, 30 voters, 16 scenes; HDR-VDC, MIT), read
from FOLDER, by default ../shared/data/votes; left out, with a line that says so, where they are not there.
Simulated boards have voters and prompts with tastes of their own.

Printed for each board: seconds; votes, voters and prompts whose removal costs the first place; medians of
that over neighbours; pairs that one voter decides; added wins that lift the median system by one rank. Then,
on tiny boards, how often as few are found as by trying every subset. About a minute.
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from evalharness.errors import RatingError
from evalharness.ratings import Tally, davidson, tally_frame
from evalharness.ratings.influence import Influence, Unit, influence, votes_to_lift
from evalharness.ratings.newton import order_identifiable
from evalharness.ratings.simulate import simulate

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "votes"


def real_boards(folder: Path) -> dict[str, Tally]:
    """The real votes that are there."""
    found = {}
    crowd, video = folder / "llmfao_crowd.csv", folder / "hdrvdc_bright.csv"
    if crowd.exists():
        found["LLMFAO, real"] = tally_frame(pd.read_csv(crowd), outcome="winner", voter="worker")
    if video.exists():
        frame = pd.read_csv(video)
        frame["outcome"] = frame["selection"].map({1: "left", 0: "right"})
        found["HDR-VDC, real"] = tally_frame(
            frame, left="condition_1", right="condition_2", voter="observer", prompt="scene", sides=False
        )
    return found


def simulated_board(votes: int, systems: int) -> Tally:
    """Voters and prompts with tastes, uneven activity and exposure."""
    return simulate(
        np.random.default_rng(1).normal(0.0, 0.6, systems),
        votes=votes,
        seed=1,
        voters=max(30, votes // 50),
        prompts=max(20, votes // 1000),
        voter_spread=0.5,
        prompt_spread=0.3,
        both_bad=0.2,
        exposure=1.0 / np.arange(1, systems + 1) ** 0.5,
    )


def row(name: str, votes: Tally) -> str:
    """One line of the table."""
    start = time.perf_counter()
    found = influence(votes)
    seconds = time.perf_counter() - start
    middle = found.pairs[len(found.pairs) // 2].below
    lift = votes_to_lift(votes, middle)
    sizes = f"{votes.votes:,} x {len(votes.systems)}"
    first = " / ".join(_number(found.first_place[unit] and found.first_place[unit].count) for unit in Unit)
    median = " / ".join(_number(_median(found, unit)) for unit in Unit)
    alone = sum((flip := pair.flips[Unit.VOTERS]) is not None and flip.count == 1 for pair in found.pairs)
    price = "-" if lift is None else f"{lift.votes:,}"
    decided = f"{alone} of {len(found.pairs)}"
    return f"{name:16}{sizes:>16}{seconds:8.2f}{first:>18}{median:>18}{decided:>14}{price:>9}"


def _median(found: Influence, unit: Unit) -> int | None:
    """Over neighbours, those that nothing was found to flip counting as hardest."""
    counts = sorted(flip.count if (flip := pair.flips[unit]) is not None else np.inf for pair in found.pairs)
    middle = counts[len(counts) // 2]
    return None if np.isinf(middle) else int(middle)


def _number(count: int | None) -> str:
    return "none" if count is None else f"{count:,}"


def fewest_by_trying(votes: Tally, unit: Unit, above: str, below: str, upto: int) -> int | None:
    """The smallest removal that flips the order, by removing every subset of up to `upto`."""
    order = order_identifiable(votes)
    codes = {Unit.VOTES: np.arange(votes.votes), Unit.VOTERS: votes.voter, Unit.PROMPTS: votes.prompt}[unit]
    upper, lower = votes.systems.index(above), votes.systems.index(below)
    for size in range(1, upto + 1):
        for removed in combinations(range(int(codes.max()) + 1), size):
            try:
                fit = davidson(votes.where(~np.isin(codes, removed)), order_effect=order)
            except RatingError:  # not comparable, or only ties: nobody would publish that board
                continue
            if fit.strengths[upper] - fit.strengths[lower] < -1e-9:
                return size
    return None


def against_trying(boards: int) -> tuple[int, int, int]:
    """On tiny boards: flips found by trying every subset, how many here as few, and how many fewer."""
    tried, exact, fewer = 0, 0, 0
    for seed in range(boards):
        votes = simulate(
            [0.5, 0.2, 0.0, -0.4], votes=26, seed=seed, voters=9, prompts=6, tie=0.5, both_bad=0.2
        )
        try:
            found = influence(votes, estimator="davidson", most=0.9)
        except RatingError:  # these few votes allow no rating
            continue
        for pair in found.pairs:
            for unit, upto in ((Unit.VOTES, 1), (Unit.VOTERS, 2), (Unit.PROMPTS, 3)):
                fewest = fewest_by_trying(votes, unit, pair.above, pair.below, upto)
                if fewest is not None:
                    flip = pair.flips[unit]
                    tried += 1
                    exact += flip is not None and flip.count == fewest
                    fewer += flip is not None and flip.count < fewest
    return tried, exact, fewer


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--systems", type=int, default=50)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--small", action="store_true", help="10,000 votes on 12 systems, few tiny boards")
    given = parser.parse_args()
    size = (10_000, 12) if given.small else (given.votes, given.systems)
    boards = real_boards(given.data)
    if len(boards) < 2:
        print(f"Not all real vote files are in {given.data}; boards without them follow.")
    print(f"{'':40}{'fewest found: votes / voters / prompts':^36}{'one voter':>14}{'wins to':>9}")
    heads = f"{'':16}{'votes x systems':>16}{'seconds':>8}{'first place':>18}{'median pair':>18}"
    print(f"{heads}{'decides':>14}{'climb 1':>9}")
    for name, votes in {**boards, "simulated": simulated_board(*size)}.items():
        print(row(name, votes), flush=True)
    tried, exact, fewer = against_trying(3 if given.small else 30)
    print(f"\nTiny boards, against trying every subset: {exact} of {tried} as few, {fewer} fewer (must be 0)")


if __name__ == "__main__":
    main()

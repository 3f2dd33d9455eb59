"""Which model of ties and both-bads predicts votes it has not seen, and how long its fit takes.

    python benchmarks/four_way.py --data chatbotarena_20240814.json

The file is the one that the package leaderbot carries (leaderbot/data/ where it is installed): 1.67 million
votes on 129 language models with ties and both-bads apart. A tenth of the votes is held out at random, three
times; printed is the mean log-loss of a held-out vote over left, right, tie and both bad, and the seconds of
the fit from counts. "constant rates" ignores who is compared. Without --data votes are simulated.
Ten seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from evalharness.ratings import Fit, Rates, Tally, four_way, simulate
from evalharness.ratings.cells import cells_of
from evalharness.ratings.tally import tally_codes


def counted(left: np.ndarray, right: np.ndarray, counts: np.ndarray, systems: int) -> Tally:
    """Votes from counts of shape (pairs, 4), all by one voter on one prompt."""
    pair, outcome = (np.repeat(where, counts.ravel()) for where in map(np.ravel, np.indices(counts.shape)))
    names = [f"system {number:03d}" for number in range(systems)]
    alone = np.zeros(len(pair), dtype=np.int64)
    return tally_codes(
        names, ["v"], ["p"], left=left[pair], right=right[pair], outcome=outcome, voter=alone, prompt=alone
    )


def log_loss(fit: Fit, votes: Tally) -> float:
    """Mean of -log P(outcome) over votes that the fit has not seen."""
    cells = cells_of(votes)
    chances = fit.model.chances(fit.design.predictors(fit.theta, cells))
    return float(-(cells.counts * chances.log_likelihood).sum() / cells.counts.sum())


def constant_loss(train: np.ndarray, test: np.ndarray) -> float:
    """The same for the plain rates of the four outcomes."""
    rates = train.sum(axis=0) / train.sum()
    return float(-(test.sum(axis=0) * np.log(rates)).sum() / test.sum())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    if given.data:
        table = json.loads(given.data.read_text(encoding="utf-8"))
        pairs, counts, systems = np.array(table["X"]), np.array(table["Y"]), len(table["models"])
        left, right = pairs[:, 0], pairs[:, 1]
    else:
        systems = 40
        strengths = np.random.default_rng(0).normal(0, 0.8, systems)
        drawn = simulate(strengths, votes=400_000, seed=1, both_bad=0.6, bad_slope=0.5, tie_slope=0.3)
        left, right = np.nonzero(drawn.pairs)
        counts = drawn.counts[:, left, right].T
    print(f"{counts.sum():,} votes on {systems} systems, log-loss of the held-out tenth, three splits")
    rows: dict[str, list[tuple[float, float]]] = {}
    for seed in range(3):
        test = np.random.default_rng(seed).binomial(counts, 0.1)
        seen, unseen = (counted(left, right, part, systems) for part in (counts - test, test))
        rows.setdefault("constant rates", []).append((constant_loss(counts - test, test), 0.0))
        for rates in Rates:
            start = time.perf_counter()
            fit = four_way(seen, rates=rates)
            took = time.perf_counter() - start
            rows.setdefault(f"four-way, rates {rates.value}", []).append((log_loss(fit, unseen), took))
    for name, found in rows.items():
        loss, took = np.mean(found, axis=0)
        print(f"{name:30}{loss:8.4f}{took:10.3f} s")


if __name__ == "__main__":
    main()

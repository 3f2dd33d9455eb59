"""How long ratings with intervals take, beside choix and evalica on the same votes in the same run.

    python benchmarks/ratings_fit.py [--votes 1000000] [--systems 50]

Votes are drawn from a known Davidson model with uneven exposure, 20,000 voters and 1,000 prompts.
Fits start from integer codes: ours counts pairs first, evalica indexes the codes anew, as its call does.
choix knows no ties, so it gets the decisive votes. "Off" is the largest distance in Elo from the same
likelihood's maximum found here: 0 says that the methods agree and only the time differs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import choix
import evalica
import numpy as np
import pandas as pd

from evalharness.ratings import (
    ELO_PER_LOGIT,
    IntervalMethod,
    Tally,
    bradley_terry,
    covariance,
    davidson,
    leaderboard,
    tally_frame,
)
from evalharness.ratings.tally import LEFT


def drawn(votes: int, systems: int, seed: int = 1) -> pd.DataFrame:
    """Votes from a Davidson model, as a table with categorical columns."""
    random = np.random.default_rng(seed)
    truth = random.normal(0, 0.6, systems)
    exposure = 1 / np.arange(1, systems + 1) ** 0.5
    left = random.choice(systems, votes, p=exposure / exposure.sum())
    right = (left + random.integers(1, systems, votes)) % systems
    gap = truth[left] - truth[right] + 0.05
    weight = np.stack([np.exp(gap / 2), np.exp(-gap / 2), np.full(votes, 0.6)])
    share = np.cumsum(weight / weight.sum(axis=0), axis=0)
    outcome = np.minimum((random.random(votes) > share).sum(axis=0), 2)
    names = np.array([f"system {i:03d}" for i in range(systems)])
    return pd.DataFrame(
        {
            "left": names[left],
            "right": names[right],
            "outcome": np.array(["left", "right", "tie"])[outcome],
            "voter": random.integers(20_000, size=votes).astype(str),
            "prompt": random.integers(1_000, size=votes).astype(str),
        }
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result; the faster of two calls, so that neither side pays for a cold cache."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def counted(votes: Tally) -> np.ndarray:
    """Votes by outcome and ordered pair, as `tally` counts them."""
    size = len(votes.systems)
    return np.bincount((votes.outcome * size + votes.left) * size + votes.right, minlength=4 * size * size)


def by_evalica(votes: Tally) -> Callable[[], np.ndarray]:
    """Bradley-Terry with half-win ties by evalica's MM; its lists are made beforehand."""
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.Draw])
    columns = (votes.left.tolist(), votes.right.tolist(), winners[votes.outcome].tolist())
    return lambda: np.log(evalica.bradley_terry(*columns).scores.sort_index().to_numpy())


def by_choix(votes: Tally) -> Callable[[], np.ndarray]:
    """Bradley-Terry without ties by choix's I-LSR; its rows are made beforehand."""
    won = np.where(votes.outcome == LEFT, votes.left, votes.right)
    lost = np.where(votes.outcome == LEFT, votes.right, votes.left)
    rows = list(zip(won.tolist(), lost.tolist(), strict=True))
    return lambda: choix.ilsr_pairwise(len(votes.systems), rows, alpha=0.0)


def off(found: np.ndarray, reference: np.ndarray) -> float:
    """Largest distance between two sets of strengths, in Elo, after centring both."""
    return float(np.abs((found - found.mean()) - (reference - reference.mean())).max() * ELO_PER_LOGIT)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--systems", type=int, default=50)
    given = parser.parse_args()
    frame = drawn(given.votes, given.systems)
    coding, votes = timed(lambda: tally_frame(frame))
    decisive = tally_frame(frame[frame["outcome"] != "tie"])
    counting, _ = timed(lambda: counted(votes))
    ours, fit = timed(lambda: davidson(votes))
    half, half_fit = timed(lambda: bradley_terry(votes))
    no_ties = bradley_terry(decisive)
    rows = [
        ("names to codes", coding, ""),
        ("codes to pair counts, needed by each fit below", counting, ""),
        ("Bradley-Terry fit", half, ""),
        ("Davidson fit with order effect", ours, ""),
        ("+ row sandwich", timed(lambda: covariance(fit, votes, IntervalMethod.ROW_SANDWICH))[0], ""),
        ("+ two-way jackknife", timed(lambda: covariance(fit, votes))[0], ""),
        (
            "whole leaderboard: fit, two-way intervals, ranks, recipe",
            timed(lambda: leaderboard(votes))[0],
            "",
        ),
    ]
    seconds, scores = timed(by_evalica(votes))
    rows.append(("evalica bradley_terry, no interval", seconds, f"{off(scores, half_fit.strengths):.3f}"))
    per_evalica = seconds / (counting + half)
    seconds, scores = timed(by_choix(decisive))
    rows.append(
        ("choix ilsr_pairwise, no ties, no interval", seconds, f"{off(scores, no_ties.strengths):.3f}")
    )
    clusters = f"{len(votes.voters):,} voters, {len(votes.prompts):,} prompts"
    print(f"{given.votes:,} votes, {given.systems} systems, {clusters}")
    print(f"{'':58}{'seconds':>9}{'off, Elo':>10}")
    for name, took, distance in rows:
        print(f"{name:58}{took:9.3f}{distance:>10}")
    per_choix = seconds / (counting + half)
    print(
        f"Point fit from codes, times ours: evalica {per_evalica:.0f}, choix (decisive votes) {per_choix:.0f}"
    )


if __name__ == "__main__":
    main()

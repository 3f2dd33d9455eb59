"""How often 95 % intervals cover the truth when voters and prompts have tastes of their own.

    python benchmarks/ratings_coverage.py [--boards 80]

Each board: 20 systems, 6,000 votes, 150 voters of very uneven activity, 80 prompts. Every voter and every
prompt shifts every system by its own normal effect (standard deviation in logits). The truth is the
fit to 1.5 million votes of 20,000 other voters on 20,000 other prompts. Printed: share of ratings whose
interval covers it, and mean half-width in Elo, for the two-way jackknife and for the row sandwich (which
is what arena-rank, evalica and FastChat publish, in their own ways). About half a minute.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from evalharness.ratings import ELO_PER_LOGIT, IntervalMethod, Tally, bradley_terry, covariance, tally_frame

SYSTEMS, VOTES, VOTERS, PROMPTS = 20, 6_000, 150, 80
SCENARIOS = {
    "no clusters": (0.0, 0.0),
    "voters and prompts 0.4": (0.4, 0.4),
    "voters and prompts 0.8": (0.8, 0.8),
    "voters 0.8": (0.8, 0.0),
    "prompts 0.8": (0.0, 0.8),
}


def board(
    random: np.random.Generator,
    truth: np.ndarray,
    votes: int,
    voters: int,
    prompts: int,
    spread: tuple[float, float],
) -> Tally:
    """Votes from Davidson's model with an effect of each voter and of each prompt on each system."""
    activity = 1 / np.arange(1, voters + 1) ** 0.8
    voter = random.choice(voters, votes, p=activity / activity.sum())
    prompt = random.integers(prompts, size=votes)
    left = random.integers(SYSTEMS, size=votes)
    right = (left + random.integers(1, SYSTEMS, size=votes)) % SYSTEMS
    of_voter = random.normal(0, 1, (voters, SYSTEMS)) * spread[0]
    of_prompt = random.normal(0, 1, (prompts, SYSTEMS)) * spread[1]

    def felt(system: np.ndarray) -> np.ndarray:
        return truth[system] + of_voter[voter, system] + of_prompt[prompt, system]

    gap = felt(left) - felt(right)
    weight = np.stack([np.exp(gap / 2), np.exp(-gap / 2), np.full(votes, 0.7)])
    share = np.cumsum(weight / weight.sum(axis=0), axis=0)
    outcome = np.minimum((random.random(votes) > share).sum(axis=0), 2)
    names = np.array([f"system {i:02d}" for i in range(SYSTEMS)])
    labels = np.array(["left", "right", "tie"])
    columns = {"left": names[left], "right": names[right], "outcome": labels[outcome]}
    return tally_frame(pd.DataFrame({**columns, "voter": voter.astype(str), "prompt": prompt.astype(str)}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=80)
    boards = parser.parse_args().boards
    truth = np.random.default_rng(0).normal(0, 0.6, SYSTEMS)
    print(f"{boards} boards a row{'':16}{'two-way jackknife':>20}{'row sandwich':>20}")
    for name, spread in SCENARIOS.items():
        random = np.random.default_rng(5)
        target = bradley_terry(board(random, truth, 1_500_000, 20_000, 20_000, spread)).strengths
        covered: dict[IntervalMethod, list[float]] = {method: [] for method in IntervalMethod}
        width: dict[IntervalMethod, list[float]] = {method: [] for method in IntervalMethod}
        for _ in range(boards):
            votes = board(random, truth, VOTES, VOTERS, PROMPTS, spread)
            fit = bradley_terry(votes)
            for method in IntervalMethod:
                found = covariance(fit, votes, method)
                reach = found.quantile(0.95) * np.sqrt(np.diag(found.matrix)[:SYSTEMS])
                covered[method].append(float((np.abs(fit.strengths - target) <= reach).mean()))
                width[method].append(float(reach.mean()) * ELO_PER_LOGIT)
        cells = [f"{np.mean(covered[m]):.3f} / {np.mean(width[m]):.0f}" for m in IntervalMethod]
        print(f"{name:30}{cells[0]:>20}{cells[1]:>20}", flush=True)


if __name__ == "__main__":
    main()

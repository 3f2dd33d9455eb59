"""Does control for style find the effect that is there, and give back the ratings without it?

    python benchmarks/style.py [--boards 60] [--small] [--with-arena-rank PYTHON]

30 models, 100,000 votes a board; voters like one feature (an effect of 0.5 logits a unit, say of length), and
models differ in how much of it they have. Printed: the effect found, distance of the ratings from the truth
in Elo (RMSE and worst), and how often the 95 % intervals of effect and ratings hold the truth. Target:
95-105 % of the effect, intervals that cover 93-97 %. Half a minute. `--with-arena-rank` names a Python in
which arena-rank is installed; its contextual Bradley-Terry then runs on the first board, with and without its
ridge.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from evalharness.ratings import ELO_PER_LOGIT, Tally, controlled, simulate
from evalharness.ratings.tally import tally_codes

MODELS, VOTES, EFFECT = 30, 100_000, 0.5

PEER = """
import json, sys
import numpy as np, pandas as pd
from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
from arena_rank.utils.data_utils import ContextualPairDataset
votes = np.load(sys.argv[1])
names = np.array([f"m{i:02d}" for i in range(30)])
frame = pd.DataFrame({"model_a": names[votes["left"]], "model_b": names[votes["right"]]})
frame["winner"] = np.array(["model_a", "model_b", "tie"])[votes["outcome"]]
frame["feature"] = votes["feature"]
data = ContextualPairDataset.from_pandas(frame, feature_cols=["feature"])
for settings in ({}, {"reg": 0.0}):
    model = ContextualBradleyTerry(n_competitors=30, n_features=1, **settings)
    found = model.compute_ratings_and_cis(data)
    scores = dict(zip(found["competitors"], np.array(found["ratings"]).tolist()))
    effect = float(np.ravel(found["coeffs"])[0]) / frame["feature"].std(ddof=0)
    print(json.dumps({"effect": effect, "ratings": [scores[name] for name in names]}))
"""


def board(seed: int, votes: int) -> tuple[Tally, np.ndarray, np.ndarray]:
    """Votes, the feature's difference in each battle, and the strengths without it."""
    random = np.random.default_rng([seed, 7])
    truth = random.normal(0, 0.6, MODELS)
    usual = random.normal(0, 0.6, MODELS)
    drawn = simulate(truth, votes=votes, seed=seed, voters=2000, prompts=500, activity=0.0)
    feature = usual[drawn.left] - usual[drawn.right] + random.normal(0, 0.5, votes)
    gap = truth[drawn.left] - truth[drawn.right] + EFFECT * feature
    weight = np.exp(np.stack([gap / 2, -gap / 2, np.full(votes, np.log(0.7))]))
    share = np.cumsum(weight / weight.sum(axis=0), axis=0)
    outcome = np.minimum((random.random(votes) > share).sum(axis=0), 2)
    codes = {"left": drawn.left, "right": drawn.right, "voter": drawn.voter, "prompt": drawn.prompt}
    counted = tally_codes(drawn.systems, drawn.voters, drawn.prompts, outcome=outcome, **codes)
    return counted, feature, truth - truth.mean()


def measured(boards: int, votes: int) -> dict[str, float]:
    """Means over boards."""
    rows = []
    for seed in range(boards):
        counted, feature, truth = board(seed, votes)
        found = controlled(counted, {"feature": feature})
        interval = found.effects[0].per_unit
        plain, joint = (
            each.fit.strengths * ELO_PER_LOGIT - truth * ELO_PER_LOGIT
            for each in (found.plain, found.controlled)
        )
        ratings = [found.controlled.rating(name) for name in counted.systems]
        inside = [
            row.low <= 1000 + true * ELO_PER_LOGIT <= row.high
            for row, true in zip(ratings, truth, strict=True)
        ]
        rows.append(
            {
                "effect": interval.value / ELO_PER_LOGIT,
                "effect covered": interval.low <= EFFECT * ELO_PER_LOGIT <= interval.high,
                "RMSE": np.sqrt((joint**2).mean()),
                "worst": np.abs(joint).max(),
                "RMSE, no control": np.sqrt((plain**2).mean()),
                "worst, no control": np.abs(plain).max(),
                "ratings covered": np.mean(inside),
            }
        )
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def peer(python: Path, votes: int) -> list[str]:
    """arena-rank on the first board with its default ridge and with none, or what went wrong.

    It counts a tie as half a win, so its scale is narrower: ratings are compared after stretching both to
    the same spread.
    """
    counted, feature, truth = board(0, votes)
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "votes.npz"
        np.savez(saved, left=counted.left, right=counted.right, outcome=counted.outcome, feature=feature)
        done = subprocess.run(
            [python, "-c", PEER, saved], capture_output=True, text=True, timeout=600, check=False
        )
    if done.returncode:
        return [f"did not run: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"]
    lines = []
    for settings, line in zip(("defaults", "reg=0"), done.stdout.splitlines(), strict=True):
        found = json.loads(line)
        ratings = np.array(found["ratings"])
        stretched = (ratings - ratings.mean()) * truth.std() / ratings.std()
        error = np.sqrt(((stretched - truth) ** 2).mean()) * ELO_PER_LOGIT
        lines.append(f"{settings:10} effect {found['effect']:.3f}, RMSE {error:.1f} Elo after stretching")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=60)
    parser.add_argument("--small", action="store_true", help="3 boards of 10,000 votes")
    parser.add_argument("--with-arena-rank", type=Path, metavar="PYTHON")
    given = parser.parse_args()
    boards, votes = (3, 10_000) if given.small else (given.boards, VOTES)
    found = measured(boards, votes)
    print(f"{boards} boards of {MODELS} models and {votes:,} votes; the true effect is {EFFECT}")
    print(f"effect found           {found['effect']:.3f}  ({found['effect'] / EFFECT:.1%} of the truth)")
    print(f"  its interval covers  {found['effect covered']:.3f}")
    print(f"ratings, controlled    RMSE {found['RMSE']:.1f}, worst {found['worst']:.1f} Elo")
    print(f"  intervals cover      {found['ratings covered']:.3f}")
    plain, worst = found["RMSE, no control"], found["worst, no control"]
    print(f"ratings, no control    RMSE {plain:.1f}, worst {worst:.1f} Elo")
    for line in peer(given.with_arena_rank, votes) if given.with_arena_rank else ():
        print(f"arena-rank, {line}")


if __name__ == "__main__":
    main()

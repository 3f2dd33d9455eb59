"""A board by arena-rank and pandas, in a process of its own: `board.py VOTES.parquet BOARD.html`.

Prints seconds and MB as JSON; imports are not timed.
"""

import json
import resource
import sys
import time

import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset

NAMES = {"left": "model_a", "right": "model_b"}


def main(source: str, page: str) -> None:
    """Ratings with intervals at arena-rank's defaults, and what pandas counts for the same table."""
    base, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    votes = pd.read_parquet(source, columns=["left", "right", "outcome", "voter", "prompt"])
    table = votes.rename(columns=NAMES).assign(winner=votes["outcome"].replace(NAMES))
    data = PairDataset.from_pandas(table[["model_a", "model_b", "winner"]])
    model = BradleyTerry(n_competitors=len(data.competitors))
    found = model.compute_ratings_and_cis(data, significance_level=0.05)
    appearances = pd.concat([votes.rename(columns={side: "system"}) for side in NAMES])
    counts = appearances.groupby("system").agg(
        votes=("voter", "size"), voters=("voter", "nunique"), prompts=("prompt", "nunique")
    )
    columns = {"rating": "ratings", "low": "rating_lower", "high": "rating_upper"}
    rated = {name: np.asarray(found[theirs]) for name, theirs in columns.items()}
    pd.DataFrame(rated, index=data.competitors).join(counts).to_html(page)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps([time.perf_counter() - began, (peak - base) / 1024]))


if __name__ == "__main__":
    main(*sys.argv[1:])

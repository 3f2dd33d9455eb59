"""How each method of the ratings benchmark is called, alone in a process: ours and five peers.

    python benchmarks/peers/ratings.py NUMBER VOTES.npz ANSWER.json

Run by benchmarks/ratings.py, with the interpreter that has the method's package; nothing but numpy is
imported before the method is known.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["COMPARED", "DECISIVE", "ELO", "HALF", "METHODS", "Method", "pair_counts"]

ELO = 400.0 / np.log(10.0)
HALF, DECISIVE = "half wins", "decisive votes"
PATIENCE_S = 20.0
"""A call that took longer is not repeated, unless the repeat is the point."""

Result = tuple[Any, Any]
"""Ratings and half-widths in Elo, shape (systems,); None where a method has none."""


@dataclass(frozen=True)
class Method:
    """One row of the table."""

    name: str
    package: str
    """Of the package index; empty for ours."""
    prepare: Callable[[Mapping[str, Any]], Callable[[], Result]]
    """Makes the method's own input of the coded votes; the call it returns is timed."""
    likelihood: str = ""
    """Which maximum "off" is measured from."""
    twice: bool = False


def our_votes(data: Mapping[str, Any]) -> Any:
    """Ours, from codes: counting is part of each timed call."""
    from evalharness.ratings.tally import tally_codes

    names = [data[key].tolist() for key in ("systems", "voters", "prompts")]
    columns = {key: data[key] for key in ("left", "right", "outcome", "voter", "prompt")}
    return tally_codes(*names, **columns)


def ours_fit(data: Mapping[str, Any]) -> Callable[[], Result]:
    """Bradley-Terry with half wins, as most boards fit."""
    from evalharness.ratings import bradley_terry

    return lambda: (bradley_terry(our_votes(data), order_effect=False).strengths * ELO, None)


def ours_sandwich(data: Mapping[str, Any]) -> Callable[[], Result]:
    """The same with the row sandwich: what arena-rank computes."""
    from evalharness.ratings import IntervalMethod, bradley_terry, covariance

    def run() -> Result:
        votes = our_votes(data)
        fit = bradley_terry(votes, order_effect=False)
        found = covariance(fit, votes, IntervalMethod.ROW_SANDWICH)
        return fit.strengths * ELO, half_widths(fit, found)

    return run


def ours_headline(estimator: str) -> Callable[[Mapping[str, Any]], Callable[[], Result]]:
    """Fit with order effect, two-way intervals, simultaneous rank intervals."""

    def prepare(data: Mapping[str, Any]) -> Callable[[], Result]:
        from evalharness.ratings import estimate
        from evalharness.ratings.ranks import stepwise_ranks

        def run() -> Result:
            found, _ = estimate(our_votes(data), estimator=estimator)
            freedom = found.covariance.degrees_of_freedom
            stepwise_ranks(found.fit.strengths, found.strength_covariance, freedom, 0.95, seed=1)
            return found.fit.strengths * ELO, half_widths(found.fit, found.covariance)

        return run

    return prepare


def ours_bootstrap(data: Mapping[str, Any]) -> Callable[[], Result]:
    """Davidson fit and 1,000 resamples of the voters."""
    from evalharness.ratings import davidson
    from evalharness.ratings.bootstrap import bootstrap

    def run() -> Result:
        votes = our_votes(data)
        fit = davidson(votes)
        low, high = np.quantile(bootstrap(fit, votes, seed=1).strengths, [0.025, 0.975], axis=0)
        return fit.strengths * ELO, 0.5 * (high - low) * ELO

    return run


def ours_board(data: Mapping[str, Any]) -> Callable[[], Result]:
    """The whole leaderboard record: also chances of each place, counts by system, hash of the votes."""
    from evalharness.ratings import leaderboard

    def run() -> Result:
        leaderboard(our_votes(data))
        return None, None

    return run


def ours_file(suffix: str) -> Callable[[Mapping[str, Any]], Callable[[], Result]]:
    """From a file: reading, coding and the Bradley-Terry fit."""

    def prepare(data: Mapping[str, Any]) -> Callable[[], Result]:
        import pandas as pd  # noqa: F401 - imports are not timed
        import pyarrow.parquet  # noqa: F401 - likewise

        from evalharness.ratings import bradley_terry
        from evalharness.ratings.reading import read_votes

        columns = {"left": "model_a", "right": "model_b", "outcome": "winner"}
        columns |= {"voter": "voter_id", "prompt": "item_id"}
        file = str(data["stem"]) + suffix

        def run() -> Result:
            votes = read_votes(file, outcomes={"a": "left", "b": "right"}, **columns)
            return bradley_terry(votes, order_effect=False).strengths * ELO, None

        return run

    return prepare


def half_widths(fit: Any, found: Any) -> Any:
    """Of 95 % intervals of the ratings, in Elo."""
    return found.quantile(0.95) * np.sqrt(np.diag(found.matrix)[: len(fit.systems)]) * ELO


def arena_rank(data: Mapping[str, Any]) -> Callable[[], Result]:
    """LMArena's package at its defaults: Bradley-Terry, half wins, row sandwich; from a table."""
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    labels = np.array(["model_a", "model_b", "tie", "both_bad"])
    names = {"model_a": data["systems"][data["left"]], "model_b": data["systems"][data["right"]]}
    frame = pd.DataFrame({**names, "winner": labels[data["outcome"]]})

    def run() -> Result:
        dataset = PairDataset.from_pandas(frame)
        model = BradleyTerry(n_competitors=len(dataset.competitors))
        found = model.compute_ratings_and_cis(dataset, significance_level=0.05)
        reach = np.asarray(found["rating_upper"]) - np.asarray(found["rating_lower"])
        return np.asarray(found["ratings"]), 0.5 * reach

    return run


def by_evalica(data: Mapping[str, Any]) -> Callable[[], Result]:
    """Bradley-Terry with half wins by minorisation, from lists."""
    import evalica

    kinds = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.Draw])
    columns = (data["left"].tolist(), data["right"].tolist(), kinds[data["outcome"]].tolist())

    def run() -> Result:
        return np.log(evalica.bradley_terry(*columns).scores.sort_index().to_numpy()) * ELO, None

    return run


def by_choix(data: Mapping[str, Any]) -> Callable[[], Result]:
    """Bradley-Terry without ties by I-LSR, from a list of decisive pairs."""
    import choix

    decisive = data["outcome"] < 2
    first = data["outcome"][decisive] == 0
    left, right = data["left"][decisive], data["right"][decisive]
    won, lost = np.where(first, left, right), np.where(first, right, left)
    rows = list(zip(won.tolist(), lost.tolist(), strict=True))
    systems = len(data["systems"])
    return lambda: (choix.ilsr_pairwise(systems, rows, alpha=0.0) * ELO, None)


def by_leaderbot(model: str) -> Callable[[Mapping[str, Any]], Callable[[], Result]]:
    """A model of leaderbot without covariance between systems, from counts of pairs."""

    def prepare(data: Mapping[str, Any]) -> Callable[[], Result]:
        from leaderbot import models

        counts = pair_counts(data)
        draws = counts[2] + counts[3]
        low, high = np.triu_indices(len(data["systems"]), 1)
        wins = counts[0][low, high] + counts[1][high, low]
        losses = counts[1][low, high] + counts[0][high, low]
        table = np.stack([wins, losses, draws[low, high] + draws[high, low]], axis=1).astype(int)
        met = table.sum(axis=1) > 0
        pairs = np.stack([low, high], axis=1)[met]
        given = {"X": pairs, "Y": table[met], "models": data["systems"].tolist()}

        def run() -> Result:
            getattr(models, model)(given).train()
            return None, None

        return run

    return prepare


def by_arenakit(data: Mapping[str, Any]) -> Callable[[], Result]:
    """Loading a CSV and the Bradley-Terry fit with half wins."""
    from arenakit import Arena, fit_bt, load_battles, to_elo

    file = str(data["stem"]) + ".csv"

    def run() -> Result:
        arena = Arena(load_battles(file))
        scores = to_elo(fit_bt(arena.counts(), ties="half").scores)
        return scores[np.argsort(arena.models)], None

    return run


METHODS = (
    Method("Bradley-Terry fit", "", ours_fit, HALF),
    Method("Bradley-Terry + row sandwich", "", ours_sandwich, HALF),
    Method("Davidson + two-way + ranks", "", ours_headline("davidson")),
    Method("four-way + two-way + ranks", "", ours_headline("four_way")),
    Method("whole leaderboard record", "", ours_board),
    Method("Davidson + 1,000 voter bootstraps", "", ours_bootstrap),
    Method("CSV file to fit", "", ours_file(".csv"), HALF),
    Method("Parquet file to fit", "", ours_file(".parquet"), HALF),
    Method("arena-rank + row sandwich", "arena-rank", arena_rank, HALF, twice=True),
    Method("evalica bradley_terry", "evalica", by_evalica, HALF),
    Method("choix ilsr_pairwise", "choix", by_choix, DECISIVE),
    Method("leaderbot BradleyTerry", "leaderbot", by_leaderbot("BradleyTerry")),
    Method("leaderbot Davidson", "leaderbot", by_leaderbot("Davidson")),
    Method("arenakit CSV file to fit", "arenakit", by_arenakit, HALF),
)
COMPARED = (
    ("arena-rank", "Bradley-Terry + row sandwich"),
    ("arena-rank", "Davidson + two-way + ranks"),
    ("arena-rank", "four-way + two-way + ranks"),
    ("evalica", "Bradley-Terry fit"),
    ("choix", "Bradley-Terry fit"),
    ("leaderbot", "Bradley-Terry fit"),
    ("arenakit", "CSV file to fit"),
)
"""Packages, each with what of ours its time is divided by: the same work, or more of it."""


def pair_counts(data: Mapping[str, Any]) -> Any:
    """Shape (4, systems, systems): votes by outcome, left and right system."""
    size = len(data["systems"])
    cell = (data["outcome"] * size + data["left"]) * size + data["right"]
    return np.bincount(cell, minlength=4 * size * size).reshape(4, size, size).astype(float)


def work(method: Method, votes: Path, answer: Path) -> None:
    """Run one method in this process and write what it took."""
    with np.load(votes) as stored:
        data = {key: stored[key] for key in stored.files}
    run = method.prepare(data)
    before = held_mb(fresh=True)
    seconds: list[float] = []
    ratings: Any = None
    widths: Any = None
    while len(seconds) < 2 and (not seconds or method.twice or seconds[0] < PATIENCE_S):
        start = time.perf_counter()
        ratings, widths = run()
        seconds.append(time.perf_counter() - start)
    found = {"seconds": seconds, "mb": held_mb() - before}
    found |= {"ratings": None if ratings is None else np.asarray(ratings).tolist()}
    found |= {"width": None if widths is None else float(np.mean(widths))}
    answer.write_text(json.dumps(found), encoding="utf-8")


def held_mb(*, fresh: bool = False) -> float:
    """Peak memory of this process in MB; `fresh` forgets earlier peaks where the system lets it."""
    if fresh:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024**2 if sys.platform == "darwin" else 1024
    )


if __name__ == "__main__":
    number, votes_file, answer_file = sys.argv[1:]
    work(METHODS[int(number)], Path(votes_file), Path(answer_file))

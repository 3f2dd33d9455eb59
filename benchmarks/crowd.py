"""What quality control catches of a crowd with careless and hostile raters, and what that does to the board.

    python benchmarks/crowd.py [--voters 200] [--votes 24] [--checks 1 2] [--seeds 3] [--seed 1] [--json FILE]

Raters of `tests/arena_ui/raters.py`, 10 % of them careless and 3 % of them a ring, vote through the arena's
own routes: they join, fetch both clips of every pair, and vote when they have had time to watch. The rules of
`[quality]`, as they are by default, then say whom to pay and whose votes to count. Each of `--seeds` crowds
votes in a study with so many traps, repeats and swapped repeats a session as `--checks` says, each number in
turn; figures are of all crowds of a number together. About a minute for 5,000 votes.

The arena's clock is the crowd's and its ids come from the seed, so that a run repeats. The boards are
Davidson's, of three sets of votes: all, those that the rules leave, and those of honest raters alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402 - after sys.path is mended
from rich.progress import Progress  # noqa: E402 - after sys.path is mended
from rich.table import Table  # noqa: E402 - after sys.path is mended
from scipy.stats import binomtest  # noqa: E402 - after sys.path is mended

from evalharness.quality import Verdict  # noqa: E402 - after sys.path is mended
from evalharness.records import Ballot  # noqa: E402 - after sys.path is mended
from evalharness.store import Store  # noqa: E402 - after sys.path is mended
from tests.arena_ui.polling import Board, board, polled, rule, study_of_truth  # noqa: E402 - as above
from tests.arena_ui.raters import (  # noqa: E402 - as above
    CARELESS,
    FAVOURED,
    HOSTILE,
    RIVAL,
    TRUTH,
    Kind,
    crowd_of,
)

RESULTS = ROOT / "benchmarks" / "results" / "crowd.json"
PROMPTS = 6
BOARDS = ("all votes", "votes that count", "votes of the honest")


@dataclass(frozen=True)
class Found:
    """One crowd: who was who, what the rules said, and the boards."""

    raters: Sequence[tuple[Kind, Verdict]]
    boards: dict[str, Board]
    votes: dict[str, int]
    """Behind each board."""


def found(checks: int, voters: int, votes: int, seed: int, advance: Callable[[], None]) -> Found:
    """Have one crowd vote, and rule on it."""
    with tempfile.TemporaryDirectory() as name:
        kinds = dict.fromkeys(("traps", "repeats", "swapped_repeats"), checks)
        study = study_of_truth(Path(name) / "study", prompts=PROMPTS, votes=votes, **kinds)
        with Store.open(study.database_url) as store:
            who = polled(study, store, crowd_of(voters, seed), seed, advance)
            everything = store.ballots()
            verdicts = rule(study, store, datetime.now(UTC))
            counted = store.ballots()
    honest = [each for each in everything if who[each.voter_id].kind is Kind.HONEST]
    sets: dict[str, Sequence[Ballot]] = dict(zip(BOARDS, (everything, counted, honest), strict=True))
    return Found(
        [(who[voter_id].kind, each) for voter_id, each in verdicts.items()],
        {name: board(ballots) for name, ballots in sets.items()},
        {name: len(ballots) for name, ballots in sets.items()},
    )


def crowds_of(checks: int, voters: int, votes: int, seeds: int, first: int) -> list[Found]:
    """As many crowds as `seeds`, one after the other, under a progress bar."""
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{checks} of each check", total=seeds * voters * (votes + 3 * checks))
        return [
            found(checks, voters, votes, seed, lambda: progress.advance(task))
            for seed in range(first, first + seeds)
        ]


@dataclass(frozen=True)
class Share:
    """How many of how many, with Clopper and Pearson's interval of 95 %."""

    hits: int
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = binomtest(self.hits, self.of).proportion_ci(method="exact")
        return f"{self.hits} of {self.of}: {self.hits / self.of:.1%} ({low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Row:
    """What became of one kind of rater."""

    name: str
    excluded: Share
    by_rule: dict[str, int]
    """Excluded by each rule; several may name one rater."""
    unpaid: Share
    consistent: Share
    """Repeated pairs answered as before."""


def row(name: str, kinds: Iterable[Kind], crowds: Iterable[Found]) -> Row:
    """Raters of these kinds, in all crowds together."""
    own = [each for crowd in crowds for kind, each in crowd.raters if kind in set(kinds)]
    rules = Counter(why.partition(":")[0] for each in own for why in each.against["count"])
    repeats = [each.conduct.repeats for each in own]
    return Row(
        name,
        Share(sum(bool(each.against["count"]) for each in own), len(own)),
        dict(rules),
        Share(sum(bool(each.against["pay"]) for each in own), len(own)),
        Share(sum(each.hits for each in repeats), sum(each.of for each in repeats)),
    )


def rows_of(crowds: Sequence[Found]) -> list[Row]:
    """The honest, the careless together and by kind, and the ring."""
    return [
        row("honest", [Kind.HONEST], crowds),
        row("careless", CARELESS, crowds),
        *(row(f"  {kind}", [kind], crowds) for kind in CARELESS),
        row("ring", HOSTILE, crowds),
    ]


def figures_of(name: str, crowds: Sequence[Found]) -> dict[str, float]:
    """Means over crowds of what one board says."""
    best, *_, worst = TRUTH
    boards = [crowd.boards[name] for crowd in crowds]
    honest = [crowd.boards[BOARDS[-1]] for crowd in crowds]
    return {
        "votes": fmean(crowd.votes[name] for crowd in crowds),
        "rank correlation": fmean(each.correlation for each in boards),
        "largest rank error": max(max(each.rank_errors.values()) for each in boards),
        "boards with every rank right": sum(each.rank_distance == 0 for each in boards),
        "favoured": fmean(each.ratings[FAVOURED] for each in boards),
        "rival": fmean(each.ratings[RIVAL] for each in boards),
        "favoured, against the honest board": fmean(
            each.ratings[FAVOURED] - true.ratings[FAVOURED] for each, true in zip(boards, honest, strict=True)
        ),
        "distance from the honest board": fmean(
            each.distance(true) for each, true in zip(boards, honest, strict=True)
        ),
        "best to worst": fmean(each.ratings[best] - each.ratings[worst] for each in boards),
    }


def show(console: Console, title: str, rows: Sequence[Row], boards: dict[str, dict[str, float]]) -> None:
    """Print what became of the raters, then the boards."""
    table = Table(title=title)
    for heading in ("raters", "votes do not count", "by rule", "not paid", "repeats answered as before"):
        table.add_column(heading)
    for each in rows:
        rules = ", ".join(f"{rule} {number}" for rule, number in sorted(each.by_rule.items())) or "none"
        table.add_row(each.name, str(each.excluded), rules, str(each.unpaid), str(each.consistent))
    console.print(table)
    table = Table(title="boards: means over crowds, Elo; the largest rank error is the worst crowd's")
    table.add_column("")
    for name in boards:
        table.add_column(name, justify="right")
    for figure in boards[BOARDS[0]]:
        table.add_row(figure, *(f"{figures[figure]:.4g}" for figures in boards.values()))
    console.print(table)


def main() -> None:
    """Have the crowds vote, print the tables, keep them."""
    parser = argparse.ArgumentParser(description="What quality control catches of a simulated crowd.")
    parser.add_argument("--voters", type=int, default=200)
    parser.add_argument("--votes", type=int, default=24)
    parser.add_argument("--checks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    console, kept = Console(width=130), []
    for checks in options.checks:
        crowds = crowds_of(checks, options.voters, options.votes, options.seeds, options.seed)
        rows = rows_of(crowds)
        boards = {name: figures_of(name, crowds) for name in BOARDS}
        crowd = f"{options.voters} raters, {options.votes} comparisons each"
        show(console, f"{len(crowds)} crowds of {crowd}, {checks} of each check", rows, boards)
        kept.append({"checks": checks, "raters": [asdict(each) for each in rows], "boards": boards})
    asked = {name: getattr(options, name) for name in ("voters", "votes", "seeds", "seed")}
    text = json.dumps({**asked, "truth": dict(TRUTH), "studies": kept}, indent=1)
    options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

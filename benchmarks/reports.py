"""Boards, reports and bundles of large studies: time and memory, beside arena-rank with pandas.

    python benchmarks/reports.py [--votes 10000 100000 1000000] [--env FOLDER]

The study is filled by SQL: 20 systems, 2,000 voters, 200 prompts, one question. Each row runs in a process
of its own that begins with the study's folder. *Live board* is what the arena keeps: read once, then asked
again after 25 more votes. The peer (peers/board.py) begins with the votes as Parquet, which the bundle holds:
arena-rank's ratings with intervals at its defaults, and pandas' counts for the same table, written as HTML.
It clusters neither voters nor prompts, has no rank intervals, and keeps nothing. It is installed by pip into
FOLDER, which is kept for the next run.

Asked for: a million votes open in 2 s on the live board. Memory is the peak over what imports took.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from ratings import peers_python
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from evalharness.config import load_study
from evalharness.records import (
    Category,
    Clip,
    Exhibit,
    JobKey,
    Prompt,
    Question,
    Streams,
    System,
    Task,
    Voter,
)
from evalharness.scaffold import write_study
from evalharness.store import Store

RESULTS = Path(__file__).parent / "results" / "reports.json"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p")
SYSTEMS = tuple(System(f"s{number:02d}", "folder") for number in range(20))
VOTERS, PROMPTS = 2000, 200
MORE = 25
LATE = "late"
"""Who casts the votes that come later."""
BATTLES = """INSERT INTO battles (id, voter_id, prompt_id, category, left_system, left_seed, left_exhibit,
right_system, right_seed, right_exhibit, first_system, second_system, probability, policy, created_at,
purpose)
VALUES (:id, :voter, :prompt, 'text-to-video', :left, 1, :left || '-' || :prompt, :right, 1,
:right || '-' || :prompt, :first, :second, 0.5, 'balanced', :at, 'comparison')"""
QUESTIONS = "INSERT INTO battle_questions (battle_id, question, position) VALUES (:id, 'overall', 0)"
VOTES = """INSERT INTO votes (battle_id, question, voter_id, outcome, created_at, evidence)
VALUES (:id, 'overall', :voter, :outcome, :at, '{"plays"\\: 1}')"""
PEER = Path(__file__).parent / "peers" / "board.py"


def rows(votes: int, seed: int, voters: Sequence[str]) -> Iterator[dict[str, str]]:
    """Answered comparisons, no voter shown a pair of systems twice on a prompt."""
    rng = random.Random(seed)
    pairs = [*combinations((system.name for system in SYSTEMS), 2)]
    seen: set[tuple[int, int, int]] = set()
    number = 0
    while number < votes:
        drawn = rng.randrange(len(voters)), rng.randrange(PROMPTS), rng.randrange(len(pairs))
        if drawn in seen:
            continue
        seen.add(drawn)
        first, second = pairs[drawn[2]]
        left, right = (first, second) if rng.random() < 0.5 else (second, first)
        wins = rng.random() < 0.5 + (int(left[1:]) - int(right[1:])) / 50
        yield {
            "id": f"{seed:02x}{number:030x}",
            "voter": voters[drawn[0]],
            "prompt": f"p{drawn[1]}",
            "left": left,
            "right": right,
            "first": first,
            "second": second,
            "outcome": rng.choice(("tie", "both_bad")) if rng.random() < 0.2 else "left" if wins else "right",
            "at": (NOW + timedelta(days=100 * seed, seconds=number)).isoformat(timespec="microseconds"),
        }
        number += 1


def fill(folder: Path, votes: int) -> None:
    """A study with so many votes."""
    write_study(folder, SYSTEMS, name="large")
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        store.put_prompts(
            [Prompt(f"p{n}", Task.TEXT_TO_VIDEO, "A bell.", "en", "CC0-1.0") for n in range(PROMPTS)]
        )
        voters = [f"v{number}" for number in range(VOTERS)]
        for name in (*voters, LATE):
            store.put_voter(Voter(name, ("en",), NOW, "1", f"token of {name}", open_data=True))
        for system in SYSTEMS:
            keys = [JobKey(system.name, f"p{n}", 1) for n in range(PROMPTS)]
            store.add_jobs(keys)
            for key in keys:
                name = f"{key.system}-{key.prompt_id}"
                store.start_job(key)
                store.finish_job(key, Clip(name, key, f"clips/{name}.mp4", 9, STREAMS, NOW, "folder", "1"))
                store.put_exhibit(
                    Exhibit(name, key, name, key.prompt_id, f"{name}.mp4", "e", 9, STREAMS, False, -23.0)
                )
        vote(store, votes, 1, voters)


def vote(store: Store, votes: int, seed: int, voters: Sequence[str]) -> None:
    """More votes."""
    more = rows(votes, seed, voters)
    with store._database.writing("fill the study") as connection:
        while piece := [row for _, row in zip(range(20_000), more, strict=False)]:
            for statement in (BATTLES, QUESTIONS, VOTES):
                connection.execute(text(statement), piece)


def board(folder: Path) -> Callable[[], object]:
    """`leaderboard`: the board from the database."""
    from evalharness.publication import boards

    study = load_study(folder)
    store = Store.open(study.database_url)
    return lambda: boards(study, store)


def page(folder: Path) -> Callable[[], object]:
    """`report`: everything, and the HTML page."""
    from evalharness.publication import publish
    from evalharness.reports import render_html

    study = load_study(folder)
    store = Store.open(study.database_url)
    return lambda: render_html(publish(study, store, NOW, meanings={}))


def bundle(folder: Path) -> Callable[[], object]:
    """`report --bundle`: with every vote in three forms."""
    from evalharness.bundle import bundle_of_study

    study = load_study(folder)
    store = Store.open(study.database_url)
    return lambda: bundle_of_study(study, store, folder / "bundle", meanings={}, validations={})


def verified(folder: Path) -> Callable[[], object]:
    """`verify` of that bundle."""
    from evalharness.bundle import verify_bundle

    def run() -> None:
        assert not [check for check in verify_bundle(folder / "bundle") if check.found]

    return run


def first_look(folder: Path) -> Callable[[], object]:
    """The live board after a start: all votes are read."""
    from evalharness.standings import Standings

    study = load_study(folder)
    standings = Standings(Store.open(study.database_url), study.systems)
    return lambda: standings.board(Category.TEXT_TO_VIDEO, Question.OVERALL)


def later_look(folder: Path) -> Callable[[], object]:
    """The live board again, with 25 more votes."""
    from evalharness.standings import Standings

    study = load_study(folder)
    store = Store.open(study.database_url)
    standings = Standings(store, study.systems)
    standings.board(Category.TEXT_TO_VIDEO, Question.OVERALL)
    vote(store, MORE, 2, [LATE])
    return lambda: standings.board(Category.TEXT_TO_VIDEO, Question.OVERALL)


STEPS = {
    "board from the database": board,
    "report page": page,
    "bundle": bundle,
    "verify": verified,
    "live board, first look": first_look,
    "live board, 25 votes later": later_look,
}


def measured(step: str, folder: Path) -> tuple[float, float]:
    """Seconds and MB of a step, in the process that calls this."""
    run = STEPS[step](folder)
    base, began = _peak_mb(), time.perf_counter()
    run()
    return time.perf_counter() - began, _peak_mb() - base


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Boards, reports and bundles of large studies.")
    parser.add_argument("--votes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--env", default=str(Path(tempfile.gettempdir()) / "evalharness-peers"))
    asked = parser.parse_args()
    python, failed = peers_python(asked.env, ["pyarrow", "arena-rank"])
    table = Table(title="Boards, reports and bundles")
    for heading in ("votes", "what", "seconds", "MB more", "arena-rank + pandas / this"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    found: list[dict[str, object]] = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for votes in asked.votes:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name) / "study"
                fill(folder, votes)
                took = {}
                for step in STEPS:
                    took[step] = pool.apply(measured, (step, folder))
                    print(f"{votes:,} votes, {step}: {took[step][0]:.2f} s", flush=True)
                peer = None if failed else _peer(python, folder)
            for step, (seconds, more) in took.items():
                ratio = f"{peer[0] / seconds:.2f}" if peer else ""
                table.add_row(f"{votes:,}", step, f"{seconds:.2f}", f"{more:.0f}", ratio)
                found.append({"votes": votes, "what": step, "seconds": seconds, "mb": more})
            why = ("", "") if peer else ("not installed", "; ".join(failed.values()))
            table.add_row(
                f"{votes:,}", "arena-rank + pandas", *((f"{peer[0]:.2f}", f"{peer[1]:.0f}") if peer else why)
            )
            if peer:
                found.append({"votes": votes, "what": "peer", "seconds": peer[0], "mb": peer[1]})
    Console(width=110).print(table)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _peer(python: str, folder: Path) -> tuple[float, float]:
    votes = folder / "bundle" / "votes" / "votes.parquet"
    done = subprocess.run(
        [python, str(PEER), str(votes), str(folder / "peer.html")],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, more = json.loads(done.stdout.splitlines()[-1])
    return seconds, more


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""How fast votes are kept and ballots read, beside a plain log file.

    python benchmarks/store_votes.py [--folder FOLDER] [--postgres URL] [--commits N] [--ballots N]

The peer is what arenas in the manner of FastChat do: one JSON line appended per vote. It is measured
as they do it and, to promise what the store promises, with an fsync per line. Each commit holds the
answers to two questions of one battle, as the page sends them, one after the other.

The folder decides much: an fsync costs what its disk makes it cost. PostgreSQL is measured in a
schema of its own, made and dropped here, with the server's own settings.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, event, make_url, text

from evalharness.records import (
    Ballot,
    Battle,
    Category,
    Clip,
    Exhibit,
    JobKey,
    Outcome,
    Prompt,
    Question,
    Streams,
    System,
    Task,
    Vote,
    Voter,
)
from evalharness.store import Store, convert, schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUESTIONS = (Question.OVERALL, Question.AV_SYNC)
EVIDENCE = {"seen": {"left": 1.0, "right": 0.97}, "plays": [1, 2], "answer_s": 8.25}
STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p")


def fill(store: Store, battles: int) -> list[Battle]:
    """A study with as many open battles, one a voter."""
    store.put_systems(System(name, "folder") for name in "ab")
    store.put_prompts([Prompt("p", Task.TEXT_TO_VIDEO, "text", "en", "CC0-1.0")])
    keys = [JobKey(name, "p", 1) for name in "ab"]
    store.add_jobs(keys)
    for key in keys:
        store.start_job(key)
        store.finish_job(key, Clip(key.system, key, "clips/x.mp4", 1, STREAMS, NOW, "folder", "1"))
        store.put_exhibit(
            Exhibit(key.system, key, key.system, "p", "exhibits/x.mp4", "x", 1, STREAMS, False, -23.0)
        )
    left, right = keys
    drawn = [
        Battle(
            id=f"battle{number}",
            voter_id=f"voter{number}",
            prompt_id="p",
            category=Category.TEXT_TO_VIDEO,
            left=left,
            right=right,
            left_exhibit=left.system,
            right_exhibit=right.system,
            questions=QUESTIONS,
            probability=0.5,
            policy="uniform",
            created_at=NOW,
        )
        for number in range(battles)
    ]
    voters = [Voter(battle.voter_id, ("en",), NOW, "1") for battle in drawn]
    asked = [
        {"battle_id": battle.id, "question": question.value, "position": position}
        for battle in drawn
        for position, question in enumerate(QUESTIONS)
    ]
    with store._database.writing("fill the study") as connection:  # in bulk: this is not what is measured
        connection.execute(schema.voters.insert(), [convert.voter_values(voter) for voter in voters])
        connection.execute(schema.battles.insert(), [convert.battle_values(battle) for battle in drawn])
        connection.execute(schema.battle_questions.insert(), asked)
    return drawn


def answers(battle: Battle, number: int) -> list[Vote]:
    """The answers to the questions of one battle."""
    moment = NOW + timedelta(seconds=number)
    outcome = tuple(Outcome)[number % 4]
    return [
        Vote(battle.id, battle.voter_id, question, outcome, moment, EVIDENCE) for question in battle.questions
    ]


def seconds(act: Callable[[], Any]) -> float:
    """How long `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def time_store(store: Store, commits: int, ballots: int) -> tuple[float, float]:
    """Commits a second and ballots a second."""
    battles = fill(store, max(commits, ballots // len(QUESTIONS)))
    given = [answers(battle, number) for number, battle in enumerate(battles)]

    def commit() -> None:
        for votes in given[:commits]:
            store.commit_votes(votes)

    spent = seconds(commit)
    with store._database.writing("fill the study") as connection:
        rest = [convert.vote_values(vote) for votes in given[commits:] for vote in votes]
        if rest:
            connection.execute(schema.votes.insert(), rest)
    counted = len(store.votes())
    return commits / spent, counted / seconds(store.ballots)


def time_log(folder: Path, commits: int, ballots: int, *, synced: bool) -> tuple[float, float]:
    """The same for a file of JSON lines, each already joined with its battle as a ballot needs it."""
    ballot = Ballot("b0", "v0", "p", Category.TEXT_TO_VIDEO, "en", QUESTIONS[0], "a", "b", Outcome.TIE, NOW)
    row = asdict(ballot) | {"created_at": NOW.isoformat(), "evidence": EVIDENCE}
    file = folder / f"log-{synced}.jsonl"

    def append(rows: Sequence[object]) -> None:
        with file.open("a", encoding="utf-8") as log:
            for line in rows:
                log.write(json.dumps(line) + "\n")
            log.flush()
            if synced:
                os.fsync(log.fileno())

    def commit() -> None:
        for _ in range(commits):
            append([row] * len(QUESTIONS))

    def read() -> list[Ballot]:
        with file.open(encoding="utf-8") as log:
            return [as_ballot(json.loads(line)) for line in log]

    spent = seconds(commit)
    append([row] * (ballots - commits * len(QUESTIONS)))
    return commits / spent, ballots / seconds(read)


def as_ballot(row: dict[str, Any]) -> Ballot:
    """A ballot from a line of the log, its labels checked as the store checks them."""
    del row["evidence"]
    return Ballot(
        **row
        | {
            "category": Category(row["category"]),
            "question": Question(row["question"]),
            "outcome": Outcome(row["outcome"]),
            "created_at": datetime.fromisoformat(row["created_at"]),
        }
    )


@contextmanager
def sqlite_store(folder: Path, synchronous: str) -> Iterator[Store]:
    """A store on SQLite with the given setting instead of its own."""

    def relax(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    with Store.open(f"sqlite:///{folder}/{synchronous}.db") as store:
        store._database.engine.dispose()
        event.listen(store._database.engine, "connect", relax)
        yield store


@contextmanager
def postgres_store(url: str) -> Iterator[Store]:
    """A store in a schema of its own."""
    name = f"evalharness_bench_{secrets.token_hex(6)}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        own = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
        with Store.open(own.render_as_string(hide_password=False)) as store:
            yield store
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Votes kept and ballots read a second.")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--postgres", default=os.environ.get("EVALHARNESS_TEST_POSTGRES"))
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--ballots", type=int, default=100_000)
    options = parser.parse_args()
    counts = options.commits, options.ballots
    found: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        found["JSON lines, fsync each (peer)"] = time_log(folder, *counts, synced=True)
        found["JSON lines, no fsync"] = time_log(folder, *counts, synced=False)
        for synchronous in ("FULL", "NORMAL"):
            with sqlite_store(folder, synchronous) as store:
                label = " (as shipped)" if synchronous == "FULL" else ""
                found[f"SQLite, synchronous={synchronous}{label}"] = time_store(store, *counts)
    if options.postgres:
        with postgres_store(options.postgres) as store:
            found["PostgreSQL"] = time_store(store, *counts)
    peer = next(iter(found.values()))
    table = Table(
        title=f"{options.commits} commits of {len(QUESTIONS)} votes; {options.ballots} ballots read"
    )
    for heading in ("kept in", "commits/s", "ratio", "ballots/s", "ratio"):
        table.add_column(heading, justify="left" if heading == "kept in" else "right")
    for kept_in, (commits, ballots) in found.items():
        table.add_row(
            kept_in,
            f"{commits:,.0f}",
            f"{commits / peer[0]:.2f}",
            f"{ballots:,.0f}",
            f"{ballots / peer[1]:.2f}",
        )
    Console(width=100).print(table)
    if not options.postgres:
        print("PostgreSQL was left out: give --postgres URL or set EVALHARNESS_TEST_POSTGRES.")


if __name__ == "__main__":
    main()

"""How fast a study's votes are exported, beside pandas writing the same table from memory.

    python benchmarks/exports.py [--votes 100000 1000000]

The study is filled by SQL with answered comparisons of a thousand voters. The peer is what an analyst would
do by hand: the rows in a data frame, `to_csv`; it neither reads the database nor knows what counts. Memory is
the process's peak, over what it had before.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from evalharness.config import load_study
from evalharness.exports import Form, Options, export
from evalharness.records import Clip, Exhibit, JobKey, Prompt, Streams, System, Task, Voter
from evalharness.scaffold import write_study
from evalharness.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p")
VOTERS = 1000
SYSTEMS = (System("a", "folder"), System("b", "folder"))
EVIDENCE = '{"seen_left": 1.0, "seen_right": 0.98, "plays": 2, "answer_s": 9.25, "input": "key"}'


def fill(folder: Path, votes: int) -> None:
    """A study with as many votes."""
    write_study(folder, SYSTEMS, name="large")
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        prompts = [
            Prompt(f"p{n}", Task.TEXT_TO_VIDEO, "A bell.", "en", "CC0-1.0")
            for n in range(votes // VOTERS + 1)
        ]
        store.put_prompts(prompts)
        for voter in range(VOTERS):
            store.put_voter(Voter(f"v{voter}", ("en",), NOW, "1"))
        for prompt in prompts:
            for system in SYSTEMS:
                key = JobKey(system.name, prompt.id, 1)
                name = f"{system.name}-{prompt.id}"
                store.add_jobs([key])
                store.start_job(key)
                store.finish_job(key, Clip(name, key, f"clips/{name}.mp4", 9, STREAMS, NOW, "folder", "1"))
                store.put_exhibit(
                    Exhibit(name, key, name, prompt.id, f"exhibits/{name}.mp4", "e", 9, STREAMS, False, -23.0)
                )
        rows = (
            {
                "id": f"{number:032x}",
                "voter": f"v{number % VOTERS}",
                "prompt": f"p{number // VOTERS}",
                "at": (NOW + timedelta(seconds=number)).isoformat(timespec="microseconds"),
            }
            for number in range(votes)
        )
        with store._database.writing("fill the study") as connection:
            while piece := [row for row, _ in zip(rows, range(20_000), strict=False)]:
                for statement in (BATTLES, QUESTIONS, VOTES):
                    connection.execute(text(statement), piece)


BATTLES = """INSERT INTO battles (id, voter_id, prompt_id, category, left_system, left_seed, left_exhibit,
right_system, right_seed, right_exhibit, first_system, second_system, probability, policy, created_at,
purpose)
VALUES (:id, :voter, :prompt, 'text-to-video', 'a', 1, 'a-' || :prompt, 'b', 1, 'b-' || :prompt, 'a', 'b',
0.5,
'balanced', :at, 'comparison')"""
QUESTIONS = "INSERT INTO battle_questions (battle_id, question, position) VALUES (:id, 'overall', 0)"
VOTES = f"""INSERT INTO votes (battle_id, question, voter_id, outcome, created_at, evidence)
VALUES (:id, 'overall', :voter, 'left', :at, '{EVIDENCE}')""".replace(": ", "\\: ")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast votes are exported.")
    parser.add_argument("--votes", type=int, nargs="+", default=[100_000])
    table = Table(title="Exporting a study's votes")
    for heading in ("votes", "form", "seconds", "votes/s", "MB more", "pandas to_csv / this"):
        table.add_column(heading, justify="right")
    for votes in parser.parse_args().votes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "study"
            fill(folder, votes)
            study = load_study(folder)
            for form in Form:
                before = _peak_mb()
                began = time.perf_counter()
                with Store.open(study.database_url) as store:
                    export(study, store, Path(name) / form, Options((form,)))
                took, more = time.perf_counter() - began, _peak_mb() - before
                ratio = f"{_pandas(Path(name)) / took:.2f}" if form is Form.CSV else ""
                row = (f"{votes:,}", form, f"{took:.1f}", f"{votes / took:,.0f}", f"{more:.0f}", ratio)
                table.add_row(*row)
    Console(width=100).print(table)


def _pandas(folder: Path) -> float:
    """Seconds that pandas takes to write the exported table again."""
    frame = pd.read_csv(folder / "csv" / "votes.csv")
    began = time.perf_counter()
    frame.to_csv(folder / "peer.csv", index=False)
    return time.perf_counter() - began


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

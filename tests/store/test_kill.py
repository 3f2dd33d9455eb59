"""kill -9 while votes come in: what was acknowledged is kept, whole and once."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from evalharness.store import Store

ROOT = Path(__file__).parent.parent.parent
KILLS = 10


def test_no_acknowledged_vote_is_lost_or_doubled(scene):
    scene.arena("ab", "p", "v")
    scene.opened("model")
    chance = random.Random(20261122)
    acknowledged: list[str] = []
    for kill in range(KILLS):
        with subprocess.Popen(
            [sys.executable, ROOT / "tests/store/another_program.py", "vote", scene.url, f"run{kill}"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as program:
            assert program.stdout.readline() == "ready\n"
            if kill % 2:  # every second one dies with votes behind it, however slow the machine
                acknowledged.append(program.stdout.readline().strip())
            time.sleep(chance.uniform(0.0, 0.15))
            program.kill()
            acknowledged += program.stdout.read().split()
        assert program.returncode == -signal.SIGKILL
    with Store.open(scene.url) as again:
        votes = Counter(vote.battle_id for vote in again.votes())
        open_ones = {battle.id for battle in again.battles()} - set(votes)
    assert set(votes) >= set(acknowledged)
    assert len(set(votes) - set(acknowledged)) <= KILLS  # kept, but killed before it could say so
    assert set(votes.values()) == {2}  # both questions, or neither
    assert len(open_ones - {"model"}) <= KILLS
    if scene.url.startswith("sqlite"):
        with closing(sqlite3.connect(scene.url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

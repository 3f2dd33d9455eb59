"""Many at once: of all answers to a battle exactly one counts, of all workers one gets a job."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evalharness.errors import AlreadyAnswered, StoreError
from evalharness.records import JobKey, Outcome, Voter
from evalharness.store import Store

ROOT = Path(__file__).parent.parent.parent
THREADS = 20


def test_of_twenty_threads_one_answers_a_battle(scene):
    scene.arena()
    battles = [scene.opened("one"), scene.opened("two", "a", "c"), scene.opened("three", "b", "c")]

    def attempt(number: int) -> tuple[str, Outcome] | None:
        battle, outcome = battles[number % 3], list(Outcome)[number % 4]
        try:
            scene.store.commit_votes(scene.answers(battle, outcome))
        except AlreadyAnswered:
            return None
        return battle.id, outcome

    with ThreadPoolExecutor(THREADS) as pool:
        won = [result for result in pool.map(attempt, range(3 * THREADS)) if result]
    assert sorted(battle_id for battle_id, _ in won) == ["one", "three", "two"]
    assert {(vote.battle_id, vote.outcome) for vote in scene.store.votes()} == set(won)
    assert len(scene.store.votes()) == 6


def run_together(*arguments: Sequence[str]) -> list[str]:
    """What programs with these arguments print, all told to go at once; all must end well."""
    programs = [
        subprocess.Popen(
            [sys.executable, ROOT / "tests/store/another_program.py", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for given in arguments
    ]
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        program.stdin.write("go\n")
        program.stdin.flush()
    printed = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0] * len(programs)
    return printed


def test_four_processes_may_open_a_new_study_at_once(url):
    run_together(*[["open", url]] * 4)
    with Store.open(url) as store:
        assert store.systems() == ()


def test_of_four_processes_one_answers_a_battle(scene):
    names = [f"battle{number}" for number in range(10)]
    scene.arena("ab", "p", "")
    for name in names:
        scene.store.put_voter(Voter(name, ("en",), scene.later(), "1"))
        scene.opened(name, voter=name)
    printed = run_together(*(["answer", scene.url, outcome, *names] for outcome in Outcome))
    accepted = {outcome: won.split() for outcome, won in zip(Outcome, printed, strict=True)}
    assert sorted(name for won in accepted.values() for name in won) == sorted(names)
    votes = scene.store.votes()
    assert Counter(vote.battle_id for vote in votes) == dict.fromkeys(names, 2)
    assert all(vote.battle_id in accepted[vote.outcome] for vote in votes)


def test_of_twenty_threads_one_is_shown_a_pair(scene):
    scene.arena()
    battles = [scene.battle(f"battle{number}", *("ab", "ba")[number % 2]) for number in range(THREADS)]

    def attempt(number: int) -> str | None:
        try:
            scene.store.open_battle(battles[number])
        except StoreError as refusal:
            return str(refusal)
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        refusals = [refusal for refusal in pool.map(attempt, range(THREADS)) if refusal]
    assert len(refusals) == THREADS - 1
    assert all("was shown these two systems on this prompt before" in refusal for refusal in refusals)
    assert len(scene.store.battles()) == 1


def test_of_twenty_threads_one_gets_a_job(scene):
    scene.content()
    keys = [JobKey("a", "p", seed) for seed in range(5)]
    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(lambda _: scene.store.add_jobs(keys), range(THREADS))) == len(keys)
        starts = list(pool.map(scene.store.start_job, keys * THREADS))
    assert sum(starts) == len(keys)
    assert [job.attempts for job in scene.store.jobs()] == [1] * len(keys)

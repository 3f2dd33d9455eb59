"""What a study wants, against the plain set of all its jobs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evalharness import backlog
from evalharness.backlog import Wanted, plan
from evalharness.records import FailureKind, JobKey, JobState, Prompt, System, Task
from evalharness.store import Store

SYSTEMS = [System(name=name, adapter="x") for name in ("a", "b")]
PROMPTS = [
    Prompt(id=f"p{n}", task=Task.TEXT_TO_VIDEO, text="a dog", language="en", licence="CC0-1.0")
    for n in range(7)
]
SEEDS = [4, 2]


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    monkeypatch.setattr(backlog, "STRETCH", 3)  # several stretches, the last one not full
    store = Store.open(f"sqlite:///{tmp_path}/s.db")
    store.put_systems([*SYSTEMS, System(name="gone", adapter="x")])
    store.put_prompts(PROMPTS)
    found = Wanted(store, SYSTEMS, PROMPTS, SEEDS)
    found.add()
    store.add_jobs([JobKey("gone", "p1", 4), JobKey("a", "p1", 9)])  # of settings as they were before
    return found


def test_it_holds_every_job_of_the_plan_once_and_no_other(wanted: Wanted) -> None:
    keys = list(plan(SYSTEMS, PROMPTS, SEEDS))
    assert len(wanted) == len(keys) == len(set(keys)) == 28
    assert all(key in wanted for key in keys)
    assert JobKey("gone", "p1", 4) not in wanted
    assert JobKey("a", "p1", 9) not in wanted
    assert list(wanted.standing(SYSTEMS[0], {JobState.PENDING})) == [key for key in keys if key.system == "a"]


def test_states_are_counted_and_chosen(wanted: Wanted) -> None:
    store = wanted._store
    for prompt_id in ("p0", "p5"):
        store.start_job(JobKey("a", prompt_id, 2))
        store.fail_job(JobKey("a", prompt_id, 2), FailureKind.SERVER, "It fell.")
    store.start_job(JobKey("a", "p6", 4))
    assert wanted.count(SYSTEMS[0]) == {JobState.PENDING: 11, JobState.FAILED: 2, JobState.RUNNING: 1}
    assert wanted.count(SYSTEMS[1]) == {JobState.PENDING: 14}
    failed = [key.prompt_id for key in wanted.standing(SYSTEMS[0], {JobState.FAILED})]
    assert failed == ["p0", "p5"]
    missing = Counter(key.prompt_id for key in wanted.missing(SYSTEMS[0], {JobState.PENDING}))
    assert missing == {"p0": 1, "p1": 2, "p2": 2, "p3": 2, "p4": 2, "p5": 1, "p6": 1}
    named = {key for system in SYSTEMS for key in wanted.missing(system, {JobState.PENDING})}
    assert named == {key for key in plan(SYSTEMS, PROMPTS, SEEDS) if wanted.lacks(key, {JobState.PENDING})}
    assert not wanted.lacks(JobKey("a", "p1", 9), {JobState.PENDING})


def test_jobs_that_are_not_on_record_yet_are_missing(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store:
        wanted = Wanted(store, SYSTEMS, PROMPTS[:1], SEEDS)
        assert [key.seed for key in wanted.missing(SYSTEMS[0], set())] == SEEDS
        assert list(wanted.standing(SYSTEMS[0], set(JobState))) == []


def test_a_system_is_read_as_it_stands_when_its_turn_comes(wanted: Wanted) -> None:
    queue = wanted.standing(SYSTEMS[0], {JobState.PENDING})
    assert next(queue).prompt_id == "p0"
    wanted._store.start_job(JobKey("a", "p4", 4))  # by somebody else, before its stretch is read
    assert [key.prompt_id for key in queue if key.seed == 4] == ["p1", "p2", "p3", "p5", "p6"]

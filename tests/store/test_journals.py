"""A job's journal remembers what the database keeps: a run that comes after it reads the same standing."""

import asyncio
from dataclasses import astuple
from datetime import datetime, timedelta

import pytest

from evalharness.adapters.base import Standing
from evalharness.errors import StoreError
from evalharness.journals import StoreJournal
from evalharness.records import JobKey

KEY = JobKey("a", "p", 1)
REQUEST = {"url": "https://vendor.example/tasks", "cell": {"duration_s": 5.0, "seed": None}}


@pytest.fixture
def store(scene):
    scene.content()
    scene.store.add_jobs([KEY])
    return scene.store


def alike(one, other):
    """Equal, and moments at most a little apart."""
    return all(
        abs(left - right) < timedelta(minutes=1)
        if isinstance(left, datetime) and isinstance(right, datetime)
        else left == right
        for left, right in zip(astuple(one), astuple(other), strict=True)
    )


@pytest.mark.parametrize("watched", [True, False])
def test_what_it_remembers_is_what_another_run_reads(store, watched):
    journal = StoreJournal(store, KEY)
    assert journal.standing == Standing()
    for word in (
        lambda: journal.intend(REQUEST),
        journal.withdrawn,
        lambda: journal.intend(REQUEST),
        lambda: journal.submitted("task-7", "https://vendor.example/tasks/7", watched=watched),
        lambda: journal.running(watched=watched),
        journal.downloaded,
    ):
        asyncio.run(word())
        assert alike(journal.standing, StoreJournal(store, KEY).standing)
    assert (journal.standing.intended, journal.standing.task_id) == (REQUEST, "task-7")
    assert (journal.standing.submitted_at is None) == (journal.standing.running_at is None) == (not watched)
    asyncio.run(journal.ended())
    assert journal.standing == StoreJournal(store, KEY).standing == Standing()


def test_a_word_that_does_not_fit_the_database_is_not_remembered(store):
    journal, other = StoreJournal(store, KEY), StoreJournal(store, KEY)
    asyncio.run(other.intend(REQUEST))
    with pytest.raises(StoreError, match="stands already"):
        asyncio.run(journal.intend(REQUEST))
    assert journal.standing == Standing()

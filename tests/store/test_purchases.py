"""Creates at vendors: on record before they are sent, never two at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from evalharness.errors import StoreError
from evalharness.purchases import OPEN_STAGES, PurchaseStage
from evalharness.records import FailureKind, JobKey, JobState

KEY = JobKey("a", "p", 1)
OTHER = JobKey("b", "p", 1)
REQUEST = {"model": "m", "prompt": "ice", "seed": 1}
WORDS = {
    PurchaseStage.SUBMITTED: lambda store: store.submit_purchase(KEY, "task-7", None),
    PurchaseStage.RUNNING: lambda store: store.run_purchase(KEY),
    PurchaseStage.DOWNLOADED: lambda store: store.receive_purchase(KEY),
}
"""How a create comes to each stage with a task."""


@pytest.fixture
def store(scene):
    scene.content()
    scene.store.add_jobs([KEY, OTHER])
    return scene.store


def test_the_way_of_a_create_that_brings_its_clip(scene, store):
    assert store.open_purchase(KEY) is None
    assert store.start_job(KEY)
    assert store.intend_purchase(KEY, REQUEST) == 1
    intended = store.open_purchase(KEY)
    assert (intended.key, intended.stage, intended.request) == (KEY, PurchaseStage.INTENDED, REQUEST)
    assert (intended.task_id, intended.open, intended.closed_at) == (None, True, None)
    store.submit_purchase(KEY, "task-7", "https://vendor.example/tasks/7")
    submitted = store.open_purchase(KEY)
    assert (submitted.stage, submitted.task_id) == (PurchaseStage.SUBMITTED, "task-7")
    assert submitted.poll_url == "https://vendor.example/tasks/7"
    assert submitted.submitted_at >= submitted.intended_at == intended.intended_at
    assert submitted.running_at is submitted.downloaded_at is None
    store.run_purchase(KEY)
    running = store.open_purchase(KEY)
    assert (running.stage, running.task_id) == (PurchaseStage.RUNNING, "task-7")
    assert running.running_at >= running.submitted_at == submitted.submitted_at
    store.receive_purchase(KEY)
    downloaded = store.open_purchase(KEY)
    assert (downloaded.stage, downloaded.open) == (PurchaseStage.DOWNLOADED, True)
    assert downloaded.downloaded_at >= downloaded.running_at == running.running_at
    store.finish_job(KEY, scene.clip(KEY, provider_task_id="task-7"))
    assert store.open_purchase(KEY) is None
    (delivered,) = store.purchases()
    assert delivered.stage is PurchaseStage.DELIVERED
    assert delivered.closed_at >= delivered.downloaded_at == downloaded.downloaded_at
    assert not delivered.open


def test_what_nobody_watched_has_no_moment(store):
    store.intend_purchase(KEY, REQUEST)
    store.submit_purchase(KEY, "task-7", None, watched=False)
    store.run_purchase(KEY, watched=False)
    found = store.open_purchase(KEY)
    assert (found.stage, found.submitted_at, found.running_at) == (PurchaseStage.RUNNING, None, None)
    store.run_purchase(KEY)
    seen = store.open_purchase(KEY).running_at
    store.run_purchase(KEY, watched=False)  # another run, which finds it running
    assert store.open_purchase(KEY).running_at == seen is not None


def test_a_file_that_does_not_play_is_downloaded_again(store):
    store.intend_purchase(KEY, REQUEST)
    store.submit_purchase(KEY, "task-7", None)
    store.receive_purchase(KEY)  # too quick to be seen running
    first = store.open_purchase(KEY).downloaded_at
    store.receive_purchase(KEY)
    assert store.open_purchase(KEY).downloaded_at > first


def test_it_says_how_many_creates_stand_where(store):
    assert store.standing_purchases() == {}
    store.intend_purchase(OTHER, REQUEST)
    store.intend_purchase(KEY, REQUEST)
    store.submit_purchase(KEY, "task-7", None)
    store.run_purchase(KEY)
    assert store.standing_purchases() == {"a": {PurchaseStage.RUNNING: 1}, "b": {PurchaseStage.INTENDED: 1}}
    assert list(store.standing_purchases()) == ["a", "b"]
    store.close_purchase(KEY, PurchaseStage.ENDED)
    assert list(store.standing_purchases()) == ["b"]


def test_a_create_that_stands_lets_no_other_begin(store):
    store.intend_purchase(KEY, REQUEST)
    with pytest.raises(StoreError, match=r"\(a, p, seed 1\) stands already.*paid for twice"):
        store.intend_purchase(KEY, REQUEST)
    store.submit_purchase(KEY, "task-7", None)
    for further in (lambda: None, lambda: store.run_purchase(KEY), lambda: store.receive_purchase(KEY)):
        further()
        with pytest.raises(StoreError, match="stands already"):
            store.intend_purchase(KEY, REQUEST)
    assert store.intend_purchase(OTHER, REQUEST) == 1
    assert len(store.purchases()) == 2


@pytest.mark.parametrize("stage", OPEN_STAGES)
def test_the_database_itself_refuses_a_second_open_create(scene, store, stage):
    """Whatever a program does: the rule is an index."""
    store.intend_purchase(KEY, REQUEST)
    for word, tell in WORDS.items():
        if OPEN_STAGES.index(word) <= OPEN_STAGES.index(stage):
            tell(store)
    engine = create_engine(scene.url)
    try:
        with pytest.raises(Exception, match="(?i)unique"), engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO purchases "
                    "(system, prompt_id, seed, number, stage, intended_at, request, task_id) "
                    "SELECT system, prompt_id, seed, number + 1, stage, intended_at, request, task_id "
                    "FROM purchases"
                )
            )
    finally:
        engine.dispose()


def test_of_many_who_would_buy_at_once_one_may(store):
    def buy(_number):
        try:
            store.intend_purchase(KEY, REQUEST)
        except StoreError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(buy, range(16))) == 1
    assert len(store.purchases()) == 1


@pytest.mark.parametrize("stage", [PurchaseStage.WITHDRAWN, PurchaseStage.ENDED])
def test_after_a_create_that_came_to_nothing_another_may_follow(store, stage):
    store.intend_purchase(KEY, REQUEST)
    store.submit_purchase(KEY, "task-7", None)
    store.close_purchase(KEY, stage)
    assert store.open_purchase(KEY) is None
    assert store.intend_purchase(KEY, REQUEST) == 2
    assert [purchase.stage for purchase in store.purchases()] == [stage, PurchaseStage.INTENDED]


def test_a_failed_job_keeps_the_create_that_may_have_been_billed(store):
    """So that the next run goes on with its task, and does not pay again."""
    store.start_job(KEY)
    store.intend_purchase(KEY, REQUEST)
    store.fail_job(KEY, FailureKind.SERVER, "Nobody knows whether it arrived.")
    store.release_jobs()
    assert store.jobs(JobState.FAILED)[0].key == KEY
    assert store.open_purchase(KEY).stage is PurchaseStage.INTENDED


def test_only_a_person_gives_up_what_may_have_been_billed(store):
    store.intend_purchase(KEY, REQUEST)
    store.intend_purchase(OTHER, REQUEST)
    store.submit_purchase(OTHER, "task-8", None)
    assert store.abandon_purchases([OTHER, KEY]) == 2
    assert store.abandon_purchases([OTHER, KEY]) == 0
    assert {purchase.stage for purchase in store.purchases()} == {PurchaseStage.ABANDONED}
    assert store.intend_purchase(KEY, REQUEST) == 2


def test_what_does_not_stand_cannot_be_moved(store):
    for move in (
        lambda: store.submit_purchase(KEY, "task-7", None),
        lambda: store.run_purchase(KEY),
        lambda: store.receive_purchase(KEY),
        lambda: store.close_purchase(KEY, PurchaseStage.WITHDRAWN),
    ):
        with pytest.raises(StoreError, match=r"No create of \(a, p, seed 1\) stands"):
            move()


def test_a_job_without_a_create_is_finished_as_before(scene, store):
    store.start_job(KEY)
    store.finish_job(KEY, scene.clip(KEY))
    assert store.purchases() == ()


def test_an_unknown_job_buys_nothing(store):
    with pytest.raises(StoreError):
        store.intend_purchase(JobKey("nobody", "p", 1), REQUEST)
    with pytest.raises(StoreError, match="request of"):
        store.intend_purchase(KEY, {"seed": float("nan")})
    assert store.purchases() == ()


VERBS = ("intend", "submit", "run", "receive", "withdraw", "end", "abandon")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verbs=st.lists(st.sampled_from(VERBS), max_size=12))
def test_whatever_is_said_in_whatever_order_at_most_one_create_stands(store, verbs):
    """A naive twin keeps the book: a number of creates, and whether one stands."""
    store.abandon_purchases([KEY])
    before = len(store.purchases())
    stands, submitted, count = False, False, 0
    for verb in verbs:
        allowed = {
            "intend": not stands,
            "submit": stands,
            "run": submitted,
            "receive": submitted,
            "withdraw": stands,
            "end": submitted,
            "abandon": True,
        }[verb]
        try:
            if verb == "intend":
                store.intend_purchase(KEY, REQUEST)
            elif verb == "submit":
                store.submit_purchase(KEY, "t", None)
            elif verb == "run":
                store.run_purchase(KEY)
            elif verb == "receive":
                store.receive_purchase(KEY)
            elif verb == "abandon":
                store.abandon_purchases([KEY])
            else:
                stage = PurchaseStage.WITHDRAWN if verb == "withdraw" else PurchaseStage.ENDED
                store.close_purchase(KEY, stage)
        except StoreError:
            assert not allowed
            continue
        assert allowed
        count += verb == "intend"
        submitted = verb in {"submit", "run", "receive"}
        stands = submitted or verb == "intend"
        assert (store.open_purchase(KEY) is not None) == stands
    assert len(store.purchases()) == before + count

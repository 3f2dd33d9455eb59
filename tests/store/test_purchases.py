"""Creates at vendors: on record before they are sent, never two at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from evalharness.errors import StoreError
from evalharness.purchases import PurchaseStage
from evalharness.records import FailureKind, JobKey, JobState

KEY = JobKey("a", "p", 1)
OTHER = JobKey("b", "p", 1)
REQUEST = {"model": "m", "prompt": "ice", "seed": 1}


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
    store.finish_job(KEY, scene.clip(KEY, provider_task_id="task-7"))
    assert store.open_purchase(KEY) is None
    (delivered,) = store.purchases()
    assert delivered.stage is PurchaseStage.DELIVERED
    assert delivered.closed_at >= delivered.submitted_at
    assert not delivered.open


def test_a_create_that_stands_lets_no_other_begin(store):
    store.intend_purchase(KEY, REQUEST)
    with pytest.raises(StoreError, match=r"\(a, p, seed 1\) stands already.*paid for twice"):
        store.intend_purchase(KEY, REQUEST)
    store.submit_purchase(KEY, "task-7", None)
    with pytest.raises(StoreError, match="stands already"):
        store.intend_purchase(KEY, REQUEST)
    assert store.intend_purchase(OTHER, REQUEST) == 1
    assert len(store.purchases()) == 2


def test_the_database_itself_refuses_a_second_open_create(scene, store):
    """Whatever a program does: the rule is an index."""
    store.intend_purchase(KEY, REQUEST)
    engine = create_engine(scene.url)
    try:
        with pytest.raises(Exception, match="(?i)unique"), engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO purchases (system, prompt_id, seed, number, stage, intended_at, request) "
                    "SELECT system, prompt_id, seed, number + 1, stage, intended_at, request FROM purchases"
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


VERBS = ("intend", "submit", "withdraw", "end", "abandon")


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
            "withdraw": stands,
            "end": submitted,
            "abandon": True,
        }[verb]
        try:
            if verb == "intend":
                store.intend_purchase(KEY, REQUEST)
            elif verb == "submit":
                store.submit_purchase(KEY, "t", None)
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
        submitted = stands if verb == "submit" else submitted and verb == "intend"
        stands = verb in {"intend", "submit"}
        assert (store.open_purchase(KEY) is not None) == stands
    assert len(store.purchases()) == before + count

"""A budget counts everything that may be billed, and is never passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.budget import CENT, Budget, committed_usd
from evalharness.config import Study, StudySettings, load_study
from evalharness.errors import ConfigError
from evalharness.generate import generate_study
from evalharness.prompts import load_suites
from evalharness.purchases import OPEN_STAGES, Purchase, PurchaseStage
from evalharness.records import Clip, JobKey, Prompt, Streams, System, Task
from evalharness.store import Store

SYSTEM = System(name="hh", adapter="dashscope", model="happyhorse-1.1")
PROMPT = Prompt(id="p", task=Task.TEXT_TO_VIDEO, text="a dog", language="en", licence="CC0-1.0")
CELL = {"duration_s": 5, "resolution": "720P", "ratio": "16:9", "audio": True}


def study(folder: Path) -> Study:
    systems = [{"name": "hh", "adapter": "dashscope", "model": "happyhorse-1.1"}]
    return Study(folder, StudySettings.model_validate({"name": "test", "systems": systems}))


def purchase(stage: PurchaseStage) -> Purchase:
    return Purchase(JobKey("hh", "p", 1), 1, stage, datetime.now(UTC))


@given(
    limit=st.floats(0, 20),
    committed=st.floats(0, 30),
    steps=st.lists(
        st.tuples(st.floats(0.01, 5), st.sampled_from(["paid", "withdrawn", "ended", "never sent"]))
    ),
)
def test_what_is_spent_never_passes_the_limit_and_equals_a_plain_sum(
    limit: float, committed: float, steps: list[tuple[float, str]]
) -> None:
    budget = Budget(limit, committed)
    spent = committed
    for seed, (price, ending) in enumerate(steps):
        key = JobKey("hh", "p", seed)
        allowed = budget.promise(key, price)
        assert allowed == (spent + price <= limit + CENT)
        if not allowed:
            continue
        assert budget.committed_usd == pytest.approx(spent + price)
        if ending == "paid":
            budget.paid(key, price)
        else:
            stages = {"withdrawn": PurchaseStage.WITHDRAWN, "ended": PurchaseStage.ENDED}
            budget.failed(key, purchase(stages[ending]) if ending in stages else None)
        spent += price if ending in {"paid", "ended"} else 0.0
        assert budget.committed_usd == pytest.approx(spent)
    assert budget.committed_usd <= max(committed, limit + CENT) + 1e-9


def test_a_clip_that_an_earlier_run_asked_for_is_not_counted_again() -> None:
    budget = Budget(10, 3)
    budget.paid(JobKey("hh", "p", 1), 0.7)
    budget.failed(JobKey("hh", "p", 2), purchase(PurchaseStage.ENDED))
    assert budget.committed_usd == 3


def test_the_vendors_own_sum_counts_more_than_the_list_price() -> None:
    budget = Budget(10, 0)
    key = JobKey("hh", "p", 1)
    budget.promise(key, 1.0)
    budget.paid(key, 1.25)
    assert budget.committed_usd == 1.25


@pytest.mark.parametrize(
    ("stage", "counts"),
    [
        (PurchaseStage.INTENDED, True),
        (PurchaseStage.SUBMITTED, True),
        (PurchaseStage.RUNNING, True),
        (PurchaseStage.DOWNLOADED, True),
        (PurchaseStage.ENDED, True),
        (PurchaseStage.ABANDONED, True),
        (PurchaseStage.WITHDRAWN, False),
    ],
)
def test_what_may_be_billed_without_a_clip_counts(tmp_path: Path, stage: PurchaseStage, counts: bool) -> None:
    key = JobKey("hh", "p", 1)
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store:
        store.put_systems([SYSTEM])
        store.put_prompts([PROMPT])
        store.add_jobs([key])
        store.intend_purchase(key, {"cell": CELL})
        if stage in {*OPEN_STAGES, PurchaseStage.ENDED} - {PurchaseStage.INTENDED}:
            store.submit_purchase(key, "task", None)
        if stage is PurchaseStage.RUNNING:
            store.run_purchase(key)
        if stage is PurchaseStage.DOWNLOADED:
            store.receive_purchase(key)
        if stage is PurchaseStage.ABANDONED:
            store.abandon_purchases([key])
        if stage in {PurchaseStage.ENDED, PurchaseStage.WITHDRAWN}:
            store.close_purchase(key, stage)
        assert committed_usd(study(tmp_path), store, [PROMPT]) == pytest.approx(0.645 if counts else 0.0)


def test_a_task_counts_at_the_price_of_the_day_of_its_create(tmp_path: Path) -> None:
    key = JobKey("hh", "p", 1)
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store:
        store.put_systems([SYSTEM])
        store.put_prompts([PROMPT])
        store.add_jobs([key])
        store.intend_purchase(key, {"cell": CELL, "terms": {"list_price_usd": 0.5}})
        assert committed_usd(study(tmp_path), store, [PROMPT]) == pytest.approx(0.5)


def test_without_a_price_no_budget_can_be_kept(tmp_path: Path) -> None:
    key = JobKey("hh", "p", 1)
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store:
        store.put_systems([SYSTEM])
        store.put_prompts([PROMPT])
        store.add_jobs([key])
        store.intend_purchase(key, {"said": "nothing of a cell"})
        with pytest.raises(ConfigError, match="price is not known"):
            committed_usd(study(tmp_path), store, [PROMPT])


def test_a_failure_that_sent_nothing_is_free_whatever_was_bought_before() -> None:
    budget, key = Budget(10, 0), JobKey("hh", "p", 1)
    budget.promise(key, 1.0, purchase(PurchaseStage.ENDED))
    budget.failed(key, purchase(PurchaseStage.ENDED))
    assert budget.committed_usd == 0


def test_a_clip_of_unknown_price_ends_the_counting(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store:
        store.put_systems([SYSTEM])
        store.put_prompts([PROMPT])
        key = JobKey("hh", "p", 1)
        store.add_jobs([key])
        store.start_job(key)
        streams = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p")
        store.finish_job(key, Clip("a" * 64, key, "clips/a", 1, streams, datetime.now(UTC), "dashscope", "1"))
        with pytest.raises(ConfigError, match="'hh' was asked for a clip whose price is not known"):
            committed_usd(study(tmp_path), store, [PROMPT])


PROGRAM = """
name = "own"
[prompts]
suites = ["text-to-video"]
limit_per_category = 2
[generation]
attempts = 1
[[systems]]
name = "own"
adapter = "command"
parameters = { argv = ["false", "{output}"], cost_usd = 1.0 }
"""


def test_a_program_that_fails_at_a_price_is_not_tried_beyond_the_budget(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(PROGRAM)
    own = load_study(tmp_path)
    prompts = load_suites(own.settings.prompts, tmp_path)
    tried = []
    for _ in range(3):
        with Store.open(own.database_url) as store:
            summary = generate_study(own, store, prompts, retry_failed=True, budget_usd=3.0)
            tried.append(sum(job.attempts for job in store.jobs()))
            assert summary.committed_usd == pytest.approx(tried[-1])
    assert tried == [2, 3, 3]

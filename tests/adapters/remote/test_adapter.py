"""What a remote adapter says before anything is sent, and where its key goes."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image

from evalharness.adapters.base import MemoryJournal, Standing
from evalharness.adapters.remote.exchange import Answer, Created, Delivery, Fault, Status, TaskState
from evalharness.adapters.remote.limits import Limits
from evalharness.adapters.remote.waiting import DOUBTS
from evalharness.errors import ConfigError, GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.listening import serving
from tests.adapters.remote.plain import KEY, PlainDialect, PlainRoute
from tests.adapters.remote.server import Scenario
from tests.adapters.remote.stage import Case, NotingJournal, Stage, install


class LuringRoute(PlainRoute):
    """A vendor whose answers point to another host, for the clip or for questions."""

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        return Status(TaskState.SUCCEEDED, "done", delivery=Delivery("http://127.0.0.1:9/x", authorised=True))


class ForgettingRoute(PlainRoute):
    """A vendor that says of a task it does not find that it has forgotten it."""

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        if answer.status == 404:
            return Fault(FailureKind.EXPIRED, f"There is no task {task.task_id}.")
        return super().polled(answer, task)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    install(monkeypatch)
    with serving(PlainDialect(), b"", Scenario()) as vendor:
        yield Stage(Case(PlainRoute, PlainDialect()), vendor, tmp_path)


def test_the_key_stays_with_the_vendor(stage: Stage) -> None:
    lured = dataclasses.replace(stage, case=Case(LuringRoute, PlainDialect()))
    error = lured.fail()
    assert error.kind is FailureKind.SERVER
    assert "http://127.0.0.1:9" in str(error)
    assert "not sent there" in str(error)
    assert lured.journal.standing.task_id is not None


def test_it_says_what_it_can_do(stage: Stage) -> None:
    adapter = stage.adapter()
    assert adapter.version == "1.1"
    assert adapter.capabilities.tasks == tuple(Task)
    assert adapter.capabilities.audio == "switchable"
    assert adapter.offer(stage.request()).cost_usd == pytest.approx(0.25)


def test_a_silent_clip_costs_its_own_price(stage: Stage) -> None:
    silent = dataclasses.replace(stage, parameters={"audio": False, "resolution": "720p"})
    assert silent.adapter().offer(silent.request()).cost_usd == pytest.approx(0.2)


class CountingRoute(PlainRoute):
    """A vendor that bills by tokens and tells how many."""

    tells: ClassVar[Mapping[str, Any]] = {"tokens": 120_000}

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        told = super().polled(answer, task)
        return dataclasses.replace(told, **self.tells) if isinstance(told, Status) else told


class ChargingRoute(CountingRoute):
    """A vendor that tells its sum beside the tokens."""

    tells: ClassVar[Mapping[str, Any]] = {"tokens": 120_000, "cost_usd": 0.5}


class CountedDialect(PlainDialect):
    model: ClassVar[str] = "plain-counted"


@pytest.mark.parametrize(
    ("route", "dialect", "cost_usd", "cost_from"),
    [
        (PlainRoute, PlainDialect, 0.25, "list price"),
        (CountingRoute, PlainDialect, 0.25, "list price"),
        (CountingRoute, CountedDialect, 0.6, "usage at list price"),
        (ChargingRoute, CountedDialect, 0.5, "vendor"),
    ],
)
def test_a_clips_cost_is_the_best_that_is_known(
    clip: bytes,
    stage: Stage,
    route: type[PlainRoute],
    dialect: type[PlainDialect],
    cost_usd: float,
    cost_from: str,
) -> None:
    stage.vendor.clip = clip
    made = dataclasses.replace(stage, case=Case(route, dialect())).make()
    assert made.cost_usd == pytest.approx(cost_usd)
    assert made.request["cost_from"] == cost_from


def test_its_parameters_are_the_routes_and_everybodys(stage: Stage) -> None:
    known = dataclasses.replace(stage, parameters={"tier": "fast", "duration_s": 6})
    assert known.adapter().refuse(known.request()) is None
    unknown = dataclasses.replace(stage, parameters={"tire": "fast"})
    with pytest.raises(ConfigError, match="tire.*knows no such parameter.*tier"):
        unknown.adapter()
    impossible = dataclasses.replace(stage, parameters={"resolution": "8k"})
    with pytest.raises(ConfigError, match="resolution.*480p, 720p"):
        impossible.adapter()


def test_what_is_refused_is_not_sent(stage: Stage) -> None:
    request = dataclasses.replace(stage.request(), duration_s=99.0)
    said = stage.adapter().refuse(request)
    assert said is not None
    assert "99 s" in said
    for ask in (stage.adapter().preview, stage.adapter().generate):
        with pytest.raises(GenerationError) as caught:
            ask(request)
        assert (caught.value.kind, str(caught.value)) == (FailureKind.PARAMETER, said)
    assert stage.vendor.requests == []


def test_a_task_is_recorded_as_it_was_asked_for(clip: bytes, stage: Stage) -> None:
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    stage.timeout_s = 3600.0
    stage.vendor.clip = clip
    now = dataclasses.replace(stage, parameters={"duration_s": 6, "audio": False})
    now.journal = stage.journal
    made = now.make()
    assert made.request["cell"]["duration_s"] == 5.0
    assert made.request["cell"]["audio"] is True
    assert made.cost_usd == pytest.approx(0.25)
    assert (made.request["resumed"], made.request["cost_from"]) == (True, "list price")
    assert stage.vendor.creates() == 1


def test_what_was_agreed_is_kept_with_the_create(clip: bytes, stage: Stage) -> None:
    """Settings and catalogue may change before the clip is there."""
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    stage.vendor.clip = clip
    kept = stage.journal.standing.intended
    assert kept is not None
    assert kept["terms"] == {
        "asked": {"duration_s": 5.0, "width": 864, "height": 496, "fps": 24.0},
        "model": "plain-1",
        "overrides": {},
        "list_price_usd": 0.25,
    }
    today = dataclasses.replace(stage, parameters={"duration_s": 6}).adapter()
    today.model = today.model.model_copy(update={"name": "plain-2", "usd_per_s": {}})
    request = dataclasses.replace(stage.request(), fps=30.0, timeout_s=3600.0)
    made = asyncio.run(today.make(request, stage.journal))
    assert {name: made.request[name] for name in ("asked", "model", "overrides")} == {
        name: kept["terms"][name] for name in ("asked", "model", "overrides")
    }
    assert (made.cost_usd, made.request["cost_from"]) == (0.25, "list price")
    assert made.request["terms_from"] == "create"
    assert "terms" not in made.request["sent"]


def test_a_create_of_an_earlier_version_takes_todays_terms_and_says_so(clip: bytes, stage: Stage) -> None:
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    stage.vendor.clip = clip
    kept = stage.journal.standing.intended
    assert kept is not None
    bare = {name: value for name, value in kept.items() if name != "terms"}
    stage.journal.standing = dataclasses.replace(stage.journal.standing, intended=bare)
    request = dataclasses.replace(stage.request(), fps=30.0, timeout_s=3600.0)
    made = asyncio.run(stage.adapter().make(request, stage.journal))
    assert (made.request["asked"]["fps"], made.request["terms_from"]) == (30.0, "fetch")
    assert made.cost_usd == pytest.approx(0.25)


def test_times_of_a_resumed_task_are_told_where_somebody_watched(clip: bytes, stage: Stage) -> None:
    """(states that this run hears, seconds since its create and its beginning) -> queue, run and whole."""
    stage.vendor.clip = clip
    rows: Mapping[Any, tuple[float | None, ...]] = {
        (("queued", "running", "succeeded"), 100.0, None): (102.0, 3.0, 105.0),
        (("running", "succeeded"), 100.0, 40.0): (60.0, 42.0, 102.0),
        (("running", "succeeded"), 100.0, None): (None, None, 102.0),
        (("succeeded",), 100.0, 40.0): (60.0, None, None),
        (("succeeded",), 100.0, None): (None, None, None),
        (("queued", "running", "succeeded"), None, None): (None, 3.0, None),
        (("running", "succeeded"), -100.0, -40.0): (None, None, None),
    }
    now = datetime.now(UTC)
    stage.time.clock = dataclasses.replace(stage.time.clock, unix=now.timestamp)
    for (states, age_s, ran_s), expected in rows.items():
        stage.timeout_s = 0.0
        stage.journal = NotingJournal(stage.vendor)
        stage.vendor.scenario.states = ("queued", *states)  # the first one is the earlier run's
        assert stage.fail().kind is FailureKind.TIMEOUT
        stage.timeout_s = 3600.0
        stage.journal.standing = dataclasses.replace(
            stage.journal.standing,
            submitted_at=None if age_s is None else now - timedelta(seconds=age_s),
            running_at=None if ran_s is None else now - timedelta(seconds=ran_s),
        )
        made = stage.make()
        told = (made.request["queue_s"], made.request["run_s"], made.latency_s)
        assert told == tuple(span_s and pytest.approx(span_s) for span_s in expected)
        (stage.folder / "clip.mp4").unlink()


@pytest.mark.parametrize("arrived", [True, False])
def test_a_create_that_an_earlier_run_lost_is_told_from_one_of_this_run(
    clip: bytes, stage: Stage, arrived: bool
) -> None:
    """Where its task is found, nobody knows since when it stood; where there is none, another is made."""
    stage.vendor.scenario.states = ("queued", "running", "succeeded")
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    lost = Standing(stage.journal.standing.intended, stage.journal.standing.intended_at)
    stage.journal.standing = lost
    if not arrived:
        stage.vendor.tasks.clear()
    stage.vendor.clip, stage.timeout_s = clip, 3600.0
    made = stage.make()
    assert made.request["resumed"] is arrived
    assert (made.request["queue_s"] is None) == (made.latency_s is None) == arrived
    assert stage.vendor.creates() == (1 if arrived else 2)


def test_a_task_that_stands_is_fetched_even_where_it_would_be_refused_now(clip: bytes, stage: Stage) -> None:
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    stage.vendor.clip = clip
    refused = dataclasses.replace(stage.request(), duration_s=99.0, timeout_s=3600.0)
    assert stage.adapter().refuse(refused) is not None
    made = asyncio.run(stage.adapter().make(refused, stage.journal))
    assert refused.output.read_bytes() == clip
    assert (made.request["cell"]["duration_s"], stage.vendor.creates()) == (5.0, 1)


def test_a_task_that_stands_is_fetched_though_its_route_would_refuse_it_now(
    clip: bytes, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a prompt's picture was put in another's place meanwhile."""
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    stage.vendor.clip, stage.timeout_s = clip, 3600.0
    monkeypatch.setattr(stage.case.route, "refuse", lambda _route, _ask: "The picture is too small.")
    assert stage.make().request["resumed"] is True
    assert stage.vendor.creates() == 1


def test_a_vendor_that_forgets_a_young_task_is_asked_again(stage: Stage) -> None:
    """One slip of a vendor's must not cost a clip that was just paid for."""
    stage.case, stage.timeout_s = Case(ForgettingRoute, PlainDialect()), 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    stage.timeout_s = 3600.0
    stage.vendor.tasks.clear()
    assert stage.fail().kind is FailureKind.EXPIRED
    assert stage.journal.standing.task_id is not None
    intended = stage.journal.standing.intended_at
    assert intended is not None
    stage.journal.standing = dataclasses.replace(
        stage.journal.standing, intended_at=intended - timedelta(days=30)
    )
    asked = stage.vendor.questions()
    assert stage.fail().kind is FailureKind.EXPIRED
    assert stage.vendor.questions() - asked == DOUBTS
    assert stage.journal.verbs[-1] == "ended"


def test_another_host_is_not_asked_for_a_task_that_it_does_not_know(clip: bytes, stage: Stage) -> None:
    stage.timeout_s = 0.0
    assert stage.fail().kind is FailureKind.TIMEOUT
    moved = dataclasses.replace(stage, timeout_s=3600.0)
    moved.journal = stage.journal
    with serving(stage.case.dialect, clip, Scenario()) as elsewhere:
        moved.environment = stage.environment | {stage.case.dialect.address: elsewhere.url}
        with pytest.raises(GenerationError, match=f"asked for at {stage.vendor.url}"):
            moved.make()
        assert elsewhere.requests == []
    assert stage.journal.standing.task_id is not None
    assert "ended" not in stage.journal.verbs


def test_a_create_that_came_to_nothing_is_not_sent_again_where_it_is_refused_now(stage: Stage) -> None:
    refused = dataclasses.replace(stage.request(), duration_s=99.0)
    asyncio.run(stage.journal.intend({"url": f"{stage.vendor.url}/tasks", "external_id": "0" * 32}))
    with pytest.raises(GenerationError) as caught:
        asyncio.run(stage.adapter().make(refused, stage.journal))
    assert caught.value.kind is FailureKind.PARAMETER
    assert stage.journal.verbs[-1] == "withdrawn"
    assert stage.vendor.creates() == 0


def test_waiting_for_a_place_is_not_the_clips_own_time(stage: Stage) -> None:
    limits = Limits(running=1)
    stage.timeout_s = 60

    async def in_turn() -> None:
        async with limits.task():
            job = asyncio.ensure_future(stage.adapter().make(stage.request(), stage.journal, limits=limits))
            await asyncio.sleep(0.1)  # it has come as far as it can
            assert stage.vendor.requests == []
            stage.time.now_s = 1e6
        with pytest.raises(GenerationError) as caught:  # this vendor's clips are empty files
            await job
        assert caught.value.kind is not FailureKind.TIMEOUT

    asyncio.run(in_turn())
    assert stage.vendor.downloads > 0


def test_a_picture_is_recorded_by_its_hash(stage: Stage) -> None:
    file = stage.folder.parent / "frame.png"
    Image.effect_noise((64, 36), 80).save(file)
    request = stage.request()
    prompt = dataclasses.replace(request.prompt, task=Task.IMAGE_TO_VIDEO, first_frame=str(file))
    request = dataclasses.replace(request, prompt=prompt)
    journal = MemoryJournal()
    with pytest.raises(GenerationError, match="clip"):  # this vendor's clips are empty files
        asyncio.run(stage.adapter().make(request, journal))
    sent = journal.standing.intended
    assert sent is not None
    assert sent["json"]["frame"] == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert sent["json"]["model"] == "plain-1-i2v"
    assert sent["headers"] == {"X-Plain": "1"}
    assert KEY not in str(sent)


def test_reference_pictures_are_recorded_by_their_hashes_in_their_order(stage: Stage) -> None:
    files = [stage.folder.parent / f"{name}.png" for name in ("hat", "cat")]
    for file in files:
        Image.effect_noise((64, 36), 80).save(file)
    prompt = dataclasses.replace(
        stage.request().prompt,
        task=Task.REFERENCE_TO_VIDEO,
        text="[Image 1] on [Image 2].",
        references=tuple(map(str, files)),
    )
    journal = MemoryJournal()
    with pytest.raises(GenerationError, match="clip"):  # this vendor's clips are empty files
        asyncio.run(stage.adapter().make(dataclasses.replace(stage.request(), prompt=prompt), journal))
    sent = journal.standing.intended
    assert sent is not None
    assert sent["json"]["references"] == [
        f"data:image/png;base64,sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files
    ]
    assert sent["json"]["prompt"] == "@1 on @2."


def test_a_request_can_be_shown_without_sending_it(stage: Stage) -> None:
    call = stage.adapter().preview(stage.request())
    assert call.url == f"{stage.vendor.url}/tasks"
    assert stage.vendor.requests == []

"""One suite for every vendor: the straight line of a clip, and everything that can happen on it."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evalharness.adapters.base import MemoryJournal
from evalharness.adapters.remote.client import Client
from evalharness.adapters.remote.download import DownloadBounds
from evalharness.errors import AmbiguousCreate, GenerationError
from evalharness.records import FailureKind
from tests.adapters.remote.listening import serving
from tests.adapters.remote.server import RETRY_AFTER_S, STRANGE, Scenario
from tests.adapters.remote.stage import TEXT, Case, Stage, all_cases, install

CASES = all_cases()
SetUp = Callable[..., Stage]


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def stage(case: Case, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetUp]:
    """Sets a vendor up that plays a scenario."""
    install(monkeypatch)
    with ExitStack() as servers:

        def set_up(**scenario: Any) -> Stage:
            vendor = servers.enter_context(serving(case.dialect, clip, Scenario(**scenario)))
            return Stage(case, vendor, tmp_path)

        yield set_up


def downloading(stage: Stage) -> None:
    if stage.case.dialect.inline:
        pytest.skip("This vendor's clips come within its answer.")


# -- all goes well ------------------------------------------------------------------------------


def test_a_clip_arrives_with_its_whole_recipe(stage: SetUp, clip: bytes) -> None:
    on = stage()
    made = on.make()
    assert (on.folder / "clip.mp4").read_bytes() == clip
    assert [path.name for path in on.folder.iterdir()] == ["clip.mp4"]
    assert on.vendor.objections == []
    assert on.vendor.stray_keys == []
    assert on.vendor.made() == on.vendor.creates() == 1
    record = json.dumps(made.request)
    on.check_secrets(record)
    [(_, create)] = [pair for pair in on.vendor.requests if pair[0].what == "create"]
    assert made.request["sent"]["json"] == create.body
    assert made.request["sent"]["url"] == f"{on.vendor.url}{create.path}"
    assert TEXT in record
    assert made.request["download"] == {"sha256": hashlib.sha256(clip).hexdigest(), "bytes": len(clip)}
    assert made.request["rewriting"] == on.model.rewriting
    assert made.request["watermark"] == on.model.watermark
    assert made.provider_task_id == next(iter(on.vendor.tasks))
    if made.cost_usd is None:
        assert made.request["cost_from"] is None
    else:
        assert made.cost_usd > 0


def test_every_step_is_on_record_before_the_next(stage: SetUp) -> None:
    on = stage()
    on.make()
    running = [("running", 1, 2)] if on.case.dialect.tells_running else []
    downloaded = ("downloaded", 1, on.vendor.questions())
    assert on.journal.told == [("intend", 0, 0), ("submitted", 1, 0), *running, downloaded]


def test_waiting_is_quick_at_first_and_told_apart(stage: SetUp) -> None:
    on = stage(states=("queued",) * 4 + ("running",) * 12 + ("succeeded",))
    made = on.make()
    pauses = on.time.sleeps
    assert pauses[0] <= 2
    assert pauses == sorted(pauses)
    assert max(pauses) == on.model.poll_s
    assert made.latency_s == pytest.approx(sum(pauses))
    if not on.case.dialect.tells_running:
        assert made.request["queue_s"] is made.request["run_s"] is None
        return
    assert made.request["queue_s"] == pytest.approx(sum(pauses[:4]))
    assert made.request["run_s"] == pytest.approx(sum(pauses[4:]))


def test_a_preview_is_what_is_sent(stage: SetUp) -> None:
    on = stage()
    call = on.adapter().preview(on.request())
    assert on.vendor.requests == []
    sent = on.make().request["sent"]
    shown = json.dumps(call.json).replace("0" * 32, sent["external_id"])
    assert json.loads(shown) == sent["json"]


def test_generate_waits_for_one_clip(stage: SetUp, clip: bytes) -> None:
    on = stage()
    made = on.adapter().generate(on.request())
    assert (on.folder / "clip.mp4").read_bytes() == clip
    assert made.request["resumed"] is False


def test_generate_never_lets_a_paid_task_be_asked_for_again(stage: SetUp) -> None:
    on = stage(polls=("server",) * 12)
    on.timeout_s = 60
    with pytest.raises(GenerationError) as caught:
        on.adapter().generate(on.request())
    assert (caught.value.kind, caught.value.retry_safe) == (FailureKind.TIMEOUT, False)


def test_generate_may_be_called_again_where_nothing_was_made(stage: SetUp) -> None:
    on = stage(creates=("rate",) * 50)
    with pytest.raises(GenerationError) as caught:
        on.adapter().generate(on.request())
    assert (caught.value.kind, caught.value.retry_safe) == (FailureKind.RATE, True)


def test_many_at_once_keep_to_their_own_tasks(stage: SetUp) -> None:
    on = stage()
    adapter = on.adapter()

    async def all_of_them() -> list[str | None]:
        async with Client(on.bounds) as client:
            jobs = [
                adapter.make(on.request(f"clip-{n}", f"Ball number {n}."), MemoryJournal(), client=client)
                for n in range(12)
            ]
            return [made.provider_task_id for made in await asyncio.gather(*jobs)]

    assert len(set(asyncio.run(all_of_them()))) == 12
    assert all(on.vendor.made(f"Ball number {n}.") == 1 for n in range(12))


# -- the create ---------------------------------------------------------------------------------


def test_too_many_requests_are_made_later(stage: SetUp) -> None:
    on = stage(creates=("rate", "rate"))
    on.make()
    assert on.vendor.made() == 1
    assert on.journal.verbs[:5] == ["intend", "withdrawn", "intend", "withdrawn", "intend"]


def test_what_the_vendor_asks_to_wait_is_waited(stage: SetUp) -> None:
    on = stage(creates=("rate_wait",))
    on.make()
    assert on.vendor.made() == 1
    assert on.time.sleeps[0] >= RETRY_AFTER_S


def test_too_many_requests_for_ever_end_the_try(stage: SetUp) -> None:
    on = stage(creates=("rate",) * 50)
    error = on.fail()
    assert (error.kind, error.retry_safe) == (FailureKind.RATE, True)
    assert on.vendor.made() == 0
    assert on.journal.standing.intended is None
    assert on.vendor.creates() < 10


@pytest.mark.parametrize(
    ("mishap", "made"),
    [
        ("server_before", 0),
        ("gateway", 0),
        ("hang_up_before", 0),
        ("server_after", 1),
        ("hang_up_after", 1),
        ("malformed", 1),
    ],
)
def test_a_create_nobody_knows_the_end_of_is_not_repeated(stage: SetUp, mishap: str, made: int) -> None:
    on = stage(creates=(mishap,))
    if on.case.dialect.external_ids:
        on.make()
        assert on.vendor.made() == 1
        assert on.vendor.creates() == 2 - made
        return
    for _ in range(2):
        error = on.fail()
        assert isinstance(error, AmbiguousCreate)
        assert not error.retry_safe
        assert on.journal.standing.intended is not None
        assert on.journal.standing.task_id is None
    assert on.vendor.creates() == 1
    assert on.vendor.made() == made


@pytest.mark.parametrize("mishap", ["auth", "billing", "parameter", "moderation"])
def test_a_refusal_is_an_ending_of_its_kind(stage: SetUp, mishap: str) -> None:
    on = stage(creates=(mishap,))
    error = on.fail()
    assert (error.kind, error.retry_safe) == (FailureKind(mishap), False)
    assert on.vendor.creates() == 1
    assert on.journal.standing.intended is None


def test_a_vendor_that_is_not_there_is_asked_again(case: Case, stage: SetUp) -> None:
    on = stage()
    on.environment[case.dialect.address] = "http://127.0.0.1:9"
    error = on.fail()
    assert (error.kind, error.retry_safe) == (FailureKind.SERVER, True)
    assert on.journal.verbs.count("intend") == on.journal.verbs.count("withdrawn") > 1


def test_without_a_key_nothing_is_sent(case: Case, stage: SetUp) -> None:
    on = stage()
    for variable in case.dialect.secrets:
        del on.environment[variable]
    error = on.fail()
    assert error.kind is FailureKind.AUTH
    assert any(variable in str(error) for variable in case.dialect.secrets)
    assert on.vendor.requests == []
    assert on.journal.told == []


def test_a_cancelled_create_is_still_put_on_record(stage: SetUp) -> None:
    on = stage(creates=("slow",))

    async def cancel_in_the_middle() -> None:
        job = asyncio.ensure_future(on.adapter().make(on.request(), on.journal))
        while on.vendor.made() == 0:
            await asyncio.sleep(0.005)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(cancel_in_the_middle())
    assert on.journal.standing.task_id in on.vendor.tasks
    on.make()
    assert on.vendor.creates() == 1


# -- the questions ------------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", ["rate", "rate_wait", "server", "gateway", "hang_up", "malformed"])
def test_a_question_that_went_wrong_is_asked_again(stage: SetUp, mishap: str) -> None:
    on = stage(polls=(mishap, "well", mishap, mishap))
    on.make()
    assert on.vendor.made() == on.vendor.creates() == 1
    if mishap == "rate_wait":
        assert on.time.sleeps[0] >= RETRY_AFTER_S


@pytest.mark.parametrize("mishap", ["strange", "malformed"])
def test_what_is_never_understood_is_a_fault(case: Case, stage: SetUp, mishap: str) -> None:
    if mishap == "strange" and not case.dialect.strange_word:
        pytest.skip("This vendor has no words for states.")
    on = stage(polls=(mishap,) * 50)
    error = on.fail()
    assert error.kind is FailureKind.SERVER
    assert mishap != "strange" or STRANGE in str(error)
    assert on.vendor.questions() < 10
    assert on.journal.standing.task_id is not None


def test_time_runs_out_and_another_try_goes_on(stage: SetUp, clip: bytes) -> None:
    on = stage(polls=("server",) * 12)
    on.timeout_s = 60
    error = on.fail()
    assert (error.kind, error.retry_safe) == (FailureKind.TIMEOUT, True)
    on.timeout_s = 3600
    on.time.sleeps.clear()
    made = on.make()
    assert on.vendor.creates() == 1
    assert made.request["resumed"] is True
    # From the answer to the create, whose moment the journal kept by the calendar: moments ago in this test.
    assert made.latency_s == pytest.approx(sum(on.time.sleeps), abs=20)
    assert made.request["sent"]["json"] == next(iter(on.vendor.tasks.values())).body


def test_a_refused_key_leaves_the_task_standing(stage: SetUp) -> None:
    on = stage(polls=("auth",))
    assert on.fail().kind is FailureKind.AUTH
    on.make()
    assert on.vendor.creates() == 1


@pytest.mark.parametrize("fault", ["failed", "moderation_input", "moderation_output"])
def test_a_failed_task_is_over(stage: SetUp, fault: str) -> None:
    on = stage(states=("running", "failed"), fault=fault)
    error = on.fail()
    assert (error.kind is FailureKind.MODERATION) == fault.startswith("moderation")
    assert not error.retry_safe
    assert on.journal.verbs[-1] == "ended"
    assert on.journal.standing.intended is None


def test_a_cancelled_task_is_over(stage: SetUp) -> None:
    on = stage(states=("queued", "cancelled"))
    on.fail()
    assert on.journal.verbs[-1] == "ended"


# -- the download -------------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", ["server", "truncated", "corrupt", "page", "hang_up"])
def test_a_download_that_went_wrong_is_made_again(stage: SetUp, clip: bytes, mishap: str) -> None:
    on = stage(downloads=(mishap,))
    downloading(on)
    on.make()
    assert (on.folder / "clip.mp4").read_bytes() == clip
    assert on.vendor.downloads == 2
    assert on.vendor.creates() == 1


@pytest.mark.parametrize(
    ("mishap", "kind"),
    [
        ("server", FailureKind.SERVER),
        ("truncated", FailureKind.SERVER),
        ("corrupt", FailureKind.MEDIA),
        ("page", FailureKind.SERVER),
        ("endless", FailureKind.SERVER),
        ("hang_up", FailureKind.SERVER),
        ("redirect_to_file", FailureKind.SERVER),
    ],
)
def test_a_download_that_never_succeeds_leaves_the_task(stage: SetUp, mishap: str, kind: FailureKind) -> None:
    on = stage(always=mishap)
    downloading(on)
    assert on.fail().kind is kind
    assert on.vendor.downloads < 5
    on.vendor.scenario.always = None
    on.make()
    assert on.vendor.creates() == 1


def test_a_download_that_drips_is_left(stage: SetUp) -> None:
    on = stage(always="drip")
    downloading(on)
    on.download_bounds = DownloadBounds(clip_s=0.1)
    assert on.fail().kind is FailureKind.TIMEOUT


def test_a_link_that_is_over_is_asked_for_anew(stage: SetUp) -> None:
    on = stage(downloads=("expired",), fresh_links=True)
    downloading(on)
    on.make()
    assert on.vendor.creates() == 1


def test_a_link_that_is_over_for_good_ends_the_job(stage: SetUp) -> None:
    on = stage(always="expired")
    downloading(on)
    error = on.fail()
    assert (error.kind, error.retry_safe) == (FailureKind.EXPIRED, False)
    # It cannot be over so soon: the paid clip is not given up.
    assert on.journal.standing.task_id is not None
    long_ago = datetime.now(UTC) - timedelta(days=60)
    on.journal.standing = dataclasses.replace(on.journal.standing, intended_at=long_ago)
    assert on.fail().kind is FailureKind.EXPIRED
    assert on.journal.verbs[-1] == "ended"
    assert on.vendor.creates() == 1


def test_a_redirect_is_followed_without_the_key(stage: SetUp, clip: bytes) -> None:
    on = stage(downloads=("redirect",))
    downloading(on)
    on.make()
    assert (on.folder / "clip.mp4").read_bytes() == clip
    assert on.vendor.stray_keys == []

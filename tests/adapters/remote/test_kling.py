"""Kling on paper: exact requests by both contracts, and what each documented answer means."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.kling import HOSTS, KINDS, STATES, KlingParameters, KlingRoute, RegionName
from evalharness.adapters.remote.exchange import Answer, Ask, Call, Created, Fault, Status, TaskState
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialect import VendorTask
from tests.adapters.remote.dialects.kling import KlingDialect, KlingLegacyDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
OUR_ID = "0123456789abcdef0123456789abcdef"
TASK = Created("8273-66")
DIALECTS: dict[Any, KlingDialect | KlingLegacyDialect] = {
    "path": KlingDialect(),
    "legacy": KlingLegacyDialect(),
}
FRAME = picture(854, 480)
HOST = "https://api-singapore.klingai.com"
LEGACY = {"KLINGAI_ACCESS_KEY": "access-1", "KLINGAI_SECRET_KEY": "secret-1"}

by_either = pytest.mark.parametrize("contract", DIALECTS)


def route(contract: Any = "path", **parameters: Any) -> KlingRoute:
    return KlingRoute(KlingParameters(contract=contract, **parameters), {})


def ask(**changes: Any) -> Ask:
    plain = Ask(
        model="kling-3.0",
        task=Task.TEXT_TO_VIDEO,
        prompt=PROMPT,
        duration_s=5.0,
        resolution="720p",
        ratio="16:9",
        width=1280,
        height=720,
        audio=True,
        seed=None,
        external_id=OUR_ID,
    )
    return dataclasses.replace(plain, **changes)


def with_frame(**changes: Any) -> Ask:
    return ask(**({"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME} | changes))


def well(data: Any) -> Answer:
    return Answer(200, {"code": 0, "message": "SUCCEED", "data": data}, "beginning")


def vendor_task(state: Any, fault: Any = None) -> VendorTask:
    return VendorTask(TASK.task_id, state, fault, "https://cdn/clip.mp4", {})


# -- what is sent -------------------------------------------------------------------------------


def test_a_clip_is_asked_for_by_path_with_every_setting_written_out() -> None:
    assert route().create(ask()) == Call(
        "POST",
        f"{HOST}/text-to-video/kling-3.0",
        json={
            "prompt": PROMPT,
            "settings": {
                "resolution": "720p",
                "duration": 5,
                "audio": "native",
                "multi_shot": False,
                "aspect_ratio": "16:9",
            },
            "options": {"watermark_info": {"enabled": False}, "external_task_id": OUR_ID},
        },
    )


def test_a_first_frame_gives_the_ratio_by_path() -> None:
    call = route(region="china").create(with_frame(audio=False, resolution="4k"))
    assert call.url == "https://api-beijing.klingai.com/image-to-video/kling-3.0"
    assert call.json == {
        "contents": [{"type": "prompt", "text": PROMPT}, {"type": "first_frame", "url": FRAME}],
        "settings": {"resolution": "4k", "duration": 5, "audio": "off", "multi_shot": False},
        "options": {"watermark_info": {"enabled": False}, "external_task_id": OUR_ID},
    }


def test_a_clip_is_asked_for_by_the_legacy_contract() -> None:
    assert route("legacy").create(ask(negative_prompt="blur", resolution="1080p")) == Call(
        "POST",
        f"{HOST}/v1/videos/text2video",
        json={
            "model_name": "kling-v3",
            "prompt": PROMPT,
            "negative_prompt": "blur",
            "mode": "pro",
            "duration": "5",
            "sound": "on",
            "multi_shot": False,
            "watermark_info": {"enabled": False},
            "external_task_id": OUR_ID,
            "aspect_ratio": "16:9",
        },
    )


def test_a_first_frame_goes_as_bare_base64_by_the_legacy_contract() -> None:
    call = route("legacy").create(with_frame(audio=False))
    assert call.url == f"{HOST}/v1/videos/image2video"
    assert call.json is not None
    assert call.json["image"] == FRAME.partition(",")[2]
    assert call.json["sound"] == "off"
    assert "aspect_ratio" not in call.json


@by_either
def test_every_cell_of_the_catalogue_is_what_the_vendor_takes(contract: str) -> None:
    for asked in every_cell("kling", ask()):
        assert asked.duration_s.is_integer()
        call = heard(route(contract).create(asked))
        assert DIALECTS[contract].wanted(call) is not None
        assert DIALECTS[contract].objection(call) is None, asked


def test_every_region_has_its_host() -> None:
    assert set(HOSTS) == set(get_args(RegionName))


def test_the_environment_moves_the_address() -> None:
    way = KlingRoute(KlingParameters(), {"EVALHARNESS_KLING_URL": "http://127.0.0.1:9/"})
    assert way.poll(TASK) == Call("GET", "http://127.0.0.1:9/tasks?task_ids=8273-66")


@pytest.mark.parametrize("wrong", [{"region": "mars"}, {"contract": "new"}, {"watermark": True}])
def test_impossible_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        KlingParameters(**wrong)


@pytest.mark.parametrize(
    ("contract", "asked", "said"),
    [
        ("path", ask(negative_prompt="blur"), "by its legacy contract only"),
        ("legacy", ask(prompt="a" * 2501), "The prompt has 2501 characters"),
        ("legacy", ask(negative_prompt="a" * 2501), "The negative prompt has 2501 characters"),
        ("legacy", ask(model="kling-4"), "How to ask 'kling-4'"),
        ("legacy", ask(resolution="8k"), "for 8k"),
        ("path", ask(task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        ("path", with_frame(first_frame=picture(480, 270)), "sides of at least 300"),
        ("legacy", with_frame(first_frame=picture(900, 300)), "at most 2.5 times"),
        ("path", with_frame(first_frame=picture(854, 480, kind="WEBP")), "is a WEBP"),
        ("path", with_frame(ratio="9:16"), "not in 9:16"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(
    contract: str, asked: Ask, said: str
) -> None:
    refused = route(contract).refuse(asked)
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


@by_either
def test_what_can_be_served_is_not_refused(contract: str) -> None:
    assert route(contract).refuse(ask(prompt="a" * 2500)) is None
    assert route(contract).refuse(with_frame()) is None
    assert route("path").refuse(ask(prompt="a" * 3072)) is None
    assert route("legacy").refuse(ask(negative_prompt="blur")) is None


# -- keys ---------------------------------------------------------------------------------------


def test_the_key_of_the_path_contract_is_a_bearer_token() -> None:
    assert route().credentials({"KLING_API_KEY": "k-1"}, 0.0) == {"Authorization": "Bearer k-1"}
    with pytest.raises(GenerationError, match="set KLING_API_KEY"):
        route().credentials(LEGACY, 0.0)


def test_the_legacy_contract_signs_a_token_for_each_call() -> None:
    header = route("legacy").credentials(LEGACY, 1_795_341_600.9)["Authorization"]
    signed, _, signature = header.removeprefix("Bearer ").rpartition(".")

    def unpacked(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    head, claims = (json.loads(unpacked(part)) for part in signed.split("."))
    assert head == {"alg": "HS256", "typ": "JWT"}
    assert claims == {"iss": "access-1", "exp": 1_795_343_400, "nbf": 1_795_341_595}
    assert unpacked(signature) == hmac.new(b"secret-1", signed.encode(), hashlib.sha256).digest()
    assert "=" not in header
    assert "secret-1" not in header
    assert route("legacy").credentials(LEGACY, 1_795_341_700.0)["Authorization"] != header


@pytest.mark.parametrize("absent", LEGACY)
def test_both_keys_of_the_legacy_contract_are_needed(absent: str) -> None:
    with pytest.raises(GenerationError, match=f"set {absent}"):
        route("legacy").credentials(LEGACY | {absent: ""} | {"KLING_API_KEY": "k-1"}, 0.0)


# -- what is answered ---------------------------------------------------------------------------


@by_either
def test_a_task_is_taken_down(contract: str) -> None:
    reply = DIALECTS[contract].accepted(vendor_task("queued"))
    assert route(contract).created(answer(reply)) == TASK


def test_a_task_is_asked_after() -> None:
    assert route().poll(Created("../x?y&z")).url == f"{HOST}/tasks?task_ids=..%2Fx%3Fy%26z"
    legacy = route("legacy")
    assert legacy.poll(Created("../x?y")).url == f"{HOST}/v1/videos/text2video/..%2Fx%3Fy"
    assert legacy.cancel(TASK) is route().cancel(TASK) is None


@pytest.mark.parametrize(("status", "code"), [(404, 1203), (400, 1201), (200, 1202), (404, None)])
def test_a_legacy_task_of_the_other_kind_is_asked_after_there(status: int, code: int | None) -> None:
    unknown = Answer(status, {"code": code, "message": "not found"})
    assert route("legacy").after(unknown, TASK) == Call("GET", f"{HOST}/v1/videos/image2video/8273-66")
    assert route("path").after(unknown, TASK) is None


@pytest.mark.parametrize("unclear", [well({"task_status": "submitted"}), Answer(500, {"code": 5000})])
def test_other_answers_need_no_second_question(unclear: Answer) -> None:
    assert route("legacy").after(unclear, TASK) is None


@by_either
@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("queued", TaskState.QUEUED),
        ("running", TaskState.RUNNING),
        ("succeeded", TaskState.SUCCEEDED),
        ("failed", TaskState.FAILED),
    ],
)
def test_every_state_is_understood(contract: str, state: Any, ours: TaskState) -> None:
    status = route(contract).polled(answer(DIALECTS[contract].status(vendor_task(state))), TASK)
    assert isinstance(status, Status)
    assert status.state is ours
    assert (status.delivery is not None) == (ours is TaskState.SUCCEEDED)
    assert (status.fault is not None) == (ours is TaskState.FAILED)


@by_either
def test_a_finished_clip_is_the_one_without_a_mark(contract: str) -> None:
    status = route(contract).polled(answer(DIALECTS[contract].status(vendor_task("succeeded"))), TASK)
    assert isinstance(status, Status)
    assert status.delivery is not None
    assert status.delivery.url == "https://cdn/clip.mp4"
    assert not status.delivery.authorised
    paid = "billing" if contract == "path" else "final_unit_deduction"
    assert paid in status.told
    assert status.cost_usd is None


def test_only_the_task_that_was_asked_for_is_believed() -> None:
    others = [{"id": "1", "status": "failed"}, {"id": TASK.task_id, "status": "processing"}]
    status = route().polled(well(others), TASK)
    assert isinstance(status, Status)
    assert status.state is TaskState.RUNNING


def test_a_task_that_is_not_listed_is_not_given_up() -> None:
    fault = route().polled(well([]), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert TASK.task_id in fault.message


@by_either
def test_an_unknown_word_is_a_fault_and_never_still_running(contract: str) -> None:
    reply = DIALECTS[contract].status(vendor_task("running"), "pondering")
    fault = route(contract).polled(answer(reply), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'pondering', which is none of submitted" in fault.message


@by_either
@pytest.mark.parametrize(
    ("words", "kind", "struck"),
    [
        ("Failure to pass the risk control system", "moderation", "input or output"),
        ("The prompt violates our content policy", "moderation", "input"),
        ("Generated content is sensitive", "moderation", "output"),
        ("The input led to sensitive output", "moderation", "input or output"),
        ("Out of memory", "server", None),
    ],
)
def test_a_failed_task_says_why(contract: str, words: str, kind: str, struck: str | None) -> None:
    account = {"id": TASK.task_id, "task_id": TASK.task_id, "status": "failed", "task_status": "failed"}
    account |= {"message": words, "task_status_msg": words}
    status = route(contract).polled(well([account] if contract == "path" else account), TASK)
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind == kind
    assert status.told.get("moderation") == struck
    assert status.fault.message.endswith(f"{words}.")
    assert struck is None or struck in status.fault.message


def test_a_failure_without_a_reason_says_so() -> None:
    status = route().polled(well([{"id": TASK.task_id, "status": "failed", "message": ""}]), TASK)
    assert isinstance(status, Status)
    assert status.fault == Fault(FailureKind.SERVER, "The task failed at Kling without a reason.")


@pytest.mark.parametrize("status", [200, 418, 429, 500])
@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_each_code_has_its_kind_whatever_http_says(status: int, code: int, kind: FailureKind) -> None:
    body = {"code": code, "message": "Not this time", "data": {"id": "x-1", "status": "submitted"}}
    for refused in (
        route().created(Answer(status, body)),
        route().polled(Answer(status, body), TASK),
        route().found(Answer(status, body)),
    ):
        assert isinstance(refused, Fault)
        assert refused.kind is kind
        assert refused.message.endswith(f"{code}: Not this time.")


@by_either
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("auth", FailureKind.AUTH),
        ("billing", FailureKind.BILLING),
        ("rate", FailureKind.RATE),
        ("parameter", FailureKind.PARAMETER),
        ("server", FailureKind.SERVER),
        ("moderation_input", FailureKind.MODERATION),
    ],
)
def test_a_refused_create_is_told_by_its_code(contract: str, fault: Any, kind: FailureKind) -> None:
    reply = DIALECTS[contract].refusal(fault, 7.0)
    refused = route(contract).created(answer(reply))
    assert isinstance(refused, Fault)
    assert refused.kind is kind
    assert refused.retry_after_s == 7.0
    assert str(reply.body["code"]) in refused.message
    assert (kind is FailureKind.MODERATION) == ("refused the input" in refused.message)


@by_either
@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"code": 0},
        {"code": 0, "data": {"id": 5}},
        {"code": False, "data": {"id": "1", "task_id": "1"}},
        {"code": "0", "data": {"id": "1", "task_id": "1"}},
        {"data": {"id": "1", "task_id": "1"}},
    ],
)
def test_an_answer_without_a_task_id_makes_no_task(contract: str, body: Any) -> None:
    refused = route(contract).created(Answer(200, body, "odd"))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.SERVER
    assert "odd" in refused.message


@by_either
@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(contract: str, status: int) -> None:
    way = route(contract)
    for reply in (
        DIALECTS[contract].accepted(vendor_task("queued")),
        DIALECTS[contract].status(vendor_task("succeeded")),
    ):
        broken = dataclasses.replace(answer(reply), status=status)
        assert isinstance(way.created(broken), Fault)
        assert isinstance(way.polled(broken, TASK), Fault)
        assert isinstance(way.found(broken), Fault)


@pytest.mark.parametrize(
    "outputs", [None, {}, [], [None], [{"type": "image", "url": "https://x/a.png"}], [{"url": "ftp://x"}]]
)
def test_success_without_a_link_is_a_fault(outputs: Any) -> None:
    account = {"id": TASK.task_id, "status": "succeeded", "outputs": outputs}
    assert isinstance(route().polled(well([account]), TASK), Fault)


# -- the look-up --------------------------------------------------------------------------------


def test_a_task_is_looked_up_by_our_id() -> None:
    way, vendor = route(), KlingDialect()
    call = way.find(OUR_ID)
    assert call == Call("GET", f"{HOST}/tasks?external_task_ids={OUR_ID}")
    wanted = vendor.wanted(heard(call))
    assert wanted is not None
    assert (wanted.what, wanted.id) == ("find", OUR_ID)
    assert way.found(answer(vendor.found(vendor_task("queued")))) == TASK
    assert way.found(answer(vendor.found(None))) is None


@pytest.mark.parametrize("data", [None, {}, "", 0, [None], [{}], [{"id": 5}]])
def test_only_an_empty_list_says_that_there_is_no_task(data: Any) -> None:
    assert isinstance(route().found(well(data)), Fault)


def test_the_legacy_contract_is_not_trusted_to_find_a_task() -> None:
    assert route("legacy").find(OUR_ID) is None


NAMES = [
    *("code", "message", "data", "id", "task_id", "status", "task_status", "task_status_msg"),
    *("outputs", "task_result", "videos", "type", "url", "billing"),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*STATES, TASK.task_id, "https://x/y.mp4"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)
bodies = json_values | st.fixed_dictionaries(
    {"code": st.sampled_from([0, *KINDS])}, optional={"data": json_values}
)


@given(st.sampled_from(["path", "legacy"]), st.sampled_from([200, 302, 400, 404, 429, 500]), bodies)
def test_no_answer_raises(contract: str, status: int, body: Any) -> None:
    way = route(contract)
    given_answer = Answer(status, body, "text")
    assert isinstance(way.created(given_answer), Created | Fault)
    assert isinstance(way.found(given_answer), Created | Fault | None)
    assert isinstance(way.after(given_answer, TASK), Call | None)
    found = way.polled(given_answer, TASK)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)

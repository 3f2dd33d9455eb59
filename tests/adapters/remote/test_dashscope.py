"""Alibaba Model Studio on paper: exact requests, and what each documented answer means."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.dashscope import (
    FAMILIES,
    KINDS,
    REGIONS,
    STATES,
    DashscopeParameters,
    DashscopeRoute,
    RegionName,
)
from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.exchange import Answer, Ask, Call, Created, Fault, Status, TaskState
from evalharness.errors import ConfigError, GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialect import VendorTask
from tests.adapters.remote.dialects.dashscope import DashscopeDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
TASK = Created("0385dc79-5ff8-4d82-bcb6-7dd8a3c7b9fb")
DIALECT = DashscopeDialect()


FRAME = picture(854, 480)


def route(**parameters: Any) -> DashscopeRoute:
    return DashscopeRoute(DashscopeParameters(**parameters), {})


def ask(model: str = "happyhorse-1.1-t2v", **changes: Any) -> Ask:
    plain = Ask(
        model=model,
        task=Task.TEXT_TO_VIDEO,
        prompt="A red ball rolls down a stair, and one hears each step.",
        duration_s=5.0,
        resolution="720P",
        ratio="16:9",
        width=1280,
        height=720,
        audio=True,
        seed=7,
    )
    return dataclasses.replace(plain, **changes)


def with_frame(model: str, **changes: Any) -> Ask:
    return ask(model, **({"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME} | changes))


def polled(output: Any, status: int = 200, **body: Any) -> Status | Fault:
    return route().polled(Answer(status, {"output": output, **body}, "beginning"), TASK)


def test_a_clip_of_happyhorse_is_asked_for_with_the_mark_off() -> None:
    assert route().create(ask()) == Call(
        "POST",
        f"https://dashscope-intl.aliyuncs.com{CREATE}",
        json={
            "model": "happyhorse-1.1-t2v",
            "input": {"prompt": "A red ball rolls down a stair, and one hears each step."},
            "parameters": {
                "resolution": "720P",
                "ratio": "16:9",
                "duration": 5,
                "watermark": False,
                "seed": 7,
            },
        },
        headers={"X-DashScope-Async": "enable"},
    )


def test_a_first_frame_of_happyhorse_goes_along_and_gives_the_ratio() -> None:
    assert route().create(with_frame("happyhorse-1.1-i2v", seed=None)).json == {
        "model": "happyhorse-1.1-i2v",
        "input": {
            "prompt": "A red ball rolls down a stair, and one hears each step.",
            "media": [{"type": "first_frame", "url": FRAME}],
        },
        "parameters": {"resolution": "720P", "duration": 5, "watermark": False},
    }


def test_reference_pictures_of_happyhorse_go_along_in_their_order() -> None:
    hat, cat = picture(480, 480), picture(640, 400)
    asked = ask("happyhorse-1.1-r2v", task=Task.REFERENCE_TO_VIDEO, references=(hat, cat), ratio="9:21")
    assert route().refuse(asked) is None
    assert route().create(asked).json == {
        "model": "happyhorse-1.1-r2v",
        "input": {
            "prompt": "A red ball rolls down a stair, and one hears each step.",
            "media": [{"type": "reference_image", "url": hat}, {"type": "reference_image", "url": cat}],
        },
        "parameters": {"resolution": "720P", "ratio": "9:21", "duration": 5, "watermark": False, "seed": 7},
    }


def test_a_reference_picture_beyond_the_limits_is_named_by_its_number() -> None:
    small = ask(
        "happyhorse-1.0-r2v",
        task=Task.REFERENCE_TO_VIDEO,
        references=(picture(480, 480), picture(480, 390)),
    )
    refusal = route().refuse(small) or ""
    assert refusal.startswith("Reference picture 2 has 480x390 pixels")
    assert "at least 400" in refusal


def test_wan_is_told_not_to_write_prompts_anew() -> None:
    call = route().create(ask("wan2.7-t2v", negative_prompt="letters"))
    assert call.json == {
        "model": "wan2.7-t2v",
        "input": {
            "prompt": "A red ball rolls down a stair, and one hears each step.",
            "negative_prompt": "letters",
        },
        "parameters": {
            "resolution": "720P",
            "ratio": "16:9",
            "duration": 5,
            "watermark": False,
            "prompt_extend": False,
            "seed": 7,
        },
    }


def test_wan_3_takes_the_ratio_of_the_first_frame_and_can_be_silent() -> None:
    call = route(workspace="ws-1").create(with_frame("wan3.0-video", audio=False))
    assert call.json is not None
    assert call.json["parameters"] == {
        "resolution": "720P",
        "ratio": "adaptive",
        "duration": 5,
        "watermark": False,
        "prompt_extend": False,
        "audio": False,
        "seed": 7,
    }


def test_every_cell_of_the_catalogue_is_what_the_vendor_takes() -> None:
    way = route(workspace="ws-1")
    for asked in every_cell("dashscope", ask()):
        assert asked.duration_s.is_integer()
        if asked.ratio in {"16:9", "9:16", "1:1"}:
            assert way.refuse(asked) is None, asked
        assert DIALECT.objection(heard(way.create(asked))) is None, asked


@pytest.mark.parametrize(
    ("parameters", "host"),
    [
        ({}, "https://dashscope-intl.aliyuncs.com"),
        ({"region": "beijing"}, "https://dashscope.aliyuncs.com"),
        ({"region": "beijing", "workspace": "llm-1"}, "https://llm-1.cn-beijing.maas.aliyuncs.com"),
        ({"workspace": "llm-1"}, "https://llm-1.ap-southeast-1.maas.aliyuncs.com"),
        ({"region": "tokyo", "workspace": "llm-1"}, "https://llm-1.ap-northeast-1.maas.aliyuncs.com"),
    ],
)
def test_each_region_has_its_host(parameters: dict[str, str], host: str) -> None:
    way = route(**parameters)
    assert way.create(ask()).url == f"{host}{CREATE}"
    assert way.poll(TASK) == Call("GET", f"{host}/api/v1/tasks/{TASK.task_id}")
    assert way.cancel(TASK) == Call("POST", f"{host}/api/v1/tasks/{TASK.task_id}/cancel")


def test_every_region_is_known() -> None:
    assert set(REGIONS) == set(get_args(RegionName))


@pytest.mark.parametrize("held", ["http://127.0.0.1:9/", "http://127.0.0.1:9/api/v1", "http://127.0.0.1:9"])
def test_the_environment_moves_the_address(held: str) -> None:
    way = DashscopeRoute(DashscopeParameters(region="beijing"), {"DASHSCOPE_BASE_URL": held})
    assert way.poll(Created("1")).url == "http://127.0.0.1:9/api/v1/tasks/1"
    assert way.refuse(ask("wan3.0-video")) is None


def test_the_address_for_chat_is_not_taken_for_that_of_clips() -> None:
    held = {"DASHSCOPE_BASE_URL": "https://dashscope.aliyuncs.com/compatible-mode/v1"}
    with pytest.raises(ConfigError, match="address for chat"):
        DashscopeRoute(DashscopeParameters(), held)


@pytest.mark.parametrize("region", ["virginia", "hong-kong", "frankfurt", "tokyo"])
def test_a_region_without_a_shared_host_needs_a_workspace(region: str) -> None:
    with pytest.raises(ConfigError, match=f"no shared host in '{region}'"):
        route(region=region)


@pytest.mark.parametrize(
    "wrong", [{"region": "mars"}, {"workspace": "evil.example.com/"}, {"workspace": ""}, {"watermark": True}]
)
def test_impossible_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DashscopeParameters(**wrong)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask("sora-2"), "How to ask 'sora-2' is not known here"),
        (ask("wan2.6-t2v"), "not known here"),
        (ask("wan3.0-video"), "workspace's own host only"),
        (ask(seed=-1), "seed -1 is not one of 0 to 2147483647"),
        (ask(seed=2**31), "seed 2147483648"),
        (ask("wan2.7-t2v", negative_prompt="x" * 501), "501 characters; Model Studio reads 500"),
        (ask("happyhorse-1.1-i2v", task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        (with_frame("happyhorse-1.1-i2v", first_frame=picture(480, 270)), "sides of at least 300"),
        (with_frame("happyhorse-1.1-i2v", first_frame=picture(900, 300)), "at most 2.5 times"),
        (with_frame("happyhorse-1.1-i2v", ratio="9:16"), "not in 9:16"),
        (with_frame("wan2.7-i2v", first_frame=picture(8002, 4501)), "sides of at most 8000"),
        (with_frame("wan2.7-i2v", first_frame=picture(854, 480, mode="RGBA")), "transparent"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(asked: Ask, said: str) -> None:
    refused = route().refuse(asked)
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


def test_a_transparent_picture_is_no_hindrance_to_happyhorse() -> None:
    assert (
        route().refuse(with_frame("happyhorse-1.0-i2v", first_frame=picture(854, 480, mode="RGBA"))) is None
    )


def test_an_unknown_dialect_is_never_sent() -> None:
    with pytest.raises(ConfigError, match="not known here"):
        route().create(ask("sora-2"))


def test_the_key_is_a_bearer_token() -> None:
    assert route().credentials({"DASHSCOPE_API_KEY": "sk-1"}, 0.0) == {"Authorization": "Bearer sk-1"}
    with pytest.raises(GenerationError, match="set DASHSCOPE_API_KEY"):
        route().credentials({}, 0.0)


def test_a_task_is_taken_down() -> None:
    task = VendorTask("a-1", "queued", None, "", {})
    assert route().created(answer(DIALECT.accepted(task))) == Created("a-1")


@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("queued", TaskState.QUEUED),
        ("running", TaskState.RUNNING),
        ("succeeded", TaskState.SUCCEEDED),
        ("failed", TaskState.FAILED),
        ("cancelled", TaskState.FAILED),
    ],
)
def test_every_state_is_understood(state: Any, ours: TaskState) -> None:
    status = route().polled(
        answer(DIALECT.status(VendorTask("a-1", state, None, "https://oss/clip.mp4", {}))), TASK
    )
    assert isinstance(status, Status)
    assert status.state is ours
    assert (status.delivery is not None) == (ours is TaskState.SUCCEEDED)
    assert (status.fault is not None) == (ours is TaskState.FAILED)


def test_a_suspended_task_waits() -> None:
    status = polled({"task_status": "SUSPENDED"})
    assert isinstance(status, Status)
    assert status.state is STATES["SUSPENDED"] is TaskState.QUEUED


def test_a_finished_clip_comes_with_what_was_told_about_it() -> None:
    status = polled(
        {
            "task_id": TASK.task_id,
            "task_status": "SUCCEEDED",
            "submit_time": "2026-11-22 10:00:00.000",
            "orig_prompt": "a ball",
            "actual_prompt": "a red ball, cinematic",
            "video_url": "https://dashscope-result.oss.aliyuncs.com/clip.mp4?Expires=1",
        },
        usage={"duration": 5, "SR": 720},
        request_id="r-1",
    )
    assert isinstance(status, Status)
    assert status.delivery is not None
    assert status.delivery.url == "https://dashscope-result.oss.aliyuncs.com/clip.mp4?Expires=1"
    assert not status.delivery.authorised
    assert status.told == {
        "orig_prompt": "a ball",
        "actual_prompt": "a red ball, cinematic",
        "submit_time": "2026-11-22 10:00:00.000",
        "usage": {"duration": 5, "SR": 720},
        "request_id": "r-1",
    }


def test_an_unknown_word_is_a_fault_and_never_still_running() -> None:
    fault = polled({"task_status": "PONDERING"})
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'PONDERING', which is none of PENDING" in fault.message


def test_a_forgotten_task_is_an_answer_to_doubt_and_no_ending() -> None:
    fault = route().polled(answer(DIALECT.refusal("expired")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.EXPIRED
    assert TASK.task_id in fault.message


@pytest.mark.parametrize(
    ("code", "message", "kind", "struck"),
    [
        (
            "DataInspectionFailed",
            "Output data may contain inappropriate content.",
            "moderation",
            "output",
        ),
        ("DataInspectionFailed", "Input data may contain inappropriate content.", "moderation", "input"),
        (
            "DataInspectionFailed",
            "Input or output data may contain inappropriate content.",
            "moderation",
            "input or output",
        ),
        (
            "data_inspection_failed",
            "Output data may contain inappropriate content.",
            "moderation",
            "output",
        ),
        ("IPInfringementSuspect", "Input data is suspected of IP infringement.", "moderation", "input"),
        ("InternalError.DataInspection", "Output data inspection failed", "moderation", "output"),
        (
            "InvalidParameter.DataInspection",
            "The content was found unsuitable",
            "moderation",
            "input or output",
        ),
        (
            "InvalidParameter.DataInspection",
            "Unable to download the media resource during the data inspection process.",
            "parameter",
            None,
        ),
        ("InvalidParameter.Duration", "too long", "parameter", None),
        ("InvalidImage.FileFormat", "no picture", "parameter", None),
        ("InternalError.Algo", "inference failed", "server", None),
        ("Throttling.AllocationQuota", "too many", "rate", None),
        ("Arrearage", "pay first", "billing", None),
        ("AccessDenied.Unpurchased", "activate it", "auth", None),
        ("SomethingNew", "nobody knows", "server", None),
    ],
)
def test_a_failure_hidden_in_http_200_is_found(
    code: str, message: str, kind: str, struck: str | None
) -> None:
    status = polled({"task_status": "FAILED", "code": code, "message": message})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind == kind
    assert status.told.get("moderation") == struck
    assert f"{code}: {message}" in status.fault.message
    assert status.fault.message.endswith(".")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("auth", FailureKind.AUTH),
        ("billing", FailureKind.BILLING),
        ("rate", FailureKind.RATE),
        ("parameter", FailureKind.PARAMETER),
        ("server", FailureKind.SERVER),
        ("moderation_input", FailureKind.MODERATION),
        ("failed", FailureKind.SERVER),
    ],
)
def test_a_refused_create_is_told_by_its_code(fault: Any, kind: FailureKind) -> None:
    refused = route().created(answer(DIALECT.refusal(fault, 7.0)))
    assert isinstance(refused, Fault)
    assert refused.kind is kind
    assert refused.retry_after_s == 7.0
    assert DIALECT.refusal(fault).body["message"].rstrip(".") in refused.message


def test_moderation_at_create_struck_the_input_where_its_message_does_not_say() -> None:
    refused = route().created(Answer(400, {"code": "DataInspectionFailed", "message": "Inappropriate."}))
    assert isinstance(refused, Fault)
    assert refused.message.startswith("Model Studio's moderation refused the input: DataInspectionFailed")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.PARAMETER),
        (401, FailureKind.AUTH),
        (429, FailureKind.RATE),
        (502, FailureKind.SERVER),
    ],
)
def test_an_answer_without_a_code_is_told_by_its_http_status(status: int, kind: FailureKind) -> None:
    for fault in (
        route().created(Answer(status, None, "<html>Bad Gateway</html>")),
        route().polled(Answer(status, None, "<html>Bad Gateway</html>"), TASK),
    ):
        assert isinstance(fault, Fault)
        assert fault.kind is kind
        assert "<html>Bad Gateway</html>" in fault.message


def test_a_refusal_hidden_in_http_200_makes_no_task() -> None:
    refused = route().created(Answer(200, {"code": "Arrearage", "message": "pay first"}))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.BILLING


@pytest.mark.parametrize(
    "body", [None, [], {}, {"output": None}, {"output": {"task_id": 5}}, {"output": {"task_id": ""}}]
)
def test_an_answer_without_a_task_id_makes_no_task(body: Any) -> None:
    assert isinstance(route().created(Answer(200, body, "odd")), Fault)


@pytest.mark.parametrize("url", [None, 5, "", "file:///etc/passwd", ["https://x"]])
def test_success_without_a_link_is_a_fault(url: Any) -> None:
    assert isinstance(polled({"task_status": "SUCCEEDED", "video_url": url}), Fault)


@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(status: int) -> None:
    output = {"task_id": "a-1", "task_status": "SUCCEEDED", "video_url": "https://oss/clip.mp4"}
    assert isinstance(polled(output, status), Fault)
    assert isinstance(route().created(Answer(status, {"output": output})), Fault)


def test_a_cancelled_task_says_so() -> None:
    status = polled({"task_status": "CANCELED"})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.message == f"The task {TASK.task_id} was cancelled at Model Studio."


def test_a_failure_without_a_reason_says_so() -> None:
    status = polled({"task_status": "FAILED"})
    assert isinstance(status, Status)
    assert status.fault == Fault(FailureKind.SERVER, "The task failed at Model Studio without a reason.")


def test_an_id_cannot_lead_elsewhere() -> None:
    for call in (route().poll(Created("../../x?y=1")), route().cancel(Created("../../x?y=1"))):
        assert call is not None
        assert "/api/v1/tasks/..%2F..%2Fx%3Fy%3D1" in call.url


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*STATES, *KINDS, "x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["output", "task_status", "task_id", "video_url", "code", "message", "usage"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([200, 201, 302, 400, 403, 404, 429, 500, 503]), json_values)
def test_no_answer_raises(status: int, body: Any) -> None:
    made = route().created(Answer(status, body, "text"))
    assert isinstance(made, Created | Fault)
    for found in (route().polled(Answer(status, body, "text"), TASK), polled(body, status)):
        assert isinstance(found, Status | Fault)
        if isinstance(found, Status):
            assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
            assert (found.fault is not None) == (found.state is TaskState.FAILED)


def test_each_family_covers_a_model_of_the_catalogue() -> None:
    ids = {each for model in catalogue("dashscope").models for each in model.ids.values()}
    assert {beginning for beginning in FAMILIES for each in ids if each.startswith(beginning)} == set(
        FAMILIES
    )

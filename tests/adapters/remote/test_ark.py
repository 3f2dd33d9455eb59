"""Ark on paper: exact requests for both hosts, and what each documented answer means."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.ark import HOSTS, KINDS, STATES, ArkParameters, ArkRoute, RegionName, model_id
from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.exchange import Answer, Ask, Call, Created, Fault, Status, TaskState
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialect import VendorTask
from tests.adapters.remote.dialects.ark import TASKS, ArkDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
TASK = Created("cgt-20261122100000-abcde")
DIALECT = ArkDialect()
FRAME = picture(854, 480)


def route(**parameters: Any) -> ArkRoute:
    return ArkRoute(ArkParameters(**parameters), {})


def ask(model: str = "dreamina-seedance-2-0-260128", **changes: Any) -> Ask:
    plain = Ask(
        model=model,
        task=Task.TEXT_TO_VIDEO,
        prompt=PROMPT,
        duration_s=5.0,
        resolution="720p",
        ratio="16:9",
        width=1280,
        height=720,
        audio=True,
        seed=7,
    )
    return dataclasses.replace(plain, **changes)


def with_frame(model: str = "dreamina-seedance-2-5-260628", **changes: Any) -> Ask:
    return ask(model, **({"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME} | changes))


def polled(body: Any, status: int = 200) -> Status | Fault:
    return route().polled(Answer(status, body, "beginning"), TASK)


def test_a_clip_is_asked_for_with_every_setting_written_out() -> None:
    assert route().create(ask()) == Call(
        "POST",
        "https://ark.ap-southeast.bytepluses.com/api/v3/contents/generations/tasks",
        json={
            "model": "dreamina-seedance-2-0-260128",
            "content": [{"type": "text", "text": PROMPT}],
            "resolution": "720p",
            "ratio": "16:9",
            "duration": 5,
            "generate_audio": True,
            "watermark": False,
            "seed": 7,
        },
    )


def test_a_first_frame_gives_the_ratio() -> None:
    call = route(region="china").create(with_frame(audio=False, seed=None))
    assert call.url == "https://ark.cn-beijing.volces.com/api/v3/contents/generations/tasks"
    assert call.json == {
        "model": "doubao-seedance-2-5-260628",
        "content": [
            {"type": "text", "text": PROMPT},
            {"type": "image_url", "image_url": {"url": FRAME}, "role": "first_frame"},
        ],
        "resolution": "720p",
        "ratio": "adaptive",
        "duration": 5,
        "generate_audio": False,
        "watermark": False,
    }


def test_reference_pictures_leave_the_ratio_as_asked() -> None:
    pictures = (picture(480, 480), FRAME)
    call = route().create(ask(task=Task.REFERENCE_TO_VIDEO, references=pictures, ratio="1:1"))
    assert call.json is not None
    assert call.json["ratio"] == "1:1"
    assert call.json["content"] == [
        {"type": "text", "text": PROMPT},
        *({"type": "image_url", "image_url": {"url": url}, "role": "reference_image"} for url in pictures),
    ]


def test_the_cheaper_tier_is_asked_for_where_there_is_one() -> None:
    way = route(service_tier="flex")
    asked = ask("seedance-1-5-pro-251215")
    assert way.refuse(asked) is None
    call = way.create(asked)
    assert call.json is not None
    assert call.json["service_tier"] == "flex"
    assert DIALECT.objection(heard(call)) is None


@pytest.mark.parametrize("region", get_args(RegionName))
def test_every_cell_of_the_catalogue_is_what_the_vendor_takes(region: str) -> None:
    for asked in every_cell("ark", ask()):
        assert asked.duration_s.is_integer()
        assert DIALECT.objection(heard(route(region=region).create(asked))) is None, asked


@pytest.mark.parametrize(
    ("listed", "china"),
    [
        ("dreamina-seedance-2-5-260628", "doubao-seedance-2-5-260628"),
        ("dreamina-seedance-2-0-260128", "doubao-seedance-2-0-260128"),
        ("dreamina-seedance-2-0-fast-260128", "doubao-seedance-2-0-fast-260128"),
        ("dreamina-seedance-2-0-mini-260615", "doubao-seedance-2-0-mini-260615"),
        ("seedance-1-5-pro-251215", "doubao-seedance-1-5-pro-251215"),
        ("ep-20261122-abc", "ep-20261122-abc"),
        ("doubao-seedance-2-0-260128", "doubao-seedance-2-0-260128"),
    ],
)
def test_the_same_model_goes_by_another_id_in_china(listed: str, china: str) -> None:
    assert model_id(listed, "global") == listed
    assert model_id(listed, "china") == china


def test_every_region_has_its_host() -> None:
    assert set(HOSTS) == set(get_args(RegionName))


@pytest.mark.parametrize("held", ["http://127.0.0.1:9/", "http://127.0.0.1:9/api/v3"])
def test_the_environment_moves_the_address_and_the_region_keeps_its_ids(held: str) -> None:
    way = ArkRoute(ArkParameters(region="china"), {"EVALHARNESS_ARK_URL": held})
    assert way.poll(Created("1")) == Call("GET", f"http://127.0.0.1:9{TASKS}/1")
    call = way.create(ask())
    assert call.json is not None
    assert call.json["model"] == "doubao-seedance-2-0-260128"


@pytest.mark.parametrize("wrong", [{"region": "mars"}, {"service_tier": "fast"}, {"watermark": True}])
def test_impossible_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ArkParameters(**wrong)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask(prompt="A ball --ratio 9:16"), "The prompt says '--ratio'"),
        (ask(prompt="A ball --rs 1080p --dur 10"), "The prompt says '--rs'"),
        (ask(seed=-1), "seed -1 is not one of 0 to 4294967295"),
        (ask(seed=2**32), "seed 4294967296"),
        (ask(task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        (with_frame(first_frame=picture(480, 270)), "sides of at least 300"),
        (with_frame(first_frame=picture(6002, 3376)), "sides of at most 6000"),
        (with_frame(first_frame=picture(900, 300)), "at most 2.5 times"),
        (with_frame(ratio="9:16"), "not in 9:16"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(asked: Ask, said: str) -> None:
    refused = route().refuse(asked)
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


@pytest.mark.parametrize(
    "prompt", [PROMPT, "A ball -- red -- rolls", "--ratios are shown", "a well-known rt"]
)
def test_dashes_alone_are_no_setting(prompt: str) -> None:
    assert route().refuse(ask(prompt=prompt)) is None


@pytest.mark.parametrize("model", [each.ids[Task.TEXT_TO_VIDEO] for each in catalogue("ark").models])
def test_only_models_without_the_cheaper_tier_refuse_it(model: str) -> None:
    refused = route(service_tier="flex").refuse(ask(model))
    assert (refused is None) == ("1-5-pro" in model)


def test_the_key_is_a_bearer_token() -> None:
    assert route().credentials({"ARK_API_KEY": "k-1"}, 0.0) == {"Authorization": "Bearer k-1"}
    with pytest.raises(GenerationError, match="set ARK_API_KEY"):
        route().credentials({}, 0.0)


def test_a_task_is_taken_down_asked_after_and_stopped() -> None:
    assert route().created(answer(DIALECT.accepted(VendorTask("a-1", "queued", None, "", {})))) == Created(
        "a-1"
    )
    url = "https://ark.ap-southeast.bytepluses.com/api/v3/contents/generations/tasks/a-1"
    assert route().poll(Created("a-1")) == Call("GET", url)
    assert route().cancel(Created("a-1")) == Call("DELETE", url)
    assert route().poll(Created("../x?y")).url.endswith("/tasks/..%2Fx%3Fy")


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
        answer(DIALECT.status(VendorTask("a", state, None, "https://tos/c.mp4", {}))), TASK
    )
    assert isinstance(status, Status)
    assert status.state is ours
    assert (status.delivery is not None) == (ours is TaskState.SUCCEEDED)
    assert (status.fault is not None) == (ours is TaskState.FAILED)


def test_a_task_given_up_in_the_queue_has_expired() -> None:
    status = polled({"status": "expired"})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind is FailureKind.EXPIRED


def test_a_forgotten_task_has_expired() -> None:
    fault = route().polled(answer(DIALECT.refusal("expired")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.EXPIRED
    assert TASK.task_id in fault.message


def test_a_finished_clip_comes_with_what_was_told_about_it() -> None:
    told = {
        "model": "dreamina-seedance-2-0-260128",
        "seed": 10,
        "resolution": "720p",
        "ratio": "16:9",
        "duration": 5,
        "framespersecond": 24,
        "generate_audio": False,
        "revised_prompt": "A red ball, cinematic.",
        "service_tier": "default",
        "usage": {"completion_tokens": 108000, "total_tokens": 108000},
        "created_at": 1795341600,
        "updated_at": 1795341660,
    }
    link = "https://ark-content.tos.volces.com/clip.mp4?X-Tos-Signature=1"
    status = polled(
        {**told, "id": TASK.task_id, "status": "succeeded", "error": None, "content": {"video_url": link}}
    )
    assert isinstance(status, Status)
    assert status.told == told
    assert status.delivery is not None
    assert status.delivery.url == link
    assert not status.delivery.authorised
    assert (status.cost_usd, status.tokens) == (None, 108_000)


@pytest.mark.parametrize("tokens", [None, 0, -1, True, "108000", 108000.5, 10**400])
def test_only_usage_that_can_be_is_believed(tokens: Any) -> None:
    told = {"status": "succeeded", "content": {"video_url": "https://ark.example/clip.mp4"}}
    status = polled(told | {"usage": {"total_tokens": tokens}})
    assert isinstance(status, Status)
    assert status.tokens is None


def test_an_unknown_word_is_a_fault_and_never_still_running() -> None:
    fault = polled({"status": "pondering"})
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'pondering', which is none of queued" in fault.message


@pytest.mark.parametrize(
    ("code", "kind", "struck"),
    [
        ("InputTextSensitiveContentDetected", "moderation", "input"),
        ("InputImageSensitiveContentDetected.PrivacyInformation", "moderation", "input"),
        ("InputImageSensitiveContentDetected.PolicyViolation", "moderation", "input"),
        ("InputTextRiskDetection", "moderation", "input"),
        ("OutputVideoSensitiveContentDetected", "moderation", "output"),
        ("OutputVideoSensitiveContentDetected.PolicyViolation", "moderation", "output"),
        ("OutputAudioSensitiveContentDetected.PolicyViolation", "moderation", "output"),
        ("SensitiveContentDetected", "moderation", "input or output"),
        ("InvalidParameter.TaskTypeConstraint", "parameter", None),
        ("MissingParameter", "parameter", None),
        ("InternalServiceError", "server", None),
        ("SomethingNew", "server", None),
    ],
)
def test_a_failure_hidden_in_http_200_is_found(code: str, kind: str, struck: str | None) -> None:
    status = polled({"status": "failed", "error": {"code": code, "message": "It was not made"}})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind == kind
    assert status.told.get("moderation") == struck
    assert status.fault.message.endswith(f"{code}: It was not made.")
    assert struck is None or struck in status.fault.message


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
def test_a_refused_create_is_told_by_its_code(fault: Any, kind: FailureKind) -> None:
    refused = route().created(answer(DIALECT.refusal(fault, 7.0)))
    assert isinstance(refused, Fault)
    assert refused.kind is kind
    assert refused.retry_after_s == 7.0
    assert DIALECT.refusal(fault).body["error"]["code"] in refused.message


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "QuotaExceeded", "Too many tasks wait in the queue.", FailureKind.RATE),
        (429, "QuotaExceeded", "Your account has exhausted its free trial quota.", FailureKind.BILLING),
        (429, "SetLimitExceeded", "Your account has reached its set limit.", FailureKind.BILLING),
        (429, "ServerOverloaded", "Busy.", FailureKind.RATE),
        (403, "OperationDenied.ServiceOverdue", "Overdue.", FailureKind.BILLING),
        (403, "AccessDenied", "No access.", FailureKind.AUTH),
        (404, "ModelNotOpen", "Activate it.", FailureKind.AUTH),
        (404, "InvalidEndpointOrModel.NotFound", "No such model.", FailureKind.PARAMETER),
        (418, "SomethingNew", "Hm.", FailureKind.PARAMETER),
        (429, "SomethingNew", "Hm.", FailureKind.RATE),
        (200, "AccountOverdueError", "Pay first.", FailureKind.BILLING),
    ],
)
def test_each_documented_code_has_its_kind(status: int, code: str, message: str, kind: FailureKind) -> None:
    refused = route().created(Answer(status, {"error": {"code": code, "message": message}}))
    assert isinstance(refused, Fault)
    assert refused.kind is kind


@pytest.mark.parametrize(
    "body", [None, [], {}, {"id": None}, {"id": 5}, {"id": " "}, {"error": "no"}, {"error": {"code": 5}}]
)
def test_an_answer_without_a_task_id_makes_no_task(body: Any) -> None:
    refused = route().created(Answer(200, body, "odd"))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.SERVER
    assert "odd" in refused.message


@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(status: int) -> None:
    body = {"id": "a-1", "status": "succeeded", "content": {"video_url": "https://tos/clip.mp4"}}
    assert isinstance(polled(body, status), Fault)
    assert isinstance(route().created(Answer(status, body)), Fault)


def test_a_cancelled_task_says_so() -> None:
    status = polled({"status": "cancelled"})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.message == f"The task {TASK.task_id} was cancelled at Ark."


def test_a_failure_without_a_reason_says_so() -> None:
    status = polled({"status": "failed", "error": None})
    assert isinstance(status, Status)
    assert status.fault == Fault(FailureKind.SERVER, "The task failed at Ark without a reason.")


@pytest.mark.parametrize("content", [None, [], {}, {"video_url": None}, {"video_url": "ftp://x"}])
def test_success_without_a_link_is_a_fault(content: Any) -> None:
    assert isinstance(polled({"status": "succeeded", "content": content}), Fault)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*STATES, *KINDS, "https://x/y.mp4"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "status", "content", "video_url", "error", "code", "message", "usage"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from([200, 201, 302, 400, 403, 404, 429, 500, 503]), json_values)
def test_no_answer_raises(status: int, body: Any) -> None:
    assert isinstance(route().created(Answer(status, body, "text")), Created | Fault)
    found = polled(body, status)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)

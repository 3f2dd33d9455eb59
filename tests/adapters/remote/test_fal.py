"""fal on paper: exact requests for every model, and what each documented answer means."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.fal import HEADERS, STATES, FalRoute
from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.exchange import (
    Answer,
    Ask,
    Call,
    Created,
    Delivery,
    Fault,
    Status,
    TaskState,
)
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialect import VendorTask
from tests.adapters.remote.dialects.fal import SCHEMAS, FalDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
PLACE = "https://queue.fal.run/alibaba/happy-horse/requests/r-1"
TASK = Created("r-1", f"{PLACE}/status")
DIALECT = FalDialect()
FRAME = picture(854, 480)
HAPPY_HORSE = "alibaba/happy-horse/v1.1/text-to-video"


def route(**environment: str) -> FalRoute:
    return FalRoute(Parameters(), environment)


def ask(model: str = HAPPY_HORSE, **changes: Any) -> Ask:
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


def with_frame(model: str, **changes: Any) -> Ask:
    return ask(model, **({"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME} | changes))


def vendor_task(state: Any, fault: Any = None) -> VendorTask:
    return VendorTask(TASK.task_id, state, fault, "https://v3.fal.media/files/a.mp4", {})


def polled(body: Any, status: int = 200) -> Status | Fault:
    return route().polled(Answer(status, body, "beginning"), TASK)


def failure(body: Any, status: int = 200) -> tuple[Status, Fault]:
    found = polled(body, status)
    assert isinstance(found, Status)
    assert found.state is TaskState.FAILED
    assert found.fault is not None
    return found, found.fault


# -- what is sent -------------------------------------------------------------------------------


def test_a_clip_is_asked_for_once_and_of_this_model_alone() -> None:
    assert route().create(ask()) == Call(
        "POST",
        f"https://queue.fal.run/{HAPPY_HORSE}",
        json={
            "prompt": PROMPT,
            "duration": 5,
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "seed": 7,
        },
        headers=HEADERS,
    )
    assert HEADERS["x-fal-no-retry"] == "1"


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (
            ask("fal-ai/veo3.1", negative_prompt="blur", duration_s=8.0, audio=False),
            {
                "duration": "8s",
                "resolution": "720p",
                "aspect_ratio": "16:9",
                "generate_audio": False,
                "seed": 7,
                "negative_prompt": "blur",
                "auto_fix": False,
            },
        ),
        (
            with_frame("fal-ai/kling-video/v3/pro/image-to-video", seed=None, resolution="1080p"),
            {"duration": "5", "generate_audio": True, "negative_prompt": "", "start_image_url": FRAME},
        ),
        (
            ask("alibaba/wan-3.0/text-to-video"),
            {
                "duration": 5,
                "resolution": "720p",
                "aspect_ratio": "16:9",
                "audio": True,
                "seed": 7,
                "enable_prompt_expansion": False,
            },
        ),
        (
            with_frame("bytedance/seedance-2.0/image-to-video"),
            {"duration": "5", "resolution": "720p", "generate_audio": True, "seed": 7, "image_url": FRAME},
        ),
        (
            ask(
                "bytedance/seedance-2.0/reference-to-video",
                task=Task.REFERENCE_TO_VIDEO,
                references=(FRAME, FRAME),
            ),
            {
                "duration": "5",
                "resolution": "720p",
                "aspect_ratio": "16:9",
                "generate_audio": True,
                "seed": 7,
                "image_urls": [FRAME, FRAME],
            },
        ),
        (
            with_frame("fal-ai/davinci-magihuman"),
            {"duration": 5, "resolution": "720p", "seed": 7, "image_url": FRAME},
        ),
    ],
)
def test_each_model_is_asked_in_its_own_fields_without_helpers(asked: Ask, fields: dict[str, Any]) -> None:
    assert route().create(asked).json == {"prompt": PROMPT} | fields


def test_every_cell_of_the_catalogue_is_what_the_endpoint_takes() -> None:
    for asked in every_cell("fal", ask()):
        assert asked.duration_s.is_integer()
        assert DIALECT.objection(heard(route().create(asked))) is None, asked


def test_every_endpoint_that_is_known_is_in_the_catalogue() -> None:
    assert {slug for model in catalogue("fal").models for slug in model.ids.values()} == set(SCHEMAS)


def test_a_task_is_asked_after_where_it_is() -> None:
    assert route().poll(TASK) == Call("GET", f"{PLACE}/status")
    assert route().cancel(TASK) == Call("PUT", f"{PLACE}/cancel")
    assert route().find("1") is None
    moved = route(EVALHARNESS_FAL_URL="http://127.0.0.1:9/")
    assert moved.poll(TASK).url == "http://127.0.0.1:9/alibaba/happy-horse/requests/r-1/status"


def test_a_result_is_asked_for_once_it_is_there() -> None:
    for state in ("queued", "running"):
        assert route().after(answer(DIALECT.status(vendor_task(state))), TASK) is None
    done = answer(DIALECT.status(vendor_task("succeeded")))
    assert route().after(done, TASK) == Call("GET", PLACE)
    assert route().after(answer(DIALECT.status(vendor_task("cancelled"))), TASK) is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask(seed=2**31), "The seed 2147483648 is not one of 0 to 2147483647"),
        (ask(seed=-1), "The seed -1"),
        (ask(task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        (with_frame(HAPPY_HORSE, first_frame=picture(480, 270)), "sides of at least 300"),
        (with_frame(HAPPY_HORSE, ratio="9:16"), "not in 9:16"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(asked: Ask, said: str) -> None:
    refused = route().refuse(asked)
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


def test_what_can_be_served_is_not_refused() -> None:
    assert route().refuse(ask(seed=None)) is None
    assert route().refuse(with_frame(HAPPY_HORSE, seed=2**31 - 1)) is None


def test_the_key_has_a_scheme_of_its_own() -> None:
    assert route().credentials({"FAL_KEY": "a:b"}, 0.0) == {"Authorization": "Key a:b"}
    with pytest.raises(GenerationError, match="set FAL_KEY"):
        route().credentials({}, 0.0)


# -- what is answered ---------------------------------------------------------------------------


def test_a_task_is_taken_down_with_its_place() -> None:
    assert route().created(answer(DIALECT.accepted(vendor_task("queued")))) == TASK


def test_another_host_is_never_asked() -> None:
    body = {"request_id": "r-1", "status_url": "https://evil.example/a/b/requests/r-1/status"}
    made = route().created(Answer(200, body))
    assert made == Created("r-1", "https://queue.fal.run/a/b/requests/r-1/status")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"request_id": "r-1"},
        {"request_id": 5, "status_url": f"{PLACE}/status"},
        {"request_id": "r-2", "status_url": f"{PLACE}/status"},
        {"request_id": "r-1", "status_url": PLACE},
        {"request_id": "r-1", "status_url": "https://queue.fal.run/../../requests/r-1/status"},
    ],
)
def test_an_answer_without_a_place_makes_no_task(body: Any) -> None:
    refused = route().created(Answer(200, body, "odd"))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.SERVER
    assert "odd" in refused.message


@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("queued", TaskState.QUEUED),
        ("running", TaskState.RUNNING),
        ("cancelled", TaskState.FAILED),
    ],
)
def test_every_state_is_understood(state: Any, ours: TaskState) -> None:
    status = route().polled(answer(DIALECT.status(vendor_task(state))), TASK)
    assert isinstance(status, Status)
    assert status.state is ours
    assert (status.fault is not None) == (ours is TaskState.FAILED)


def test_a_result_tells_the_clip_and_never_wants_the_key_for_it() -> None:
    status = route().polled(answer(DIALECT.result(vendor_task("succeeded"))), TASK)
    assert isinstance(status, Status)
    assert status.state is TaskState.SUCCEEDED
    assert status.delivery == Delivery("https://v3.fal.media/files/a.mp4", authorised=False)
    assert status.told == {"seed": 7, "x-fal-billable-units": "5.0"}
    at_home = polled({"video": {"url": "https://queue.fal.run/a.mp4"}})
    assert isinstance(at_home, Status)
    assert at_home.delivery == Delivery("https://queue.fal.run/a.mp4", authorised=False)


@pytest.mark.parametrize("body", [{}, {"status": "COMPLETED"}, {"video": {}}, {"video": {"url": "ftp://x"}}])
def test_success_without_a_link_is_a_fault(body: Any) -> None:
    fault = polled(body)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "beginning" in fault.message


def test_an_unknown_word_is_a_fault_and_never_still_running() -> None:
    fault = route().polled(answer(DIALECT.status(vendor_task("running"), "pondering")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'pondering', which is none of IN_QUEUE" in fault.message


@pytest.mark.parametrize(
    ("fault", "kind", "struck"),
    [
        ("failed", FailureKind.SERVER, None),
        ("parameter", FailureKind.PARAMETER, None),
        ("moderation_input", FailureKind.MODERATION, "input"),
        ("moderation_output", FailureKind.MODERATION, "output"),
    ],
)
def test_a_completed_task_may_have_failed(fault: Any, kind: FailureKind, struck: str | None) -> None:
    status = route().polled(answer(DIALECT.result(vendor_task("failed", fault))), TASK)
    assert isinstance(status, Status)
    assert status.state is TaskState.FAILED
    assert status.fault is not None
    assert status.fault.kind is kind
    assert status.told.get("moderation") == struck
    assert struck is None or f"refused the {struck}" in status.fault.message


@pytest.mark.parametrize(
    ("body", "status", "kind", "said"),
    [
        (
            {"status": "COMPLETED", "error": "Runner died", "error_type": "runner_disconnected"},
            200,
            "server",
            "",
        ),
        ({"status": "COMPLETED", "error_type": "request_timeout"}, 200, "server", "request_timeout."),
        ({"status": "COMPLETED", "error": "Content policy violation"}, 200, "moderation", "input or output"),
        ({"detail": "Prompt flagged by safety system"}, 422, "moderation", "refused the input"),
        ({"detail": "Image too small"}, 422, "parameter", "Image too small."),
        ({"detail": [{"type": "no_media_generated", "msg": "None"}]}, 422, "server", "no_media_generated"),
        ({"detail": "Timed out", "error_type": "generation_timeout"}, 504, "server", "Timed out."),
        ({"detail": [{"type": "downstream_service_error", "msg": "Refused"}]}, 400, "server", "Refused."),
        ({}, 422, "parameter", "without a reason."),
        ({"detail": [5, {"type": 5}]}, 422, "parameter", "without a reason."),
    ],
)
def test_a_failed_task_says_why(body: Any, status: int, kind: str, said: str) -> None:
    _, fault = failure(body, status)
    assert fault.kind == kind
    assert said in fault.message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"detail": "Unauthorized"}, FailureKind.AUTH),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, FailureKind.BILLING),
        (404, {"detail": "Request not found"}, FailureKind.SERVER),
        (429, {"detail": "Too many requests", "error_type": "queue_timeout"}, FailureKind.RATE),
        (400, {"detail": "Request is still in progress"}, FailureKind.PARAMETER),
        (503, {"detail": "Try again", "error_type": "internal_error"}, FailureKind.SERVER),
        (500, {"detail": "Internal Server Error"}, FailureKind.SERVER),
        (502, None, FailureKind.SERVER),
    ],
)
def test_a_question_that_went_wrong_says_nothing_of_the_task(
    status: int, body: Any, kind: FailureKind
) -> None:
    fault = polled(body, status)
    assert isinstance(fault, Fault)
    assert fault.kind is kind


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
def test_a_refused_create_is_told_by_its_status_and_type(fault: Any, kind: FailureKind) -> None:
    refused = route().created(answer(DIALECT.refusal(fault, 7.0)))
    assert isinstance(refused, Fault)
    assert refused.kind is kind
    assert refused.retry_after_s == 7.0
    assert (kind is FailureKind.MODERATION) == ("refused the input" in refused.message)


@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(status: int) -> None:
    accepted = dataclasses.replace(answer(DIALECT.accepted(vendor_task("queued"))), status=status)
    assert isinstance(route().created(accepted), Fault)
    result = dataclasses.replace(answer(DIALECT.result(vendor_task("succeeded"))), status=status)
    assert isinstance(route().polled(result, TASK), Fault)


NAMES = [
    "request_id",
    "status_url",
    "status",
    "error",
    "error_type",
    "detail",
    "loc",
    "msg",
    "type",
    "video",
    "url",
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([*STATES, "https://x/y.mp4", f"{PLACE}/status", "r-1", "content_policy_violation"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)


@given(st.sampled_from([200, 202, 302, 400, 403, 404, 422, 429, 500]), json_values)
def test_no_answer_raises(status: int, body: Any) -> None:
    given_answer = Answer(status, body, "text")
    assert isinstance(route().created(given_answer), Created | Fault)
    assert isinstance(route().after(given_answer, TASK), Call | None)
    found = route().polled(given_answer, TASK)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)

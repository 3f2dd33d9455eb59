"""Replicate on paper: exact requests for every model, and what each documented answer means."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from evalharness.adapters.replicate import STATES, ReplicateRoute
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialect import VendorTask
from tests.adapters.remote.dialects.replicate import MODELS, ReplicateDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
TASK = Created("p1")
DIALECT = ReplicateDialect()
FRAME = picture(854, 480)
URL = "https://api.replicate.com/v1"
CLIP = "https://replicate.delivery/x/a.mp4"


def route(**environment: str) -> ReplicateRoute:
    return ReplicateRoute(Parameters(), environment)


def ask(model: str = "alibaba/happyhorse-1.1", **changes: Any) -> Ask:
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


def with_frame(model: str = "alibaba/happyhorse-1.1", **changes: Any) -> Ask:
    return ask(model, **({"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME} | changes))


def vendor_task(state: Any, fault: Any = None) -> VendorTask:
    return VendorTask(TASK.task_id, state, fault, CLIP, {})


def polled(body: Any, status: int = 200) -> Status | Fault:
    return route().polled(Answer(status, body, "beginning"), TASK)


# -- what is sent -------------------------------------------------------------------------------


def test_a_clip_is_asked_for_without_waiting_for_it() -> None:
    fields = {"prompt": PROMPT, "duration": 5, "resolution": "720p", "aspect_ratio": "16:9", "seed": 7}
    assert route().create(ask()) == Call(
        "POST", f"{URL}/models/alibaba/happyhorse-1.1/predictions", json={"input": fields}
    )


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (with_frame(seed=None), {"duration": 5, "resolution": "720p", "images": [FRAME]}),
        (
            with_frame("bytedance/seedance-2.0", audio=False),
            {
                "duration": 5,
                "resolution": "720p",
                "aspect_ratio": "adaptive",
                "generate_audio": False,
                "seed": 7,
                "image": FRAME,
            },
        ),
        (
            with_frame("google/veo-3.1", duration_s=8.0, negative_prompt="blur"),
            {
                "duration": 8,
                "resolution": "720p",
                "aspect_ratio": "16:9",
                "generate_audio": True,
                "seed": 7,
                "negative_prompt": "blur",
                "image": FRAME,
            },
        ),
        (
            with_frame("kwaivgi/kling-v3-video", seed=None, resolution="pro"),
            {"duration": 5, "mode": "pro", "generate_audio": True, "start_image": FRAME},
        ),
        (
            ask("wan-video/wan-2.7-t2v"),
            {
                "duration": 5,
                "resolution": "720p",
                "aspect_ratio": "16:9",
                "seed": 7,
                "enable_prompt_expansion": False,
            },
        ),
    ],
)
def test_each_model_is_asked_in_its_own_fields_without_helpers(asked: Ask, fields: dict[str, Any]) -> None:
    assert route().create(asked).json == {"input": {"prompt": PROMPT} | fields}


def test_every_cell_of_the_catalogue_is_what_the_model_takes() -> None:
    for asked in every_cell("replicate", ask()):
        assert asked.duration_s.is_integer()
        assert DIALECT.objection(heard(route().create(asked))) is None, asked


def test_every_model_that_is_known_is_in_the_catalogue() -> None:
    assert {slug for model in catalogue("replicate").models for slug in model.ids.values()} == set(MODELS)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://127.0.0.1:9/v1/"])
def test_the_environment_moves_the_address(address: str) -> None:
    moved = route(EVALHARNESS_REPLICATE_URL=address)
    assert moved.poll(TASK) == Call("GET", "http://127.0.0.1:9/v1/predictions/p1")


def test_a_task_is_asked_after_and_can_be_stopped() -> None:
    assert route().poll(Created("../x?y")).url == f"{URL}/predictions/..%2Fx%3Fy"
    assert route().cancel(TASK) == Call("POST", f"{URL}/predictions/p1/cancel")
    assert route().after(Answer(200, {}), TASK) is route().find("1") is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask(seed=2**31), "The seed 2147483648 is not one of 0 to 2147483647"),
        (ask(task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        (with_frame(first_frame=picture(480, 270)), "sides of at least 300"),
        (with_frame(first_frame=picture(854, 480, kind="WEBP")), "is a WEBP"),
        (with_frame(first_frame=f"data:image/png;base64,{'A' * 400_000}"), "0.3 MB"),
        (with_frame(ratio="9:16"), "not in 9:16"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(asked: Ask, said: str) -> None:
    refused = route().refuse(asked)
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


def test_what_can_be_served_is_not_refused() -> None:
    assert route().refuse(ask(seed=None)) is None
    assert route().refuse(with_frame(seed=2**31 - 1)) is None


def test_the_token_is_a_bearer_token() -> None:
    assert route().credentials({"REPLICATE_API_TOKEN": "t"}, 0.0) == {"Authorization": "Bearer t"}
    with pytest.raises(GenerationError, match="set REPLICATE_API_TOKEN"):
        route().credentials({}, 0.0)


# -- what is answered ---------------------------------------------------------------------------


def test_a_task_is_taken_down() -> None:
    assert route().created(answer(DIALECT.accepted(vendor_task("queued")))) == TASK


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
    status = route().polled(answer(DIALECT.status(vendor_task(state))), TASK)
    assert isinstance(status, Status)
    assert status.state is ours
    assert (status.delivery is not None) == (ours is TaskState.SUCCEEDED)
    assert (status.fault is not None) == (ours is TaskState.FAILED)


@pytest.mark.parametrize("output", [CLIP, [CLIP], [CLIP, "https://x/b.mp4"]])
def test_the_clip_is_an_output_or_the_first_of_them(output: Any) -> None:
    status = polled({"status": "succeeded", "output": output, "metrics": {"predict_time": 61.5}})
    assert isinstance(status, Status)
    assert status.delivery == Delivery(CLIP, authorised=False)
    assert status.told == {"metrics": {"predict_time": 61.5}}


@pytest.mark.parametrize("output", [None, [], {}, [None], 5, "ftp://x", "data:video/mp4;base64,AAAA"])
def test_success_without_a_link_is_a_fault(output: Any) -> None:
    fault = polled({"status": "succeeded", "output": output})
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER


def test_a_clip_that_was_deleted_is_over() -> None:
    fault = polled({"status": "succeeded", "output": None, "data_removed": True})
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.EXPIRED
    assert fault.message == "Replicate has deleted the clip of p1: it keeps files for an hour."


def test_an_unknown_word_is_a_fault_and_never_still_running() -> None:
    fault = route().polled(answer(DIALECT.status(vendor_task("running"), "pondering")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'pondering', which is none of starting" in fault.message


@pytest.mark.parametrize(
    ("words", "kind", "struck"),
    [
        ("The prompt was flagged as sensitive. (E005)", "moderation", "input"),
        ("Generated video contains NSFW content", "moderation", "output"),
        ("The input or output was flagged as sensitive (E005)", "moderation", "input or output"),
        ("CUDA out of memory", "server", None),
    ],
)
def test_a_failed_task_says_why(words: str, kind: str, struck: str | None) -> None:
    status = polled({"status": "failed", "error": words})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind == kind
    assert status.told.get("moderation") == struck
    assert words in status.fault.message
    assert struck is None or struck in status.fault.message


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("failed", FailureKind.SERVER, "without a reason."),
        ("canceled", FailureKind.SERVER, "p1 was canceled at Replicate, or ran longer than it may."),
        ("aborted", FailureKind.EXPIRED, "p1 up before it ran."),
    ],
)
def test_an_ending_without_words_is_a_sentence_too(word: str, kind: FailureKind, said: str) -> None:
    status = polled({"status": word, "error": None})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind is kind
    assert status.fault.message.endswith(said)


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
def test_a_refused_create_is_told_by_its_status(fault: Any, kind: FailureKind) -> None:
    refused = route().created(answer(DIALECT.refusal(fault, 7.0)))
    assert isinstance(refused, Fault)
    assert refused.kind is kind
    assert refused.retry_after_s == 7.0
    assert (kind is FailureKind.MODERATION) == ("refused the input" in refused.message)


def test_a_task_that_is_not_found_is_not_given_up() -> None:
    fault = route().polled(answer(DIALECT.refusal("expired")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert TASK.task_id in fault.message


@pytest.mark.parametrize("body", [None, [], {}, {"id": 5}, {"id": " "}, {"status": "starting"}])
def test_an_answer_without_an_id_makes_no_task(body: Any) -> None:
    refused = route().created(Answer(201, body, "odd"))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.SERVER
    assert "odd" in refused.message


@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(status: int) -> None:
    for reply in (DIALECT.accepted(vendor_task("queued")), DIALECT.status(vendor_task("succeeded"))):
        broken = dataclasses.replace(answer(reply), status=status)
        assert isinstance(route().created(broken), Fault)
        assert isinstance(route().polled(broken, TASK), Fault)


NAMES = ["id", "status", "error", "detail", "title", "output", "metrics", "data_removed", "model"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([*STATES, CLIP, "flagged"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)
bodies = json_values | st.fixed_dictionaries(
    {"status": st.sampled_from([*STATES])}, optional=dict.fromkeys(("output", "error"), json_values)
)


@given(st.sampled_from([200, 201, 302, 400, 403, 404, 422, 429, 500]), bodies)
def test_no_answer_raises(status: int, body: Any) -> None:
    given_answer = Answer(status, body, "text")
    assert isinstance(route().created(given_answer), Created | Fault)
    found = route().polled(given_answer, TASK)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)

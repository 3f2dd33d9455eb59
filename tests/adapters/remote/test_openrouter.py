"""OpenRouter on paper: exact requests for every model, and what each documented answer means."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.openrouter import STATES, OpenrouterRoute
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
from tests.adapters.remote.dialects.openrouter import MODELS, OpenrouterDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
TASK = Created("job-abc123")
DIALECT = OpenrouterDialect()
FRAME = picture(854, 480)
URL = "https://openrouter.ai/api/v1/videos"


def route(**environment: str) -> OpenrouterRoute:
    return OpenrouterRoute(Parameters(), environment)


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
    return VendorTask(TASK.task_id, state, fault, f"{URL}/job-abc123/content?index=0", {})


def polled(body: Any, status: int = 200) -> Status | Fault:
    return route().polled(Answer(status, body, "beginning"), TASK)


def completed(**changes: Any) -> Status | Fault:
    link = f"{URL}/job-abc123/content?index=0"
    return polled({"status": "completed", "unsigned_urls": [link], **changes})


# -- what is sent -------------------------------------------------------------------------------


def test_a_clip_is_asked_for_with_every_setting_written_out() -> None:
    assert route().create(ask()) == Call(
        "POST",
        URL,
        json={
            "model": "alibaba/happyhorse-1.1",
            "prompt": PROMPT,
            "duration": 5,
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "generate_audio": True,
            "seed": 7,
        },
    )


def test_a_first_frame_goes_as_one() -> None:
    call = route().create(with_frame(audio=False, seed=None))
    assert call.json is not None
    assert call.json["frame_images"] == [
        {"type": "image_url", "image_url": {"url": FRAME}, "frame_type": "first_frame"}
    ]
    assert call.json["generate_audio"] is False
    assert "seed" not in call.json


def test_what_the_gateway_has_no_word_for_goes_to_the_host() -> None:
    def options(asked: Ask) -> Any:
        return (route().create(asked).json or {}).get("provider")

    vertex = {"google-vertex": {"parameters": {"negativePrompt": "blur"}}}
    assert options(ask("google/veo-3.1", negative_prompt="blur")) == {"options": vertex}
    assert options(ask("google/veo-3.1")) is None
    off = {"prompt_extend": False}
    assert options(ask("alibaba/wan-2.7")) == {"options": {"alibaba": off, "atlas-cloud": off}}
    both = off | {"negative_prompt": "blur"}
    assert options(ask("alibaba/wan-2.7", negative_prompt="blur")) == {
        "options": {"alibaba": both, "atlas-cloud": both}
    }
    assert options(ask()) is None


def test_every_cell_of_the_catalogue_is_what_the_gateway_takes() -> None:
    for asked in every_cell("openrouter", ask()):
        assert asked.duration_s.is_integer()
        assert DIALECT.objection(heard(route().create(asked))) is None, asked


def test_every_model_that_is_known_is_in_the_catalogue() -> None:
    listed = {slug for model in catalogue("openrouter").models for slug in model.ids.values()}
    assert listed == set(MODELS)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://127.0.0.1:9/api/v1/"])
def test_the_environment_moves_the_address(address: str) -> None:
    way = route(EVALHARNESS_OPENROUTER_URL=address)
    assert way.poll(TASK) == Call("GET", "http://127.0.0.1:9/api/v1/videos/job-abc123")


def test_a_task_is_asked_after() -> None:
    assert route().poll(Created("../x?y")).url == f"{URL}/..%2Fx%3Fy"
    assert route().after(Answer(200, {}), TASK) is route().cancel(TASK) is route().find("1") is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask(seed=2**31), "The seed 2147483648 is not one of 0 to 2147483647"),
        (ask(seed=-1), "The seed -1"),
        (ask(task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        (with_frame(first_frame=picture(480, 270)), "sides of at least 300"),
        (with_frame(ratio="9:16"), "not in 9:16"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(asked: Ask, said: str) -> None:
    refused = route().refuse(asked)
    assert refused is not None
    assert said in refused
    assert refused.endswith(".")


def test_what_can_be_served_is_not_refused() -> None:
    assert route().refuse(ask()) is None
    assert route().refuse(with_frame(seed=2**31 - 1)) is None


def test_the_key_is_a_bearer_token() -> None:
    assert route().credentials({"OPENROUTER_API_KEY": "k-1"}, 0.0) == {"Authorization": "Bearer k-1"}
    with pytest.raises(GenerationError, match="set OPENROUTER_API_KEY"):
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


def test_a_finished_clip_tells_its_cost() -> None:
    status = route().polled(answer(DIALECT.status(vendor_task("succeeded"))), TASK)
    assert isinstance(status, Status)
    assert status.cost_usd == 0.494
    assert status.told["generation_id"] == "gen-1"


@pytest.mark.parametrize(
    ("usage", "cost_usd"),
    [
        ({"cost": 1}, 1.0),
        ({"cost": 0}, 0.0),
        ({"cost": 0.1, "is_byok": True}, None),
        ({"cost": -1}, None),
        ({"cost": True}, None),
        ({"cost": "0.1"}, None),
        ({"cost": 10**400}, None),
        (None, None),
    ],
)
def test_only_a_cost_that_was_charged_is_believed(usage: Any, cost_usd: float | None) -> None:
    status = completed(usage=usage)
    assert isinstance(status, Status)
    assert status.cost_usd == cost_usd


@pytest.mark.parametrize(
    ("links", "delivery"),
    [
        ([f"{URL}/1/content?index=0"], Delivery(f"{URL}/1/content?index=0", authorised=True)),
        (["/api/v1/videos/1/content"], Delivery(f"{URL}/1/content", authorised=True)),
        (["https://storage/a.mp4?sig=1"], Delivery("https://storage/a.mp4?sig=1")),
        (["https://openrouter.ai.evil/a.mp4"], Delivery("https://openrouter.ai.evil/a.mp4")),
    ],
)
def test_the_key_goes_along_to_the_gateway_alone(links: Any, delivery: Delivery) -> None:
    status = completed(unsigned_urls=links)
    assert isinstance(status, Status)
    assert status.delivery == delivery


@pytest.mark.parametrize("links", [None, {}, [], [None], [5], ["ftp://x"], ["//x/a.mp4"], [["https://x"]]])
def test_success_without_a_link_is_a_fault(links: Any) -> None:
    fault = completed(unsigned_urls=links)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER


def test_an_unknown_word_is_a_fault_and_never_still_running() -> None:
    fault = route().polled(answer(DIALECT.status(vendor_task("running"), "pondering")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'pondering', which is none of pending" in fault.message


@pytest.mark.parametrize(
    ("words", "kind", "struck"),
    [
        ("The prompt was flagged by moderation", "moderation", "input"),
        ("DataInspectionFailed: Output data may contain inappropriate content.", "moderation", "output"),
        ("The input led to sensitive output", "moderation", "input or output"),
        ("Content policy violation", "moderation", "input or output"),
        ("Image dimensions 1x1 are too small.", "server", None),
    ],
)
def test_a_failed_task_says_why(words: str, kind: str, struck: str | None) -> None:
    status = polled({"status": "failed", "error": words})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind == kind
    assert status.told.get("moderation") == struck
    assert words.rstrip(".") in status.fault.message
    assert struck is None or struck in status.fault.message


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("failed", FailureKind.SERVER, "without a reason."),
        ("cancelled", FailureKind.SERVER, "job-abc123 was cancelled at OpenRouter."),
        ("expired", FailureKind.EXPIRED, "job-abc123 up: it had waited as long as tasks may."),
    ],
)
def test_an_ending_without_words_is_a_sentence_too(word: str, kind: FailureKind, said: str) -> None:
    status = polled({"status": word})
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
@pytest.mark.parametrize("hidden", [False, True])
def test_a_refused_create_is_told_by_its_code_whatever_http_says(
    fault: Any, kind: FailureKind, hidden: bool
) -> None:
    reply = DIALECT.refusal(fault, 7.0)
    refused = route().created(dataclasses.replace(answer(reply), status=200 if hidden else reply.status))
    assert isinstance(refused, Fault)
    assert refused.kind is kind
    assert refused.retry_after_s == 7.0
    assert str(reply.status) in refused.message
    assert (kind is FailureKind.MODERATION) == ("refused the input" in refused.message)


def test_a_key_without_rights_is_told_from_moderation() -> None:
    body = {"error": {"code": 403, "message": "Only management keys can do this"}}
    refused = route().created(Answer(403, body))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.AUTH


def test_a_task_that_is_not_found_is_not_given_up() -> None:
    fault = route().polled(answer(DIALECT.refusal("expired")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert TASK.task_id in fault.message


@pytest.mark.parametrize("body", [None, [], {}, {"id": 5}, {"id": " "}, {"status": "pending"}])
def test_an_answer_without_a_task_id_makes_no_task(body: Any) -> None:
    refused = route().created(Answer(202, body, "odd"))
    assert isinstance(refused, Fault)
    assert refused.kind is FailureKind.SERVER
    assert "odd" in refused.message


@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(status: int) -> None:
    for reply in (DIALECT.accepted(vendor_task("queued")), DIALECT.status(vendor_task("succeeded"))):
        broken = dataclasses.replace(answer(reply), status=status)
        assert isinstance(route().created(broken), Fault)
        assert isinstance(route().polled(broken, TASK), Fault)


NAMES = [
    *("id", "status", "error", "code", "message", "metadata", "reasons"),
    *("unsigned_urls", "usage", "cost", "is_byok", "generation_id"),
]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([*STATES, "https://x/y.mp4", "/api/v1/x", "flagged"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)
bodies = json_values | st.fixed_dictionaries(
    {"status": st.sampled_from([*STATES])},
    optional=dict.fromkeys(("unsigned_urls", "error", "usage"), json_values),
)


@given(st.sampled_from([200, 202, 302, 400, 403, 404, 429, 500]), bodies)
def test_no_answer_raises(status: int, body: Any) -> None:
    given_answer = Answer(status, body, "text")
    assert isinstance(route().created(given_answer), Created | Fault)
    found = route().polled(given_answer, TASK)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)

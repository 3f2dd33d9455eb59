"""MiniMax on paper: exact requests, and what each documented answer means."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.minimax import HOSTS, KINDS, STATES, MinimaxParameters, MinimaxRoute, RegionName
from evalharness.adapters.remote.exchange import Answer, Ask, Call, Created, Fault, Status, TaskState
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialect import VendorTask
from tests.adapters.remote.dialects.minimax import MinimaxDialect
from tests.adapters.remote.paper import answer, every_cell, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
TASK = Created("424010985738629")
DIALECT = MinimaxDialect()
FRAME = picture(854, 480)
HOST = "https://api.minimax.io"


def route(**parameters: Any) -> MinimaxRoute:
    return MinimaxRoute(MinimaxParameters(**parameters), {})


def ask(**changes: Any) -> Ask:
    plain = Ask(
        model="MiniMax-H3",
        task=Task.TEXT_TO_VIDEO,
        prompt=PROMPT,
        duration_s=5.0,
        resolution="768P",
        ratio="16:9",
        width=1366,
        height=768,
        audio=True,
        seed=None,
    )
    return dataclasses.replace(plain, **changes)


def with_frame(**changes: Any) -> Ask:
    return ask(**({"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME} | changes))


def polled(account: Any, status: int = 200) -> Status | Fault:
    return route().polled(Answer(status, {"task": account}, "beginning"), TASK)


def refused(status: int, message: str, kind: str = "strange_error") -> Answer:
    error = {"type": kind, "message": message, "http_code": str(status)}
    return Answer(status, {"type": "error", "error": error, "request_id": "r"})


def test_a_clip_is_asked_for_with_every_setting_written_out() -> None:
    assert route().create(ask()) == Call(
        "POST",
        f"{HOST}/v2/video_generation",
        json={
            "model": "MiniMax-H3",
            "content": [{"type": "text", "text": PROMPT}],
            "resolution": "768P",
            "duration": 5,
            "ratio": "16:9",
            "aigc_watermark": False,
        },
    )


def test_a_first_frame_gives_the_ratio() -> None:
    call = route(region="china").create(with_frame(resolution="2K"))
    assert call.url == "https://api.minimaxi.com/v2/video_generation"
    assert call.json == {
        "model": "MiniMax-H3",
        "content": [
            {"type": "text", "text": PROMPT},
            {"type": "image_url", "image_url": {"url": FRAME}, "role": "first_frame"},
        ],
        "resolution": "2K",
        "duration": 5,
        "ratio": "adaptive",
        "aigc_watermark": False,
    }


def test_every_cell_of_the_catalogue_is_what_the_vendor_takes() -> None:
    for asked in every_cell("minimax", ask()):
        assert asked.duration_s.is_integer()
        assert DIALECT.objection(heard(route().create(asked))) is None, asked


def test_every_region_has_its_host() -> None:
    assert set(HOSTS) == set(get_args(RegionName))


@pytest.mark.parametrize("held", ["http://127.0.0.1:9/", "http://127.0.0.1:9/v2"])
def test_the_environment_moves_the_address(held: str) -> None:
    way = MinimaxRoute(MinimaxParameters(), {"EVALHARNESS_MINIMAX_URL": held})
    assert way.poll(Created("1")) == Call("GET", "http://127.0.0.1:9/v2/query/video_generation/1")


@pytest.mark.parametrize("wrong", [{"region": "mars"}, {"aigc_watermark": True}])
def test_impossible_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MinimaxParameters(**wrong)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask(task=Task.IMAGE_TO_VIDEO), "no picture in a data URI"),
        (with_frame(first_frame=picture(320, 180)), "sides of at least 256"),
        (with_frame(first_frame=picture(5762, 3240)), "sides of at most 5760"),
        (with_frame(first_frame=picture(900, 300)), "at most 2.5 times"),
        (with_frame(first_frame=picture(854, 480, kind="BMP")), "is a BMP"),
        (with_frame(ratio="9:16"), "not in 9:16"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_sent(asked: Ask, said: str) -> None:
    sentence = route().refuse(asked)
    assert sentence is not None
    assert said in sentence
    assert sentence.endswith(".")


def test_what_can_be_served_is_not_refused() -> None:
    assert route().refuse(ask()) is None
    assert route().refuse(with_frame()) is None


def test_the_key_is_a_bearer_token() -> None:
    assert route().credentials({"MINIMAX_API_KEY": "k-1"}, 0.0) == {"Authorization": "Bearer k-1"}
    with pytest.raises(GenerationError, match="set MINIMAX_API_KEY"):
        route().credentials({}, 0.0)


def test_a_task_is_taken_down_asked_after_and_stopped() -> None:
    made = DIALECT.accepted(VendorTask("m-1", "queued", None, "", {}))
    assert route().created(answer(made)) == Created("m-1")
    assert route().poll(Created("m-1")) == Call("GET", f"{HOST}/v2/query/video_generation/m-1")
    assert route().poll(Created("../x?y")).url.endswith("/video_generation/..%2Fx%3Fy")
    cancel = route().cancel(Created("m-1"))
    assert cancel == Call("DELETE", f"{HOST}/v2/video_generation/m-1")
    wanted = DIALECT.wanted(heard(cancel))
    assert wanted is not None
    assert (wanted.what, wanted.id) == ("cancel", "m-1")


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
    reply = DIALECT.status(VendorTask(TASK.task_id, state, None, "https://cdn/c.mp4", {}))
    status = route().polled(answer(reply), TASK)
    assert isinstance(status, Status)
    assert status.state is ours
    assert (status.delivery is not None) == (ours is TaskState.SUCCEEDED)
    assert (status.fault is not None) == (ours is TaskState.FAILED)


def test_a_finished_clip_comes_with_what_was_told_about_it() -> None:
    told = {
        "model": "MiniMax-H3",
        "resolution": "2K",
        "ratio": "16:9",
        "duration": 5,
        "usage": {"total_seconds": 5},
        "created_at": 1795341600,
        "updated_at": 1795341660,
    }
    url = "https://cdn.minimax.io/clip.mp4?sign=1"
    status = polled(
        {**told, "id": TASK.task_id, "status": "succeeded", "content": {"url": url}, "error": None}
    )
    assert isinstance(status, Status)
    assert status.told == told
    assert status.delivery is not None
    assert status.delivery.url == url
    assert not status.delivery.authorised
    assert status.cost_usd is None


def test_an_unknown_word_is_a_fault_and_never_still_running() -> None:
    fault = polled({"status": "pondering"})
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert "'pondering', which is none of queued" in fault.message


@pytest.mark.parametrize(
    ("code", "words", "kind", "struck"),
    [
        ("1026", "Not allowed", "moderation", "input"),
        (1027, "Not allowed", "moderation", "output"),
        ("1027", "Not allowed (1027)", "moderation", "output"),
        (None, "Not allowed (1026)", "moderation", "input"),
        ("Blocked", "The video is sensitive", "moderation", "input or output"),
        ("2013", "Not a ratio", "parameter", None),
        ("1000", "Broken", "server", None),
        ("9999", "Something new", "server", None),
        (None, "Something new", "server", None),
        ([], "Something new", "server", None),
    ],
)
def test_a_failure_hidden_in_http_200_is_found(code: Any, words: str, kind: str, struck: str | None) -> None:
    status = polled({"status": "failed", "error": {"code": code, "message": words}})
    assert isinstance(status, Status)
    assert status.fault is not None
    assert status.fault.kind == kind
    assert status.told.get("moderation") == struck
    assert status.fault.message.endswith(f"{words}.")
    assert struck is None or f"refused the {struck}" in status.fault.message
    if isinstance(code, str | int):
        assert status.fault.message.count(str(code)) == 1


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("failed", Fault(FailureKind.SERVER, "The task failed at MiniMax without a reason.")),
        ("cancelled", Fault(FailureKind.SERVER, f"The task {TASK.task_id} was cancelled at MiniMax.")),
        (
            "expired",
            Fault(
                FailureKind.EXPIRED,
                f"MiniMax gave the task {TASK.task_id} up: it had waited as long as tasks may.",
            ),
        ),
    ],
)
def test_an_ending_without_a_reason_says_so(word: str, fault: Fault) -> None:
    status = polled({"status": word, "error": None})
    assert isinstance(status, Status)
    assert status.fault == fault


def test_a_forgotten_task_has_expired() -> None:
    fault = route().polled(answer(DIALECT.refusal("expired")), TASK)
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.EXPIRED
    assert TASK.task_id in fault.message


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
def test_a_refused_create_is_told_by_its_number(fault: Any, kind: FailureKind) -> None:
    reply = DIALECT.refusal(fault, 7.0)
    found = route().created(answer(reply))
    assert isinstance(found, Fault)
    assert found.kind is kind
    assert found.retry_after_s == 7.0
    assert reply.body["error"]["type"] in found.message
    assert reply.body["error"]["message"] in found.message
    assert (kind is FailureKind.MODERATION) == ("refused the input" in found.message)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (refused(400, "No number", "authorized_error"), FailureKind.AUTH),
        (refused(500, "No number", "insufficient_balance_error"), FailureKind.BILLING),
        (refused(500, "No number", "rate_limit_error"), FailureKind.RATE),
        (refused(418, "New (9999)"), FailureKind.PARAMETER),
        (refused(503, "New (9999)"), FailureKind.SERVER),
        (refused(422, "Cannot be read"), FailureKind.PARAMETER),
        (refused(422, "Sensitive picture", "bad_request_error"), FailureKind.MODERATION),
        (refused(401, "invalid api key (2049)"), FailureKind.AUTH),
        (refused(200, "insufficient balance (1008)"), FailureKind.BILLING),
        (Answer(402, None, "<html>"), FailureKind.BILLING),
    ],
)
def test_number_then_type_then_http_status_give_the_kind(refusal: Answer, kind: FailureKind) -> None:
    found = route().created(refusal)
    assert isinstance(found, Fault)
    assert found.kind is kind


@pytest.mark.parametrize(
    ("number", "kind"),
    [(1002, "rate"), (1004, "auth"), (1008, "billing"), (1026, "moderation"), (2013, "parameter")],
)
def test_the_older_envelope_hides_failures_in_http_200_too(number: int, kind: str) -> None:
    body = {"task_id": "1", "base_resp": {"status_code": number, "status_msg": "Not this time"}}
    found = route().created(Answer(200, body))
    assert isinstance(found, Fault)
    assert found.kind == kind
    assert found.message.endswith(f"{number}: Not this time.")
    well = {"task_id": "1", "base_resp": {"status_code": 0, "status_msg": "success"}}
    assert route().created(Answer(200, well)) == Created("1")


@pytest.mark.parametrize(
    "body", [None, [], {}, {"task_id": None}, {"task_id": 5}, {"task_id": " "}, {"id": "1"}]
)
def test_an_answer_without_a_task_id_makes_no_task(body: Any) -> None:
    found = route().created(Answer(200, body, "odd"))
    assert isinstance(found, Fault)
    assert found.kind is FailureKind.SERVER
    assert "odd" in found.message


@pytest.mark.parametrize("status", [302, 400, 502])
def test_an_http_error_is_believed_whatever_comes_with_it(status: int) -> None:
    done = {"status": "succeeded", "content": {"url": "https://cdn/clip.mp4"}}
    assert isinstance(polled(done, status), Fault)
    assert isinstance(route().created(Answer(status, {"task_id": "1"})), Fault)


@pytest.mark.parametrize(
    "content", [None, [], {}, {"url": None}, {"url": "ftp://x"}, {"video_url": "https://x"}]
)
def test_success_without_a_link_is_a_fault(content: Any) -> None:
    assert isinstance(polled({"status": "succeeded", "content": content}), Fault)


NAMES = [
    "task",
    "task_id",
    "status",
    "content",
    "url",
    "error",
    "code",
    "type",
    "message",
    "base_resp",
    "usage",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*STATES, *KINDS, "https://x/y.mp4"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)
accounts = st.fixed_dictionaries(
    {"status": st.sampled_from([*STATES])}, optional={"content": json_values, "error": json_values}
)
bodies = json_values | accounts.map(lambda account: {"task": account})


@given(st.sampled_from([200, 201, 302, 400, 403, 404, 429, 500, 503]), bodies)
def test_no_answer_raises(status: int, body: Any) -> None:
    assert isinstance(route().created(Answer(status, body, "text")), Created | Fault)
    found = route().polled(Answer(status, body, "text"), TASK)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)

"""Veo on Vertex AI on paper: exact requests, what each documented answer means, and Google's credentials."""

from __future__ import annotations

import base64
import dataclasses
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.remote import google_credentials
from evalharness.adapters.remote.client import _without
from evalharness.adapters.remote.exchange import Answer, Ask, Created, Fault, Status, TaskState
from evalharness.adapters.vertex import VertexParameters, VertexRoute
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task
from tests.adapters.remote.dialects.vertex import (
    PLACE,
    PROJECT,
    SENSITIVE,
    TOKEN,
    VertexDialect,
    key_file,
    token_server,
)
from tests.adapters.remote.paper import answer, heard, picture

PROMPT = "A red ball rolls down a stair, and one hears each step."
HOST = "https://us-central1-aiplatform.googleapis.com/v1"
MODEL = "veo-3.1-generate-001"
NAME = f"{PLACE}/{MODEL}/operations/op-1"
TASK = Created("op-1", f"{HOST}/{NAME}")
FRAME = picture(1280, 720)
DIALECT = VertexDialect()


def route(environment: dict[str, str] | None = None, **parameters: Any) -> VertexRoute:
    return VertexRoute(VertexParameters(**({"project": PROJECT} | parameters)), environment or {})


def ask(**changes: Any) -> Ask:
    plain = Ask(
        model=MODEL,
        task=Task.TEXT_TO_VIDEO,
        prompt=PROMPT,
        duration_s=8.0,
        resolution="720p",
        ratio="16:9",
        width=1280,
        height=720,
        audio=True,
        seed=7,
    )
    return dataclasses.replace(plain, **changes)


def polled(body: Any, status: int = 200) -> Status | Fault:
    return route().polled(Answer(status, body, "beginning"), TASK)


def done(**what: Any) -> Any:
    return {"name": NAME, "done": True, **what}


# -- requests -----------------------------------------------------------------------------------


def test_a_clip_is_asked_for_with_sound_and_without_switches_that_veo_refuses() -> None:
    call = route().create(ask())
    assert call.url == f"{HOST}/{PLACE}/{MODEL}:predictLongRunning"
    assert call.json == {
        "instances": [{"prompt": PROMPT}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 8,
            "aspectRatio": "16:9",
            "resolution": "720p",
            "generateAudio": True,
            "seed": 7,
        },
    }
    assert DIALECT.objection(heard(call)) is None


def test_everything_that_may_be_said_is_said() -> None:
    told = route(person_generation="allow_adult", enhance_prompt=False)
    frame = {"task": Task.IMAGE_TO_VIDEO, "first_frame": FRAME}
    call = told.create(ask(audio=False, seed=None, negative_prompt="blur", **frame))
    assert DIALECT.objection(heard(call)) is None
    assert call.json is not None
    [instance] = call.json["instances"]
    assert instance["image"] == {"bytesBase64Encoded": FRAME.partition(",")[2], "mimeType": "image/png"}
    assert "seed" not in call.json["parameters"]
    assert call.json["parameters"] | {
        "generateAudio": False,
        "negativePrompt": "blur",
        "personGeneration": "allow_adult",
        "enhancePrompt": False,
    } == dict(call.json["parameters"])


def test_a_location_has_a_host_of_its_own() -> None:
    assert (
        route(location="europe-west4")
        .create(ask())
        .url.startswith(
            f"https://europe-west4-aiplatform.googleapis.com/v1/projects/{PROJECT}/locations/europe-west4/"
        )
    )
    assert (
        route({"GOOGLE_CLOUD_LOCATION": "global"})
        .create(ask())
        .url.startswith("https://aiplatform.googleapis.com/v1/")
    )


def test_an_operation_is_asked_after_by_its_whole_name() -> None:
    made = route().created(Answer(200, {"name": NAME}))
    assert made == TASK
    call = route().poll(TASK)
    assert (call.method, call.url) == ("POST", f"{HOST}/{PLACE}/{MODEL}:fetchPredictOperation")
    assert call.json == {"operationName": NAME}


def test_what_veo_does_not_take_is_refused_before() -> None:
    assert "4294967295" in (route().refuse(ask(seed=2**32)) or "")
    square = ask(task=Task.IMAGE_TO_VIDEO, first_frame=picture(720, 720))
    assert route().refuse(square) is not None
    assert route().refuse(dataclasses.replace(square, first_frame=FRAME)) is None


# -- answers ------------------------------------------------------------------------------------


def test_an_operation_that_is_not_done_waits() -> None:
    assert polled({"name": NAME}) == Status(TaskState.QUEUED, "not done")


def test_a_clip_comes_within_the_answer() -> None:
    videos = [{"bytesBase64Encoded": base64.b64encode(b"clip").decode(), "mimeType": "video/mp4"}]
    found = polled(done(response={"videos": videos}))
    assert isinstance(found, Status)
    assert found.delivery is not None
    assert found.delivery.content == b"clip"
    assert found.told == {"mimeType": "video/mp4"}


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"videos": [{"gcsUri": "gs://b/a.mp4"}]}, "fetch it from gs://b/a.mp4."),
        ({"videos": [{"bytesBase64Encoded": "!"}]}, "without the finished clip"),
        ({"videos": []}, "without the finished clip"),
        ({"videos": 5}, "without the finished clip"),
        ({}, "without the finished clip"),
        (None, "without the finished clip"),
    ],
)
def test_a_clip_that_is_not_there_gives_the_task_not_up(response: Any, said: str) -> None:
    fault = polled(done(response=response))
    assert isinstance(fault, Fault)
    assert fault.kind is FailureKind.SERVER
    assert said in fault.message


def test_the_filter_hides_in_a_done_operation() -> None:
    found = polled(
        done(response={"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["Audio: 17301594"]})
    )
    assert isinstance(found, Status)
    assert found.fault == Fault(
        FailureKind.MODERATION, "Google's moderation refused the output: Audio: 17301594."
    )
    assert found.told["moderation"] == "output"


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        ({"code": 3, "message": SENSITIVE}, FailureKind.MODERATION, "refused the input"),
        ({"code": 3, "message": "Bad duration"}, FailureKind.PARAMETER, "INVALID_ARGUMENT: Bad duration."),
        ({"code": 8, "message": "Quota"}, FailureKind.RATE, "RESOURCE_EXHAUSTED"),
        ({"code": 7, "message": "No"}, FailureKind.AUTH, "PERMISSION_DENIED"),
        ({"code": 16, "message": "No"}, FailureKind.AUTH, "UNAUTHENTICATED"),
        ({"code": 9, "message": "Enable billing"}, FailureKind.BILLING, "FAILED_PRECONDITION"),
        ({"code": 13, "message": "Again"}, FailureKind.SERVER, "INTERNAL: Again."),
        ({"code": 99}, FailureKind.SERVER, "without a reason."),
        ("broken", FailureKind.SERVER, "without a reason."),
    ],
)
def test_an_error_ends_an_operation(error: Any, kind: FailureKind, said: str) -> None:
    found = polled(done(error=error))
    assert isinstance(found, Status)
    assert found.state is TaskState.FAILED
    assert found.fault is not None
    assert found.fault.kind is kind
    assert said in found.fault.message


@pytest.mark.parametrize("fault", ["auth", "billing", "rate", "parameter", "server", "moderation_input"])
def test_a_refused_create_is_told_by_its_code(fault: Any) -> None:
    refused = route().created(answer(DIALECT.refusal(fault, 7.0)))
    assert isinstance(refused, Fault)
    assert refused.kind == FailureKind(fault.partition("_")[0])
    assert refused.retry_after_s == 7.0


@pytest.mark.parametrize("fault", ["parameter", "server", "moderation_input", "expired"])
def test_a_question_that_went_wrong_says_nothing_of_the_task(fault: Any) -> None:
    found = route().polled(answer(DIALECT.refusal(fault)), TASK)
    assert isinstance(found, Fault)
    assert found.kind is FailureKind.SERVER


NAMES = ["name", "done", "error", "code", "status", "message", "response", "videos", "bytesBase64Encoded"]
NAMES += ["gcsUri", "raiMediaFilteredCount", "raiMediaFilteredReasons"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([NAME, "Y2xpcA==", "ü", "gs://b/a.mp4", SENSITIVE]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)


@given(st.sampled_from([200, 302, 400, 403, 404, 429, 500]), json_values)
def test_no_answer_raises(status: int, body: Any) -> None:
    assert isinstance(route().created(Answer(status, body, "text")), Created | Fault)
    found = polled(body, status)
    assert isinstance(found, Status | Fault)
    if isinstance(found, Status):
        assert (found.delivery is not None) == (found.state is TaskState.SUCCEEDED)
        assert (found.fault is not None) == (found.state is TaskState.FAILED)


# -- credentials --------------------------------------------------------------------------------


def environment(file: object) -> dict[str, str]:
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}


def lacking(given: dict[str, str], **parameters: Any) -> str:
    said = route(given, **parameters).missing(given, 0.0)
    with pytest.raises(GenerationError) as caught:
        route(given, **parameters).credentials(given, 0.0)
    assert (caught.value.kind, str(caught.value)) == (FailureKind.AUTH, said)
    assert said is not None
    return said


def test_a_token_is_fetched_once() -> None:
    given = dict(DIALECT.secrets)
    assert route().missing(given, 0.0) is None
    assert route().credentials(given, 0.0)["authorization"] == f"Bearer {TOKEN}"
    assert google_credentials.application_credentials(given) is google_credentials.application_credentials(
        given
    )


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "GOOGLE_CLOUD_PROJECT" in lacking({}, project=None)
    assert "cannot be read" in lacking(environment(tmp_path / "none.json"))
    (tmp_path / "bad.json").write_text("[]")
    assert "cannot be read" in lacking(environment(tmp_path / "bad.json"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert "is not set" in lacking({})

    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(google_credentials, "import_module", absent)
    assert "evalharness[vertex]" in lacking({})


def test_a_silent_cloud_is_waited_for_once_and_briefly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", False)
    monkeypatch.setattr(google_credentials, "METADATA_S", 0.2)
    monkeypatch.setattr(google_credentials, "_METADATA", google_credentials._Metadata())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:{1}".format(*silent.getsockname()))
        began_s = time.monotonic()
        assert "gcloud has left none, and this is no machine in Google's cloud" in lacking({})
        assert time.monotonic() - began_s < 2
        silent.settimeout(0.2)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()


def test_a_refused_account_is_no_traceback(tmp_path: Path) -> None:
    given = environment(key_file(tmp_path / "key.json", f"{token_server()}/elsewhere"))
    assert route().missing(given, 0.0) is None
    with pytest.raises(GenerationError, match="refused an access token") as caught:
        route().credentials(given, 0.0)
    assert caught.value.kind is FailureKind.AUTH


def test_the_project_that_pays_stays_in_answers() -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "x-goog-user-project": PROJECT}
    assert _without(f"{TOKEN} {NAME}".encode(), headers) == f"[key] {NAME}".encode()

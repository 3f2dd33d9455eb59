"""Google's Veo 3.1 on Vertex AI: long-running operations of a project, with the clip inside the last answer.

Google's SDK is used for what is painful by hand, its credentials, and not for sending: it would repeat a
create by itself, and keep to itself whether Google ever had it, so that nothing could be put on record
before. The two calls below are the documented ones that the SDK makes. A clip that the filter for
responsible AI held back hides in an operation that is done and has no error.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import Field

from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.address import base_url
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
from evalharness.adapters.remote.faults import kind_of_status, sentence
from evalharness.adapters.remote.google_credentials import application_credentials, headers_of
from evalharness.adapters.remote.pictures import PictureLimits, refuse_pictures
from evalharness.adapters.remote.reading import at, kept, retry_after_s, table, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["VertexAdapter", "VertexParameters", "VertexRoute"]

LOCATION = "us-central1"
"""Where Veo is offered first."""

UNSET = "PROJECT"
"""Stands for the project in requests that are only shown."""


class VertexParameters(Parameters):
    """Whose quota and bill, where, and what Google leaves to its users."""

    project: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9.:-]*$")
    """Else GOOGLE_CLOUD_PROJECT."""
    location: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    """Else GOOGLE_CLOUD_LOCATION, else us-central1."""
    person_generation: Literal["dont_allow", "allow_adult", "allow_all"] | None = None
    """Google's own default where it is not given."""
    enhance_prompt: bool | None = None
    """Sent only where given: Veo 3 is reported to refuse `false`."""


SEEDS = range(2**32)

FRAMES = PictureLimits(least_px=64, steepest=2.5, most_bytes=20_000_000, formats=frozenset({"JPEG", "PNG"}))

OPERATION = re.compile(
    r"(?P<model>projects/[^/]+/locations/[^/]+/publishers/google/models/[^/]+)/operations/(?P<id>[\w-]+)$"
)

CODES = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    11: "OUT_OF_RANGE",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}
"""gRPC's numbers, which operations carry; errors of HTTP carry the words themselves."""

KINDS = {
    "INVALID_ARGUMENT": FailureKind.PARAMETER,
    "NOT_FOUND": FailureKind.PARAMETER,
    "FAILED_PRECONDITION": FailureKind.PARAMETER,
    "OUT_OF_RANGE": FailureKind.PARAMETER,
    "PERMISSION_DENIED": FailureKind.AUTH,
    "UNAUTHENTICATED": FailureKind.AUTH,
    "RESOURCE_EXHAUSTED": FailureKind.RATE,
    "DEADLINE_EXCEEDED": FailureKind.SERVER,
    "INTERNAL": FailureKind.SERVER,
    "UNAVAILABLE": FailureKind.SERVER,
}

MODERATED = ("responsible ai", "usage guidelines", "sensitive words", "safety", "violat", "content policy")
"""An argument that moderation refused is an invalid one, and told by words alone."""

PAYING = "billing"


class VertexRoute(Route):
    """Veo in one project, at one location."""

    vendor: ClassVar[str] = "vertex"
    version: ClassVar[str] = "1"
    parameters: ClassVar[type[Parameters]] = VertexParameters
    secrets: ClassVar[tuple[str, ...]] = ("GOOGLE_APPLICATION_CREDENTIALS",)
    address: ClassVar[str | None] = "EVALHARNESS_VERTEX_URL"
    credentials_block: ClassVar[bool] = True

    def __init__(self, parameters: VertexParameters, environment: Mapping[str, str]) -> None:
        self._given = parameters
        self._project = parameters.project or environment.get("GOOGLE_CLOUD_PROJECT", "").strip()
        location = parameters.location or environment.get("GOOGLE_CLOUD_LOCATION", "").strip() or LOCATION
        host = "aiplatform" if location == "global" else f"{location}-aiplatform"
        self._base = base_url(environment, "EVALHARNESS_VERTEX_URL", f"https://{host}.googleapis.com") + "/v1"
        self._models = f"projects/{self._project or UNSET}/locations/{location}/publishers/google/models"

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """A token of the machine's Google credentials, renewed when it grows old: that asks Google."""
        del now_s
        self._check_project()
        return headers_of(application_credentials(environment))

    def missing(self, environment: Mapping[str, str], now_s: float) -> str | None:
        """What is missing of project, credentials and their library; asks Google for nothing."""
        del now_s
        try:
            self._check_project()
            application_credentials(environment)
        except GenerationError as error:
            return str(error)
        return None

    def _check_project(self) -> None:
        if not self._project:
            raise GenerationError(
                FailureKind.AUTH,
                "Vertex AI needs a project: set GOOGLE_CLOUD_PROJECT, or project in [systems.parameters].",
            )

    def refuse(self, ask: Ask) -> str | None:
        """Seeds and first frames beyond the model's limits."""
        if ask.seed is not None and ask.seed not in SEEDS:
            return f"The seed {ask.seed} is not one of 0 to {SEEDS.stop - 1}, which Veo takes."
        return refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that starts an operation, which gives one clip."""
        instance: dict[str, Any] = {"prompt": ask.prompt}
        if ask.first_frame is not None:
            kind, _, payload = ask.first_frame.removeprefix("data:").partition(";base64,")
            instance["image"] = {"bytesBase64Encoded": payload, "mimeType": kind}
        optional = {
            "seed": ask.seed,
            "negativePrompt": ask.negative_prompt,
            "personGeneration": self._given.person_generation,
            "enhancePrompt": self._given.enhance_prompt,
        }
        parameters = {
            "sampleCount": 1,
            "durationSeconds": int(ask.duration_s),
            "aspectRatio": ask.ratio,
            "resolution": ask.resolution,
            "generateAudio": ask.audio,
        } | kept(optional, *optional)
        body = {"instances": [instance], "parameters": parameters}
        return Call("POST", f"{self._base}/{self._models}/{ask.model}:predictLongRunning", json=body)

    def created(self, answer: Answer) -> Created | Fault:
        """The operation's id; the address to ask at holds its whole name."""
        found = OPERATION.match(text(answer.body, "name") or "")
        if found is not None and 200 <= answer.status < 300:
            return Created(found["id"], f"{self._base}/{found[0]}")
        return self._refused(answer, "the name of an operation", creating=True)

    def poll(self, task: Created) -> Call:
        """The call that asks how an operation stands, and brings its clip."""
        found = OPERATION.search(task.poll_url or "")
        name, model = (found[0], found["model"]) if found else (task.task_id, "")
        body = {"operationName": name}
        return Call("POST", f"{self._base}/{model}:fetchPredictOperation", json=body)

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How it stands. Google does not tell waiting from running: no time in a queue is made up."""
        body = answer.body
        if not 200 <= answer.status < 300:
            return self._refused(answer, "an operation", creating=False)
        if text(body, "name") is None or at(body, "done") not in {None, False, True}:
            return unreadable(self.vendor, answer, "an operation")
        if not at(body, "done"):
            return Status(TaskState.QUEUED, "not done")
        if at(body, "error") is not None:
            return _failed(body, task)
        return self._finished(answer)

    def _finished(self, answer: Answer) -> Status | Fault:
        response = table(answer.body, "response")
        told = kept(response, "raiMediaFilteredCount", "raiMediaFilteredReasons")
        videos = response.get("videos")
        video = videos[0] if isinstance(videos, list) and videos else None
        content = _decoded(text(video, "bytesBase64Encoded"))
        if content is not None:
            told |= kept(table(video), "mimeType")
            return Status(TaskState.SUCCEEDED, "done", delivery=Delivery(content=content), told=told)
        if text(video, "gcsUri") is not None:
            return Fault(
                FailureKind.SERVER,
                "Vertex AI put the clip into a bucket though it was asked for in the answer: fetch it from "
                f"{text(video, 'gcsUri')}.",
            )
        if told.get("raiMediaFilteredCount") or told.get("raiMediaFilteredReasons"):
            reasons = told.get("raiMediaFilteredReasons")
            words = " ".join(map(str, reasons)) if isinstance(reasons, list) else None
            said = sentence("Google's moderation refused the output", None, words)
            fault = Fault(FailureKind.MODERATION, said)
            return Status(TaskState.FAILED, "done", fault=fault, told=told | {"moderation": "output"})
        return unreadable(self.vendor, answer, "the finished clip")

    def _refused(self, answer: Answer, wanted: str, *, creating: bool) -> Fault:
        if 200 <= answer.status < 300:
            return unreadable(self.vendor, answer, wanted)
        code, words = _error(answer.body)
        kind = _kind(code, words, kind_of_status(answer.status))
        said = f"Vertex AI answered HTTP {answer.status}"
        if kind is FailureKind.MODERATION and creating:
            said = "Google's moderation refused the input"
        elif not creating and kind in {FailureKind.MODERATION, FailureKind.PARAMETER}:
            kind = FailureKind.SERVER  # a question that was not understood gives no paid clip up
        return Fault(
            kind, sentence(said, code, words or answer.text[:200]), retry_after_s=retry_after_s(answer)
        )


VertexAdapter = partial(RemoteAdapter, VertexRoute)
"""Veo on Vertex AI, as adapters are made."""


def _failed(body: Any, task: Created) -> Status:
    """An operation that ended with an error."""
    code, words = _error(body)
    kind = _kind(code, words, FailureKind.SERVER)
    if kind is FailureKind.MODERATION:
        fault = Fault(kind, sentence("Google's moderation refused the input", code, words))
        return Status(TaskState.FAILED, "done", fault=fault, told={"moderation": "input"})
    said = f"The task {task.task_id} failed at Vertex AI{'' if code or words else ' without a reason'}"
    return Status(TaskState.FAILED, "done", fault=Fault(kind, sentence(said, code, words)))


def _error(body: Any) -> tuple[str | None, str | None]:
    """Code in gRPC's words, and Google's own words."""
    number = at(body, "error", "code")
    named = CODES.get(number) if type(number) is int else None
    return text(body, "error", "status") or named, text(body, "error", "message")


def _kind(code: str | None, words: str | None, otherwise: FailureKind) -> FailureKind:
    kind, lowered = KINDS.get(code or "", otherwise), (words or "").lower()
    if kind is FailureKind.PARAMETER and any(word in lowered for word in MODERATED):
        return FailureKind.MODERATION
    if kind in {FailureKind.AUTH, FailureKind.PARAMETER} and PAYING in lowered:
        return FailureKind.BILLING
    return kind


def _decoded(encoded: str | None) -> bytes | None:
    try:
        return b64decode(encoded, validate=True) or None if encoded else None
    except (binascii.Error, ValueError):
        return None

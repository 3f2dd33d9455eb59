"""Video models through Replicate, whose predictions take each model's own fields.

The gateway is part of a system's identity. An hour after a prediction ended its inputs and files are gone;
its record stays. Errors of a prediction are words without a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.address import base_url
from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.credentials import bearer
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
from evalharness.adapters.remote.faults import kind_of_status, mentions, sentence, struck_place
from evalharness.adapters.remote.inputs import inputs
from evalharness.adapters.remote.pictures import PictureLimits, refuse_pictures
from evalharness.adapters.remote.reading import at, kept, link, retry_after_s, table, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.records import FailureKind

__all__ = ["ReplicateAdapter", "ReplicateRoute"]

HOST = "https://api.replicate.com"
BASE = "/v1"

FRAMES = PictureLimits(least_px=300, steepest=2.5, most_bytes=256_000, formats=frozenset({"JPEG", "PNG"}))
"""The strictest of the models behind the gateway, which takes data URIs of small files alone."""

SEEDS = range(2**31)
"""What every model behind the gateway takes."""

STATES = {
    "starting": TaskState.QUEUED,
    "processing": TaskState.RUNNING,
    "succeeded": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "canceled": TaskState.FAILED,
    "aborted": TaskState.FAILED,
}

MODERATED = ("(e005)", "flagged", "sensitive", "moderat", "nsfw", "content policy", "safety")
"""Words by which an error tells moderation from other failures."""

TOLD = ("model", "version", "metrics", "created_at", "started_at", "completed_at")


class ReplicateRoute(Route):
    """Replicate's predictions by official models."""

    vendor: ClassVar[str] = "replicate"
    version: ClassVar[str] = "1"
    secrets: ClassVar[tuple[str, ...]] = ("REPLICATE_API_TOKEN",)
    address: ClassVar[str | None] = "EVALHARNESS_REPLICATE_URL"

    def __init__(self, parameters: Parameters, environment: Mapping[str, str]) -> None:
        del parameters
        host = base_url(environment, "EVALHARNESS_REPLICATE_URL", HOST).removesuffix(BASE)
        self._base = f"{host}{BASE}"

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The token; it does not age."""
        del now_s
        return bearer(environment, "REPLICATE_API_TOKEN", "Replicate")

    def refuse(self, ask: Ask) -> str | None:
        """Seeds and first frames that gateway or model would refuse after all."""
        if ask.seed is not None and ask.seed not in SEEDS:
            return f"The seed {ask.seed} is not one of 0 to {SEEDS.stop - 1}, which all models here take."
        return refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that makes a prediction, without waiting for it."""
        fields = inputs(catalogue(self.vendor).served_as(ask.model), ask)
        return Call("POST", f"{self._base}/models/{ask.model}/predictions", json={"input": fields})

    def created(self, answer: Answer) -> Created | Fault:
        """The id; the addresses that are told as well hold nothing else."""
        task_id = text(answer.body, "id")
        if task_id is not None and _went_well(answer):
            return Created(task_id)
        return self._refused(answer, "a prediction's id", struck="input")

    def poll(self, task: Created) -> Call:
        """The call that asks how a prediction stands."""
        return Call("GET", self._url(task))

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a prediction stands, or why that cannot be said."""
        if answer.status == 404:
            # No proof that it is over: other accounts' predictions are not found either.
            said = f"Replicate knows no prediction {task.task_id} for this token"
            return Fault(FailureKind.SERVER, sentence(said, None, _words(answer.body)))
        word = text(answer.body, "status")
        if word is None or not _went_well(answer):
            return self._refused(answer, "a status")
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        told = kept(table(answer.body), *TOLD)
        if state is TaskState.SUCCEEDED:
            return self._succeeded(word, answer, task, told)
        if state is not TaskState.FAILED:
            return Status(state, word, told=told)
        fault, struck = _failure(word, text(answer.body, "error"), task)
        return Status(state, word, fault=fault, told=told | ({"moderation": struck} if struck else {}))

    def cancel(self, task: Created) -> Call | None:
        """The call that stops a prediction; what ran until then is billed."""
        return Call("POST", f"{self._url(task)}/cancel")

    def _url(self, task: Created) -> str:
        return f"{self._base}/predictions/{quote(task.task_id, safe='')}"

    def _succeeded(self, word: str, answer: Answer, task: Created, told: Mapping[str, Any]) -> Status | Fault:
        output = at(answer.body, "output")
        first = output[0] if isinstance(output, list) and output else output
        url = link({"url": first}, "url")
        if url is not None:
            return Status(TaskState.SUCCEEDED, word, delivery=Delivery(url), told=told)
        if at(answer.body, "data_removed") is True:
            said = f"Replicate has deleted the clip of {task.task_id}: it keeps files for an hour."
            return Fault(FailureKind.EXPIRED, said)
        return unreadable(self.vendor, answer, "a link to the finished clip")

    def _refused(self, answer: Answer, wanted: str, *, struck: str | None = None) -> Fault:
        words = _words(answer.body)
        if _went_well(answer):
            return unreadable(self.vendor, answer, wanted)
        kind, said = kind_of_status(answer.status), f"Replicate answered HTTP {answer.status}"
        if kind is FailureKind.PARAMETER and mentions(words, MODERATED):
            kind = FailureKind.MODERATION
            said = f"Moderation at Replicate refused the {struck_place(words) or struck or 'input or output'}"
        return Fault(
            kind,
            sentence(said, text(answer.body, "title"), words or answer.text[:200]),
            retry_after_s=retry_after_s(answer),
        )


ReplicateAdapter = partial(RemoteAdapter, ReplicateRoute)
"""Models at Replicate, as adapters are made."""


def _went_well(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _words(body: Any) -> str | None:
    """What an error says: of a refused call under detail, of a prediction under error."""
    return text(body, "detail") or text(body, "error")


def _failure(word: str, words: str | None, task: Created) -> tuple[Fault, str | None]:
    """Why a prediction ended without a clip, and where moderation struck, if it did."""
    if word == "aborted":
        said = f"Replicate gave the prediction {task.task_id} up before it ran"
        return Fault(FailureKind.EXPIRED, sentence(said, None, words)), None
    if word == "canceled":
        said = f"The prediction {task.task_id} was canceled at Replicate, or ran longer than it may"
        return Fault(FailureKind.SERVER, sentence(said, None, words)), None
    if mentions(words, MODERATED):
        struck = struck_place(words) or "input or output"
        said = f"Moderation behind Replicate refused the {struck}"
        return Fault(FailureKind.MODERATION, sentence(said, None, words)), struck
    said = "The prediction failed at Replicate" if words else "The prediction failed without a reason"
    return Fault(FailureKind.SERVER, sentence(said, None, words)), None

"""Video models through fal, which queues requests for many makers' models, each with fields of its own.

The gateway is part of a system's identity. Its queue would repeat failed requests, and hand some to another
endpoint: both are switched off for every request. A task that is COMPLETED may have failed: the reason comes
with its state, or as an HTTP error where its result should be. Clips lie in public storage, where the key
never goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.address import base_url
from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.credentials import secret
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
from evalharness.adapters.remote.faults import PLACES, kind_of_status, mentions, sentence, struck_place
from evalharness.adapters.remote.inputs import inputs
from evalharness.adapters.remote.pictures import PictureLimits, refuse_pictures
from evalharness.adapters.remote.reading import at, kept, link, retry_after_s, table, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.records import FailureKind

__all__ = ["FalAdapter", "FalRoute"]

HOST = "https://queue.fal.run"

HEADERS = {
    "x-fal-no-retry": "1",
    "x-app-fal-disable-fallback": "true",
    "x-fal-disable-fallbacks": "true",
}
"""One request, one run, of the model that was asked for; the last switch is documented under two names."""

FRAMES = PictureLimits(
    least_px=300, steepest=2.5, most_bytes=10_000_000, formats=frozenset({"JPEG", "PNG", "WEBP"})
)
"""The strictest of the models behind the gateway, which names none of its own."""

SEEDS = range(2**31)
"""What every model behind the gateway takes."""

PLACE = re.compile(r"(?P<place>/\w[\w.-]*/\w[\w.-]*/requests/(?P<id>[\w-]+))/status$")
"""Where a task is: under the first two parts of its endpoint, as the answer to its create tells."""

STATES = {
    "IN_QUEUE": TaskState.QUEUED,
    "IN_PROGRESS": TaskState.RUNNING,
    "COMPLETED": TaskState.SUCCEEDED,
}

MODERATION = "content_policy_violation"

ENDS = re.compile(r"runner_\w+|\w+_timeout|client_cancelled")
"""Types of failures of the queue that end a request, since it may not run it again."""

OF_THE_MODEL = {"downstream_service_error", "downstream_service_unavailable", "no_media_generated"}
"""Types of errors that are not the request's, though some come as HTTP 4xx."""

MODERATED = ("content policy", "moderat", "nsfw", "sensitive", "flagged", "safety")
"""Not every endpoint gives its errors a type: words by which untyped ones tell moderation."""

STRUCK = PLACES | {"image": "input"}

PAYING = ("balance", "billing")
"""Words by which a refused key is one whose account is out of money."""

TOLD = ("seed", "actual_prompt", "timings")


class FalRoute(Route):
    """fal's queue."""

    vendor: ClassVar[str] = "fal"
    version: ClassVar[str] = "1"
    secrets: ClassVar[tuple[str, ...]] = ("FAL_KEY",)
    address: ClassVar[str | None] = "EVALHARNESS_FAL_URL"

    def __init__(self, parameters: Parameters, environment: Mapping[str, str]) -> None:
        del parameters
        self._host = base_url(environment, "EVALHARNESS_FAL_URL", HOST)

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The key in fal's own scheme; it does not age."""
        del now_s
        return {"Authorization": f"Key {secret(environment, 'FAL_KEY', 'fal')}"}

    def refuse(self, ask: Ask) -> str | None:
        """Seeds and first frames that some model behind the gateway would refuse after all."""
        if ask.seed is not None and ask.seed not in SEEDS:
            return f"The seed {ask.seed} is not one of 0 to {SEEDS.stop - 1}, which all models here take."
        return refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that queues a request."""
        fields = inputs(catalogue(self.vendor).served_as(ask.model), ask)
        return Call("POST", f"{self._host}/{ask.model}", json=fields, headers=HEADERS)

    def created(self, answer: Answer) -> Created | Fault:
        """The request's id, and where it is: whatever host the answer names, on our own."""
        place = PLACE.search(text(answer.body, "status_url") or "")
        if _went_well(answer) and place is not None and place["id"] == text(answer.body, "request_id"):
            return Created(place["id"], f"{self._host}{place[0]}")
        return self._refused(answer, "a request id with its status_url", struck="input")

    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands."""
        return Call("GET", f"{self._place(task)}/status")

    def after(self, answer: Answer, task: Created) -> Call | None:
        """The call for the result of a task that is completed."""
        if text(answer.body, "status") == "COMPLETED" and _went_well(answer) and not _ended_badly(answer):
            return Call("GET", self._place(task))
        return None

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a task stands, or why that cannot be said. Reads states and results alike."""
        if _ended_badly(answer):
            return self._failed(answer)
        if answer.status == 404:
            # No proof that it is over: other accounts' tasks are not found either.
            said = f"fal knows no request {task.task_id} for this key"
            return Fault(FailureKind.SERVER, sentence(said, *_error(answer.body)[:2]))
        if not _went_well(answer):
            return self._refused(answer, "a state")
        url = link(answer.body, "video", "url")
        if url is not None:
            told = kept(table(answer.body), *TOLD) | kept(answer.headers, "x-fal-billable-units")
            return Status(TaskState.SUCCEEDED, "COMPLETED", delivery=Delivery(url), told=told)
        word = text(answer.body, "status")
        if word is None or word == "COMPLETED":
            return unreadable(self.vendor, answer, "a state, or a link to the finished clip")
        state = self.state_of(word, STATES)
        return state if isinstance(state, Fault) else Status(state, word)

    def cancel(self, task: Created) -> Call | None:
        """The call that takes a request out of the queue; what runs may go on."""
        return Call("PUT", f"{self._place(task)}/cancel")

    def _place(self, task: Created) -> str:
        found = PLACE.search(task.poll_url or "")
        return f"{self._host}{found['place'] if found else ''}"

    def _failed(self, answer: Answer) -> Status:
        """A task that ended without a clip."""
        code, words, where = _error(answer.body)
        if _moderated(code, words):
            struck = _struck(where, words) or "input or output"
            said = f"Moderation at fal refused the {struck}"
            fault = Fault(FailureKind.MODERATION, sentence(said, code, words))
            return Status(TaskState.FAILED, "COMPLETED", fault=fault, told={"moderation": struck})
        said = "The task failed at fal" if code or words else "The task failed at fal without a reason"
        kind = FailureKind.SERVER if code in OF_THE_MODEL else kind_of_status(answer.status)
        return Status(TaskState.FAILED, "COMPLETED", fault=Fault(kind, sentence(said, code, words)))

    def _refused(self, answer: Answer, wanted: str, *, struck: str | None = None) -> Fault:
        code, words, where = _error(answer.body)
        if _went_well(answer) and not (code or words):
            return unreadable(self.vendor, answer, wanted)
        kind, said = kind_of_status(answer.status), f"fal answered HTTP {answer.status}"
        if kind is FailureKind.AUTH and any(word in (words or "").lower() for word in PAYING):
            kind = FailureKind.BILLING
        elif kind is FailureKind.PARAMETER and _moderated(code, words):
            kind = FailureKind.MODERATION
            said = f"Moderation at fal refused the {_struck(where, words) or struck or 'input or output'}"
        return Fault(
            kind, sentence(said, code, words or answer.text[:200]), retry_after_s=retry_after_s(answer)
        )


FalAdapter = partial(RemoteAdapter, FalRoute)
"""Models at fal, as adapters are made."""


def _went_well(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _error(body: Any) -> tuple[str | None, str | None, str]:
    """Type and words of an error, and the names of the fields it is about.

    A model's errors are a list of objects, of which the one about moderation counts, else the first; the
    queue's own are bare words.
    """
    detail = at(body, "detail")
    if isinstance(detail, list):
        errors = [error for error in detail if isinstance(error, Mapping)]
        moderated = [error for error in errors if error.get("type") == MODERATION]
        first = (moderated or errors or [{}])[0]
        return text(first, "type"), text(first, "msg"), str(at(first, "loc") or "")
    return text(body, "error_type"), text(body, "error") or text(body, "detail"), ""


def _ended_badly(answer: Answer) -> bool:
    """Whether an answer to a question says that the task failed, not that the question went wrong."""
    if _went_well(answer):
        return any(_error(answer.body)[:2])
    if answer.status in {401, 403, 404, 429}:
        return False
    # Bare words do not end a paid task: a result that is asked for too early is an HTTP 400 too.
    typed = isinstance(at(answer.body, "detail"), list) or ENDS.fullmatch(_error(answer.body)[0] or "")
    return answer.status == 422 or (answer.status >= 400 and bool(typed))


def _moderated(code: str | None, words: str | None) -> bool:
    return code == MODERATION or (code is None and mentions(words, MODERATED))


def _struck(where: str, words: str | None) -> str | None:
    """What moderation refused, where field or words name one thing alone."""
    return struck_place(where, STRUCK) or struck_place(words, STRUCK)

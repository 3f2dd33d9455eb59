"""MiniMax H3, called Hailuo 3 elsewhere, at MiniMax's own hosts.

A task is made and can be asked after for seven days; its link soon ends, but each question gives a new one.
Clips always have sound. Errors carry MiniMax's numbers at the end of their message, and a task that failed is
told in an answer with HTTP 200.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.address import base_url
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
from evalharness.adapters.remote.faults import kind_of_status, sentence
from evalharness.adapters.remote.pictures import PictureLimits, refuse_pictures
from evalharness.adapters.remote.reading import at, kept, link, retry_after_s, table, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.records import FailureKind

__all__ = ["MinimaxAdapter", "MinimaxParameters", "MinimaxRoute"]

RegionName = Literal["global", "china"]

HOSTS: Mapping[RegionName, str] = {
    "global": "https://api.minimax.io",
    "china": "https://api.minimaxi.com",
}


class MinimaxParameters(Parameters):
    """Where the account lives."""

    region: RegionName = "global"


FRAMES = PictureLimits(
    least_px=256,
    most_px=5760,
    steepest=2.5,
    most_bytes=30_000_000,
    formats=frozenset({"JPEG", "PNG", "WEBP"}),
)

STATES = {
    "queued": TaskState.QUEUED,
    "running": TaskState.RUNNING,
    "succeeded": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.FAILED,
    "expired": TaskState.FAILED,
}

KINDS = {
    "1000": FailureKind.SERVER,
    "1002": FailureKind.RATE,
    "1004": FailureKind.AUTH,
    "1008": FailureKind.BILLING,
    "1026": FailureKind.MODERATION,
    "1027": FailureKind.MODERATION,
    "2013": FailureKind.PARAMETER,
    "2049": FailureKind.AUTH,
    "authorized_error": FailureKind.AUTH,
    "insufficient_balance_error": FailureKind.BILLING,
    "rate_limit_error": FailureKind.RATE,
    "bad_request_error": FailureKind.PARAMETER,
    "server_error": FailureKind.SERVER,
}
"""Number, or type where there is no number that we know -> kind."""

STRUCK = {"1026": "input", "1027": "output"}

NUMBER = re.compile(r"\((?P<number>\d{4})\)\W*$")

FORGOTTEN = "invalid task_id"
"""What is said of a task older than seven days."""

TOLD = ("model", "resolution", "ratio", "duration", "usage", "created_at", "updated_at")


@dataclass(frozen=True, slots=True)
class _Error:
    """What MiniMax says went wrong; every part may be missing."""

    number: str | None
    """Or a word in its place."""
    type: str | None
    words: str | None

    @property
    def code(self) -> str | None:
        """The most exact name there is, unless the words hold it already."""
        return self.type or (None if self.number and self.number in (self.words or "") else self.number)

    def kind(self, status: int) -> FailureKind:
        """What it means; an HTTP status counts where nothing else is known."""
        known = KINDS.get(self.number or "") or KINDS.get(self.type or "")
        if known in {None, FailureKind.PARAMETER} and "sensitive" in (self.words or "").lower():
            return FailureKind.MODERATION
        return known or kind_of_status(status)

    @property
    def struck(self) -> str:
        """What moderation refused, where it did."""
        return STRUCK.get(self.number or "", "input or output")


class MinimaxRoute(Route):
    """MiniMax's second contract for video generation."""

    vendor: ClassVar[str] = "minimax"
    version: ClassVar[str] = "1"
    parameters: ClassVar[type[Parameters]] = MinimaxParameters
    secrets: ClassVar[tuple[str, ...]] = ("MINIMAX_API_KEY",)
    address: ClassVar[str | None] = "EVALHARNESS_MINIMAX_URL"

    def __init__(self, parameters: MinimaxParameters, environment: Mapping[str, str]) -> None:
        host = base_url(environment, "EVALHARNESS_MINIMAX_URL", HOSTS[parameters.region])
        self._base = f"{host.removesuffix('/v2')}/v2"

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The key as a bearer token; it does not age."""
        del now_s
        return bearer(environment, "MINIMAX_API_KEY", "MiniMax")

    def refuse(self, ask: Ask) -> str | None:
        """First frames beyond the model's limits."""
        return refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that makes a task."""
        content: list[dict[str, Any]] = [{"type": "text", "text": ask.prompt}]
        ratio = ask.ratio
        if ask.first_frame is not None:
            content.append(
                {"type": "image_url", "image_url": {"url": ask.first_frame}, "role": "first_frame"}
            )
            ratio = "adaptive"  # any other would be read as this one
        body = {
            "model": ask.model,
            "content": content,
            "resolution": ask.resolution,
            "duration": int(ask.duration_s),
            "ratio": ratio,
            "aigc_watermark": False,
        }
        return Call("POST", f"{self._base}/video_generation", json=body)

    def created(self, answer: Answer) -> Created | Fault:
        """The id, which can be asked after for seven days."""
        task_id = text(answer.body, "task_id")
        if task_id is not None and _succeeded(answer):
            return Created(task_id)
        return self._refused(answer, "a task id")

    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands."""
        return Call("GET", f"{self._base}/query/video_generation/{quote(task.task_id, safe='')}")

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a task stands, or why that cannot be said."""
        account = table(answer.body, "task")
        word = text(account, "status")
        if word is None or not _succeeded(answer):
            error = _error(answer.body)
            if error is not None and FORGOTTEN in (error.words or "").lower():
                said = f"MiniMax knows no task {task.task_id} here: it forgets them after seven days"
                return Fault(FailureKind.EXPIRED, sentence(said, error.code, error.words))
            return self._refused(answer, "a task status")
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        told = kept(account, *TOLD)
        if state is TaskState.SUCCEEDED:
            url = link(account, "content", "url")
            if url is None:
                return unreadable(self.vendor, answer, "a link to the finished clip")
            return Status(state, word, delivery=Delivery(url), told=told)
        if state is not TaskState.FAILED:
            return Status(state, word, told=told)
        fault = _failure(word, _error(account), task)
        if fault.kind is FailureKind.MODERATION:
            told["moderation"] = (_error(account) or _NOTHING).struck
        return Status(state, word, fault=fault, told=told)

    def cancel(self, task: Created) -> Call | None:
        """The call that stops a task that is queued: one that is done would lose its record by it."""
        return Call("DELETE", f"{self._base}/video_generation/{quote(task.task_id, safe='')}")

    def _refused(self, answer: Answer, wanted: str) -> Fault:
        error = _error(answer.body)
        if error is None and 200 <= answer.status < 300:
            return unreadable(self.vendor, answer, wanted)
        error = error or _NOTHING
        kind = error.kind(answer.status)
        said = f"MiniMax answered HTTP {answer.status}"
        if kind is FailureKind.MODERATION:
            said = f"MiniMax's moderation refused the {error.struck}"
        words = error.words or answer.text[:200]
        return Fault(kind, sentence(said, error.code, words), retry_after_s=retry_after_s(answer))


MinimaxAdapter = partial(RemoteAdapter, MinimaxRoute)
"""H3 at MiniMax, as adapters are made."""

_NOTHING = _Error(None, None, None)


def _succeeded(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and _error(answer.body) is None


def _error(body: Any) -> _Error | None:
    """The error that an answer or a task holds; the older envelope says 0 where there is none."""
    found = table(body, "error")
    words = text(found, "message")
    named = _number(at(found, "code"))
    if not found:
        words, named = text(body, "base_resp", "status_msg"), _number(at(body, "base_resp", "status_code"))
        if named in {None, "0"}:
            return None
    match = NUMBER.search(words or "")
    return _Error(named or (match["number"] if match else None), text(found, "type"), words)


def _number(found: Any) -> str | None:
    """A code as text; some are numbers."""
    return str(found) if type(found) is int else found if isinstance(found, str) and found else None


def _failure(word: str, error: _Error | None, task: Created) -> Fault:
    """Why a task ended without a clip."""
    error = error or _NOTHING
    if word == "expired":
        said = f"MiniMax gave the task {task.task_id} up: it had waited as long as tasks may"
        return Fault(FailureKind.EXPIRED, sentence(said, error.code, error.words))
    if word == "cancelled":
        said = f"The task {task.task_id} was cancelled at MiniMax"
        return Fault(FailureKind.SERVER, sentence(said, error.code, error.words))
    kind = error.kind(200)
    if kind is FailureKind.MODERATION:
        said = f"MiniMax's moderation refused the {error.struck}"
    elif error.code or error.words:
        said = "The task failed at MiniMax"
    else:
        said = "The task failed at MiniMax without a reason"
    return Fault(kind, sentence(said, error.code, error.words))

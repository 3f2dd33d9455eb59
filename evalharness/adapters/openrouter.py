"""Video models through OpenRouter, which asks many vendors in one dialect.

The gateway is part of a system's identity: another host than the maker's own may serve a model, and the
gateway's dialect lacks some of the makers' switches. What it lacks may go to the host beside it; of such
options only those for the host that really serves the model are passed on. A finished clip is fetched from
OpenRouter itself, with the key, and what it cost is told with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar
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
from evalharness.adapters.remote.faults import kind_of_status, mentions, sentence, struck_place
from evalharness.adapters.remote.pictures import PictureLimits, refuse_pictures
from evalharness.adapters.remote.reading import at, kept, link, retry_after_s, table, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.records import FailureKind

__all__ = ["OpenrouterAdapter", "OpenrouterRoute"]

HOST = "https://openrouter.ai"
BASE = "/api/v1"

FRAMES = PictureLimits(
    least_px=300, steepest=2.5, most_bytes=10_000_000, formats=frozenset({"JPEG", "PNG", "WEBP"})
)
"""The strictest of the vendors behind the gateway, which names none of its own."""

SEEDS = range(2**31)
"""What every vendor behind the gateway takes."""

VEO = "google/veo-"
WAN_2_7 = "alibaba/wan-2.7"

STATES = {
    "pending": TaskState.QUEUED,
    "in_progress": TaskState.RUNNING,
    "completed": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.FAILED,
    "expired": TaskState.FAILED,
}

MODERATED = (
    "moderat",
    "content policy",
    "policy violation",
    "violates",
    "sensitive",
    "flagged",
    "safety",
    "inappropriate",
    "risk control",
    "datainspectionfailed",
)
"""A failed task has no code: words by which its message tells moderation from other failures."""

ABSURD_USD = 1e6
"""No clip costs so much."""

TOLD = ("generation_id", "model", "usage")


class OpenrouterRoute(Route):
    """OpenRouter's tasks of video generation."""

    vendor: ClassVar[str] = "openrouter"
    version: ClassVar[str] = "1"
    secrets: ClassVar[tuple[str, ...]] = ("OPENROUTER_API_KEY",)
    address: ClassVar[str | None] = "EVALHARNESS_OPENROUTER_URL"

    def __init__(self, parameters: Parameters, environment: Mapping[str, str]) -> None:
        del parameters
        self._host = base_url(environment, "EVALHARNESS_OPENROUTER_URL", HOST).removesuffix(BASE)
        self._tasks = f"{self._host}{BASE}/videos"

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The key as a bearer token; it does not age."""
        del now_s
        return bearer(environment, "OPENROUTER_API_KEY", "OpenRouter")

    def refuse(self, ask: Ask) -> str | None:
        """Seeds and first frames that some vendor behind the gateway would refuse after all."""
        if ask.seed is not None and ask.seed not in SEEDS:
            return f"The seed {ask.seed} is not one of 0 to {SEEDS.stop - 1}, which all models here take."
        return refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that makes a task."""
        body: dict[str, Any] = {
            "model": ask.model,
            "prompt": ask.prompt,
            "duration": int(ask.duration_s),
            "resolution": ask.resolution,
            "aspect_ratio": ask.ratio,
            "generate_audio": ask.audio,
        }
        if ask.seed is not None:
            body["seed"] = ask.seed
        if ask.first_frame is not None:
            frame = {"type": "image_url", "image_url": {"url": ask.first_frame}, "frame_type": "first_frame"}
            body["frame_images"] = [frame]
        options = _options(ask)
        if options:
            body["provider"] = {"options": options}
        return Call("POST", self._tasks, json=body)

    def created(self, answer: Answer) -> Created | Fault:
        """The id. The address to ask at, which is told as well, holds nothing else."""
        task_id = text(answer.body, "id")
        if task_id is not None and _went_well(answer):
            return Created(task_id)
        return self._refused(answer, "a task id", struck="input")

    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands."""
        return Call("GET", f"{self._tasks}/{quote(task.task_id, safe='')}")

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a task stands, or why that cannot be said."""
        if answer.status == 404:
            # No proof that it is over: other accounts' tasks are not found either.
            said = f"OpenRouter knows no task {task.task_id} for this key"
            return Fault(FailureKind.SERVER, sentence(said, *_error(answer.body)))
        word = text(answer.body, "status")
        if word is None or not 200 <= answer.status < 300:
            return self._refused(answer, "a task status")
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        told = kept(table(answer.body), *TOLD)
        if state is TaskState.SUCCEEDED:
            delivery = self._delivery(answer.body)
            if delivery is None:
                return unreadable(self.vendor, answer, "a link to the finished clip")
            return Status(state, word, delivery=delivery, told=told, cost_usd=_cost_usd(answer.body))
        if state is not TaskState.FAILED:
            return Status(state, word, told=told)
        fault, struck = _failure(word, answer.body, task)
        return Status(state, word, fault=fault, told=told | ({"moderation": struck} if struck else {}))

    def _delivery(self, body: Any) -> Delivery | None:
        """Where the clip is: at OpenRouter itself for those who have the key, or at a signed link."""
        links = at(body, "unsigned_urls")
        first = {"url": links[0]} if isinstance(links, list) and links else {}
        path = text(first, "url") or ""
        if path.startswith("/") and not path.startswith("//"):
            return Delivery(f"{self._host}{path}", authorised=True)
        url = link(first, "url")
        return None if url is None else Delivery(url, authorised=url.startswith(f"{self._host}/"))

    def _refused(self, answer: Answer, wanted: str, *, struck: str | None = None) -> Fault:
        code, words = _error(answer.body)
        if not table(answer.body, "error") and 200 <= answer.status < 300:
            return unreadable(self.vendor, answer, wanted)
        status = int(code) if code and 200 <= answer.status < 300 else answer.status
        kind, said = kind_of_status(status), f"OpenRouter answered HTTP {answer.status}"
        # A flag comes as HTTP 403, as a key without rights does: only a flag has reasons.
        reasons = at(answer.body, "error", "metadata", "reasons")
        if status in {400, 403, 422} and (isinstance(reasons, list) or mentions(words, MODERATED)):
            kind = FailureKind.MODERATION
            said = f"OpenRouter's moderation refused the {struck_place(words) or struck or 'input or output'}"
        return Fault(
            kind, sentence(said, code, words or answer.text[:200]), retry_after_s=retry_after_s(answer)
        )


OpenrouterAdapter = partial(RemoteAdapter, OpenrouterRoute)
"""Models at OpenRouter, as adapters are made."""


def _options(ask: Ask) -> dict[str, Any]:
    """What goes to the hosts beside the gateway's own words, by host.

    Veo's switch for rewriting is left alone: requests fail where it is turned off.
    """
    if ask.model.startswith(VEO) and ask.negative_prompt:
        return {"google-vertex": {"parameters": {"negativePrompt": ask.negative_prompt}}}
    if ask.model == WAN_2_7:
        negative = {"negative_prompt": ask.negative_prompt} if ask.negative_prompt else {}
        return {host: {"prompt_extend": False, **negative} for host in ("alibaba", "atlas-cloud")}
    return {}


def _error(body: Any) -> tuple[str | None, str | None]:
    """Code and words of an error: an object where a call was refused, bare words where a task failed."""
    found = at(body, "error")
    if isinstance(found, str):
        return None, text(body, "error")
    code = at(found, "code")
    return (str(code) if type(code) is int else None), text(found, "message")


def _went_well(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and at(answer.body, "error") is None


def _cost_usd(body: Any) -> float | None:
    """What was charged; with a vendor's key of one's own it is not OpenRouter that charges."""
    cost = at(body, "usage", "cost")
    if type(cost) not in {int, float} or at(body, "usage", "is_byok") is True:
        return None
    return float(cost) if 0 <= cost < ABSURD_USD else None


def _failure(word: str, body: Any, task: Created) -> tuple[Fault, str | None]:
    """Why a task ended without a clip, and where moderation struck, if it did."""
    code, words = _error(body)
    if word == "expired":
        said = f"OpenRouter gave the task {task.task_id} up: it had waited as long as tasks may"
        return Fault(FailureKind.EXPIRED, sentence(said, code, words)), None
    if word == "cancelled":
        said = f"The task {task.task_id} was cancelled at OpenRouter"
        return Fault(FailureKind.SERVER, sentence(said, code, words)), None
    if mentions(words, MODERATED):
        struck = struck_place(words) or "input or output"
        said = f"Moderation behind OpenRouter refused the {struck}"
        return Fault(FailureKind.MODERATION, sentence(said, code, words)), struck
    said = "The task failed at OpenRouter" if words else "The task failed at OpenRouter without a reason"
    return Fault(FailureKind.SERVER, sentence(said, code, words)), None

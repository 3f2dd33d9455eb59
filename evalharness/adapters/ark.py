"""Seedance at Volcengine Ark (China) and BytePlus ModelArk (everywhere else).

Both hosts speak one dialect and call the same models by different ids. A task that failed is told in an
answer with HTTP 200; some wrong parameters only show then. Prompts may be written anew, without a switch: a
finished task then tells the prompt it really used, which is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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

__all__ = ["ArkAdapter", "ArkParameters", "ArkRoute"]

RegionName = Literal["global", "china"]

HOSTS: Mapping[RegionName, str] = {
    "global": "https://ark.ap-southeast.bytepluses.com",
    "china": "https://ark.cn-beijing.volces.com",
}


class ArkParameters(Parameters):
    """Where the account lives, and how much of a hurry it is in."""

    region: RegionName = "global"
    service_tier: Literal["default", "flex"] = "default"
    """`flex` waits longer and costs about half; Seedance 1.5 pro alone has it."""


FRAMES = PictureLimits(least_px=300, most_px=6000, steepest=2.5, most_bytes=30_000_000)

SEEDS = range(2**32)

COMMANDS = re.compile(
    r"--(rs|resolution|rt|ratio|dur|duration|frames|fps|framespersecond|seed|wm|watermark|cf|camerafixed)\b"
)
"""Settings that Seedance obeys inside a prompt: they would overrule those of the study in silence."""

STATES = {
    "queued": TaskState.QUEUED,
    "running": TaskState.RUNNING,
    "succeeded": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "cancelled": TaskState.FAILED,
    "expired": TaskState.FAILED,
}

KINDS = {
    "AuthenticationError": FailureKind.AUTH,
    "AccessDenied": FailureKind.AUTH,
    "ModelNotOpen": FailureKind.AUTH,
    "AccountOverdueError": FailureKind.BILLING,
    "OperationDenied.ServiceOverdue": FailureKind.BILLING,
    "SetLimitExceeded": FailureKind.BILLING,
    "RateLimitExceeded": FailureKind.RATE,
    "ModelAccountRpmRateLimitExceeded": FailureKind.RATE,
    "APIAccountRpmRateLimitExceeded": FailureKind.RATE,
    "InflightBatchsizeExceeded": FailureKind.RATE,
    "QuotaExceeded": FailureKind.RATE,
    "ServerOverloaded": FailureKind.RATE,
    "MissingParameter": FailureKind.PARAMETER,
    "InvalidParameter": FailureKind.PARAMETER,
    "InvalidEndpointOrModel": FailureKind.PARAMETER,
    "InternalServiceError": FailureKind.SERVER,
}
"""Code, or its beginning up to a dot -> kind."""

MODERATION = re.compile(r"(?P<struck>Input|Output)?\w*(SensitiveContentDetected|RiskDetection)\b")

PAYING = ("free trial", "balance", "overdue", "top up", "recharge", "purchase")
"""Words by which an exceeded quota is one that money, not patience, lifts."""

ABSURD_TOKENS = 10**9
"""No clip has so many: half a minute of 4k has six million."""

TOLD = (
    "model",
    "seed",
    "resolution",
    "ratio",
    "duration",
    "frames",
    "framespersecond",
    "generate_audio",
    "revised_prompt",
    "service_tier",
    "usage",
    "created_at",
    "updated_at",
)


class ArkRoute(Route):
    """Ark's tasks of content generation."""

    vendor: ClassVar[str] = "ark"
    version: ClassVar[str] = "1"
    parameters: ClassVar[type[Parameters]] = ArkParameters
    secrets: ClassVar[tuple[str, ...]] = ("ARK_API_KEY",)
    address: ClassVar[str | None] = "EVALHARNESS_ARK_URL"

    def __init__(self, parameters: ArkParameters, environment: Mapping[str, str]) -> None:
        host = base_url(environment, "EVALHARNESS_ARK_URL", HOSTS[parameters.region])
        self._tasks = f"{host.removesuffix('/api/v3')}/api/v3/contents/generations/tasks"
        self._region = parameters.region
        self._tier = parameters.service_tier

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The key as a bearer token; it does not age."""
        del now_s
        return bearer(environment, "ARK_API_KEY", "Ark")

    def refuse(self, ask: Ask) -> str | None:
        """Settings hidden in prompts, tiers that the model lacks, and pictures beyond its limits."""
        command = COMMANDS.search(ask.prompt)
        if command is not None:
            return (
                f"The prompt says '{command[0]}', which Seedance reads as a setting that overrules those of "
                "the study: leave it out."
            )
        if self._tier == "flex" and "seedance-2-" in ask.model:
            return f"'{ask.model}' has no service tier 'flex': leave the parameter 'service_tier' out."
        if ask.seed is not None and ask.seed not in SEEDS:
            return f"The seed {ask.seed} is not one of 0 to {SEEDS.stop - 1}, which Ark takes."
        return refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that makes a task."""
        content: list[dict[str, Any]] = [{"type": "text", "text": ask.prompt}]
        ratio = ask.ratio
        if ask.first_frame is not None:
            content.append(
                {"type": "image_url", "image_url": {"url": ask.first_frame}, "role": "first_frame"}
            )
            # Seedance 2.5 takes nothing else beside a first frame, and the older ones would crop the picture.
            ratio = "adaptive"
        content += [
            {"type": "image_url", "image_url": {"url": url}, "role": "reference_image"}
            for url in ask.references
        ]
        body: dict[str, Any] = {
            "model": model_id(ask.model, self._region),
            "content": content,
            "resolution": ask.resolution,
            "ratio": ratio,
            "duration": int(ask.duration_s),
            "generate_audio": ask.audio,
            "watermark": False,
        }
        if ask.seed is not None:
            body["seed"] = ask.seed
        if self._tier != "default":
            body["service_tier"] = self._tier
        return Call("POST", self._tasks, json=body)

    def created(self, answer: Answer) -> Created | Fault:
        """The id; the vendor keeps its record for seven days, and the clip for one."""
        task_id = text(answer.body, "id")
        if task_id is not None and _succeeded(answer):
            return Created(task_id)
        return self._refused(answer, "a task id")

    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands."""
        return Call("GET", self._url(task))

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a task stands, or why that cannot be said."""
        if answer.status == 404:
            said = f"Ark knows no task {task.task_id} here: it forgets them after seven days"
            return Fault(FailureKind.EXPIRED, sentence(said, *_error(answer.body)))
        word = text(answer.body, "status")
        if word is None or not _succeeded(answer):
            return self._refused(answer, "a status")
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        told = kept(table(answer.body), *TOLD)
        if state is TaskState.SUCCEEDED:
            url = link(answer.body, "content", "video_url")
            if url is None:
                return unreadable(self.vendor, answer, "a link to the finished clip")
            return Status(state, word, delivery=Delivery(url), told=told, tokens=_billed(answer.body))
        if state is not TaskState.FAILED:
            return Status(state, word, told=told)
        fault, struck = _failure(word, answer.body, task)
        return Status(state, word, fault=fault, told=told | ({"moderation": struck} if struck else {}))

    def cancel(self, task: Created) -> Call | None:
        """The call that stops a task that is queued: one that is done would lose its record by it."""
        return Call("DELETE", self._url(task))

    def _url(self, task: Created) -> str:
        return f"{self._tasks}/{quote(task.task_id, safe='')}"

    def _refused(self, answer: Answer, wanted: str) -> Fault:
        code, words = _error(answer.body)
        if code is None and _succeeded(answer):
            return unreadable(self.vendor, answer, wanted)
        kind, struck = _kind(code, words, answer.status)
        said = f"Ark's moderation refused the {struck}" if struck else f"Ark answered HTTP {answer.status}"
        return Fault(
            kind, sentence(said, code, words or answer.text[:200]), retry_after_s=retry_after_s(answer)
        )


ArkAdapter = partial(RemoteAdapter, ArkRoute)
"""Seedance at Ark, as adapters are made."""


def model_id(listed: str, region: RegionName) -> str:
    """The catalogue lists ids of the global host; in China the same models go by another first name.

    An id of an endpoint of one's own (`ep-…`) is the same everywhere.
    """
    if region == "global" or not listed.startswith(("dreamina-", "seedance-")):
        return listed
    return "doubao-" + listed.removeprefix("dreamina-")


def _billed(body: Any) -> int | None:
    """The tokens that a finished task was billed for."""
    tokens = at(body, "usage", "total_tokens")
    return tokens if type(tokens) is int and 0 < tokens < ABSURD_TOKENS else None


def _succeeded(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _error(body: Any) -> tuple[str | None, str | None]:
    return text(body, "error", "code"), text(body, "error", "message")


def _failure(word: str, body: Any, task: Created) -> tuple[Fault, str | None]:
    """Why a task ended without a clip, and where moderation struck, if it did."""
    code, words = _error(body)
    if word == "expired":
        said = f"Ark gave the task {task.task_id} up: it had waited as long as tasks may"
        return Fault(FailureKind.EXPIRED, sentence(said, code, words)), None
    if word == "cancelled":
        return Fault(
            FailureKind.SERVER, sentence(f"The task {task.task_id} was cancelled at Ark", code, words)
        ), None
    kind, struck = _kind(code, words, 200)
    said = f"Ark's moderation refused the {struck}" if struck else "The task failed at Ark"
    if not (code or words):
        said += " without a reason"
    return Fault(kind, sentence(said, code, words)), struck


def _kind(code: str | None, words: str | None, status: int) -> tuple[FailureKind, str | None]:
    """The kind of an error, and for moderation what it struck."""
    moderation = MODERATION.match(code or "")
    if moderation is not None:
        return FailureKind.MODERATION, (moderation["struck"] or "input or output").lower()
    kind = KINDS.get(code or "") or KINDS.get((code or "").partition(".")[0]) or kind_of_status(status)
    if code == "QuotaExceeded" and any(word in (words or "").lower() for word in PAYING):
        return FailureKind.BILLING, None
    return kind, None

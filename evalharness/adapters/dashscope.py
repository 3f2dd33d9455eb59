"""HappyHorse and Wan at Alibaba Model Studio (DashScope).

A task is made, asked after, and leaves a link that lives for a day. A task that failed is told in an answer
with HTTP 200. The vendor draws a mark on clips and lets a language model write prompts anew unless told not
to: both are switched off wherever there is a switch. HappyHorse documents none for rewriting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import Field

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
from evalharness.adapters.remote.reading import kept, link, retry_after_s, table, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.errors import ConfigError
from evalharness.records import FailureKind

__all__ = ["DashscopeAdapter", "DashscopeParameters", "DashscopeRoute"]

RegionName = Literal["beijing", "international", "virginia", "hong-kong", "frankfurt", "tokyo"]

REGIONS: Mapping[RegionName, tuple[str, str | None]] = {
    "beijing": ("cn-beijing", "https://dashscope.aliyuncs.com"),
    "international": ("ap-southeast-1", "https://dashscope-intl.aliyuncs.com"),
    "virginia": ("us-east-1", None),
    "hong-kong": ("cn-hongkong", None),
    "frankfurt": ("eu-central-1", None),
    "tokyo": ("ap-northeast-1", None),
}
"""Region -> its part of a workspace's host, and the host that all workspaces share, where there is one."""


class DashscopeParameters(Parameters):
    """Where the account lives: key, model and host must be of one region."""

    region: RegionName = "international"
    workspace: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}$")
    """Id of the workspace, for its own host. Wan 3.0 and the regions without a shared host need one."""


@dataclass(frozen=True, slots=True)
class _Family:
    """What models whose ids begin alike understand beyond the common fields."""

    frame: PictureLimits
    reference: PictureLimits | None = None
    """Of reference pictures, where they differ from those of a first frame."""
    ratio_of_frame: str | None = None
    """What `ratio` says where the clip takes the shape of its first frame; None: the field is unknown."""
    switched_off: tuple[str, ...] = ()
    """Switches of hidden helpers."""
    audio_switch: bool = False
    workspace_only: bool = False


_WAN_FRAMES = PictureLimits(least_px=240, most_px=8000, steepest=8, most_bytes=20_000_000, transparent=False)

FAMILIES: Mapping[str, _Family] = {
    "happyhorse-1.": _Family(
        # Pages differ between 10 and 20 MB: the smaller one always holds.
        frame=PictureLimits(least_px=300, steepest=2.5, most_bytes=10_000_000),
        reference=PictureLimits(
            least_px=400, steepest=2.5, most_bytes=10_000_000, formats=frozenset({"JPEG", "PNG", "WEBP"})
        ),
    ),
    "wan2.7-": _Family(frame=_WAN_FRAMES, switched_off=("prompt_extend",)),
    "wan3.0-": _Family(
        frame=_WAN_FRAMES,
        ratio_of_frame="adaptive",
        switched_off=("prompt_extend",),
        audio_switch=True,
        workspace_only=True,
    ),
}
"""Beginning of an id -> what the model understands."""

SEEDS = range(2**31)
NEGATIVE_CHARACTERS = 500

STATES = {
    "PENDING": TaskState.QUEUED,
    "SUSPENDED": TaskState.QUEUED,
    "RUNNING": TaskState.RUNNING,
    "SUCCEEDED": TaskState.SUCCEEDED,
    "FAILED": TaskState.FAILED,
    "CANCELED": TaskState.FAILED,
}

FORGOTTEN = "UNKNOWN"
"""The state of a task that is not there, or no longer."""

KINDS = {
    "InvalidApiKey": FailureKind.AUTH,
    "AccessDenied": FailureKind.AUTH,
    "Model.AccessDenied": FailureKind.AUTH,
    "Workspace.AccessDenied": FailureKind.AUTH,
    "Arrearage": FailureKind.BILLING,
    "CommodityNotPurchased": FailureKind.BILLING,
    "PrepaidBillOverdue": FailureKind.BILLING,
    "PostpaidBillOverdue": FailureKind.BILLING,
    "Throttling": FailureKind.RATE,
    "insufficient_quota": FailureKind.RATE,
    "ServiceOverloaded": FailureKind.RATE,
    "ResourceExhausted": FailureKind.RATE,
    "DataInspectionFailed": FailureKind.MODERATION,
    "IPInfringementSuspect": FailureKind.MODERATION,
    "InvalidParameter.DataInspection": FailureKind.MODERATION,
    "InternalError.DataInspection": FailureKind.MODERATION,
    "ModelNotFound": FailureKind.PARAMETER,
    "Model.NotExist": FailureKind.PARAMETER,
    "InternalError": FailureKind.SERVER,
    "ServiceUnavailable": FailureKind.SERVER,
    "GatewayTimeout": FailureKind.SERVER,
}
"""Code, or its beginning up to a dot -> kind. Any other that begins with Invalid is about a parameter."""

_PLAIN_KINDS = {code.replace("_", "").lower(): kind for code, kind in KINDS.items()}


class DashscopeRoute(Route):
    """Alibaba Model Studio's asynchronous video synthesis."""

    vendor: ClassVar[str] = "dashscope"
    version: ClassVar[str] = "1"
    parameters: ClassVar[type[Parameters]] = DashscopeParameters
    secrets: ClassVar[tuple[str, ...]] = ("DASHSCOPE_API_KEY",)
    address: ClassVar[str | None] = "DASHSCOPE_BASE_URL"

    def __init__(self, parameters: DashscopeParameters, environment: Mapping[str, str]) -> None:
        host = _host(parameters)
        given = base_url(environment, "DASHSCOPE_BASE_URL", host).removesuffix("/api/v1")
        if "/compatible-mode" in given:
            raise ConfigError(
                "DASHSCOPE_BASE_URL holds the address for chat in OpenAI's dialect, which makes no clips: "
                f"unset it, or let it be the host alone, such as {host}."
            )
        self._base = f"{given}/api/v1"
        self._on_shared_host = given in {shared for _, shared in REGIONS.values()}

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The key as a bearer token; it does not age."""
        del now_s
        return bearer(environment, "DASHSCOPE_API_KEY", "Alibaba Model Studio")

    def refuse(self, ask: Ask) -> str | None:
        """Unknown dialects, hosts that do not serve the model, and pictures beyond its limits."""
        family = _family(ask.model)
        if family is None:
            return (
                f"How to ask '{ask.model}' is not known here: ids beginning with {', '.join(FAMILIES)} are."
            )
        if family.workspace_only and self._on_shared_host:
            return (
                f"'{ask.model}' is served on a workspace's own host only: give the id of your workspace as "
                "the parameter 'workspace'."
            )
        if ask.seed is not None and ask.seed not in SEEDS:
            return f"The seed {ask.seed} is not one of 0 to {SEEDS.stop - 1}, which Model Studio takes."
        if len(ask.negative_prompt or "") > NEGATIVE_CHARACTERS:
            return (
                f"The negative prompt has {len(ask.negative_prompt or '')} characters; Model Studio reads "
                f"{NEGATIVE_CHARACTERS} and drops the rest in silence: shorten it."
            )
        return refuse_pictures(ask, family.frame, family.reference)

    def create(self, ask: Ask) -> Call:
        """The call that makes a task."""
        family = _family(ask.model)
        if family is None:
            raise ConfigError(self.refuse(ask))
        given: dict[str, Any] = {"prompt": ask.prompt}
        settings: dict[str, Any] = {"resolution": ask.resolution}
        ratio: str | None = ask.ratio
        if ask.negative_prompt:
            given["negative_prompt"] = ask.negative_prompt
        if ask.first_frame is not None:
            given["media"] = [{"type": "first_frame", "url": ask.first_frame}]
            ratio = family.ratio_of_frame
        if ask.references:
            given["media"] = [{"type": "reference_image", "url": url} for url in ask.references]
        if ratio is not None:
            settings["ratio"] = ratio
        settings |= {"duration": int(ask.duration_s), "watermark": False}
        settings |= dict.fromkeys(family.switched_off, False)
        if family.audio_switch:
            settings["audio"] = ask.audio
        if ask.seed is not None:
            settings["seed"] = ask.seed
        return Call(
            "POST",
            f"{self._base}/services/aigc/video-generation/video-synthesis",
            json={"model": ask.model, "input": given, "parameters": settings},
            headers={"X-DashScope-Async": "enable"},  # refused without: there is no other way to make clips
        )

    def created(self, answer: Answer) -> Created | Fault:
        """The id, which lives as long as the link of the clip: a day."""
        task_id = text(answer.body, "output", "task_id")
        if task_id is not None and _succeeded(answer):
            return Created(task_id)
        return self._refused(answer, "a task id", struck="input")

    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands."""
        return Call("GET", f"{self._base}/tasks/{quote(task.task_id, safe='')}")

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a task stands, or why that cannot be said."""
        output = table(answer.body, "output")
        word = text(output, "task_status")
        if word is None or not _succeeded(answer):
            return self._refused(answer, "a task status")
        if word == FORGOTTEN:
            said = f"Model Studio knows no task {task.task_id}: it forgets tasks and clips after a day"
            return Fault(FailureKind.EXPIRED, sentence(said, text(output, "code"), text(output, "message")))
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        told = kept(output, "orig_prompt", "actual_prompt", "submit_time", "scheduled_time", "end_time")
        told |= kept(table(answer.body), "usage", "request_id")
        if state is TaskState.SUCCEEDED:
            url = link(output, "video_url")
            if url is None:
                return unreadable(self.vendor, answer, "a link to the finished clip")
            return Status(state, word, delivery=Delivery(url), told=told)
        if state is not TaskState.FAILED:
            return Status(state, word, told=told)
        fault, struck = _failure(word, output, task)
        return Status(state, word, fault=fault, told=told | ({"moderation": struck} if struck else {}))

    def cancel(self, task: Created) -> Call | None:
        """The call that stops a task; the vendor refuses it once the task runs."""
        return Call("POST", f"{self._base}/tasks/{quote(task.task_id, safe='')}/cancel")

    def _refused(self, answer: Answer, wanted: str, *, struck: str | None = None) -> Fault:
        code, words = text(answer.body, "code"), text(answer.body, "message")
        if code is None and _succeeded(answer):
            return unreadable(self.vendor, answer, wanted)
        kind = _kind(code, words, answer.status)
        said = f"Model Studio answered HTTP {answer.status}"
        if kind is FailureKind.MODERATION:
            said = f"Model Studio's moderation refused the {_struck(words, struck)}"
        return Fault(
            kind, sentence(said, code, words or answer.text[:200]), retry_after_s=retry_after_s(answer)
        )


DashscopeAdapter = partial(RemoteAdapter, DashscopeRoute)
"""HappyHorse and Wan at Model Studio, as adapters are made."""


def _host(parameters: DashscopeParameters) -> str:
    part, shared = REGIONS[parameters.region]
    if parameters.workspace is not None:
        return f"https://{parameters.workspace}.{part}.maas.aliyuncs.com"
    if shared is None:
        raise ConfigError(
            f"Model Studio has no shared host in '{parameters.region}': give the id of your workspace as the "
            "parameter 'workspace'."
        )
    return shared


def _family(model: str) -> _Family | None:
    return next((family for beginning, family in FAMILIES.items() if model.startswith(beginning)), None)


def _succeeded(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _failure(word: str, output: Mapping[str, Any], task: Created) -> tuple[Fault, str | None]:
    """Why a task ended without a clip, and where moderation struck, if it did."""
    code, words = text(output, "code"), text(output, "message")
    if word == "CANCELED":
        said = f"The task {task.task_id} was cancelled at Model Studio"
        return Fault(FailureKind.SERVER, sentence(said, code, words)), None
    kind = _kind(code, words, 200)
    if kind is FailureKind.MODERATION:
        struck = _struck(words, None)
        said = f"Model Studio's moderation refused the {struck}"
        return Fault(kind, sentence(said, code, words)), struck
    said = "The task failed at Model Studio"
    if not (code or words):
        said += " without a reason"
    return Fault(kind, sentence(said, code, words)), None


def _kind(code: str | None, words: str | None, status: int) -> FailureKind:
    plain = (code or "").replace("_", "").lower()
    kind = _PLAIN_KINDS.get(plain) or _PLAIN_KINDS.get(plain.partition(".")[0])
    if kind is None:
        return FailureKind.PARAMETER if plain.startswith("invalid") else kind_of_status(status)
    if plain.endswith(".datainspection") and "download" in (words or "").lower():
        # The same code is said where the inspectors could not fetch the picture: that is no refusal.
        return FailureKind.PARAMETER
    return kind


def _struck(words: str | None, otherwise: str | None) -> str:
    """Whether moderation refused the input or the output, as far as its message says."""
    named = [place for place in ("input", "output") if place in (words or "").lower()]
    return named[0] if len(named) == 1 else otherwise or "input or output"

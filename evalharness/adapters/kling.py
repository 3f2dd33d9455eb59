"""Kling 3.0 at Kuaishou's own hosts, by either of its two contracts.

The path contract names the model in the address and takes an API key; the legacy one names it in the body and
takes tokens signed with an access key and a secret key, which live for half an hour. A refusal may come with
HTTP 200: only the body's `code` says that all went well. A mark would come as a second link, which is neither
asked for nor taken. Whether prompts are written anew nobody says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.adapter import RemoteAdapter
from evalharness.adapters.remote.address import base_url
from evalharness.adapters.remote.credentials import bearer, secret
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
from evalharness.records import FailureKind, Task

__all__ = ["KlingAdapter", "KlingParameters", "KlingRoute"]

RegionName = Literal["global", "china"]

HOSTS: Mapping[RegionName, str] = {
    "global": "https://api-singapore.klingai.com",
    "china": "https://api-beijing.klingai.com",
}


class KlingParameters(Parameters):
    """Where the account lives, and which contract its keys are for: keys work on one host only."""

    region: RegionName = "global"
    contract: Literal["path", "legacy"] = "path"


PATHS = {Task.TEXT_TO_VIDEO: "text-to-video", Task.IMAGE_TO_VIDEO: "image-to-video"}
LEGACY_PATHS = {Task.TEXT_TO_VIDEO: "text2video", Task.IMAGE_TO_VIDEO: "image2video"}
LEGACY_MODELS = {"kling-3.0": "kling-v3"}
LEGACY_MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
LEGACY_CHARACTERS = 2500
"""Of a prompt and of a negative one; the path contract's longer limit is in the catalogue."""

FRAMES = PictureLimits(least_px=300, steepest=2.5, most_bytes=10_000_000, formats=frozenset({"JPEG", "PNG"}))

TOKEN_LIVES_S = 1800
CLOCKS_DIFFER_S = 5

STATES = {
    "submitted": TaskState.QUEUED,
    "processing": TaskState.RUNNING,
    "succeeded": TaskState.SUCCEEDED,
    "succeed": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
}
"""Of both contracts, which differ in one word."""

KINDS = {
    1000: FailureKind.AUTH,
    1001: FailureKind.AUTH,
    1002: FailureKind.AUTH,
    1003: FailureKind.AUTH,
    1004: FailureKind.AUTH,
    1100: FailureKind.AUTH,
    1101: FailureKind.BILLING,
    1102: FailureKind.BILLING,
    1103: FailureKind.AUTH,
    1200: FailureKind.PARAMETER,
    1201: FailureKind.PARAMETER,
    1202: FailureKind.PARAMETER,
    1203: FailureKind.PARAMETER,
    1300: FailureKind.MODERATION,
    1301: FailureKind.MODERATION,
    1302: FailureKind.RATE,
    1303: FailureKind.RATE,
    1304: FailureKind.AUTH,
    5000: FailureKind.SERVER,
    5001: FailureKind.SERVER,
    5002: FailureKind.SERVER,
}
"""Some billing codes come with HTTP 429: the code has the last word."""

NOT_HERE = range(1200, 1204)
"""Codes by which the legacy contract may say that a task is not of the kind it was asked for as."""

MODERATED = ("risk control", "policy", "policies", "sensitive", "moderation", "inappropriate")
"""A failed task has no code: words by which its message tells moderation from other failures."""

TOLD = ("create_time", "update_time", "created_at", "updated_at", "billing", "final_unit_deduction")


class KlingRoute(Route):
    """Kling's tasks of video generation."""

    vendor: ClassVar[str] = "kling"
    version: ClassVar[str] = "1"
    parameters: ClassVar[type[Parameters]] = KlingParameters
    secrets: ClassVar[tuple[str, ...]] = ("KLING_API_KEY", "KLINGAI_ACCESS_KEY", "KLINGAI_SECRET_KEY")
    """The first is for the path contract, the others for the legacy one."""
    address: ClassVar[str | None] = "EVALHARNESS_KLING_URL"

    def __init__(self, parameters: KlingParameters, environment: Mapping[str, str]) -> None:
        self._host = base_url(environment, "EVALHARNESS_KLING_URL", HOSTS[parameters.region])
        self._legacy = parameters.contract == "legacy"

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        """The key as a bearer token, or for the legacy contract a token made for this very call."""
        if not self._legacy:
            return bearer(environment, "KLING_API_KEY", "Kling")
        access_key = secret(environment, "KLINGAI_ACCESS_KEY", "Kling")
        secret_key = secret(environment, "KLINGAI_SECRET_KEY", "Kling")
        return {"Authorization": f"Bearer {_token(access_key, secret_key, int(now_s))}"}

    def refuse(self, ask: Ask) -> str | None:
        """What one contract lacks beside the other, and first frames beyond the model's limits."""
        refused = _beyond_legacy(ask) if self._legacy else _beyond_path(ask)
        return refused or refuse_pictures(ask, FRAMES)

    def create(self, ask: Ask) -> Call:
        """The call that makes a task."""
        if self._legacy:
            return Call("POST", self._legacy_url(LEGACY_PATHS[ask.task]), json=_legacy_body(ask))
        return Call("POST", f"{self._host}/{PATHS[ask.task]}/{ask.model}", json=_path_body(ask))

    def created(self, answer: Answer) -> Created | Fault:
        """The id; the vendor keeps task and clip for thirty days."""
        task_id = text(answer.body, "data", "task_id" if self._legacy else "id")
        if task_id is not None and _went_well(answer):
            return Created(task_id)
        return self._refused(answer, "a task id", struck="input")

    def poll(self, task: Created) -> Call:
        """The call that asks how a task stands; by the legacy contract, as one made from text alone."""
        if self._legacy:
            return Call("GET", self._legacy_url(LEGACY_PATHS[Task.TEXT_TO_VIDEO], task))
        return Call("GET", f"{self._host}/tasks?task_ids={quote(task.task_id, safe='')}")

    def after(self, answer: Answer, task: Created) -> Call | None:
        """The same question of the other kind: the legacy contract wants it, and an id does not tell it."""
        if self._legacy and (_code(answer.body) in NOT_HERE or answer.status == 404):
            return Call("GET", self._legacy_url(LEGACY_PATHS[Task.IMAGE_TO_VIDEO], task))
        return None

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        """How a task stands, or why that cannot be said."""
        if not _went_well(answer):
            return self._refused(answer, "a task status")
        account = _account(answer.body, task.task_id)
        if account is None and at(answer.body, "data") == []:
            # No proof that it is over: a new task may not be listed yet, and other accounts' never are.
            return Fault(
                FailureKind.SERVER,
                f"Kling lists no task {task.task_id} for this key: it may belong to another account or "
                "region, or be older than thirty days.",
            )
        word = text(account, "task_status" if self._legacy else "status")
        if word is None:
            return unreadable(self.vendor, answer, "a task status")
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        told = kept(table(account), *TOLD)
        if state is TaskState.SUCCEEDED:
            url = _video(account)
            if url is None:
                return unreadable(self.vendor, answer, "a link to the finished clip")
            return Status(state, word, delivery=Delivery(url), told=told)
        if state is not TaskState.FAILED:
            return Status(state, word, told=told)
        fault, struck = _failure(text(account, "task_status_msg" if self._legacy else "message"))
        return Status(state, word, fault=fault, told=told | ({"moderation": struck} if struck else {}))

    def find(self, external_id: str) -> Call | None:
        """The call that looks a task up by our id.

        None by the legacy contract: it looks among the tasks of one kind, and to miss one of the other kind
        would be to pay for it twice.
        """
        if self._legacy:
            return None
        return Call("GET", f"{self._host}/tasks?external_task_ids={quote(external_id, safe='')}")

    def found(self, answer: Answer) -> Created | Fault | None:
        """The task that was looked up: an empty list is the vendor's word that there is none."""
        if not _went_well(answer):
            return self._refused(answer, "a list of tasks")
        listed = at(answer.body, "data")
        if listed == []:
            return None
        task_id = text(listed[0], "id") if isinstance(listed, list) else None
        return Created(task_id) if task_id else unreadable(self.vendor, answer, "a task id")

    def _legacy_url(self, kind: str, task: Created | None = None) -> str:
        one = "" if task is None else f"/{quote(task.task_id, safe='')}"
        return f"{self._host}/v1/videos/{kind}{one}"

    def _refused(self, answer: Answer, wanted: str, *, struck: str | None = None) -> Fault:
        code, words = _code(answer.body), text(answer.body, "message")
        if not code and 200 <= answer.status < 300:
            return unreadable(self.vendor, answer, wanted)
        kind = KINDS.get(code or 0) or kind_of_status(answer.status)
        said = f"Kling answered HTTP {answer.status}"
        if kind is FailureKind.MODERATION:
            said = f"Kling's moderation refused the {struck_place(words) or struck or 'input or output'}"
        shown = str(code) if code else None
        return Fault(
            kind, sentence(said, shown, words or answer.text[:200]), retry_after_s=retry_after_s(answer)
        )


KlingAdapter = partial(RemoteAdapter, KlingRoute)
"""Kling at its own hosts, as adapters are made."""


def _token(access_key: str, secret_key: str, now_s: int) -> str:
    """A JSON Web Token, signed by HMAC with SHA-256."""
    claims = {"iss": access_key, "exp": now_s + TOKEN_LIVES_S, "nbf": now_s - CLOCKS_DIFFER_S}
    parts = [json.dumps(part, separators=(",", ":")) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(_base64url(part.encode()) for part in parts)
    signature = hmac.digest(secret_key.encode(), signed, hashlib.sha256)
    return b".".join([signed, _base64url(signature)]).decode()


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _beyond_path(ask: Ask) -> str | None:
    if ask.negative_prompt:
        return (
            "Kling takes a negative prompt by its legacy contract only: leave 'negative_prompt' out, or give "
            'the parameter contract = "legacy" with the keys that it needs.'
        )
    return None


def _beyond_legacy(ask: Ask) -> str | None:
    if ask.model not in LEGACY_MODELS or ask.resolution not in LEGACY_MODES:
        return (
            f"How to ask '{ask.model}' for {ask.resolution} by Kling's legacy contract is not known here: "
            'leave the parameter contract = "legacy" out.'
        )
    for called, words in (("prompt", ask.prompt), ("negative prompt", ask.negative_prompt or "")):
        if len(words) > LEGACY_CHARACTERS:
            return (
                f"The {called} has {len(words)} characters; Kling's legacy contract takes "
                f"{LEGACY_CHARACTERS}: shorten it."
            )
    return None


def _path_body(ask: Ask) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "resolution": ask.resolution,
        "duration": int(ask.duration_s),
        "audio": "native" if ask.audio else "off",
        "multi_shot": False,  # else the vendor may cut a prompt into shots of its own choice
    }
    options = {"watermark_info": {"enabled": False}, "external_task_id": ask.external_id}
    if ask.first_frame is None:
        settings["aspect_ratio"] = ask.ratio
        return {"prompt": ask.prompt, "settings": settings, "options": options}
    contents = [{"type": "prompt", "text": ask.prompt}, {"type": "first_frame", "url": ask.first_frame}]
    return {"contents": contents, "settings": settings, "options": options}


def _legacy_body(ask: Ask) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model_name": LEGACY_MODELS.get(ask.model, ask.model),
        "prompt": ask.prompt,
        "mode": LEGACY_MODES.get(ask.resolution, ask.resolution),
        "duration": f"{ask.duration_s:.0f}",
        "sound": "on" if ask.audio else "off",
        "multi_shot": False,
        "watermark_info": {"enabled": False},
        "external_task_id": ask.external_id,
    }
    if ask.negative_prompt:
        body["negative_prompt"] = ask.negative_prompt
    if ask.first_frame is None:
        body["aspect_ratio"] = ask.ratio
    else:
        body["image"] = ask.first_frame.partition(",")[2]  # taken as bare base64 only
    return body


def _code(body: Any) -> int | None:
    found = at(body, "code")
    return found if type(found) is int else None


def _went_well(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and _code(answer.body) == 0


def _account(body: Any, task_id: str) -> Mapping[str, Any] | None:
    """What is said of the task: the legacy contract answers with it alone, the other with a list."""
    data = at(body, "data")
    if isinstance(data, list):
        return next((table(each) for each in data if text(each, "id") == task_id), None)
    return data if isinstance(data, Mapping) else None


def _video(account: Mapping[str, Any] | None) -> str | None:
    """The link without a mark, by either contract."""
    for videos in (at(account, "outputs"), at(account, "task_result", "videos")):
        for video in videos if isinstance(videos, list) else []:
            if at(video, "type") in (None, "video") and link(video, "url"):
                return link(video, "url")
    return None


def _failure(words: str | None) -> tuple[Fault, str | None]:
    """Why a task ended without a clip, and where moderation struck, if it did."""
    if mentions(words, MODERATED):
        struck = struck_place(words) or "input or output"
        said = f"Kling's moderation refused the {struck}"
        return Fault(FailureKind.MODERATION, sentence(said, None, words)), struck
    said = "The task failed at Kling" if words else "The task failed at Kling without a reason"
    return Fault(FailureKind.SERVER, sentence(said, None, words)), None

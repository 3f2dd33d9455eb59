"""Kling's two contracts, as its reference and the programs that speak them tell."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

CREATE = re.compile(r"/(?P<kind>text|image)-to-video/(?P<model>kling-3\.0)")
LEGACY = re.compile(r"/v1/videos/(?P<kind>text2video|image2video)(/(?P<id>[\w-]+))?")

WORDS = {"queued": "submitted", "running": "processing", "cancelled": "failed"}

FAULTS: Mapping[Fault, tuple[int, int, str]] = {
    "auth": (401, 1002, "Authorization is invalid"),
    "billing": (429, 1102, "Resource pack depleted or expired"),
    "rate": (429, 1303, "parallel task over resource pack limit"),
    "parameter": (400, 1201, "Invalid parameters: duration"),
    "server": (500, 5000, "Server internal error"),
    "moderation_input": (400, 1301, "The prompt triggered the content security policy of the platform"),
    "moderation_output": (400, 1301, "Failure to pass the risk control system: generated content"),
    "expired": (404, 1203, "The requested resource does not exist"),
    "failed": (500, 5000, "The task could not be finished"),
}

Check = Callable[[Any], bool]
OFF = {"enabled": False}


def _one_of(*allowed: Any) -> Check:
    return lambda value: value in allowed and type(value) in {type(each) for each in allowed}


def _text(longest: int) -> Check:
    return lambda value: isinstance(value, str) and 0 < len(value) <= longest


def _id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-z]{32}", value) is not None


RATIO = _one_of("16:9", "9:16", "1:1")
SETTINGS: Mapping[str, Check] = {
    "resolution": _one_of("720p", "1080p", "4k"),
    "duration": lambda value: type(value) is int and 3 <= value <= 15,
    "audio": _one_of("native", "off"),
    "multi_shot": _one_of(True, False),
}
OPTIONS: Mapping[str, Check] = {"watermark_info": lambda value: value == OFF, "external_task_id": _id}
LEGACY_BODY: Mapping[str, Check] = {
    "model_name": _one_of("kling-v3"),
    "prompt": _text(2500),
    "negative_prompt": _text(2500),
    "sound": _one_of("on", "off"),
    "mode": _one_of("std", "pro", "4k"),
    "duration": _one_of(*(str(second) for second in range(3, 16))),
    "multi_shot": _one_of(True, False),
    "watermark_info": OPTIONS["watermark_info"],
    "external_task_id": _id,
}


def _objection(given: Any, checks: Mapping[str, Check]) -> str | None:
    if not isinstance(given, dict):
        return "an object is needed"
    for name, value in given.items():
        if name not in checks or not checks[name](value):
            return f"{name} must not be {value!r}"
    return None


def _bare_base64(value: Any) -> bool:
    try:
        return bool(base64.b64decode(value, validate=True))
    except (TypeError, ValueError, binascii.Error):
        return False


def _reply(data: Any) -> Reply:
    return Reply(200, {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": data})


class KlingDialect(Dialect):
    """The path contract."""

    route: ClassVar[str] = "kling"
    model: ClassVar[str] = "kling-3.0"
    secrets: ClassVar[Mapping[str, str]] = {"KLING_API_KEY": "kling-test-0123456789"}
    address: ClassVar[str] = "EVALHARNESS_KLING_URL"
    external_ids: ClassVar[bool] = True

    def wanted(self, heard: Heard) -> Wanted | None:
        if heard.method == "POST" and CREATE.fullmatch(heard.path):
            return Wanted("create")
        if (heard.method, heard.path) != ("GET", "/tasks") or len(heard.query) != 1:
            return None
        [(by, value)] = heard.query.items()
        if by not in {"task_ids", "external_task_ids"} or "," in value:
            return None
        return Wanted("poll" if by == "task_ids" else "find", value)

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {self.secrets['KLING_API_KEY']}"

    def objection(self, heard: Heard) -> str | None:
        path = CREATE.fullmatch(heard.path)
        if path is None or not isinstance(heard.body, dict):
            return "an object is needed"
        words = {"text": "prompt", "image": "contents"}[path["kind"]]
        if set(heard.body) != {words, "settings", "options"}:
            return f"the body must hold {words}, settings and options"
        ratio = {"aspect_ratio": RATIO} if path["kind"] == "text" else {}
        wrong = _objection(heard.body["settings"], {**SETTINGS, **ratio})
        wrong = wrong or _objection(heard.body["options"], OPTIONS)
        if wrong is not None:
            return wrong
        if path["kind"] == "text":
            return None if _text(3072)(heard.body["prompt"]) else "a prompt of 1 to 3072 characters is needed"
        return self._objection_to_contents(heard.body["contents"])

    def _objection_to_contents(self, contents: Any) -> str | None:
        if not isinstance(contents, list) or [each.get("type") for each in contents] != [
            "prompt",
            "first_frame",
        ]:
            return "contents must hold a prompt and a first_frame"
        prompt, frame = contents
        if set(prompt) != {"type", "text"} or not _text(3072)(prompt["text"]):
            return "a prompt must hold its text"
        if set(frame) != {"type", "url"} or not frame["url"].startswith(("https://", "data:image/")):
            return "a first_frame must be given by https or as a data URI"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return _reply({"id": task.id, "status": "submitted"})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        return _reply([self._account(task, word)])

    def _account(self, task: VendorTask, word: str | None = None) -> dict[str, Any]:
        account: dict[str, Any] = {
            "id": task.id,
            "status": word or WORDS.get(task.state, task.state),
            "message": "",
            "create_time": 1795341600000,
            "update_time": 1795341660000,
        }
        if task.state == "failed":
            account["message"] = FAULTS[task.fault or "failed"][2]
        if task.state == "succeeded":
            marked = {"watermark_url": task.clip_url.replace(".mp4", "-marked.mp4")}
            account["outputs"] = [{"type": "video", "url": task.clip_url, "duration": "5", **marked}]
            account["billing"] = [{"charge_type": "pack", "amount": "4.5"}]
        return account

    def found(self, task: VendorTask | None) -> Reply:
        return _reply([] if task is None else [self._account(task)])

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        if fault == "expired":
            return _reply([])
        return _refusal(fault, retry_after_s)


class KlingLegacyDialect(Dialect):
    """The legacy contract. A task can be looked up by our id too, but only among those of its kind."""

    route: ClassVar[str] = "kling"
    model: ClassVar[str] = "kling-3.0"
    parameters: ClassVar[Mapping[str, Any]] = {"contract": "legacy"}
    secrets: ClassVar[Mapping[str, str]] = {
        "KLINGAI_ACCESS_KEY": "kling-access-0123456789",
        "KLINGAI_SECRET_KEY": "kling-secret-0123456789",
    }
    address: ClassVar[str] = "EVALHARNESS_KLING_URL"

    def wanted(self, heard: Heard) -> Wanted | None:
        path = LEGACY.fullmatch(heard.path)
        if path is None or heard.method != ("GET" if path["id"] else "POST"):
            return None
        return Wanted("poll", path["id"]) if path["id"] else Wanted("create")

    def authorised(self, heard: Heard) -> bool:
        token = heard.headers.get("authorization", "").removeprefix("Bearer ")
        signed, _, signature = token.rpartition(".")
        key = self.secrets["KLINGAI_SECRET_KEY"].encode()
        if _unpacked(signature) != hmac.new(key, signed.encode(), hashlib.sha256).digest():
            return False
        head, claims = (json.loads(_unpacked(part)) for part in signed.split("."))
        if head != {"alg": "HS256", "typ": "JWT"} or claims["iss"] != self.secrets["KLINGAI_ACCESS_KEY"]:
            return False
        now_s = time.time()
        return bool(claims["nbf"] <= now_s < claims["exp"] <= now_s + 1800)

    def objection(self, heard: Heard) -> str | None:
        path = LEGACY.fullmatch(heard.path)
        if path is None or not isinstance(heard.body, dict) or not heard.body.get("prompt"):
            return "an object with a prompt is needed"
        if path["kind"] == "text2video":
            return _objection(heard.body, {**LEGACY_BODY, "aspect_ratio": RATIO})
        if "image" not in heard.body:
            return "an image is needed"
        return _objection(heard.body, {**LEGACY_BODY, "image": _bare_base64})

    def accepted(self, task: VendorTask) -> Reply:
        return _reply({"task_id": task.id, "task_status": "submitted", "created_at": 1795341600000})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        usual = WORDS.get(task.state, task.state.replace("succeeded", "succeed"))
        data: dict[str, Any] = {
            "task_id": task.id,
            "task_status": word or usual,
            "task_status_msg": "",
            "created_at": 1795341600000,
            "updated_at": 1795341660000,
        }
        if task.state == "failed":
            data["task_status_msg"] = FAULTS[task.fault or "failed"][2]
        if task.state == "succeeded":
            data["task_result"] = {"videos": [{"id": "v-1", "url": task.clip_url, "duration": "5.1"}]}
            data["final_unit_deduction"] = "4.5"
        return _reply(data)

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        return _refusal(fault, retry_after_s)


def _refusal(fault: Fault, retry_after_s: float | None) -> Reply:
    status, code, message = FAULTS[fault]
    headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
    return Reply(status, {"code": code, "message": message, "request_id": "r-2"}, headers)


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

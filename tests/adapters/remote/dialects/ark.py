"""Ark's tasks of content generation, as its SDK and its reference tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

TASKS = "/api/v3/contents/generations/tasks"
TASK = re.compile(rf"{TASKS}/(?P<id>[\w-]+)")

FAULTS: Mapping[Fault, tuple[int, str, str, str]] = {
    "auth": (401, "AuthenticationError", "Unauthorized", "The API key in the request is missing or invalid."),
    "billing": (403, "AccountOverdueError", "Forbidden", "Your account has an overdue balance."),
    "rate": (429, "RateLimitExceeded.EndpointRPMExceeded", "TooManyRequests", "The RPM limit is exceeded."),
    "parameter": (400, "InvalidParameter", "BadRequest", "The parameter duration is not valid."),
    "server": (500, "InternalServiceError", "InternalServerError", "The service met an internal error."),
    "moderation_input": (
        400,
        "InputTextSensitiveContentDetected",
        "BadRequest",
        "The input text may contain sensitive information.",
    ),
    "moderation_output": (
        400,
        "OutputVideoSensitiveContentDetected",
        "BadRequest",
        "The output video may contain sensitive information.",
    ),
    "expired": (404, "NotFound", "NotFound", "The specified task is not found."),
    "failed": (500, "InternalServiceError", "InternalServerError", "The video could not be made."),
}

RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")

Limits = tuple[tuple[str, ...], int, int]
MODELS: Mapping[str, Limits] = {
    "seedance-2-5-260628": (("480p", "720p", "1080p"), 4, 30),
    "seedance-2-0-260128": (("480p", "720p", "1080p", "4k"), 4, 15),
    "seedance-2-0-fast-260128": (("480p", "720p"), 4, 15),
    "seedance-2-0-mini-260615": (("480p", "720p"), 4, 15),
    "seedance-1-5-pro-251215": (("480p", "720p", "1080p"), 4, 12),
}
"""Name behind the host's own first one -> resolutions, shortest, longest."""

HOST_NAMES = {
    **{f"doubao-{name}": name for name in MODELS},
    **{f"dreamina-{name}": name for name in MODELS if "-2-" in name},
    "seedance-1-5-pro-251215": "seedance-1-5-pro-251215",
}


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


class ArkDialect(Dialect):
    """Ark."""

    route: ClassVar[str] = "ark"
    model: ClassVar[str] = "seedance-2.0"
    secrets: ClassVar[Mapping[str, str]] = {"ARK_API_KEY": "ark-test-0123456789"}
    address: ClassVar[str] = "EVALHARNESS_ARK_URL"

    def wanted(self, heard: Heard) -> Wanted | None:
        if (heard.method, heard.path) == ("POST", TASKS):
            return Wanted("create")
        task = TASK.fullmatch(heard.path)
        if task is None or heard.method not in {"GET", "DELETE"}:
            return None
        return Wanted("poll" if heard.method == "GET" else "cancel", task["id"])

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {self.secrets['ARK_API_KEY']}"

    def objection(self, heard: Heard) -> str | None:
        body = heard.body
        if not isinstance(body, dict):
            return "the body must be an object"
        name = HOST_NAMES.get(body.get("model", ""))
        if name is None:
            return f"the model {body.get('model')!r} does not exist"
        resolutions, shortest, longest = MODELS[name]
        checks: Mapping[str, Callable[[Any], bool]] = {
            "model": lambda _: True,
            "content": lambda value: isinstance(value, list),
            "resolution": lambda value: value in resolutions,
            "ratio": lambda value: value in RATIOS,
            "duration": lambda value: _whole(value, shortest, longest),
            "seed": lambda value: _whole(value, -1, 2**32 - 1),
            "generate_audio": _flag,
            "watermark": _flag,
            "service_tier": lambda value: value == "default" or (value == "flex" and "-1-5-" in name),
        }
        for field, value in body.items():
            if field not in checks or not checks[field](value):
                return f"the parameter {field} must not be {value!r}"
        return self._objection_to_content(name, body)

    def _objection_to_content(self, name: str, body: Mapping[str, Any]) -> str | None:
        texts = [item for item in body["content"] if item.get("type") == "text"]
        pictures = [item for item in body["content"] if item.get("type") == "image_url"]
        if len(texts) + len(pictures) != len(body["content"]) or len(texts) != 1:
            return "content must hold one text, and beside it pictures alone"
        if set(texts[0]) != {"type", "text"} or not texts[0]["text"]:
            return "a text must hold type and text"
        if not pictures:
            return "text alone has no adaptive ratio here" if body.get("ratio") == "adaptive" else None
        if any(set(item) != {"type", "image_url", "role"} for item in pictures):
            return "a picture must hold type, image_url and role"
        if not all(
            item["image_url"]["url"].startswith(("https://", "data:image/", "asset://")) for item in pictures
        ):
            return "a picture must be given by https, as a data URI or as an asset"
        roles = [item["role"] for item in pictures]
        if set(roles) == {"reference_image"}:
            most = 30 if "-2-5-" in name else 9 if "-2-0-" in name else 0
            return None if len(roles) <= most else f"{name} takes {most} reference pictures"
        if roles != ["first_frame"]:
            return "InvalidParameter.TaskTypeConstraint: one first frame, or reference pictures alone"
        if "-2-5-" in name and body.get("ratio") != "adaptive":
            return "InvalidParameter.TaskTypeConstraint: with a first frame ratio must be adaptive"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(200, {"id": task.id})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        body: dict[str, Any] = {
            "id": task.id,
            "model": task.body.get("model", ""),
            "status": word or task.state,
            "created_at": 1795341600,
            "updated_at": 1795341660,
            "service_tier": "default",
            "execution_expires_after": 172800,
        }
        if task.state == "failed" and task.fault == "expired":
            body["status"] = word or "expired"
        elif task.state == "failed":
            _, code, _, message = FAULTS[task.fault or "failed"]
            body["error"] = {"code": code, "message": message}
        if task.state == "succeeded":
            body |= {
                "content": {"video_url": task.clip_url},
                "usage": {"completion_tokens": 108000, "total_tokens": 108000},
                "seed": task.body.get("seed", 10),
                "resolution": task.body.get("resolution", "720p"),
                "ratio": "16:9",
                "duration": task.body.get("duration", 5),
                "framespersecond": 24,
                "generate_audio": task.body.get("generate_audio", True),
            }
        return Reply(200, body)

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        status, code, kind, message = FAULTS[fault]
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        return Reply(
            status, {"error": {"code": code, "message": message, "param": "", "type": kind}}, headers
        )

    def cancelled(self, task: VendorTask) -> Reply:
        if task.state == "running":
            error = {"code": "InvalidParameter", "message": "A running task cannot be cancelled."}
            return Reply(409, {"error": error})
        return Reply(200, {})

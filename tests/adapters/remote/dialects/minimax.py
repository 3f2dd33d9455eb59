"""MiniMax's second contract for video generation, as its reference tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

CREATE = "/v2/video_generation"
QUERY = re.compile(r"/v2/query/video_generation/(?P<id>[\w-]+)")
DELETE = re.compile(r"/v2/video_generation/(?P<id>[\w-]+)")

FAULTS: Mapping[Fault, tuple[int, str, str]] = {
    "auth": (401, "authorized_error", "login fail: Please carry the API secret key (1004)"),
    "billing": (402, "insufficient_balance_error", "insufficient balance (1008)"),
    "rate": (429, "rate_limit_error", "rate limit, please retry later (1002)"),
    "parameter": (400, "bad_request_error", "invalid params, duration is out of range (2013)"),
    "server": (500, "server_error", "internal error (1000)"),
    "moderation_input": (
        422,
        "unprocessable_entity_error",
        "video description contains sensitive content (1026)",
    ),
    "expired": (400, "bad_request_error", "invalid params, invalid task_id (2013)"),
}

FAILURES: Mapping[Fault, tuple[str, str]] = {
    "moderation_input": ("1026", "video description contains sensitive content"),
    "moderation_output": ("1027", "the generated video contains sensitive content"),
    "failed": ("1000", "internal error"),
}

RATIOS = ("adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16")

CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "model": lambda value: value == "MiniMax-H3",
    "content": lambda value: isinstance(value, list),
    "resolution": lambda value: value in ("768P", "2K"),
    "duration": lambda value: type(value) is int and 5 <= value <= 15,
    "ratio": lambda value: value in RATIOS,
    "aigc_watermark": lambda value: isinstance(value, bool),
}


class MinimaxDialect(Dialect):
    """MiniMax."""

    route: ClassVar[str] = "minimax"
    model: ClassVar[str] = "minimax-h3"
    secrets: ClassVar[Mapping[str, str]] = {"MINIMAX_API_KEY": "minimax-test-0123456789"}
    address: ClassVar[str] = "EVALHARNESS_MINIMAX_URL"

    def wanted(self, heard: Heard) -> Wanted | None:
        if (heard.method, heard.path) == ("POST", CREATE):
            return Wanted("create")
        query, delete = QUERY.fullmatch(heard.path), DELETE.fullmatch(heard.path)
        if query is not None and heard.method == "GET":
            return Wanted("poll", query["id"])
        if delete is not None and heard.method == "DELETE":
            return Wanted("cancel", delete["id"])
        return None

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {self.secrets['MINIMAX_API_KEY']}"

    def objection(self, heard: Heard) -> str | None:
        body = heard.body
        if not isinstance(body, dict) or not {"model", "content", "resolution", "duration"} <= set(body):
            return "model, content, resolution and duration are needed"
        for field, value in body.items():
            if field not in CHECKS or not CHECKS[field](value):
                return f"invalid params, {field} must not be {value!r}"
        texts = [item for item in body["content"] if item.get("type") == "text"]
        pictures = [item for item in body["content"] if item.get("type") == "image_url"]
        if len(texts) + len(pictures) != len(body["content"]) or len(texts) != 1 or len(pictures) > 1:
            return "content must hold one text and at most one image_url"
        if set(texts[0]) != {"type", "text"} or not 0 < len(texts[0]["text"]) <= 7000:
            return "content must include a non-empty text item"
        if not pictures:
            return "text alone needs a ratio" if body.get("ratio", "adaptive") == "adaptive" else None
        if set(pictures[0]) != {"type", "image_url", "role"} or pictures[0]["role"] != "first_frame":
            return "a picture must hold type, image_url and the role first_frame"
        if not pictures[0]["image_url"]["url"].startswith(("https://", "mm_file://", "data:image/")):
            return "a picture must be given by https, as a file or as a data URI"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(200, {"task_id": task.id})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        account: dict[str, Any] = {
            "id": task.id,
            "model": "MiniMax-H3",
            "status": word or task.state,
            "task_type": "generation",
            "modality": "video",
            "created_at": 1795341600,
            "updated_at": 1795341660,
        }
        if task.state == "failed" and task.fault == "expired":
            account["status"] = word or "expired"
        elif task.state == "failed":
            code, message = FAILURES[task.fault or "failed"]
            account["error"] = {"code": code, "message": message}
        if task.state == "succeeded":
            account |= {
                "content": {"url": task.clip_url},
                "resolution": task.body.get("resolution", "768P"),
                "ratio": "16:9",
                "duration": task.body.get("duration", 5),
                "usage": {"total_seconds": 5},
            }
        return Reply(200, {"task": account})

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        status, kind, message = FAULTS[fault]
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        error = {"type": kind, "message": message, "http_code": str(status)}
        return Reply(status, {"type": "error", "error": error, "request_id": "r-1"}, headers)

    def cancelled(self, task: VendorTask) -> Reply:
        if task.state == "queued":
            return Reply(200, {"task_id": task.id, "action": "cancelled"})
        if task.state in {"succeeded", "failed"}:
            return Reply(200, {"task_id": task.id, "action": "deleted"})
        return self.refusal("parameter")

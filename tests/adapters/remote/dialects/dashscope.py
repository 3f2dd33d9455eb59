"""Alibaba Model Studio's asynchronous video synthesis, as its reference tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = re.compile(r"/api/v1/tasks/(?P<id>[\w-]+)(?P<cancel>/cancel)?")

WORDS = {
    "queued": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELED",
}

FAULTS: Mapping[Fault, tuple[int, str, str]] = {
    "auth": (401, "InvalidApiKey", "Invalid API-key provided."),
    "billing": (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    "rate": (429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    "parameter": (400, "InvalidParameter", "The duration is out of range"),
    "server": (500, "InternalError", "An internal error has occured, please try again later"),
    "moderation_input": (400, "DataInspectionFailed", "Input data may contain inappropriate content."),
    "moderation_output": (400, "DataInspectionFailed", "Output data may contain inappropriate content."),
    "failed": (500, "InternalError.Algo", "inference internal error"),
}

Check = Callable[[Any], bool]


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _one_of(*allowed: Any) -> Check:
    return lambda value: value in allowed and type(value) in {type(each) for each in allowed}


COMMON: dict[str, Check] = {"watermark": _one_of(True, False), "seed": _whole(0, 2**31 - 1)}
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
HAPPYHORSE = COMMON | {"resolution": _one_of("720P", "1080P"), "duration": _whole(3, 15)}
WAN_27 = COMMON | {
    "resolution": _one_of("720P", "1080P"),
    "duration": _whole(2, 15),
    "prompt_extend": _one_of(True, False),
}
WAN_30 = WAN_27 | {
    "resolution": _one_of("480P", "720P", "1080P"),
    "duration": _whole(2, 30),
    "ratio": _one_of(*RATIOS, "adaptive"),
    "audio": _one_of(True, False),
}

PARAMETERS: Mapping[str, Mapping[str, Check]] = {
    "happyhorse-1.0-t2v": HAPPYHORSE | {"ratio": _one_of(*RATIOS)},
    "happyhorse-1.0-i2v": HAPPYHORSE,
    "happyhorse-1.1-t2v": HAPPYHORSE | {"ratio": _one_of(*RATIOS, "4:5", "5:4", "21:9", "9:21")},
    "happyhorse-1.1-i2v": HAPPYHORSE,
    "happyhorse-1.0-r2v": HAPPYHORSE | {"ratio": _one_of(*RATIOS)},
    "happyhorse-1.1-r2v": HAPPYHORSE | {"ratio": _one_of(*RATIOS, "4:5", "5:4", "21:9", "9:21")},
    "wan2.7-t2v": WAN_27 | {"ratio": _one_of(*RATIOS)},
    "wan2.7-i2v": WAN_27,
    "wan3.0-video": WAN_30,
    "wan3.0-video-prime": WAN_30,
}


KINDS_OF_MEDIA = {"t2v": (), "i2v": ("first_frame",), "r2v": ("reference_image",)}
"""End of a model's id -> what it takes; other models take each of them."""

MOST_OF_MEDIA = {"first_frame": 1, "reference_image": 9}


class DashscopeDialect(Dialect):
    """DashScope."""

    route: ClassVar[str] = "dashscope"
    model: ClassVar[str] = "happyhorse-1.1"
    secrets: ClassVar[Mapping[str, str]] = {"DASHSCOPE_API_KEY": "sk-dashscope-test-0123456789"}
    address: ClassVar[str] = "DASHSCOPE_BASE_URL"

    def wanted(self, heard: Heard) -> Wanted | None:
        if (heard.method, heard.path) == ("POST", CREATE):
            return Wanted("create")
        task = TASKS.fullmatch(heard.path)
        if task is None or heard.method != ("POST" if task["cancel"] else "GET"):
            return None
        return Wanted("cancel" if task["cancel"] else "poll", task["id"])

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {self.secrets['DASHSCOPE_API_KEY']}"

    def objection(self, heard: Heard) -> str | None:
        if heard.headers.get("x-dashscope-async") != "enable":
            return "current user api does not support synchronous calls."
        if not isinstance(heard.body, dict) or set(heard.body) != {"model", "input", "parameters"}:
            return "the body must hold model, input and parameters"
        model, given, parameters = heard.body["model"], heard.body["input"], heard.body["parameters"]
        checks = PARAMETERS.get(model)
        if checks is None:
            return f"Model not exist: {model}"
        for name, value in parameters.items():
            if name not in checks or not checks[name](value):
                return f"parameters.{name} must not be {value!r}"
        allowed = {"prompt", "media"} | ({"negative_prompt"} if model.startswith("wan2.7") else set())
        if not set(given) <= allowed or not given.get("prompt"):
            return f"input must hold a prompt and at most {sorted(allowed)}"
        return self._objection_to_media(model, given.get("media"))

    def _objection_to_media(self, model: str, media: Any) -> str | None:
        kinds = KINDS_OF_MEDIA.get(model.rpartition("-")[2], tuple(MOST_OF_MEDIA))
        if media is None:
            return None if kinds == () or "-video" in model else "the model must be given media"
        if not isinstance(media, list) or any(set(medium) != {"type", "url"} for medium in media):
            return "media must be a list of items with type and url"
        given = {medium["type"] for medium in media}
        if len(given) != 1 or not given <= set(kinds) or len(media) > MOST_OF_MEDIA[given.pop()]:
            return f"{model} takes media of one kind of {kinds}, and no more than {MOST_OF_MEDIA}"
        if not all(medium["url"].startswith(("data:image/", "https://")) for medium in media):
            return "media come by https or as data URIs"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(200, {"output": {"task_id": task.id, "task_status": "PENDING"}, "request_id": "r-1"})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        output: dict[str, Any] = {"task_id": task.id, "task_status": word or WORDS[task.state]}
        body: dict[str, Any] = {"request_id": "r-2", "output": output}
        if task.state != "queued":
            output |= {
                "submit_time": "2026-11-22 10:00:00.000",
                "scheduled_time": "2026-11-22 10:00:01.000",
            }
        if task.state == "failed" and task.fault == "expired":
            return self._unknown(task.id)
        if task.state == "failed":
            _, code, message = FAULTS[task.fault or "failed"]
            output |= {"code": code, "message": message, "end_time": "2026-11-22 10:01:00.000"}
        if task.state == "succeeded":
            output |= {
                "end_time": "2026-11-22 10:01:00.000",
                "orig_prompt": task.body.get("input", {}).get("prompt", ""),
                "video_url": task.clip_url,
            }
            body["usage"] = {"duration": 5, "output_video_duration": 5, "video_count": 1, "SR": 720}
        return Reply(200, body)

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        if fault == "expired":
            return self._unknown("")
        status, code, message = FAULTS[fault]
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        return Reply(status, {"code": code, "message": message, "request_id": "r-3"}, headers)

    def _unknown(self, task_id: str) -> Reply:
        return Reply(200, {"request_id": "r-5", "output": {"task_id": task_id, "task_status": "UNKNOWN"}})

    def cancelled(self, task: VendorTask) -> Reply:
        if task.state != "queued":
            return Reply(
                400,
                {
                    "code": "UnsupportedOperation",
                    "message": "Failed to cancel the task, please confirm if the task is in PENDING status.",
                    "request_id": "r-4",
                },
            )
        return Reply(200, {"request_id": "r-4"})

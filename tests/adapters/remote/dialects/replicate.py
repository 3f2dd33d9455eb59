"""Replicate's predictions, as its HTTP reference and its models' pages of inputs tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

CREATE = re.compile(r"/v1/models/(?P<model>[\w.-]+/[\w.-]+)/predictions")
TASK = re.compile(r"/v1/predictions/(?P<id>[\w-]+)(?P<cancel>/cancel)?")

WORDS = {"queued": "starting", "running": "processing", "cancelled": "canceled"}

FAULTS: Mapping[Fault, tuple[int, str, str]] = {
    "auth": (401, "Unauthenticated", "You did not pass a valid authentication token"),
    "billing": (402, "Insufficient credit", "You have insufficient credit to run this model."),
    "rate": (429, "Too Many Requests", "Request was throttled. Expected available in 1 second."),
    "parameter": (422, "Input validation failed", "- input.duration: Must be at most 15"),
    "server": (500, "Internal server error", "Something went wrong"),
    "moderation_input": (422, "Input validation failed", "The prompt was flagged by moderation."),
    "moderation_output": (422, "Failed", "The generated video was flagged as sensitive. (E005)"),
    "expired": (404, "Not found", "The requested resource could not be found."),
    "failed": (500, "Failed", "Prediction interrupted; please retry (code: PA)"),
}
"""Status, title and words; of a failed prediction the words alone are told."""

Check = Callable[[Any], bool]


def _one_of(*values: Any) -> Check:
    return lambda value: type(value) is type(values[0]) and value in values


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _picture(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "data:image/")) and len(value) < 400_000


def _pictures(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 9 and all(_picture(picture) for picture in value)


def _seed(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


FIVE = ("16:9", "9:16", "1:1", "4:3", "3:4")


def _seedance(*resolutions: str) -> dict[str, Check]:
    return {
        "image": _picture,
        "duration": _one_of(-1, *range(4, 16)),
        "resolution": _one_of(*resolutions),
        "aspect_ratio": _one_of(*FIVE, "21:9", "adaptive"),
        "generate_audio": _flag,
        "seed": _seed,
    }


def _happy_horse(frame: Mapping[str, Check]) -> dict[str, Check]:
    return {
        **frame,
        "duration": _one_of(*range(3, 16)),
        "resolution": _one_of("720p", "1080p"),
        "aspect_ratio": _one_of(*FIVE),
        "seed": _seed,
    }


VEO: Mapping[str, Check] = {
    "image": _picture,
    "duration": _one_of(4, 6, 8),
    "resolution": _one_of("720p", "1080p"),
    "aspect_ratio": _one_of("16:9", "9:16"),
    "generate_audio": _flag,
    "negative_prompt": _text,
    "seed": _seed,
}

MODELS: Mapping[str, Mapping[str, Check]] = {
    "alibaba/happyhorse-1.1": _happy_horse({"images": _pictures}),
    "alibaba/happyhorse-1.0": _happy_horse({"image": _picture}),
    "bytedance/seedance-2.0": _seedance("480p", "720p", "1080p"),
    "bytedance/seedance-2.0-fast": _seedance("480p", "720p"),
    "google/veo-3.1": VEO,
    "google/veo-3.1-fast": VEO,
    "kwaivgi/kling-v3-video": {
        "start_image": _picture,
        "duration": _one_of(*range(3, 16)),
        "mode": _one_of("standard", "pro"),
        "aspect_ratio": _one_of(*FIVE[:3]),
        "generate_audio": _flag,
        "negative_prompt": _text,
    },
    "wan-video/wan-2.7-t2v": {
        "duration": _one_of(*range(2, 16)),
        "resolution": _one_of("720p", "1080p"),
        "aspect_ratio": _one_of(*FIVE),
        "negative_prompt": _text,
        "seed": _seed,
        "enable_prompt_expansion": _flag,
    },
}
"""Model -> the fields beside the prompt. Replicate itself may drop other fields; here they are refused."""


def _unknown(fields: Mapping[str, Any], checks: Mapping[str, Check]) -> Collection[str]:
    return [name for name, value in fields.items() if name not in checks or not checks[name](value)]


class ReplicateDialect(Dialect):
    """The gateway."""

    route: ClassVar[str] = "replicate"
    model: ClassVar[str] = "happyhorse-1.1"
    secrets: ClassVar[Mapping[str, str]] = {"REPLICATE_API_TOKEN": "r8_test0123456789abcdef"}
    address: ClassVar[str] = "EVALHARNESS_REPLICATE_URL"

    def wanted(self, heard: Heard) -> Wanted | None:
        create = CREATE.fullmatch(heard.path)
        if create and heard.method == "POST":
            return Wanted("create") if create["model"] in MODELS else None
        task = TASK.fullmatch(heard.path)
        if task and (heard.method, task["cancel"]) == ("POST", "/cancel"):
            return Wanted("cancel", task["id"])
        return Wanted("poll", task["id"]) if task and heard.method == "GET" and not task["cancel"] else None

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {self.secrets['REPLICATE_API_TOKEN']}"

    def objection(self, heard: Heard) -> str | None:
        create = CREATE.fullmatch(heard.path)
        assert create is not None
        if "prefer" in heard.headers:
            return "an answer that waits for the clip may be lost"
        if not isinstance(heard.body, dict) or set(heard.body) != {"input"}:
            return "input and nothing else is needed"
        fields = dict(heard.body["input"])
        if not _text(fields.pop("prompt", None)):
            return "a prompt is needed"
        wrong = _unknown(fields, MODELS[create["model"]])
        return f"{create['model']} does not take such {', '.join(wrong)}" if wrong else None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(201, self._prediction(task, "starting"))

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        body = self._prediction(task, word or WORDS.get(task.state, task.state))
        if task.state == "failed":
            body["error"] = FAULTS[task.fault or "failed"][2]
        if task.state == "succeeded":
            body |= {"output": task.clip_url, "metrics": {"predict_time": 61.5}}
        return Reply(200, body)

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        status, title, detail = FAULTS[fault]
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        return Reply(status, {"title": title, "detail": detail, "status": status}, headers)

    def cancelled(self, task: VendorTask) -> Reply:
        return Reply(200, self._prediction(task, "canceled"))

    def _prediction(self, task: VendorTask, word: str) -> dict[str, Any]:
        url = f"https://api.replicate.com/v1/predictions/{task.id}"
        return {
            "id": task.id,
            "model": "alibaba/happyhorse-1.1",
            "status": word,
            "output": None,
            "error": None,
            "data_removed": False,
            "urls": {"get": url, "cancel": f"{url}/cancel"},
        }

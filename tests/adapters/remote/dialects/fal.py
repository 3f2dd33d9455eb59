"""fal's queue, and the fields of its endpoints for video, as its reference and their schemas tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

HOST = "https://queue.fal.run"
APP = "/alibaba/happy-horse"
"""Where requests to the tested model are: the first two parts of its endpoint."""

TASK = re.compile(rf"{APP}/requests/(?P<id>[\w-]+)(?P<what>/status|/cancel)?")

WORDS = {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}

FAULTS: Mapping[Fault, tuple[int, Any]] = {
    "auth": (401, {"detail": "Cannot access application: invalid key"}),
    "billing": (403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance."}),
    "rate": (429, {"detail": "Too many requests", "error_type": "rate_limited"}),
    "parameter": (
        422,
        {
            "detail": [
                {"loc": ["body", "duration"], "msg": "Input should be 3 to 15", "type": "literal_error"}
            ]
        },
    ),
    "server": (500, {"detail": "Internal Server Error"}),
    "moderation_input": (
        422,
        {
            "detail": [
                {
                    "loc": ["body", "prompt"],
                    "msg": "The content could not be processed because it was flagged by a content checker.",
                    "type": "content_policy_violation",
                }
            ]
        },
    ),
    "moderation_output": (
        422,
        {
            "detail": [
                {
                    "loc": ["body"],
                    "msg": "The generated video was flagged by a content checker.",
                    "type": "content_policy_violation",
                }
            ]
        },
    ),
    "expired": (404, {"detail": "Request not found"}),
    "failed": (
        500,
        {"detail": [{"loc": ["body"], "msg": "Internal server error", "type": "internal_server_error"}]},
    ),
}

Check = Callable[[Any], bool]


def _one_of(values: Collection[Any]) -> Check:
    return lambda value: type(value) is type(next(iter(values))) and value in values


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _picture(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "data:image/"))


def _seed(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _words(lengths: range, form: str = "{}") -> Check:
    return _one_of([form.format(length) for length in lengths])


def _endpoints(
    text: str, picture: str, fields: Mapping[str, Check], ratios: Collection[str], frame: str = "image_url"
) -> dict[str, dict[str, Check]]:
    """The fields of both endpoints of a model; the second one has no ratio unless `fields` names it."""
    return {
        text: {**fields, "prompt": _text, "aspect_ratio": _one_of(ratios)},
        picture: {**fields, "prompt": _text, frame: _picture},
    }


def _references(
    endpoint: str, fields: Mapping[str, Check], ratios: Collection[str]
) -> dict[str, dict[str, Check]]:
    """The fields of the endpoint that takes up to nine reference pictures."""

    def pictures(value: Any) -> bool:
        return isinstance(value, list) and 1 <= len(value) <= 9 and all(_picture(each) for each in value)

    return {
        endpoint: {**fields, "prompt": _text, "aspect_ratio": _one_of(ratios), "image_urls": pictures},
    }


FIVE = ("16:9", "9:16", "1:1", "4:3", "3:4")
SIX = (*FIVE, "21:9")
TWO = FIVE[:2]


def _happy_horse(version: str, ratios: Collection[str]) -> dict[str, dict[str, Check]]:
    fields: dict[str, Check] = {
        "resolution": _one_of(["720p", "1080p"]),
        "duration": _one_of(range(3, 16)),
        "seed": _seed,
        "enable_safety_checker": _flag,
    }
    base = f"alibaba/happy-horse{version}"
    return _endpoints(f"{base}/text-to-video", f"{base}/image-to-video", fields, ratios) | _references(
        f"{base}/reference-to-video", fields, ratios
    )


def _seedance(base: str, resolutions: Collection[str], longest: int) -> dict[str, dict[str, Check]]:
    fields: dict[str, Check] = {
        "resolution": _one_of(resolutions),
        "duration": _words(range(4, longest + 1)),
        "generate_audio": _flag,
        "seed": _seed,
    }
    place = f"bytedance/seedance-{base}"
    made = _endpoints(f"{place}/text-to-video", f"{place}/image-to-video", fields, SIX)
    if base in {"2.0", "2.0/fast"}:
        made |= _references(f"{place}/reference-to-video", fields, SIX)
    return made


def _veo(tier: str, resolutions: Collection[str]) -> dict[str, dict[str, Check]]:
    fields: dict[str, Check] = {
        "resolution": _one_of(resolutions),
        "duration": _words(range(4, 9, 2), "{}s"),
        "aspect_ratio": _one_of(TWO),
        "generate_audio": _flag,
        "negative_prompt": _text,
        "seed": _seed,
        "auto_fix": _flag,
        "safety_tolerance": _text,
    }
    return _endpoints(f"fal-ai/veo3.1{tier}", f"fal-ai/veo3.1{tier}/image-to-video", fields, TWO)


def _kling(tier: str) -> dict[str, dict[str, Check]]:
    fields: dict[str, Check] = {
        "duration": _words(range(3, 16)),
        "generate_audio": _flag,
        "negative_prompt": _text,
        "cfg_scale": lambda value: isinstance(value, float),
    }
    base = f"fal-ai/kling-video/v3/{tier}"
    return _endpoints(
        f"{base}/text-to-video", f"{base}/image-to-video", fields, FIVE[:3], frame="start_image_url"
    )


def _ltx(tier: str, lengths: range) -> dict[str, dict[str, Check]]:
    fields: dict[str, Check] = {
        "resolution": _one_of(["720p", "1080p", "1440p", "2160p"] if tier == "fast" else ["720p", "1080p"]),
        "duration": _one_of(lengths),
        "aspect_ratio": _one_of(TWO),
        "fps": _one_of([24, 25, 48, 50]),
        "generate_audio": _flag,
        "camera_motion": _text,
    }
    base = "lightricks/ltx-2.5"
    return _endpoints(f"{base}/text-to-video/{tier}", f"{base}/image-to-video/{tier}", fields, TWO)


SCHEMAS: Mapping[str, Mapping[str, Check]] = {
    **_happy_horse("/v1.1", (*SIX, "9:21", "5:4", "4:5")),
    **_happy_horse("", FIVE),
    **_seedance("2.5", ["480p", "720p"], 30),
    **_seedance("2.0", ["480p", "720p", "1080p"], 15),
    **_seedance("2.0/fast", ["480p", "720p"], 15),
    **_seedance("2.0/mini", ["480p", "720p"], 15),
    **_veo("", ["720p", "1080p", "4k"]),
    **_veo("/fast", ["720p", "1080p", "4k"]),
    **_veo("/lite", ["720p", "1080p"]),
    **_kling("standard"),
    **_kling("pro"),
    **_endpoints(
        "alibaba/wan-3.0/text-to-video",
        "alibaba/wan-3.0/image-to-video",
        {
            "resolution": _one_of(["480p", "720p", "1080p"]),
            "duration": _one_of(range(2, 31)),
            "audio": _flag,
            "seed": _seed,
            "enable_prompt_expansion": _flag,
        },
        FIVE,
        frame="start_image_url",
    ),
    **_endpoints(
        "fal-ai/wan/v2.7/text-to-video",
        "fal-ai/wan/v2.7/image-to-video",
        {
            "resolution": _one_of(["720p", "1080p"]),
            "duration": _one_of(range(2, 16)),
            "negative_prompt": lambda value: _text(value) and len(value) <= 500,
            "seed": _seed,
            "enable_prompt_expansion": _flag,
        },
        FIVE,
    ),
    **_endpoints(
        "minimax/h3/text-to-video",
        "minimax/h3/image-to-video",
        {
            "resolution": _one_of(["480P", "768P", "2K", "4K"]),
            "duration": _one_of(range(5, 16)),
            "seed": _seed,
            "prompt_expansion_mode": _one_of(["disabled", "fast", "balanced", "quality"]),
        },
        SIX,
    ),
    **_ltx("pro", range(6, 11, 2)),
    **_ltx("fast", range(6, 21, 2)),
    "fal-ai/davinci-magihuman": {
        "prompt": _text,
        "image_url": _picture,
        "resolution": _one_of(["256p", "540p", "720p", "1080p"]),
        "duration": _one_of(range(1, 31)),
        "seed": _seed,
    },
}
"""Endpoint -> fields it knows. fal itself drops other fields in silence; here they are refused."""


class FalDialect(Dialect):
    """The queue."""

    route: ClassVar[str] = "fal"
    model: ClassVar[str] = "happyhorse-1.1"
    secrets: ClassVar[Mapping[str, str]] = {"FAL_KEY": "0a1b2c3d-test:0123456789abcdef"}
    address: ClassVar[str] = "EVALHARNESS_FAL_URL"

    def wanted(self, heard: Heard) -> Wanted | None:
        if heard.method == "POST" and heard.path.removeprefix("/") in SCHEMAS:
            return Wanted("create")
        task = TASK.fullmatch(heard.path)
        if task is None:
            return None
        if (heard.method, task["what"]) == ("PUT", "/cancel"):
            return Wanted("cancel", task["id"])
        if heard.method == "GET" and task["what"] != "/cancel":
            return Wanted("poll" if task["what"] else "result", task["id"])
        return None

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Key {self.secrets['FAL_KEY']}"

    def objection(self, heard: Heard) -> str | None:
        if (heard.headers.get("x-fal-no-retry"), heard.headers.get("x-app-fal-disable-fallback")) != (
            "1",
            "true",
        ):
            return "the queue may run this request again, or another model instead"
        endpoint = heard.path.removeprefix("/")
        schema, body = SCHEMAS[endpoint], heard.body
        if not isinstance(body, dict) or "prompt" not in body:
            return "an object with a prompt is needed"
        for name in schema:
            if name.endswith("image_url") and name not in body:
                return f"{name} is needed"
        for name, value in body.items():
            if name not in schema or not schema[name](value):
                return f"{name} must not be {value!r} for {endpoint}"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        place = f"{HOST}{APP}/requests/{task.id}"
        body = {
            "status": "IN_QUEUE",
            "request_id": task.id,
            "response_url": place,
            "status_url": f"{place}/status",
            "cancel_url": f"{place}/cancel",
            "queue_position": 0,
        }
        return Reply(200, body)

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        body: dict[str, Any] = {
            "status": word or WORDS.get(task.state, "COMPLETED"),
            "request_id": task.id,
            "response_url": f"{HOST}{APP}/requests/{task.id}",
            "logs": None,
        }
        if task.state == "cancelled":
            body |= {"error": "The request was cancelled.", "error_type": "client_cancelled"}
        return Reply(202 if task.state in WORDS else 200, body)

    def result(self, task: VendorTask) -> Reply:
        """A failed request is COMPLETED too: its result is the error."""
        if task.state == "failed":
            return Reply(*FAULTS[task.fault or "failed"])
        body = {"video": {"url": task.clip_url, "content_type": "video/mp4"}, "seed": 7}
        return Reply(200, body, {"x-fal-billable-units": "5.0"})

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        return Reply(*FAULTS[fault], headers)

    def cancelled(self, task: VendorTask) -> Reply:
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

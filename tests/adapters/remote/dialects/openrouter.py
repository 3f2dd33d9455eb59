"""OpenRouter's tasks of video generation, as its reference and its list of video models tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

TASKS = "/api/v1/videos"
TASK = re.compile(rf"{TASKS}/(?P<id>[\w-]+)")

WORDS = {"queued": "pending", "running": "in_progress", "succeeded": "completed"}

FAULTS: Mapping[Fault, tuple[int, str]] = {
    "auth": (401, "No auth credentials found"),
    "billing": (402, "Insufficient credits. Add more using the credits page"),
    "rate": (429, "Rate limit exceeded: videos per minute"),
    "parameter": (400, 'Unsupported duration "99"'),
    "server": (500, "Internal Server Error"),
    "moderation_input": (403, "The prompt was flagged by moderation"),
    "moderation_output": (403, "The generated video was blocked for safety"),
    "expired": (404, "Job not found"),
    "failed": (502, "Provider returned error"),
}

Check = Callable[[Any], bool]

WIDE = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21")

MODELS: Mapping[str, tuple[range | tuple[int, ...], tuple[str, ...], tuple[str, ...], bool]] = {
    "alibaba/happyhorse-1.1": (range(3, 16), ("720p", "1080p"), WIDE, True),
    "alibaba/happyhorse-1.0": (range(3, 16), ("720p", "1080p"), WIDE, True),
    "bytedance/seedance-2.5": (range(4, 31), ("480p", "720p"), WIDE[:6], True),
    "bytedance/seedance-2.0": (range(4, 16), ("480p", "720p", "1080p", "4K"), WIDE, True),
    "bytedance/seedance-2.0-fast": (range(4, 16), ("480p", "720p"), WIDE, True),
    "google/veo-3.1": ((4, 6, 8), ("720p", "1080p", "4K"), WIDE[:2], True),
    "google/veo-3.1-fast": ((4, 6, 8), ("720p", "1080p", "4K"), WIDE[:2], True),
    "google/veo-3.1-lite": ((4, 6, 8), ("720p", "1080p"), WIDE[:2], True),
    "kwaivgi/kling-v3.0-pro": (range(3, 16), ("720p",), WIDE[:3], False),
    "kwaivgi/kling-v3.0-std": (range(3, 16), ("720p",), WIDE[:3], False),
    "alibaba/wan-3.0": (range(2, 31), ("480p", "720p", "1080p"), WIDE[:5], True),
    "alibaba/wan-2.7": (range(2, 11), ("720p", "1080p"), WIDE[:5], True),
    "minimax/hailuo-3": (range(5, 16), ("2K",), WIDE[:6], False),
}
"""Slug -> lengths, resolutions, ratios, and whether it takes a seed."""

PASSED_ON: Mapping[str, tuple[str, ...]] = {
    "google/veo-3.1": ("negativePrompt", "enhancePrompt"),
    "google/veo-3.1-fast": ("negativePrompt", "enhancePrompt"),
    "google/veo-3.1-lite": ("negativePrompt", "enhancePrompt"),
    "alibaba/wan-2.7": ("negative_prompt", "prompt_extend"),
}
"""Options for hosts, by slug; of other models none is sent here."""


def _frame(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 1
        and set(value[0]) == {"type", "image_url", "frame_type"}
        and value[0]["type"] == "image_url"
        and value[0]["frame_type"] == "first_frame"
        and value[0]["image_url"]["url"].startswith(("https://", "data:image/"))
    )


CHECKS: Mapping[str, Check] = {
    "prompt": lambda value: isinstance(value, str) and bool(value),
    "generate_audio": lambda value: isinstance(value, bool),
    "frame_images": _frame,
}


def _objection_to_options(provider: Any, allowed: tuple[str, ...]) -> str | None:
    if set(provider) != {"options"}:
        return "provider must hold options"
    for host, options in provider["options"].items():
        given = options["parameters"] if host == "google-vertex" else options
        if not set(given) <= set(allowed):
            return f"{host} is not passed {', '.join(given)}"
        if given.get("enhancePrompt") is False:
            return "Veo 3 prompt enhancement cannot be disabled"
    return None


class OpenrouterDialect(Dialect):
    """The gateway, which hands clips out itself."""

    route: ClassVar[str] = "openrouter"
    model: ClassVar[str] = "happyhorse-1.1"
    secrets: ClassVar[Mapping[str, str]] = {"OPENROUTER_API_KEY": "sk-or-v1-test-0123456789"}
    address: ClassVar[str] = "EVALHARNESS_OPENROUTER_URL"
    authorised_download: ClassVar[bool] = True

    def wanted(self, heard: Heard) -> Wanted | None:
        if (heard.method, heard.path) == ("POST", TASKS):
            return Wanted("create")
        task = TASK.fullmatch(heard.path)
        return Wanted("poll", task["id"]) if task and heard.method == "GET" else None

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {self.secrets['OPENROUTER_API_KEY']}"

    def objection(self, heard: Heard) -> str | None:
        body = heard.body
        if not isinstance(body, dict) or body.get("model") not in MODELS or "prompt" not in body:
            return "an object with a known model and a prompt is needed"
        lengths, resolutions, ratios, seeds = MODELS[body["model"]]
        checks: dict[str, Check] = {
            **CHECKS,
            "duration": lambda value: type(value) is int and value in lengths,
            "resolution": lambda value: value in resolutions,
            "aspect_ratio": lambda value: value in ratios,
            "seed": lambda value: seeds and type(value) is int,
        }
        for name, value in body.items():
            if name in {"model", "provider"}:
                continue
            if name not in checks or not checks[name](value):
                return f"{name} must not be {value!r}"
        if "provider" in body:
            return _objection_to_options(body["provider"], PASSED_ON.get(body["model"], ()))
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(202, {"id": task.id, "polling_url": f"{TASKS}/{task.id}", "status": "pending"})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        body: dict[str, Any] = {
            "id": task.id,
            "polling_url": f"{TASKS}/{task.id}",
            "status": word or WORDS.get(task.state, task.state),
        }
        if task.state == "failed":
            body["error"] = FAULTS[task.fault or "failed"][1]
        if task.state == "succeeded":
            body["generation_id"] = "gen-1"
            body["unsigned_urls"] = [task.clip_url]
            body["usage"] = {"cost": 0.494, "is_byok": False}
        return Reply(200, body)

    def refusal(self, fault: Fault, retry_after_s: float | None = None) -> Reply:
        status, message = FAULTS[fault]
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        error: dict[str, Any] = {"code": status, "message": message}
        if fault == "moderation_input":
            error["metadata"] = {
                "reasons": ["violence"],
                "flagged_input": "A red",
                "provider_name": "Alibaba",
            }
        return Reply(status, {"error": error}, headers)

"""A vendor without peculiarities, from both sides: what the shared line does is tried on it alone.

It can look tasks up by our id, and with `PlainHanded` hands clips out itself, to those who have the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from evalharness.adapters.base import SeedSupport
from evalharness.adapters.parameters import Parameters
from evalharness.adapters.remote.address import base_url
from evalharness.adapters.remote.catalogue import Catalogue, Model
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
from evalharness.adapters.remote.reading import link, retry_after_s, text
from evalharness.adapters.remote.route import Route, unreadable
from evalharness.records import FailureKind, Task
from tests.adapters.remote import dialect as inside
from tests.adapters.remote.dialect import Dialect, Heard, Reply, VendorTask, Wanted

KEY = "plain-test-key-0123456789"
STATES = {state.value: state for state in TaskState} | {"cancelled": TaskState.FAILED}
STATUSES = {
    "auth": 401,
    "billing": 402,
    "rate": 429,
    "parameter": 400,
    "server": 500,
    "expired": 404,
}

CATALOGUE = Catalogue(
    vendor="Plain",
    page="none",
    checked=date(2026, 11, 23),
    verified_live=False,
    models=(
        Model(
            name="plain-1",
            ids={
                Task.TEXT_TO_VIDEO: "plain-1-t2v",
                Task.IMAGE_TO_VIDEO: "plain-1-i2v",
                Task.REFERENCE_TO_VIDEO: "plain-1-r2v",
            },
            references=2,
            references_called="@{}",
            durations_s=(3.0, 5.0, 6.0),
            resolutions={"480p": 480, "720p": 720},
            ratios=("16:9", "9:16", "1:1"),
            sizes={"480p": {"16:9": "864x496"}, "720p": {"1:1": "960x960"}},
            audio="switchable",
            seed=SeedSupport.BEST_EFFORT,
            negative_prompt=True,
            rewriting="none",
            watermark="none",
            prompt_characters=400,
            prompt_characters_cjk=200,
            link_lifetime_s=3600,
            usd_per_s={"480p": 0.05, "720p": 0.1},
            usd_per_s_silent={"720p": 0.04},
            poll_s=8,
        ),
        Model(
            name="plain-counted",
            ids={Task.TEXT_TO_VIDEO: "plain-counted"},
            durations_s=(5.0,),
            resolutions={"480p": 480},
            ratios=("16:9",),
            audio="always",
            seed=SeedSupport.NONE,
            rewriting="none",
            watermark="none",
            usd_per_million_tokens={"480p": 5.0},
        ),
        Model(
            name="plain-mute",
            ids={Task.TEXT_TO_VIDEO: "plain-mute"},
            durations_s=tuple(float(second) for second in range(2, 9)),
            resolutions={"720p": 720},
            ratios=("16:9",),
            audio="never",
            seed=SeedSupport.NONE,
            rewriting="none",
            watermark="none",
        ),
    ),
)


class PlainParameters(Parameters):
    tier: str = "usual"


class PlainRoute(Route):
    vendor: ClassVar[str] = "plain"
    version: ClassVar[str] = "1"
    parameters: ClassVar[type[Parameters]] = PlainParameters
    secrets: ClassVar[tuple[str, ...]] = ("PLAIN_KEY",)
    address: ClassVar[str | None] = "PLAIN_URL"
    handed: ClassVar[bool] = False

    def __init__(self, parameters: Parameters, environment: Mapping[str, str]) -> None:
        self._base = base_url(environment, "PLAIN_URL", "https://plain.example")

    def credentials(self, environment: Mapping[str, str], now_s: float) -> Mapping[str, str]:
        return bearer(environment, "PLAIN_KEY", "Plain")

    def create(self, ask: Ask) -> Call:
        body: dict[str, Any] = {"model": ask.model, "prompt": ask.prompt, "my_id": ask.external_id}
        if ask.first_frame is not None:
            body["frame"] = ask.first_frame.partition(",")[2]
        if ask.references:
            body["references"] = list(ask.references)
        return Call("POST", f"{self._base}/tasks", json=body, headers={"X-Plain": "1"})

    def created(self, answer: Answer) -> Created | Fault:
        task_id = text(answer.body, "id")
        return Created(task_id) if task_id else self._refused(answer)

    def poll(self, task: Created) -> Call:
        return Call("GET", f"{self._base}/tasks/{task.task_id}")

    def polled(self, answer: Answer, task: Created) -> Status | Fault:
        word = text(answer.body, "state")
        if word is None:
            return self._refused(answer)
        state = self.state_of(word, STATES)
        if isinstance(state, Fault):
            return state
        fault = None
        if state is TaskState.FAILED:
            kind = FailureKind.MODERATION if "moderation" in answer.text else FailureKind.SERVER
            fault = Fault(kind, sentence("Plain failed", text(answer.body, "why")))
        url = link(answer.body, "url")
        delivery = Delivery(url, authorised=self.handed) if url else None
        return Status(state, word, delivery=delivery, fault=fault, told={"seed": 7})

    def find(self, external_id: str) -> Call | None:
        return Call("GET", f"{self._base}/mine/{external_id}")

    def found(self, answer: Answer) -> Created | Fault | None:
        if answer.status == 404:
            return None
        return self.created(answer)

    def _refused(self, answer: Answer) -> Fault:
        why = text(answer.body, "error")
        if why is None:
            return unreadable("Plain", answer, "what it should hold")
        kind = FailureKind.MODERATION if "moderation" in why else kind_of_status(answer.status)
        return Fault(kind, sentence("Plain refused", why), retry_after_s=retry_after_s(answer))


class PlainHandedRoute(PlainRoute):
    handed: ClassVar[bool] = True


class PlainDialect(Dialect):
    route: ClassVar[str] = "plain"
    model: ClassVar[str] = "plain-1"
    secrets: ClassVar[Mapping[str, str]] = {"PLAIN_KEY": KEY}
    address: ClassVar[str] = "PLAIN_URL"
    external_ids: ClassVar[bool] = True

    def wanted(self, heard: Heard) -> Wanted | None:
        _, first, *rest = heard.path.split("/")
        if heard.method == "POST" and heard.path == "/tasks":
            return Wanted("create")
        if heard.method == "GET" and first in {"tasks", "mine"} and len(rest) == 1:
            return Wanted("poll" if first == "tasks" else "find", rest[0])
        return None

    def authorised(self, heard: Heard) -> bool:
        return heard.headers.get("authorization") == f"Bearer {KEY}"

    def objection(self, heard: Heard) -> str | None:
        if heard.headers.get("x-plain") != "1" or not set(heard.body) <= {
            "model",
            "prompt",
            "my_id",
            "frame",
            "references",
        }:
            return "not as documented"
        return None

    def accepted(self, task: VendorTask) -> Reply:
        return Reply(201, {"id": task.id})

    def status(self, task: VendorTask, word: str | None = None) -> Reply:
        body = {"state": word or task.state}
        if task.state == "succeeded":
            body["url"] = task.clip_url
        if task.fault:
            body["why"] = task.fault
        return Reply(200, body)

    def refusal(self, fault: inside.Fault, retry_after_s: float | None = None) -> Reply:
        headers = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:.0f}"}
        return Reply(STATUSES.get(fault, 400), {"error": f"{fault}; your key is {KEY}"}, headers)

    def found(self, task: VendorTask | None) -> Reply:
        return Reply(404, {"error": "nothing"}) if task is None else Reply(200, {"id": task.id})


class PlainHandedDialect(PlainDialect):
    """Hands the clip out itself."""

    authorised_download: ClassVar[bool] = True


class ForgetfulRoute(PlainRoute):
    def find(self, external_id: str) -> Call | None:
        return None


class ForgetfulDialect(PlainDialect):
    """Keeps no ids of ours, as most vendors."""

    external_ids: ClassVar[bool] = False

"""A vendor that tries to break us.

It keeps tasks, counts what would be billed, and plays what a `Scenario` says; a `Dialect` puts it into one
vendor's words. It remembers whatever a test may want to know: requests, creates, objections, keys astray.
`listening` puts it on the loopback interface.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

CLIPS = "/made-here/"
"""Where finished clips are: storage beside the vendor's paths."""
MOVED = ".moved.mp4"

STRANGE = "PONDERING"
"""A status word that no vendor has."""

RETRY_AFTER_S = 7
SLOW_S = 0.3

REFUSALS: Mapping[str, Fault] = {
    "auth": "auth",
    "billing": "billing",
    "parameter": "parameter",
    "moderation": "moderation_input",
    "rate": "rate",
    "server": "server",
}


@dataclass
class Scenario:
    """What the vendor does. Mishaps are taken in order, one a request; after the last one all goes well.

    creates:    well, slow, rate, rate_wait, server_before, server_after, gateway, hang_up_before,
                hang_up_after, malformed, auth, billing, parameter, moderation
    polls:      well, rate, rate_wait, server, gateway, hang_up, malformed, strange, auth
    downloads:  well, expired, server, truncated, corrupt, page, endless, drip, hang_up, redirect,
                redirect_to_file
    """

    states: tuple[State, ...] = ("queued", "running", "succeeded")
    """How a task stands at each question; the last one stays."""
    fault: Fault | None = None
    creates: tuple[str, ...] = ()
    polls: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    always: str | None = None
    """The mishap of every download, once `downloads` are used up."""
    fresh_links: bool = False
    """Whether each question gives another link."""
    deaths: Mapping[int, Literal["before", "after"]] = field(default_factory=dict)
    """At which requests and downloads, counted from 1, the server dies: before or after it did as asked."""


class HangUp(Exception):
    """Close the connection without a word."""


class Died(Exception):
    """Close every connection, and listen no more."""


class VendorServer:
    """One vendor, its tasks and its memory."""

    def __init__(self, dialect: Dialect, clip: bytes, scenario: Scenario) -> None:
        self.dialect = dialect
        self.clip = clip
        self.scenario = scenario
        self.tasks: dict[str, VendorTask] = {}
        self.asked: dict[str, int] = {}
        """Questions that were answered with a state, by task."""
        self.requests: list[tuple[Wanted, Heard]] = []
        self.objections: list[str] = []
        self.stray_keys: list[str] = []
        """Requests for a clip that came with a key they should not have had."""
        self.downloads = 0
        self.befell: list[str] = []
        """What each create met with: a mishap's name, `well`, or `died`."""
        self.deaths = 0
        self.url = ""
        self._mishaps = {
            "create": list(scenario.creates),
            "poll": list(scenario.polls),
            "download": list(scenario.downloads),
        }
        self._lock = threading.Lock()

    def creates(self) -> int:
        """How many creates reached the vendor."""
        return len(self.befell)

    def made(self, text: str = "") -> int:
        """How many tasks were made, and would be billed, whose request holds `text`."""
        return sum(text in json.dumps(task.body, ensure_ascii=False) for task in self.tasks.values())

    def questions(self) -> int:
        """How many questions for a task's state were asked."""
        return sum(wanted.what == "poll" for wanted, _ in self.requests)

    # -- what is answered -----------------------------------------------------------------------

    def answer(self, heard: Heard) -> Reply:
        """The reply to a request. Raises HangUp and Died where there shall be none."""
        with self._lock:
            wanted = self.dialect.wanted(heard)
            if wanted is None:
                self.objections.append(f"there is no {heard.method} {heard.path}")
                return Reply(404, {"error": "no such path"})
            self.requests.append((wanted, heard))
            creating = wanted.what == "create"
            dies = self._death()
            if creating:
                self.befell.append("died" if dies else self._mishap("create"))
            if dies == "before":
                raise Died
            reply = self._reply(wanted, heard)
            if dies == "after":
                raise Died
            return reply

    def _reply(self, wanted: Wanted, heard: Heard) -> Reply:
        if not self.dialect.authorised(heard):
            self.objections.append(f"{heard.method} {heard.path} came without the right key")
            return self.dialect.refusal("auth")
        if wanted.what == "create":
            return self._create(heard)
        if wanted.what == "poll":
            return self._poll(wanted.id)
        if wanted.what == "result":
            return self.dialect.result(self.tasks[wanted.id])
        if wanted.what == "cancel":
            return self.dialect.cancelled(self.tasks[wanted.id])
        if wanted.what == "find":
            return self.dialect.found(self._by_external_id(wanted.id))
        return Reply(404, {"error": "nothing is uploaded here"})

    def _create(self, heard: Heard) -> Reply:
        objection = self.dialect.objection(heard)
        if objection is not None:
            self.objections.append(objection)
            return self.dialect.refusal("parameter")
        mishap = self.befell[-1]
        if mishap in REFUSALS:
            return self.dialect.refusal(REFUSALS[mishap])
        if mishap == "rate_wait":
            return self.dialect.refusal("rate", RETRY_AFTER_S)
        if mishap == "server_before":
            return self.dialect.refusal("server")
        if mishap == "hang_up_before":
            raise HangUp
        if mishap == "gateway":
            return _page(502)
        reply = self.dialect.accepted(self._make(heard))
        if mishap == "server_after":
            return self.dialect.refusal("server")
        if mishap == "hang_up_after":
            raise HangUp
        if mishap == "malformed":
            return Reply(200, '{"half": ')
        if mishap == "slow":
            threading.Event().wait(SLOW_S)
            return reply
        assert mishap in {"well", "died"}, mishap
        return reply

    def _make(self, heard: Heard) -> VendorTask:
        number = len(self.tasks) + 1
        task = VendorTask(
            id=f"task-{number:04d}",
            state="queued",
            fault=None,
            clip_url=f"{self.url}{CLIPS}{number:04d}.mp4?signature=s3cr3t",
            body=heard.body if isinstance(heard.body, dict) else {},
            clip=self.clip,
        )
        self.tasks[task.id] = task
        self.asked[task.id] = 0
        return task

    def _poll(self, task_id: str) -> Reply:
        task = self.tasks.get(task_id)
        if task is None:
            return self.dialect.refusal("expired")
        mishap = self._mishap("poll")
        if mishap in REFUSALS:
            return self.dialect.refusal(REFUSALS[mishap])
        if mishap == "rate_wait":
            return self.dialect.refusal("rate", RETRY_AFTER_S)
        if mishap == "gateway":
            return _page(502)
        if mishap == "hang_up":
            raise HangUp
        if mishap == "malformed":
            return Reply(200, '{"half": ')
        if mishap == "strange":
            return self.dialect.status(task, STRANGE)
        assert mishap == "well", mishap
        states = self.scenario.states
        task.state = states[min(self.asked[task_id], len(states) - 1)]
        task.fault = self.scenario.fault if task.state == "failed" else None
        self.asked[task_id] += 1
        if self.scenario.fresh_links:
            task.clip_url = f"{task.clip_url.partition('?')[0]}?signature={self.asked[task_id]}"
        return self.dialect.status(task)

    def _by_external_id(self, external_id: str) -> VendorTask | None:
        return next((task for task in self.tasks.values() if external_id in json.dumps(task.body)), None)

    def _mishap(self, of: str) -> str:
        waiting = self._mishaps[of]
        if waiting:
            return waiting.pop(0)
        return (self.scenario.always or "well") if of == "download" else "well"

    def _death(self) -> str | None:
        """Whether the server is killed at this request."""
        dies = self.scenario.deaths.get(len(self.requests) + self.downloads)
        self.deaths += dies is not None
        return dies

    def storage(self, heard: Heard) -> str:
        """Which mishap a download has; notes keys that came along."""
        with self._lock:
            self.downloads += 1
            if self._death():
                raise Died
            if self.dialect.authorised_download and not heard.path.endswith(MOVED):
                if not self.dialect.authorised(heard):
                    self.objections.append(f"{heard.path} was fetched without the key")
                    return "expired"
                return self._mishap("download")
            self.stray_keys += [
                f"{name} at {heard.path}"
                for name, value in heard.headers.items()
                if name == "authorization" or any(key in value for key in self.dialect.secrets.values())
            ]
            return self._mishap("download")


def _page(status: int) -> Reply:
    return Reply(status, "<html><body><h1>Bad Gateway</h1></body></html>", {"Content-Type": "text/html"})

"""A vendor on the loopback interface that tries to break us.

It keeps tasks, counts what would be billed, and plays what a `Scenario` says; a `Dialect` puts it into one
vendor's words. It remembers whatever a test may want to know: requests, creates, objections, keys astray.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.adapters.remote.dialect import Dialect, Fault, Heard, Reply, VendorTask, Wanted

__all__ = ["Scenario", "VendorServer", "serving"]

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


class _HangUp(Exception):
    """Close the connection without a word."""


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
        self.url = ""
        self._mishaps = {
            "create": list(scenario.creates),
            "poll": list(scenario.polls),
            "download": list(scenario.downloads),
        }
        self._lock = threading.Lock()

    def creates(self) -> int:
        """How many creates reached the vendor."""
        return sum(wanted.what == "create" for wanted, _ in self.requests)

    def made(self, text: str = "") -> int:
        """How many tasks were made, and would be billed, whose request holds `text`."""
        return sum(text in json.dumps(task.body, ensure_ascii=False) for task in self.tasks.values())

    def questions(self) -> int:
        """How many questions for a task's state were asked."""
        return sum(wanted.what == "poll" for wanted, _ in self.requests)

    # -- what is answered -----------------------------------------------------------------------

    def answer(self, heard: Heard) -> Reply:
        """The reply to a request. Raises _HangUp where there shall be none."""
        with self._lock:
            wanted = self.dialect.wanted(heard)
            if wanted is None:
                self.objections.append(f"there is no {heard.method} {heard.path}")
                return Reply(404, {"error": "no such path"})
            self.requests.append((wanted, heard))
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
        mishap = self._mishap("create")
        if mishap in REFUSALS:
            return self.dialect.refusal(REFUSALS[mishap])
        if mishap == "rate_wait":
            return self.dialect.refusal("rate", RETRY_AFTER_S)
        if mishap == "server_before":
            return self.dialect.refusal("server")
        if mishap == "hang_up_before":
            raise _HangUp
        if mishap == "gateway":
            return _page(502)
        reply = self.dialect.accepted(self._make(heard))
        if mishap == "server_after":
            return self.dialect.refusal("server")
        if mishap == "hang_up_after":
            raise _HangUp
        if mishap == "malformed":
            return Reply(200, '{"half": ')
        if mishap == "slow":
            threading.Event().wait(SLOW_S)
            return reply
        assert mishap == "well", mishap
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
            raise _HangUp
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

    def storage(self, heard: Heard) -> str:
        """Which mishap a download has; notes keys that came along."""
        with self._lock:
            self.downloads += 1
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16
    disable_nagle_algorithm = True  # headers and body would wait 40 ms for each other
    vendor: VendorServer

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        heard = Heard(self.command, url.path, dict(parse_qsl(url.query)), headers, body)
        try:
            if heard.path.startswith(CLIPS):
                self._serve_clip(heard)
            else:
                self._reply(self.vendor.answer(heard))
        except _HangUp:
            self.close_connection = True
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # they had enough

    def _reply(self, reply: Reply) -> None:
        if isinstance(reply.body, bytes):
            content, kind = reply.body, "video/mp4"
        elif isinstance(reply.body, str):
            content, kind = reply.body.encode(), "application/json"
        else:
            content, kind = json.dumps(reply.body).encode(), "application/json"
        self._send(reply.status, content, {"Content-Type": kind, **reply.headers})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _serve_clip(self, heard: Heard) -> None:
        mishap, clip = self.vendor.storage(heard), self.vendor.clip
        video = {"Content-Type": "video/mp4"}
        if mishap == "well":
            self._send(200, clip, video)
        elif mishap == "expired":
            self._send(403, b"<Error>AccessDenied</Error>", {"Content-Type": "application/xml"})
        elif mishap == "server":
            self._send(503, b"later", {"Content-Type": "text/plain"})
        elif mishap == "truncated":
            self._send(200, clip[: len(clip) // 2], video | {"Content-Length": str(len(clip))})
            self.close_connection = True
        elif mishap == "corrupt":
            self._send(200, b"\x00" * len(clip), video)
        elif mishap == "page":
            self._send(200, b"<html>Sign in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif mishap in {"endless", "drip"}:
            self._never_end(clip, pause_s=0.02 if mishap == "drip" else 0.0)
        elif mishap == "redirect":
            target = heard.path.removesuffix(".mp4") + MOVED
            self._send(302, b"", {"Location": target})
        elif mishap == "redirect_to_file":
            self._send(302, b"", {"Location": "file:///etc/passwd"})
        else:
            assert mishap == "hang_up", mishap
            raise _HangUp

    def _never_end(self, clip: bytes, pause_s: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.end_headers()
        self.close_connection = True
        enough = threading.Event()
        for _ in range(5000):
            self.wfile.write(clip if not pause_s else clip[:16])
            enough.wait(pause_s)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, as ours may, is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(dialect: Dialect, clip: bytes, scenario: Scenario | None = None) -> Iterator[VendorServer]:
    """A vendor that listens on a free port while the block lasts."""
    vendor = VendorServer(dialect, clip, scenario or Scenario())
    handler = type("Handler", (_Handler,), {"vendor": vendor})
    with _Server(("127.0.0.1", 0), handler) as server:
        vendor.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()

"""A vendor listens on the loopback interface, is killed there and comes back at the same address."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.adapters.remote.dialect import Dialect, Heard, Reply
from tests.adapters.remote.server import CLIPS, MOVED, Died, HangUp, Scenario, VendorServer

__all__ = ["Address", "listening", "serving"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16
    disable_nagle_algorithm = True  # headers and body would wait 40 ms for each other
    vendor: VendorServer
    server: _Server

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
        except HangUp:
            self.close_connection = True
        except Died:
            self.close_connection = True
            self.server.die()
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
            raise HangUp

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
    allow_reuse_port = True

    def __init__(self, port: int, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.alive = True
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def die(self) -> None:
        """As a killed process: whoever is connected is cut off, whoever comes is refused."""
        self.alive = False
        self.shutdown()
        self.server_close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, as ours may, is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Address:
    """Where a vendor listens, also while its server is dead: the port is nobody else's."""

    def __init__(self, vendor: VendorServer) -> None:
        self._handler = type("Handler", (_Handler,), {"vendor": vendor})
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))
        self._port: int = self._held.getsockname()[1]
        vendor.url = f"http://127.0.0.1:{self._port}"
        self._server = _Server(self._port, self._handler)

    def rise(self) -> None:
        """Listen again, with the tasks that the vendor had."""
        if not self._server.alive:
            self._server = _Server(self._port, self._handler)

    def close(self) -> None:
        """Listen no more and let go of the port."""
        if self._server.alive:
            self._server.die()
        self._held.close()


@contextmanager
def listening(vendor: VendorServer) -> Iterator[Address]:
    """A vendor's address while the block lasts."""
    address = Address(vendor)
    try:
        yield address
    finally:
        address.close()


@contextmanager
def serving(dialect: Dialect, clip: bytes, scenario: Scenario | None = None) -> Iterator[VendorServer]:
    """A vendor that listens on a free port while the block lasts, and is not killed."""
    vendor = VendorServer(dialect, clip, scenario or Scenario())
    with listening(vendor):
        yield vendor

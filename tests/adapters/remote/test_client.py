"""Calls and how they end; what goes along with them, and what does not."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from evalharness.adapters.remote.client import Bounds, Client, NoAnswer, unanswered
from evalharness.adapters.remote.exchange import Answer, Call
from tests.adapters.remote.stage import install

KEY = {"Authorization": "Bearer very-secret-key-42"}
Handle = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


@contextmanager
def listening(handle: Handle) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def answering(body: bytes, status: int = 200) -> Handle:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("X-Heard", request.headers.get("Authorization", "nothing"))
        request.end_headers()
        request.wfile.write(body)

    return handle


def send(url: str, *, authorised: bool = True, bounds: Bounds | None = None) -> Answer | NoAnswer:
    async def sending() -> Answer | NoAnswer:
        async with Client(bounds) as client:
            return await client.send(Call("GET", url, authorised=authorised), KEY)

    return asyncio.run(sending())


def answered(url: str, *, authorised: bool = True) -> Answer:
    answer = send(url, authorised=authorised)
    assert isinstance(answer, Answer), answer
    return answer


def test_the_key_goes_to_authorised_calls_only() -> None:
    with listening(answering(b"{}")) as url:
        assert "[key]" not in answered(url).text
        assert answered(url).headers["x-heard"] == KEY["Authorization"]
        assert answered(url, authorised=False).headers["x-heard"] == "nothing"


@pytest.mark.parametrize(
    ("body", "parsed"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'{"a": NaN}', {"a": None}),
        (b'{"a": 1e999, "b": 1.5}', {"a": None, "b": 1.5}),
        (b'{"a": ', None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b"", None),
    ],
)
def test_a_body_is_json_or_nothing(body: bytes, parsed: object) -> None:
    with listening(answering(body)) as url:
        answer = answered(url)
    assert answer.body == parsed
    assert len(answer.text) <= 2000


def test_a_key_that_is_said_back_is_taken_out() -> None:
    with listening(answering(b'{"error": "bad key very-secret-key-42"}', 401)) as url:
        answer = answered(url)
    assert answer.body == {"error": "bad key [key]"}
    assert "secret" not in answer.text


def test_no_redirect_is_followed() -> None:
    def away(request: BaseHTTPRequestHandler) -> None:
        request.send_response(307)
        request.send_header("Location", "http://127.0.0.1:9/elsewhere")
        request.end_headers()

    with listening(away) as url:
        assert answered(url).status == 307


def test_an_answer_without_end_is_left() -> None:
    with listening(answering(b"x" * 2_000_000)) as url:
        ending = send(url, bounds=Bounds(answer_bytes=2**20))
    assert ending == NoAnswer("The answer is longer than 1 MiB and was left.", certain=False)


def test_silence_is_no_certainty() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        slow = send(url, bounds=Bounds(read_s=0.05))
        slower = send(url, bounds=Bounds(call_s=0.05))
    assert isinstance(slow, NoAnswer)
    assert isinstance(slower, NoAnswer)
    assert not slow.certain
    assert not slower.certain


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "ftp://a/", "https://[/"])
def test_what_never_left_certainly_did_not_arrive(url: str) -> None:
    ending = send(url)
    assert isinstance(ending, NoAnswer)
    assert ending.certain


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("slow"), True),
        (httpx.LocalProtocolError("Illegal header value b'Bearer very-secret-key-42'"), True),
        (httpx.ReadTimeout(""), False),
        (httpx.WriteTimeout(""), False),
        (httpx.WriteError(""), False),
        (httpx.ReadError(""), False),
        (httpx.RemoteProtocolError(""), False),
        (httpx.DecodingError(""), False),
        (httpx.ProxyError(""), False),
    ],
)
def test_endings(error: Exception, certain: bool) -> None:
    ending = unanswered(error)
    assert ending.certain is certain
    assert ending.why.endswith(".")
    assert "secret" not in ending.why


@contextmanager
def hanging_up_on_the_second_call() -> Iterator[str]:
    """Answers the first call of a connection, promises to keep it, and closes it at the next."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as heard:
            length = 0
            while (line := heard.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            heard.read(length)
            connection.sendall(answer)
            heard.readline()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_create_never_goes_over_a_connection_that_its_vendor_may_be_closing() -> None:
    async def twice(method: str) -> list[Answer | NoAnswer]:
        async with Client() as client:
            return [await client.send(Call(method, url, json={}), KEY) for _ in range(2)]

    with hanging_up_on_the_second_call() as url:
        assert all(isinstance(ending, Answer) for ending in asyncio.run(twice("POST")))
        first, second = asyncio.run(twice("GET"))  # a question may be asked again
        assert isinstance(first, Answer)
        assert isinstance(second, NoAnswer)
        assert not second.certain

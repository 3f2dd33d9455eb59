"""What no request may do and every response carries, tried on a real arena and on the guard alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from arena_ui.guard import LARGEST_BODY, PAGES, Guard
from evalharness.config import Study

ROOT = Path(__file__).parents[2]
HIDDEN = (
    "/_stcore/metrics",
    "/_stcore/agent/mcp",
    "/_stcore/%6detrics",
    "/vote/_stcore/metrics",
    "//_stcore/metrics",
    "/_stcore/../_stcore/metrics",
    "/_stcore/upload_file",
    "/_stcore/upload_file/session/file",
    "/auth/login",
    "/oauth2callback",
)


async def echo(request: Request) -> PlainTextResponse:
    reply = PlainTextResponse(f"{len(await request.body())}")
    reply.set_cookie("plain", "1")
    reply.set_cookie("safe", "1", secure=True)
    return reply


def guarded(*allowed_hosts: str) -> Starlette:
    return Starlette(
        routes=[Route("/{path:path}", echo, methods=["GET", "POST"])],
        middleware=[
            Middleware(ProxyHeadersMiddleware, trusted_hosts=["127.0.0.1"]),
            Middleware(Guard, allowed_hosts=allowed_hosts),
        ],
    )


def ask(
    app: Starlette,
    method: str,
    path: str,
    host: str = "study.example.org",
    headers: dict[str, str] | None = None,
    content: Any = None,
) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 4242))
        async with httpx.AsyncClient(transport=transport, base_url="http://arena.test") as client:
            return await client.request(
                method, path, headers={"Host": host, **(headers or {})}, content=content
            )

    return asyncio.run(once())


def test_only_pages_that_exist_are_pages(
    make_study: Callable[..., Study], serve: Callable[[Study], Any]
) -> None:
    url = serve(make_study(prompts=3)).url
    with httpx.Client(base_url=url) as client:
        for page in sorted(PAGES):
            assert client.get(page).status_code == 200, page
            assert "<title>Streamlit" in client.get(page).text
        for path in ("/wp-login.php", "/admin", "/vote/x", "/.env", "/index.html", "/s", "/Vote"):
            reply = client.get(path)
            assert reply.status_code == 404, path
            assert "no such page" in reply.text
            assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
            assert client.head(path).status_code == 404, path
        assert client.get("/vote/").status_code == 301
        script = re.search(r'src="\.?(/static/js/[^"]+)"', client.get("/").text)
        assert script is not None
        assert "immutable" in client.get(script[1]).headers["cache-control"]
        assert client.get("/_stcore/health").text == "ok"
        for hidden in HIDDEN:
            reply = client.get(hidden)
            assert reply.status_code in (400, 404), hidden
            assert "active_sessions" not in reply.text
        # What is uploaded would be kept in memory, by whoever opened a page, for as long as it is open.
        upload = client.put("/_stcore/upload_file/session/file", content=b"x")
        assert (upload.status_code, upload.json()["kind"]) == (404, "closed")
        large = client.post(
            "/api/vote", content=b"x" * (LARGEST_BODY + 1), headers={"X-Arena": "1", "Origin": url}
        )
        assert large.status_code == 413


def test_the_guard_knows_the_pages_that_the_app_has() -> None:
    source = (ROOT / "arena_ui" / "app.py").read_text(encoding="utf-8")
    assert {"/", *(f"/{path}" for path in re.findall(r'url_path="([^"]+)"', source))} == PAGES


def test_an_arena_answers_to_its_own_names_alone() -> None:
    app = guarded("study.example.org", "*.lab.example")
    for host in ("study.example.org", "STUDY.example.org:8443", "a.lab.example", "study.example.org."):
        assert ask(app, "GET", "/", host).status_code == 200, host
    for host in (
        "evil.example",
        "study.example.org.evil.example",
        "lab.example",
        "127.0.0.1:8501",
        "[::1]",
        "[::1",
    ):
        assert ask(app, "GET", "/", host).status_code == 421, host
        assert ask(app, "GET", "/healthz", host).status_code == 200, host
    assert ask(guarded(), "GET", "/", "any.example").status_code == 200


def test_a_websocket_under_another_name_is_closed() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def connect() -> None:
        async def receive() -> MutableMapping[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        headers = [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
        await guarded("study.example.org")(
            {"type": "websocket", "path": "/_stcore/stream", "headers": headers, "client": None},
            receive,
            send,
        )

    asyncio.run(connect())
    assert [(each["type"], each["code"]) for each in sent] == [("websocket.close", 1008)]


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b"x" * LARGEST_BODY, 200),
        ({}, b"x" * (LARGEST_BODY + 1), 413),
        ({"Content-Length": "9" * 40}, b"x", 413),
        ({"Content-Length": "0" * 20 + "999999999"}, b"x", 413),
        ({"Content-Length": "-1"}, b"x", 411),
        ({"Transfer-Encoding": "chunked"}, b"x", 411),
    ],
)
def test_bodies_are_small_and_say_so(headers: dict[str, str], content: bytes, status: int) -> None:
    assert ask(guarded(), "POST", "/somewhere", content=content, headers=headers).status_code == status


def test_a_body_without_an_end_is_not_waited_for() -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 1024

    assert ask(guarded(), "POST", "/somewhere", content=endless()).status_code == 411
    for method in ("GET", "DELETE"):
        assert ask(guarded(), method, "/x", headers={"Transfer-Encoding": "chunked"}).status_code == 411
        assert ask(guarded(), method, "/x", headers={"Content-Length": "99999"}).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Arena": "1"},
        {"Origin": "http://evil.example", "X-Arena": "1"},
        {"Origin": "null", "X-Arena": "1"},
        {"Origin": "http://[", "X-Arena": "1"},
        {"Origin": "study.example.org", "X-Arena": "1"},
        {"Origin": "http://study.example.org"},
        {"Origin": "http://study.example.org.evil.example", "X-Arena": "1"},
    ],
)
def test_votes_are_taken_from_the_arenas_own_page_alone(headers: dict[str, str]) -> None:
    assert ask(guarded(), "POST", "/api/vote", headers=headers).status_code == 403


def test_behind_tls_every_cookie_is_secure() -> None:
    plain = ask(guarded(), "GET", "/").headers.get_list("set-cookie")
    assert [("Secure" in each) for each in plain] == [False, True]
    tls = ask(guarded(), "GET", "/", headers={"X-Forwarded-Proto": "https"}).headers.get_list("set-cookie")
    assert [each.count("Secure") for each in tls] == [1, 1]


def test_only_the_sites_that_the_study_names_may_frame_it() -> None:
    def headers(**framing: Sequence[str]) -> httpx.Headers:
        route = Route("/", echo)
        return ask(Starlette(routes=[route], middleware=[Middleware(Guard, **framing)]), "GET", "/").headers

    plain = headers()
    assert plain["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in plain["content-security-policy"]
    assert "form-action 'self';" in plain["content-security-policy"]
    framed = headers(embedded_in=["https://worker.mturk.com"], submits_to=["https://*.mturk.com"])
    assert "x-frame-options" not in framed
    assert "frame-ancestors https://worker.mturk.com" in framed["content-security-policy"]
    assert "form-action 'self' https://*.mturk.com;" in framed["content-security-policy"]

"""Log-in: right and wrong passwords, too many tries, cookies that are forged, expired or ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from arena_ui.faults import Faults
from arena_ui.guard import Guard
from arena_ui.owner import asgi
from arena_ui.owner.accounts import FILE, set_password
from arena_ui.owner.doors import LOGIN, LOGOUT, TRIES, Doorman, build_doors
from arena_ui.owner.identity import from_elsewhere
from arena_ui.owner.office import Office
from arena_ui.owner.roles import NotAllowed, Person, Role
from arena_ui.owner.sessions import COOKIE, LIFE_S, Sessions
from evalharness.errors import MissingExtraError
from tests.arena_ui.owner.conftest import PASSWORD

ORIGIN = "http://owner.test"
HONEST = {"Origin": ORIGIN, "X-Arena": "1"}


def inside(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("the study")


def front(office: Office, *, elsewhere: bool = False) -> Starlette:
    return Starlette(
        routes=[*build_doors(office, elsewhere=elsewhere), Route("/{path:path}", inside)],
        middleware=[
            Middleware(Guard, has_log_in=True),
            Middleware(Faults),
            Middleware(Doorman, office=office, elsewhere=elsewhere),
        ],
    )


def with_client(app: Starlette, visit: Callable[[httpx.AsyncClient], Any]) -> Any:
    async def once() -> Any:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 4242))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await visit(client)

    return asyncio.run(once())


async def log_in(
    client: httpx.AsyncClient, name: object = "ada", password: object = PASSWORD, **headers: str
) -> httpx.Response:
    return await client.post(LOGIN, json={"name": name, "password": password}, headers={**HONEST, **headers})


def test_the_right_password_opens_and_logging_out_closes(office: Office) -> None:
    async def visit(client: httpx.AsyncClient) -> None:
        assert (await client.get("/results")).status_code == 401
        assert (await log_in(client)).json() == {"name": "ada", "role": "owner"}
        assert (await client.get("/results")).text == "the study"
        assert "You are logged in as ada (owner)." in (await client.get(LOGIN)).text
        cookie = client.cookies[COOKIE]
        await client.post(LOGOUT, headers=HONEST)
        assert COOKIE not in client.cookies
        for spelling in (cookie, f"{cookie}!", f"{cookie}="):
            client.cookies.set(COOKIE, spelling)
            assert (await client.get("/results")).status_code == 401, "the old cookie is of no use"

    with_client(front(office), visit)
    assert [(each.author, each.action) for each in office.store.audit()] == [
        ("ada", "logged in"),
        ("ada", "logged out"),
    ]


def test_the_cookie_is_out_of_scripts_reach(office: Office) -> None:
    async def visit(client: httpx.AsyncClient) -> str:
        return (await log_in(client)).headers["set-cookie"]

    cookie = with_client(front(office), visit).lower()
    assert "; httponly" in cookie
    assert "; samesite=strict" in cookie
    assert f"max-age={LIFE_S}" in cookie


def test_nobody_sees_anything_before(office: Office) -> None:
    async def visit(client: httpx.AsyncClient) -> None:
        for path in ("/", "/results", "/_stcore/health", "/static/index.js", "/media/x.csv", "/auth/login"):
            assert (await client.get(path)).status_code == 401, path
        page = await client.get("/results", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, LOGIN)
        assert '<a href="/" hidden>' in (await client.get(LOGIN)).text

    with_client(front(office), visit)


def test_a_websocket_without_a_session_is_closed(office: Office) -> None:
    sent: list[Any] = []

    async def connect() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": []}
        await Doorman(front(office), office, elsewhere=False)(scope, receive, send)

    asyncio.run(connect())
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "log in first"}]


@pytest.mark.parametrize(("name", "kept"), [("ada", "ada"), (PASSWORD, "an unknown name")])
def test_a_wrong_password_is_refused_and_kept_nowhere(
    office: Office, caplog: pytest.LogCaptureFixture, name: str, kept: str
) -> None:
    async def visit(client: httpx.AsyncClient) -> httpx.Response:
        return await log_in(client, name, "not it: hunter2hunter2")

    with caplog.at_level(logging.DEBUG):
        reply = with_client(front(office), visit)
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers
    (entry,) = office.store.audit()
    assert (entry.author, entry.action, entry.details["name"]) == ("nobody", "log-in refused", kept)
    for told in (reply.text, caplog.text, str(entry)):
        assert "hunter2" not in told
        assert PASSWORD not in told


def test_a_name_may_be_tried_only_so_often(office: Office) -> None:
    async def visit(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await log_in(client, "ada", "wrong password") for _ in range(TRIES["name"] + 1)]

    *tried, last = with_client(front(office), visit)
    assert {reply.status_code for reply in tried} == {401}
    assert last.status_code == 429
    assert 1 <= int(last.headers["retry-after"]) <= 60
    assert "too many tries" in last.json()["error"]
    assert len(office.store.audit()) == TRIES["name"], "a flood does not fill the audit"


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.test"}, {"Origin": "null"}])
def test_another_site_cannot_log_anybody_in(office: Office, headers: dict[str, str]) -> None:
    async def visit(client: httpx.AsyncClient) -> httpx.Response:
        return await log_in(client, **headers)

    assert with_client(front(office), visit).status_code == 403


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"name": "ada"}', b'{"name": 3, "password": []}', b"[" * 10_000]
)
def test_a_log_in_that_is_none_is_a_sentence(office: Office, content: bytes) -> None:
    async def visit(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(LOGIN, content=content, headers=HONEST)

    reply = with_client(front(office), visit)
    assert reply.status_code == 422
    assert reply.json() == {"error": "The log-in was not understood. Reload the page."}


def test_accounts_that_cannot_be_read_let_nobody_in(office: Office) -> None:
    (office.study.folder / FILE).chmod(0o644)

    async def visit(client: httpx.AsyncClient) -> httpx.Response:
        assert (await client.get("/")).status_code == 401
        return await log_in(client)

    reply = with_client(front(office), visit)
    assert reply.status_code == 503
    assert "chmod 600" in reply.json()["error"]


def test_sessions_end_at_their_time(office: Office) -> None:
    now = [1000.0]
    sessions = Sessions(60, lambda: now[0])
    ada = office.accounts.passwords["ada"]
    cookie = sessions.begin(ada)
    now[0] = 1059.0
    assert sessions.who(cookie, office.accounts) == Person("ada", Role.OWNER)
    now[0] = 1060.0
    assert sessions.who(cookie, office.accounts) is None


def test_any_other_letter_anywhere_breaks_the_cookie(office: Office) -> None:
    cookie = office.sessions.begin(office.accounts.passwords["ada"])
    assert office.sessions.who(cookie, office.accounts) is not None
    for place in range(len(cookie)):
        forged = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert office.sessions.who(forged, office.accounts) is None, place
    other_spellings = (
        f"{cookie}!",
        f"{cookie}=",
        f" {cookie}",
        f"{cookie[:9]}\n{cookie[9:]}",
        f"{cookie}AAAA",
    )
    for forged in ("", "é", "====", cookie[:40], cookie * 9, None, *other_spellings):
        assert office.sessions.who(forged, office.accounts) is None
    other = Sessions().begin(office.accounts.passwords["ada"])
    assert office.sessions.who(other, office.accounts) is None, "another process has another key"


def test_sessions_end_with_the_password_and_follow_the_role(office: Office) -> None:
    cookie = office.sessions.begin(office.accounts.passwords["ada"])
    file = office.study.folder / FILE
    file.write_text(file.read_text(encoding="utf-8").replace('"owner"', '"viewer"'), encoding="utf-8")
    assert office.sessions.who(cookie, office.accounts) == Person("ada", Role.VIEWER)
    set_password(office.study.folder, "ada", Role.OWNER, PASSWORD)
    assert office.sessions.who(cookie, office.accounts) is None


def test_who_was_demoted_or_removed_is_so_at_once(office: Office) -> None:
    ada, file = Person("ada", Role.OWNER), office.study.folder / FILE
    assert office.as_of_now(ada) == ada
    file.write_text(file.read_text(encoding="utf-8").replace('"owner"', '"viewer"'), encoding="utf-8")
    assert office.as_of_now(ada) == Person("ada", Role.VIEWER)
    file.unlink()
    with pytest.raises(NotAllowed, match="ada may not log in to this study any more"):
        office.as_of_now(ada)
    assert (office.store.audit()[-1].author, office.store.audit()[-1].action) == ("ada", "refused")


def test_a_log_in_elsewhere_that_cannot_be_is_said_at_the_start(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "get_secrets_auth_section", lambda: {"client_id": "x"})
    monkeypatch.setattr(asgi, "is_authlib_installed", lambda: False)
    with pytest.raises(MissingExtraError, match="needs Authlib"):
        asgi.build(office.study.folder)


CLAIMS = {"is_logged_in": True, "email": "Grace@example.org", "email_verified": True}


@pytest.mark.parametrize(
    ("claims", "known"),
    [
        (CLAIMS, True),
        ({**CLAIMS, "email_verified": False}, False),
        ({**CLAIMS, "email_verified": "true"}, False),
        ({"is_logged_in": True, "email": "grace@example.org"}, False),
        ({**CLAIMS, "is_logged_in": False}, False),
        ({**CLAIMS, "email": "mallory@example.org"}, False),
        ({}, False),
    ],
)
def test_a_log_in_elsewhere_needs_a_verified_address_that_is_known(
    office: Office, claims: dict[str, Any], known: bool
) -> None:
    with (office.study.folder / FILE).open("a", encoding="utf-8") as file:
        file.write('"grace@example.org" = "analyst"\n')
    expected = Person("grace@example.org", Role.ANALYST) if known else None
    assert from_elsewhere(office, claims) == expected


def test_where_a_log_in_elsewhere_is_offered_streamlit_is_reached(office: Office) -> None:
    async def visit(client: httpx.AsyncClient) -> None:
        for path in ("/", "/auth/login", "/oauth2callback"):
            assert (await client.get(path)).text == "the study"
        assert '<a href="/" hidden>' not in (await client.get(LOGIN)).text

    with_client(front(office, elsewhere=True), visit)

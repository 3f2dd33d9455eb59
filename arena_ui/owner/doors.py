"""Log in, log out, and a middleware that lets nobody past without it.

    GET  /owner/login    a page of its own: no Streamlit before the log-in
    POST /owner/login    {"name", "password"} -> 200 and the cookie; 401, 422, 429 with a sentence
    POST /owner/logout   ends the session

Where Streamlit has an `[auth]` section, a log-in elsewhere is offered too. That needs Streamlit's page, so
the doorman then lets everybody as far as that, and the page's script asks who they are.
"""

from __future__ import annotations

import asyncio
import json
import math
from html import escape
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from arena_ui.addresses import network_of
from arena_ui.limits import Bucket
from arena_ui.look import asset
from arena_ui.owner.accounts import fits
from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.sessions import COOKIE, LIFE_S
from evalharness.errors import ConfigError

__all__ = ["LOGIN", "TRIES", "Doorman", "build_doors", "somebody"]

LOGIN, LOGOUT = "/owner/login", "/owner/logout"
OPEN = (LOGIN, LOGOUT)
TRIES = {"name": 10, "network": 20, "all": 60}
"""Log-ins a minute for one name, from one network, and altogether; each costs a tenth of a second."""
AT_ONCE = 2
"""Passwords tried at a time, 32 MiB each."""
PRIVATE = {"Cache-Control": "private, no-store"}
WRONG = "This name and this password do not belong together. Nothing was opened."
TOO_MANY = "There were too many tries. Wait {seconds} s and try again; whoever is logged in stays so."
NOT_UNDERSTOOD = "The log-in was not understood. Reload the page."
LOG_IN_FIRST = "Log in first."


def somebody(office: Office, cookie: str | None) -> Person | None:
    """Who is logged in by this cookie; nobody, while the accounts cannot be read."""
    try:
        return office.sessions.who(cookie, office.accounts)
    except ConfigError:
        return None


def build_doors(office: Office, *, elsewhere: bool) -> list[Route]:
    """The routes; `elsewhere`: whether a log-in by OIDC is offered, too."""
    doors = _Doors(office, elsewhere)
    return [
        Route(LOGIN, doors.page, methods=["GET"]),
        Route(LOGIN, doors.log_in, methods=["POST"]),
        Route(LOGOUT, doors.log_out, methods=["POST"]),
    ]


class _Doors:
    def __init__(self, office: Office, elsewhere: bool) -> None:
        self._office, self._elsewhere = office, elsewhere
        self._tries = {kind: Bucket(most) for kind, most in TRIES.items()}
        self._trying = asyncio.Semaphore(AT_ONCE)

    async def page(self, request: Request) -> Response:
        person = somebody(self._office, request.cookies.get(COOKIE))
        marks = {
            "{{study}}": escape(self._office.study.settings.name),
            "{{person}}": escape(f"{person.name} ({person.role})") if person else "",
            "{{known}}": "" if person else "hidden",
            "{{unknown}}": "hidden" if person else "",
            "{{elsewhere}}": "" if self._elsewhere and not person else "hidden",
        }
        page = asset(__file__, "login.html")
        for mark, words in marks.items():
            page = page.replace(mark, words)
        return HTMLResponse(page, headers=PRIVATE)

    async def log_in(self, request: Request) -> Response:
        name, password = await _credentials(request)
        if name is None or password is None:
            return _error(422, NOT_UNDERSTOOD)
        try:
            account = self._office.accounts.passwords.get(name)
        except ConfigError as error:
            return _error(503, str(error))
        network = network_of(request.client.host) if request.client else ""
        keys = {"name": name, "network": network, "all": ""}
        wait_s = max(self._tries[kind].wait_s(key) for kind, key in keys.items())
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            return _error(429, TOO_MANY.format(seconds=seconds), {"Retry-After": str(seconds)})
        for kind, key in keys.items():
            self._tries[kind].count(key)
        async with self._trying:
            right = await run_in_threadpool(fits, account, password)
        if not right or account is None:
            # A name that is nobody's may be a password in the wrong field: it is not kept.
            of = account.name if account else "an unknown name"
            await run_in_threadpool(self._office.note, None, "log-in refused", name=of, network=network)
            return _error(401, WRONG)
        person = Person(account.name, account.role)
        await run_in_threadpool(self._office.note, person, "logged in", network=network)
        reply = JSONResponse({"name": person.name, "role": person.role}, headers=PRIVATE)
        reply.set_cookie(
            COOKIE,
            self._office.sessions.begin(account),
            max_age=LIFE_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return reply

    async def log_out(self, request: Request) -> Response:
        cookie = request.cookies.get(COOKIE)
        person = somebody(self._office, cookie)
        if person:
            self._office.sessions.end(cookie)
            await run_in_threadpool(self._office.note, person, "logged out")
        reply = JSONResponse({"out": True}, headers=PRIVATE)
        reply.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return reply


class Doorman:
    """Without a session: pages lead to the log-in, everything else is 401, websockets are closed."""

    def __init__(self, app: ASGIApp, office: Office, *, elsewhere: bool) -> None:
        self._app, self._office, self._elsewhere = app, office, elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket") or self._elsewhere or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if somebody(self._office, cookie_parser(headers.get("cookie", "")).get(COOKIE)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "log in first"})
        elif scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            await RedirectResponse(LOGIN, 303, headers=PRIVATE)(scope, receive, send)
        else:
            await _error(401, LOG_IN_FIRST)(scope, receive, send)


async def _credentials(request: Request) -> tuple[str | None, str | None]:
    """Name and password of the request's JSON; the guard has seen to its size."""
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None, None
    fields = [body.get(name) for name in ("name", "password")] if isinstance(body, dict) else [None, None]
    name, password = (each if isinstance(each, str) and each else None for each in fields)
    return name, password


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status, {**PRIVATE, **(headers or {})})

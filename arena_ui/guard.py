"""What every response carries, and what no request may do: one ASGI middleware.

- A request names a host that the study allows, where it allows only some.
- A POST to our routes, and the page's websocket, come from our own page: their Origin is this host. A POST
  has the header `X-Arena` too, which a form or an image on another site cannot send.
- A body says its length, and is small.
- A path that is no page is answered 404; Streamlit by itself answers any path with the first page.
- No websocket message names the folder this package lies in.
- Streamlit's metrics and agent routes do not exist for visitors.
- No header links two showings of one file: no ETag, no Last-Modified on clips. (Their coded pictures are the
  same bytes, as the same pictures must be; whoever stores two showings can compare those.)
- Over TLS every cookie is Secure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PAGES", "Guard"]

PAGES = frozenset({"/", "/vote", "/leaderboard", "/own-board", "/you", "/about"})
"""Paths of the voters' pages, as `app.py` names them."""
NO_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>No such page</title>
<p>There is no such page here. <a href="/">To the study</a></p></html>"""
LARGEST_BODY = 65_536
BODILESS = ("GET", "HEAD", "OPTIONS", "DELETE")
HEALTH = ("/healthz", "/readyz")
PORT = re.compile(r":\d*$")
CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/upload_file")
"""Routes of Streamlit's that no page here uses: what is uploaded would be kept in memory."""
LOG_INS = ("/auth/", "/oauth2callback")
"""Those of a log-in by a provider, which voters have not."""
POSTED_TO = ("/api/", "/owner/")
DIRECTIVES = {
    "default-src": "'self'",
    # Streamlit's bundle builds functions from text, and mounts components from blobs.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' blob: data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PLACE = str(Path(__file__).parent).encode()
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Checks requests and dresses responses.

    `allowed_hosts`: names, or "*.name"; empty for any. `pages`: the paths at which Streamlit has a page.
    `embedded_in`: origins that may show it in a frame. `submits_to`: origins to which it may hand in a form.
    `has_log_in`: whether people log in by a provider.
    """

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: Sequence[str] = (),
        pages: frozenset[str] = PAGES,
        embedded_in: Sequence[str] = (),
        submits_to: Sequence[str] = (),
        has_log_in: bool = False,
    ) -> None:
        self._app, self._pages = app, pages
        self._closed = CLOSED if has_log_in else CLOSED + LOG_INS
        self._allowed_hosts = tuple(host.lower() for host in allowed_hosts)
        self._policy = _policy(embedded_in, submits_to)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._refusal(scope)
            send = _dressed(self._policy, scope, send)
            await (refused or self._app)(scope, receive, _astray(self._pages, scope, receive, send))
        elif not (self._host_is_allowed(scope) and _is_from_here(Headers(scope=scope))):
            await send({"type": "websocket.close", "code": 1008, "reason": "not from this arena's own page"})
        else:
            await self._app(scope, receive, _without_our_place(send))

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        path, headers = scope["path"], Headers(scope=scope)
        if path.startswith(self._closed):
            return _refused(404, "closed", "There is nothing here.")
        if not self._host_is_allowed(scope):
            return _refused(421, "host", "This arena does not go by that name.")
        length = headers.get("content-length", "0" if scope["method"] in BODILESS else "")
        if "transfer-encoding" in headers or not length.isdecimal():
            return _refused(411, "length", "A request's body has to say how long it is.")
        if int(length.lstrip("0")[:20] or "0") > LARGEST_BODY:
            return _refused(413, "large", f"A request has {LARGEST_BODY} bytes at most.")
        ours = _is_from_here(headers) and "x-arena" in headers
        if path.startswith(POSTED_TO) and scope["method"] == "POST" and not ours:
            return _refused(403, "origin", "This is taken from this arena's own page alone.")
        return None

    def _host_is_allowed(self, scope: Scope) -> bool:
        """Health routes answer to any name: who looks after a process knows its address alone."""
        if not self._allowed_hosts or scope["path"] in HEALTH:
            return True
        host = Headers(scope=scope).get("host", "").lower()
        host = PORT.sub("", host).removesuffix(".")
        return any(
            host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
            for allowed in self._allowed_hosts
        )


def _policy(embedded_in: Sequence[str], submits_to: Sequence[str]) -> dict[str, str]:
    """The headers that say what the page may load, whose frame it may be in, and where its forms go."""
    own = {
        "frame-ancestors": " ".join(embedded_in) or "'none'",
        "form-action": " ".join(("'self'", *submits_to)),
    }
    directives = "; ".join(f"{name} {sources}" for name, sources in {**DIRECTIVES, **own}.items())
    return {
        "Content-Security-Policy": directives,
        **({} if embedded_in else {"X-Frame-Options": "DENY"}),  # which knows no origins
    }


def _is_from_here(headers: Headers) -> bool:
    """Whether the request's Origin, which a browser writes and no page can, is the host it goes to."""
    scheme, _, origin = headers.get("origin", "").partition("://")
    return scheme in ("http", "https") and origin == headers.get("host")


def _refused(status: int, kind: str, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence, "kind": kind}, status_code=status)


def _dressed(policy: Mapping[str, str], scope: Scope, send: Send) -> Send:
    own = scope["path"].startswith(("/api/", "/clip/", "/picture/"))

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**HEADERS, **policy}.items():
                headers[name] = value
            if own:
                for name in ("etag", "last-modified", "server"):
                    if name in headers:
                        del headers[name]
            if scope["scheme"] == "https":
                message = {**message, "headers": [_secure(*header) for header in message["headers"]]}
        await send(message)

    return dressed


def _secure(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    plain_cookie = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; Secure" if plain_cookie else value


def _astray(pages: frozenset[str], scope: Scope, receive: Receive, send: Send) -> Send:
    """A `send` that puts 404 in place of the first page, Streamlit's answer to any path it does not know."""
    astray = False

    async def instead(message: Message) -> None:
        nonlocal astray
        if message["type"] == "http.response.start":
            astray = (
                isinstance(scope.get("endpoint"), StaticFiles)
                and scope["path"] not in pages
                and Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
            )
            if astray:
                reply: Response = HTMLResponse(NO_PAGE, 404, {"Cache-Control": "no-store"})
                await reply(scope, receive, send)
        if not astray:
            await send(message)

    return instead


def _without_our_place(send: Send) -> Send:
    """A websocket's `send` that tells nobody where on this machine the arena lies.

    Streamlit opens each session by naming its script's full path. As many other letters take its place:
    in a protocol buffer a text's length stands before it.
    """

    async def hidden(message: Message) -> None:
        data = message.get("bytes") if message["type"] == "websocket.send" else None
        await send({**message, "bytes": data.replace(PLACE, b"-" * len(PLACE))} if data else message)

    return hidden

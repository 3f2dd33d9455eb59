"""What every response carries, and what no request may do: one ASGI middleware.

- A POST to /api/ comes from our own page: its Origin is this host and it has the header `X-Arena`, which
  a form or an image on another site cannot send.
- No websocket message names the folder this package lies in.
- Streamlit's metrics and agent routes do not exist for visitors.
- No header links two showings of one file: no ETag, no Last-Modified on clips. (Their coded pictures are the
  same bytes, as the same pictures must be; whoever stores two showings can compare those.)
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

CLOSED = ("/_stcore/metrics", "/_stcore/agent")
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
POLICY = "; ".join(f"{name} {sources}" for name, sources in DIRECTIVES.items())
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Checks requests and dresses responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, _without_our_place(send))
            return
        path, own = scope["path"], scope["path"].startswith(("/api/", "/clip/", "/picture/"))

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if own:
                    for name in ("etag", "last-modified", "server"):
                        if name in headers:
                            del headers[name]
            await send(message)

        refused = _refusal(scope, path)
        await (refused or self._app)(scope, receive, dressed)


def _without_our_place(send: Send) -> Send:
    """A websocket's `send` that tells nobody where on this machine the arena lies.

    Streamlit opens each session by naming its script's full path. As many other letters take its place:
    in a protocol buffer a text's length stands before it.
    """

    async def hidden(message: Message) -> None:
        data = message.get("bytes") if message["type"] == "websocket.send" else None
        await send({**message, "bytes": data.replace(PLACE, b"-" * len(PLACE))} if data else message)

    return hidden


def _refusal(scope: Scope, path: str) -> JSONResponse | None:
    if path.startswith(CLOSED):
        return JSONResponse({"error": "There is nothing here.", "kind": "closed"}, status_code=404)
    if path.startswith("/api/") and scope["method"] == "POST":
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or urlsplit(origin).netloc != headers.get("host") or "x-arena" not in headers:
            return JSONResponse(
                {"error": "Votes are taken from this arena's own page alone.", "kind": "origin"},
                status_code=403,
            )
    return None

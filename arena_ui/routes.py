"""The stateless routes beside the pages: next, vote, clips, first pictures. Joining and leaving: door.py.

    POST /api/next   {}                 -> {pairs, done, total, finished, rest, back_in_s}
    POST /api/vote   {ticket, answers, evidence, receipts, nonce}    -> {saved, again, nonce, and as next}
    POST /api/fault  {ticket, kind, nonce}                           -> as vote; the pair is put aside
    GET  /clip/{token}    one showing of one clip, to the voter whose pair it is of; ranges allowed
    GET  /picture/{token} a picture that a prompt goes with, to the same

Errors are {"error": one sentence, "kind": label}. 401: join first. 403: trials come first, see screening/.
409: the pair has other answers, and nothing was changed. 410: the pair waited too long, and is somebody
else's. 422: the vote does not count, and why. 425: sent before the clips can have been watched; the same
request is taken after `retry_after_s`.
`nonce` is echoed, so that a page can tell replies apart; what makes a vote safe to repeat is the battle it is
for.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import shake_256
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arena_ui.booth import Booth, Clip, Conflict, Round, Saved
from arena_ui.door import door_routes
from arena_ui.replies import COOKIE, PRIVATE, body_of, error, join_first
from arena_ui.screening.routes import screening_routes, trials_first
from evalharness.media.boxes import free_box, served_bytes, spare_region
from evalharness.records import Voter
from evalharness.votes import Refusal, RefusalKind

__all__ = ["COOKIE", "build_routes"]

VOTES_AT_ONCE = 4
"""Threads that settle votes. More of them get in each other's way: they mostly compute, one at a time."""
LONGEST_NUMBER = 18
"""Digits of a byte position that can mean anything."""
REFUSED_WITH = {
    RefusalKind.MALFORMED: 422,
    RefusalKind.UNSEEN: 422,
    RefusalKind.TOO_SOON: 425,
    RefusalKind.EXPIRED: 410,
}


def build_routes(booth: Booth, consent_versions: Mapping[str, str]) -> list[Route]:
    """All routes over one booth; the versions of the consent are by language of the pages."""
    desk = _Desk(booth)
    return [
        *door_routes(booth.people, booth.recruiting, booth.languages, consent_versions),
        *screening_routes(booth.people, booth.trials),
        Route("/api/next", desk.next, methods=["POST"]),
        Route("/api/vote", desk.vote, methods=["POST"]),
        Route("/api/fault", desk.fault, methods=["POST"]),
        Route("/clip/{token}", desk.clip, methods=["GET"]),
        Route("/picture/{token}", desk.picture, methods=["GET"]),
    ]


class _Desk:
    """The handlers; each only reads the request, asks the booth, and words the reply."""

    def __init__(self, booth: Booth) -> None:
        self._booth = booth
        self._settling = CapacityLimiter(VOTES_AT_ONCE)

    async def next(self, request: Request) -> Response:
        voter = await self._voter(request)
        if voter is None:
            return join_first()
        shown = await run_in_threadpool(self._round, voter)
        if shown is None:
            return trials_first()
        return JSONResponse(shown.as_json(), headers=PRIVATE)

    def _round(self, voter: Voter) -> Round | None:
        """None before the voter is through with their trials."""
        return self._booth.round(voter) if self._booth.trials.is_through(voter) else None

    async def vote(self, request: Request) -> Response:
        return await self._settle(request, self._cast)

    async def fault(self, request: Request) -> Response:
        return await self._settle(request, self._report)

    async def _settle(
        self, request: Request, act: Callable[[Voter, dict[str, Any]], Saved | Conflict | Refusal]
    ) -> Response:
        body = await body_of(request)
        if body is None:
            return error(422, "malformed", "The vote was not understood. Nothing was saved; reload the page.")
        secret = request.cookies.get(COOKIE)
        ending = await to_thread.run_sync(self._and_next, act, secret, body, limiter=self._settling)
        if isinstance(ending, Response):
            return ending
        if isinstance(ending, Conflict):
            return error(409, "conflict", ending.sentence)
        if isinstance(ending, Refusal):
            more = {} if ending.retry_after_s is None else {"retry_after_s": ending.retry_after_s}
            return error(REFUSED_WITH[ending.kind], ending.kind, ending.sentence, **more)
        saved, shown = ending
        nonce = body.get("nonce")
        echoed = nonce if isinstance(nonce, str) and nonce.isascii() else None
        reply = {"saved": True, "again": saved.again, "nonce": echoed, **shown.as_json()}
        return JSONResponse(reply, headers=PRIVATE)

    def _and_next(
        self,
        act: Callable[[Voter, dict[str, Any]], Saved | Conflict | Refusal],
        secret: str | None,
        body: dict[str, Any],
    ) -> tuple[Saved, Round] | Conflict | Refusal | Response:
        """What becomes of it, and what is shown after it: in one go, since steps to a thread cost."""
        voter = self._booth.voter(secret)
        if voter is None:
            return join_first()
        if not self._booth.trials.is_through(voter):
            return trials_first()
        with self._booth.turn(voter):
            ending = act(voter, body)
            return (ending, self._booth.round(voter, ending.shown)) if isinstance(ending, Saved) else ending

    def _cast(self, voter: Voter, body: dict[str, Any]) -> Saved | Conflict | Refusal:
        fields = (body.get(name) for name in ("ticket", "answers", "evidence", "receipts"))
        return self._booth.vote(voter, *fields)

    def _report(self, voter: Voter, body: dict[str, Any]) -> Saved | Conflict | Refusal:
        return self._booth.report(voter, body.get("ticket"), body.get("kind"))

    def clip(self, request: Request) -> Response:
        voter = self._booth.voter(request.cookies.get(COOKIE))
        clip = self._booth.clip(request.path_params["token"], voter)
        if clip is None:
            return _gone()
        reply = _ranged(request.headers.get("range"), clip)
        if request.method == "HEAD":  # which delivers nothing
            del reply.headers["X-Receipt"]
        return reply

    def picture(self, request: Request) -> Response:
        voter = self._booth.voter(request.cookies.get(COOKIE))
        path = self._booth.picture(request.path_params["token"], voter)
        if path is None:
            return _gone()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return Response(path.read_bytes(), media_type=kind, headers=PRIVATE)

    async def _voter(self, request: Request) -> Voter | None:
        return await run_in_threadpool(self._booth.voter, request.cookies.get(COOKIE))


def _ranged(wanted: str | None, clip: Clip) -> Response:
    """The clip, or one range of it (RFC 9110 §14); several ranges at once are answered with the whole."""
    headers = {**PRIVATE, "Accept-Ranges": "bytes", "Cross-Origin-Resource-Policy": "same-origin"}
    span = (0, clip.length) if wanted is None else _span(wanted, clip.length)
    if span is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{clip.length}"})
    start, stop = span
    if wanted is not None and span != (0, clip.length):
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{clip.length}"
    else:
        headers["X-Receipt"] = clip.receipt
    status = 206 if "Content-Range" in headers else 200
    return Response(_bytes_of(clip, start, stop), status, headers, media_type="video/mp4")


def _span(wanted: str, length: int) -> tuple[int, int] | None:
    """(start, stop) of a `Range` header: all where it is no single byte range, None where unsatisfiable."""
    unit, _, text = wanted.partition("=")
    first, dash, last = text.strip().partition("-")
    if unit.strip() != "bytes" or not dash or "," in text or not (first + last).isdecimal():
        return 0, length
    if max(len(first), len(last)) > LONGEST_NUMBER:
        return None
    if not first:
        return (max(0, length - int(last)), length) if int(last) > 0 else None
    start, stop = int(first), min(length, int(last) + 1) if last else length
    return (start, stop) if start < stop else None


def _bytes_of(clip: Clip, start: int, stop: int) -> bytes:
    """Bytes [start, stop) of a showing: the file with its spare box filled, then what makes lengths equal."""
    size = clip.path.stat().st_size
    data = (
        served_bytes(clip.path, clip.fill, start, min(stop, size), _spare(clip.path)) if start < size else b""
    )
    if clip.length > size:
        filler = free_box(clip.length - size - 8)[:8] + shake_256(b"tail" + clip.fill).digest(
            clip.length - size - 8
        )
        data += filler[max(0, start - size) : max(0, stop - size)]
    return data


@lru_cache(maxsize=4096)
def _spare(path: Path) -> tuple[int, int]:
    """Exhibits never change under their name."""
    return spare_region(path)


def _gone() -> Response:
    return error(404, "gone", "This link has expired. The page asks for a new one by itself.")

"""The routes by which voters come and go.

    POST /api/join      {consent, languages, open_data, interface, query}  -> 201, sets the voter's cookie
    POST /api/return    {code}      -> 200, the cookie of the voter whose code it is
    GET  /api/mine                  -> all that is kept of the voter, as a file
    POST /api/withdraw  {}          -> 200; the session is over, a cookie for their own data alone
    POST /api/erase     {}          -> 200; no cookie any more

`query` is the page's own address behind the "?": there a platform says who comes. A person who is known gets
a new cookie without being asked again, and the one they had before ends. Errors as those of the other routes;
403: this link lets nobody in. 404: nobody has this code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arena_ui.people import People
from arena_ui.recruiting import Turned, parameters_of, referral
from arena_ui.replies import COOKIE, PRIVATE, body_of, error, join_first
from evalharness.records import Voter
from evalharness.settings import RecruitingSettings

__all__ = ["door_routes"]

COOKIE_LIFE_S = 180 * 24 * 3600
LONGEST_CODE = 64
TURNED_SAYS = {
    Turned.INCOMPLETE: "This link does not say who you are. Open the study where you found it.",
    Turned.PREVIEW: "This is a preview. Accept the task on your platform first.",
}
AS_FILE = {"Content-Disposition": 'attachment; filename="my-answers.json"'}


def door_routes(
    people: People,
    recruiting: RecruitingSettings,
    languages: Collection[str],
    consent_versions: Mapping[str, str],
) -> list[Route]:
    """All of them. `languages` may be ticked; `consent_versions` are by language of the pages."""
    door = _Door(people, recruiting, languages, consent_versions)
    return [
        Route("/api/join", door.join, methods=["POST"]),
        Route("/api/return", door.come_back, methods=["POST"]),
        Route("/api/mine", door.mine, methods=["GET"]),
        Route("/api/withdraw", door.withdraw, methods=["POST"]),
        Route("/api/erase", door.erase, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What a new voter said on the first screen."""

    languages: tuple[str, ...]
    interface: str
    open_data: bool


class _Door:
    """The handlers."""

    def __init__(
        self,
        people: People,
        recruiting: RecruitingSettings,
        languages: Collection[str],
        consent_versions: Mapping[str, str],
    ) -> None:
        self._people, self._recruiting = people, recruiting
        self._languages, self._versions = languages, consent_versions

    async def join(self, request: Request) -> Response:
        body = await body_of(request) or {}
        came = referral(parameters_of(body.get("query")), self._recruiting)
        if isinstance(came, Turned):
            return error(403, "link", TURNED_SAYS[came])
        cookie = request.cookies.get(COOKIE)
        voter = await run_in_threadpool(self._people.voter, cookie)
        known = voter if came is None else await run_in_threadpool(self._people.known, came)
        if known is not None and known == voter:
            return _done(joined=True)
        if known is not None and came is not None:
            await run_in_threadpool(self._people.arrive, known, came)
            return self._with_cookie(request, await run_in_threadpool(self._people.renew, known))
        agreed = self._agreed(body)
        if isinstance(agreed, Response):
            return agreed
        _, secret = await run_in_threadpool(
            lambda: self._people.join(
                agreed.languages,
                self._versions[agreed.interface],
                interface=agreed.interface,
                open_data=agreed.open_data,
                referral=came,
            )
        )
        return self._with_cookie(request, secret, status=201)

    def _agreed(self, body: Mapping[str, Any]) -> _Agreed | Response:
        """What somebody agrees to, or the reply to who does not."""
        languages, interface = body.get("languages"), body.get("interface", next(iter(self._versions)))
        open_data = body.get("open_data", False)
        if body.get("consent") is not True:
            return error(422, "consent", "Voting needs your consent. Tick the box to go on.")
        if not isinstance(languages, list) or not all(each in self._languages for each in languages):
            return error(422, "languages", "The languages were not understood. Reload the page.")
        if not isinstance(interface, str) or interface not in self._versions:
            return error(422, "interface", "There is no page in that language. Reload the page.")
        if not isinstance(open_data, bool):
            return error(422, "open_data", "The second box was not understood. Reload the page.")
        return _Agreed(tuple(dict.fromkeys(languages)), interface, open_data)

    async def come_back(self, request: Request) -> Response:
        body = await body_of(request) or {}
        code = body.get("code")
        voter = None
        if isinstance(code, str) and code.isascii() and len(code) <= LONGEST_CODE:
            voter = await run_in_threadpool(self._people.by_code, code)
        if voter is None:
            return error(
                404, "code", "Nobody has this code. Look at it once more; it has six groups of four."
            )
        return self._with_cookie(request, await run_in_threadpool(self._people.renew, voter))

    async def mine(self, request: Request) -> Response:
        voter = await self._owner(request)
        if voter is None:
            return join_first()
        told = await run_in_threadpool(self._people.own_data, voter)
        return JSONResponse(told, headers={**PRIVATE, **AS_FILE})

    async def withdraw(self, request: Request) -> Response:
        voter = await self._owner(request)
        if voter is None:
            return join_first()
        return self._with_cookie(request, await run_in_threadpool(self._people.withdraw, voter))

    async def erase(self, request: Request) -> Response:
        voter = await self._owner(request)
        if voter is None:
            return join_first()
        await run_in_threadpool(self._people.erase, voter)
        return self._with_cookie(request, "", life_s=0)

    async def _owner(self, request: Request) -> Voter | None:
        """Whose data the cookie opens: a voter's, or one's who withdrew."""
        secret = request.cookies.get(COOKIE)
        return await run_in_threadpool(lambda: self._people.voter(secret) or self._people.leaver(secret))

    def _with_cookie(
        self, request: Request, secret: str, *, status: int = 200, life_s: int = COOKIE_LIFE_S
    ) -> Response:
        """The reply that leaves the voter's browser with this secret.

        In another site's frame a browser sends a cookie only if it is told so, and only over TLS; it then
        keeps one for each site that frames us.
        """
        secure = request.url.scheme == "https"
        framed = secure and bool(self._recruiting.embedded_in)
        reply = _done(status, joined=bool(secret))
        reply.set_cookie(
            COOKIE,
            secret,
            max_age=life_s,
            httponly=True,
            samesite="none" if framed else "lax",
            secure=secure,
        )
        if framed:
            name, value = reply.raw_headers[-1]
            reply.raw_headers[-1] = name, value + b"; Partitioned"
        return reply


def _done(status: int = 200, **told: bool) -> Response:
    return JSONResponse(told, status_code=status, headers=PRIVATE)

"""The routes of what voters are tried for.

    POST /api/step       {}              -> {step, and what its screen needs}
    POST /api/screening  {kind, ...}     -> as step; `unfit` says why a trial was not passed
    POST /api/practice   {pair, answer}  -> {right, better, flaw}
    GET  /api/probe                      -> bytes by whose arrival a page measures its connection
    GET  /clip/sound/{name}, /clip/practice/{name}

Errors as those of the other routes.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arena_ui.journey import Step
from arena_ui.people import People
from arena_ui.replies import COOKIE, PRIVATE, body_of, error, join_first
from arena_ui.screening.trials import NOT_UNDERSTOOD, Trials
from evalharness.media.boxes import free_box
from evalharness.records import Voter

__all__ = ["PROBE_BYTES", "screening_routes", "trials_first"]

BOX_HEAD = 8
PRACTICE_BYTES = 2**17
"""Practice clips are as long as a multiple of this."""
PROBE_BYTES = 3 * 2**20
"""A second and a quarter at 20 Mbit/s."""


def screening_routes(people: People, trials: Trials) -> list[Route]:
    """The routes over one study's people and trials."""
    desk = _Desk(people, trials)
    return [
        Route("/api/step", desk.step, methods=["POST"]),
        Route("/api/screening", desk.screening, methods=["POST"]),
        Route("/api/practice", desk.practice, methods=["POST"]),
        Route("/api/probe", desk.probe, methods=["GET"]),
        Route("/clip/sound/{name}", desk.sound, methods=["GET"]),
        Route("/clip/practice/{name}", desk.clip, methods=["GET"]),
    ]


def trials_first() -> Response:
    """To a voter who asks for pairs, or votes, before they are through."""
    return error(403, "screening", "A few short trials come before the first pair. Reload the page.")


class _Desk:
    def __init__(self, people: People, trials: Trials) -> None:
        self._people, self._trials = people, trials

    async def step(self, request: Request) -> Response:
        return await run_in_threadpool(self._for, request, self._step)

    async def screening(self, request: Request) -> Response:
        told = await body_of(request)

        def answer(voter: Voter) -> Response:
            ending = NOT_UNDERSTOOD if told is None else self._trials.take(voter, told)
            if isinstance(ending, str):
                return error(422, "malformed", ending)
            return JSONResponse(ending, headers=PRIVATE)

        return await run_in_threadpool(self._for, request, answer)

    async def practice(self, request: Request) -> Response:
        told = await body_of(request) or {}

        def answer(voter: Voter) -> Response:
            said = self._trials.feedback(voter, told.get("pair"), told.get("answer"))
            return (
                error(422, "malformed", NOT_UNDERSTOOD)
                if said is None
                else JSONResponse(said, headers=PRIVATE)
            )

        return await run_in_threadpool(self._for, request, answer)

    def probe(self, request: Request) -> Response:
        """Only to whom the device step waits for: nobody makes the arena send bytes for nothing."""

        def answer(voter: Voter) -> Response:
            if self._trials.step(voter) is not Step.DEVICE:
                return error(403, "screening", "The connection was measured before.")
            return Response(os.urandom(PROBE_BYTES), headers=PRIVATE, media_type="application/octet-stream")

        return self._for(request, answer)

    def sound(self, request: Request) -> Response:
        def answer(voter: Voter) -> Response:
            found = self._trials.sound(voter, request.path_params["name"])
            return _gone() if found is None else Response(found, headers=PRIVATE, media_type="audio/wav")

        return self._for(request, answer)

    def clip(self, request: Request) -> Response:
        def answer(voter: Voter) -> Response:
            path = self._trials.clip(voter, request.path_params["name"])
            if path is None:
                return _gone()
            return Response(_filled(path.read_bytes()), headers=PRIVATE, media_type="video/mp4")

        return self._for(request, answer)

    def _step(self, voter: Voter) -> Response:
        return JSONResponse(self._trials.shown(voter), headers=PRIVATE)

    def _for(self, request: Request, answer: Callable[[Voter], Response]) -> Response:
        """The answer to whoever's cookie it is."""
        voter = self._people.voter(request.cookies.get(COOKIE))
        return join_first() if voter is None else answer(voter)


def _filled(clip: bytes) -> bytes:
    """A practice clip and random bytes that players skip: its length must not tell whether it has a flaw."""
    spare = -(len(clip) + BOX_HEAD) % PRACTICE_BYTES
    return clip + free_box(spare)[:BOX_HEAD] + os.urandom(spare)


def _gone() -> Response:
    return error(404, "gone", "This link has expired. Reload the page.")

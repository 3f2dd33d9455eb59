"""One ASGI app: Streamlit's pages, our stateless routes, and the guard around both.

`build(folder)` makes it; any ASGI server can run it. `serve.run` is the usual way.
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit import App
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from arena_ui import options
from arena_ui.arena import Arena, open_arena
from arena_ui.consent import consent_versions
from arena_ui.exits import SUBMITS_TO
from arena_ui.faults import Faults, on_script_error, scrubbed_logs
from arena_ui.guard import Guard
from arena_ui.limits import Limits
from arena_ui.routes import build_routes

__all__ = ["build"]

STUDY = "EVALHARNESS_STUDY"


def build(folder: Path | None = None, progress: Callable[[int, int], None] | None = None) -> App:
    """The app for the study in `folder` (else in $EVALHARNESS_STUDY, else here).

    `progress(done, total)` counts exhibits that have to be fetched first.
    """
    arena = open_arena(folder or Path(os.environ.get(STUDY, ".")), progress)
    options.configure(arena.study.settings.arena.allowed_hosts)
    options.check()

    @asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[dict[str, Any]]:
        options.check()  # whoever serves the app may have read Streamlit's own files since
        _spare_collections()
        settings = arena.study.settings.arena
        if settings.leaderboard != "never":
            arena.boards.begin(settings.questions[0])
        with scrubbed_logs():
            yield {}
        arena.store.close()

    return App(
        Path(__file__).with_name("app.py"),
        routes=[*arena.health.routes(), *build_routes(arena.booth, consent_versions(arena.study.settings))],
        middleware=_around(arena),
        lifespan=lifespan,
        on_script_error=on_script_error,
    )


def _around(arena: Arena) -> list[Middleware]:
    """What a request passes on its way in, outermost first."""
    settings, recruiting = arena.study.settings.arena, arena.study.settings.recruiting
    guard = Middleware(
        Guard,
        allowed_hosts=settings.allowed_hosts,
        embedded_in=recruiting.embedded_in,
        submits_to=SUBMITS_TO.get(recruiting.platform, ()),
    )
    limits = Middleware(
        Limits,
        votes_per_minute=settings.votes_per_minute,
        voters_per_network=settings.voters_per_network,
    )
    return [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies),
        guard,
        Middleware(Faults),
        *([limits] if settings.votes_per_minute else []),
    ]


def _spare_collections() -> None:
    """Take what start-up made out of the collector's sight: it lives as long as the process."""
    gc.collect()
    gc.freeze()

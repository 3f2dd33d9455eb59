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
from streamlit import config as streamlit_config

from arena_ui.arena import open_arena
from arena_ui.consent import CONSENT_VERSION
from arena_ui.guard import Guard
from arena_ui.look import THEME
from arena_ui.routes import build_routes

__all__ = ["OPTIONS", "build"]

STUDY = "EVALHARNESS_STUDY"

OPTIONS: dict[str, Any] = {
    # A full collection after each script run costs 80 ms of every voter's time; see `_spare_collections`.
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
    "logger.level": "warning",
}


def configure() -> None:
    """Give Streamlit the settings a blind study needs, whatever its own files say."""
    for name, value in {**OPTIONS, **THEME}.items():
        if name == "runner.postScriptGC" and name not in streamlit_config.get_config_options():
            continue  # a hidden option: where a later Streamlit has none, `_spare_collections` does half
        streamlit_config.set_option(name, value)


def build(folder: Path | None = None, progress: Callable[[int, int], None] | None = None) -> App:
    """The app for the study in `folder` (else in $EVALHARNESS_STUDY, else here).

    `progress(done, total)` counts exhibits that have to be fetched first.
    """
    arena = open_arena(folder or Path(os.environ.get(STUDY, ".")), progress)
    configure()

    @asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[dict[str, Any]]:
        _spare_collections()
        yield {}
        arena.store.close()

    return App(
        Path(__file__).with_name("app.py"),
        routes=build_routes(arena.booth, CONSENT_VERSION),
        middleware=[Middleware(Guard)],
        lifespan=lifespan,
    )


def _spare_collections() -> None:
    """Take what start-up made out of the collector's sight: it lives as long as the process."""
    gc.collect()
    gc.freeze()

"""The owner's pages as one ASGI app: Streamlit, the doors before it, and the guard around both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from streamlit import App
from streamlit.auth_util import get_secrets_auth_section, is_authlib_installed
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from arena_ui import options
from arena_ui.faults import Faults, on_script_error, scrubbed_logs
from arena_ui.guard import Guard
from arena_ui.owner.doors import Doorman, build_doors
from arena_ui.owner.office import open_office
from arena_ui.owner.views import PATHS
from evalharness.errors import MissingExtraError

__all__ = ["build"]


def build(folder: Path) -> App:
    """The owner's app for the study in `folder`.

    Raises what `open_office` raises, and MissingExtraError where a log-in elsewhere is set up and cannot be.
    """
    elsewhere = bool(get_secrets_auth_section())
    if elsewhere and not is_authlib_installed():
        raise MissingExtraError(
            "Streamlit's secrets have an [auth] section, and logging in elsewhere needs Authlib 1.3.2 or "
            "newer, which is not installed: pip install 'Authlib>=1.3.2', or take the section away."
        )
    office = open_office(folder)
    settings = office.study.settings.arena
    options.configure(settings.allowed_hosts)
    options.check()

    @asynccontextmanager
    async def lifespan(_app: App) -> AsyncIterator[dict[str, Any]]:
        options.check()  # whoever serves the app may have read Streamlit's own files since
        with scrubbed_logs():
            yield {}
        office.store.close()

    return App(
        Path(__file__).with_name("app.py"),
        routes=build_doors(office, elsewhere=elsewhere),
        middleware=[
            Middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies),
            Middleware(Guard, allowed_hosts=settings.allowed_hosts, pages=PATHS, has_log_in=True),
            Middleware(Faults),
            Middleware(Doorman, office=office, elsewhere=elsewhere),
        ],
        lifespan=lifespan,
        on_script_error=on_script_error,
    )

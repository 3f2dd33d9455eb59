"""Run the owner's pages: bind, say where they are, serve until told to stop."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn

from arena_ui.serve import bind

__all__ = ["HOST", "PORT", "run"]

HOST, PORT = "127.0.0.1", 8502
FINISH_S = 5


def _say(url: str) -> None:
    sys.stdout.write(f"The owner's pages are at {url}\n")
    sys.stdout.flush()


def run(folder: Path, host: str = HOST, port: int = PORT, *, announce: Callable[[str], None] = _say) -> None:
    """Serve the owner's pages of the study in `folder` until interrupted; port 0 takes any free one.

    `announce` gets their URL once the port is bound. Raises ConfigError where the folder is no study or the
    port is taken, and what `open_office` raises.
    """
    from arena_ui.owner.asgi import build  # Streamlit: not where only a password is set

    app = build(folder)
    listener = bind(host, port)
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        log_level="warning",
        access_log=False,  # it would name addresses
        proxy_headers=False,  # `asgi` believes the study's own proxies, and no other
        server_header=False,
        timeout_graceful_shutdown=FINISH_S,
    )
    shown = f"[{host}]" if ":" in host else host
    announce(f"http://{shown}:{listener.getsockname()[1]}")
    with listener:
        uvicorn.Server(config).run(sockets=[listener])

"""Run the arena: bind, say where it is, serve until told to stop.

Told by SIGTERM, it first says at /readyz that nobody should be sent here any more, serves on for `drain_s`
seconds, then stops listening and finishes what it has begun. Ctrl-C, or a second SIGTERM, skips the wait.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from arena_ui.health import Health
from evalharness.errors import ConfigError

__all__ = ["bind", "run"]

FINISH_S = 10
"""Seconds that replies under way may take once the arena no longer listens."""
KEEP_ALIVE_S = 75
"""Longer than nginx keeps an idle connection (60 s): it is never closed just as a request is sent on it."""
LARGEST_WS_MESSAGE = 1 << 20
WAITING_CONNECTIONS = 1024


def _say(url: str) -> None:
    sys.stdout.write(f"Vote at {url}\n")
    sys.stdout.flush()


def run(
    folder: Path,
    host: str | None = None,
    port: int | None = None,
    *,
    announce: Callable[[str], None] = _say,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Serve the study in `folder` until interrupted.

    host, port: the study's own where None; port 0 takes any free one. `announce` gets the page's URL once
    the port is bound; before that, `progress(done, total)` counts exhibits that have to be fetched. Raises
    ConfigError where the folder is no study or the port is taken, and what `open_arena` raises.
    """
    from arena_ui.arena import current
    from arena_ui.asgi import build

    app = build(folder, progress)
    settings = current().study.settings.arena
    listener = bind(host or settings.host, settings.port if port is None else port)
    address, bound_port = listener.getsockname()[:2]
    shown_host = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::1", "::") else address  # noqa: S104 - compared, not bound
    url = f"http://{shown_host}:{bound_port}"
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",  # the older implementation warns of its end at each start
        ws_max_size=LARGEST_WS_MESSAGE,
        ws_per_message_deflate=False,  # a third of a megabyte a voter, to make ten kilobytes smaller
        log_level="warning",
        access_log=False,  # it would name addresses and tickets
        proxy_headers=False,  # `asgi` believes the study's own proxies, and no other
        server_header=False,
        timeout_graceful_shutdown=FINISH_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = _Server(config, current().health, settings.drain_s)
    announce(url)
    with listener:
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn, with a time between the word that it will stop and its end."""

    def __init__(self, config: uvicorn.Config, health: Health, drain_s: float) -> None:
        super().__init__(config)
        self._health, self._drain_s = health, drain_s
        self._stops_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first SIGTERM begins the draining; any other signal ends it."""
        if sig == signal.SIGTERM and self._stops_at is None:
            self._health.draining = True
            self._stops_at = time.monotonic() + self._drain_s
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Uvicorn's own look at the clock, ten times a second; true: stop."""
        if self._stops_at is not None and time.monotonic() >= self._stops_at and not self.should_exit:
            super().handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket at host and port. Raises ConfigError where that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP outright: asyncio turns Nagle's delay off only then, and each reply would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(WAITING_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The arena was to be served at {host}:{port}, and that cannot be had: {error.strerror}. "
            "Choose another port with --port, or 0 for any free one."
        ) from error
    return listener

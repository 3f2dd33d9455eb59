"""Run the arena: bind, say where it is, serve until told to stop."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from evalharness.errors import ConfigError

__all__ = ["bind", "run"]


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
    import uvicorn

    from arena_ui.arena import current
    from arena_ui.asgi import build

    app = build(folder, progress)
    settings = current().study.settings.arena
    listener = bind(host or settings.host, settings.port if port is None else port)
    address, bound_port = listener.getsockname()[:2]
    shown_host = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::1", "::") else address  # noqa: S104 - compared, not bound
    url = f"http://{shown_host}:{bound_port}"
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ws="websockets-sansio",  # the older implementation warns of its end at each start
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    announce(url)
    with listener:
        server.run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A listening socket at host and port. Raises ConfigError where that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP outright: asyncio turns Nagle's delay off only then, and each reply would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The arena was to be served at {host}:{port}, and that cannot be had: {error.strerror}. "
            "Choose another port with --port, or 0 for any free one."
        ) from error
    return listener

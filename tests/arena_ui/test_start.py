"""The arena starts light, with the settings a blind study needs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from evalharness.config import Study

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "librosa", "cv2", "pandas", "altair", "evalharness.adapters", "evalharness.measure",
         "evalharness.generate", "evalharness.ratings", "evalharness.blinding", "metrics")  # fmt: skip
PROGRAM = """
import json, sys
from pathlib import Path
from arena_ui.asgi import build
from arena_ui.options import OPTIONS
app = build(Path(sys.argv[1]))
from streamlit import config
settings = {name: config.get_option(name) for name in OPTIONS}
print(json.dumps({"modules": sorted(sys.modules), "settings": settings}))
"""


def test_the_hidden_collection_option_still_exists() -> None:
    from streamlit import config

    assert "runner.postScriptGC" in config.get_config_options(), (
        "Streamlit no longer has runner.postScriptGC: measure votes a second again and see options.check."
    )


def test_start_loads_nothing_heavy_and_sets_what_it_must(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=3)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(study.folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told = json.loads(done.stdout)
    assert [name for name in HEAVY if name in told["modules"]] == []
    assert told["settings"]["runner.postScriptGC"] is False
    assert told["settings"]["client.showErrorDetails"] == "none"
    assert told["settings"]["browser.gatherUsageStats"] is False
    assert told["settings"]["server.fileWatcherType"] == "none"
    assert told["settings"]["client.toolbarMode"] == "minimal"


def test_a_folder_that_is_no_study_is_said_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "arena_ui", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "is not a study" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_listening_socket_is_plain_tcp_so_that_no_reply_waits_for_the_next() -> None:
    import asyncio
    import socket

    from arena_ui.serve import bind

    async def accepted_without_delay(listener: socket.socket) -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sock = writer.get_extra_info("socket")
            found.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        server = await asyncio.start_server(look, sock=listener)
        async with server:
            _, writer = await asyncio.open_connection(*listener.getsockname())
            delay_off = await found
            writer.close()
            return delay_off

    assert asyncio.run(accepted_without_delay(bind("127.0.0.1", 0))) == 1


def test_a_taken_port_is_said_so(make_study: Callable[..., Study], serve: Callable[..., object]) -> None:
    study = make_study(prompts=3)
    server = serve(study)
    port = server.port  # type: ignore[attr-defined]  # Server lives in conftest, which tests cannot import
    from arena_ui.serve import run
    from evalharness.errors import ConfigError

    with pytest.raises(ConfigError, match="another port"):
        run(study.folder, port=port)
    assert httpx.get(f"http://127.0.0.1:{port}/_stcore/metrics").status_code == 404
    assert httpx.get(f"http://127.0.0.1:{port}/_stcore/health").status_code == 200


def test_no_voter_costs_a_compressor(make_study: Callable[..., Study], serve: Callable[..., object]) -> None:
    """A browser offers to compress its websocket; that would hold more memory than all else of a voter."""
    import asyncio

    from tests.arena_ui.page import opened, shown

    server = serve(make_study(prompts=3))

    async def agreed() -> list[object]:
        async with opened(server.url) as connection:  # type: ignore[attr-defined]  # as above
            await shown(connection)
            return list(connection.protocol.extensions)

    assert asyncio.run(agreed()) == []

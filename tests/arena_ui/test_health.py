"""Whether a process lives and is ready, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from arena_ui import health
from arena_ui.health import Health
from evalharness.config import Study
from evalharness.errors import StoreError


def answers(state: Health, *paths: str) -> list[tuple[int, str]]:
    async def once() -> list[tuple[int, str]]:
        transport = httpx.ASGITransport(Starlette(routes=state.routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://arena.test") as client:
            replies = await asyncio.gather(*(client.get(path) for path in paths))
            return [(reply.status_code, reply.text) for reply in replies]

    return asyncio.run(once())


def test_ready_while_the_database_answers_and_nobody_said_stop() -> None:
    state = Health(lambda: ())
    assert answers(state, "/healthz", "/readyz") == [(200, "ok"), (200, "ready")]
    state.draining = True
    assert answers(state, "/healthz", "/readyz") == [(200, "ok"), (503, "draining")]


def test_a_database_that_refuses_makes_it_unready_and_not_dead() -> None:
    def refuse() -> None:
        raise StoreError("Could not read: the server is away.")

    assert answers(Health(refuse), "/healthz", "/readyz") == [(200, "ok"), (503, "no database")]


def test_a_database_that_hangs_holds_one_thread_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.1)
    asked, go_on = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        go_on.wait(5)

    threading.Timer(0.5, go_on.set).start()
    assert answers(Health(hang), *["/readyz"] * 20) == [(503, "no database")] * 20
    assert asked == [1]


def test_health_never_touches_a_voter(
    make_study: Callable[..., Study], serve: Callable[[Study], Any]
) -> None:
    study = make_study(prompts=3)
    server = serve(study)
    for _ in range(3):
        reply = httpx.get(f"{server.url}/readyz")
        assert (reply.status_code, reply.text) == (200, "ready")
        assert "set-cookie" not in reply.headers
    with closing(sqlite3.connect(study.folder / "study.db")) as database:
        assert database.execute("SELECT count(*) FROM voters").fetchone() == (0,)


def test_told_to_stop_it_says_so_first_serves_on_and_then_ends(
    make_study: Callable[..., Study], serve: Callable[[Study], Any]
) -> None:
    server = serve(make_study(prompts=3, drain_s=1.0))
    server.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    seen = set()
    try:
        while time.monotonic() < told + 8:
            reply = httpx.get(f"{server.url}/readyz", timeout=5)
            seen.add((reply.status_code, reply.text))
            assert httpx.get(f"{server.url}/", timeout=5).status_code == 200
            time.sleep(0.05)
    except httpx.TransportError:
        pass
    lasted = time.monotonic() - told
    assert server.process.wait(timeout=10) == -signal.SIGTERM
    assert (503, "draining") in seen
    assert 0.9 < lasted < 6

"""Threats that no single part answers alone, and that docs/security.md names a test for each."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from websockets.exceptions import InvalidStatus

from arena_ui.booth import Booth
from arena_ui.faults import Faults
from arena_ui.guard import DIRECTIVES, Guard
from arena_ui.routes import COOKIE, build_routes
from arena_ui.tokens import Sealer
from evalharness.config import Study
from evalharness.store import Store
from tests.arena_ui.page import opened, shown

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
ORIGIN = "http://arena.test"
HONEST = {"Origin": ORIGIN, "X-Arena": "1"}
BROKEN = """
import arena_ui.session
def broken(arena):
    raise RuntimeError("voter 5f6a9c01d2e3b4a5 came from 203.0.113.77 to " + str(arena.study.folder))
arena_ui.session.visitor = broken
"""


def test_every_threat_has_tests_that_exist() -> None:
    """The page's table is read: each row names at least one test, and each test named is there."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not line.startswith(("| threat |", "| --- |"))]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row) for row in rows]
    assert len(named) > 20
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    for file, test in {each for tests in named for each in tests}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
            f"{file}::{test}"
        )


def test_a_page_on_another_site_opens_no_connection(
    make_study: Callable[..., Study], serve: Callable[[Study], Any]
) -> None:
    url = serve(make_study(prompts=3)).url

    async def connect(origin: str) -> int:
        async with opened(url, origin=origin) as connection:
            return len(await shown(connection))

    assert asyncio.run(connect(url)) > 0
    for stranger in ("http://evil.example", "http://localhost.evil.example", "http://localhost:1", "null"):
        with pytest.raises(InvalidStatus, match="403"):
            asyncio.run(connect(stranger))


def test_a_broken_page_shows_no_traceback_and_the_log_no_voter(
    make_study: Callable[..., Study], serve: Callable[..., Any]
) -> None:
    server = serve(make_study(prompts=3), planted=BROKEN)

    async def look() -> bytes:
        async with opened(server.url) as connection:
            return b"".join(await shown(connection))

    told = asyncio.run(look())
    assert b"reload the page" in told
    for word in (b"Traceback", b"RuntimeError", b"5f6a9c01", b"203.0.113", str(server.study.folder).encode()):
        assert word not in told, word
    server.kill()
    written = server.log.read_text()
    reference = re.search(rb"noted as ([0-9a-f]{8})", told)
    assert reference is not None
    assert reference[1].decode() in written
    assert "RuntimeError" in written
    assert "5f6a9c01" not in written
    assert "203.0.113.0/24" in written
    assert "203.0.113.77" not in written


def test_the_page_may_load_nothing_from_elsewhere() -> None:
    allowed = {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
    assert {source for sources in DIRECTIVES.values() for source in sources.split()} <= allowed
    assert (DIRECTIVES["default-src"], DIRECTIVES["frame-ancestors"]) == ("'self'", "'none'")


def test_the_voters_cookie_is_out_of_scripts_reach(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=3)
    with Store.open(study.database_url) as store, asyncio.Runner() as runner:
        reply = runner.run(_ask(_app(study, store), "/api/join", {"consent": True, "languages": []}))
    cookie = reply.headers["set-cookie"].lower()
    assert cookie.startswith(COOKIE)
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def _app(study: Study, store: Store) -> Starlette:
    booth = Booth(study, store, Sealer(b"k" * 32))
    return Starlette(
        routes=build_routes(booth, {"en": "v1"}), middleware=[Middleware(Guard), Middleware(Faults)]
    )


async def _ask(app: Starlette, path: str, body: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        return await client.post(path, json=body, headers=HONEST)

"""Threats that no single part answers alone, and that docs/security.md names a test for each."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from tests.arena_ui.crowd import EVIDENCE
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
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


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


def test_whatever_is_sent_to_the_vote_route_forges_and_doubles_nothing(
    make_study: Callable[..., Study],
) -> None:
    """Votes of two voters, mixed at random with tickets, answers, receipts and bodies that are none."""
    study = make_study(prompts=6, watch_share=0.0, votes_per_voter=2000)
    with Store.open(study.database_url) as store, asyncio.Runner() as runner:
        app = _app(study, store)
        joining = (_ask(app, "/api/join", {"consent": True, "languages": ["en"]}) for _ in range(2))
        cookies = [str(runner.run(reply).cookies[COOKIE]) for reply in joining]
        acknowledged: dict[str, tuple[int, dict[str, str]]] = {}
        seen: Counter[int] = Counter()

        def receipt(token: str) -> str:
            return runner.run(_ask(app, f"/clip/{token}", {}, method="GET")).headers["x-receipt"]

        def one(who: int, whose: int, field: str, wrong: Any, choice: str, again: bool) -> None:
            pairs = runner.run(_ask(app, "/api/next", {}, cookies[whose])).json()["pairs"]
            if not pairs:
                return
            pair = pairs[0]
            right = {
                "ticket": pair["battle_id"],
                "answers": dict.fromkeys(pair["questions"], choice),
                "evidence": EVIDENCE,
                "receipts": {side: receipt(pair[side]) for side in ("left", "right")},
                "nonce": "n",
            }
            sent = right if field == "nothing" else wrong if field == "all" else {**right, field: wrong}
            for _ in range(1 + again):
                reply = runner.run(_ask(app, "/api/vote", sent, (*cookies, "", "made-up")[who]))
                seen[reply.status_code] += 1
                assert reply.status_code in (200, 401, 409, 413, 422, 425), reply.text
                if reply.status_code == 200:
                    assert who == whose
                    acknowledged.setdefault(sent["ticket"], (who, sent["answers"]))

        @settings(max_examples=100, deadline=None, derandomize=True,
                  suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
        @given(
            who=st.integers(0, 3),
            whose=st.integers(0, 1),
            field=st.sampled_from(["nothing", "ticket", "answers", "evidence", "receipts", "nonce", "all"]),
            wrong=JSON | st.sampled_from(["' OR 1=1 --", "0" * 32, {"overall": "left"}, {"overall": "both"}]),
            choice=st.sampled_from(["left", "right", "tie", "both_bad"]),
            again=st.booleans(),
        )
        def run(**drawn: Any) -> None:
            one(**drawn)

        run()
        stored: dict[str, dict[str, str]] = {}
        owners: dict[str, str] = {}
        for vote in store.votes():
            assert vote.question.value not in stored.get(vote.battle_id, {}), "a double vote"
            stored.setdefault(vote.battle_id, {})[vote.question.value] = vote.outcome.value
            owners[vote.battle_id] = vote.voter_id
    assert stored == {ticket: answers for ticket, (_, answers) in acknowledged.items()}
    assert len({(who, owners[ticket]) for ticket, (who, _) in acknowledged.items()}) <= 2
    assert {200, 401, 422} <= set(seen), "the mixture reaches votes that count and votes that do not"


def _app(study: Study, store: Store) -> Starlette:
    booth = Booth(study, store, Sealer(b"k" * 32))
    return Starlette(routes=build_routes(booth, "v1"), middleware=[Middleware(Guard), Middleware(Faults)])


async def _ask(
    app: Starlette, path: str, body: Any, cookie: str = "", method: str = "POST"
) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        headers = {**HONEST, "Cookie": f"{COOKIE}={cookie}"} if cookie else HONEST
        return await client.request(method, path, content=json.dumps(body).encode(), headers=headers)

"""Rate limits: what a voter and a network may send, and what they are told beyond it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from arena_ui import limits
from arena_ui.addresses import network_of
from arena_ui.limits import MOST_KEYS, Bucket, Limits
from evalharness.config import Study


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("taken")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def limited(
    clock: Clock, *, votes: float = 60, voters: float = 2, proxies: tuple[str, ...] = ()
) -> Starlette:
    return Starlette(
        routes=[
            Route("/{path:path}", answer, methods=["GET", "POST"]),
            WebSocketRoute("/_stcore/stream", talk),
        ],
        middleware=[
            Middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies)),
            Middleware(Limits, votes_per_minute=votes, voters_per_network=voters, clock=clock),
        ],
    )


def ask(
    app: Starlette, path: str, client: str = "203.0.113.5", voter: str = "", **more: str
) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(client, 4242))
        async with httpx.AsyncClient(transport=transport, base_url="http://arena.test") as browser:
            cookie = {"Cookie": f"other=1; arena_voter={voter}"} if voter else {}
            return await browser.post(path, headers=cookie | more)

    return asyncio.run(once())


def taken(app: Starlette, times: int, path: str, **who: Any) -> int:
    return sum(ask(app, path, **who).status_code == 200 for _ in range(times))


def test_a_bucket_gives_a_minutes_worth_at_once_and_fills_again(clock: Clock) -> None:
    bucket = Bucket(6, clock)
    for _ in range(6):
        assert bucket.wait_s("a") == 0
        bucket.count("a")
    assert bucket.wait_s("a") == pytest.approx(10)
    assert bucket.wait_s("b") == 0
    clock.now += 9.5
    assert bucket.wait_s("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert bucket.wait_s("a") == 0
    bucket.count("a")
    assert bucket.wait_s("a") == pytest.approx(10)
    clock.now += 60
    assert [bucket.wait_s("a"), bucket.count("a")][0] == 0


def test_less_than_one_a_minute_still_lets_one_pass(clock: Clock) -> None:
    bucket = Bucket(0.1, clock)
    assert bucket.wait_s("a") == 0
    bucket.count("a")
    assert 0 < bucket.wait_s("a") <= 60


def test_a_hundred_thousand_keys_are_kept_at_most() -> None:
    assert MOST_KEYS == 100_000  # as docs/security.md says


def test_a_flood_of_new_keys_takes_no_more_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_KEYS", 100)
    bucket = Bucket(60, clock)
    for number in range(1000):
        bucket.count(f"key{number}")
        assert len(bucket._paid_at) <= 100
    bucket.count("key999")
    assert bucket.wait_s("key999") == 0
    clock.now += 100
    for number in range(100):
        bucket.count(f"later{number}")
    assert not any(key.startswith("key") for key in bucket._paid_at)


def test_a_voter_who_sends_too_many_votes_is_told_when_to_come_back(clock: Clock) -> None:
    app = limited(clock, votes=5)
    assert taken(app, 5, "/api/vote", voter="secret") == 5
    reply = ask(app, "/api/vote", voter="secret")
    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "12"
    assert reply.json() == {
        "error": "More requests came from here than voters send. Nothing is lost: the same is taken in 12 s.",
        "kind": "limit",
        "retry_after_s": 12,
    }
    assert taken(app, 1, "/api/vote", voter="another") == 1
    assert taken(app, 1, "/api/next", voter="secret") == 1, "each route counts for itself"
    clock.now += 12
    assert taken(app, 2, "/api/vote", voter="secret") == 1


def test_new_cookies_do_not_outrun_a_networks_limit(clock: Clock) -> None:
    app = limited(clock, votes=5, voters=2)
    came = [
        ask(app, "/api/vote", voter=f"made-up-{n}", client=f"203.0.113.{n}").status_code for n in range(12)
    ]
    assert came == [200] * 10 + [429] * 2
    assert taken(app, 1, "/api/vote", voter="x", client="203.0.114.1") == 1
    v6 = [ask(app, "/api/vote", client=f"2001:db8:7:{n:x}::1").status_code for n in range(12)]
    assert v6 == [200] * 10 + [429] * 2


def test_a_refused_request_is_not_counted(clock: Clock) -> None:
    app = limited(clock, votes=5)
    taken(app, 50, "/api/vote", voter="secret")
    clock.now += 12
    assert taken(app, 1, "/api/vote", voter="secret") == 1


@pytest.mark.parametrize(("path", "allowed"), [("/api/join", 4), ("/clip/x", 720), ("/", 120)])
def test_every_route_has_its_own_measure(clock: Clock, path: str, allowed: int) -> None:
    app = limited(clock, votes=60, voters=2)
    assert taken(app, allowed + 5, path) == allowed


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/js/index.js", "/_stcore/health"])
def test_health_and_files_that_a_proxy_keeps_are_never_refused(clock: Clock, path: str) -> None:
    assert taken(limited(clock, votes=1, voters=1), 30, path) == 30


def test_pages_connections_are_limited_too(clock: Clock) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def connect(app: Starlette) -> None:
        async def receive() -> MutableMapping[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": [], "client": ("203.0.113.5", 1)}
        await app(scope, receive, send)

    app = limited(clock, votes=1, voters=1)
    asyncio.run(connect(app))
    assert sent[0]["type"] == "websocket.accept"
    sent.clear()
    asyncio.run(connect(app))
    assert [(each["type"], each["code"]) for each in sent] == [("websocket.close", 1013)]


def test_the_arena_believes_the_proxies_that_its_study_trusts_and_no_others(
    make_study: Callable[..., Study],
) -> None:
    from arena_ui.arena import open_arena
    from arena_ui.asgi import _around

    arena = open_arena(make_study(prompts=2, trusted_proxies=["10.0.0.7"]).folder)
    outermost = _around(arena)[0]
    assert outermost.cls is ProxyHeadersMiddleware
    assert outermost.kwargs["trusted_hosts"] == ["10.0.0.7"]
    arena.store.close()


def test_only_a_trusted_proxy_says_who_asks(clock: Clock) -> None:
    """A visitor who claims to be somebody else's proxy is counted at their own address."""
    strangers = limited(clock, votes=1, voters=1)
    claims = [{"X-Forwarded-For": f"198.51.{n}.1"} for n in range(4)]
    assert [ask(strangers, "/", **claim).status_code for claim in claims] == [200, 429, 429, 429]
    behind = limited(clock, votes=1, voters=1, proxies=("203.0.113.0/24",))
    assert [ask(behind, "/", **claim).status_code for claim in claims] == [200] * 4
    # What a visitor wrote before the proxy's own word is not believed.
    forged = [{"X-Forwarded-For": f"192.0.{n}.1, 198.18.0.1"} for n in range(3)]
    assert [ask(behind, "/", **claim).status_code for claim in forged] == [200, 429, 429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix:", ""),
        ("", ""),
    ],
)
def test_no_more_of_an_address_is_kept_than_its_network(address: str, network: str) -> None:
    assert network_of(address) == network

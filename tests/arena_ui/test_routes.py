"""The routes, over a real store, with the clock in the test's hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from arena_ui.booth import Booth, common_length
from arena_ui.guard import Guard
from arena_ui.routes import COOKIE, build_routes
from arena_ui.tokens import Sealer
from evalharness.config import Study
from evalharness.media import probe
from evalharness.media.boxes import read_boxes
from evalharness.records import BlindPair
from evalharness.store import Store

ORIGIN = "http://arena.test"
ALLOWED = {"Origin": ORIGIN, "X-Arena": "1"}
EVIDENCE = {
    "seen_left": 1.0,
    "seen_right": 1.0,
    "heard_left_s": 0.9,
    "heard_right_s": 0.0,
    "first_heard": "left",
    "plays": 1,
    "answer_s": 3.0,
    "hidden_s": 0.0,
    "drift_ms": 4.0,
    "input": "pointer",
    "first_seen": "both",
    "last_seen": "both",
}


class Visitor:
    """A browser without a screen: keeps its cookies, speaks to the app in this process."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, cookies=self.cookies
            ) as client:
                reply = await client.request(method, path, **content)
                self.cookies.update(client.cookies)
                return reply

        return asyncio.run(once())

    def get(self, path: str, **content: Any) -> httpx.Response:
        return self.ask("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self.ask("POST", path, **content)


@dataclass
class Arena:
    study: Study
    store: Store
    now: datetime
    app: Starlette | None = None

    def visitor(self, *, joined: bool = True, languages: tuple[str, ...] = ("en",)) -> Visitor:
        assert self.app is not None
        client = Visitor(self.app)
        if joined:
            reply = client.post("/api/join", json={"consent": True, "languages": languages}, headers=ALLOWED)
            assert reply.status_code == 201, reply.text
        return client

    def vote(self, client: Visitor, pair: dict[str, Any], outcome: str = "left", **changes: Any) -> Any:
        receipts = {
            side: client.get(f"/clip/{pair[side]}").headers["x-receipt"] for side in ("left", "right")
        }
        body = {
            "ticket": pair["battle_id"],
            "answers": dict.fromkeys(pair["questions"], outcome),
            "evidence": EVIDENCE,
            "receipts": receipts,
            "nonce": "n1",
        }
        return client.post("/api/vote", json=body | changes, headers=ALLOWED)


@pytest.fixture
def arena(make_study: Callable[..., Study], request: pytest.FixtureRequest) -> Iterator[Arena]:
    study = make_study(**{"prompts": 3, "votes_per_voter": 4, **getattr(request, "param", {})})
    with Store.open(study.database_url) as store:
        it = Arena(study, store, datetime(2026, 6, 1, 9, 0, tzinfo=UTC))
        booth = Booth(study, store, Sealer(b"k" * 32), clock=lambda: it.now)
        it.app = Starlette(routes=build_routes(booth, {"en": "v1"}), middleware=[Middleware(Guard)])
        yield it


def pairs_of(client: Visitor) -> list[dict[str, Any]]:
    return list(client.post("/api/next", headers=ALLOWED).json()["pairs"])


def test_nothing_is_shown_or_taken_before_consent(arena: Arena) -> None:
    client = arena.visitor(joined=False)
    for path in ("/api/next", "/api/vote"):
        reply = client.post(path, json={}, headers=ALLOWED)
        assert (reply.status_code, reply.json()["kind"]) == (401, "join")
    for body in ({}, {"consent": False, "languages": []}, {"consent": "yes", "languages": []}):
        assert client.post("/api/join", json=body, headers=ALLOWED).status_code == 422
    for languages in ("en", ["xx"], [["en"]], None):
        reply = client.post("/api/join", json={"consent": True, "languages": languages}, headers=ALLOWED)
        assert (reply.status_code, reply.json()["kind"]) == (422, "languages")
    assert arena.store.battles() == ()


def test_the_browser_keeps_a_secret_and_the_database_only_its_hash(arena: Arena) -> None:
    client = arena.visitor(joined=False)
    reply = client.post("/api/join", json={"consent": True, "languages": ["en", "en"]}, headers=ALLOWED)
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    secret = reply.cookies[COOKIE]
    voter = arena.store.voter_by_token(sha256(secret.encode()).hexdigest())
    assert voter is not None
    assert (voter.languages, voter.consent_version, voter.consented_at) == (("en",), "v1", arena.now)
    assert secret.encode() not in (arena.study.folder / "study.db").read_bytes()
    again = client.post("/api/join", json={"consent": True, "languages": ["en"]}, headers=ALLOWED)
    assert again.status_code == 200
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": ORIGIN},
        {"X-Arena": "1"},
        {"Origin": "http://evil.test", "X-Arena": "1"},
        {"Origin": "null", "X-Arena": "1"},
    ],
    ids=str,
)
def test_posts_from_elsewhere_are_refused(arena: Arena, headers: dict[str, str]) -> None:
    client = arena.visitor()
    reply = client.post("/api/next", json={}, headers=headers)
    assert (reply.status_code, reply.json()["kind"]) == (403, "origin")
    assert arena.store.battles() == ()


def test_two_pairs_are_open_and_stay_the_same_with_new_tokens(arena: Arena) -> None:
    client = arena.visitor()
    first, second = pairs_of(client), pairs_of(client)
    assert len(first) == 2
    assert [pair["battle_id"] for pair in first] == [pair["battle_id"] for pair in second]
    assert set(first[0]) == {field.name for field in fields(BlindPair)}
    assert not {first[0][side] for side in ("left", "right")} & {
        second[0][side] for side in ("left", "right")
    }
    assert len(arena.store.battles()) == 2


def test_what_a_visitor_gets_names_nothing(arena: Arena, secrets_of: Callable[[Study], set[str]]) -> None:
    client = arena.visitor()
    replies = [client.post("/api/next", headers=ALLOWED)]
    replies += [
        client.get(f"/clip/{pair[side]}") for pair in replies[0].json()["pairs"] for side in ("left", "right")
    ]
    for reply in replies:
        said = (str(reply.headers) + str(reply.request.url)).encode() + reply.content
        assert [word for word in secrets_of(arena.study) if word.encode() in said] == []


def test_a_vote_is_saved_once_and_brings_the_next_pair(arena: Arena) -> None:
    client = arena.visitor()
    current, ahead = pairs_of(client)
    arena.now += timedelta(seconds=5)
    reply = arena.vote(client, current)
    assert reply.status_code == 200, reply.text
    told = reply.json()
    assert (told["saved"], told["again"], told["done"], told["total"], told["nonce"]) == (
        True,
        False,
        1,
        4,
        "n1",
    )
    assert told["pairs"][0]["battle_id"] == ahead["battle_id"]
    assert len(told["pairs"]) == 2
    again = arena.vote(client, current)
    assert (again.status_code, again.json()["again"]) == (200, True)
    other = arena.vote(client, current, "right")
    assert (other.status_code, other.json()["kind"]) == (409, "conflict")
    stored = arena.store.votes(current["battle_id"])
    assert {vote.outcome for vote in stored} == {"left"}
    assert {vote.question for vote in stored} == set(current["questions"])
    assert stored[0].evidence == EVIDENCE


def test_a_pair_loaded_ahead_cannot_be_answered_sooner_than_it_can_be_watched(arena: Arena) -> None:
    client = arena.visitor()
    current, ahead = pairs_of(client)
    early = arena.vote(client, current)
    assert early.status_code == 425
    assert early.json()["retry_after_s"] == pytest.approx(0.9, abs=0.02)
    arena.now += timedelta(hours=1)  # both tickets are an hour old now
    assert arena.vote(client, current).status_code == 200
    assert arena.vote(client, ahead).status_code == 425
    arena.now += timedelta(seconds=1)
    assert arena.vote(client, ahead).status_code == 200
    assert len({vote.battle_id for vote in arena.store.votes()}) == 2


def test_votes_that_do_not_count_change_nothing(arena: Arena) -> None:
    client, stranger = arena.visitor(), arena.visitor()
    pair = pairs_of(client)[0]
    theirs = pairs_of(stranger)[0]
    arena.now += timedelta(seconds=5)
    wrong: list[dict[str, Any]] = [
        {"receipts": {}},
        {"receipts": None},
        {"receipts": {"left": "0" * 24, "right": "0" * 24}},
        {"evidence": EVIDENCE | {"seen_left": 0.5}},
        {"evidence": {}},
        {"evidence": EVIDENCE | {"plays": 10**400}},
        {"answers": {}},
        {"answers": {"overall": "leftt"}},
        {"ticket": theirs["battle_id"]},
        {"ticket": "nothing"},
        {"ticket": None},
    ]
    for change in wrong:
        reply = arena.vote(client, pair, **change)
        assert reply.status_code == 422, change
        assert reply.json()["error"].endswith(".")
    for raw in (
        b'{"ticket": "\\ud800", "answers": {}, "nonce": "\\ud800"}',
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": "' + b"x" * 20_000 + b'"}',
        b'{"ticket": ' + b"9" * 5_000 + b"}",
        b"[" * 9_000,
    ):
        assert client.post("/api/vote", content=raw, headers=ALLOWED).status_code == 422
    assert arena.store.votes() == ()


def test_after_the_last_pair_there_is_none(arena: Arena) -> None:
    client = arena.visitor()
    seen: list[str] = []
    for _ in range(4):
        pair = pairs_of(client)[0]
        seen.append(pair["battle_id"])
        arena.now += timedelta(seconds=5)
        last = arena.vote(client, pair).json()
    assert (last["pairs"], last["done"], last["total"]) == ([], 4, 4)
    assert len(set(seen)) == 4
    shown = {(b.prompt_id, frozenset((b.left.system, b.right.system))) for b in arena.store.battles()}
    assert len(shown) == 4


def test_a_restart_goes_on_with_the_same_pairs(arena: Arena) -> None:
    client = arena.visitor()
    before = pairs_of(client)
    reborn = Booth(arena.study, arena.store, Sealer(b"k" * 32), clock=lambda: arena.now)
    arena.app = Starlette(routes=build_routes(reborn, {"en": "v1"}), middleware=[Middleware(Guard)])
    later = arena.visitor(joined=False)
    later.cookies = client.cookies
    assert [pair["battle_id"] for pair in pairs_of(later)] == [pair["battle_id"] for pair in before]
    arena.now += timedelta(seconds=5)
    assert arena.vote(later, before[0]).status_code == 200  # tokens and receipts of before still hold


def test_ranges_of_one_showing_fit_together(arena: Arena) -> None:
    client = arena.visitor()
    url = f"/clip/{pairs_of(client)[0]['left']}"
    whole = client.get(url)
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["cache-control"] == "private, no-store"
    length = len(whole.content)
    for wanted, part in {
        "bytes=0-99": whole.content[:100],
        "bytes=100-": whole.content[100:],
        "bytes=-50": whole.content[-50:],
        f"bytes={length - 80}-{length + 500}": whole.content[-80:],
    }.items():
        reply = client.get(url, headers={"Range": wanted})
        assert reply.status_code == 206
        assert reply.content == part, wanted
        start = length - len(part) if not wanted.startswith("bytes=0") else 0
        assert reply.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{length}"
    for wanted in (f"bytes={length}-", "bytes=9-3", "bytes=-0"):
        reply = client.get(url, headers={"Range": wanted})
        assert (reply.status_code, reply.headers["content-range"]) == (416, f"bytes */{length}")
    for wanted in ("bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes="):
        assert client.get(url, headers={"Range": wanted}).content == whole.content
    head = client.ask("HEAD", url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(length))
    assert "x-receipt" not in head.headers  # nothing was delivered


@pytest.mark.parametrize(
    "arena", [{"same_length": True}, {"same_length": False}], indirect=True, ids=["padded", "not"]
)
def test_two_showings_share_no_hash_header_or_url_and_sides_have_one_length(
    arena: Arena, tmp_path: Path
) -> None:
    client = arena.visitor()
    showings = [pairs_of(client)[0] for _ in range(2)]
    replies = {
        (n, side): client.get(f"/clip/{pair[side]}")
        for n, pair in enumerate(showings)
        for side in ("left", "right")
    }
    assert len({reply.headers["content-length"] for reply in replies.values()}) == 1
    assert len({sha256(reply.content).hexdigest() for reply in replies.values()}) == 4
    for (number, side), reply in replies.items():
        assert not {"etag", "last-modified"} & set(reply.headers)
        file = tmp_path / f"{number}-{side}.mp4"
        file.write_bytes(reply.content)
        assert read_boxes(reply.content)[-1].kind == "free"
        assert probe(file).frames == 12
    stored = {exhibit.sha256 for exhibit in arena.store.exhibits()}
    assert not {sha256(reply.content).hexdigest() for reply in replies.values()} & stored


def test_lengths_leave_room_for_a_whole_box() -> None:
    assert common_length([100, 100]) == 100
    for sizes in ([100, 99], [100, 93], [5, 100]):
        assert all(common_length(sizes) - size >= 8 for size in sizes)


@pytest.mark.parametrize("arena", [{"prompts": 4, "votes_per_voter": 12}], indirect=True)
def test_pictures_are_shown_where_the_prompt_has_them(arena: Arena) -> None:
    client = arena.visitor()
    shown: dict[str, list[httpx.Response]] = {"image-to-video": [], "reference-to-video": []}
    while pairs := pairs_of(client):
        pair = pairs[0]
        category = arena.store.battle(pair["battle_id"]).category
        assert (pair["first_frame"] is not None) == (category == "image-to-video")
        assert len(pair["references"]) == 2 * (category == "reference-to-video")
        for token in filter(None, (pair["first_frame"], *pair["references"])):
            shown[category].append(client.get(f"/picture/{token}"))
        arena.now += timedelta(seconds=5)
        arena.vote(client, pair)
    assert all(shown.values())
    for reply in (reply for replies in shown.values() for reply in replies):
        assert reply.headers["content-type"] == "image/png"
        assert reply.content.startswith(b"\x89PNG")
        assert "suite-secret" not in str(reply.headers)


def test_links_that_were_not_made_here_open_nothing(arena: Arena) -> None:
    client = arena.visitor()
    pair = pairs_of(client)[0]
    for path in (
        "/clip/x",
        "/clip/" + "A" * 60,
        f"/picture/{pair['left']}",
        f"/clip/{pair['left'][:-1]}",
        "/picture/x",
    ):
        assert client.get(path).status_code == 404
    arena.now += timedelta(hours=3)
    assert client.get(f"/clip/{pair['left']}").status_code == 404


def test_a_link_opens_nothing_for_anybody_but_the_voter_whose_pair_it_is_of(arena: Arena) -> None:
    client, other, stranger = arena.visitor(), arena.visitor(), arena.visitor(joined=False)
    pair = pairs_of(client)[0]
    for path in (f"/clip/{pair['left']}", f"/clip/{pair['right']}"):
        assert client.get(path).status_code == 200
        refused = [each.get(path) for each in (other, stranger)]
        assert [reply.status_code for reply in refused] == [404, 404]
        assert not any("x-receipt" in reply.headers for reply in refused)
    assert client.post("/api/withdraw", json={}, headers=ALLOWED).status_code == 200
    assert client.get(f"/clip/{pair['left']}").status_code == 404


def test_anothers_ticket_is_nobodys(arena: Arena) -> None:
    client, other = arena.visitor(), arena.visitor()
    pair = pairs_of(client)[0]
    body = {"ticket": pair["battle_id"], "answers": {}, "evidence": {}, "receipts": {}}
    reply = other.post("/api/vote", json=body, headers=ALLOWED)
    assert (reply.status_code, reply.json()["kind"]) == (422, "malformed")
    assert "was not drawn for you" in reply.json()["error"]


def test_every_reply_is_guarded_and_metrics_are_closed(arena: Arena) -> None:
    client = arena.visitor()
    reply = client.get("/clip/x")
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert client.get("/_stcore/metrics").json()["kind"] == "closed"
    assert json.loads(client.get("/clip/x").text)["error"].endswith(".")

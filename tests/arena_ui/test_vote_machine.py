"""Requests in any order, right ones and wrong ones, beside a naive twin that knows what each must lead to.

Hypothesis draws who asks for pairs, fetches clips, waits, votes, sends an old vote again, sends it as another
voter, spoils a field or the whole body, forgets a header; it does so many times over on one arena, with two
new voters each time. Whatever came before: no reply is an error of ours, every refusal has a sentence, and
the database holds what was acknowledged, once.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from starlette.applications import Starlette
from starlette.middleware import Middleware

from arena_ui.booth import Booth
from arena_ui.faults import Faults
from arena_ui.guard import Guard
from arena_ui.routes import COOKIE, build_routes
from arena_ui.tokens import Sealer
from evalharness.config import Study
from evalharness.labels import FaultKind
from evalharness.records import Outcome, Question
from evalharness.store import Store
from tests.arena_ui.crowd import EVIDENCE

ORIGIN = "http://arena.test"
OURS = {"Origin": ORIGIN, "X-Arena": "1"}
JOINED, NOBODY, MADE_UP = (0, 1), 2, 3
"""Who asks: two voters, somebody without a cookie, somebody with one that was never given out."""
T = TypeVar("T")
LARGEST_REQUEST, LARGEST_BODY = 65_536, 16_384
WATCHED = timedelta(seconds=0.9)
LIFE = timedelta(hours=2)

NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 1e308, 2**63])
TEXTS = st.text(max_size=40) | st.sampled_from(["\ud800", "0" * 32, "' OR 1=1 --", "left", "\x00", "é" * 50])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
CHOICES = st.sampled_from([*Outcome])
FAULTS = st.sampled_from([*FaultKind, "none", [], {}, None, 10**400])
FIELDS = ("ticket", "answers", "evidence", "receipts", "nonce")
VALUES = NUMBERS | TEXTS | JSON
PLACES = st.one_of(
    st.sampled_from([(name,) for name in (*FIELDS, "more")]),
    st.sampled_from([("evidence", name) for name in EVIDENCE]),
    st.sampled_from([("receipts", "left"), ("receipts", "right"), ("answers", "overall"), ("answers", "x")]),
)
NEWEST = st.integers(1, 6)
SIDES = st.sampled_from(["left", "right"])
RAW = st.binary(max_size=60) | st.sampled_from(
    [b"", b"null", b"[]", b"NaN", b"[" * 9_000, b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
     b'{"ticket": ' + b"9" * 5_000 + b"}", b'{"ticket": "a", "ticket": "b"}', b'{"ticket": "\xed\xa0\x80"}',
     b"\xff\xfe{\x00}\x00", b'{"a": "' + b"x" * LARGEST_BODY + b'"}', b" " * 70_000]
)  # fmt: skip
HEADERS = st.sampled_from(
    [
        ({"X-Arena": "1"}, 403),
        ({"Origin": ORIGIN}, 403),
        ({**OURS, "Origin": "http://evil.example"}, 403),
        ({**OURS, "Origin": "null"}, 403),
        ({**OURS, "Transfer-Encoding": "chunked"}, 411),
        ({**OURS, "Content-Length": "-1"}, 411),
        ({**OURS, "Content-Length": "9" * 40}, 413),
    ]
)
HARMLESS = st.sampled_from(
    [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/xml; charset=\xff"},
     {"Content-Encoding": "gzip"}, {"Range": "bytes=0-1"}, {"X-HTTP-Method-Override": "DELETE"}]
)  # fmt: skip
RANGES = ["", "bytes=0-9", "bytes=5-", "bytes=-7", "bytes=9-3", "bytes=-0", f"bytes={'9' * 30}-", "bytes=²-"]


class Rig:
    """One arena in this process, its clock in the test's hand."""

    def __init__(self, study: Study, store: Store, runner: asyncio.Runner) -> None:
        self.store, self._runner = store, runner
        self.now = datetime(2026, 6, 1, 9, tzinfo=UTC)
        booth = Booth(study, store, Sealer(b"k" * 32), clock=lambda: self.now, rng=Random(1))
        guarded = [Middleware(Guard), Middleware(Faults)]
        app = Starlette(routes=build_routes(booth, {"en": "v1"}), middleware=guarded)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)
        self.seen: Counter[int] = Counter()

    def ask(self, method: str, path: str, cookie: str = "", **content: Any) -> httpx.Response:
        return self.ask_at_once([(method, path, cookie, content)])[0]

    def ask_at_once(self, requests: Iterable[tuple[str, str, str, dict[str, Any]]]) -> list[httpx.Response]:
        """The replies, none of which is an error of ours, and none a refusal without a sentence."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self._one(*each) for each in requests))

        replies = self._runner.run(all_of_them())
        for reply in replies:
            self.seen[reply.status_code] += 1
            assert reply.status_code < 500, (reply.request, reply.text)
            if 400 <= reply.status_code not in (405, 416) and reply.request.method != "HEAD":
                assert reply.json()["error"].endswith("."), reply.text
        return replies

    async def _one(self, method: str, path: str, cookie: str, content: dict[str, Any]) -> httpx.Response:
        self._client.cookies.clear()
        headers = dict(content.pop("headers", OURS))
        if cookie:
            headers["Cookie"] = f"{COOKIE}={cookie}"
        return await self._client.request(method, path, headers=headers, **content)


@dataclass
class Pair:
    """What the twin remembers of a pair."""

    ticket: str
    owner: int
    questions: tuple[str, ...]
    opened: datetime
    clips: dict[str, str] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)
    """What came with clips that were fetched whole."""
    answers: dict[str, str] | None = None
    """Acknowledged."""
    faulty: bool = False

    def body(self, choice: Outcome) -> bytes:
        """What the page would send."""
        answers = dict.fromkeys(self.questions, choice.value)
        fields = (self.ticket, answers, EVIDENCE, self.receipts, "n")
        return json.dumps(dict(zip(FIELDS, fields, strict=True))).encode()


class Twin:
    """The vote route as anybody would describe it: no database, no codes, no threads."""

    def __init__(self) -> None:
        self.pairs: dict[str, Pair] = {}
        self.last: dict[int, datetime] = {}
        """When each voter last answered."""

    def newest(self, nth: int) -> Pair:
        """The last pair is the first."""
        return latest([*self.pairs.values()], nth)

    def expects(self, who: int, raw: bytes, now: datetime) -> set[int]:
        """The statuses that a vote may be answered with; several where the evidence is not the page's own."""
        if len(raw) > LARGEST_REQUEST:
            return {413}
        body = parsed(raw)
        if body is None:
            return {422}
        if who not in JOINED:
            return {401}
        ticket, answers = body.get("ticket"), body.get("answers")
        pair = self.pairs.get(ticket) if isinstance(ticket, str) else None
        if pair is None or pair.owner != who or not are_answers(answers):
            return {422}
        if pair.answers is not None:
            return {200} if answers == pair.answers else {409}
        if pair.faulty:
            return {409}
        if now - pair.opened > LIFE:
            return {410}
        receipts = body.get("receipts")
        delivered = isinstance(receipts, dict) and all(
            isinstance(receipts.get(side), str) and receipts[side] == pair.receipts.get(side)
            for side in pair.clips
        )
        own_evidence = json.dumps(body.get("evidence")) == json.dumps(EVIDENCE)
        doubtful = set() if own_evidence else {422}
        if set(answers) != set(pair.questions) or not delivered:
            return {422}
        if now - max(pair.opened, self.last.get(who, pair.opened)) < WATCHED:
            return {425} | doubtful
        return {200} | doubtful


def parsed(raw: bytes) -> dict[str, Any] | None:
    """A body's object, or None."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and len(raw) <= LARGEST_BODY else None


def spoiled(raw: bytes, place: tuple[str, ...], value: Any) -> bytes:
    """A vote with something else in one place."""
    body = inner = json.loads(raw)
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return json.dumps(body).encode()


def latest(things: list[T], nth: int) -> T:
    """The `nth` from the end, from 1; the first where there are fewer."""
    return things[-min(nth, len(things))]


def are_answers(value: object) -> bool:
    """Whether these are labels that the page sends."""
    return isinstance(value, dict) and all(
        question in [*Question] and label in [*Outcome] for question, label in value.items()
    )


class VoteRoute(RuleBasedStateMachine):
    """What two voters and whoever else may send, in any order."""

    rig: Rig

    @initialize()
    def two_voters_join(self) -> None:
        self.twin, self.cookies, self.written = Twin(), ["", "", "", "made-up"], [b"{}"]
        for who in JOINED:
            reply = self.rig.ask("POST", "/api/join", json={"consent": True, "languages": ["en"]})
            assert reply.status_code == 201
            self.cookies[who] = reply.cookies[COOKIE]
            self.ask_for_pairs(who)

    @rule(who=st.sampled_from(JOINED))
    def ask_for_pairs(self, who: int) -> None:
        self.note_pairs(who, self.rig.ask("POST", "/api/next", self.cookies[who], json={}))

    @rule(seconds=st.sampled_from([0.35, 2.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        self.rig.now += timedelta(seconds=seconds)

    @rule(nth=NEWEST, side=SIDES, method=st.sampled_from(["GET", "HEAD"]), wanted=st.sampled_from(RANGES))
    def fetch_a_part(self, nth: int, side: str, method: str, wanted: str) -> None:
        headers = {"Range": wanted.encode("latin-1")} if wanted else {}
        pair = self.twin.newest(nth)
        reply = self.rig.ask(method, pair.clips[side], self.cookies[pair.owner], headers=headers)
        assert reply.status_code in (200, 206, 404, 416)
        whole = method == "GET" and reply.status_code == 200
        assert ("x-receipt" in reply.headers) == whole, "a receipt is for what was delivered"
        if whole:
            pair.receipts[side] = reply.headers["x-receipt"]

    @rule(nth=NEWEST, side=SIDES, who=st.integers(0, 3))
    def open_anothers_link(self, nth: int, side: str, who: int) -> None:
        pair = self.twin.newest(nth)
        if who != pair.owner:
            assert self.rig.ask("GET", pair.clips[side], self.cookies[who]).status_code == 404

    @rule(nth=NEWEST, choice=CHOICES, seconds=st.sampled_from([0.0, 0.35, 2.0, 7201.0]))
    def watch_and_judge(self, nth: int, choice: Outcome, seconds: float) -> None:
        pair = self.watched(nth, seconds)
        self.vote(pair.owner, pair.body(choice))

    @rule(nth=NEWEST, place=PLACES, value=VALUES)
    def watch_and_send_a_spoiled_vote(self, nth: int, place: tuple[str, ...], value: Any) -> None:
        pair = self.watched(nth, 2.0)
        self.vote(pair.owner, spoiled(pair.body(Outcome.TIE), place, value))

    @rule(nth=NEWEST)
    def watch_and_exchange_the_receipts(self, nth: int) -> None:
        pair = self.watched(nth, 2.0)
        exchanged = dict(zip(pair.receipts, [*pair.receipts.values()][::-1], strict=True))
        self.vote(pair.owner, spoiled(pair.body(Outcome.TIE), ("receipts",), exchanged))

    @rule(nth=NEWEST, choices=st.tuples(CHOICES, CHOICES))
    def press_two_buttons_at_once(self, nth: int, choices: tuple[Outcome, Outcome]) -> None:
        pair = self.watched(nth, 2.0)
        bodies = [pair.body(choice) for choice in choices]
        expected = [self.twin.expects(pair.owner, raw, self.rig.now) for raw in bodies]
        cookie = self.cookies[pair.owner]
        replies = self.rig.ask_at_once([("POST", "/api/vote", cookie, {"content": raw}) for raw in bodies])
        told = [reply.status_code for reply in replies]
        if pair.answers is not None or expected[0] != {200}:
            assert [{status} for status in told] == expected
        elif choices[0] is choices[1]:
            assert told == [200, 200]
            assert sorted(reply.json()["again"] for reply in replies) == [False, True]
        else:
            assert sorted(told) == [200, 409]
        for raw, reply in zip(bodies, replies, strict=True):
            self.note_vote(pair.owner, raw, reply)

    @rule(nth=NEWEST, choice=CHOICES)
    def write_a_vote(self, nth: int, choice: Outcome) -> None:
        self.written.append(self.twin.newest(nth).body(choice))

    @rule(nth=NEWEST, place=PLACES, value=VALUES)
    def write_a_spoiled_vote(self, nth: int, place: tuple[str, ...], value: Any) -> None:
        self.written.append(spoiled(self.twin.newest(nth).body(Outcome.TIE), place, value))

    @rule(raw=RAW)
    def write_what_is_no_vote(self, raw: bytes) -> None:
        self.written.append(raw)

    @rule(who=st.sampled_from([*JOINED, *JOINED, NOBODY, MADE_UP]), nth=NEWEST, headers=HARMLESS)
    def send(self, who: int, nth: int, headers: dict[str, str]) -> None:
        self.vote(who, latest(self.written, nth), headers)

    @rule(who=st.sampled_from([*JOINED, NOBODY]), nth=NEWEST, wrong=HEADERS)
    def send_with_wrong_headers(self, who: int, nth: int, wrong: tuple[dict[str, str], int]) -> None:
        headers, status = wrong
        content = latest(self.written, nth)[:LARGEST_BODY]
        reply = self.rig.ask("POST", "/api/vote", self.cookies[who], content=content, headers=headers)
        assert reply.status_code == status

    @rule(who=st.sampled_from(JOINED), method=st.sampled_from(["GET", "PUT", "PATCH", "DELETE", "HEAD"]))
    def ask_in_another_way(self, who: int, method: str) -> None:
        assert self.rig.ask(method, "/api/vote", self.cookies[who], content=b"{}").status_code == 405

    @rule(who=st.sampled_from([*JOINED, NOBODY]), nth=NEWEST, kind=FAULTS)
    def report_a_fault(self, who: int, nth: int, kind: Any) -> None:
        pair = self.twin.newest(nth)
        body = json.dumps({"ticket": pair.ticket, "kind": kind}).encode()
        reply = self.rig.ask("POST", "/api/fault", self.cookies[who], content=body)
        if who == NOBODY:
            assert reply.status_code == 401
        elif pair.owner != who or kind not in [*FaultKind]:
            assert reply.status_code == 422
        elif pair.answers is not None:
            assert reply.status_code == 409
        else:
            assert reply.status_code == 200
            pair.faulty = True
            self.note_pairs(who, reply)
            self.vote(who, pair.body(Outcome.LEFT))

    def teardown(self) -> None:
        store, pairs = self.rig.store, self.twin.pairs.values()
        for pair in pairs:
            votes = store.votes(pair.ticket)
            assert len({vote.question for vote in votes}) == len(votes), "a double vote"
            assert {vote.question: vote.outcome for vote in votes} == (pair.answers or {})
            assert {vote.voter_id for vote in votes} <= {store.battle(pair.ticket).voter_id}
        faulty = {fault.battle_id for fault in store.faults()} & self.twin.pairs.keys()
        assert faulty == {pair.ticket for pair in pairs if pair.faulty}

    def watched(self, nth: int, seconds: float) -> Pair:
        """One of the newest pairs, its clips fetched, so many seconds later."""
        pair = self.twin.newest(nth)
        for side in pair.clips:
            self.fetch_a_part(nth, side, "GET", "")
        self.wait(seconds)
        return pair

    def vote(self, who: int, raw: bytes, headers: dict[str, str] | None = None) -> None:
        """Send it, and hold the reply against the twin's."""
        expected = self.twin.expects(who, raw, self.rig.now)
        more = {name: value.encode("latin-1") for name, value in (headers or {}).items()}
        reply = self.rig.ask("POST", "/api/vote", self.cookies[who], content=raw, headers={**OURS, **more})
        assert reply.status_code in expected, (expected, reply.text)
        self.note_vote(who, raw, reply)

    def note_vote(self, who: int, raw: bytes, reply: httpx.Response) -> None:
        """Remember what was acknowledged."""
        if reply.status_code != 200:
            return
        body = json.loads(raw)
        pair = self.twin.pairs[body["ticket"]]
        if not reply.json()["again"]:
            assert pair.answers is None, "a vote was taken twice"
            pair.answers, self.twin.last[who] = body["answers"], self.rig.now
        self.note_pairs(who, reply)

    def note_pairs(self, who: int, reply: httpx.Response) -> None:
        """Remember the pairs that a reply tells of, and where their clips are now."""
        for told in reply.json()["pairs"]:
            ticket, questions = told["battle_id"], tuple(told["questions"])
            pair = self.twin.pairs.setdefault(ticket, Pair(ticket, who, questions, self.rig.now))
            assert pair.owner == who
            pair.clips = {side: f"/clip/{told[side]}" for side in ("left", "right")}


def test_votes_in_any_order_among_anything_else_are_neither_forged_nor_doubled(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(prompts=6, votes_per_voter=2000)
    with Store.open(study.database_url) as store, asyncio.Runner() as runner:
        VoteRoute.rig = Rig(study, store, runner)
        run_state_machine_as_test(
            VoteRoute,
            settings=settings(
                max_examples=40,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
        seen = VoteRoute.rig.seen
    expected = {200, 401, 403, 404, 405, 409, 410, 411, 413, 422, 425}
    assert expected <= set(seen), f"some refusals were never met: {sorted(expected - set(seen))}"

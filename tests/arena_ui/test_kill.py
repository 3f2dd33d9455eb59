"""The server is killed while a voter votes: every vote that was acknowledged is there, once."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from evalharness.config import Study
from evalharness.store import Store

KILLS = int(os.environ.get("EVALHARNESS_KILLS", "5"))
AT_ONCE = 3
EVIDENCE = {
    "seen_left": 1.0, "seen_right": 1.0, "heard_left_s": 0.0, "heard_right_s": 0.0, "first_heard": "none",
    "plays": 1, "answer_s": 0.1, "hidden_s": 0.0, "drift_ms": 0.0, "input": "key",
    "first_seen": "both", "last_seen": "both",
}  # fmt: skip


class Voter(threading.Thread):
    """Votes without pause, as the page's outbox does: the same vote again until the server has answered."""

    def __init__(self, url: str, stop: threading.Event, seed: int) -> None:
        super().__init__()
        self.url, self.stop, self.choose = url, stop, random.Random(seed)
        self.acknowledged: dict[str, dict[str, str]] = {}
        self.repeated = 0
        self.surprises: list[str] = []

    def run(self) -> None:
        origin = {"Origin": self.url, "X-Arena": "1"}
        with httpx.Client(base_url=self.url, headers=origin, timeout=5, trust_env=False) as client:
            self.until_answered(client, "POST", "/api/join", json={"consent": True, "languages": ["en"]})
            while not self.stop.is_set():
                reply = self.until_answered(client, "POST", "/api/next", json={})
                if reply is None or not reply.json()["pairs"]:
                    return
                self.vote(client, reply.json()["pairs"][0])

    def vote(self, client: httpx.Client, pair: dict[str, Any]) -> None:
        receipts = {}
        for side in ("left", "right"):
            clip = self.until_answered(client, "GET", f"/clip/{pair[side]}")
            if clip is None:
                return
            receipts[side] = clip.headers["x-receipt"]
        answers = {question: self.choose.choice(["left", "right", "tie"]) for question in pair["questions"]}
        body = {"ticket": pair["battle_id"], "answers": answers, "evidence": EVIDENCE, "receipts": receipts}
        reply = self.until_answered(client, "POST", "/api/vote", json=body)
        if reply is not None and reply.status_code == 200:
            self.acknowledged[pair["battle_id"]] = answers
            self.repeated += reply.json()["again"]

    def until_answered(
        self, client: httpx.Client, method: str, path: str, **content: Any
    ) -> httpx.Response | None:
        while not self.stop.is_set():
            try:
                reply = client.request(method, path, **content)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if reply.status_code not in (200, 201):
                self.surprises.append(f"{method} {path.split('/')[1]}: {reply.status_code} {reply.text}")
            return reply
        return None


def test_kills_lose_no_acknowledged_vote_and_double_none(
    make_study: Callable[..., Study], serve: Callable[[Study], Any]
) -> None:
    study = make_study(votes_per_minute=0, prompts=18, seconds=0.5, watch_share=0.0, votes_per_voter=2000)
    server, stop, rng = serve(study), threading.Event(), random.Random(20260501)
    voters = [Voter(server.url, stop, seed) for seed in range(40)]
    waiting = list(voters)
    started: list[Voter] = []

    def busy() -> list[Voter]:
        """Three voters at any time; who has seen every pair is followed by another."""
        while sum(voter.is_alive() for voter in started) < AT_ONCE and waiting:
            started.append(waiting.pop())
            started[-1].start()
        return started

    for _ in range(KILLS):
        until = time.monotonic() + rng.uniform(0.15, 0.9)
        while time.monotonic() < until:
            busy()
            time.sleep(0.02)
        server.kill()
        server.start()
    time.sleep(0.3)
    stop.set()
    for voter in started:
        voter.join(timeout=20)
    server.kill()

    acknowledged = {ticket: answers for voter in started for ticket, answers in voter.acknowledged.items()}
    with Store.open(study.database_url) as store:
        rows = store.votes()
        battles = {battle.id: battle for battle in store.battles()}
    stored: dict[str, dict[str, str]] = {}
    for row in rows:
        stored.setdefault(row.battle_id, {})[row.question.value] = row.outcome.value
    assert [surprise for voter in started for surprise in voter.surprises] == []
    assert len(acknowledged) > KILLS
    assert {ticket: stored.get(ticket) for ticket in acknowledged} == acknowledged
    assert max(Counter((row.battle_id, row.question) for row in rows).values()) == 1
    assert all(set(answers) == set(battles[ticket].questions) for ticket, answers in stored.items())
    # Votes are sent again until acknowledged; only the test's end can leave one stored and unacknowledged.
    assert len(stored) - len(acknowledged) <= AT_ONCE

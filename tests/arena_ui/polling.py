"""A simulated crowd at the arena's routes, and what becomes of its votes: rulings, and boards with a truth.

The routes, the guard and the booth are the arena's; the clock is the crowd's, so that an hour of voting takes
no longer than the arena's work. Ids are drawn from a seed in place of the machine's, so that a run repeats.
"""

from __future__ import annotations

import asyncio
import heapq
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any
from unittest.mock import patch

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from arena_ui.booth import Booth
from arena_ui.faults import Faults
from arena_ui.guard import Guard
from arena_ui.routes import COOKIE, build_routes
from arena_ui.tokens import Sealer
from evalharness.battles import Pool
from evalharness.config import Study, load_study
from evalharness.quality import Verdict, conducts, rulings_due, verdict
from evalharness.ratings.davidson import davidson
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.tally import tally
from evalharness.records import Ballot, System
from evalharness.store import Store
from tests.arena_ui.conftest import build_study, set_arena
from tests.arena_ui.crowd import EVIDENCE
from tests.arena_ui.raters import TRUTH, Rater

__all__ = ["Board", "board", "polled", "rule", "study_of_truth"]

ORIGIN = "http://arena.test"
OURS = {"Origin": ORIGIN, "X-Arena": "1"}
OPENS = datetime(2026, 6, 1, 9, tzinfo=UTC)
ARRIVALS_S = 3600.0
"""All come within this time, one independently of the other."""
CLIP_S = 1.0


def study_of_truth(folder: Path, *, prompts: int, votes: int, **checks: int) -> Study:
    """A study of the systems of `TRUTH`, one overall question, `votes` comparisons a voter, and `checks`."""
    build_study(folder, prompts=prompts, seconds=CLIP_S, systems=[System(name, "folder") for name in TRUTH])
    file = folder / "study.toml"
    lines = "".join(f"{name} = {number}\n" for name, number in checks.items())
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[checks]\n", f"[checks]\n{lines}"), encoding="utf-8")
    set_arena(folder, questions=["overall"], votes_per_voter=votes)
    return load_study(folder)


def polled(
    study: Study, store: Store, raters: Sequence[Rater], seed: int, advance: Callable[[], None] = lambda: None
) -> dict[str, Rater]:
    """Let all of them vote until they are done; by voter id who they are. `advance` is called at each vote.

    Raises AssertionError where a route answers what no voter should get.
    """
    drawn = Random(f"ids/{seed}")
    with patch.object(secrets, "token_hex", lambda size: drawn.randbytes(size).hex()):
        return asyncio.run(_Polls(study, store, raters, Random(f"arrivals/{seed}"), advance).open())


class _Polls:
    """One run: whoever votes next is who is ready first."""

    def __init__(
        self,
        study: Study,
        store: Store,
        raters: Sequence[Rater],
        random: Random,
        advance: Callable[[], None],
    ) -> None:
        self._store, self._raters, self._advance = store, raters, advance
        self._now = OPENS
        dealt = Random(f"deals/{random.random()}")
        booth = Booth(study, store, Sealer(b"k" * 32), clock=lambda: self._now, rng=dealt)
        guarded = [Middleware(Guard), Middleware(Faults)]
        self._app = Starlette(routes=build_routes(booth, {"en": "v1"}), middleware=guarded)
        arrivals = [OPENS + timedelta(seconds=random.uniform(0, ARRIVALS_S)) for _ in raters]
        self._ready: list[tuple[datetime, int, dict[str, Any] | None]] = [
            (arrival, number, None) for number, arrival in enumerate(arrivals)
        ]
        self._cookies: dict[int, str] = {}
        self._known: dict[str, Rater] = {}

    async def open(self) -> dict[str, Rater]:
        heapq.heapify(self._ready)
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as self._client:
            while self._ready:
                self._now, number, vote = heapq.heappop(self._ready)
                await (self._come(number) if vote is None else self._cast(number, vote))
        return self._known

    async def _come(self, number: int) -> None:
        self._client.cookies.clear()
        asked = {"consent": True, "languages": ["en"]}
        joined = await self._client.post("/api/join", json=asked, headers=OURS)
        self._cookies[number] = joined.cookies[COOKIE]
        await self._watch(number, await self._ask(number, "POST", "/api/next", json={}))

    async def _cast(self, number: int, vote: dict[str, Any]) -> None:
        self._advance()
        await self._watch(number, await self._ask(number, "POST", "/api/vote", json=vote))

    async def _watch(self, number: int, told: httpx.Response) -> None:
        """Fetch both clips of the pair that comes next, and be ready once it is judged."""
        pairs = told.json()["pairs"]
        if not pairs:
            return
        pair, rater = pairs[0], self._raters[number]
        battle = self._store.battle(pair["battle_id"])
        self._known[battle.voter_id] = rater
        clips = {side: await self._ask(number, "GET", f"/clip/{pair[side]}") for side in ("left", "right")}
        takes_s = rater.takes_s(pair["duration_s"])
        vote = {
            "ticket": pair["battle_id"],
            "answers": dict.fromkeys(pair["questions"], rater.answer(pair["prompt_text"], battle)),
            "evidence": {**EVIDENCE, "answer_s": takes_s},
            "receipts": {side: reply.headers["x-receipt"] for side, reply in clips.items()},
        }
        heapq.heappush(self._ready, (self._now + timedelta(seconds=takes_s), number, vote))

    async def _ask(self, number: int, method: str, path: str, **content: Any) -> httpx.Response:
        self._client.cookies.clear()
        headers = {**OURS, "Cookie": f"{COOKIE}={self._cookies[number]}"}
        reply = await self._client.request(method, path, headers=headers, **content)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        return reply


def rule(study: Study, store: Store, now: datetime) -> dict[str, Verdict]:
    """Put on record what the study's rules say of everybody, as `evalharness voters --apply` does."""
    exhibits = store.exhibits()
    found = conducts(store.battles(), store.votes(), faults=store.faults(), exhibits=exhibits)
    length = Pool(store.prompts(), exhibits).session(study.settings.arena.votes_per_voter)
    verdicts = {each.voter_id: verdict(each, study.settings.quality) for each in found.voters}
    rules = study.settings.quality
    store.rule(*rulings_due(verdicts.values(), store.rulings(), now, length=length, settings=rules))
    return verdicts


@dataclass(frozen=True)
class Board:
    """Ratings of the systems of `TRUTH`, beside the truth."""

    ratings: Mapping[str, float]
    """Elo around the mean."""

    @property
    def rank_errors(self) -> Mapping[str, int]:
        """By how many places each system stands away from its true one."""
        ranked = sorted(self.ratings, key=self.ratings.__getitem__, reverse=True)
        return {name: abs(place - ranked.index(name)) for place, name in enumerate(TRUTH)}

    @property
    def rank_distance(self) -> int:
        """Spearman's footrule: the sum of these; 0 where all ranks are right."""
        return sum(self.rank_errors.values())

    @property
    def correlation(self) -> float:
        """Spearman's rank correlation with the truth."""
        size = len(TRUTH)
        return 1 - 6 * sum(error**2 for error in self.rank_errors.values()) / (size * (size**2 - 1))

    def distance(self, other: Board) -> float:
        """Root mean square of the differences in rating, Elo."""
        return fmean((self.ratings[name] - other.ratings[name]) ** 2 for name in TRUTH) ** 0.5


def board(ballots: Iterable[Ballot]) -> Board:
    """Davidson's model fitted to these ballots."""
    fit = davidson(tally(ballots))
    return Board(dict(zip(fit.systems, (fit.strengths * ELO_PER_LOGIT).tolist(), strict=True)))

"""How many voters one arena carries, and how long they wait: the page's own protocol, over loopback.

    python benchmarks/arena.py [--voters 100 500] [--seconds 60] [--saturated 20] [--json FILE]

The arena is a process of its own (in some rows two of them, which share the database); the voters are
another, each with its own connections, cookie and page: they open the page's websocket and have it drawn,
fetch both clips of every pair, think for 8 s on average (exponentially), vote. *Those who do not think*
fetch no clips either, so that the vote route is what is measured. Chromium, where it is there, tells how
soon a page can be used and how soon after an answer the next pair is on screen (which includes the 110 ms
in which the chosen button is shown).

Beside each figure stands what the project asks of itself. Everything shares this machine: voters take
about as much of it as the arena.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402 - after sys.path is mended
from rich.console import Console  # noqa: E402 - after sys.path is mended
from rich.table import Table  # noqa: E402 - after sys.path is mended

from arena_ui.tokens import Part, Sealer, load_key  # noqa: E402 - after sys.path is mended
from evalharness.config import Study  # noqa: E402 - after sys.path is mended
from evalharness.store import Store  # noqa: E402 - after sys.path is mended
from tests.arena_ui.conftest import Server, build_study, set_arena  # noqa: E402 - after sys.path is mended
from tests.arena_ui.crowd import Ledger, Voter, voting  # noqa: E402 - after sys.path is mended
from tests.arena_ui.page import opened, shown  # noqa: E402 - after sys.path is mended
from tests.arena_ui.services import POSTGRES_PROGRAMS, moved, started  # noqa: E402 - after sys.path is mended

THINK_S = 8.0
RAMP_S = 20.0
AT_ONCE = 20
CHROMIUM = Path("/usr/bin/chromium")
RESULTS = ROOT / "benchmarks" / "results" / "arena.json"
TICKS = os.sysconf("SC_CLK_TCK")
WATCH_SWAPS = """() => {
  const find = (node) => node.querySelector(".stage") ?? [...node.querySelectorAll("*")].map(
    (each) => each.shadowRoot && find(each.shadowRoot)).find(Boolean);
  const stage = find(document);
  window.swaps = [];
  addEventListener("keydown", () => {
    const [from, old] = [performance.now(), stage.querySelector(".deck.current")];
    const look = () => {
      const deck = stage.querySelector(".deck.current");
      const both = [...deck.querySelectorAll("video")];
      const there = deck !== old && both.every((video) => video.readyState >= 2);
      requestAnimationFrame(there ? () => window.swaps.push(performance.now() - from) : look);
    };
    look();
  }, true);
}"""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    found: float
    unit: str
    target: float | None = None
    at_least: bool = False
    """Whether the target is a least value, not a greatest."""

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "yes" if (self.found >= self.target if self.at_least else self.found <= self.target) else "NO"


class PageVoter(Voter):
    """A voter with the page open beside its requests, as a browser has it."""

    def __init__(self, url: str, ledger: Ledger, seed: int, *, comes_after_s: float, think_s: float) -> None:
        super().__init__(url, ledger, seed, think_s=think_s)
        self._comes_after_s = comes_after_s

    async def run(self) -> None:
        """Come, have the page drawn, vote."""
        await asyncio.sleep(self._comes_after_s)
        async with self.client:
            await self.join()
            async with opened(self.url, self.cookie) as connection:
                await shown(connection)
                while True:
                    await self.answer_all()
                    await self.join()


def processes_of(servers: list[Server]) -> tuple[float, float]:
    """CPU seconds and resident MB of the arenas' processes."""
    ticks = pages = 0
    for server in servers:
        assert server.process is not None
        place = Path(f"/proc/{server.process.pid}")
        ticks += sum(map(int, (place / "stat").read_text().rsplit(")", 1)[1].split()[11:13]))
        pages += int((place / "statm").read_text().split()[1])
    return ticks / TICKS, pages * resource.getpagesize() / 1e6


@contextmanager
def serving(study: Study, arenas: int = 1) -> Iterator[list[Server]]:
    """Arenas that have seen their first voters: what those load stays."""
    servers = [Server(study, port=0) for _ in range(arenas)]
    try:
        for server in servers:
            server.start()
        with voting(coming(servers, Ledger(), AT_ONCE * arenas, 2.0, 1.0)):
            time.sleep(8.0)
        time.sleep(2.0)
        yield servers
    finally:
        for server in servers:
            server.kill()


def coming(
    servers: list[Server], ledger: Ledger, number: int, ramp_s: float, think_s: float
) -> list[PageVoter]:
    """So many voters, who come one after the other within `ramp_s`, to each of the servers in turn."""
    return [
        PageVoter(
            servers[seed % len(servers)].url,
            ledger,
            seed,
            comes_after_s=seed * ramp_s / number,
            think_s=think_s,
        )
        for seed in range(number)
    ]


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def think(study: Study, voters: int, seconds: float, arenas: int = 1) -> list[Figure]:
    """Acknowledgements, memory and work with so many voters who think."""
    targets = {100: 50.0, 500: 250.0} if arenas == 1 else {}
    with serving(study, arenas) as servers:
        ledger = Ledger()
        _, empty_mb = processes_of(servers)
        with voting(coming(servers, ledger, voters, RAMP_S, THINK_S)):
            time.sleep(RAMP_S + THINK_S)
            ledger.vote_s.clear()
            cpu_s, _ = processes_of(servers)
            time.sleep(seconds)
            taken, (cpu_after_s, full_mb) = list(ledger.vote_s), processes_of(servers)
    if ledger.surprises or ledger.put_off:
        raise SystemExit(f"{voters} voters: {ledger.surprises[:3]} {ledger.put_off}")
    lasted = [1000 * each for each in taken]
    name = f"{voters} voters" + (f", {arenas} arenas" if arenas > 1 else "")
    return [
        Figure(f"{name}: votes a second", len(taken) / seconds, "/s"),
        Figure(f"{name}: acknowledged, median", percentile(lasted, 0.5), "ms"),
        Figure(f"{name}: acknowledged, 95 %", percentile(lasted, 0.95), "ms", targets.get(voters)),
        Figure(f"{name}: work a vote, with its clips", 1000 * (cpu_after_s - cpu_s) / len(taken), "ms CPU"),
        Figure(f"{name}: memory a voter", 1000 * (full_mb - empty_mb) / voters, "KB", 100.0),
        Figure(f"{name}: memory in all", full_mb, "MB"),
    ]


def saturate(study: Study, database: str, seconds: float) -> list[Figure]:
    """Votes a second where nobody thinks."""
    sealer = Sealer(load_key(study.folder))

    def receipts(pair: dict[str, Any]) -> dict[str, str]:
        return {
            side.name.lower(): sealer.receipt(pair["battle_id"], side) for side in (Part.LEFT, Part.RIGHT)
        }

    with serving(study) as servers:
        ledger = Ledger()
        with voting([Voter(servers[0].url, ledger, seed, receipts=receipts) for seed in range(AT_ONCE)]):
            time.sleep(2)
            ledger.vote_s.clear()
            cpu_s, before_mb = processes_of(servers)
            time.sleep(seconds)
            taken, (cpu_after_s, after_mb) = list(ledger.vote_s), processes_of(servers)
    if ledger.surprises:
        raise SystemExit(f"{database}: {ledger.surprises[:3]}")
    with Store.open(study.database_url) as store:
        stored = {vote.battle_id for vote in store.votes()}
    if set(ledger.acknowledged) - stored:
        raise SystemExit(f"{database}: acknowledged votes are missing")
    name = f"{database}, {AT_ONCE} who do not think"
    target = 200.0 if database == "SQLite" else None
    return [
        Figure(f"{name}: votes a second", len(taken) / seconds, "/s", target, at_least=True),
        Figure(f"{name}: acknowledged, 95 %", 1000 * percentile(taken, 0.95), "ms"),
        Figure(f"{name}: work a vote", 1000 * (cpu_after_s - cpu_s) / len(taken), "ms CPU"),
        Figure(f"{name}: memory a thousand votes leave", 1e3 * (after_mb - before_mb) / len(taken), "MB"),
    ]


def browse(study: Study, times: int = 5, votes: int = 15) -> list[Figure]:
    """What a person at Chromium waits for."""
    from playwright.sync_api import sync_playwright

    first, again, swaps = [], [], []
    with serving(study) as servers, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for _ in range(times):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            page = context.new_page()
            start = time.perf_counter()
            page.goto(servers[0].url)
            page.locator("#agree").wait_for()
            first.append(time.perf_counter() - start)
            page.locator("#agree").check()
            page.locator("#start").click()
            page.locator(".judging").wait_for()
            start = time.perf_counter()
            page.reload()
            page.locator(".judging").wait_for()
            again.append(time.perf_counter() - start)
            page.evaluate(WATCH_SWAPS)
            for number in range(votes):
                page.wait_for_timeout(1500)
                page.keyboard.press("ArrowLeft")
                page.wait_for_function(f"window.swaps.length > {number}", timeout=10_000)
            swaps += page.evaluate("window.swaps")
            context.close()
        browser.close()
    with Store.open(study.database_url) as store:
        apart = [float(vote.evidence["drift_ms"]) for vote in store.votes()]
    return [
        Figure("Chromium: first screen of a new visitor", statistics.median(first), "s", 2.5),
        Figure("Chromium: both clips of one who comes again", statistics.median(again), "s", 2.5),
        Figure("Chromium: answer to next frames, median", percentile(swaps, 0.5), "ms"),
        Figure("Chromium: answer to next frames, 95 %", percentile(swaps, 0.95), "ms", 150.0),
        Figure("Chromium: the two clips apart at most, 95 % of pairs", percentile(apart, 0.95), "ms", 42.0),
    ]


def main() -> None:
    """Measure, print the table, keep it."""
    parser = argparse.ArgumentParser(description="What one arena carries.")
    parser.add_argument("--voters", type=int, nargs="*", default=[100, 500])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--saturated", type=float, default=20.0)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        plain = Path(name) / "study"
        build_study(plain, prompts=24)
        open_limits = {"votes_per_minute": 100_000, "voters_per_network": 100_000}

        def study(**settings: Any) -> Study:
            return set_arena(plain, watch_share=0.0, questions=["overall"], **open_limits, **settings)

        tries: list[Callable[[], list[Figure]]] = [
            *(lambda n=n: think(study(votes_per_voter=200), n, options.seconds) for n in options.voters),
            lambda: think(study(votes_per_voter=200), max(options.voters), options.seconds, arenas=2),
            lambda: saturate(study(votes_per_voter=20), "SQLite", options.saturated),
        ]
        if CHROMIUM.exists():
            tries.append(lambda: browse(study(votes_per_voter=200)))
        for attempt in tries:
            found = attempt()
            figures += found
            print(*(f"{each.what}: {each.found:.1f} {each.unit}" for each in found), sep="\n", flush=True)
        if any(POSTGRES_PROGRAMS.glob("*/bin/initdb")):
            with started() as postgres:
                figures += saturate(
                    moved(study(votes_per_voter=20), postgres.url), "PostgreSQL", options.saturated
                )
    table = Table(title=f"One arena on {os.cpu_count()} cores; load {load_before:.1f} before it began")
    for heading in ("what", "measured", "asked for", "met"):
        table.add_column(heading, justify="left" if heading in ("what", "met") else "right")
    for each in figures:
        sign = "≥" if each.at_least else "≤"
        asked = "" if each.target is None else f"{sign} {each.target:g} {each.unit}"
        table.add_row(each.what, f"{each.found:.1f} {each.unit}", asked, each.verdict)
    Console(width=110).print(table)
    kept = {"load_before": load_before, "cores": os.cpu_count(), "httpx": httpx.__version__,
            "figures": [asdict(each) for each in figures]}  # fmt: skip
    options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

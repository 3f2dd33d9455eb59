"""Runs that are killed anywhere and vendors that fail anyhow: a clip is still paid for once.

Each schedule draws what befalls creates, questions and downloads, at which words to the journal the process
dies, before or after they are safe, during which of its requests a person presses Ctrl-C, and at which the
vendor's server dies, before or after it did as asked; it is back after some waiting, or for the next run. The
job is run again and again with what its journal kept, in the study's database or in memory. A long run, of so
many schedules for each vendor, with its numbers:

    EVALHARNESS_SCHEDULES=300 python -m pytest tests/adapters/remote/test_double_spend.py -s
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from evalharness.adapters.base import Journal, MemoryJournal, Standing
from evalharness.errors import AmbiguousCreate, GenerationError
from evalharness.journals import StoreJournal
from evalharness.records import JobKey, System
from evalharness.store import Store
from tests.adapters.remote.listening import Address, listening
from tests.adapters.remote.server import Scenario, VendorServer
from tests.adapters.remote.stage import Case, FakeTime, Stage, all_cases, install

SCHEDULES = int(os.environ.get("EVALHARNESS_SCHEDULES", "15"))
CREATES = (
    "well",
    "rate",
    "server_before",
    "server_after",
    "gateway",
    "hang_up_before",
    "hang_up_after",
    "malformed",
)
POLLS = ("well", "rate", "server", "gateway", "hang_up", "malformed", "strange", "auth")
DOWNLOADS = ("well", "server", "truncated", "corrupt", "page", "hang_up")
RUNS = 12

REFUSED = {"rate"}
"""What befalls a create without leaving doubt: the vendor says in its own words that there is no task."""


class _Killed(BaseException):
    """kill -9."""


class DyingJournal:
    """Dies with the given words, counted over all runs, before or after another journal has kept them."""

    def __init__(self, journal: Callable[[], Journal], deaths: Mapping[int, str]) -> None:
        self._again = journal
        self._journal = journal()
        self._deaths = dict(deaths)
        self._words = 0

    def after_death(self) -> None:
        """A new process knows only what was kept."""
        self._journal = self._again()

    @property
    def standing(self) -> Standing:
        return self._journal.standing

    async def intend(self, request: Mapping[str, Any]) -> None:
        await self._keep(self._journal.intend(request))

    async def submitted(self, task_id: str, poll_url: str | None, **how: bool) -> None:
        await self._keep(self._journal.submitted(task_id, poll_url, **how))

    async def running(self, **how: bool) -> None:
        await self._keep(self._journal.running(**how))

    async def downloaded(self) -> None:
        await self._keep(self._journal.downloaded())

    async def withdrawn(self) -> None:
        await self._keep(self._journal.withdrawn())

    async def ended(self) -> None:
        await self._keep(self._journal.ended())

    async def _keep(self, word: Coroutine[Any, Any, None]) -> None:
        self._words += 1
        dies = self._deaths.get(self._words)
        if dies == "before":
            word.close()
            raise _Killed
        await word
        if dies == "after":
            raise _Killed


schedules = st.fixed_dictionaries(
    {
        "creates": st.lists(st.sampled_from(CREATES), max_size=5).map(tuple),
        "polls": st.lists(st.sampled_from(POLLS), max_size=5).map(tuple),
        "downloads": st.lists(st.sampled_from(DOWNLOADS), max_size=4).map(tuple),
        "deaths": st.dictionaries(st.integers(1, 5), st.sampled_from(["before", "after"]), max_size=3),
    }
)
deaths = st.dictionaries(st.integers(1, 10), st.sampled_from(["before", "after"]), max_size=4)
interrupts = st.sets(st.integers(1, 8), max_size=3)
away = st.integers(0, 4)
"""How often a dead server is waited for before it is back."""


class Outage(FakeTime):
    """Time in which a dead server comes back."""

    def __init__(self, address: Address, away: int) -> None:
        super().__init__()
        self._address, self._away = address, away

    async def _sleep(self, seconds: float) -> None:
        await super()._sleep(seconds)
        if len(self.sleeps) % (self._away + 1) == self._away:
            self._address.rise()


@pytest.mark.parametrize("name", all_cases())
def test_no_schedule_pays_twice(
    name: str,
    make_clip: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(monkeypatch)
    case = all_cases()[name]
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    folder = tmp_path / "study"
    counts: Counter[str] = Counter()

    @seed(crc32(name.encode()))  # each vendor has schedules of its own, the same in every run
    @settings(
        max_examples=SCHEDULES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(schedule=schedules, dying=deaths, pressing=interrupts, away=away, in_database=st.booleans())
    def play(
        schedule: dict[str, Any], dying: dict[int, str], pressing: set[int], away: int, in_database: bool
    ) -> None:
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
        with ExitStack() as stack:
            vendor = VendorServer(case.dialect, clip, Scenario(**schedule))
            address = stack.enter_context(listening(vendor))
            stage = Stage(case, vendor, folder, time=Outage(address, away))
            keep = _database(stack, stage, tmp_path / "study.db") if in_database else _memory()
            journal = DyingJournal(keep, dying)
            ending = _run_until_it_ends(stage, address, journal, pressing, counts)
            _check(case, vendor, ending)
            if ending == "clips":
                assert (folder / "clip.mp4").read_bytes() == clip
        counts.update({"schedules": 1, "creates": vendor.creates(), "tasks": vendor.made(), ending: 1})
        counts["repeated creates"] += max(vendor.creates() - 1, 0)
        counts["deaths of the server"] += vendor.deaths

    play()
    with capsys.disabled():
        told = ", ".join(f"{counts[what]} {what}" for what in TOLD)
        sys.stdout.write(f"\n{name}: {told}\n")
    assert counts["clips"] > counts["schedules"] / 10
    assert counts["kills"] + counts["interrupts"] + counts["deaths of the server"] > 0


TOLD = (
    "schedules",
    "kills",
    "interrupts",
    "deaths of the server",
    "creates",
    "repeated creates",
    "tasks",
    "clips",
    "left to a person",
    "given up",
)


def _check(case: Case, vendor: VendorServer, ending: str) -> None:
    """What must hold however a schedule ended."""
    assert vendor.made() <= 1
    assert vendor.stray_keys == vendor.objections == []
    if ending == "clips":
        assert vendor.made() == 1
    if case.dialect.external_ids:
        assert ending == "clips"  # such a vendor can be asked
    else:
        # Without a way to look tasks up, only a refusal in plain words allows another create.
        assert set(vendor.befell[:-1]) <= REFUSED


def _memory() -> Callable[[], Journal]:
    """A journal that outlives its process, as a database does."""
    kept = MemoryJournal()
    return lambda: kept


def _database(stack: ExitStack, stage: Stage, file: Path) -> Callable[[], Journal]:
    """The journal of the study's database, read anew by each process."""
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    store = stack.enter_context(Store.open(f"sqlite:///{file}"))
    request = stage.request()
    key = JobKey("tried", request.prompt.id, request.seed)
    store.put_systems([System("tried", stage.case.dialect.route)])
    store.put_prompts([request.prompt])
    store.add_jobs([key])
    store.start_job(key)
    return lambda: StoreJournal(store, key)


def _run_until_it_ends(
    on: Stage, address: Address, journal: DyingJournal, pressing: set[int], counts: Counter[str]
) -> str:
    for _ in range(RUNS):
        address.rise()
        try:
            asyncio.run(_make(on, journal, pressing))
        except _Killed:
            counts["kills"] += 1
            journal.after_death()
        except asyncio.CancelledError:
            counts["interrupts"] += 1
            journal.after_death()
        except GenerationError as error:
            # Whoever runs it has failed jobs tried again. Only where nobody can be asked, that is no use.
            if isinstance(error, AmbiguousCreate) and not on.case.dialect.external_ids:
                return "left to a person"
        else:
            return "clips"
    return "given up"


async def _make(on: Stage, journal: DyingJournal, pressing: set[int]) -> None:
    """One run of the job, interrupted as soon as the vendor has heard one of these requests."""
    job = asyncio.ensure_future(on.adapter().make(on.request(), journal))
    loop = asyncio.get_running_loop()
    heard = on.vendor.answer

    def answer(request: Any) -> Any:
        if len(on.vendor.requests) + 1 in pressing:
            loop.call_soon_threadsafe(job.cancel)
        return heard(request)

    on.vendor.answer = answer  # type: ignore[method-assign]  # the server's ear, for this run
    try:
        await job
    finally:
        on.vendor.answer = heard  # type: ignore[method-assign]  # as it was

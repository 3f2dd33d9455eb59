"""Runs that are killed anywhere and vendors that fail anyhow: a clip is still paid for once.

Each schedule draws what befalls creates, questions and downloads, and with which words to the journal the
process dies, before or after they were safe. The job is then run again and again with the journal it left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalharness.adapters.vertex import VertexRoute
from evalharness.errors import AmbiguousCreate, GenerationError
from tests.adapters.remote.dialects.vertex import VertexDialect
from tests.adapters.remote.plain import ForgetfulDialect, ForgetfulRoute, PlainDialect, PlainRoute
from tests.adapters.remote.server import Scenario, VendorServer, serving
from tests.adapters.remote.stage import Case, NotingJournal, Stage, install

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


class _Killed(BaseException):
    """kill -9."""


class DyingJournal(NotingJournal):
    """Dies with the given words, counted over all runs, before or after keeping them."""

    def __init__(self, vendor: VendorServer, deaths: Mapping[int, str]) -> None:
        super().__init__(vendor)
        self.deaths = dict(deaths)
        self.words = 0

    def _note(self, verb: str) -> None:
        super()._note(verb)
        self.words += 1
        if self.deaths.get(self.words) == "before":
            raise _Killed

    def _kept(self) -> None:
        if self.deaths.get(self.words) == "after":
            raise _Killed

    async def intend(self, request: Mapping[str, Any]) -> None:
        await super().intend(request)
        self._kept()

    async def submitted(self, task_id: str, poll_url: str | None) -> None:
        await super().submitted(task_id, poll_url)
        self._kept()

    async def withdrawn(self) -> None:
        await super().withdrawn()
        self._kept()


schedules = st.fixed_dictionaries(
    {
        "creates": st.lists(st.sampled_from(CREATES), max_size=5).map(tuple),
        "polls": st.lists(st.sampled_from(POLLS), max_size=5).map(tuple),
        "downloads": st.lists(st.sampled_from(DOWNLOADS), max_size=4).map(tuple),
    }
)
deaths = st.dictionaries(st.integers(1, 8), st.sampled_from(["before", "after"]), max_size=4)


@pytest.mark.parametrize(
    "case",
    [
        Case(PlainRoute, PlainDialect()),
        Case(ForgetfulRoute, ForgetfulDialect()),
        Case(VertexRoute, VertexDialect()),
    ],
    ids=["ids", "no ids", "clip in the answer"],
)
def test_no_schedule_pays_twice(
    case: Case,
    make_clip: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(monkeypatch)
    clip = make_clip(tmp_path / "clip.mp4").read_bytes()
    folder = tmp_path / "study"
    counts = {"schedules": 0, "clips": 0, "left to a person": 0, "given up": 0, "kills": 0, "tasks": 0}

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(schedule=schedules, dying=deaths)
    def play(schedule: dict[str, Any], dying: dict[int, str]) -> None:
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
        with serving(case.dialect, clip, Scenario(**schedule)) as vendor:
            ending = _run_until_it_ends(Stage(case, vendor, folder), DyingJournal(vendor, dying), counts)
            assert vendor.made() <= 1
            assert vendor.stray_keys == vendor.objections == []
            if ending == "clips":
                assert (folder / "clip.mp4").read_bytes() == clip
                assert vendor.made() == 1
            if case.dialect.external_ids:
                assert ending != "left to a person"
        counts["schedules"] += 1
        counts["tasks"] += vendor.made()
        counts[ending] += 1

    play()
    with capsys.disabled():
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        sys.stdout.write(f"\n{case.route.__name__}: {told}\n")
    assert counts["clips"] > counts["schedules"] / 10
    assert counts["kills"] > 10


def _run_until_it_ends(on: Stage, journal: DyingJournal, counts: dict[str, int]) -> str:
    on.journal = journal
    for _ in range(RUNS):
        try:
            on.make()
        except _Killed:
            counts["kills"] += 1
        except AmbiguousCreate:
            return "left to a person"
        except GenerationError:
            continue  # whoever runs it asks for failed jobs to be tried again
        else:
            return "clips"
    return "given up"

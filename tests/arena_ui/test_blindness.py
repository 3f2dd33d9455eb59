"""The blindness attack: nothing that two voters are sent names a system, links their clips or lets one guess.

Every check is tried on the arena as it is and on one with a leak planted for it.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

import arena_ui.routes
from arena_ui import asgi, guard
from arena_ui.arena import open_arena
from arena_ui.asgi import build_routes, consent_versions
from arena_ui.booth import Booth, Clip
from evalharness.config import Study, load_study
from evalharness.records import Voter
from evalharness.store import Store
from tests.arena_ui.attack import Intake, checks, disguises, guessed, sit, study_of_habits

pytestmark = pytest.mark.timeout(180)

VENDORS = ("happyhorse", "seedance", "kling", "minimax", "hailuo", "openai", "alibaba", "bytedance", "veo-3")


@pytest.fixture(scope="module")
def blinded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_of_habits(tmp_path_factory.mktemp("habits") / "study").folder


@pytest.fixture
def study(blinded: Path, tmp_path: Path) -> Study:
    shutil.copytree(blinded, tmp_path / "study")
    return load_study(tmp_path / "study")


def secrets(store: Store, study: Study) -> set[str]:
    names = {word for s in study.systems for word in (s.name, s.codename, s.model) if word}
    clips, exhibits = store.clips(), store.exhibits()
    return {
        *names,
        *VENDORS,
        *(clip.sha256 for clip in clips),
        *(exhibit.sha256 for exhibit in exhibits),
        *(exhibit.id for exhibit in exhibits),
        *(exhibit.path for exhibit in exhibits),
        "suite-secret",
        str(study.folder),
    }


def attacked(study: Study) -> tuple[Intake, Intake, set[str]]:
    """What two voters were sent, and what they must not find in it."""
    arena = open_arena(study.folder)
    routes = build_routes(arena.booth, consent_versions(study.settings))
    app = Starlette(routes=routes, middleware=asgi._around(arena))  # Streamlit's pages run once a process
    with arena.store as store:
        one, other = (asyncio.run(sit(app, store)) for _ in range(2))
        return one, other, secrets(store, study)


def test_two_voters_learn_nothing(study: Study) -> None:
    one, other, words = attacked(study)
    assert {each.system for each in one.deliveries} == {system.name for system in study.systems}
    seen, theirs = ({(each.system, each.prompt) for each in intake.deliveries} for intake in (one, other))
    assert seen == theirs
    assert len(seen) == 24  # both were sent every clip there is
    number = len(one.deliveries) + len(other.deliveries)
    sys.stdout.write(f"\nof {number} deliveries: {guessed((one, other))}\n")
    assert {name: found for name, found in checks(one, other, words).items() if found} == {}


Change = Callable[[Clip, str], dict[str, str]]


class Plant:
    """Leaks, each put into the arena where such a leak would come from."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, study: Study) -> None:
        self._patch, self.study = monkeypatch, study
        with Store.open(study.database_url) as store:
            self.system = {study.path(each.path): each.clip.system for each in store.exhibits()}

    def _around_clip(self, change: Callable[[Any, Clip, str], Any]) -> None:
        """`change(reply, clip, system)` of every clip's reply."""
        honest = arena_ui.routes._ranged

        def planted(wanted: str | None, clip: Clip) -> Any:
            return change(honest(wanted, clip), clip, self.system[clip.path])

        self._patch.setattr(arena_ui.routes, "_ranged", planted)

    def _header(self, name: str, value: Callable[[Clip, str], str]) -> None:
        def change(reply: Any, clip: Clip, system: str) -> Any:
            reply.headers[name] = value(clip, system)
            return reply

        self._around_clip(change)

    def a_name_in_a_header(self) -> None:
        self._patch.setitem(guard.HEADERS, "X-Served-By", "quartz-turbo")

    def a_name_in_hexadecimal(self) -> None:
        self._header("X-Trace", lambda _clip, system: system.encode().hex())

    def a_name_in_the_url(self) -> None:
        honest = Booth._blind

        def planted(booth: Booth, battle: Any, *rest: Any) -> Any:
            from dataclasses import replace

            pair = honest(booth, battle, *rest)
            return replace(pair, left=f"{pair.left}?from={battle.left.system}")

        self._patch.setattr(Booth, "_blind", planted)

    def a_name_in_the_clip(self) -> None:
        honest = arena_ui.routes._bytes_of
        self._patch.setattr(
            arena_ui.routes, "_bytes_of", lambda *asked: honest(*asked)[:-12] + b"mellow-otter"
        )

    def the_files_own_bytes(self) -> None:
        self._patch.setattr(
            arena_ui.routes, "_bytes_of", lambda clip, start, stop: clip.path.read_bytes()[start:stop]
        )

    def a_stable_etag(self) -> None:
        self._header("X-ETag", lambda clip, _system: str(clip.path.stat().st_mtime_ns))

    def a_header_of_one_system(self) -> None:
        def change(reply: Any, _clip: Clip, system: str) -> Any:
            if system == "ember-nine":
                reply.headers["X-Cache"] = "hit"
            return reply

        self._around_clip(change)

    def a_length_of_its_own(self) -> None:
        honest = Booth.clip

        def planted(booth: Booth, token: str, voter: Voter | None) -> Clip | None:
            from dataclasses import replace

            clip = honest(booth, token, voter)
            longer = 16 * sorted(set(self.system.values())).index(self.system[clip.path]) if clip else 0
            return clip and replace(clip, length=clip.length + 8 + longer)

        self._patch.setattr(Booth, "clip", planted)

    def a_slower_reply(self) -> None:
        def change(reply: Any, _clip: Clip, system: str) -> Any:
            time.sleep(0.03 if system == "glacier-xl" else 0.0)
            return reply

        self._around_clip(change)


@pytest.mark.parametrize(
    ("leak", "caught_by"),
    [
        ("a_name_in_a_header", {"words"}),
        ("a_name_in_hexadecimal", {"words", "links", "sides", "habits"}),
        ("a_name_in_the_url", {"words", "sides"}),
        ("a_name_in_the_clip", {"words"}),
        ("the_files_own_bytes", {"links"}),
        ("a_stable_etag", {"links", "sides"}),
        ("a_header_of_one_system", {"sides", "habits"}),
        ("a_length_of_its_own", {"sides", "habits"}),
        ("a_slower_reply", {"timing"}),
    ],
)
def test_a_planted_leak_is_caught(
    leak: str, caught_by: set[str], study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    getattr(Plant(monkeypatch, study), leak)()
    one, other, words = attacked(study)
    found = {name for name, said in checks(one, other, words).items() if said}
    assert caught_by <= found, found


def test_a_word_is_found_in_every_disguise() -> None:
    import base64

    word = "quartz-turbo"
    for text in (
        f"<{word}>",
        word.upper(),
        word.encode().hex(),
        word.encode().hex().upper(),
        *(base64.b64encode(b"x" * before + word.encode() + b"yy").decode() for before in range(3)),
        "".join(f"%{byte:02X}" for byte in word.encode()),
        "".join(f"\\u{ord(letter):04x}" for letter in word),
    ):
        content = text.encode()
        assert any(each in content or each in content.lower() for each in disguises(word)), text
    assert any(each in word.encode("utf-16") for each in disguises(word))

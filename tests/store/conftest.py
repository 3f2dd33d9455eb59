"""One store per back end, and records to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from evalharness.records import (
    Battle,
    Category,
    Clip,
    Exhibit,
    JobKey,
    Outcome,
    Prompt,
    Question,
    Streams,
    System,
    Task,
    Vote,
    Voter,
)
from evalharness.store import Store

NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)
STREAMS = Streams(
    container="mp4",
    duration_s=5.005,
    width=854,
    height=480,
    fps=24000 / 1001,
    frames=120,
    video_codec="h264",
    pixel_format="yuv420p",
    audio_codec="aac",
    sample_rate_hz=48000,
    channels=2,
    audio_duration_s=5.013,
)


@dataclass
class Scene:
    """A store and a maker of records that fit one another."""

    store: Store
    url: str
    _ticks: Iterator[int] = field(default_factory=count)

    def later(self) -> datetime:
        """Each call a second later than the last."""
        return NOON + timedelta(seconds=next(self._ticks))

    def clip(self, key: JobKey, **changes: Any) -> Clip:
        values: dict[str, Any] = {
            "sha256": f"sha-{key.system}-{key.prompt_id}-{key.seed}",
            "key": key,
            "path": f"clips/{key.system}.mp4",
            "bytes": 1234,
            "streams": STREAMS,
            "created_at": NOON,
            "adapter": "folder",
            "adapter_version": "1",
        }
        return Clip(**{**values, **changes})

    def exhibit(self, clip: Clip, **changes: Any) -> Exhibit:
        key = clip.key
        values: dict[str, Any] = {
            "id": f"exhibit-{key.system}-{key.prompt_id}-{key.seed}",
            "clip": key,
            "clip_sha256": clip.sha256,
            "prompt_id": key.prompt_id,
            "path": "exhibits/opaque.mp4",
            "sha256": "hash",
            "bytes": 99,
            "streams": STREAMS,
            "silent": False,
            "loudness_lufs": -23.5,
        }
        return Exhibit(**{**values, **changes})

    def content(self, systems: str = "abc", prompts: str = "pq") -> None:
        """Store one-letter systems and prompts."""
        self.store.put_systems(System(name, "folder") for name in systems)
        self.store.put_prompts(Prompt(p, Task.TEXT_TO_VIDEO, f"text {p}", "en", "CC0-1.0") for p in prompts)

    def finished(self, system: str, prompt_id: str, seed: int = 1) -> Clip:
        """Store a job, its clip and its exhibit."""
        key = JobKey(system, prompt_id, seed)
        clip = self.clip(key)
        self.store.add_jobs([key])
        assert self.store.start_job(key)
        self.store.finish_job(key, clip)
        self.store.put_exhibit(self.exhibit(clip))
        return clip

    def arena(self, systems: str = "abc", prompts: str = "pq", voters: str = "vw") -> None:
        """Store all that battles need: every system with an exhibit on every prompt, and voters."""
        self.content(systems, prompts)
        for system in systems:
            for prompt in prompts:
                self.finished(system, prompt)
        for voter in voters:
            self.store.put_voter(Voter(voter, ("en", "ja"), NOON, "1", f"token-{voter}"))

    def battle(
        self,
        name: str,
        left: str = "a",
        right: str = "b",
        prompt: str = "p",
        voter: str = "v",
        **changes: Any,
    ) -> Battle:
        """A battle that is not stored yet."""
        values: dict[str, Any] = {
            "id": name,
            "voter_id": voter,
            "prompt_id": prompt,
            "category": Category.TEXT_TO_VIDEO,
            "left": JobKey(left, prompt, 1),
            "right": JobKey(right, prompt, 1),
            "left_exhibit": f"exhibit-{left}-{prompt}-1",
            "right_exhibit": f"exhibit-{right}-{prompt}-1",
            "questions": (Question.OVERALL, Question.AV_SYNC),
            "probability": 0.25,
            "policy": "balanced",
            "created_at": self.later(),
        }
        return Battle(**{**values, **changes})

    def opened(self, name: str, left: str = "a", right: str = "b", **changes: Any) -> Battle:
        """A battle that is stored."""
        battle = self.battle(name, left, right, **changes)
        self.store.open_battle(battle)
        return battle

    def answers(self, battle: Battle, outcome: Outcome = Outcome.LEFT, **changes: Any) -> list[Vote]:
        """The same outcome for each of the battle's questions."""
        moment = self.later()
        values: dict[str, Any] = {"battle_id": battle.id, "voter_id": battle.voter_id, "created_at": moment}
        return [Vote(**{**values, "question": q, "outcome": outcome, **changes}) for q in battle.questions]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture(scope="session")
def open_scene() -> Callable[[str], AbstractContextManager[Scene]]:
    """Opens an empty study at a URL."""

    @contextmanager
    def opened(url: str) -> Iterator[Scene]:
        with Store.open(url) as store:
            yield Scene(store, url)

    return opened


@pytest.fixture
def scene(url: str, open_scene: Callable[[str], AbstractContextManager[Scene]]) -> Iterator[Scene]:
    """An empty study of each kind."""
    with open_scene(url) as scene:
        yield scene

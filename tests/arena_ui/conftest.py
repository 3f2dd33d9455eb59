"""A small study on disk, and a real arena server in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from evalharness.config import Study, load_study
from evalharness.media import probe, write_video
from evalharness.media.boxes import free_box
from evalharness.records import Category, Clip, Exhibit, JobKey, Prompt, System, Task
from evalharness.scaffold import write_study
from evalharness.store import Store

ROOT = Path(__file__).parents[2]
SYSTEMS = (
    System("glacier-xl", "folder", model="glacier-xl-2026", codename="mellow-otter"),
    System("ember-nine", "folder", model="ember/nine"),
    System("quartz-turbo", "folder", model="quartz-turbo-v3"),
)
SERVE = """
import sys
from pathlib import Path
from arena_ui.serve import run
run(Path(sys.argv[1]), port=int(sys.argv[2]), announce=lambda url: print(url, flush=True))
"""
LINES = {"en": "Bring me a warm cup of tea.", "de": "Bring mir bitte warmen Tee."}


def prompts_of(number: int, picture: Path) -> list[Prompt]:
    """`number` prompts: a third spoken, a third with a first frame, every sixth with two references."""
    made = []
    for index in range(number):
        tags = ("audio-sync",) if index % 3 == 2 else ()
        plain = Task.REFERENCE_TO_VIDEO if index % 6 == 3 else Task.TEXT_TO_VIDEO
        task = Task.IMAGE_TO_VIDEO if index % 3 == 1 else plain
        language = "de" if index % 6 == 5 else "en"
        made.append(
            Prompt(
                f"suite-secret-{index:02d}",
                task,
                f"Scene number {index}: a lantern sways over a quiet harbour.",
                language,
                "CC0-1.0",
                spoken=LINES[language] if tags else None,
                first_frame=str(picture) if task is Task.IMAGE_TO_VIDEO else None,
                tags=tags,
                references=(str(picture),) * 2 if task is Task.REFERENCE_TO_VIDEO else (),
            )
        )
    return made


def write_exhibit(path: Path, seconds: float, shade: int, *, spare: int = 64) -> None:
    """A tiny clip with a moving bar and a tone, ending in a `free` box as exhibits do."""
    count = round(seconds * 12)
    frames = np.full((count, 90, 160, 3), 40 + shade, np.uint8)
    for index in range(count):
        frames[index, :, (index * 9 + shade) % 140 :][:, :20] = 220
    tone = 0.1 * np.sin(2 * np.pi * (220 + 7 * shade) * np.arange(int(seconds * 48_000)) / 48_000)
    write_video(path, frames, 12.0, tone.astype(np.float32), preset="ultrafast")
    with path.open("ab") as file:
        file.write(free_box(spare))


def build_study(
    folder: Path,
    *,
    prompts: int = 6,
    seconds: float = 1.0,
    same_length: bool = True,
    systems: Sequence[System] = SYSTEMS,
) -> None:
    """A study of these systems with one exhibit each on every prompt, ready to be voted on."""
    write_study(folder, systems, name="harbour")
    study = load_study(folder)
    study.clips.mkdir()
    study.exhibits.mkdir()
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        frame = folder / "suite-secret-frame.png"
        Image.new("RGB", (160, 90), (40, 90, 140)).save(frame)
        asked = prompts_of(prompts, frame)
        store.put_prompts(asked)
        keys = [(number, place, JobKey(system.name, prompt.id, 1))
                for number, prompt in enumerate(asked)
                for place, system in enumerate(systems)]  # fmt: skip
        store.add_jobs([key for _, _, key in keys])
        for number, place, key in keys:
            exhibit_id = sha256(f"{key}".encode()).hexdigest()[:16]
            path = study.exhibits / f"{exhibit_id}.mp4"
            write_exhibit(path, seconds, 11 * place + number)
            _same_size(path, 60_000 if same_length else 60_000 + 100 * place)
            digest = sha256(path.read_bytes()).hexdigest()
            clip = sha256(digest.encode()).hexdigest()
            streams = probe(path)
            store.start_job(key)
            store.finish_job(
                key, Clip(clip, key, f"clips/{clip}.mp4", 1000, streams, datetime.now(UTC), "folder", "1")
            )
            store.put_exhibit(
                Exhibit(exhibit_id, key, clip, key.prompt_id, f"exhibits/{path.name}", digest,
                        path.stat().st_size, streams, False, -23.0)
            )  # fmt: skip


def set_arena(folder: Path, **settings: object) -> Study:
    """The study in `folder` with these keys in [arena]; values are numbers or text."""
    file = folder / "study.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(tuple(f"{key} =" for key in settings))]
    place = kept.index("[arena]") + 1
    given = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    file.write_text("\n".join([*kept[:place], *given, *kept[place:]]) + "\n", encoding="utf-8")
    return load_study(folder)


def _same_size(path: Path, size: int) -> None:
    """Pad with one more `free` box: exhibits of one prompt have one size."""
    missing = size - path.stat().st_size
    assert missing >= 8, f"{path} has {path.stat().st_size} bytes"
    with path.open("ab") as file:
        file.write(free_box(missing - 8))


@dataclass
class Server:
    """`python -m arena_ui` in a process of its own."""

    study: Study
    port: int
    process: subprocess.Popen[str] | None = None
    planted: str = ""
    """Lines of Python run in the server first: how a test plants a leak."""
    log: Path = field(default=Path())

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        self.log = self.study.folder / "server.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self.planted + SERVE, str(self.study.folder), str(self.port)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        assert self.process.stdout is not None
        told = self.process.stdout.readline().strip()
        assert told, self.log.read_text()
        self.port = int(told.rsplit(":", 1)[1])
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=5).text == "ok":
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the arena did not start: {self.log.read_text()}")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Studies already built, by what they are made of."""
    built: dict[str, Path] = {}

    def find(**content: object) -> Path:
        name = json.dumps(content, sort_keys=True)
        if name not in built:
            built[name] = tmp_path_factory.mktemp("shelf") / "study"
            build_study(built[name], **content)  # type: ignore[arg-type]  # keywords checked where used
        return built[name]

    return find


@pytest.fixture
def make_study(tmp_path: Path, shelf: Callable[..., Path]) -> Callable[..., Study]:
    """A study of one's own: prompts, seconds, same_length; further keywords are settings of [arena]."""

    def make(*, prompts: int = 6, seconds: float = 1.0, same_length: bool = True, **arena: object) -> Study:
        folder = tmp_path / "study"
        shutil.copytree(shelf(prompts=prompts, seconds=seconds, same_length=same_length), folder)
        return set_arena(folder, **arena)

    return make


@pytest.fixture
def serve() -> Iterator[Callable[[Study], Server]]:
    """Starts an arena on a study; killed at the end."""
    servers: list[Server] = []

    def start(study: Study, planted: str = "") -> Server:
        server = Server(study, port=0, planted=planted)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def secrets_of() -> Callable[[Study], set[str]]:
    """Everything about a study that no voter may receive before the vote."""

    def words(study: Study) -> set[str]:
        with Store.open(study.database_url) as store:
            clips, exhibits = store.clips(), store.exhibits()
        names = {word for s in study.systems for word in (s.name, s.codename, s.model) if word}
        return {
            *names,
            *(clip.sha256 for clip in clips),
            *(clip.path for clip in clips),
            *(exhibit.id for exhibit in exhibits),
            *(exhibit.sha256 for exhibit in exhibits),
            "suite-secret",
            str(study.folder),
            *(category for category in Category if category == "audio-sync"),
        }

    return words

"""Generation as a job: bounded, retried where safe, every ending recorded, nothing repeated after kill -9."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from evalharness import dispatch, media
from evalharness.adapters.base import Capabilities, Generated, GenerationRequest, SeedSupport
from evalharness.backlog import plan
from evalharness.config import Study, StudySettings, load_study
from evalharness.errors import ConfigError, GenerationError
from evalharness.generate import generate_study
from evalharness.locks import only_run
from evalharness.prompts import load_suites
from evalharness.records import FailureKind, JobState, Prompt, System, Task
from evalharness.registry import ADAPTERS
from evalharness.store import Store

ROOT = Path(__file__).parents[1]
PROMPTS = tuple(
    Prompt(id=f"p{n}", task=Task.TEXT_TO_VIDEO, text=f"scene {n}", language="en", licence="CC0-1.0")
    for n in range(4)
)


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real clip of a quarter of a second."""
    path = tmp_path_factory.mktemp("clip") / "small.mp4"
    frames = (np.full((48, 64, 3), 40 * n, np.uint8) for n in range(6))
    media.write_video(path, frames, 24.0, np.zeros(12000, np.float32), 48000)
    return path


class Scripted:
    """An adapter that does what its test says; shared state, so it runs in threads."""

    version = "1"
    capabilities = Capabilities(tasks=tuple(Task), seed=SeedSupport.EXACT)
    script: ClassVar[dict[str, list[FailureKind | Exception | bytes]]] = {}
    clip = b""
    calls: ClassVar[Counter[str]] = Counter()
    running: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()
    lock = threading.Lock()

    def __init__(self, system: System, *, folder: Path) -> None:
        if "wrong" in system.parameters:
            raise ConfigError("wrong is no parameter.")
        self.name = system.name

    def refuse(self, request: GenerationRequest) -> str | None:
        return "This system only speaks French." if request.prompt.id == "refused" else None

    def generate(self, request: GenerationRequest) -> Generated:
        prompt = request.prompt.id
        with self.lock:
            type(self).calls[prompt] += 1
            self.running[self.name] += 1
            self.most[self.name] = max(self.most[self.name], self.running[self.name])
        time.sleep(0.01)
        with self.lock:
            self.running[self.name] -= 1
            step = self.script[prompt].pop(0) if self.script.get(prompt) else self.clip
        if isinstance(step, FailureKind):
            raise GenerationError(step, f"The service said {step}.", retry_safe=step is FailureKind.RATE)
        if isinstance(step, Exception):
            raise step
        request.output.write_bytes(step)
        return Generated(request={"prompt": prompt}, cost_usd=0.25)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, small_clip: Path) -> type[Scripted]:
    """The adapter `scripted`, with a clean slate."""
    monkeypatch.setattr(Scripted, "script", {})
    monkeypatch.setattr(Scripted, "clip", small_clip.read_bytes())
    for counter in ("calls", "running", "most"):
        monkeypatch.setattr(Scripted, counter, Counter())
    load = ADAPTERS.load
    monkeypatch.setattr(ADAPTERS, "load", lambda name: Scripted if name == "scripted" else load(name))
    monkeypatch.setattr(dispatch, "RETRY_PAUSE_S", 0.01)
    return Scripted


def study_of(folder: Path, *systems: dict[str, object]) -> Study:
    rows = [{"adapter": "scripted", **system} for system in systems] or [{"name": "s", "adapter": "scripted"}]
    return Study(folder.resolve(), StudySettings.model_validate({"name": "test", "systems": rows}))


def test_the_plan_goes_round_systems_first() -> None:
    systems = [System(name="a", adapter="x"), System(name="b", adapter="x")]
    keys = list(plan(systems, PROMPTS[:2], [1, 2]))
    assert [(key.system, key.prompt_id, key.seed) for key in keys[:3]] == [
        ("a", "p0", 1),
        ("b", "p0", 1),
        ("a", "p1", 1),
    ]
    assert len(set(keys)) == 8


def test_what_a_killed_run_left_half_written_is_swept_away(tmp_path: Path, scripted: type[Scripted]) -> None:
    frames = tmp_path / "clips" / ".partial" / ".half.mp4.frames"
    frames.mkdir(parents=True)
    (frames / "0001.png").write_bytes(b"a frame")
    (frames.parent / ".half.mp4").write_bytes(b"half a clip")
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        assert not generate_study(study, store, PROMPTS).failures
    assert not any(frames.parent.iterdir())


def test_clips_are_kept_under_their_hash_with_their_recipe(tmp_path: Path, scripted: type[Scripted]) -> None:
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, PROMPTS)
        clips = store.clips()
    assert (summary.planned, summary.made, summary.kept, summary.failures) == (4, 4, 0, {})
    for clip in clips:
        assert hashlib.sha256((tmp_path / clip.path).read_bytes()).hexdigest() == clip.sha256
        assert clip.request["prompt"] == clip.key.prompt_id
        assert clip.request["asked"]["duration_s"] == study.settings.generation.duration_s
        assert clip.cost_usd == 0.25
        assert (clip.streams.width, clip.streams.height, clip.streams.video_codec) == (64, 48, "h264")
    assert not any((tmp_path / "clips" / ".partial").iterdir())


def test_a_second_run_repeats_nothing(tmp_path: Path, scripted: type[Scripted]) -> None:
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        generate_study(study, store, PROMPTS[:2])
        summary = generate_study(study, store, PROMPTS)
    assert (summary.made, summary.kept) == (2, 2)
    assert set(scripted.calls.values()) == {1}


def test_each_failure_keeps_its_class_and_sentence(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = {
        "p0": [FailureKind.MODERATION],
        "p1": [ZeroDivisionError("oops")],
        "p2": [b"this is no video"],
    }
    refused = Prompt(id="refused", task=Task.TEXT_TO_VIDEO, text="x", language="en", licence="CC0-1.0")
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, (*PROMPTS, refused))
        states = Counter(job.state for job in store.jobs())
    said = {key.prompt_id: (failure.kind, failure.message) for key, failure in summary.failures.items()}
    assert said["p0"] == (FailureKind.MODERATION, "The service said moderation.")
    assert said["p1"][0] is FailureKind.PROGRAM
    assert "ZeroDivisionError: oops" in said["p1"][1]
    assert said["p2"][0] is FailureKind.MEDIA
    assert said["refused"] == (FailureKind.PARAMETER, "This system only speaks French.")
    assert scripted.calls["refused"] == 0
    assert states == {JobState.DONE: 1, JobState.FAILED: 4}


def test_only_what_is_safe_is_tried_again_and_not_for_ever(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = {
        "p0": [FailureKind.RATE, FailureKind.RATE],
        "p1": [FailureKind.BILLING],
        "p2": [FailureKind.RATE] * 9,
    }
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, PROMPTS)
        attempts = {job.key.prompt_id: job.attempts for job in store.jobs()}
    assert attempts == {"p0": 3, "p1": 1, "p2": 3, "p3": 1}
    assert {key.prompt_id: failure.kind for key, failure in summary.failures.items()} == {
        "p1": FailureKind.BILLING,
        "p2": FailureKind.RATE,
    }


def test_clips_of_other_settings_and_lost_files_are_said(tmp_path: Path, scripted: type[Scripted]) -> None:
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        assert generate_study(study, store, PROMPTS[:1]).notes == ()
        longer = study.settings.model_copy(
            update={"generation": study.settings.generation.model_copy(update={"duration_s": 9.0})}
        )
        changed = Study(study.folder, longer)
        summary = generate_study(changed, store, PROMPTS[:2])
        assert (summary.made, summary.kept) == (1, 1)
        assert len(summary.notes) == 1
        assert "1 of 2 clips were asked for with other settings" in summary.notes[0]
        study.path(store.clips()[0].path).unlink()
        assert "their files are gone" in generate_study(changed, store, PROMPTS[:2]).notes[1]


def test_failed_jobs_wait_for_the_word(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = {"p0": [FailureKind.AUTH]}
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        generate_study(study, store, PROMPTS)
        assert generate_study(study, store, PROMPTS).made == 0
        again = generate_study(study, store, PROMPTS, retry_failed=True)
    assert (again.made, again.failures) == (1, {})


def test_no_system_exceeds_its_concurrency(tmp_path: Path, scripted: type[Scripted]) -> None:
    study = study_of(tmp_path, {"name": "one"}, {"name": "three", "concurrency": 3})
    prompts = [
        Prompt(id=f"q{n}", task=Task.TEXT_TO_VIDEO, text="x", language="en", licence="CC0-1.0")
        for n in range(12)
    ]
    with Store.open(study.database_url) as store:
        generate_study(study, store, prompts)
    assert scripted.most["one"] == 1
    assert 2 <= scripted.most["three"] <= 3


def test_a_wrong_parameter_is_said_before_anything_is_made(tmp_path: Path, scripted: type[Scripted]) -> None:
    study = study_of(tmp_path, {"name": "good"}, {"name": "bad", "parameters": {"wrong": 1}})
    with Store.open(study.database_url) as store, pytest.raises(ConfigError, match="wrong is no parameter"):
        generate_study(study, store, PROMPTS)
    assert not scripted.calls


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path, scripted: type[Scripted]) -> None:
    study = study_of(tmp_path)
    with (
        only_run(tmp_path, "generate"),
        Store.open(study.database_url) as store,
        pytest.raises(ConfigError, match="Another 'generate' is at work"),
    ):
        generate_study(study, store, PROMPTS)


def test_kill_nine_ten_times_loses_nothing_and_repeats_nothing(tmp_path: Path, small_clip: Path) -> None:
    """A ledger that each generation signs is the witness: what was done before a kill is never made again."""
    program, ledger = tmp_path / "model.py", tmp_path / "ledger.txt"
    program.write_text(
        textwrap.dedent(f"""
        import pathlib, shutil, sys, time
        time.sleep(0.02)
        with open({str(ledger)!r}, "a") as ledger:
            ledger.write(sys.argv[1] + "\\n")
        data = pathlib.Path({str(small_clip)!r}).read_bytes()
        with open(sys.argv[2], "wb") as file:          # slowly, so that kills land half way
            file.write(data[:500]); file.flush(); time.sleep(0.02); file.write(data[500:])
        """),
        encoding="utf-8",
    )
    count = 60
    suite_line = {"task": "text_to_video", "text": "t", "language": "en", "licence": "CC0-1.0"}
    lines = [json.dumps({**suite_line, "id": f"k{n}"}) for n in range(count)]
    (tmp_path / "suite.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(
        textwrap.dedent(f"""
        name = "killed"
        [prompts]
        suites = ["suite.jsonl"]
        [[systems]]
        name = "local"
        adapter = "command"
        concurrency = 2
        [systems.parameters]
        argv = [{sys.executable!r}, {str(program)!r}, "{{prompt_id}}", "{{output}}"]
        """),
        encoding="utf-8",
    )
    study = load_study(tmp_path)
    dice = random.Random(7)
    done_before: set[str] = set()
    signed_before: Counter[str] = Counter()
    for _ in range(10):
        run = subprocess.Popen(
            [sys.executable, "-m", "evalharness", "generate", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _until_started(run, ledger, sum(signed_before.values()))
        time.sleep(dice.uniform(0.0, 0.25))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        signed = Counter(ledger.read_text(encoding="utf-8").split())
        with Store.open(study.database_url) as store:
            done = {job.key.prompt_id for job in store.jobs(JobState.DONE)}
        assert done >= done_before
        assert all(signed[prompt] == signed_before[prompt] for prompt in done_before)
        done_before, signed_before = done, signed
    assert 0 < len(done_before) < count, "the kills should land in the middle of the work"

    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, load_suites(study.settings.prompts, tmp_path))
        clips, jobs = store.clips(), store.jobs()
    assert summary.kept == len(done_before)
    assert not summary.failures
    assert {job.key.prompt_id for job in jobs if job.state is JobState.DONE} == {
        f"k{n}" for n in range(count)
    }
    assert Counter(clip.key for clip in clips) == Counter(job.key for job in jobs)
    for clip in clips:
        assert hashlib.sha256((tmp_path / clip.path).read_bytes()).hexdigest() == clip.sha256
    signed = Counter(ledger.read_text(encoding="utf-8").split())
    assert all(signed[prompt] == signed_before[prompt] for prompt in done_before)
    # A program whose run was killed may write its last after the next run swept up; one more run sweeps that.
    with Store.open(study.database_url) as store:
        generate_study(study, store, load_suites(study.settings.prompts, tmp_path))
    assert not any((tmp_path / "clips" / ".partial").iterdir())


def _until_started(run: subprocess.Popen[bytes], ledger: Path, signed: int) -> None:
    """Wait until the run has signed the ledger, so that the kill comes at work and not at start."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        if ledger.exists() and len(ledger.read_text(encoding="utf-8").split()) > signed:
            return
        time.sleep(0.005)
    pytest.fail(f"the run did not start to generate (exit code {run.poll()})")


def test_a_record_that_cannot_be_stored_costs_its_clip_alone(
    tmp_path: Path, scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = scripted.generate

    def odd(self: Scripted, request: GenerationRequest) -> Generated:
        made = honest(self, request)
        return Generated(request={"weight": float("nan")}) if request.prompt.id == "p1" else made

    monkeypatch.setattr(scripted, "generate", odd)
    study = study_of(tmp_path)
    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, PROMPTS)
        assert (summary.made, list(summary.by_kind)) == (3, [FailureKind.PROGRAM])
        (failure,) = summary.failures.values()
        assert "cannot be recorded" in failure.message

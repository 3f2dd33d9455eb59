"""Studies whose clips lie behind a real S3 server on the loopback interface."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from arena_ui.arena import open_arena
from evalharness import media
from evalharness.blinding import audit_exhibits
from evalharness.cli import doctor
from evalharness.config import Study, load_study
from evalharness.errors import MediaError, StorageError
from evalharness.executors import Executor, Here, Processes
from evalharness.exhibition import BlindingSummary, blind_study
from evalharness.generate import GenerationSummary, generate_study
from evalharness.measure import measure_study
from evalharness.prompts import load_suites
from evalharness.publication import publish
from evalharness.records import Clip, Exhibit, FailureKind, JobState, Measurement, MeasurementStatus
from evalharness.reports import Summary
from evalharness.storage import Remote, sha256_of
from evalharness.store import Store
from tests.adapters.remote.dialects.dashscope import DashscopeDialect
from tests.adapters.remote.listening import serving
from tests.adapters.remote.server import Scenario

ROOT = Path(__file__).parents[1]
BUCKET = "studies"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIA-OF-THE-TEST",
    "AWS_SECRET_ACCESS_KEY": "SECRET-OF-THE-TEST",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}

GIVEN = """
name = "shelf"
[prompts]
suites = ["text-to-video", "audio-sync"]
ids = ["t2v-blacksmith-01", "sync-drum-01"]
[generation]
duration_s = 1.0
width = 160
height = 96
fps = 12
[blinding]
width = 160
height = 96
fps = 12
[[systems]]
name = "dim"
adapter = "folder"
[systems.parameters]
manifest = "clips.csv"
[[systems]]
name = "bright"
adapter = "folder"
[systems.parameters]
manifest = "clips.csv"
"""
SHADES = {"dim": 40, "bright": 180}
PROMPTS = ("t2v-blacksmith-01", "sync-drum-01")

BOUGHT = """
name = "bought"
[prompts]
suites = ["text-to-video"]
ids = ["t2v-blacksmith-01", "t2v-cat-shelf-01", "t2v-ice-river-01", "t2v-noir-stairs-01"]
[generation]
duration_s = 5
width = 1280
height = 720
[[systems]]
name = "happyhorse"
adapter = "dashscope"
model = "happyhorse-1.1"
concurrency = 2
"""

KILLED = """
import os, signal, sys
from pathlib import Path
from evalharness.config import load_study
from evalharness.generate import generate_study
from evalharness.prompts import load_suites
from evalharness.storage import Remote
from evalharness.store import Store

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "before it is sent":
    Remote.put = die
elif sys.argv[2] == "before it is recorded":
    Store.finish_job = die
study = load_study(Path(sys.argv[1]))
with Store.open(study.database_url) as store:
    generate_study(study, store, load_suites(study.settings.prompts, study.folder))
"""
"""A run that dies by SIGKILL at the moment it is told."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server with one bucket."""
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    as_another(url).mkdir(BUCKET)
    yield url
    running.stop()


@cache
def as_another(server: str) -> Any:
    """The server as another program sees it."""
    return S3FileSystem(key="another", secret="another", endpoint_url=server, use_listings_cache=False)


@pytest.fixture(scope="module", autouse=True)
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield


def study_in(folder: Path, settings: str, storage: str = "") -> Study:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(settings.replace("[prompts]", f"{storage}[prompts]"), encoding="utf-8")
    return load_study(folder)


def stored_at(server: str, prefix: str, bucket: str = BUCKET) -> str:
    """The lines of study.toml for clips below a prefix."""
    return f'[storage]\nurl = "s3://{bucket}/{prefix}"\nendpoint = "{server}"\n'


def objects(server: str, prefix: str) -> set[str]:
    """The keys that the server holds below a prefix."""
    top = f"{BUCKET}/{prefix}"
    return {key.removeprefix(f"{top}/") for key in as_another(server).find(top)}


@contextmanager
def in_place_of(server: str, key: str, other: bytes | None) -> Iterator[None]:
    """For a while the object is another, or is gone."""
    files = as_another(server)
    kept = files.cat_file(f"{BUCKET}/{key}")
    if other is None:
        files.rm_file(f"{BUCKET}/{key}")
    else:
        files.pipe_file(f"{BUCKET}/{key}", other)
    try:
        yield
    finally:
        files.pipe_file(f"{BUCKET}/{key}", kept)


def generated(study: Study, **options: Any) -> GenerationSummary:
    with Store.open(study.database_url) as store:
        return generate_study(study, store, load_suites(study.settings.prompts, study.folder), **options)


def write_clip(path: Path, shade: int) -> None:
    """A second of a grey picture that brightens, and a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = (np.full((96, 160, 3), shade + n, np.uint8) for n in range(12))
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000).astype(np.float32)
    media.write_video(path, frames, 12.0, tone, 48_000)


@dataclass(frozen=True)
class Outcome:
    """All that a study came to."""

    study: Study
    clips: tuple[Clip, ...]
    exhibits: tuple[Exhibit, ...]
    measurements: tuple[Measurement, ...]
    report: Summary


def whole(study: Study, executor: Executor) -> Outcome:
    """Generate, blind, measure and report."""
    lines = ["system,prompt_id,file,seed,latency_s,cost_usd"]
    for system, shade in SHADES.items():
        for number, prompt_id in enumerate(PROMPTS):
            file = f"incoming/{system}/{prompt_id}.mp4"
            write_clip(study.folder / file, shade + number)
            lines.append(f"{system},{prompt_id},{file},1,41.5,0.25")
    (study.folder / "clips.csv").write_text("\n".join(lines), encoding="utf-8")
    assert not generated(study).failures
    with Store.open(study.database_url) as store:
        assert not blind_study(study, store, processes=1).failures
        assert not measure_study(study, store, metrics=["loudness"], executor=executor).failures
        report = publish(study, store, datetime(2026, 1, 1, tzinfo=UTC), meanings={})
        return Outcome(study, store.clips(), store.exhibits(), store.measurements(), report)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return whole(study_in(tmp_path_factory.mktemp("here"), GIVEN), Here())


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, server: str) -> Outcome:
    study = study_in(tmp_path_factory.mktemp("there"), GIVEN, stored_at(server, "whole"))
    return whole(study, Processes(1))


@pytest.fixture
def second(there: Outcome, tmp_path: Path) -> Study:
    """The same study on a machine that has made none of its files."""
    shutil.copytree(there.study.folder, tmp_path / "second", ignore=shutil.ignore_patterns(".cache"))
    return load_study(tmp_path / "second")


def test_the_results_are_those_of_a_study_on_this_machine(here: Outcome, there: Outcome) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert len(there.clips) == len(there.exhibits) == 4
    assert [replace(clip, created_at=moment) for clip in there.clips] == [
        replace(clip, created_at=moment) for clip in here.clips
    ]
    assert [replace(exhibit, id="", path="") for exhibit in there.exhibits] == [
        replace(exhibit, id="", path="") for exhibit in here.exhibits
    ]
    assert there.measurements == here.measurements
    assert {row.status for row in there.measurements} == {MeasurementStatus.VALUE}
    assert there.report == here.report


def test_the_bucket_holds_what_is_recorded_and_nothing_else(there: Outcome, server: str) -> None:
    recorded = {each.path: each.sha256 for each in there.clips} | {
        each.path: each.sha256 for each in there.exhibits
    }
    assert objects(server, "whole") == set(recorded)
    assert not (there.study.folder / "clips").exists()
    for path, sha256 in recorded.items():
        content = as_another(server).cat_file(f"{BUCKET}/whole/{path}")
        assert hashlib.sha256(content).hexdigest() == sha256
        assert sha256_of(there.study.path(path)) == sha256


def test_another_machine_blinds_measures_and_audits_what_it_fetches(there: Outcome, second: Study) -> None:
    with Store.open(second.database_url) as store:
        again = blind_study(second, store)
        assert (again.made, again.reused) == (0, 4)
        assert not second.path(there.clips[0].path).exists()
        measured = measure_study(second, store, metrics=["silence"], executor=Here())
        assert (measured.measured, measured.failures) == (4, ())
        assert second.path(there.clips[0].path).is_file()
        second.storage.fetch([(exhibit.path, exhibit.sha256) for exhibit in store.exhibits()])
        assert audit_exhibits(store.exhibits(), second.storage.root).exhibits == 4


def test_the_arena_has_every_exhibit_before_it_opens(there: Outcome, second: Study, server: str) -> None:
    told: list[tuple[int, int]] = []
    with in_place_of(server, f"whole/{there.exhibits[0].path}", None):
        arena = open_arena(second.folder, lambda done, total: told.append((done, total)))
        arena.store.close()
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert arena.booth.pairs_asked_for == 1  # of two: a pair lacks the exhibit that is lost
    assert all(second.path(exhibit.path).is_file() for exhibit in there.exhibits[1:])


def test_a_damaged_object_is_a_failure_with_a_sentence(there: Outcome, second: Study, server: str) -> None:
    clip, exhibit = there.clips[0], there.exhibits[0]
    with Store.open(second.database_url) as store, in_place_of(server, f"whole/{clip.path}", b"other"):
        failures = measure_study(second, store, metrics=["black"], executor=Here()).failures
    with (
        in_place_of(server, f"whole/{exhibit.path}", b"other"),
        pytest.raises(MediaError, match=f"{exhibit.path} in s3://{BUCKET}/whole is damaged"),
    ):
        open_arena(second.folder)
    assert {row.clip_sha256 for row in failures} == {clip.sha256}
    assert f"{clip.path} in s3://{BUCKET}/whole is damaged" in (failures[0].reason or "")


def blinded(study: Study) -> BlindingSummary:
    with Store.open(study.database_url) as store:
        return blind_study(study, store, processes=1)


def test_exhibits_that_a_new_form_replaces_leave_the_bucket(
    here: Outcome, tmp_path: Path, server: str
) -> None:
    """On a study that moves to the bucket: its clips are copied there, its exhibits are not."""
    shutil.copytree(here.study.folder, tmp_path / "moved", ignore=shutil.ignore_patterns("exhibits"))
    study = study_in(tmp_path / "moved", GIVEN, stored_at(server, "moved"))
    for clip in here.clips:
        as_another(server).put_file(str(here.study.path(clip.path)), f"{BUCKET}/moved/{clip.path}")
    assert blinded(study).made == 4
    first = {path for path in objects(server, "moved") if path.startswith("exhibits/")}
    smaller = study_in(study.folder, GIVEN.replace("fps = 12\n[[", "fps = 6\n[["), stored_at(server, "moved"))
    assert blinded(smaller).made == 4
    assert blinded(smaller).reused == 4
    second = {path for path in objects(server, "moved") if path.startswith("exhibits/")}
    assert (len(first), len(second), first & second) == (4, 4, set())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    media.write_video(path, iter(np.full((6, 36, 64, 3), 90, np.uint8)), 24.0)
    return path.read_bytes()


def test_a_run_killed_around_an_upload_pays_for_nothing_twice(
    tmp_path: Path, server: str, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_in(tmp_path, BOUGHT, stored_at(server, "killed"))
    with serving(DashscopeDialect(), clip, Scenario(states=("succeeded",))) as vendor:
        for name, value in {**vendor.dialect.secrets, vendor.dialect.address: vendor.url}.items():
            monkeypatch.setenv(name, value)
        for moment in ("before it is sent", "before it is recorded"):
            run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), moment], cwd=ROOT, check=False)
            assert run.returncode == -signal.SIGKILL
            with Store.open(study.database_url) as store:
                assert store.clips() == ()
            uploaded = objects(server, "killed")
            assert len(uploaded) == (0 if moment == "before it is sent" else 1)
        summary = generated(study)
        assert (summary.made, summary.failures) == (4, {})
        assert vendor.creates() == vendor.made() == 4
    with Store.open(study.database_url) as store:
        assert {record.path for record in store.clips()} == uploaded == objects(server, "killed")
        assert {job.state for job in store.jobs()} == {JobState.DONE}
    assert not any((study.clips / ".partial").iterdir())


def test_a_storage_that_is_away_for_a_while_costs_nothing(
    tmp_path: Path, server: str, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was bought stands at the vendor: it is fetched again, and asked for no second time."""
    study = study_in(tmp_path, BOUGHT, stored_at(server, "away"))
    put, refusals = Remote.put, iter(range(2))

    def away(self: Remote, file: Path, relative: str) -> None:
        if next(refusals, None) is not None:
            raise StorageError("Nobody answers there.")
        put(self, file, relative)

    monkeypatch.setattr(Remote, "put", away)
    with serving(DashscopeDialect(), clip, Scenario(states=("succeeded",))) as vendor:
        for name, value in {**vendor.dialect.secrets, vendor.dialect.address: vendor.url}.items():
            monkeypatch.setenv(name, value)
        summary = generated(study)
        assert (summary.made, summary.failures) == (4, {})
        assert vendor.creates() == vendor.made() == 4


def free_address() -> str:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def refused(study: Study) -> str:
    """What `generate` says before it does anything."""
    with pytest.raises(StorageError) as caught:
        generated(study)
    assert not (study.folder / "clips").exists()
    assert not any(secret in str(caught.value) for secret in ENVIRONMENT.values() if "TEST" in secret)
    return str(caught.value)


def test_a_bucket_that_is_not_there_is_said_before_anything_is_made(tmp_path: Path, server: str) -> None:
    said = refused(study_in(tmp_path, BOUGHT, stored_at(server, "x", bucket="no-such-bucket")))
    assert said.startswith("s3://no-such-bucket/x: ")
    assert said.endswith("there is no such bucket or folder. Make it, or mend url in [storage].")


def test_a_server_that_is_gone_is_said(tmp_path: Path) -> None:
    said = refused(study_in(tmp_path, BOUGHT, stored_at(free_address(), "x")))
    assert "nobody answers there" in said


def test_wrong_credentials_are_said(tmp_path: Path, server: str) -> None:
    study = study_in(tmp_path, BOUGHT, stored_at(server, "x"))
    httpx.post(f"{server}/moto-api/reset-auth", content=b"0")  # from now on it asks who one is
    try:
        assert "the credentials are wrong, or may not do it" in refused(study)
    finally:
        httpx.post(f"{server}/moto-api/reset-auth", content=b"inf")


def test_missing_credentials_are_said(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    said = refused(study_in(tmp_path, BOUGHT, stored_at(server, "never opened before")))
    assert "no credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in said


def test_the_doctor_asks_the_storage(second: Study, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_metrics", lambda: iter(()))  # they take their time

    def found(study: Study) -> doctor.Finding:
        return next(each for each in doctor.examine(study.folder) if each.what == "storage")

    assert found(second) == doctor.Finding(
        "storage", "ok", f"s3://{BUCKET}/whole takes, gives and removes files"
    )
    assert not any(key.startswith(".probe") for key in objects(server, "whole"))
    mistyped = study_in(second.folder, GIVEN, stored_at(server, "whole", bucket="mistyped"))
    assert (found(mistyped).state, "there is no such bucket" in found(mistyped).said) == ("bad", True)


def test_a_clip_that_no_storage_took_is_a_failure_of_its_job(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    media.write_video(incoming / "t2v-blacksmith-01.mp4", iter(np.full((6, 36, 64, 3), 9, np.uint8)), 24.0)
    settings = """
name = "given"
[prompts]
suites = ["text-to-video"]
ids = ["t2v-blacksmith-01"]
[[systems]]
name = "given"
adapter = "folder"
[systems.parameters]
path = "incoming"
"""
    study = study_in(tmp_path, settings, stored_at(server, "given"))

    def fail(*_: object) -> None:
        raise StorageError("The bucket is full.")

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "put", fail)
        (failure,) = generated(study).failures.values()
    assert (failure.kind, failure.message) == (FailureKind.SERVER, "The bucket is full.")
    assert generated(study, retry_failed=True).made == 1

from __future__ import annotations

import hashlib
import os
import random
import secrets
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from evalharness.blinding import audit_exhibits
from evalharness.config import Study, load_study
from evalharness.errors import ConfigError
from evalharness.exhibition import blind_study
from evalharness.locks import only_run
from evalharness.media import probe, write_video
from evalharness.records import Clip, JobKey, Prompt, Streams, Task
from evalharness.store import Store

ROOT = Path(__file__).parents[1]
SETTINGS = """
name = "Small"
[blinding]
width = 96
height = 64
fps = 12.0
[[systems]]
name = "one"
adapter = "folder"
[[systems]]
name = "two"
adapter = "folder"
"""
BROKEN = b"this is no video"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "study.toml").write_text(SETTINGS)
    (tmp_path / "clips").mkdir()
    return load_study(tmp_path)


@pytest.fixture
def store(study: Study) -> Iterator[Store]:
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        store.put_prompts(
            Prompt(id=f"p{n}", task=Task.TEXT_TO_VIDEO, text="x", language="en", licence="CC0-1.0")
            for n in range(9)
        )
        yield store


def add_clip(study: Study, store: Store, key: JobKey, *, seconds: float = 1.0, sound: bool = True) -> None:
    """A clip as generation would have left it."""
    path = study.clips / "new.mp4"
    rng = np.random.default_rng([ord(key.system[0]), int(key.prompt_id[1:]), key.seed])
    frames = rng.integers(60, 200, (round(24 * seconds), 48, 64, 3), np.uint8)
    noise = rng.normal(0, 0.1, round(48_000 * seconds)).astype(np.float32)
    write_video(path, frames, 24.0, noise if sound else None)
    add_file(study, store, key, path.read_bytes(), probe(path))
    path.unlink()


def add_file(study: Study, store: Store, key: JobKey, data: bytes, streams: Streams) -> None:
    name = hashlib.sha256(data).hexdigest()
    (study.clips / f"{name}.mp4").write_bytes(data)
    store.add_jobs([key])
    assert store.start_job(key)
    store.finish_job(
        key,
        Clip(
            sha256=name,
            key=key,
            path=f"clips/{name}.mp4",
            bytes=len(data),
            streams=streams,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            adapter="folder",
            adapter_version="1",
        ),
    )


def files(study: Study) -> set[str]:
    return {path.name for path in study.exhibits.iterdir()}


def test_every_clip_becomes_an_exhibit_and_the_audit_passes(study: Study, store: Store) -> None:
    for prompt in range(2):
        for system in ("one", "two"):
            add_clip(study, store, JobKey(system, f"p{prompt}", 1), seconds=1.0 + 0.25 * (system == "two"))
    seen: list[tuple[int, int]] = []

    summary = blind_study(study, store, progress=lambda done, total: seen.append((done, total)))

    assert (summary.made, summary.reused, summary.silent, summary.failures) == (4, 0, 0, ())
    assert seen == [(0, 4), (2, 4), (4, 4)]
    exhibits = store.exhibits()
    assert {exhibit.clip for exhibit in exhibits} == {clip.key for clip in store.clips()}
    assert {exhibit.streams.duration_s for exhibit in exhibits} == {1.0}
    assert {Path(exhibit.path).name for exhibit in exhibits} == files(study)
    for exhibit in exhibits:
        assert hashlib.sha256(study.path(exhibit.path).read_bytes()).hexdigest() == exhibit.sha256
        assert exhibit.clip.system not in exhibit.path
        assert exhibit.clip_sha256[:8] not in exhibit.path
    audit_exhibits(exhibits, study.folder).require_blind()


def test_unchanged_exhibits_are_kept(study: Study, store: Store) -> None:
    for system in ("one", "two"):
        add_clip(study, store, JobKey(system, "p0", 1))
    blind_study(study, store)
    before = store.exhibits()

    summary = blind_study(study, store)

    assert (summary.made, summary.reused) == (0, 2)
    assert store.exhibits() == before


def test_a_new_rival_makes_its_prompt_anew_and_leaves_the_others(study: Study, store: Store) -> None:
    for prompt in ("p0", "p1"):
        add_clip(study, store, JobKey("one", prompt, 1))
    blind_study(study, store)
    before = {exhibit.clip: exhibit for exhibit in store.exhibits()}
    add_clip(study, store, JobKey("two", "p0", 1), seconds=0.5)

    summary = blind_study(study, store)

    after = {exhibit.clip: exhibit for exhibit in store.exhibits()}
    assert (summary.made, summary.reused) == (2, 1)
    assert after[JobKey("one", "p1", 1)] == before[JobKey("one", "p1", 1)]
    assert after[JobKey("one", "p0", 1)].id != before[JobKey("one", "p0", 1)].id
    assert after[JobKey("one", "p0", 1)].streams.duration_s == 0.5
    # Battles drawn before still find what they were drawn with.
    old = before[JobKey("one", "p0", 1)]
    assert store.exhibit(old.id) == old
    assert study.path(old.path).is_file()
    assert "lost more than 20%" in " ".join(summary.notes)


def with_golds(study: Study, golds: int) -> Study:
    file = study.folder / "study.toml"
    file.write_text(SETTINGS.replace("[blinding]", f"[checks]\ngolds = {golds}\n[blinding]"))
    return load_study(study.folder)


def test_gold_pairs_get_one_spoiled_copy_a_prompt_of_its_rivals_size(study: Study, store: Store) -> None:
    for key in (JobKey("one", "p0", 1), JobKey("two", "p0", 1), JobKey("one", "p1", 1)):
        add_clip(study, store, key)
    study = with_golds(study, 1)

    summary = blind_study(study, store)

    assert (summary.made, summary.spoiled, summary.failures) == (3, 1, ())
    (copy,) = store.flawed_exhibits()
    assert copy.prompt_id == "p0", "p1 has one system, hence no pair"
    assert copy.flaw is not None
    mates = [each for each in store.exhibits() if each.prompt_id == "p0"]
    assert len(store.exhibits()) == 3
    assert all(each.flaw is None for each in store.exhibits())
    assert {(each.bytes, each.streams) for each in mates} == {(copy.bytes, copy.streams)}
    assert len({len(each.id) for each in (copy, *mates)}) == 1
    assert len({tuple(each.recipe) for each in (copy, *mates)}) == 1

    again = blind_study(study, store)
    assert (again.made, again.reused, again.spoiled) == (0, 3, 1)
    assert store.flawed_exhibits() == (copy,)
    study.path(copy.path).unlink()
    assert blind_study(study, store).made == 2
    (anew,) = store.flawed_exhibits()
    assert (anew.flaw, anew.sha256) == (copy.flaw, copy.sha256)

    without = blind_study(with_golds(study, 0), store)
    assert (without.made, without.reused, without.spoiled) == (0, 3, 0)


def test_a_prompt_whose_clips_cannot_be_spoiled_has_no_gold_pair_and_says_so(
    study: Study, store: Store
) -> None:
    for system in ("one", "two"):
        path = study.clips / "new.mp4"
        write_video(
            path, np.full((24, 48, 64, 3), 90 + len(system) * ord(system[0]) % 9, np.uint8), 24.0, None
        )
        add_file(study, store, JobKey(system, "p0", 1), path.read_bytes(), probe(path))
    study = with_golds(study, 2)

    summary = blind_study(study, store)

    assert (summary.made, summary.spoiled, summary.failures) == (2, 0, ())
    assert "Prompts without a spoiled copy for gold pairs: 1." in summary.notes[0]
    assert (blind_study(study, store).made, blind_study(study, store).notes) == (0, summary.notes)


def test_a_lost_file_is_made_again(study: Study, store: Store) -> None:
    add_clip(study, store, JobKey("one", "p0", 1))
    blind_study(study, store)
    study.path(store.exhibits()[0].path).unlink()

    assert blind_study(study, store).made == 1
    assert study.path(store.exhibits()[0].path).is_file()


def test_a_changed_setting_makes_everything_anew(study: Study, store: Store) -> None:
    add_clip(study, store, JobKey("one", "p0", 1))
    blind_study(study, store)
    (study.folder / "study.toml").write_text(SETTINGS.replace("fps = 12.0", "fps = 8.0"))

    assert blind_study(load_study(study.folder), store).made == 1
    assert store.exhibits()[0].streams.fps == 8.0


def test_a_clip_that_cannot_be_blinded_is_told_each_time_and_stops_nobody(study: Study, store: Store) -> None:
    add_clip(study, store, JobKey("one", "p0", 1), sound=False)
    add_file(study, store, JobKey("two", "p0", 1), BROKEN, store.clips()[0].streams)
    add_file(study, store, JobKey("two", "p1", 1), BROKEN + b"!", store.clips()[0].streams)

    first = blind_study(study, store)
    made = store.exhibits()
    second = blind_study(study, store)

    assert (first.made, first.silent) == (1, 1)
    assert [failure.clip for failure in first.failures] == [JobKey("two", "p0", 1), JobKey("two", "p1", 1)]
    assert "not a media file" in first.failures[0].message
    assert (second.made, second.reused, second.failures) == (0, 1, first.failures)
    assert store.exhibits() == made


def test_a_clip_that_was_away_is_blinded_when_it_is_back(study: Study, store: Store) -> None:
    for system in ("one", "two"):
        add_clip(study, store, JobKey(system, "p0", 1))
    away = study.path(store.clips()[0].path)
    away.rename(study.folder / "elsewhere.mp4")

    summary = blind_study(study, store)
    (study.folder / "elsewhere.mp4").rename(away)

    assert (summary.made, [failure.clip.system for failure in summary.failures]) == (1, ["one"])
    assert "no such file" in summary.failures[0].message
    assert blind_study(study, store).made == 2


def marked(mark: str) -> list[str]:
    """Running processes whose environment carries the mark."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in environment.read_bytes():
                found.append(environment.parent.name)
    return found


def test_killed_at_any_moment_it_leaves_whole_files_and_goes_on(study: Study, store: Store) -> None:
    for prompt in range(6):
        for system in ("one", "two"):
            add_clip(study, store, JobKey(system, f"p{prompt}", 1))
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from evalharness.config import load_study
        from evalharness.exhibition import blind_study
        from evalharness.store import Store
        study = load_study(Path(sys.argv[1]))
        with Store.open(study.database_url) as store:
            print("ready", flush=True)
            blind_study(study, store, processes=int(sys.argv[2]))
        """
    )
    chance = random.Random(7)
    mark = secrets.token_hex(8)
    for processes in (1, 2, 1):
        process = subprocess.Popen(
            [sys.executable, "-c", program, study.folder, str(processes)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "EVALHARNESS_TEST_MARK": mark},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.1, 1.0) * processes)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        give_up = time.monotonic() + 60
        while left := marked(mark):
            assert time.monotonic() < give_up, f"workers {left} outlived their parent"
            time.sleep(0.05)
        for exhibit in store.exhibits():
            assert hashlib.sha256(study.path(exhibit.path).read_bytes()).hexdigest() == exhibit.sha256

    summary = blind_study(study, store)

    assert summary.made + summary.reused == 12
    assert len(store.exhibits()) == 12
    assert not list(study.exhibits.glob(".*"))
    audit_exhibits(store.exhibits(), study.folder).require_blind()


def test_files_without_a_record_are_swept_and_two_runs_do_not_meet(study: Study, store: Store) -> None:
    study.exhibits.mkdir()
    orphans = [study.exhibits / "0123456789abcdef.mp4", study.exhibits / ".0123.part"]
    for orphan in orphans:
        orphan.write_bytes(b"left by a killed run")
    blind_study(study, store)
    assert not any(orphan.exists() for orphan in orphans)
    with only_run(study.folder, "blind"), pytest.raises(ConfigError, match="Another 'blind' is at work"):
        blind_study(study, store)

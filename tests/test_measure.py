"""Measuring a study: decoded once, every ending recorded, nothing measured twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from evalharness import media
from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order as SceneOrder
from evalharness.adapters.synthetic.render import render
from evalharness.config import Study, StudySettings
from evalharness.errors import MissingExtraError, UnknownNameError
from evalharness.executors import Here
from evalharness.measure import Order, measure_clip, measure_files, measure_study
from evalharness.records import Clip, JobKey, MeasurementStatus, Prompt, Task
from evalharness.registry import METRICS
from evalharness.store import Store
from evalharness.usable import lacking
from metrics.av import AVClip, Brief
from metrics.base import Metric, Quantity, Reading, Value


class Broken(Metric):
    """A metric with a bug."""

    name: ClassVar[str] = "broken"
    version: ClassVar[str] = "1"
    quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("x", "", "none", "Nothing."),)

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        raise ZeroDivisionError("division by zero")


class Forgetful(Broken):
    """A metric that forgets a quantity."""

    name: ClassVar[str] = "forgetful"

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        return {"y": Value(1.0)}


class Endless(Broken):
    """A metric that divides by next to nothing."""

    name: ClassVar[str] = "endless"

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        return {"x": Value(float("inf"))}


@pytest.fixture
def studied(tmp_path: Path) -> Iterator[tuple[Study, Store]]:
    """Two clips, one with a tone and one silent, and a third whose file is broken."""
    rows = [{"name": "a", "adapter": "folder"}]
    study = Study(tmp_path, StudySettings.model_validate({"name": "test", "systems": rows}))
    study.clips.mkdir()
    ramp = [np.full((64, 96, 3), 4 * n, np.uint8) for n in range(36)]
    tone = (0.2 * np.sin(2 * np.pi * 440 * np.arange(72000) / 48000)).astype(np.float32)
    media.write_video(study.clips / "tone.mp4", iter(ramp), 24.0, tone, 48000)
    media.write_video(study.clips / "mute.mp4", iter(ramp), 24.0, None, 48000)
    streams = media.probe(study.clips / "tone.mp4")
    (study.clips / "broken.mp4").write_bytes(b"no video")
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        prompts = [
            Prompt(name, Task.TEXT_TO_VIDEO, "t", "en", "CC0-1.0") for name in ("tone", "mute", "broken")
        ]
        store.put_prompts(prompts)
        keys = [JobKey("a", prompt.id, 1) for prompt in prompts]
        store.add_jobs(keys)
        for key in keys:
            path = study.clips / f"{key.prompt_id}.mp4"
            digest = sha256(path.read_bytes()).hexdigest()
            store.start_job(key)
            store.finish_job(
                key,
                Clip(digest, key, f"clips/{path.name}", 1, streams, datetime.now(UTC), "folder", "1"),
            )
        yield study, store


def _order(path: Path, *metrics: str, brief: Brief | None = None) -> Order:
    return Order(sha256(path.read_bytes()).hexdigest(), path, brief, metrics)


def test_every_clip_gets_an_ending_for_every_quantity(studied: tuple[Study, Store]) -> None:
    study, store = studied
    steps: list[tuple[int, int]] = []
    summary = measure_study(
        study, store, progress=lambda done, total: steps.append((done, total)), processes=2
    )
    assert (summary.clips, summary.measured) == (3, 3)
    assert steps[0] == (0, 3)
    assert steps[-1] == (3, 3)
    names = {clip.sha256: clip.key.prompt_id for clip in store.clips()}
    rows = {(names[row.clip_sha256], row.metric): row for row in store.measurements()}
    usable = [METRICS.load(name) for name in METRICS if lacking(name) is None]
    quantities = {f"{m.name}.{q.name}" for m in usable for q in m.quantities}
    assert set(rows) == {(name, metric) for name in names.values() for metric in quantities}
    assert rows["tone", "loudness.integrated_lufs"].value is not None
    assert rows["mute", "silence.share"].status is MeasurementStatus.UNSCORABLE
    assert {row.status for (name, _), row in rows.items() if name == "broken"} == {MeasurementStatus.FAILED}
    assert len(summary.failures) == len(quantities)
    assert all("broken.mp4" in (row.reason or "") for row in summary.failures)


def test_what_is_measured_is_not_measured_again_but_what_failed_is(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = studied
    measure_study(study, store, metrics=["black"], processes=1)
    again = measure_study(study, store, metrics=["black"], processes=1)
    assert again.measured == 1  # the broken one
    assert again.new == {MeasurementStatus.FAILED: 1}, "this run"
    assert (again.values, again.unscorable, len(again.failures)) == (2, 0, 1), "in all"
    assert measure_study(study, store, metrics=["freeze"], processes=1).measured == 3
    monkeypatch.setattr(METRICS.load("black"), "version", "2")
    assert measure_study(study, store, metrics=["black"], processes=1).measured == 3


def test_a_bug_in_a_metric_costs_that_metric_only(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _ = studied
    monkeypatch.setattr(METRICS, "load", _loading(Broken, Forgetful, Endless))
    path = study.clips / "tone.mp4"
    rows = measure_clip(_order(path, "broken", "black", "forgetful", "endless"))
    endings = {row.metric: (row.status, row.reason) for row in rows}
    assert endings["broken.x"] == (MeasurementStatus.FAILED, "ZeroDivisionError: division by zero")
    assert endings["black.share"][0] is MeasurementStatus.VALUE
    assert endings["forgetful.x"][0] is MeasurementStatus.FAILED
    assert endings["endless.x"][0] is MeasurementStatus.FAILED
    assert "answered inf for endless.x" in (endings["endless.x"][1] or "")


class Listener(Broken):
    """A metric of what was asked for, with weights of the user's."""

    name: ClassVar[str] = "listener"
    uses_brief: ClassVar[bool] = True
    brought: ClassVar[str] = "one"

    @classmethod
    def weights(cls) -> str:
        return cls.brought

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        return {"x": Value(float(len(clip.brief.language)))}


class Lame(Broken):
    """A metric that cannot run here."""

    name: ClassVar[str] = "lame"

    @classmethod
    def missing(cls) -> str | None:
        return "Its weights are not here: set EVALHARNESS_LAME."


def _loading(*plugins: type[Metric]) -> Callable[[str], type[Metric]]:
    load, named = METRICS.load, {plugin.name: plugin for plugin in plugins}
    return lambda name: named.get(name) or load(name)


def test_another_brief_or_other_weights_are_measured_anew(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = studied
    monkeypatch.setattr(METRICS, "load", _loading(Listener))

    def measured() -> int:
        return measure_study(study, store, metrics=["listener"], executor=Here()).measured

    assert (measured(), measured()) == (3, 1)  # the broken file is tried again each time
    store.put_prompts([Prompt("tone", Task.TEXT_TO_VIDEO, "t", "yue", "CC0-1.0")])
    assert measured() == 2
    assert sorted(row.value for row in store.measurements() if row.value is not None) == [2.0, 3.0]
    monkeypatch.setattr(Listener, "brought", "two")
    assert (measured(), measured()) == (3, 1)


def test_one_file_for_two_prompts_has_no_brief(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _ = studied
    monkeypatch.setattr(METRICS, "load", _loading(Listener))
    listened, black = measure_clip(_order(study.clips / "tone.mp4", "listener", "black"))
    assert listened.status is MeasurementStatus.UNSCORABLE
    assert "delivered for several prompts" in (listened.reason or "")
    assert black.status is MeasurementStatus.VALUE


def test_a_file_changed_since_it_was_recorded_fails(studied: tuple[Study, Store]) -> None:
    study, store = studied
    (study.clips / "tone.mp4").write_bytes((study.clips / "mute.mp4").read_bytes())
    summary = measure_study(study, store, metrics=["black"], processes=1)
    said = {row.reason or "" for row in summary.failures}
    assert any("is not the clip that was recorded" in reason for reason in said)
    assert summary.values == 1


def test_a_metric_that_cannot_run_here_is_named_and_records_nothing(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = studied
    monkeypatch.setattr(METRICS, "_entries", {"black": METRICS._entries["black"], "lame": "here:Lame"})
    monkeypatch.setattr(METRICS, "load", _loading(Lame))
    summary = measure_study(study, store, processes=1)
    assert summary.left_out == {"lame": "Its weights are not here: set EVALHARNESS_LAME."}
    assert {row.metric for row in store.measurements()} == {"black.share"}
    with pytest.raises(MissingExtraError, match="'lame' cannot run here: Its weights"):
        measure_study(study, store, metrics=["lame"])


DEADLY = """
import os
from metrics.base import Metric, Quantity, Value

class Deadly(Metric):
    name, version, quantities = "deadly", "1", (Quantity("x", "", "none", "Nothing."),)

    def measure(self, clip):
        if clip.has_audio:
            os._exit(3)
        return {"x": Value(1.0)}
"""


def test_a_clip_that_kills_its_worker_fails_alone(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study, store = studied
    installed = tmp_path / "installed"  # as pip would leave an outside package
    (installed / "deadly-1.dist-info").mkdir(parents=True)
    (installed / "deadly-1.dist-info" / "METADATA").write_text("Name: deadly\nVersion: 1\n")
    entry = "[evalharness.metrics]\ndeadly = deadly_metric:Deadly\n"
    (installed / "deadly-1.dist-info" / "entry_points.txt").write_text(entry)
    (installed / "deadly_metric.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setitem(METRICS._entries, "deadly", "deadly_metric:Deadly")
    measure_study(study, store, metrics=["deadly"], processes=2)
    names = {clip.sha256: clip.key.prompt_id for clip in store.clips()}
    rows = {names[row.clip_sha256]: row for row in store.measurements()}
    assert rows["mute"].value == 1.0
    assert "worker process died while it measured this clip" in (rows["tone"].reason or "")
    assert "broken.mp4" in (rows["broken"].reason or "")


KILLED_AFTER_THE_FIRST_CLIP = """
import os, signal, sys
from pathlib import Path
from evalharness.config import Study, StudySettings
from evalharness.measure import measure_study
from evalharness.store import Store
from evalharness.usable import lacking

def die(done, total):
    if done == 1:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    rows = [{"name": "a", "adapter": "folder"}]
    study = Study(Path(sys.argv[1]), StudySettings.model_validate({"name": "test", "systems": rows}))
    with Store.open(study.database_url) as store:
        measure_study(study, store, metrics=["black", "freeze"], progress=die, processes=1)
"""


def test_a_killed_run_keeps_whole_clips_and_the_next_goes_on(
    studied: tuple[Study, Store], tmp_path: Path
) -> None:
    study, store = studied
    (study.clips / "broken.mp4").unlink()
    script = tmp_path / "killed.py"
    script.write_text(KILLED_AFTER_THE_FIRST_CLIP)
    ended = subprocess.run([sys.executable, str(script), str(study.folder)], timeout=60)
    assert ended.returncode == -signal.SIGKILL
    kept = store.measurements()
    assert len({row.clip_sha256 for row in kept}) == 1
    assert {row.metric for row in kept} == {"black.share", "freeze.share", "freeze.longest_s"}
    summary = measure_study(study, store, metrics=["black", "freeze"], processes=1)
    assert summary.clips == 3
    assert summary.values == 6
    assert {"There is no clip file at" in (row.reason or "") for row in summary.failures} == {True}
    measured = store.measurements()
    assert all(row in measured for row in kept)
    assert len(measured) == 9


def test_an_unknown_metric_is_refused_with_its_neighbours(studied: tuple[Study, Store]) -> None:
    study, store = studied
    with pytest.raises(UnknownNameError, match="did you mean loudness"):
        measure_study(study, store, metrics=["loudnes"])


def test_whoever_measures_gets_the_same_bytes(tmp_path: Path) -> None:
    prompt = Prompt("talk", Task.TEXT_TO_VIDEO, "She speaks.", "en", "CC0-1.0", "My mother opened the jam.")
    made = render(SceneOrder(prompt, seed=1, width=480, height=270, duration_s=3.0, fps=25.0), Knobs())
    media.write_video(tmp_path / "talk.mp4", made.frames, made.fps, made.samples, made.rate_hz)
    brief = Brief(prompt.text, prompt.language, prompt.spoken)
    names = ["container", "event_sync", "flicker", "lip_accuracy", "lip_sync", "loudness", "motion"]
    path = tmp_path / "talk.mp4"
    here = measure_clip(Order(sha256(path.read_bytes()).hexdigest(), path, brief, tuple(names)))
    there, _ = measure_files([path], brief, metrics=names, processes=2)
    assert there[path] == here
    assert sum(row.status is MeasurementStatus.VALUE for row in here) >= 9


def test_a_path_that_cannot_be_read_fails_alone(studied: tuple[Study, Store], tmp_path: Path) -> None:
    study, _ = studied
    gone, tone = tmp_path / "gone.mp4", study.clips / "tone.mp4"
    found, _ = measure_files([gone, tone, tmp_path], Brief(), metrics=["black"], processes=1)
    assert list(found) == [gone, tone, tmp_path]
    endings = [(row.status, row.clip_sha256 != "") for (row,) in found.values()]
    failed = (MeasurementStatus.FAILED, False)
    assert endings == [failed, (MeasurementStatus.VALUE, True), failed]
    assert f"{gone} cannot be read (No such file or directory)" in (found[gone][0].reason or "")


BROKEN = """
from metrics.base import Metric, Quantity, Value

class Broken(Metric):
    name, version, quantities = "broken", "1", (Quantity("x", "", "none", "Nothing."),)

    def measure(self, clip):
        import broken_package
"""


@pytest.mark.parametrize(
    "raised",
    ["ImportError('libgone.so: no such file')", "OSError('libgone.so: bad')", "AttributeError('libgone.so')"],
)
def test_a_package_that_is_installed_and_broken_leaves_its_metric_out_by_name(
    studied: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raised: str
) -> None:
    study, store = studied
    monkeypatch.delitem(sys.modules, "broken_metric", raising=False)
    (tmp_path / "broken_package.py").write_text(f"raise {raised}")
    (tmp_path / "broken_metric.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    entries = {"black": METRICS._entries["black"], "broken": "broken_metric:Broken"}
    monkeypatch.setattr(METRICS, "_entries", entries)
    monkeypatch.setattr(METRICS, "_outside_read", True)
    summary = measure_study(study, store, executor=Here())
    assert list(summary.left_out) == ["broken"]
    assert "cannot be imported: broken_package (" in summary.left_out["broken"]
    assert "libgone.so" in summary.left_out["broken"]
    # The clip that cannot be decoded fails every metric, for a reason of its own.
    assert {row.metric for row in store.measurements() if row.value is not None} == {"black.share"}
    assert not any("cannot be imported" in (row.reason or "") for row in store.measurements())
    with pytest.raises(MissingExtraError, match=r"'broken' cannot run here: A package.*libgone"):
        measure_study(study, store, metrics=["broken"], executor=Here())

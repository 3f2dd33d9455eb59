"""Executors: the same results wherever work runs, and what a death, a break or a wrong cluster costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalharness import __version__
from evalharness.config import ExecutorName, Study, StudySettings
from evalharness.errors import ConfigError, MissingExtraError
from evalharness.executors import Executor, Here, Processes, WorkerDied, executor_for
from evalharness.executors.cluster import Cluster, _complaint
from evalharness.generate import generate_study
from evalharness.measure import measure_study
from evalharness.prompts import load_suites
from evalharness.records import Prompt, Task
from evalharness.registry import ADAPTERS, METRICS
from evalharness.storage import Folder, storage_at
from evalharness.store import Store

ELSEWHERE = ("processes", "ray")


PLUGINS = """
import os, signal

import numpy as np
from evalharness import media
from evalharness.adapters.base import Capabilities, Generated, SeedSupport
from evalharness.records import Task
from metrics.base import Metric, Quantity, Value

class Mortal:
    version = "1"
    capabilities = Capabilities(tasks=tuple(Task), seed=SeedSupport.EXACT, cpu_bound=True)

    def __init__(self, system, *, folder):
        pass

    def refuse(self, request):
        return None

    def generate(self, request):
        number = int(request.prompt.text.split()[1])
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        frames = (np.full((48, 64, 3), 40 * number, np.uint8) for _ in range(6))
        media.write_video(request.output, frames, 24.0, np.zeros(12000, np.float32), 48000)
        return Generated()

class Deadly(Metric):
    name, version, quantities = "deadly", "1", (Quantity("x", "", "none", "Nothing."),)

    def measure(self, clip):
        if clip.brief.text == "scene 2":
            os._exit(3)
        return {"x": Value(1.0)}
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An adapter and a metric that kill their process, as pip would leave an outside package."""
    installed = tmp_path_factory.mktemp("installed")
    about = installed / "mortal-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: mortal\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[evalharness.adapters]\nmortal = mortal_plugins:Mortal\n"
        "[evalharness.metrics]\ndeadly = mortal_plugins:Deadly\n"
    )
    (installed / "mortal_plugins.py").write_text(PLUGINS)
    assert "synthetic" in list(ADAPTERS)  # it has looked for outside packages, and here does so no more
    assert "loudness" in list(METRICS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(installed)
        patch.setenv("PYTHONPATH", str(installed))
        patch.setitem(ADAPTERS._entries, "mortal", "mortal_plugins:Mortal")
        patch.setitem(METRICS._entries, "deadly", "mortal_plugins:Deadly")
        yield


@pytest.fixture(scope="module")
def ray_cluster(plugins: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers of a Ray cluster of this process, which every other Cluster in it then uses."""
    with Cluster(Folder(tmp_path_factory.mktemp("ray")), workers=2) as cluster:
        assert cluster.capacity == 4
        yield cluster


@pytest.fixture
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Executor:
    """The executor a test is run with, for files below its own folder."""
    return _executor(request.param, tmp_path, request)


def _executor(name: str, folder: Path, request: pytest.FixtureRequest) -> Executor:
    if name == "ray":
        request.getfixturevalue("ray_cluster")
        return Cluster(Folder(folder))
    return Here() if name == "here" else Processes(2)


def _divide(one: float, by: float) -> float:
    return one / by


def _die(how: str) -> None:
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), signal.SIGKILL)


def _mark(folder: Path, seconds: float) -> None:
    (folder / "begun").touch()
    time.sleep(seconds)
    (folder / "ended").touch()


@pytest.mark.parametrize("executor", ["here", *ELSEWHERE], indirect=True)
def test_work_ends_with_its_result_or_with_its_own_exception(executor: Executor) -> None:
    with executor:
        assert executor.submit(_divide, 3.0, 2.0).result() == 1.5
        with pytest.raises(ZeroDivisionError):
            executor.submit(_divide, 3.0, 0.0).result()


@pytest.mark.parametrize("executor", ELSEWHERE, indirect=True)
def test_workers_are_other_processes_with_one_thread_each(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    with executor:
        assert executor.submit(os.getpid).result() != os.getpid()
        assert executor.submit(os.getenv, "NUMBA_NUM_THREADS").result() == "1"


@pytest.mark.parametrize("executor", ELSEWHERE, indirect=True)
@pytest.mark.parametrize("how", ["exit", "kill"])
def test_a_worker_that_dies_is_said_and_the_next_order_is_served(executor: Executor, how: str) -> None:
    with executor:
        with pytest.raises(WorkerDied):
            executor.submit(_die, how).result()
        assert executor.submit(_divide, 3.0, 2.0).result() == 1.5


SMALL = {
    "name": "small",
    "prompts": {"ids": ["t2v-blacksmith-01", "sync-drum-01"]},
    "generation": {"duration_s": 0.5, "width": 256, "height": 144},
    "systems": [{"name": "plain", "adapter": "synthetic", "concurrency": 2}],
}


def _made_and_measured(folder: Path, executor: Executor) -> tuple[list[Any], list[Any]]:
    study = Study(folder, StudySettings.model_validate(SMALL))
    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, load_suites(study.settings.prompts, folder), executor=executor)
        assert (summary.made, summary.failures) == (2, {})
        measure_study(study, store, metrics=["black", "container", "loudness", "motion"], executor=executor)
        clips = [
            (clip.sha256, clip.key, clip.path, clip.bytes, clip.streams, clip.request)
            for clip in store.clips()
        ]
        return sorted(clips, key=repr), sorted(store.measurements(), key=repr)


def test_clips_and_measurements_are_the_same_wherever_they_were_made(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = {}
    for name in ("here", *ELSEWHERE):
        folder = tmp_path / name
        folder.mkdir()
        found[name] = _made_and_measured(folder, _executor(name, folder, request))
    clips, rows = found["here"]
    assert (len({clip[0] for clip in clips}), len({row.metric for row in rows}) > 4) == (2, True)
    assert found["processes"] == found["here"]
    assert found["ray"] == found["here"]


def _mortal(folder: Path) -> Study:
    """A study of an adapter that dies over some prompts."""
    settings = StudySettings.model_validate(
        {
            "name": "mortal",
            "generation": {"attempts": 1},
            "systems": [{"name": "mortal", "adapter": "mortal", "concurrency": 2}],
        }
    )
    return Study(folder, settings)


@pytest.mark.parametrize("executor", ELSEWHERE, indirect=True)
def test_only_the_clip_that_kills_its_worker_has_no_clip_and_only_the_one_that_does_no_measurement(
    plugins: None, tmp_path: Path, executor: Executor
) -> None:
    study = _mortal(tmp_path)
    prompts = [Prompt(f"p{n}", Task.TEXT_TO_VIDEO, f"scene {n}", "en", "CC0-1.0") for n in range(4)]
    with Store.open(study.database_url) as store:
        made = generate_study(study, store, prompts, executor=executor)
        assert {key.prompt_id for key in made.failures} == {"p1"}
        assert "worker process died" in next(iter(made.failures.values())).message
        assert made.made == 3
        measured = measure_study(study, store, metrics=["deadly"], executor=executor)
        (failed,) = measured.failures
        names = {clip.sha256: clip.key.prompt_id for clip in store.clips()}
        assert (names[failed.clip_sha256], measured.values) == ("p2", 2)
        assert "worker process died while it measured this clip, twice" in (failed.reason or "")


def test_what_is_broken_off_on_ray_ends_at_once(ray_cluster: Cluster, tmp_path: Path) -> None:
    def interrupted() -> None:
        with Cluster(Folder(tmp_path)) as cluster:
            cluster.submit(_mark, tmp_path, 60.0)
            while not (tmp_path / "begun").exists():
                time.sleep(0.02)
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - started < 30.0
    assert ray_cluster.submit(_divide, 3.0, 2.0).result() == 1.5  # the cluster that others began goes on
    assert not (tmp_path / "ended").exists()


class Unreachable(Folder):
    """A study's folder that other machines do not see."""

    def check(self) -> None:
        raise ConfigError("It is somewhere else.")


def test_a_machine_that_does_not_reach_the_study_is_named(ray_cluster: Cluster, tmp_path: Path) -> None:
    with (
        Cluster(Unreachable(tmp_path)) as cluster,
        pytest.raises(ConfigError, match=r"The machine \S+ of the Ray cluster does not reach .* else\.$"),
    ):
        cluster.submit(_divide, 3.0, 2.0)
    gone = _complaint(Folder(tmp_path), tmp_path / ".seen-never", __version__)
    assert gone is not None
    assert f"does not see {tmp_path}. Put the study on a file system that all machines share" in gone
    assert "the same must be on both" in (_complaint(Folder(tmp_path), None, "0.0.1") or "")
    assert _complaint(storage_at(tmp_path, f"file://{tmp_path}/far"), None, __version__) is None
    assert not list(tmp_path.glob(".seen-*"))


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:0"])
def test_a_cluster_that_does_not_answer_is_said(address: str, tmp_path: Path) -> None:
    cluster = Cluster(Folder(tmp_path), address=address)
    with pytest.raises(ConfigError, match=f"^The Ray cluster at '{address}' cannot be joined .*host:port"):
        cluster._join()


def test_the_study_or_the_command_says_which_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table: dict[str, Any] = {"name": "s", "systems": [{"name": "a", "adapter": "synthetic"}]}
    assert isinstance(executor_for(Study(tmp_path, StudySettings.model_validate(table))), Processes)
    table["work"] = {"executor": "ray", "ray_address": "10.0.0.5:6379"}
    study = Study(tmp_path, StudySettings.model_validate(table))
    assert isinstance(executor_for(study), Cluster)
    assert isinstance(executor_for(study, ExecutorName.HERE), Here)
    monkeypatch.setattr("evalharness.executors.cluster.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'evalharness\[ray\]'"):
        executor_for(study)


GPU_WORK = """
import os, time


def seen(seconds=0.0):
    time.sleep(seconds)
    return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"], os.environ.get("OMP_NUM_THREADS")


def die():
    os._exit(3)


def text(sentence):
    raise ValueError(sentence)
"""

GPU_CODE = """
import sys, time
from pathlib import Path

import ray

from evalharness.errors import ConfigError
from evalharness.executors import WorkerDied
from evalharness.executors.cluster import Cluster
from evalharness.storage import Folder
from gpu_work import die, seen, text

ray.init("local", num_cpus=2, num_gpus=3, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
         object_store_memory=80_000_000, _node_ip_address="127.0.0.2")


with Cluster(Folder(Path(sys.argv[1]))) as cluster:
    def on(gpus, system, work, *args):
        return cluster.submit_on_gpus(gpus, system, work, *args)

    first = on(1, "a", seen).result()
    assert len(first[1].split(",")) == 1
    again = [on(1, "a", seen).result() for _ in range(3)]
    assert again == [first] * 3, (first, again)

    both = on(1, "a", seen, 0.3), on(1, "b", seen, 0.3)
    a, b = (future.result() for future in both)
    assert a == first and b[0] != first[0] and b[1] != first[1], (a, b)
    assert on(1, "b", seen).result() == b

    busy = on(1, "a", seen, 0.5)
    wide = on(2, "c", seen)  # waits for the narrow ones, which then make room
    assert len(wide.result()[1].split(",")) == 2 and busy.done()
    several = [on(1, "a", seen, 0.1) for _ in range(6)]  # more orders than GPUs wait for their turn
    assert len({future.result(60)[1] for future in several}) <= 3

    try:
        on(1, "a", text, "it broke").result()
    except ValueError as error:
        assert str(error) == "it broke"
    try:
        on(1, "a", die).result()
    except WorkerDied:
        assert on(1, "a", seen).result()[0] > 0
    try:
        on(4, "d", seen)
    except ConfigError as error:
        print(error)
left = ray.available_resources().get("GPU", 0)
deadline = time.monotonic() + 30
while left < 3 and time.monotonic() < deadline:
    time.sleep(0.1)
    left = ray.available_resources().get("GPU", 0)
print(left)
"""


def test_gpus_of_a_cluster_are_held_from_clip_to_clip(tmp_path: Path) -> None:
    """Ray counts three GPUs where there are none: who holds which is shown, not what they compute."""
    (tmp_path / "gpu_work.py").write_text(GPU_WORK)
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", GPU_CODE, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert shown.returncode == 0, shown.stderr[-3000:]
    sentence, left = shown.stdout.strip().splitlines()[-2:]
    assert sentence.startswith("A clip of the system 'd' takes 4 GPUs of one machine, and the Ray cluster")
    assert float(left) == 3

"""Clips made at vendors, from study.toml to the store: bought once, whatever happens on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.generate import generate_study
from evalharness.prompts import load_suites
from evalharness.purchases import PurchaseStage
from evalharness.records import FailureKind, JobState
from evalharness.store import Store
from tests.adapters.remote.dialects.dashscope import DashscopeDialect
from tests.adapters.remote.listening import serving
from tests.adapters.remote.server import Scenario, VendorServer

STUDY = """
name = "bought"
[prompts]
suites = ["text-to-video"]
ids = [{ids}]
[generation]
duration_s = 5
width = 1280
height = 720
attempts = 2
[[systems]]
name = "happyhorse"
adapter = "dashscope"
model = "happyhorse-1.1"
concurrency = 4
"""


@pytest.fixture(scope="module")
def clip(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from evalharness.config import PromptSettings

    known = load_suites(PromptSettings(suites=["text-to-video"]), tmp_path)
    ids = ", ".join(f'"{prompt.id}"' for prompt in known[:4])
    (tmp_path / "study.toml").write_text(STUDY.format(ids=ids))
    return tmp_path


def environment(vendor: VendorServer) -> dict[str, str]:
    return dict(vendor.dialect.secrets) | {vendor.dialect.address: vendor.url}


def run(folder: Path, **options: Any) -> tuple[Any, Store]:
    study = load_study(folder)
    store = Store.open(f"sqlite:///{folder}/study.db")
    summary = generate_study(study, store, load_suites(study.settings.prompts, folder), **options)
    return summary, store


def test_a_study_buys_each_clip_once_and_keeps_its_recipe(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(DashscopeDialect(), clip, Scenario(states=("succeeded",))) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("evalharness.media.probe", None)  # the adapter has decoded it already
        summary, store = run(folder)
        with store:
            assert (summary.made, summary.failures) == (4, {})
            assert vendor.objections == []
            assert vendor.creates() == vendor.made() == 4
            for found in store.clips():
                assert found.provider_task_id in vendor.tasks
                assert found.request["sent"]["json"]["parameters"]["watermark"] is False
                assert found.cost_usd == pytest.approx(0.645)
                assert found.streams.frames > 1
                assert (folder / found.path).read_bytes() == clip
            assert {bought.stage for bought in store.purchases()} == {PurchaseStage.DELIVERED}
            text = " ".join(str(found.request) for found in store.clips())
            assert not any(secret in text for secret in vendor.dialect.secrets.values())
        again, store = run(folder)
        store.close()
        assert (again.made, again.kept, vendor.creates()) == (0, 4, 4)


def test_a_refusal_by_moderation_is_an_outcome(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario(states=("failed",), fault="moderation_output")
    with serving(DashscopeDialect(), clip, scenario) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        summary, store = run(folder)
        with store:
            assert summary.by_kind == {FailureKind.MODERATION: 4}
            assert {bought.stage for bought in store.purchases()} == {PurchaseStage.ENDED}
            assert vendor.creates() == 4


def test_without_a_key_nothing_is_sent_and_the_sentence_names_it(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(DashscopeDialect(), clip) as vendor:
        monkeypatch.setenv(vendor.dialect.address, vendor.url)
        monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
        summary, store = run(folder)
        with store:
            assert summary.by_kind == {FailureKind.AUTH: 4}
            assert all("DASHSCOPE_API_KEY" in failure.message for failure in summary.failures.values())
            assert (vendor.requests, store.purchases()) == ([], ())


def test_a_create_without_an_answer_is_not_sent_again_until_a_person_says_so(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Scenario(states=("succeeded",), creates=("hang_up_after",) * 4)
    with serving(DashscopeDialect(), clip, lost) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        for options in ({}, {"retry_failed": True}, {"retry_failed": True}):
            summary, store = run(folder, **options)
            with store:
                assert summary.made == 0
                assert {bought.stage for bought in store.purchases()} == {PurchaseStage.INTENDED}
                assert vendor.creates() == vendor.made() == 4
        summary, store = run(folder, retry_failed=True, buy_again=True)
        store.close()
        assert (summary.made, vendor.made()) == (4, 8)


def test_a_run_that_is_killed_again_and_again_pays_for_nothing_twice(folder: Path, clip: bytes) -> None:
    """The process dies by SIGKILL at random moments; the vendor, who lives on, counts."""
    rng = random.Random(4)
    scenario = Scenario(states=("queued", "running", "succeeded"))
    with serving(DashscopeDialect(), clip, scenario) as vendor:
        command = [sys.executable, "-m", "evalharness", "generate", "--yes", str(folder), "--retry-failed"]
        environ = {**os.environ, **environment(vendor)}
        for _ in range(6):
            child = subprocess.Popen(
                command,
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            began = vendor.creates()
            deadline = time.monotonic() + 30
            # From the first sign of life on: the start of the interpreter is no moment of interest.
            while vendor.creates() == began and child.poll() is None and time.monotonic() < deadline:
                if len(vendor.tasks) == 4 or not (folder / "study.db").exists():
                    time.sleep(0.05)
                if len(vendor.tasks) == 4:
                    break
            time.sleep(rng.uniform(0, 1.2))
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        subprocess.run(command, env=environ, capture_output=True, timeout=120, check=False)
        with Store.open(f"sqlite:///{folder}/study.db") as store:
            bought = Counter(purchase.key for purchase in store.purchases())
            ambiguous = [one for one in store.purchases() if one.stage is PurchaseStage.INTENDED]
            done = store.jobs(JobState.DONE)
        assert len(done) + len(ambiguous) == 4
        assert vendor.made() <= 4
        assert max(bought.values()) == 1


def test_what_runs_at_a_vendor_is_fetched_as_it_was_asked_for_whatever_the_settings_say_now(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the tasks run; then study.toml wants longer clips."""
    with serving(DashscopeDialect(), clip, Scenario(states=("queued", "running"))) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        child = subprocess.Popen(
            [sys.executable, "-m", "evalharness", "generate", "--yes", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_until(lambda: _standing(folder) == {"happyhorse": {PurchaseStage.RUNNING: 4}}, child)
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        shown = CliRunner().invoke(app, ["doctor", str(folder), "--json"])
        said = {row["what"]: row["said"] for row in json.loads(shown.stdout)}
        assert "4 running at the vendor" in said["clips of happyhorse"]
        file = folder / "study.toml"
        file.write_text(file.read_text().replace("duration_s = 5", "duration_s = 6"))
        vendor.scenario.states = ("succeeded",)
        summary, store = run(folder)
        with store:
            assert (summary.made, vendor.creates()) == (4, 4)
            for found in store.clips():
                assert found.request["asked"]["duration_s"] == found.request["cell"]["duration_s"] == 5
                assert (found.request["resumed"], found.request["terms_from"]) == (True, "create")
                assert found.request["queue_s"] > 0  # the killed run saw it begin
                assert found.request["run_s"] is found.latency_s is None  # nobody saw it end
            for bought in store.purchases():
                assert bought.stage is PurchaseStage.DELIVERED
                assert bought.submitted_at < bought.running_at < bought.downloaded_at < bought.closed_at
            assert store.standing_purchases() == {}
        assert any("4 of 4 clips were asked for with other settings" in note for note in summary.notes)


def _standing(folder: Path) -> object:
    if not (folder / "study.db").exists():
        return {}
    with Store.open(f"sqlite:///{folder}/study.db") as store:
        return store.standing_purchases()


def _wait_until(there: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_budget_ends_the_buying_before_the_money_does_over_all_runs(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(DashscopeDialect(), clip, Scenario(states=("succeeded",))) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        for limit_usd, bought in ((1.4, 2), (1.4, 2), (2.0, 3), (100.0, 4)):  # a clip costs $0.645
            summary, store = run(folder, budget_usd=limit_usd)
            with store:
                assert vendor.creates() == len(store.clips()) == bought
                assert summary.held == 4 - bought
                assert summary.committed_usd == pytest.approx(bought * 0.645)
                assert not summary.failures


def test_a_refused_clip_counts_as_if_billed(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario(states=("failed",), fault="moderation_output")
    with serving(DashscopeDialect(), clip, scenario) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        summary, store = run(folder, budget_usd=1.4)
        store.close()
        assert vendor.creates() == 2
        assert (summary.held, len(summary.failures)) == (2, 2)
        assert summary.committed_usd == pytest.approx(2 * 0.645)


def test_buying_again_is_asked_for_and_leaves_running_tasks_alone(
    folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario(states=("succeeded",), creates=("hang_up_after",))
    with serving(DashscopeDialect(), clip, scenario) as vendor:
        for name, value in environment(vendor).items():
            monkeypatch.setenv(name, value)
        summary, store = run(folder)
        with store:
            (lost,) = (row for row in store.purchases() if row.stage is PurchaseStage.INTENDED)
            assert summary.made == 3
        asked = CliRunner().invoke(app, ["generate", str(folder), "--buy-again"])
        assert isinstance(asked.exception, ConfigError)
        assert "This would spend $0.65" in str(asked.exception)
        assert vendor.creates() == 4
        again, store = run(folder, buy_again=True, retry_failed=True)
        with store:
            assert (again.made, vendor.creates()) == (1, 5)
            stages = {row.number: row.stage for row in store.purchases() if row.key == lost.key}
            assert stages == {1: PurchaseStage.ABANDONED, 2: PurchaseStage.DELIVERED}

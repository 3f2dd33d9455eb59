"""One study from its settings to its report through the command line, as an owner would run it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arena_ui.booth import Booth
from arena_ui.tokens import Sealer
from evalharness.adapters.synthetic.demo import DEMO_SYSTEMS
from evalharness.cli.demo import DEMO_PROMPTS
from evalharness.config import load_study
from evalharness.prompts import load_suites
from evalharness.records import Category, Outcome, Question, Vote
from evalharness.scaffold import write_study
from evalharness.store import Store

ROOT = Path(__file__).parents[1]
BETTER, LATE = DEMO_SYSTEMS[0], DEMO_SYSTEMS[1]
"""The demo's nearly perfect system, masked, and the one whose sound comes 0.12 s late."""

MEASURED = [f"--metric={name}" for name in ("black", "container", "event_sync", "lip_sync", "loudness")]
"""Of every question a quick one; every metric there is measures a study in test_measure.py."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "evalharness", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems on two prompts, generated, blinded, measured and voted on."""
    folder = tmp_path_factory.mktemp("study") / "small"
    write_study(folder, (BETTER, LATE), prompt_ids=("t2v-blacksmith-01", "sync-drum-01"), duration_s=3.0)
    for command in (["generate"], ["blind"], ["measure", *MEASURED]):
        done = run(*command, str(folder))
        assert done.returncode == 0, done.stdout + done.stderr
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        booth = Booth(study, store, Sealer(bytes(32)))
        for number in range(6):
            voter, _ = booth.people.join(["en"], "test")
            while pairs := booth.round(voter).pairs:
                battle = store.battle(pairs[0].battle_id)
                best = Outcome.LEFT if battle.left.system == BETTER.name else Outcome.RIGHT
                outcome = Outcome.TIE if number == 5 else best
                now = datetime.now(UTC)
                store.commit_votes(
                    [Vote(battle.id, voter.id, asked, outcome, now) for asked in battle.questions]
                )
    return folder


def test_the_exhibits_are_blind(folder: Path) -> None:
    done = run("audit", "blinding", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_leaderboard_knows_the_better_one_by_its_codename_only(folder: Path) -> None:
    done = run("leaderboard", str(folder), "--json", "--question", Question.OVERALL)
    assert done.returncode == 0, done.stdout + done.stderr
    board = json.loads(done.stdout)["boards"][0]
    assert [row["system"] for row in board["ratings"]] == [BETTER.codename, LATE.name]
    assert board["votes"] == 6
    assert board["recipe"]["converged"] is True
    assert BETTER.name not in done.stdout


def test_the_late_sound_is_measured_as_late(folder: Path) -> None:
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        system_of = {clip.sha256: clip.key.system for clip in store.clips()}
        offsets = {
            system_of[row.clip_sha256]: row.value
            for row in store.measurements()
            if row.metric == "event_sync.offset_s" and row.value is not None
        }
    assert offsets[LATE.name] - offsets[BETTER.name] == pytest.approx(0.12, abs=0.04)


def test_the_report_is_written_in_four_forms_and_hides_the_masked_name(folder: Path) -> None:
    done = run("report", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    for suffix in ("html", "md", "csv", "json"):
        text = (folder / "reports" / f"report.{suffix}").read_text(encoding="utf-8")
        assert BETTER.name not in text
        assert str(BETTER.codename) in text


def test_every_measurement_is_in_one_file_and_the_masked_name_in_none(folder: Path) -> None:
    assert run("report", str(folder)).returncode == 0
    beside = folder / "reports" / "measurements.csv"
    rows = list(csv.DictReader(io.StringIO(beside.read_text(encoding="utf-8"))))
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        stored = store.measurements()
    assert len(rows) == len(stored)
    assert {row["system"] for row in rows} == {BETTER.codename, LATE.name}
    assert BETTER.name not in beside.read_text(encoding="utf-8")
    values = {(row["clip"], f"{row['metric']}.{row['quantity']}"): row for row in rows}
    for each in stored:
        row = values[each.clip_sha256, each.metric]
        assert row["ending"] == each.status
        assert (float(row["value"]) if row["value"] else None) == each.value
        assert row["reason"] == (each.reason or "")
        assert row["unit"]
    again = folder / "again.csv"
    assert run("measure", str(folder), "--metric", "black", "--csv", str(again)).returncode == 0
    assert again.read_bytes() == beside.read_bytes()


def test_a_second_pass_has_nothing_left_to_do(folder: Path) -> None:
    assert "0 made now, 4 there before" in run("generate", str(folder)).stdout
    assert "0 exhibits made now, 4 there before" in run("blind", str(folder)).stdout
    assert "This run: 0 of 4 clips measured." in run("measure", *MEASURED, str(folder)).stdout


def test_the_demo_asks_for_prompts_that_exist_in_all_three_categories(tmp_path: Path) -> None:
    write_study(tmp_path, DEMO_SYSTEMS, prompt_ids=DEMO_PROMPTS)
    study = load_study(tmp_path)
    prompts = load_suites(study.settings.prompts, tmp_path)
    assert {prompt.category for prompt in prompts} == set(Category) - {Category.REFERENCE_TO_VIDEO}
    assert len(prompts) * len(DEMO_SYSTEMS) >= 48

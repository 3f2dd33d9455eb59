"""The worked example, from one command: the second release breaks sync, the third mends it, the gate says so.

The steps of the workflow in docs/ci-recipe.md run here, as they stand there, on the example's study.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from typer.testing import CliRunner, Result

from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.store import Store

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "docs" / "ci-recipe.md"

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's study, made by its command."""
    folder = tmp_path_factory.mktemp("example") / "releases"
    done = subprocess.run(
        [sys.executable, "-m", "evalharness", "demo", "--releases", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    for said in (
        "FAIL: aurora-1.1 against aurora-1.0 is worse in",
        "PASS: aurora-1.2 against aurora-1.1 is not worse in anything that decides.",
        "First release in which event_sync.offset_s got worse: aurora-1.1",
        "simulated: no person cast them",
    ):
        assert said in done.stdout
    return folder


def regress(example: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["regress", str(example), *words])


def test_the_gate_fails_the_second_release_and_names_sync(example: Path, tmp_path: Path) -> None:
    junit, comment = tmp_path / "junit.xml", tmp_path / "comment.md"
    pair = ("--baseline", "aurora-1.0", "--candidate", "aurora-1.1")
    done = regress(example, *pair, "--json", "--junit", str(junit), "--markdown", str(comment))
    assert getattr(done.exception, "exit_code", done.exit_code) == 8
    told = json.loads(done.stdout)
    assert told["verdict"] == "fail"
    checks = {check["name"]: check for check in told["checks"]}
    sync = checks["event_sync.offset_s"]
    assert (sync["finding"], sync["decides"], sync["n"]) == ("worse", True, 11)
    assert sync["difference"] == pytest.approx(0.12, abs=0.02)
    assert sync["low"] > 0.09
    assert "the voters found the same" in " ".join(sync["notes"])
    assert checks["audio-sync (av_sync)"]["finding"] == "worse"
    assert [name for name, check in checks.items() if check["finding"] == "worse"] == [
        "text-to-video (overall)",
        "audio-sync (overall)",
        "text-to-video (av_sync)",
        "audio-sync (av_sync)",
        "event_sync.offset_s",
    ], "nothing that is not broken is called so"
    assert "simulated" in told["notes"][0]
    assert int(ET.parse(junit).getroot().attrib["failures"]) == 3
    said = comment.read_text(encoding="utf-8")
    assert "event\\_sync" in said or "event_sync.offset_s" in said
    assert "simulated: no person cast them" in said


def test_it_passes_the_third(example: Path) -> None:
    done = regress(example, "--baseline", "aurora-1.1", "--candidate", "aurora-1.2")
    assert done.exit_code == 0, done.output


def test_the_history_finds_where_it_broke_and_its_page_fetches_nothing(example: Path) -> None:
    told = json.loads(regress(example, "--history", "--json").stdout)
    assert [step["verdict"] for step in told["steps"]] == ["fail", "pass"]
    assert {each["since"] for each in told["first_breaks"]} == {"aurora-1.1"}
    page = (example / "reports" / "releases.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert page.count("data:image/jpeg;base64,") == 3, "the worst prompts of the release that broke"
    assert "simulated: no person cast them" in page
    drawn = re.findall(r'<div role="img" aria-label="([^"]+)">', page)
    assert len(drawn) >= 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name both --baseline"),
        (("--baseline", "aurora-1.0"), "Name both --baseline"),
        (("--history", "--baseline", "aurora-1.0"), "leave out --baseline"),
        (("--baseline", "aurora-1.0", "--candidate", "aurora-1.0"), "cannot be compared with itself"),
        (("--baseline", "aurora-1.0", "--candidate", "aurora-9"), "Did you mean aurora-1"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(example: Path, words: tuple[str, ...], sentence: str) -> None:
    done = regress(example, *words)
    assert done.exit_code != 0
    assert sentence in str(done.exception or done.output)


def test_simulated_votes_say_so_wherever_they_go(example: Path, tmp_path: Path) -> None:
    study = load_study(example)
    with Store.open(study.database_url) as store:
        assert all(voter.id.startswith("simulated") for voter in store.voters())
    board = json.loads(CliRunner().invoke(app, ["leaderboard", str(example), "--json"]).stdout)["boards"][0]
    assert "are simulated: no person cast them." in " ".join(board["notes"])
    out = tmp_path / "tables"
    words = ["export", str(example), "--out", str(out), "--format", "jsonl"]
    assert CliRunner().invoke(app, words).exit_code == 0
    rows = [json.loads(line) for line in (out / "votes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows
    assert all(row["voter"].startswith("simulated-") for row in rows)


def test_the_ci_recipe_runs_as_it_stands(example: Path, tmp_path: Path) -> None:
    """Its shell steps, but for those that install; the workflow's own words are GitHub's to check."""
    (block,) = re.findall(r"```yaml\n(.*?)```", RECIPE.read_text(encoding="utf-8"), re.DOTALL)
    workflow = yaml.safe_load(block)
    (job,) = workflow["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "study").symlink_to(example)
    summary = folder / "summary.md"
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(summary),
        "BASELINE": "aurora-1.0",
    }
    ended = {}
    for candidate in ("aurora-1.1", "aurora-1.2"):
        failed = False
        for step in steps:
            if "pip install" in step["run"] or (failed and step.get("if") != "always()"):
                continue
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=folder,
                env={**env, "CANDIDATE": candidate},
                capture_output=True,
                text=True,
                check=False,
            )
            ended[candidate, step["name"]] = done.returncode
            failed = failed or done.returncode != 0
    assert ended["aurora-1.1", "Hold it against the release in use"] == 8
    assert ended["aurora-1.2", "Hold it against the release in use"] in (0, 6)
    assert "FAIL: aurora-1.1" in summary.read_text(encoding="utf-8")

"""The command line: help that reads well, errors as one sentence with their code, docs that are true."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from evalharness import errors
from evalharness.cli.main import app
from evalharness.registry import ADAPTERS

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "init",
    "prompts",
    "adapters",
    "agreement",
    "generate",
    "blind",
    "audit",
    "measure",
    "metrics",
    "inspect",
    "arena",
    "leaderboard",
    "report",
    "voters",
    "export",
    "rate",
    "compare",
    "regress",
    "reveal",
    "verify",
    "plan",
    "simulate",
    "doctor",
    "demo",
}

WITHOUT_STUDY = {"adapters", "inspect", "metrics", "rate", "compare", "plan", "simulate", "verify", "reveal"}
"""Commands whose first argument is not a study's folder; their own tests hold them to sentences."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evalharness", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_every_command_is_there_and_explains_itself() -> None:
    group = typer.main.get_command(app)
    assert set(group.commands) == COMMANDS  # type: ignore[attr-defined]  # a click Group, typed as Command
    for name in COMMANDS:
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert len(shown.output.split()) > 15, name


def test_the_guide_names_every_command_and_only_commands_that_exist() -> None:
    guide = (ROOT / "docs/running-a-study.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"python -m evalharness (\w+)", guide + readme))
    assert named <= COMMANDS
    assert COMMANDS - named <= {"demo"}


def test_the_guide_lists_the_exit_codes_of_the_error_tree() -> None:
    guide = (ROOT / "docs/running-a-study.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", guide, re.MULTILINE)}
    raised = {getattr(errors, name).exit_code for name in errors.__all__ if name != "in_a_line"}
    assert listed == raised | {0, 130}


@pytest.mark.parametrize("command", sorted(COMMANDS - {"init", "demo", "doctor", "audit"} - WITHOUT_STUDY))
def test_a_folder_that_is_no_study_gets_a_sentence(tmp_path: Path, command: str) -> None:
    shown = run(command, str(tmp_path))
    assert shown.returncode == 2
    assert "is not a study" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_new_study_is_complete_and_its_prompts_can_be_listed(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert run("init", str(folder)).returncode == 0
    listed = run("prompts", str(folder), "--json")
    assert listed.returncode == 0
    prompts = json.loads(listed.stdout)
    assert {row["category"] for row in prompts} == {"text-to-video", "image-to-video", "audio-sync"}
    assert {"id", "task", "text", "language", "spoken", "tags", "licence"} <= set(prompts[0])


def test_doctor_says_which_adapters_can_be_used_and_shows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", "canary-91f0")
    monkeypatch.delenv("ARK_API_KEY", raising=False)
    text = run("doctor", str(tmp_path), "--json").stdout
    found = {row["what"]: row for row in json.loads(text)}
    assert {f"adapter {name}" for name in ADAPTERS} <= set(found)
    assert found["adapter fal"]["state"] == "ok"
    assert found["adapter ark"]["state"] == "note"
    assert "set ARK_API_KEY in the environment" in found["adapter ark"]["said"]
    assert found["adapter command"]["state"] == "ok"
    assert "canary" not in text


def test_doctor_examines_the_installation_and_the_study(tmp_path: Path) -> None:
    run("init", str(tmp_path / "new"))
    shown = run("doctor", str(tmp_path / "new"), "--json")
    findings = {row["what"]: row for row in json.loads(shown.stdout)}
    assert shown.returncode == 0
    assert findings["study"]["state"] == "ok"
    assert findings["database"]["state"] == "ok"
    assert findings["package metrics"]["state"] == "ok"
    assert "can run here" in findings["metrics"]["said"]
    assert "EVALHARNESS_SYNCNET_WEIGHTS" in findings["metric syncnet"]["said"]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "study.toml").write_text(
        'name = "x"\n[[systems]]\nname = "a"\nadapter = "foldr"\n', encoding="utf-8"
    )
    shown = run("doctor", str(broken), "--json")
    assert shown.returncode == 1
    findings = {row["what"]: row for row in json.loads(shown.stdout)}
    assert findings["system a"]["state"] == "bad"
    assert "did you mean folder" in findings["system a"]["said"]


def test_a_leaderboard_without_votes_says_what_is_missing(tmp_path: Path) -> None:
    run("init", str(tmp_path / "new"))
    shown = run("leaderboard", str(tmp_path / "new"))
    assert shown.returncode == 6
    assert "Traceback" not in shown.stderr


def test_an_interrupted_command_says_how_much_is_kept(tmp_path: Path) -> None:
    run("init", str(tmp_path / "new"))
    command = [sys.executable, "-m", "evalharness", "generate", str(tmp_path / "new")]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    partial = tmp_path / "new" / "clips" / ".partial"
    deadline = time.monotonic() + 60
    while not partial.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in said
    kept = len(list((tmp_path / "new" / "clips").rglob("*.mp4")))
    said = " ".join(said.split())
    counted = re.search(r"(\d+) of \d+ are finished and kept", said)
    assert int(counted[1]) <= kept if counted else "Nothing was finished yet" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("init", "README.md"), 1, "README.md"),
        (("arena", ".", "--port", "99999"), 2, "65535"),
        (("leaderboard", "{study}", "--question", "motion"), 2, "'motion' is not among them"),
        (("generatee",), 2, "generatee"),
    ],
)
def test_mistakes_get_a_sentence_and_a_code(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    run("init", str(tmp_path / "new"))
    shown = run(*(word.format(study=tmp_path / "new") for word in words))
    assert shown.returncode == code
    assert said in shown.stderr.replace("\n", " ")
    assert "Traceback" not in shown.stderr


def test_readme_commands_are_real_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    used = {shlex.split(line)[1] for line in re.findall(r"^\s*(make \w+)", readme, re.MULTILINE)}
    assert {"arena", "test"} <= used <= targets

"""A package that is installed and cannot be imported costs a sentence, and only the commands that need it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from evalharness.usable import broken_package

ROOT = Path(__file__).parents[2]
FAULT = "libavcodec.so.61: cannot open shared object file"


class Run:
    """The command line with a folder before all others on its path."""

    def __init__(self, shadow: Path) -> None:
        self.environment = {**os.environ, "PYTHONPATH": str(shadow), "COLUMNS": "200"}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evalharness", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command line, where PyAV is installed and lacks a library."""
    shadow = tmp_path / "site"
    (shadow / "av").mkdir(parents=True)
    (shadow / "av" / "__init__.py").write_text(f"raise ImportError({FAULT!r})\n", encoding="utf-8")
    return Run(shadow)


def test_commands_that_open_no_clip_go_on(run: Run, tmp_path: Path) -> None:
    assert run("--help").returncode == 0
    made = run("init", str(tmp_path / "study"))
    assert made.returncode == 0, made.stderr
    shown = run("doctor", str(tmp_path / "study"), "--json")
    assert shown.returncode == 1, "a command will fail"
    findings = {row["what"]: row for row in json.loads(shown.stdout)}
    assert findings["package av"]["state"] == "bad"
    assert FAULT in findings["package av"]["said"]


def test_a_command_that_opens_clips_names_the_package(run: Run, tmp_path: Path) -> None:
    study = str(tmp_path / "study")
    run("init", study)
    for command in ("generate", "blind"):
        ended = run(command, study)
        assert ended.returncode == 3
        assert "Traceback" not in ended.stderr
        assert "needs the package 'av', which cannot be imported" in " ".join(ended.stderr.split())
        assert FAULT in ended.stderr
    # Nothing was asked for, so nothing failed: with a sound PyAV it goes on.
    run.environment["PYTHONPATH"] = ""
    shown = run("generate", study, "--dry-run", "--json")
    assert shown.returncode == 0, shown.stderr
    assert '"failed"' not in shown.stdout


@pytest.mark.parametrize("raised", ["raise KeyError('x')", "import no_such_package"])
def test_whose_import_fails_is_named(raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "somebody.py").write_text(raised + "\n", encoding="utf-8")
    with pytest.raises((ImportError, KeyError)) as fault:
        import_module("somebody")
    assert broken_package(fault.value) == "somebody"


def test_a_fault_of_our_own_is_no_broken_package() -> None:
    with pytest.raises(ImportError) as fault:
        import_module("evalharness.no_such_module")
    assert broken_package(fault.value) is None

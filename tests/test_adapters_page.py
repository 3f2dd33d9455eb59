"""docs/adapters.md: its tables are the catalogues', and its walk through an adapter of one's own works."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
WALK = PAGE[PAGE.index("## An adapter of your own") :]
FILES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```", WALK, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^    (python -m .+)$", WALK, re.MULTILINE)


def test_the_tables_say_what_the_catalogues_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    tables = importlib.import_module("make_adapters")
    rows = list(tables.listed())
    again = "run 'python docs/make_adapters.py'"
    assert tables.by_route(rows) in PAGE, again
    assert tables.without_vendor() in PAGE, again
    assert tables.by_model(rows) in (ROOT / "README.md").read_text(encoding="utf-8"), again


def test_the_walk_is_short() -> None:
    assert list(FILES) == ["clay.py", "pyproject.toml", "test_clay.py", "study.toml"]
    code = [line for text in FILES.values() for line in text.splitlines()]
    assert len(code) < 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The walk's files, installed as pip leaves them."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    info = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
            for group, entries in project["entry-points"].items()
        )
    )
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    words = [sys.executable, *shlex.split(command)[1:]]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_walk_works_as_printed(folder: Path) -> None:
    contract, generate = COMMANDS
    held = run(f"{contract} -q -p no:cacheprovider", folder)
    assert held.returncode == 0, held.stdout
    assert re.search(r"\d+ passed", held.stdout)
    made = run(f"{generate} --json", folder)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["made"] == 2


def test_what_the_function_gets_wrong_is_a_sentence(folder: Path) -> None:
    module = folder / "clay.py"
    module.write_text(FILES["clay.py"].replace("rng = ", "raise ValueError('no clay left')\n    rng = "))
    failed = run("python -m evalharness generate . --json", folder)
    assert failed.returncode == 4
    (message,) = {row["message"] for row in json.loads(failed.stdout)["failures"]}
    assert message == "The adapter 'clay' ended with ValueError: no clay left"
    module.write_text(
        FILES["clay.py"].replace("write_video(request.output", "write_video(request.output.parent")
    )
    assert run("python -m evalharness generate . --retry-failed", folder).returncode == 4
    assert not [path for path in (folder / "clips").rglob("*") if path.is_file()]
    (folder / "study.toml").write_text(FILES["study.toml"].replace("brightness = 180", 'colour = "red"'))
    refused = run("python -m evalharness generate .", folder)
    assert refused.returncode == 2
    assert "knows no such parameter; it knows brightness" in " ".join(refused.stderr.split())

"""`generate` tells the owner of a folder of clips what in it nobody asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evalharness.media import write_video

ROOT = Path(__file__).parents[2]


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    """A study of one prompt, its clip, and two files beside it that no prompt asks for."""
    study = tmp_path / "study"
    (study / "incoming").mkdir(parents=True)
    picture = np.full((36, 64, 3), 90, np.uint8)
    for name in ("ball-01.mp4", "bal-01[red].mp4", "ball-01__2.mp4"):
        write_video(study / "incoming" / name, [picture] * 6, 24.0)
    prompt = {
        "id": "ball-01",
        "task": "text_to_video",
        "text": "A ball.",
        "language": "en",
        "licence": "CC0-1.0",
    }
    (study / "mine.jsonl").write_text(json.dumps(prompt), encoding="utf-8")
    (study / "study.toml").write_text(
        'name = "owned"\n[prompts]\nsuites = ["mine.jsonl"]\n'
        '[[systems]]\nname = "alpha"\nadapter = "folder"\nparameters = { path = "incoming" }\n',
        encoding="utf-8",
    )
    return study


def generate(study: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evalharness", "generate", str(study), *options],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_files_that_no_prompt_asks_for_are_listed(owned: Path) -> None:
    shown = generate(owned)
    assert shown.returncode == 0, shown.stderr
    assert "1 made now" in shown.stdout
    listed = shown.stdout.partition("Not asked for")[2]
    assert "incoming/bal-01[red].mp4" in listed
    assert "incoming/ball-01__2.mp4" in listed
    assert "incoming/ball-01.mp4" not in listed


def test_they_stand_in_the_json_too(owned: Path) -> None:
    shown = generate(owned, "--json")
    assert json.loads(shown.stdout)["unmatched"] == {
        "alpha": ["incoming/bal-01[red].mp4", "incoming/ball-01__2.mp4"]
    }


def test_a_folder_without_strays_is_not_spoken_of(owned: Path) -> None:
    (owned / "incoming" / "bal-01[red].mp4").unlink()
    (owned / "incoming" / "ball-01__2.mp4").unlink()
    assert "Not asked for" not in generate(owned).stdout
    assert json.loads(generate(owned, "--json").stdout)["unmatched"] == {}


def test_a_reason_that_looks_like_markup_is_shown_as_it_is(owned: Path) -> None:
    (owned / "incoming" / "ball-01.mp4").unlink()
    (owned / "study.toml").write_text(
        (owned / "study.toml").read_text().replace('"incoming"', '"[", manifest = "[_b].csv"'),
        encoding="utf-8",
    )
    (owned / "[").mkdir()
    (owned / "[_b].csv").write_text("system,prompt_id,file\nalpha,ball-01,[/red].mp4\n", encoding="utf-8")
    shown = generate(owned)
    assert shown.returncode == 4, shown.stderr
    assert "[/[/red].mp4" in "".join(shown.stdout.split())

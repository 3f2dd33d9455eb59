"""The guide's worked example, from the files it prints to the table it promises."""

from __future__ import annotations

import csv
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evalharness import media
from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.store import Store

GUIDE = (Path(__file__).parents[1] / "docs/running-a-study.md").read_text(encoding="utf-8")
SECTION = GUIDE[GUIDE.index("## Clips, lines and measurements") : GUIDE.index("## Which pairs are shown")]
MEASURED = "loudness"
"""In the place of the example's metrics, which listen to speech and look at lips."""


def test_the_worked_example_works_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clips = [Path(line) for line in re.findall(r"^    (\S+\.mp4)$", SECTION, re.MULTILINE)]
    assert len(clips) == 4
    frames = [np.full((64, 96, 3), 4 * number, np.uint8) for number in range(36)]
    for number, clip in enumerate(clips, start=1):
        clip.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.2 * np.sin(2 * np.pi * 220 * number * np.arange(72_000) / 48_000)
        media.write_video(clip, iter(frames), 24.0, tone.astype(np.float32), 48_000)
    for name, text in re.findall(r"^```\w+ (\S+)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL):
        Path("dubbing", name).write_text(text, encoding="utf-8")
    commands = re.findall(r"^    python -m evalharness (.+)$", SECTION, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["generate", "measure"]
    for command in commands:
        words = shlex.split(re.sub(r"--metric \w+ ", "", command))
        words += ["--metric", MEASURED, "--executor", "here"] if words[0] == "measure" else []
        shown = CliRunner().invoke(app, words)
        assert shown.exit_code == 0, shown.output
    with Store.open(load_study(Path("dubbing")).database_url) as store:
        said = {prompt.id: prompt.spoken for prompt in store.prompts()}
    assert said == {"line-en": "My mother baked a plum pie.", "line-zh": "我妈妈昨天买了面包。"}
    rows = list(csv.DictReader(io.StringIO(Path("dubbing.csv").read_text(encoding="utf-8"))))
    told = {(row["system"], row["prompt"], row["quantity"]) for row in rows if row["ending"] == "value"}
    assert told == {
        (clip.parent.name, clip.stem, quantity)
        for clip in clips
        for quantity in ("integrated_lufs", "true_peak_db")
    }

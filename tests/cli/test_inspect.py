"""`inspect`: files of no study, measured and shown, or refused with a sentence."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evalharness import media
from evalharness.cli.main import app
from evalharness.errors import ConfigError, EvalHarnessError, UnknownNameError
from evalharness.storage import sha256_of


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["inspect", *map(str, words)])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "tone.mp4"
    ramp = [np.full((64, 96, 3), 4 * n, np.uint8) for n in range(36)]
    tone = (0.2 * np.sin(2 * np.pi * 440 * np.arange(72000) / 48000)).astype(np.float32)
    media.write_video(path, iter(ramp), 24.0, tone, 48000)
    return path


def test_a_file_is_measured_without_a_study(clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    shown = run(clip, copy, "--metric", "loudness", "--metric", "freeze", "--json")
    assert shown.exit_code == 0
    first, second = json.loads(shown.stdout)["clips"]
    readings = {row["metric"]: row["value"] for row in first["measurements"]}
    assert readings["loudness.integrated_lufs"] == pytest.approx(-20 * np.log10(5) - 3.7, abs=0.5)
    assert readings["freeze.share"] == 0
    assert second["measurements"] == first["measurements"]
    assert second["file"] == str(copy)


def test_what_cannot_be_scored_shows_its_reason(clip: Path) -> None:
    shown = run(clip, "--metric", "event_sync")
    assert shown.exit_code == 0
    assert "unscorable" in shown.stdout


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["gone.mp4", "--metric", "loudnes"], UnknownNameError, "did you mean loudness"),
        (
            ["gone.mp4", "--metric", "loudness.true_peak_db"],
            UnknownNameError,
            "ask for --metric loudness, which",
        ),
        (["gone.mp4", "--spoken", "Hello."], ConfigError, "not their language"),
    ],
)
def test_bad_input_gets_a_sentence(words: list[str], error: type[EvalHarnessError], sentence: str) -> None:
    raised = run(*words).exception
    assert isinstance(raised, error)
    assert sentence in str(raised)


def test_a_path_that_cannot_be_read_has_its_sentence_and_the_others_are_measured(
    clip: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    shown = run(tmp_path / "gone.mp4", clip, empty, "--metric", "freeze", "--json")
    assert shown.exit_code == 4
    told = json.loads(shown.stdout)
    assert [row["file"] for row in told["clips"]] == [str(clip)]
    assert "cannot be read (No such file or directory)" in told["refused"][str(tmp_path / "gone.mp4")]
    assert "no clip in this folder" in told["refused"][str(empty)]
    assert "gone.mp4: It cannot be read" in " ".join(shown.stderr.split())


def test_a_file_that_opens_and_cannot_be_read_fails_alone(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(b"on a disk that is failing")

    def read(path: Path) -> str:
        if path == torn:
            raise OSError(errno.EIO, "Input/output error")
        return sha256_of(path)

    monkeypatch.setattr("evalharness.measure.sha256_of", read)
    shown = run(torn, clip, "--metric", "black", "--json")
    assert shown.exit_code == 4
    endings = [[row["status"] for row in each["measurements"]] for each in json.loads(shown.stdout)["clips"]]
    assert endings == [["failed"], ["value"]]
    assert "cannot be read (Input/output error)" in shown.stdout


def test_a_folder_means_its_clips(clip: Path, tmp_path: Path) -> None:
    for name in ("b.MP4", "a.mp4"):
        (tmp_path / name).write_bytes(clip.read_bytes())
    (tmp_path / "notes.txt").write_text("no clip")
    (tmp_path / "c.mp4").mkdir()
    (tmp_path / "d.mp4").symlink_to(tmp_path / "gone.mp4")
    shown = run(tmp_path, "--metric", "freeze", "--json")
    assert shown.exit_code == 0
    assert [Path(row["file"]).name for row in json.loads(shown.stdout)["clips"]] == ["a.mp4", "b.MP4"]
    assert "2 clips." in shown.stderr


def test_every_value_has_a_unit_or_its_range(clip: Path) -> None:
    shown = run(clip, "--metric", "freeze").stdout
    assert "0 (0..1)" in shown
    assert "0 s" in shown


def test_a_language_nobody_measures_is_refused(clip: Path) -> None:
    assert run(clip, "--language", "klingon", "--metric", "black").exit_code == 2


def test_what_failed_a_gate_is_marked_and_the_way_is_said(clip: Path) -> None:
    shown = run(clip, "--metric", "av_align", "--metric", "loudness").stdout
    assert "av_align.iou !" in shown
    assert "higher" in shown
    assert "! av_align.iou: Failed 1 of 1 gates" in shown


def test_a_file_that_is_no_video_fails_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "note.mp4").write_text("no video")
    shown = run(tmp_path / "note.mp4", "--metric", "black")
    assert shown.exit_code == 4
    assert "not a playable" in shown.stdout.replace("\n", " ").replace("│", "")

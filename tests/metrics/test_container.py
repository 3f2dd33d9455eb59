"""The file's clocks, judged by flashes and beeps written together, and by tracks whose ends are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.container import Container, beep_lag, beep_onsets, flash_onsets

RATE_HZ = 48000


def tone(
    onsets_s: list[float], duration_s: float, rate_hz: int = RATE_HZ, pitch_hz: float = 1000
) -> np.ndarray:
    """(1, n): a tenth of a second of tone from each onset."""
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    sound = np.zeros(len(time), np.float32)
    for onset in onsets_s:
        on = (time >= onset - 1e-9) & (time < onset + 0.1)
        sound[on] = 0.5 * np.sin(2 * np.pi * pitch_hz * (time[on] - onset))
    return sound[None]


def readings(clip: AVClip) -> tuple[float, float]:
    found = Container().measure(clip)
    start, end = found["start_s"], found["end_s"]
    assert isinstance(start, Value)
    assert isinstance(end, Value)
    return start.value, end.value


@pytest.mark.parametrize(
    ("kind", "codec", "fps", "offset_s", "within_s"),
    [
        ("mp4", "aac", 24, -0.2, 5e-5),
        ("mp4", "aac", 60, 0.045, 5e-5),
        ("mp4", "libmp3lame", 30, -0.045, 5e-5),
        ("mp4", "libopus", 25, 0.015, 5e-5),
        ("mov", "aac", 24, 0.125, 5e-5),
        ("mkv", "aac", 24, -0.015, 5e-5),
        ("mkv", "pcm_f32le", 60, 0.2, 5e-5),
        ("ts", "aac", 30, -0.125, 5e-5),
        # All blocks of Opus (20 ms) are rounded to Matroska's millisecond alike: half of it stays unknown.
        ("mkv", "libopus", 24, 0.015, 5e-4),
        ("mkv", "libopus", 25, -0.2, 5e-4),
        ("webm", "libopus", 30, 0.125, 5e-4),
    ],
)
def test_a_track_moved_by_d_is_heard_moved_by_d(
    write_clip: Callable[..., Path],
    tmp_path: Path,
    kind: str,
    codec: str,
    fps: int,
    offset_s: float,
    within_s: float,
) -> None:
    flashes = [round(0.43 * fps), round(1.39 * fps)]
    frames = np.zeros((2 * fps, 64, 64), np.uint8)
    frames[flashes] = 255
    path = write_clip(
        tmp_path / f"flash.{kind}",
        frames,
        fps=fps,
        samples=tone([flash / fps for flash in flashes], 2.0),
        codec=codec,
        audio_start_s=offset_s,
        video_codec="libvpx" if kind == "webm" else "libx264",
        options={"movie_timescale": "48000"} if kind in ("mp4", "mov") else {},
    )
    clip = AVClip.open(path)
    lag = beep_lag(clip.frame_times_s, clip.grey, clip.mono, clip.rate_hz, clip.audio_start_s)
    assert lag == pytest.approx(offset_s, abs=within_s)


@settings(max_examples=40, deadline=None)
@given(
    lag=st.floats(-0.15, 0.15),
    start=st.floats(-0.5, 0.3),
    rate_hz=st.sampled_from([16000, 44100, 48000]),
    halves=st.integers(2, 12),
)
def test_beeps_are_found_between_samples(lag: float, start: float, rate_hz: int, halves: int) -> None:
    """Any lag, any beginning of the track, tones of 250..1500 Hz that the averaging was not made for."""
    frames = np.zeros((50, 2, 2), np.uint8)
    frames[[12, 37]] = 255
    times = np.arange(50) / 25
    sound = tone([0.48 + lag - start, 1.48 + lag - start], 3.0, rate_hz, pitch_hz=125.0 * halves)
    found = beep_lag(times, frames, sound[0], rate_hz, start)
    assert found == pytest.approx(lag, abs=5e-4)


def test_flashes_and_beeps_one_by_one() -> None:
    grey = np.array([9, 9, 200, 210, 9, 255, 9], np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    assert flash_onsets(np.arange(7) / 10, grey) == pytest.approx([0.2, 0.5])
    assert beep_onsets(tone([0.25, 0.7], 1.0)[0], RATE_HZ, -0.1) == pytest.approx([0.15, 0.6], abs=2e-5)
    assert beep_onsets(np.zeros(1000, np.float32), RATE_HZ, 0.0).size == 0


def test_nothing_to_hold_against_each_other_is_said() -> None:
    dark, times = np.zeros((10, 4, 4), np.uint8), np.arange(10) / 25
    lit = dark.copy()
    lit[5] = 255
    with pytest.raises(ValueError, match="nothing flashes"):
        beep_lag(times, dark, tone([0.2], 0.4)[0], RATE_HZ, 0.0)
    with pytest.raises(ValueError, match="nothing beeps"):
        beep_lag(times, lit, np.zeros(1000, np.float32), RATE_HZ, 0.0)


@pytest.mark.parametrize(
    ("start_s", "length_s", "end_s"), [(0.0, 1.0, 0.0), (0.25, 1.0, 0.25), (-0.3, 1.3, 0.0), (0.1, 0.5, -0.4)]
)
def test_where_the_tracks_begin_and_end(
    write_clip: Callable[..., Path], tmp_path: Path, start_s: float, length_s: float, end_s: float
) -> None:
    path = write_clip(
        tmp_path / "tracks.mkv",
        np.zeros((25, 32, 32), np.uint8),
        samples=np.zeros((1, round(length_s * RATE_HZ)), np.float32),
        codec="pcm_f32le",
        audio_start_s=start_s,
    )
    assert readings(AVClip.open(path)) == pytest.approx((start_s, end_s), abs=5e-4)


def test_a_mute_clip_has_no_clocks_to_compare(write_clip: Callable[..., Path], tmp_path: Path) -> None:
    clip = AVClip.open(write_clip(tmp_path / "mute.mp4", np.zeros((5, 32, 32), np.uint8)))
    for reading in Container().measure(clip).values():
        assert isinstance(reading, Unscorable)
        assert "no sound" in reading.reason

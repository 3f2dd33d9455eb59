"""Bandwidth judged by sound whose highest frequency is known, resampled by two libraries and through AAC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.audio.bands import Bandwidth
from metrics.av import AVClip
from metrics.base import Unscorable, Value

RATE = 48000


def pink(seconds: float = 3.0, seed: int = 0) -> NDArray[np.float32]:
    """Noise whose power falls with frequency as that of music and talk does, 3 dB an octave."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    shaped = np.fft.rfft(rng.standard_normal(count)) / np.sqrt(np.arange(count // 2 + 1) + 1.0)
    wave = np.fft.irfft(shaped, count)
    return (0.1 * wave / wave.std()).astype(np.float32)


def read(samples: NDArray[np.float32], rate_hz: int = RATE) -> Value:
    clip = AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples[None] if samples.ndim == 1 else samples,
        rate_hz=rate_hz if samples.size else 0,
        last_frame_s=3.0,
    )
    reading = Bandwidth().measure(clip)["cutoff_hz"]
    assert isinstance(reading, Value), reading
    return reading


def test_sound_made_at_48_khz_reaches_the_top() -> None:
    full = read(pink())
    assert full.value > 23_500
    assert "edge_db" not in full.details


@pytest.mark.parametrize("made_at_hz", [8000, 16000, 24000])
def test_sound_made_at_a_lower_rate_ends_at_its_half(made_at_hz: int) -> None:
    soxr = pytest.importorskip("soxr")
    low = soxr.resample(pink(), RATE, made_at_hz)
    up = soxr.resample(low, made_at_hz, RATE).astype(np.float32)
    quantised = (np.round(up * 32767) / 32767).astype(np.float32)
    for sound in (up, quantised, 0.01 * up):
        found = read(sound)
        assert found.value == pytest.approx(made_at_hz / 2, rel=0.06)
        assert found.details["edge_db"] > 40


def test_a_resampler_with_a_soft_edge_is_caught_where_the_edge_ends() -> None:
    from scipy.signal import resample_poly

    low = resample_poly(pink(), 1, 3, window=("kaiser", 12.0))
    assert read(resample_poly(low, 3, 1, window=("kaiser", 12.0)).astype(np.float32)).value < 10_500


def test_aac_hides_nothing(tmp_path: Path, write_clip: object) -> None:
    soxr = pytest.importorskip("soxr")
    assert callable(write_clip)
    up = soxr.resample(soxr.resample(pink(), RATE, 16000), 16000, RATE).astype(np.float32)
    path = write_clip(tmp_path / "clip.mp4", np.zeros((75, 32, 32), np.uint8), samples=up[None])
    reading = Bandwidth().measure(AVClip.open(path))["cutoff_hz"]
    assert isinstance(reading, Value)
    assert reading.value == pytest.approx(8000, rel=0.06)


def test_a_click_and_a_pause_change_nothing() -> None:
    soxr = pytest.importorskip("soxr")
    sound = soxr.resample(soxr.resample(pink(), RATE, 16000), 16000, RATE).astype(np.float32)
    sound[RATE : RATE + RATE // 2] = 0
    sound[2 * RATE] += 0.5
    assert read(sound).value == pytest.approx(8000, rel=0.06)


def test_a_tone_reaches_as_far_as_itself() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 5000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    assert read(tone).value == pytest.approx(5050, abs=150)


def test_what_has_no_spectrum_says_why() -> None:
    cases = (
        (np.zeros((0, 0), np.float32), "no sound track"),
        (np.zeros((1, RATE), np.float32), "silence"),
        (np.ones((1, 1000), np.float32), "less"),
    )
    for samples, reason in cases:
        clip = AVClip(np.array([0.0]), np.zeros((1, 8, 8), np.uint8), samples, RATE if samples.size else 0)
        reading = Bandwidth().measure(clip)["cutoff_hz"]
        assert isinstance(reading, Unscorable)
        assert reason in reading.reason

"""Levels judged by tones whose level is known by definition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.audio.levels import Clipping, Silence, clipped_share, silent_stretches
from metrics.av import AVClip
from metrics.base import Unscorable, Value

RATE = 48000


def tone(level_db: float, seconds: float = 4.0, hz: float = 997.0, channels: int = 2) -> NDArray[np.float32]:
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.tile(wave.astype(np.float32), (channels, 1))


def clip_of(samples: NDArray[np.float32], start_s: float = 0.0, duration_s: float = 4.0) -> AVClip:
    return AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples,
        rate_hz=RATE if samples.size else 0,
        audio_start_s=start_s,
        last_frame_s=duration_s,
    )


def value(reading: object) -> float:
    assert isinstance(reading, Value), reading
    return reading.value


def test_no_track_is_said() -> None:
    for metric in (Silence(), Clipping()):
        for reading in metric.measure(clip_of(np.zeros((0, 0), np.float32))).values():
            assert isinstance(reading, Unscorable)
            assert "no sound track" in reading.reason


def test_silence_is_counted_over_the_clip_not_over_the_track() -> None:
    """A track that starts a second late and ends a second early, with half a second of nothing in it."""
    samples = tone(-20, 2.0)
    samples[:, RATE : RATE + RATE // 2] = 0
    read = Silence().measure(clip_of(samples, start_s=1.0))
    assert value(read["share"]) == pytest.approx(2.5 / 4, abs=0.01)
    assert value(read["longest_s"]) == pytest.approx(1.0, abs=0.011)


def test_one_sounding_channel_is_sound() -> None:
    samples = tone(-20)
    samples[1] = 0
    assert silent_stretches(samples, RATE, 0.0, 4.0) == []


@pytest.mark.parametrize("ceiling", [1.0, 0.9])
def test_flat_tops_are_clipping_whether_at_full_scale_or_below(ceiling: float) -> None:
    """A sine driven to twice the ceiling is flat for two thirds of the time: |sin| > 1/2."""
    clipped = np.clip(tone(0.0, hz=50.0) * 2 * ceiling, -ceiling, ceiling)
    assert clipped_share(clipped) == pytest.approx(2 / 3, abs=0.01)


def test_a_loud_sine_is_not_clipped() -> None:
    assert clipped_share(tone(-0.1)) < 0.001
    assert value(Clipping().measure(clip_of(tone(-20)))["share"]) == 0.0

"""Freezes and black judged by pictures put together by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.visual.stillness import Black, Freeze, frozen_stretches

FPS = 25.0


def moving(count: int, seed: int = 1, start: int = 0) -> NDArray[np.uint8]:
    texture = np.random.default_rng(seed).uniform(40, 220, (64, 400))
    return np.stack([texture[:, 3 * i : 3 * i + 96] for i in range(start, start + count)]).astype(np.uint8)


def clip_of(grey: NDArray[np.uint8], times_s: NDArray[np.float64] | None = None) -> AVClip:
    return AVClip(
        frame_times_s=np.arange(len(grey)) / FPS if times_s is None else times_s,
        grey=grey,
        samples=np.zeros((0, 0), np.float32),
        rate_hz=0,
        last_frame_s=1 / FPS,
    )


def share(metric: Freeze | Black, clip: AVClip) -> float:
    reading = metric.measure(clip)["share"]
    assert isinstance(reading, Value)
    return reading.value


def test_a_second_that_stands_still_in_four_is_a_quarter() -> None:
    grey = np.concatenate([moving(50), np.repeat(moving(1, start=50), 25, axis=0), moving(25, start=51)])
    clip = clip_of(grey)
    assert share(Freeze(), clip) == pytest.approx(0.25, abs=0.011)
    longest = Freeze().measure(clip)["longest_s"]
    assert isinstance(longest, Value)
    assert longest.value == pytest.approx(1.0, abs=0.041)


def test_grain_does_not_hide_a_freeze() -> None:
    grain = np.random.default_rng(2).normal(0, 4, (50, 64, 96))
    grey = np.clip(np.repeat(moving(1), 50, axis=0) + grain, 0, 255).astype(np.uint8)
    assert share(Freeze(), clip_of(grey)) == pytest.approx(1.0)


def test_movement_and_slow_movement_are_no_freeze() -> None:
    assert share(Freeze(), clip_of(moving(100))) == 0.0
    slow = np.stack([np.full((64, 96), 100 + i // 4, np.uint8) for i in range(100)])
    assert all(end - start < 1.0 for start, end in frozen_stretches(slow, np.arange(100) / FPS, 4.0))


def test_time_counts_and_not_frames() -> None:
    """Two pictures a second for two seconds, one of them held: half of the time."""
    times = np.array([0.0, 0.04, 0.08, 0.12, 1.0, 1.04])
    grey = np.concatenate([moving(3), np.repeat(moving(1, start=9), 2, axis=0), moving(1, start=20)])
    clip = clip_of(grey, times)
    assert share(Freeze(), clip) == pytest.approx(0.92 / clip.duration_s, abs=0.01)


def test_black_is_weighed_by_how_long_it_is_shown() -> None:
    grey = moving(4)
    grey[1] = 5
    clip = clip_of(grey, np.array([0.0, 0.5, 2.5, 2.54]))
    assert share(Black(), clip) == pytest.approx(2.0 / clip.duration_s)


def test_a_dark_picture_with_a_lamp_in_it_is_not_black() -> None:
    grey = np.zeros((10, 64, 96), np.uint8)
    grey[:, 20:40, 20:40] = 200
    assert share(Black(), clip_of(grey)) == 0.0


def test_a_clip_too_short_to_freeze_says_so() -> None:
    reading = Freeze().measure(clip_of(moving(3)))["share"]
    assert isinstance(reading, Unscorable)
    assert "shorter than the shortest freeze" in reading.reason

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.blinding.loudness import integrated_loudness, level, limit, true_peak_db

RATE = 48_000


def sine(frequency: float, seconds: float, amplitude: float = 1.0, phase: float = 0.0) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE + phase)).astype(
        np.float32
    )


def speech(seed: int, seconds: float = 3.0) -> np.ndarray:
    """Noise in bursts with pauses, two different channels."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    envelope = np.repeat(rng.choice([0.001, 0.03, 0.3], count // 4800 + 1), 4800)[:count]
    return (rng.normal(0, 0.3, (2, count)) * envelope).astype(np.float32)


def test_the_standards_own_tone() -> None:
    # BS.1770: a 997 Hz sine at 0 dBFS in one channel reads -3.01 LUFS.
    assert integrated_loudness(sine(997, 3)[None]) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_loudness_agrees_with_another_library(seed: int) -> None:
    sound = speech(seed)

    assert integrated_loudness(sound) == pytest.approx(
        pyloudnorm.Meter(RATE).integrated_loudness(sound.T.astype(float)), abs=0.05
    )


def test_silence_has_no_loudness() -> None:
    assert integrated_loudness(np.zeros((2, RATE), np.float32)) is None
    assert integrated_loudness(sine(997, 2, 1e-4)[None]) is None
    assert integrated_loudness(np.zeros((2, 0), np.float32)) is None


def test_a_sound_shorter_than_a_block_is_one_block() -> None:
    assert integrated_loudness(sine(997, 0.2)[None]) == pytest.approx(-3.01, abs=0.5)


def test_the_peak_between_samples_is_found() -> None:
    # A quarter of the rate, sampled at 45 degrees: samples reach 0.707, the wave reaches 1.
    wave = sine(RATE / 4, 0.1, 1.0, math.pi / 4)[None]

    assert float(np.abs(wave).max()) == pytest.approx(0.7071, abs=1e-3)
    assert true_peak_db(wave) == pytest.approx(0.0, abs=0.3)
    assert true_peak_db(np.zeros((2, 100), np.float32)) == -math.inf


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), ceiling_db=st.floats(-12, -1))
def test_nothing_passes_the_limiter_and_nothing_grows(seed: int, ceiling_db: float) -> None:
    sound = speech(seed, 0.5) * np.float32(8)

    limited, reduction_db = limit(sound, ceiling_db)

    assert true_peak_db(limited) <= ceiling_db + 0.1
    assert np.all(np.abs(limited) <= np.abs(sound) + 1e-6)
    assert reduction_db >= 0


def test_quiet_enough_sound_is_left_alone() -> None:
    sound = speech(1) * np.float32(0.01)

    limited, reduction_db = limit(sound, -1.0)

    assert limited is sound
    assert reduction_db == 0.0


@pytest.mark.parametrize("wished", [-30.0, -23.0, -16.0])
def test_a_sound_is_brought_to_its_loudness(wished: float) -> None:
    levelled = level(speech(2), wished, -1.0)

    assert pyloudnorm.Meter(RATE).integrated_loudness(levelled.samples.T.astype(float)) == pytest.approx(
        wished, abs=0.1
    )
    assert true_peak_db(levelled.samples) <= -0.9


def test_sharp_sounds_keep_under_the_ceiling() -> None:
    clicks = np.zeros((2, 3 * RATE), dtype=np.float32)
    clicks[:, ::12_000] = 0.9

    levelled = level(clicks, -23.0, -1.0)

    assert levelled.limited_db > 3
    assert true_peak_db(levelled.samples) <= -0.9


def test_silence_cannot_be_levelled() -> None:
    with pytest.raises(ValueError, match="silent"):
        level(np.zeros((2, RATE), np.float32), -23.0, -1.0)

"""What the lag net sees and hears, against slow twins and the laws it must obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from metrics.lips.features import (
    BANDS,
    LIPS,
    UPPER_FACE,
    at_16_khz,
    lips_still,
    log_mel,
    on_lattice,
)


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.3, (len(UPPER_FACE), 3))


@pytest.fixture(scope="module")
def heads(reference: np.ndarray) -> np.ndarray:
    """Twelve heads with moving lips whose upper face is nearly the reference."""
    rng = np.random.default_rng(2)
    mesh = rng.normal(0, 0.3, (12, 468, 3))
    mesh[:, UPPER_FACE] = reference + rng.normal(0, 0.01, (12, len(UPPER_FACE), 3))
    return mesh


def test_a_still_head_is_the_one_that_scipy_aligns(heads: np.ndarray, reference: np.ndarray) -> None:
    turned = 37.0 * heads @ Rotation.from_euler("xyz", [0.2, -0.5, 0.3]).as_matrix().T + [400, 300, 5]
    still = lips_still(turned, reference)
    for mesh, lips in zip(turned, still, strict=True):
        upper = mesh[UPPER_FACE]
        centre, goal = upper.mean(axis=0), reference - reference.mean(axis=0)
        rotation, _ = Rotation.align_vectors(goal, upper - centre)
        moved = rotation.apply(upper - centre)
        scale = (moved * goal).sum() / (moved**2).sum()
        expected = scale * rotation.apply(mesh[LIPS] - centre) + reference.mean(axis=0)
        np.testing.assert_allclose(lips, expected, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(0.01, 1000),
    angles=st.tuples(*[st.floats(-1.2, 1.2)] * 3),
    shift=st.tuples(*[st.floats(-2000, 2000)] * 3),
)
def test_neither_scale_nor_place_nor_turn_of_the_head_matters(
    heads: np.ndarray,
    reference: np.ndarray,
    scale: float,
    angles: tuple[float, ...],
    shift: tuple[float, ...],
) -> None:
    moved = scale * heads @ Rotation.from_euler("xyz", angles).as_matrix().T + np.array(shift)
    np.testing.assert_allclose(lips_still(moved, reference), lips_still(heads, reference), atol=1e-5)


def test_an_unseen_face_stays_unseen(heads: np.ndarray, reference: np.ndarray) -> None:
    holes = heads.copy()
    holes[3] = np.nan
    still = lips_still(holes, reference)
    assert np.isnan(still[3]).all()
    assert np.isfinite(np.delete(still, 3, axis=0)).all()


def test_the_lattice_lies_between_frames_and_not_across_long_gaps() -> None:
    times = np.array([0.1, 0.14, 0.18, 0.5, 0.54])
    values = np.stack([times * 2, -times], axis=1)
    values[1] = np.nan
    between, seen = on_lattice(values, times, start_s=0.0, count=60)
    lattice = np.arange(60) / 100
    inside = ((lattice >= 0.0999) & (lattice <= 0.1801)) | ((lattice >= 0.4999) & (lattice <= 0.5401))
    assert np.abs(seen.astype(int) - inside.astype(int)).sum() <= 2
    np.testing.assert_allclose(between[seen], np.stack([lattice * 2, -lattice], axis=1)[seen], atol=1e-12)
    assert not between[~seen].any()


def test_mel_power_is_what_a_plain_loop_says() -> None:
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 0.1, 4000)
    got = log_mel(sound)
    assert got.shape == (26, BANDS)
    corners = 700 * (
        10 ** (np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 7600 / 700), 42) / 2595) - 1
    )
    for row in (0, 7, 25):
        window = np.zeros(512)
        for k in range(400):
            place = 160 * row - 200 + k
            if 0 <= place < 4000:
                window[k] = sound[place] * (0.5 - 0.5 * np.cos(2 * np.pi * k / 400))
        power = np.abs(np.fft.fft(window)[:257]) ** 2
        for band in (0, 11, 39):
            low, middle, high = corners[band : band + 3]
            total = 0.0
            for bin_, value in enumerate(power):
                hertz = bin_ * 16000 / 512
                total += value * max(
                    0.0, min((hertz - low) / (middle - low), (high - hertz) / (high - middle))
                )
            assert got[row, band] == pytest.approx(np.log(total), abs=1e-6)


def test_loudness_moves_all_bands_alike_and_silence_has_a_floor() -> None:
    sound = np.random.default_rng(4).normal(0, 0.1, 16000)
    sound[8000:] = 0
    quiet, loud = log_mel(sound), log_mel(10 * sound)
    np.testing.assert_allclose(loud - quiet, np.log(100), atol=1e-9)
    assert quiet[80:].min() == pytest.approx(quiet.min())
    assert np.isfinite(log_mel(np.zeros(1600))).all()


def test_a_tone_keeps_its_time_and_pitch_at_any_rate() -> None:
    for rate_hz in (8000, 22050, 44100, 48000):
        seconds = np.arange(rate_hz) / rate_hz
        sound = np.sin(2 * np.pi * 440 * seconds) * (seconds > 0.5)
        brought = at_16_khz(sound, rate_hz)
        ours = np.arange(len(brought)) / 16000
        expected = np.sin(2 * np.pi * 440 * ours) * (ours > 0.5)
        assert np.abs(brought - expected)[1000:-1000].mean() < 0.02

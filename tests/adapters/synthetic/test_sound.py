"""Impact sounds: placed to a part of a sample, ringing at their modes, in order of force."""

from __future__ import annotations

import numpy as np
import pytest

from evalharness.adapters.synthetic.sound import (
    AMBIENCES,
    MATERIALS,
    RATE_HZ,
    Material,
    Mode,
    Strike,
    ambience,
    mix_strikes,
    strike,
)

PURE = Material((Mode(1000.0, 0.2, 1.0),), 0.0, 0.01, (100, 5000), 1e-6)


@pytest.mark.parametrize("material", MATERIALS)
def test_nothing_sounds_before_the_impact(material: str) -> None:
    time_s = 0.2503  # between two samples
    track = mix_strikes([Strike(time_s, material, 1.0, 0.5)], 1.0, seed=1)
    loud = np.abs(track).max(axis=0)
    assert loud[: int(time_s * RATE_HZ)].max() == pytest.approx(0, abs=1e-6)
    assert np.argmax(loud > 0.02 * loud.max()) / RATE_HZ == pytest.approx(time_s, abs=0.001)


def test_a_part_of_a_sample_is_a_phase() -> None:
    """A pure mode is sin(2 pi f (t - t0)) with its decay: the phase tells t0 to a part of a sample."""
    time_s = 0.1 + 0.37 / RATE_HZ
    n = np.arange(4801, 4801 + 2400)
    late = 4801 - time_s * RATE_HZ
    sound = strike(PURE, 1.0, late=late)[:2400]
    since = n / RATE_HZ - time_s
    assert sound == pytest.approx(np.exp(-since / 0.2) * np.sin(2 * np.pi * 1000 * since), abs=1e-5)


@pytest.mark.parametrize("material", MATERIALS)
def test_a_faster_impact_is_louder(material: str) -> None:
    energy = [float(np.square(strike(MATERIALS[material], speed, seed=2)).sum()) for speed in (0.2, 0.5, 1.0)]
    assert energy[0] < energy[1] < energy[2]


def test_a_faster_impact_is_brighter() -> None:
    def centroid(speed: float) -> float:
        power = np.square(np.abs(np.fft.rfft(strike(MATERIALS["drum"], speed, seed=3))))
        return float((power * np.arange(len(power))).sum() / power.sum())

    assert centroid(1.0) > centroid(0.1)


def test_pitch_moves_every_mode() -> None:
    def peak_hz(pitch: float) -> float:
        spectrum = np.abs(np.fft.rfft(strike(PURE, 1.0, pitch=pitch)[:RATE_HZ], RATE_HZ))
        return float(np.argmax(spectrum))

    assert (peak_hz(1.0), peak_hz(1.5)) == (pytest.approx(1000, abs=2), pytest.approx(1500, abs=2))


def test_pan_goes_from_left_to_right() -> None:
    balance = []
    for pan in (0.0, 0.5, 1.0):
        left, right = np.square(mix_strikes([Strike(0.1, "door", 1.0, pan)], 0.5, seed=1, room=0)).sum(axis=1)
        balance.append(right / (left + right))
    assert balance[0] < 0.2
    assert balance[1] == pytest.approx(0.5)
    assert balance[2] > 0.8


def test_impacts_outside_the_clip_are_cut_and_not_moved() -> None:
    whole = mix_strikes([Strike(0.5, "bell", 1.0, 0.5)], 1.0, seed=4, room=0)
    early = mix_strikes([Strike(-0.25, "bell", 1.0, 0.5)], 0.2, seed=4, room=0)
    assert early == pytest.approx(whole[:, 36_000 : 36_000 + early.shape[1]], abs=1e-6)
    assert not mix_strikes([Strike(2.0, "bell", 1.0, 0.5)], 0.2, seed=4).any()


@pytest.mark.parametrize("name", AMBIENCES)
def test_ambiences_have_their_level_and_stay_under_the_softest_impact(name: str) -> None:
    quiet = ambience(name, 2.0, seed=5)
    assert quiet.shape == (2, 96_000)
    level_db = 20 * np.log10(np.sqrt(np.square(quiet).mean()))
    assert level_db == pytest.approx(AMBIENCES[name][2], abs=1.5)
    soft = np.abs(mix_strikes([Strike(0.1, "step", 0.2, 0.5)], 0.5, seed=1)).max()
    assert np.abs(quiet).max() < soft


def test_the_same_seed_gives_the_same_track() -> None:
    strikes = [Strike(0.1, "glass", 0.7, 0.2), Strike(0.3, "ice", 0.9, 0.8)]
    assert np.array_equal(mix_strikes(strikes, 0.6, seed=6), mix_strikes(strikes, 0.6, seed=6))
    assert not np.array_equal(mix_strikes(strikes, 0.6, seed=6), mix_strikes(strikes, 0.6, seed=7))

"""The piece of music put under other sound: its length, its beat, its first chord, the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.synthetic.tune import BEAT_S, tune


@pytest.mark.parametrize(("length_s", "rate_hz"), [(0.0, 48_000), (0.1, 16_000), (3.3, 44_100), (5.0, 8_000)])
def test_it_lasts_as_long_as_asked_and_peaks_at_full_scale(length_s: float, rate_hz: int) -> None:
    played = tune(length_s, rate_hz)
    assert played.shape == (round(length_s * rate_hz),)
    assert not played.size or np.abs(played).max() == pytest.approx(1)
    assert played.tobytes() == tune(length_s, rate_hz).tobytes()


def test_the_first_two_beats_are_a_minor() -> None:
    rate_hz = 16_000
    first = tune(2 * BEAT_S, rate_hz)
    level = np.abs(np.fft.rfft(first * np.hanning(len(first)), 8 * len(first)))
    hertz = np.fft.rfftfreq(8 * len(first), 1 / rate_hz)
    for pitch_hz in (110.0, 261.6, 329.6, 440.0):
        near = np.abs(hertz - pitch_hz) < 3
        between = np.abs(hertz - pitch_hz * 2 ** (1 / 24)) < 1
        assert level[near].max() > 5 * level[between].max()


def test_a_bar_begins_with_a_blow() -> None:
    rate_hz = 16_000
    played = tune(4 * BEAT_S, rate_hz)
    for bar_s in (0.0, 2 * BEAT_S):
        at = round(bar_s * rate_hz)
        before, after = played[max(0, at - 800) : at], played[at : at + 800]
        assert np.mean(after**2) > 3 * (np.mean(before**2) if before.size else 0)

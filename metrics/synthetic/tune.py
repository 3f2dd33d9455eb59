"""A piece of music without an author: plucked strings over four chords, with a bass and a light drum kit.

What a soundtrack puts under speech, made by arithmetic alone, so that a clip can be given music of known
level. Strings after Jaffe and Smith 1983: partials of 1/k, the higher ones sooner gone. Repeatable to the
byte; the only chance is in the brushes, from a fixed seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["tune"]

Wave = NDArray[np.float64]

BEAT_S = 0.5
CHORDS = ((45, 60, 64, 69), (41, 60, 65, 69), (36, 60, 64, 67), (43, 59, 62, 67))
"""A minor, F, C, G as MIDI notes, the bass first; two beats each."""
PATTERN = (1, 2, 3, 2)
"""Which note of the chord each half beat plucks."""
PARTIALS = 8
RINGS_S = 0.9
"""How long a string takes to fall to 1/e, its first partial."""
SEED = 20160613


def tune(length_s: float, rate_hz: int) -> NDArray[np.float32]:
    """(m,) samples of `length_s`, m = its whole number at `rate_hz`; peaks near 1, begins on the beat."""
    sound = np.zeros(round(length_s * rate_hz))
    rng = np.random.default_rng(SEED)
    for half in range(int(np.ceil(2 * length_s / BEAT_S))):
        at = round(half * BEAT_S / 2 * rate_hz)
        chord = CHORDS[half // 4 % len(CHORDS)]
        struck = [0.5 * _string(chord[PATTERN[half % 4]], rate_hz)]
        if half % 4 == 0:
            struck += [0.8 * _string(chord[0], rate_hz), 0.8 * _drum(rate_hz)]
            struck += [0.25 * _string(note, rate_hz) for note in chord[1:]]
        else:
            struck.append(0.1 * _brush(rate_hz, rng))
        for each in struck:
            part = sound[at : at + len(each)]
            part += each[: len(part)]
    return np.asarray(sound / max(1e-9, np.abs(sound).max(initial=0.0)), np.float32)


def _string(note: int, rate_hz: int) -> Wave:
    """A plucked string of this MIDI note, three time constants long."""
    times_s = np.arange(round(3 * RINGS_S * rate_hz)) / rate_hz
    pitch_hz = 440 * 2 ** ((note - 69) / 12)
    partials = [k for k in range(1, PARTIALS + 1) if k * pitch_hz < rate_hz / 2]
    wave = sum(
        np.sin(2 * np.pi * k * pitch_hz * times_s) / k * np.exp(-times_s * k**0.5 / RINGS_S) for k in partials
    )
    return np.asarray(wave * np.minimum(1, times_s / 0.003))


def _drum(rate_hz: int) -> Wave:
    """A bass drum: 120 Hz falling to 50 Hz, gone in a fifth of a second."""
    times_s = np.arange(round(0.25 * rate_hz)) / rate_hz
    phase = 50 * times_s + 70 * 0.03 * (1 - np.exp(-times_s / 0.03))
    return np.asarray(np.sin(2 * np.pi * phase) * np.exp(-times_s / 0.06))


def _brush(rate_hz: int, rng: np.random.Generator) -> Wave:
    """A breath of noise, as of a brush on a cymbal."""
    times_s = np.arange(round(0.08 * rate_hz)) / rate_hz
    noise = np.diff(rng.standard_normal(times_s.size + 1))
    return np.asarray(noise * np.exp(-times_s / 0.02))

"""Impact sounds: modal synthesis, placed in time with sub-sample accuracy.

A struck body is a sum of decaying sinusoids, evaluated in closed form at the exact time since the
impact, plus a burst of band-limited noise for the contact itself. A faster impact is louder, and
brighter because its contact is shorter: by Hertz's theory the contact time falls as speed^(-1/5),
and a contact of length tau excites a mode of frequency f by about exp(-(pi f tau / 2)^2) (van den Doel,
Kry and Pai, FoleyAutomatic, SIGGRAPH 2001).

Samples are float32 in -1..1 at full scale, tracks are (2, samples), left first. Times are seconds
from the clip's start; an impact's sound starts at the first sample at or after its time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter as _butter
from scipy.signal import fftconvolve, sosfilt

__all__ = [
    "AMBIENCES",
    "MATERIALS",
    "RATE_HZ",
    "Material",
    "Mode",
    "Strike",
    "ambience",
    "mix_strikes",
    "strike",
]

RATE_HZ = 48_000
"""Sample rate of every track."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a body rings."""

    hz: float
    decay_s: float
    """Time constant: amplitude falls to 1/e."""
    gain: float
    glide: float = 0.0
    """Relative change of frequency while it decays: -0.2 ends lower (drum skin), 0.5 higher (bubble)."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is struck."""

    modes: tuple[Mode, ...]
    noise_gain: float
    noise_decay_s: float
    noise_band_hz: tuple[float, float]
    contact_s: float
    """Contact time at full speed."""
    gain: float = 1.0


def _modes(f0: float, decay_s: float, ratios: str, *, fall: float, glide: float = 0.0) -> tuple[Mode, ...]:
    """Modes at `ratios` of f0; decay falls as ratio^-fall, gain as ratio^-0.6."""
    values = [float(ratio) for ratio in ratios.split()]
    return tuple(Mode(f0 * r, decay_s * r**-fall, r**-0.6, glide) for r in values)


MATERIALS: Mapping[str, Material] = {
    # Rubber ball on a floor: air resonance and wall modes, all short.
    "rubber": Material(
        _modes(165, 0.055, "1 1.9 2.7 4.3", fall=0.8, glide=-0.12), 0.5, 0.006, (150, 3500), 0.0012
    ),
    # Free bar with a heavy body under it: anvils ring inharmonically and long.
    "anvil": Material(
        _modes(1180, 0.55, "1 1.51 2.76 3.4 5.4 7.1", fall=0.7), 0.5, 0.004, (800, 14000), 0.00004
    ),
    "steel": Material(
        _modes(2650, 0.10, "1 1.83 2.76 4.1", fall=0.6), 0.5, 0.002, (1500, 14000), 0.00004, 0.8
    ),
    # Circular membrane: zeros of Bessel functions over the first one.
    "drum": Material(
        _modes(92, 0.26, "1 1.594 2.136 2.296 2.653 2.918 3.6 4.15", fall=0.75, glide=-0.1),
        0.4,
        0.012,
        (300, 6000),
        0.0008,
        1.2,
    ),
    "door": Material(
        _modes(64, 0.11, "1 1.66 2.6 3.9 5.8 8.9 14", fall=0.45), 0.9, 0.035, (90, 3800), 0.0008, 1.2
    ),
    # Church bell: hum, prime, tierce, quint, nominal and above, each split a little so that it beats.
    "bell": Material(
        _modes(640, 1.6, "0.5 0.503 1 1.004 1.2 1.5 2 2.006 2.66 3.01 4.17", fall=0.9),
        0.3,
        0.003,
        (900, 12000),
        0.00005,
        0.8,
    ),
    # Drop into water: the splash, then the bubble it drags down sings and rises (Minnaert 1933).
    "water": Material(
        (Mode(780, 0.045, 1.0, 0.55), Mode(1370, 0.028, 0.45, 0.4), Mode(2300, 0.012, 0.3, 0.3)),
        0.45,
        0.008,
        (1200, 12000),
        0.00015,
        0.9,
    ),
    "glass": Material(
        _modes(1750, 0.32, "1 2.32 4.25 6.63", fall=0.9), 0.35, 0.002, (2500, 16000), 0.00004, 0.8
    ),
    # A boot on ice: dull thud through the sheet, and the crack's bright rattle.
    "ice": Material(
        (
            *_modes(88, 0.05, "1 1.8 2.9", fall=0.5),
            *_modes(2400, 0.02, "1 1.37 1.93 2.6", fall=0.4, glide=-0.25),
        ),
        1.0,
        0.03,
        (900, 12000),
        0.0001,
        1.1,
    ),
    "step": Material(_modes(105, 0.04, "1 1.7 2.8 5.1", fall=0.6), 0.8, 0.02, (200, 5000), 0.0007, 1.1),
}
"""What scenes strike, by name."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One sound to place."""

    time_s: float
    material: str
    speed: float
    """0..1 of the fastest impact a scene has."""
    pan: float
    """0 left, 1 right."""
    pitch: float = 1.0
    """Factor on every frequency."""


def strike(
    material: Material,
    speed: float,
    *,
    pitch: float = 1.0,
    late: float = 0.0,
    seed: int = 0,
    rate_hz: int = RATE_HZ,
) -> Samples:
    """The sound of one impact, mono (n,).

    speed: 0..1. late: by which part of a sample (0 <= late < 1) the first sample comes after the impact.
    """
    speed = min(max(speed, 0.02), 1.0)
    contact_s = material.contact_s * speed**-0.2
    longest = max(mode.decay_s for mode in material.modes)
    n = math.ceil(min(6.9 * max(longest, material.noise_decay_s), 8.0) * rate_hz)
    t = (np.arange(n) + late) / rate_hz
    ring = np.zeros(n)
    for mode in material.modes:
        hz = mode.hz * pitch
        if hz * (1 + max(mode.glide, 0)) > 0.45 * rate_hz:
            continue
        m = min(n, math.ceil(6.9 * mode.decay_s * rate_hz))
        envelope = np.exp(-t[:m] / mode.decay_s)
        # The frequency runs from hz to hz (1 + glide) with the decay; this is its integral.
        cycles = hz * (t[:m] + mode.glide * (t[:m] - mode.decay_s * (1 - envelope)))
        ring[:m] += (
            mode.gain
            * math.exp(-((0.5 * math.pi * hz * contact_s) ** 2))
            * envelope
            * np.sin(2 * np.pi * cycles)
        )
    burst = np.random.default_rng(seed).standard_normal(n)
    burst = sosfilt(_butter(2, material.noise_band_hz, "bandpass", fs=rate_hz, output="sos"), burst)
    burst *= material.noise_gain * np.exp(-t / material.noise_decay_s) * (0.4 + 0.6 * speed)
    sound = (
        (ring / math.sqrt(sum(mode.gain**2 for mode in material.modes)) + burst) * material.gain * speed**1.1
    )
    return np.asarray(sound, np.float32)


def mix_strikes(strikes: Iterable[Strike], duration_s: float, *, seed: int, room: float = 0.12) -> Samples:
    """All impacts on one stereo track (2, samples), with a little room after the direct sound.

    room: level of the reverberation against the direct sound; 0 is none.
    """
    track = np.zeros((2, round(duration_s * RATE_HZ)), np.float32)
    for index, event in enumerate(strikes):
        position = event.time_s * RATE_HZ
        first = math.ceil(position - 1e-6)
        sound = strike(
            MATERIALS[event.material],
            event.speed,
            pitch=event.pitch,
            late=max(0.0, first - position),
            seed=seed + index,
        )
        skip = max(0, -first)
        here = track[:, max(0, first) : max(0, first + len(sound))]
        angle = (0.15 + 0.7 * min(max(event.pan, 0.0), 1.0)) * math.pi / 2
        gains = np.array([[math.cos(angle)], [math.sin(angle)]], np.float32)
        here += 0.4 * gains * sound[skip : skip + here.shape[1]]
    return np.asarray(track + room * _reverberation(track, seed), np.float32) if room else track


def _reverberation(track: Samples, seed: int) -> Samples:
    """A small room: two channels of noise that decays over 0.3 s, starting 9 ms after the direct sound."""
    n = round(0.3 * RATE_HZ)
    tail = np.random.default_rng(seed).standard_normal((2, n)) * np.exp(-np.arange(n) / (0.055 * RATE_HZ))
    tail[:, : round(0.009 * RATE_HZ)] = 0
    tail /= np.linalg.norm(tail, axis=1, keepdims=True)
    wet: Samples = fftconvolve(track, tail, axes=1)[:, : track.shape[1]].astype(np.float32)
    return wet


AMBIENCES: Mapping[str, tuple[float, float, float]] = {
    # Band in hertz and level in dB of full scale.
    "room": (40, 500, -62),
    "wind": (120, 900, -54),
    "water": (500, 4000, -60),
    "forge": (60, 1400, -56),
}
"""Quiet backgrounds by name: coloured noise, far below the softest impact."""


def ambience(name: str, duration_s: float, *, seed: int) -> Samples:
    """A quiet stereo background (2, samples) whose strength slowly comes and goes."""
    low, high, level_db = AMBIENCES[name]
    rng = np.random.default_rng(seed)
    n = round(duration_s * RATE_HZ)
    noise = sosfilt(
        _butter(1, (low, high), "bandpass", fs=RATE_HZ, output="sos"), rng.standard_normal((2, n))
    )
    t = np.arange(n) / RATE_HZ
    breath = 1 + 0.35 * np.sin(2 * np.pi * (0.23 * t + rng.random())) * np.sin(
        2 * np.pi * (0.11 * t + rng.random())
    )
    quiet: Samples = (noise * breath * 10 ** (level_db / 20) / max(float(noise.std()), 1e-9)).astype(
        np.float32
    )
    return quiet

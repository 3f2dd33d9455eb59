"""Ways to show the lag net one clip many times over: other cameras, other voices, other rooms, the same lag.

All changes leave the lag as it is. Speeding up changes picture and sound alike, so a lag shrinks with it;
`varied` says by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metrics.lips.corpus import Talker
from metrics.lips.features import RATE_HZ

__all__ = ["varied"]

Array = NDArray[np.float64]

MIRROR = np.array(
    [(61, 291), (146, 375), (91, 321), (181, 405), (84, 314), (185, 409), (40, 270), (39, 269), (37, 267),
     (78, 308), (95, 324), (88, 318), (178, 402), (87, 317), (191, 415), (80, 310), (81, 311), (82, 312),
     (148, 377), (205, 425), (33, 263), (133, 362), (127, 356), (234, 454), (130, 359)]
)  # fmt: skip
"""Points of the lips and the upper face on the right of the face, and the same ones on its left."""


def varied(talker: Talker, others: Sequence[Talker], rng: np.random.Generator) -> Talker:
    """Another version of `talker`; `others` lend their voices as babble behind it."""
    faster = float(np.exp(rng.uniform(-0.12, 0.12))) if rng.random() < 0.7 else 1.0
    speech = _sped(talker.speech, faster)
    times = talker.times_s / faster
    mesh = np.asarray(talker.mesh, np.float64)
    mesh = _other_camera(_mirrored(mesh) if rng.random() < 0.5 else mesh, rng)
    mesh, times = _other_rate(mesh, times, rng)
    return replace(
        talker,
        mesh=mesh,
        times_s=times,
        speech=_other_room(speech, others, rng),
        lag_s=None if talker.lag_s is None else talker.lag_s / faster,
    )


def _mirrored(mesh: Array) -> Array:
    """The face in a mirror, its points named as on any other face."""
    flipped = mesh * [-1.0, 1.0, 1.0]
    flipped[:, MIRROR] = flipped[:, MIRROR[:, ::-1]]
    return flipped


def _sped(speech: Array, faster: float) -> Array:
    """Played faster, so higher as well."""
    if faster == 1.0:
        return speech
    at = np.arange(int(len(speech) / faster)) * faster
    return np.asarray(np.interp(at, np.arange(len(speech)), speech))


def _other_camera(mesh: Array, rng: np.random.Generator) -> Array:
    """Depth as another tracker guesses it, a skewed lens, trembling points, frames blurred together."""
    seen = np.asarray(np.isfinite(mesh).all(axis=(1, 2)))
    skew = np.eye(3) + rng.normal(0, 0.04, (3, 3))
    skew[2] *= np.exp(rng.normal(0, 0.25))
    changed = mesh @ skew.T
    tremble = rng.normal(0, 1, mesh.shape) * 0.006 * rng.random() ** 2
    shared = _smooth(rng.normal(0, 1, (len(mesh), 1, 3)), 3) * 0.01 * rng.random()
    changed = changed + tremble + shared
    if rng.random() < 0.3:
        changed = _smooth_seen(changed, seen)
    return changed


def _smooth(values: Array, width: int) -> Array:
    kernel = np.ones(width) / width
    return np.apply_along_axis(np.convolve, 0, values, kernel, mode="same")


def _smooth_seen(mesh: Array, seen: NDArray[np.bool_]) -> Array:
    """Blurred over neighbouring frames, as trackers that follow a face do, without delay."""
    blurred = mesh.copy()
    inner = np.flatnonzero(seen[:-2] & seen[1:-1] & seen[2:]) + 1
    blurred[inner] = 0.25 * mesh[inner - 1] + 0.5 * mesh[inner] + 0.25 * mesh[inner + 1]
    return blurred


def _other_rate(mesh: Array, times_s: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """At another frame rate, with frames dropped, held too long, or lost by the tracker."""
    if rng.random() < 0.5:
        rate = rng.choice([15.0, 20.0, 24.0, 25.0, 30.0])
        wanted = np.arange(times_s[0] + rng.random() / rate, times_s[-1], 1 / rate)
        after = np.clip(np.searchsorted(times_s, wanted), 1, len(times_s) - 1)
        share = ((wanted - times_s[after - 1]) / (times_s[after] - times_s[after - 1]))[:, None, None]
        mesh, times_s = mesh[after - 1] + share * (mesh[after] - mesh[after - 1]), wanted
    if rng.random() < 0.3:
        kept = rng.random(len(times_s)) > rng.uniform(0, 0.2)
        mesh, times_s = mesh[kept], times_s[kept]
    if rng.random() < 0.2:
        mesh = mesh.copy()
        for start in rng.integers(0, len(mesh), 2):
            mesh[start : start + rng.integers(1, 10)] = np.nan
    return mesh, times_s


def _other_room(speech: Array, others: Sequence[Talker], rng: np.random.Generator) -> Array:
    """Echo, another microphone, noise, babble, music, a narrow line; each at times."""
    if rng.random() < 0.4:
        speech = _echoing(speech, rng)
    if rng.random() < 0.6:
        speech = _equalised(speech, rng)
    if rng.random() < 0.35:
        speech = _beside(speech, _coloured_noise(len(speech), rng), rng.uniform(0, 30))
    if rng.random() < 0.35:
        speech = _beside(speech, _music(len(speech), rng), rng.uniform(-3, 20))
    if rng.random() < 0.15 and others:
        other = others[int(rng.integers(len(others)))].speech
        speech = _beside(
            speech, np.resize(np.roll(other, rng.integers(len(other))), len(speech)), rng.uniform(5, 20)
        )
    if rng.random() < 0.1:
        speech = np.clip(speech, *(np.array([-1, 1]) * np.abs(speech).max() * rng.uniform(0.2, 0.8)))
    return speech


def _echoing(speech: Array, rng: np.random.Generator) -> Array:
    from scipy.signal import fftconvolve

    decay = np.exp(-np.arange(int(0.5 * RATE_HZ)) / RATE_HZ * 6.9 / rng.uniform(0.15, 0.7))
    tail = rng.normal(0, 1, len(decay)) * decay
    tail *= rng.uniform(0.1, 0.8) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    return np.asarray(fftconvolve(speech, tail)[: len(speech)])


def _equalised(speech: Array, rng: np.random.Generator) -> Array:
    """A random smooth frequency response of ±6 dB, at times a line that ends at 3.4..7 kHz; no delay."""
    spectrum = np.fft.rfft(speech)
    hertz = np.fft.rfftfreq(len(speech), 1 / RATE_HZ)
    corners = np.array([0, 150, 400, 1000, 2500, 5000, 8000])
    gain_db = np.interp(hertz, corners, rng.normal(0, 4, len(corners)))
    if rng.random() < 0.25:
        gain_db = gain_db - 40 * np.clip((hertz - rng.uniform(3400, 7000)) / 500, 0, 1)
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), len(speech))


def _coloured_noise(count: int, rng: np.random.Generator) -> Array:
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ) + 50
    return np.fft.irfft(spectrum * hertz ** (-rng.uniform(0, 1.2)), count)


def _music(count: int, rng: np.random.Generator) -> Array:
    """Chords of a few harmonics that change at a beat."""
    seconds = np.arange(count) / RATE_HZ
    beat = rng.uniform(0.25, 1.2)
    bar = (seconds / beat).astype(int)
    notes = 110 * 2 ** (rng.integers(0, 36, (bar.max() + 1, 3)) / 12)
    sound = np.zeros(count)
    for voice in range(3):
        phase = 2 * np.pi * np.cumsum(notes[bar, voice]) / RATE_HZ
        sound += sum(np.sin(k * phase) / k**1.5 for k in range(1, 5))
    return np.asarray(sound * np.exp(-(seconds % beat) / rng.uniform(0.1, 1.0)))


def _beside(speech: Array, noise: Array, ratio_db: float) -> Array:
    power = float((noise**2).mean())
    if power <= 0:
        return speech
    return np.asarray(speech + noise * np.sqrt((speech**2).mean() / power * 10 ** (-ratio_db / 10)))

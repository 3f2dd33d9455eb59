"""Loudness and true peak after ITU-R BS.1770-5, and bringing a sound to a loudness (EBU R128).

Sounds are float32 (channels, samples) at 48 kHz, one or two channels of weight 1, full scale 1.0.
Loudness is in LUFS, peaks in dBTP. The gain is one number for the whole clip; only peaks that would
pass the ceiling are turned down, by a look-ahead limiter, for some 20 ms around them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalharness.blinding.recipe import RATE_HZ

__all__ = ["Levelled", "integrated_loudness", "level", "true_peak_db"]

# BS.1770-5, tables 1 and 2: the head's shelf and the RLB high-pass, as second-order sections at 48 kHz.
K_WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
BLOCK = RATE_HZ * 4 // 10
STEP = BLOCK // 4
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
OVERSAMPLING = 4
LOOK_AHEAD = RATE_HZ // 100
CLOSE_ENOUGH_LU = 0.05
ROUNDS = 24


@dataclass(frozen=True, slots=True)
class Levelled:
    """A sound at its wished loudness, and what that took."""

    samples: NDArray[np.float32]
    gain_db: float
    limited_db: float
    """How far the loudest peak was turned down; 0.0 where the gain alone sufficed."""


def integrated_loudness(sound: NDArray[np.float32]) -> float | None:
    """Gated loudness in LUFS, or None where no 400 ms block rises above −70 LUFS.

    A sound shorter than one block is taken as a single one.
    """
    if sound.shape[1] == 0:
        return None
    power = _block_powers(sound)
    power = power[_lufs(power) > ABSOLUTE_GATE]
    if power.size == 0:
        return None
    power = power[_lufs(power) > float(_lufs(power.mean())) + RELATIVE_GATE]
    return float(_lufs(power.mean()))


def true_peak_db(sound: NDArray[np.float32]) -> float:
    """Highest peak of the four times oversampled sound in dBTP; −inf for digital silence."""
    peak = float(_true_envelope(sound).max(initial=0.0))
    return 20.0 * math.log10(peak) if peak > 0 else -math.inf


def level(sound: NDArray[np.float32], loudness_lufs: float, ceiling_db: float) -> Levelled:
    """Bring a sound that is not silent to a loudness without passing a true-peak ceiling.

    Limiting costs loudness, so gain and limiter are repeated until both wishes hold within 0.05 LU, or
    the limiter takes back all that further gain brings.
    """
    own = integrated_loudness(sound)
    if own is None:
        raise ValueError("a silent sound has no loudness to bring anywhere")
    gain_db = loudness_lufs - own
    limited, reduction_db = sound, 0.0
    for _ in range(ROUNDS):
        limited, reduction_db = limit(sound * np.float32(10 ** (gain_db / 20)), ceiling_db)
        reached = integrated_loudness(limited)
        shortfall = loudness_lufs - (loudness_lufs if reached is None else reached)
        if abs(shortfall) < CLOSE_ENOUGH_LU:
            break
        gain_db += shortfall
    return Levelled(limited, gain_db, reduction_db)


def limit(sound: NDArray[np.float32], ceiling_db: float) -> tuple[NDArray[np.float32], float]:
    """Turn down what passes the ceiling; answers with the sound and the largest reduction in dB."""
    from scipy.ndimage import minimum_filter1d

    ceiling = 10 ** (ceiling_db / 20)
    envelope = _true_envelope(sound)
    if envelope.max(initial=0.0) <= ceiling:
        return sound, 0.0
    needed = np.minimum(1.0, ceiling / np.maximum(envelope, 1e-12))
    # The minimum over two look-aheads, smoothed over two, is nowhere above what is needed at its centre.
    held = minimum_filter1d(needed, 2 * LOOK_AHEAD + 1, mode="nearest")
    window = np.hanning(2 * LOOK_AHEAD + 3)[1:-1]
    padded = np.pad(held, LOOK_AHEAD, mode="edge")
    gain = np.convolve(padded, window / window.sum(), mode="valid")
    reduction_db = -20.0 * math.log10(float(gain.min()))
    return (sound * gain).astype(np.float32), reduction_db


def _block_powers(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean K-weighted power, summed over channels, of 400 ms blocks overlapping by three quarters."""
    from scipy.signal import sosfilt

    weighted = sosfilt(K_WEIGHTING, sound.astype(np.float64), axis=1)
    total = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=0))])
    length = min(BLOCK, sound.shape[1])
    starts = np.arange(0, sound.shape[1] - length + 1, STEP)
    powers: NDArray[np.float64] = (total[starts + length] - total[starts]) / length
    return powers


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    values: NDArray[np.float64] = -0.691 + 10.0 * np.log10(np.maximum(power, 1e-30))
    return values


def _true_envelope(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each sample the largest magnitude of it and its oversampled neighbours, over channels."""
    from scipy.signal import resample_poly

    fine = np.abs(resample_poly(sound.astype(np.float64), OVERSAMPLING, 1, axis=1)).max(axis=0)
    peaks: NDArray[np.float64] = fine.reshape(-1, OVERSAMPLING).max(axis=1)
    envelope: NDArray[np.float64] = np.maximum(peaks, np.abs(sound).max(axis=0))
    return envelope

"""Mel-frequency cepstral coefficients as SyncNet was trained on: those of python_speech_features 0.6.

Windows of 25 ms every 10 ms, rectangular, after pre-emphasis of 0.97; power spectrum of 512 points; 26
triangular mel filters from 0 to 8 kHz whose corners lie on bins; logarithm; orthonormal DCT, 13
coefficients, liftered with 22; the first coefficient is the log of the window's energy.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["COEFFICIENTS", "RATE_HZ", "STEP", "mfcc"]

Array = NDArray[np.float64]

RATE_HZ = 16000
WINDOW, STEP = 400, 160
POINTS = 512
FILTERS = 26
COEFFICIENTS = 13
LIFTER = 22
PRE_EMPHASIS = 0.97
LEAST = float(np.finfo(float).eps)
"""Stands for an energy of zero, whose logarithm there is not."""


def mfcc(samples: Array) -> Array:
    """(windows, 13) of (m,) samples at 16 kHz, on the scale of 16-bit integers (±32768), m at least 1.

    There is one window for each 10 ms begun after the first 25 ms; what the last one lacks is silence.
    """
    from scipy.fft import dct

    count = 1 + max(0, -(-(len(samples) - WINDOW) // STEP))
    sharpened = np.append(samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1])
    padded = np.zeros((count - 1) * STEP + WINDOW)
    padded[: len(samples)] = sharpened
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]
    power = np.abs(np.fft.rfft(windows, POINTS)) ** 2 / POINTS
    mel = _logarithm(power @ _filters().T)
    cepstra = np.asarray(dct(mel, type=2, axis=1, norm="ortho"))[:, :COEFFICIENTS]
    cepstra = cepstra * (1 + LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER))
    cepstra[:, 0] = _logarithm(power.sum(axis=1))
    return cepstra


@cache
def _filters() -> Array:
    """(26, 257) weights of each frequency in each mel band."""
    highest = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    corners_hz = 700 * (10 ** (np.linspace(0, highest, FILTERS + 2) / 2595) - 1)
    corners = np.floor((POINTS + 1) * corners_hz / RATE_HZ)
    bins = np.arange(POINTS // 2 + 1)
    rising = (bins - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - bins) / (corners[2:] - corners[1:-1])[:, None]
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None))


def _logarithm(energy: Array) -> Array:
    return np.log(np.where(energy == 0, LEAST, energy))

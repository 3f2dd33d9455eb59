"""Two curves over time: how suddenly the picture's motion changes, and how suddenly the sound rises.

Both are non-negative and stamped without delay: an impact at time t, seen or heard, lifts its curve
at t. Times in seconds.

- Sight: dense optical flow (Kroeger et al. 2016, DIS) as velocity; a blow shows as a *change* of velocity,
  whether things stop, start or bounce. A step of velocity somewhere between two frames shares itself out
  on both in proportion, so that the curve's centre of mass is the step's time, finer than a frame.
- Sound: rise of energy in mel bands, compressed (spectral flux; Bello et al. 2005), in short windows that
  end at their stamp, so that nothing is heard before it sounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curve", "impulse_curve", "onset_curve"]

Array = NDArray[np.float64]

WINDOW_S = 0.010
HOP_S = 0.0025
BANDS = 24
FLOOR_DB = -60.0
"""Band energy this far below the clip's loudest counts as silence, so that hiss has no onsets."""

SAME_FRAME = 0.35
SAME_PIXEL = 48
"""Mean, and largest, grey levels by which two frames may differ and still be one picture, coded twice."""
LONGEST_JUDDER_S = 0.09
"""A picture held longer is not a repeated frame: things stand still."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Strength at moments; both of shape (n,), times increasing."""

    times_s: Array
    strength: Array


def impulse_curve(frame_times_s: Array, grey: NDArray[np.uint8]) -> Curve:
    """Change of visible velocity at each picture, in pictures' widths per second.

    frame_times_s: (n,); grey: (n, height, width). Repeated frames count as one picture held longer.
    Fewer than three distinct pictures have no change of velocity: the curve is empty.
    """
    kept = _pictures(frame_times_s, grey)
    times, pictures = frame_times_s[kept], grey[kept]
    if len(times) < 3:
        return Curve(np.zeros(0), np.zeros(0))
    flow = _flow()
    strength = []
    for index in range(1, len(times) - 1):
        here, width = pictures[index], pictures.shape[2]
        # Both flows start from this picture, so they follow the same things through it: what moves on
        # evenly cancels out, however fast it is.
        arriving = -flow(here, pictures[index - 1]) / (times[index] - times[index - 1])
        leaving = flow(here, pictures[index + 1]) / (times[index + 1] - times[index])
        change = leaving - arriving
        strength.append(float(np.hypot(change[..., 0], change[..., 1]).mean()) / width)
    return Curve(times[1:-1], np.array(strength))


def onset_curve(samples: NDArray[np.float32], rate_hz: int, start_s: float) -> Curve:
    """Rise of compressed band energy every 2.5 ms, in mean natural-log units per step over all bands.

    samples: (m,) mono, the first of them sounds at `start_s`. Silence and clips shorter than two windows
    have no onsets: the curve is empty.
    """
    import librosa

    window, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    if samples.size < 2 * window or not np.any(samples):
        return Curve(np.zeros(0), np.zeros(0))
    framed = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    power = np.abs(np.fft.rfft(framed * np.hanning(window).astype(np.float32), axis=1)) ** 2
    bank = librosa.filters.mel(sr=rate_hz, n_fft=window, n_mels=BANDS, fmin=60.0)
    bank = bank[bank.sum(axis=1) > 0]  # the lowest bands are narrower than this short window resolves
    energy = power @ bank.T
    floor = energy.max() * 10 ** (FLOOR_DB / 10)
    level = np.log(np.maximum(energy, floor))
    rise = np.maximum(np.diff(level, axis=0), 0.0).mean(axis=1)
    # A Hann window hears what has just entered it faintly; it hears half of it by its middle.
    stamps = start_s + (np.arange(1, len(level)) * hop + window / 2) / rate_hz
    return Curve(stamps, rise.astype(np.float64))


def _pictures(times_s: Array, grey: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of frames that show something new, or that show the same for longer than judder does."""
    kept = [0]
    for index in range(1, len(grey)):
        difference = np.abs(grey[index].astype(np.int16) - grey[kept[-1]])
        is_new = difference.mean() > SAME_FRAME or difference.max() > SAME_PIXEL
        if is_new or times_s[index] - times_s[kept[-1]] > LONGEST_JUDDER_S:
            kept.append(index)
    return np.array(kept)


def _flow() -> Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]:
    """A function of two grey pictures that gives the flow between them in pixels, (height, width, 2)."""
    import cv2

    algorithm = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    unguided: Any = None  # no flow to start from; cv2's types know no such thing
    return lambda first, second: np.asarray(algorithm.calc(first, second, unguided), np.float32)

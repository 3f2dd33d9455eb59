"""What the lag net sees and hears: lips freed of the head's movement, and the log-mel picture of speech.

Both lie on one lattice of 10 ms (100 Hz), anchored at the first speech sample. Times in seconds.

- Lips: 40 lip and 8 chin and cheek points of the 468-point face mesh (Kartynnik et al. 2019). In each frame
  the mesh is turned, scaled and moved so that 19 points of the upper face, which speech hardly moves, lie
  where they lie on a reference face (least squares, Umeyama 1991): what is left is what the mouth does. So
  the units are widths of the reference face, and neither pixels nor where the head is or how it is turned
  matter.
- Speech: power in 40 mel bands (60..7600 Hz) in Hann windows of 25 ms, natural logarithm, floored 60 dB
  under the clip's loud moments (99th percentile).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BANDS", "LIPS", "RATE_HZ", "STEP_S", "UPPER_FACE", "at_16_khz", "lips_still", "log_mel", "on_lattice",
]  # fmt: skip

Array = NDArray[np.float64]

RATE_HZ = 16000
STEP_S = 0.01
BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
WINDOW = 400
FFT = 512
RANGE_DB = 60.0
LONGEST_GAP_S = 0.15
"""Lips not seen for longer than this are not guessed between the frames around."""

LIPS = np.array(
    [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
     78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
     152, 148, 377, 1, 205, 425, 199, 200]
)  # fmt: skip
"""Outer and inner lip contour, then chin, nose tip and cheeks."""
UPPER_FACE = np.array([33, 263, 133, 362, 168, 6, 197, 195, 5, 4, 10, 151, 9, 127, 356, 234, 454, 130, 359])
"""Eye corners, nose bridge, forehead, temples: what the skull carries along."""


def lips_still(mesh: NDArray[np.floating], upper_reference: Array) -> Array:
    """Lip points (n, 48, 3) of meshes (n, 468, 3), as if the head had never moved.

    `upper_reference` (19, 3) is where the upper face is to lie; the result is in its units. Rows of NaN
    where no face was seen. Any scale, shift and rotation of a frame's mesh leaves its result unchanged.
    """
    mesh = np.asarray(mesh, np.float64)
    seen = np.isfinite(mesh).all(axis=(1, 2))
    upper, lips = mesh[seen][:, UPPER_FACE], mesh[seen][:, LIPS]
    centre = upper.mean(axis=1, keepdims=True)
    goal_centre = upper_reference.mean(axis=0)
    goal = upper_reference - goal_centre
    left, sizes, right = np.linalg.svd(goal.T @ (upper - centre))
    mirrored = np.linalg.det(left @ right) < 0
    keep = np.ones_like(sizes)
    keep[mirrored, 2] = -1.0
    rotation = (left * keep[:, None, :]) @ right
    scale = (sizes * keep).sum(axis=1) / np.maximum(((upper - centre) ** 2).sum(axis=(1, 2)), 1e-12)
    still = np.full((len(mesh), len(LIPS), 3), np.nan)
    still[seen] = scale[:, None, None] * (lips - centre) @ rotation.transpose(0, 2, 1) + goal_centre
    return still


def on_lattice(values: Array, times_s: Array, start_s: float, count: int) -> tuple[Array, NDArray[np.bool_]]:
    """`values` (n, d) seen at irregular `times_s`, at start_s + k · 10 ms for k < count, between frames
    linearly.

    Also (count,) whether they were seen there: within the frames, and in no gap longer than 0.15 s. Unseen
    rows are zero. Rows of `values` with NaN count as not there.
    """
    lattice = start_s + STEP_S * np.arange(count)
    there = np.isfinite(values).all(axis=1)
    known, at = values[there], np.asarray(times_s, np.float64)[there]
    if len(at) < 2:
        return np.zeros((count, values.shape[1])), np.zeros(count, bool)
    after = np.clip(np.searchsorted(at, lattice, side="right"), 1, len(at) - 1)
    gap = at[after] - at[after - 1]
    share = (lattice - at[after - 1]) / gap
    seen = (share >= 0) & (share <= 1) & (gap <= LONGEST_GAP_S)
    between = known[after - 1] + share[:, None] * (known[after] - known[after - 1])
    return np.where(seen[:, None], between, 0.0), seen


def at_16_khz(speech: NDArray[np.floating], rate_hz: int) -> Array:
    """Mono speech (m,) brought to 16 kHz."""
    from scipy.signal import resample_poly

    if rate_hz == RATE_HZ:
        return np.asarray(speech, np.float64)
    return np.asarray(resample_poly(np.asarray(speech, np.float64), RATE_HZ, rate_hz), np.float64)


def log_mel(speech: Array) -> Array:
    """(k, 40) log power of 16 kHz speech (m,) in mel bands; row k is centred on sample 160 k."""
    from numpy.lib.stride_tricks import sliding_window_view

    hop = round(STEP_S * RATE_HZ)
    padded = np.pad(speech, WINDOW // 2)
    windows = sliding_window_view(padded, WINDOW)[::hop] * _hann()
    power = np.abs(np.fft.rfft(windows, FFT, axis=1)) ** 2 @ _mel_filters().T
    loud = float(np.percentile(power.max(axis=1), 99)) if len(power) else 0.0
    return np.asarray(np.log(np.maximum(power, max(loud * 10 ** (-RANGE_DB / 10), 1e-10))))


def _hann() -> Array:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


def _mel_filters() -> Array:
    """(40, 257) triangles, evenly spaced on the mel scale 2595 log10(1 + f / 700), each of height 1."""
    lowest, highest = (2595 * float(np.log10(1 + hertz / 700)) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    mel = np.linspace(lowest, highest, BANDS + 2)
    corners = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(FFT, 1 / RATE_HZ)
    rising = (bins - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - bins) / np.diff(corners)[1:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)), np.float64)

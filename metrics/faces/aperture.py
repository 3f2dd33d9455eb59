"""How a mouth moves, and how well that follows what is heard.

The aperture is the gap between the inner lips (points 13 to 14) in heights of the face (10 to 152); the
height, unlike the width, does not shrink as a head turns aside. Nothing here is learnt: the loudness of
speech follows the mouth loosely (correlation about 0.4), enough to tell faces from each other, not to
measure a lag.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["RATE_HZ", "apertures", "envelope", "following", "movement", "on_grid"]

Array = NDArray[np.float64]

RATE_HZ = 100
"""Steps a second at which picture and sound are compared."""
UPPER_LIP, LOWER_LIP = 13, 14
FOREHEAD, CHIN = 10, 152
VOICE_HZ = (300.0, 3000.0)
"""Where the mouth shapes the sound: below is pitch, above mostly hiss."""
SYLLABLES_HZ = (1.0, 8.0)
"""How often mouths open; slower is posture, faster is the landmarks' noise."""
LATEST_S = 0.25
"""Sound and picture may be this far apart, either way, and still belong together."""
GAP_S = 0.1
"""Between pictures farther apart than this the mouth is unknown."""
SMOOTH_STEPS = 9


def apertures(mesh: NDArray[np.float32]) -> Array:
    """(k,) gaps between the lips, in heights of the face, of (k, 468, 3) points."""
    points = mesh.astype(np.float64)
    gap = np.linalg.norm(points[:, UPPER_LIP] - points[:, LOWER_LIP], axis=1)
    return np.asarray(gap / np.linalg.norm(points[:, FOREHEAD] - points[:, CHIN], axis=1), np.float64)


def on_grid(times_s: Array, values: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """(times, values, known) every 10 ms between the first time and the last.

    In between the values are joined by lines; known is False in gaps of more than 0.1 s.
    """
    grid = np.arange(np.ceil(times_s[0] * RATE_HZ), np.floor(times_s[-1] * RATE_HZ) + 1) / RATE_HZ
    after = np.clip(np.searchsorted(times_s, grid), 1, max(1, len(times_s) - 1))
    known = np.diff(times_s)[after - 1] <= GAP_S if len(times_s) > 1 else np.zeros(len(grid), bool)
    return grid, np.interp(grid, times_s, values), known


def envelope(samples: NDArray[np.float32], rate_hz: int) -> Array:
    """(k,) square root of the voice band's RMS every 10 ms of (m,) samples, the first 5 ms after theirs."""
    from scipy.signal import butter, sosfiltfilt

    hop = rate_hz // RATE_HZ
    count = len(samples) // hop
    if count < 2:
        return np.zeros(count)
    voice = sosfiltfilt(butter(2, VOICE_HZ, "bandpass", fs=rate_hz, output="sos"), samples)
    power = (voice[: count * hop].reshape(count, hop) ** 2).mean(axis=1)
    window = np.hanning(SMOOTH_STEPS + 2)[1:-1]
    return np.asarray(np.convolve(np.sqrt(np.sqrt(power)), window / window.sum(), mode="same"), np.float64)


def movement(times_s: Array, aperture: Array, spoken: NDArray[np.bool_]) -> float:
    """How fast the lips open and close while somebody speaks, in heights of the face a second.

    times_s, aperture, spoken: (k,) for each picture. 0 where fewer than two pictures are spoken ones.
    """
    speed = np.abs(np.diff(aperture)) / np.diff(times_s)
    counts = spoken[1:] & spoken[:-1] & (np.diff(times_s) <= GAP_S)
    return float(np.median(speed[counts])) if np.any(counts) else 0.0


def following(times_s: Array, aperture: Array, heard: Array, heard_start_s: float) -> float:
    """The best correlation, -1..1, of the mouth with the loudness within ±0.25 s; 0 where nothing moves.

    times_s, aperture: (k,) for each picture; heard: (m,) every 10 ms, the first at `heard_start_s`.
    """
    if len(times_s) < 2 or np.ptp(aperture) == 0:
        return 0.0
    grid, mouth, known = on_grid(times_s, aperture)
    reach = round(LATEST_S * RATE_HZ)
    wide = np.arange(-reach, len(grid) + reach) / RATE_HZ + grid[0]
    clock = heard_start_s + np.arange(len(heard)) / RATE_HZ
    sound = _syllables(np.interp(wide, clock, heard, left=0.0, right=0.0))
    mouth = _syllables(mouth)
    return max(
        _pearson(mouth[known], sound[shift : shift + len(grid)][known]) for shift in range(2 * reach + 1)
    )


def _syllables(curve: Array) -> Array:
    """What of a curve rises and falls as syllables do; nothing is delayed."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(2, SYLLABLES_HZ, "bandpass", fs=RATE_HZ, output="sos")
    padding = min(len(curve) - 1, RATE_HZ)
    return np.asarray(sosfiltfilt(sections, curve, padlen=padding), np.float64)


def _pearson(first: Array, second: Array) -> float:
    if first.size < 2:
        return 0.0
    a, b = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0

"""Loudness after ITU-R BS.1770-4 and EBU R128, in LUFS, and true peak in dBTP.

Each channel is K-weighted (a shelf for the head, a high-pass for the ear) and its power taken in blocks of
0.4 s that begin every 0.1 s, then summed over channels with the weights of their places. Blocks below
-70 LUFS do not count, nor those more than 10 LU below the mean of what is left. The two filters are the
standard's, made for any sampling rate from their analogue shape (De Man 2014). True peak is BS.1770-4's
annex 2: the highest magnitude after fourfold oversampling.

Loudness is a description; a true peak above -1 dBTP may distort in players. Loudness range is left out: EBU
Tech 3342 does not want it read from programmes below a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Loudness", "integrated_lufs", "k_weighted", "true_peak_db"]

Samples = NDArray[np.float32]

BLOCK_S, HOP_S = 0.4, 0.1
GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
OFFSET_LU = -0.691
"""Makes a stereo 997 Hz sine of -23 dB read -23 LUFS."""
OVERSAMPLING = 4

WEIGHTS: Mapping[int, tuple[float, ...]] = {
    1: (1.0,),
    2: (1.0, 1.0),
    5: (1.0, 1.0, 1.0, 1.41, 1.41),
    6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41),
}
"""Power each channel counts with: mono, stereo, 5.0 and 5.1 (left, right, centre, low, surrounds)."""


class Loudness(Metric):
    """How loud a clip is, and how far its peaks reach."""

    name: ClassVar[str] = "loudness"
    version: ClassVar[str] = "2"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    source: ClassVar[str] = "ITU-R BS.1770-4, EBU R 128"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("integrated_lufs", "LUFS", "none", "Integrated loudness, EBU R128.", low=GATE_LUFS),
        Quantity(
            "true_peak_db", "dBTP", "lower", "Highest peak between samples; above -1 players may distort."
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Loudness of all channels together and the highest peak of any."""
        if not clip.has_audio:
            nothing = Unscorable("The clip has no sound track.")
            return {"integrated_lufs": nothing, "true_peak_db": nothing}
        peak = true_peak_db(clip.samples)
        if peak is None:
            silent = Unscorable("The sound is digital silence: it has no level.")
            return {"integrated_lufs": silent, "true_peak_db": silent}
        return {"integrated_lufs": _loudness(clip), "true_peak_db": Value(peak)}


def integrated_lufs(samples: Samples, rate_hz: int) -> float | None:
    """Gated loudness of (1, 2, 5 or 6 channels, m) samples; None where no block is above -70 LUFS.

    Raises ValueError for another number of channels or less than 0.4 s.
    """
    if len(samples) not in WEIGHTS:
        raise ValueError(f"Loudness is known for mono, stereo, 5.0 and 5.1, not for {len(samples)} channels.")
    hop = round(HOP_S * rate_hz)
    per_block = round(BLOCK_S / HOP_S)
    count = samples.shape[1] // hop
    if count < per_block:
        raise ValueError(f"The sound lasts less than {BLOCK_S} s, the shortest that has a loudness.")
    weighted = k_weighted(samples, rate_hz)[:, : count * hop]
    power = np.array(WEIGHTS[len(samples)]) @ (weighted.reshape(len(samples), count, hop) ** 2).mean(axis=2)
    blocks = np.convolve(power, np.full(per_block, 1 / per_block), mode="valid")
    heard = blocks[blocks > _power(GATE_LUFS)]
    if not heard.size:
        return None
    heard = heard[heard > heard.mean() * 10 ** (RELATIVE_GATE_LU / 10)]
    return OFFSET_LU + 10 * float(np.log10(heard.mean()))


def k_weighted(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    """(channels, m) samples as loudness hears them."""
    from scipy.signal import sosfilt

    return np.asarray(sosfilt(np.stack([_shelf(rate_hz), _high_pass(rate_hz)]), samples), np.float64)


def true_peak_db(samples: Samples) -> float | None:
    """Highest peak in dB re full scale of (channels, m) samples, oversampled; None for digital silence."""
    from scipy.signal import resample_poly

    peak = max(float(np.abs(resample_poly(channel, OVERSAMPLING, 1)).max()) for channel in samples)
    return 20 * float(np.log10(peak)) if peak > 0 else None


def _loudness(clip: AVClip) -> Reading:
    try:
        level = integrated_lufs(clip.samples, clip.rate_hz)
    except ValueError as error:
        return Unscorable(str(error))
    if level is None:
        return Unscorable(f"The sound stays below {GATE_LUFS:g} LUFS, where R128 hears nothing.")
    return Value(level)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LU) / 10))


def _shelf(rate_hz: int) -> NDArray[np.float64]:
    """+4 dB above about 1.7 kHz: what a head does to sound. One section b0 b1 b2 1 a1 a2."""
    frequency_hz, gain_db, quality = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = float(np.tan(np.pi * frequency_hz / rate_hz))
    high = 10 ** (gain_db / 20)
    middle = high**0.4996667741545416
    scale = 1 + k / quality + k * k
    above = [high + middle * k / quality + k * k, 2 * (k * k - high), high - middle * k / quality + k * k]
    return np.array([*above, scale, 2 * (k * k - 1), 1 - k / quality + k * k]) / scale


def _high_pass(rate_hz: int) -> NDArray[np.float64]:
    """What lies below about 38 Hz counts little. One section b0 b1 b2 1 a1 a2."""
    frequency_hz, quality = 38.13547087602444, 0.5003270373238773
    k = float(np.tan(np.pi * frequency_hz / rate_hz))
    scale = 1 + k / quality + k * k
    return np.array([1, -2, 1, 1, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale])

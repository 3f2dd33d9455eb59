"""Bandwidth: up to which frequency a clip's sound really reaches, in Hz.

A sound track of 48 kHz may hold sound made at 16 kHz, with nothing above 8 kHz. The cutoff is the highest
frequency at which the spectrum comes within 70 dB of its strongest part: its 90th percentile over the frames
within 40 dB of the loudest, so that a click counts for as little as a pause. `edge_db` in the details is the
fall of the spectrum around it: tens of dB where a resampler or codec cut the sound off, little where the
sound itself fades out.

A description: thunder has no treble to lose. Resamplers that leave mirror images (linear interpolation) hide
the cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Bandwidth", "cutoff", "spectrum_db"]

Array = NDArray[np.float64]

WINDOW_S = 0.085
BAND_HZ = 100.0
WITHIN_DB = 70.0
SOUNDING_DB = 40.0
OFTEN = 0.9
AROUND = 9
"""Bands looked at on either side of the cutoff to tell how steep it is."""


class Bandwidth(Metric):
    """The highest frequency with sound in it."""

    name: ClassVar[str] = "bandwidth"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    source: ClassVar[str] = "ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "cutoff_hz",
            "Hz",
            "none",
            "Highest frequency within 70 dB of the strongest; far below half the sampling rate where the "
            "sound was made at a lower one.",
            low=0.0,
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The cutoff of the mean of all channels."""
        return {"cutoff_hz": _read(clip)}


def spectrum_db(mono: NDArray[np.float32], rate_hz: int) -> tuple[Array, Array]:
    """(upper edges in Hz, levels in dB) of bands about 100 Hz wide, of (m,) samples, m at least 85 ms.

    Frames of about 85 ms under a Blackman-Harris window, whose leakage stays 92 dB down.
    """
    from scipy.signal.windows import blackmanharris

    length = 2 ** round(np.log2(rate_hz * WINDOW_S))
    if len(mono) < length:
        raise ValueError(f"A spectrum needs {length / rate_hz:.2f} s of sound; there is less.")
    frames = np.lib.stride_tricks.sliding_window_view(mono.astype(np.float64), length)[:: length // 2]
    power = np.abs(np.fft.rfft(frames * blackmanharris(length, sym=False), axis=1)) ** 2
    loudness = power.sum(axis=1)
    sounding = power[loudness >= loudness.max() * 10 ** (-SOUNDING_DB / 10)]
    often = np.quantile(sounding, OFTEN, axis=0)
    wide = max(1, round(BAND_HZ * length / rate_hz))
    count = len(often) // wide
    bands = often[: count * wide].reshape(count, wide).mean(axis=1)
    edges = np.arange(1, count + 1) * wide * rate_hz / length
    return edges, 10 * np.log10(np.maximum(bands, 1e-30))


def cutoff(edges_hz: Array, levels_db: Array) -> tuple[float, float | None]:
    """(Hz, fall in dB around it) of a spectrum; no fall is told where the spectrum ends there."""
    last = int(np.flatnonzero(levels_db >= levels_db.max() - WITHIN_DB)[-1])
    below, above = levels_db[max(0, last - AROUND) : last], levels_db[last + 2 : last + 2 + AROUND]
    fall = float(np.median(below) - np.median(above)) if len(below) and len(above) == AROUND else None
    return float(edges_hz[last]), fall


def _read(clip: AVClip) -> Reading:
    if not clip.has_audio:
        return Unscorable("The clip has no sound track.")
    if not np.any(clip.mono):
        return Unscorable("The sound is digital silence: it has no spectrum.")
    try:
        edges, levels = spectrum_db(clip.mono, clip.rate_hz)
    except ValueError as error:
        return Unscorable(str(error))
    reaches_hz, fall_db = cutoff(edges, levels)
    edge = {} if fall_db is None else {"edge_db": round(fall_db, 1)}
    return Value(reaches_hz, {"could_reach_hz": clip.rate_hz / 2, **edge})

"""Audio content: for which share of a clip there is speech, a steady tone, or other sound.

- `speech_share`: somebody speaks (`metrics.speech.track`).
- `tone_share`: a partial between 80 and 4000 Hz keeps its pitch within 30 cents for half a second. Melodic
  music has such tones nearly always; so do bells, beeps and hums. Talk glides and has none. Drums and notes
  shorter than half a second have none either: telling music as such from other sound takes a trained model,
  and this is not one.
- `other_share`: neither, but above -60 dBFS.

Shares of the clip's time, 0..1; speech over music counts for both. Descriptions, not qualities. Peak picking
and following of partials after McAulay and Quatieri 1986.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.audio.levels import silent_stretches
from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.speech import track
from metrics.speech.track import RATE_HZ, Samples, speech

__all__ = ["AudioContent", "partials", "steady_tones"]

WINDOW, HOP, POINTS = 2048, 320, 4096
"""Samples at 16 kHz: 128 ms of sound every 20 ms, transformed with as many zeros again."""
LOWEST_HZ, HIGHEST_HZ = 80.0, 4000.0
STANDS_OUT_DB = 10.0
"""How far a partial stands above the median of its surroundings …"""
SURROUNDINGS = 61
"""… so many bins of the transform (240 Hz)."""
AUDIBLE_DB = 50.0
"""Partials this far below the strongest of the clip do not count."""
SAME_CENTS = 30.0
HELD_S = 0.5
GRID_S = 0.01


class AudioContent(Metric):
    """What kind of sound there is, and for how long."""

    name: ClassVar[str] = "audio_content"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    source: ClassVar[str] = "Silero VAD v6; partials after McAulay and Quatieri 1986"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("speech_share", "", "none", "Share of the clip's time in which somebody speaks.", 0.0, 1.0),
        Quantity(
            "tone_share",
            "",
            "none",
            "Share of the clip's time with a steady tone: melodic music, bells, hums.",
            0.0,
            1.0,
        ),
        Quantity("other_share", "", "none", "Share of the clip's time with sound that is neither.", 0.0, 1.0),
    )

    @classmethod
    def missing(cls) -> str | None:
        """What finds the speech."""
        return track.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Time before the track begins and after it ends holds nothing."""
        times = np.arange(GRID_S / 2, clip.duration_s, GRID_S)
        if not clip.has_audio or not times.size:
            nothing = Unscorable("The clip has no sound track." if times.size else "The clip has no length.")
            return {quantity.name: nothing for quantity in self.quantities}
        heard = clip.once(speech)
        spoken = _within(times, heard.spoken)
        tones = [(heard.start_s + a, heard.start_s + b) for a, b in steady_tones(heard.samples)]
        toned = _within(times, tones)
        silences = silent_stretches(clip.samples, clip.rate_hz, clip.audio_start_s, clip.duration_s)
        other = ~spoken & ~toned & ~_within(times, silences)
        shares = {"speech_share": spoken, "tone_share": toned, "other_share": other}
        return {name: Value(float(mask.mean())) for name, mask in shares.items()}


def steady_tones(samples: Samples) -> list[tuple[float, float]]:
    """(start, end) in seconds of each partial in (m,) samples at 16 kHz that holds its pitch; may overlap."""
    held: list[tuple[float, float]] = []
    began = np.zeros(0)  # the pitch each partial under way began with, in cents, …
    since = np.zeros(0, np.intp)  # … and when, in steps
    for now, pitches in enumerate([*partials(samples), np.zeros(0)]):
        near = np.abs(pitches[:, None] - began[None, :]) < SAME_CENTS
        goes_on, new = near.any(axis=0), ~near.any(axis=1)
        held += [_span(int(start), now - 1) for start in since[~goes_on]]
        began = np.concatenate([began[goes_on], pitches[new]])
        since = np.concatenate([since[goes_on], np.full(int(new.sum()), now)])
    return [(start, end) for start, end in held if end - start >= HELD_S]


def partials(samples: Samples) -> list[NDArray[np.float64]]:
    """For each 20 ms of (m,) samples at 16 kHz, the pitches in cents (of 1 Hz) of what stands out."""
    from scipy.ndimage import median_filter

    if len(samples) < WINDOW:
        return []
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), POINTS, axis=1)) ** 2
    width_hz = RATE_HZ / POINTS
    low, high = round(LOWEST_HZ / width_hz), round(HIGHEST_HZ / width_hz)
    level = 10 * np.log10(np.maximum(power[:, : high + SURROUNDINGS], 1e-12))
    usual = median_filter(level, size=(1, SURROUNDINGS))
    peak = np.zeros(level.shape, bool)
    middle = level[:, 1:-1]
    peak[:, 1:-1] = (middle > level[:, :-2]) & (middle >= level[:, 2:])
    peak &= (level > usual + STANDS_OUT_DB) & (level > level.max() - AUDIBLE_DB)
    peak[:, :low] = peak[:, high:] = False
    return [
        _pitches(line, np.flatnonzero(places), width_hz) for line, places in zip(level, peak, strict=True)
    ]


def _pitches(level: NDArray[np.float64], bins: NDArray[np.intp], width_hz: float) -> NDArray[np.float64]:
    """Cents of each peak, between its bins by a parabola."""
    before, top, after = level[bins - 1], level[bins], level[bins + 1]
    return np.asarray(1200 * np.log2((bins + 0.5 * (before - after) / (before - 2 * top + after)) * width_hz))


def _span(first: int, last: int) -> tuple[float, float]:
    """Seconds from the middle of one window to the middle of another."""
    return (first * HOP + WINDOW / 2) / RATE_HZ, (last * HOP + WINDOW / 2) / RATE_HZ


def _within(times_s: NDArray[np.float64], stretches: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Which of the times lie in one of the stretches."""
    inside = np.zeros(len(times_s), bool)
    for start, end in stretches:
        inside |= (times_s >= start) & (times_s < end)
    return inside

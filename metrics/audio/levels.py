"""Silence and clipping of a clip's sound.

- Silence: share of the clip's time, 0..1, in which the sound stays below -60 dBFS (10 ms RMS), and the
  longest such stretch in seconds. A description: some prompts ask for silence.
- Clipping: share of samples, 0..1, that lie in flat tops: runs of three or more samples at the track's own
  ceiling when that is within 3 dB of full scale. Lower is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Clipping", "Silence", "clipped_share", "silent_stretches"]

Samples = NDArray[np.float32]

SILENT_DB = -60.0
SILENCE_WINDOW_S = 0.01
CEILING_DB = -3.0
FLAT = 3

NO_SOUND = Unscorable("The clip has no sound track.")


class Silence(Metric):
    """How much of a clip is silent."""

    name: ClassVar[str] = "silence"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "share", "", "none", "Share of the clip's time without sound above -60 dBFS, 0..1.", 0.0, 1.0
        ),
        Quantity("longest_s", "s", "none", "Longest stretch of it.", 0.0),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Time before the track begins and after it ends counts as silent."""
        if not clip.has_audio:
            return {"share": NO_SOUND, "longest_s": NO_SOUND}
        stretches = silent_stretches(clip.samples, clip.rate_hz, clip.audio_start_s, clip.duration_s)
        lengths = [end - start for start, end in stretches]
        share = min(1.0, sum(lengths) / clip.duration_s) if clip.duration_s else 0.0
        return {"share": Value(share), "longest_s": Value(max(lengths, default=0.0))}


class Clipping(Metric):
    """How much of a clip's sound is cut off at its ceiling."""

    name: ClassVar[str] = "clipping"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("share", "", "lower", "Share of samples in flat tops near full scale, 0..1.", 0.0, 1.0),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Share over all channels."""
        return {"share": Value(clipped_share(clip.samples)) if clip.has_audio else NO_SOUND}


def silent_stretches(
    samples: Samples, rate_hz: int, start_s: float, duration_s: float
) -> list[tuple[float, float]]:
    """(start, end) in seconds within [0, duration_s] of the times no channel is above -60 dBFS.

    samples: (channels, m), the first sounding at `start_s`. Resolution 10 ms.
    """
    window = max(1, round(SILENCE_WINDOW_S * rate_hz))
    count = int(np.ceil(duration_s / SILENCE_WINDOW_S))
    first = round(start_s * rate_hz)
    track = np.zeros((samples.shape[0], count * window), np.float32)
    begin, end = max(0, first), min(track.shape[1], first + samples.shape[1])
    if end > begin:
        track[:, begin:end] = samples[:, begin - first : end - first]
    rms = np.sqrt((track.reshape(len(track), count, window) ** 2).mean(axis=2)).max(axis=0)
    quiet = np.concatenate([[False], rms < 10 ** (SILENT_DB / 20), [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8))).reshape(-1, 2) * SILENCE_WINDOW_S
    return [(float(start), float(min(stop, duration_s))) for start, stop in edges]


def clipped_share(samples: Samples) -> float:
    """Share, 0..1, of (channels, m) samples in runs of three or more at their channel's own ceiling.

    A limiter leaves flat tops below full scale too, so the ceiling is each channel's highest magnitude,
    if that is above -3 dBFS.
    """
    clipped = 0
    for channel in np.abs(samples):
        ceiling = channel.max()
        if ceiling < 10 ** (CEILING_DB / 20):
            continue
        at_top = np.concatenate([[False], channel >= ceiling * 0.9999, [False]])
        runs = np.diff(np.flatnonzero(np.diff(at_top.astype(np.int8))).reshape(-1, 2), axis=1)
        clipped += int(runs[runs >= FLAT].sum())
    return clipped / samples.size

"""Container: what the file's own clocks say of sound and picture, before anybody looks or listens.

- `start_s`: when the first sample sounds, seconds after the first picture is shown; positive: it begins late.
  Encoder priming (AAC, MP3), pre-skip (Opus) and edit lists are taken off, as players take them off.
- `end_s`: when the sound ends, seconds after the last picture does; negative: it falls silent before.

Both are properties of the file: a late start is an error of muxing, or a track with nothing to say at first.
Whether what is heard fits what is seen is for `event_sync` and the lip metrics to tell.

`beep_lag` measures the clocks from outside, on clips made for it: a picture flashes as a tone begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["Container", "beep_lag", "beep_onsets", "flash_onsets"]

Array = NDArray[np.float64]

ENVELOPE_S = 0.0045
"""Length over which power is averaged: nine half-periods of the customary tone of 1 kHz, so that the average
is even where the tone holds, and steepest where it has risen half-way."""
APART_S = 0.05
"""Two beeps are at least this far apart; what rises again sooner is ringing."""


class Container(Metric):
    """How the tracks of sound and picture lie against each other."""

    name: ClassVar[str] = "container"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound",)
    question: ClassVar[str] = ""
    source: ClassVar[str] = "ours; the containers' timestamps through FFmpeg"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "start_s",
            "s",
            "zero",
            "When the first sample sounds after the first picture is shown; positive: the sound begins late.",
        ),
        Quantity(
            "end_s",
            "s",
            "zero",
            "When the sound ends after the last picture does; negative: the sound ends before the picture.",
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Both differences, or that there is no sound track."""
        if not clip.has_audio:
            mute = Unscorable("The clip has no sound.")
            return {"start_s": mute, "end_s": mute}
        sound_s = clip.samples.shape[1] / clip.rate_hz
        details = {"sound_s": round(sound_s, 6), "picture_s": round(clip.duration_s, 6)}
        return {
            "start_s": Value(clip.audio_start_s, details),
            "end_s": Value(clip.audio_start_s + sound_s - clip.duration_s, details),
        }


def beep_lag(
    frame_times_s: Array, grey: NDArray[np.uint8], samples: NDArray[np.float32], rate_hz: int, start_s: float
) -> float:
    """Seconds by which beeps are heard after flashes are seen, the median over flashes; positive: sound late.

    frame_times_s: (n,); grey: (n, height, width); samples: (m,) mono, the first of them sounds at `start_s`.
    Each flash is held against the beep nearest to it. Raises ValueError where nothing flashes or beeps.
    """
    flashes = flash_onsets(frame_times_s, grey)
    beeps = beep_onsets(samples, rate_hz, start_s)
    if not flashes.size or not beeps.size:
        missing = "flashes in the picture" if not flashes.size else "beeps in the sound"
        raise ValueError(f"A beep is measured against a flash, and nothing {missing}.")
    apart = beeps[None, :] - flashes[:, None]
    return float(np.median(apart[np.arange(len(flashes)), np.abs(apart).argmin(axis=1)]))


def flash_onsets(frame_times_s: Array, grey: NDArray[np.uint8]) -> Array:
    """When pictures become bright: times of frames that rise above halfway between darkest and brightest."""
    bright = grey.mean(axis=(1, 2), dtype=np.float64)
    lit = bright > (bright.min() + bright.max()) / 2
    rises = np.flatnonzero(lit[1:] & ~lit[:-1]) + 1
    return np.asarray(frame_times_s[rises], np.float64)


def beep_onsets(samples: NDArray[np.float32], rate_hz: int, start_s: float) -> Array:
    """When tones begin: where their power, averaged over 4.5 ms around each sample, reaches half its height.

    The average of a tone that is switched on rises evenly, and is half-way up at the moment of switching,
    which is found between two samples; a coder that smears the edge to both sides alike does not move it.
    """
    if not np.any(samples):
        return np.zeros(0)
    length = 2 * round(ENVELOPE_S * rate_hz / 2) + 1
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(length) / length, mode="same")
    half = 0.5 * np.median(power[power > 0.25 * power.max()])
    rises = np.flatnonzero((power[1:] >= half) & (power[:-1] < half))
    kept: list[float] = []
    for rise in rises:
        share = (half - power[rise]) / (power[rise + 1] - power[rise])
        time = start_s + (rise + share) / rate_hz
        if not kept or time - kept[-1] > APART_S:
            kept.append(time)
    return np.array(kept)

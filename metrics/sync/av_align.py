"""AV-Align, as published (Yariv et al. 2023, arXiv 2309.16429), for comparison only.

Onsets of the sound (librosa) and local maxima of the mean flow (Farneback 2003) are moments; one of the sound
counts as matched if one of the picture lies within a frame of it. The score is intersection over union, 0..1,
higher is better: matched / (heard + seen - matched), where each onset is matched at most once but several
may share a moment of the picture.

It ranks sets of clips. It states no offset, a clip of many moments matches by chance, and at ±1 frame it
cannot tell late sound from none: `event_sync` is the metric to judge by. One thing differs from the
published program: flow is taken from pictures of at most 320 pixels instead of full size (at 1080p, 36 times
as many pixels), so its threshold of a tenth of a pixel means more movement.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value

__all__ = ["AVAlign", "flow_lengths", "flow_peaks", "intersection_over_union", "onsets"]

Array = NDArray[np.float64]

RATE_HZ = 22_050
"""librosa's own rate, at which the published program reads sound."""
STILL_PX = 0.1
"""A maximum of mean flow below this is no movement."""


class AVAlign(Metric):
    """Share of onsets and motion peaks that meet."""

    name: ClassVar[str] = "av_align"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("sound", "motion")
    packages: ClassVar[tuple[str, ...]] = ("cv2", "librosa")
    question: ClassVar[str] = "av_sync"
    source: ClassVar[str] = "Yariv et al. 2023, arXiv 2309.16429; for comparison only"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "iou",
            "share",
            "higher",
            "Onsets within a frame of a peak of motion, as intersection over union; for comparison only.",
            low=0.0,
            high=1.0,
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The score, or which side has no moments to match."""
        return {"iou": _read(clip)}


def _read(clip: AVClip) -> Reading:
    if not clip.has_audio:
        return Unscorable("The clip has no sound.")
    heard = onsets(clip.mono, clip.rate_hz, clip.audio_start_s)
    seen = flow_peaks(clip.frame_times_s, flow_lengths(clip.grey))
    if not heard.size:
        return Unscorable("Nothing in the sound has an onset.")
    if not seen.size:
        return Unscorable("The motion in the picture has no peak.")
    score = intersection_over_union(heard, seen, float(np.median(clip.frame_durations_s)))
    return Value(score, {"onsets": len(heard), "peaks": len(seen)})


def onsets(samples: NDArray[np.float32], rate_hz: int, start_s: float) -> Array:
    """Onset times by librosa's defaults of (m,) mono samples, the first of which sounds at `start_s`."""
    import librosa

    if not np.any(samples):
        return np.zeros(0)
    sound = librosa.resample(samples, orig_sr=rate_hz, target_sr=RATE_HZ)
    times = librosa.onset.onset_detect(y=sound, sr=RATE_HZ, units="time")
    return np.asarray(times, np.float64) + start_s


def flow_lengths(grey: NDArray[np.uint8]) -> Array:
    """(n - 1,): mean length in pixels of the flow from each of (n, height, width) pictures to the next."""
    import cv2

    lengths = []
    for before, after in pairwise(grey):
        start = np.zeros((*before.shape, 2), np.float32)
        flow = cv2.calcOpticalFlowFarneback(before, after, start, 0.5, 3, 15, 3, 5, 1.2, 0)
        lengths.append(float(np.hypot(flow[..., 0], flow[..., 1]).mean()))
    return np.array(lengths)


def flow_peaks(frame_times_s: Array, lengths: Array) -> Array:
    """Times of the local maxima of `lengths` (n - 1,), each stamped with the later of its two frames.

    The program repeats the first length, so that the first one is never a maximum; nor is the last.
    """
    middle = lengths[1:-1]
    tops = (middle > lengths[:-2]) & (middle > lengths[2:]) & (middle >= STILL_PX)
    return np.asarray(frame_times_s[2:-1][tops], np.float64)


def intersection_over_union(heard_s: Array, seen_s: Array, frame_s: float) -> float:
    """Matched onsets over all moments; an onset matches if a peak lies less than `frame_s` away.

    Raises ValueError where there is no moment on either side.
    """
    if not heard_s.size and not seen_s.size:
        raise ValueError("Neither sound nor picture has a moment; there is no share of nothing.")
    near = np.abs(heard_s[:, None] - seen_s[None, :]) < frame_s
    matched = int(near.any(axis=1).sum()) if near.size else 0
    return matched / (len(heard_s) + len(seen_s) - matched)

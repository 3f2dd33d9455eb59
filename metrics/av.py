"""A clip decoded once, shared by all metrics: what is seen and heard, and when.

Conventions: times in seconds on the clock of presentation, zero at the first visible frame. A frame is
shown from its own time until the next one's. Sound is float32 of shape (channels, samples), full scale
±1, as decoded (it may exceed full scale); its first sample sounds at `audio_start_s`, which is negative
where the sound begins before the picture. Grey frames are full-range luma (0 black, 255 white), upright
(rotation applied), square-pixelled, at most 320 pixels on the longer side.

Timestamps come from the container alone and samples are never counted across a gap: edit lists, encoder
priming (AAC), pre-skip (Opus), variable frame rates and late tracks are all honoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["AVClip", "ClipError"]


class ClipError(ValueError):
    """A file is not the playable clip it should be; the message is a finished sentence."""


@dataclass(frozen=True, eq=False, slots=True)
class AVClip:
    """Picture and sound of one clip, decoded. Make it with `AVClip.open`, or from arrays."""

    frame_times_s: NDArray[np.float64]
    """(n,), strictly increasing, the first is 0."""
    grey: NDArray[np.uint8]
    """(n, height, width)."""
    samples: NDArray[np.float32]
    """(channels, m); (0, 0) without a sound track."""
    rate_hz: int
    """Samples a second; 0 without a sound track."""
    audio_start_s: float = 0.0
    last_frame_s: float = 0.0
    """How long the last frame is shown; 0 if the file does not say and there is no other frame."""
    path: Path | None = None

    def __post_init__(self) -> None:
        if not (self.frame_times_s.size == len(self.grey) > 0):
            raise ClipError(
                f"A clip needs a time for each frame and at least one frame; found {self.frame_times_s.size} "
                f"times and {len(self.grey)} frames."
            )
        if self.frame_times_s[0] != 0 or np.any(np.diff(self.frame_times_s) <= 0):
            raise ClipError("Frame times must begin at 0 and strictly increase; these do not.")

    @classmethod
    def open(cls, path: Path) -> AVClip:
        """Decode `path`. Raises ClipError where it is missing, damaged, cut off, too long, or no video."""
        from metrics.decoding import decode

        return decode(path)

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track with at least one sample (it may still be silent)."""
        return self.samples.size > 0

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last."""
        return float(self.frame_times_s[-1]) + self.last_frame_s

    @property
    def frame_durations_s(self) -> NDArray[np.float64]:
        """(n,): how long each frame is shown; their sum is `duration_s`."""
        return np.append(np.diff(self.frame_times_s), self.last_frame_s)

    @property
    def mono(self) -> NDArray[np.float32]:
        """(m,): the mean of all channels."""
        if not self.has_audio:
            return np.zeros(0, np.float32)
        return np.asarray(self.samples.mean(axis=0), np.float32)

    def colour_frames(self, side: int | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """(time, RGB frame of shape (height, width, 3)) one by one, decoded anew, nothing kept.

        `side` bounds the longer side in pixels; None keeps full size. Raises ClipError where the clip
        was made from arrays, or its file is gone.
        """
        from metrics.decoding import colour_frames

        if self.path is None:
            raise ClipError("This clip was made from arrays and has no colour frames; open it from a file.")
        return colour_frames(self.path, side)

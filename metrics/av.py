"""A clip decoded once, shared by all metrics: what is seen and heard, and when.

Conventions: times in seconds on the clock of presentation, zero at the first visible frame. A frame is
shown from its own time until the next one's. Sound is float32 of shape (channels, samples), full scale
±1, as decoded (it may exceed full scale); its first sample sounds at `audio_start_s`, which is negative
where the sound begins before the picture. Grey frames are full-range luma (0 black, 255 white), upright
(rotation applied), square-pixelled, at most 320 pixels on the longer side. Colour pictures are kept too,
as I420 (BT.601, video range, half a byte of colour for each byte of luma), at most 1280 pixels on the
longer side, so that no metric decodes the file again.

Timestamps come from the container alone and samples are never counted across a gap: edit lists, encoder
priming (AAC), pre-skip (Opus), variable frame rates and late tracks are all honoured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["AVClip", "Brief", "ClipError"]

T = TypeVar("T")


class ClipError(ValueError):
    """A file is not the playable clip it should be; the message is a finished sentence."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What the clip was asked to show and say. Nothing here is known of who made it."""

    text: str = ""
    """The prompt."""
    language: str = ""
    """Of the text and of the words to be spoken: zh, yue, en, ja, ko, fr, de."""
    spoken: str | None = None
    """The words to be spoken, if any."""
    reading: str | None = None
    """How `spoken` is pronounced where the script does not say: pinyin with tone digits (zh), kana (ja)."""
    first_frame: Path | None = None
    """The picture it was to begin with (image to video)."""


@dataclass(frozen=True, eq=False, slots=True)
class AVClip:
    """Picture and sound of one clip, decoded. Make it with `AVClip.open`, or from arrays (`of_pictures`)."""

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
    i420: NDArray[np.uint8] | None = None
    """(n, height * 3 / 2, width): colour pictures, of even size; None where only grey is known."""
    brief: Brief = Brief()
    _derived: dict[Callable[[AVClip], Any], Any] = field(default_factory=dict, repr=False, init=False)

    def __post_init__(self) -> None:
        if not (self.frame_times_s.size == len(self.grey) > 0):
            raise ClipError(
                f"A clip needs a time for each frame and at least one frame; found {self.frame_times_s.size} "
                f"times and {len(self.grey)} frames."
            )
        if self.frame_times_s[0] != 0 or np.any(np.diff(self.frame_times_s) <= 0):
            raise ClipError("Frame times must begin at 0 and strictly increase; these do not.")

    @classmethod
    def open(cls, path: Path, brief: Brief = Brief()) -> AVClip:
        """Decode `path`. Raises ClipError where it is missing, damaged, cut off, too long, or no video."""
        from metrics.decoding import decode

        clip = decode(path)
        return replace(clip, brief=brief)

    @classmethod
    def of_pictures(
        cls,
        pictures: NDArray[np.uint8],
        frame_times_s: NDArray[np.float64],
        samples: NDArray[np.float32] | None = None,
        rate_hz: int = 0,
        *,
        audio_start_s: float = 0.0,
        brief: Brief = Brief(),
    ) -> AVClip:
        """A clip of RGB pictures (n, height, width, 3) and (channels, m) samples, as if decoded."""
        from metrics.decoding import planes

        grey, i420 = planes(pictures)
        return cls(
            frame_times_s=frame_times_s,
            grey=grey,
            samples=np.zeros((0, 0), np.float32) if samples is None else samples,
            rate_hz=rate_hz,
            audio_start_s=audio_start_s,
            last_frame_s=float(np.median(np.diff(frame_times_s))) if len(frame_times_s) > 1 else 0.0,
            i420=i420,
            brief=brief,
        )

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

    def once(self, make: Callable[[AVClip], T]) -> T:
        """`make(clip)`, made at most once a clip: what several metrics share (faces, speech, flow …)."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return cast("T", self._derived[make])

    def picture(self, index: int, side: int | None = None) -> NDArray[np.uint8]:
        """The RGB picture (height, width, 3) of frame `index`; `side` bounds its longer side in pixels.

        Raises ClipError where the clip was made from grey arrays.
        """
        import cv2

        if self.i420 is None:
            raise ClipError("This clip was made from grey arrays and has no colour; open it from a file.")
        rgb = cv2.cvtColor(self.i420[index], cv2.COLOR_YUV2RGB_I420)
        longer = max(rgb.shape[:2])
        if side is not None and side < longer:
            height, width = (max(1, round(length * side / longer)) for length in rgb.shape[:2])
            rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(rgb, np.uint8)

    def colour_frames(self, side: int | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """(time, RGB picture) one by one; see `picture`."""
        for index, time in enumerate(self.frame_times_s):
            yield float(time), self.picture(index, side)

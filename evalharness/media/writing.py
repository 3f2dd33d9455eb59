"""Arrays to a video file, bit exact: what renderers call."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from evalharness.errors import MediaError
from evalharness.media.coding import encode_aac, encode_h264, write_mp4

__all__ = ["as_rate", "write_video"]


def as_rate(fps: float) -> Fraction:
    """A frame rate as the fraction it means: 23.976 is 24000/1001, 29.97 is 30000/1001.

    >>> as_rate(29.97), as_rate(25.0)
    (Fraction(30000, 1001), Fraction(25, 1))
    """
    broadcast = Fraction(round(fps * 1.001) * 1000, 1001)
    if abs(float(broadcast) - fps) < 0.005 < abs(fps - round(fps)):
        return broadcast
    return Fraction(fps).limit_denominator(1000)


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    audio: NDArray[np.float32] | None = None,
    rate_hz: int = 48_000,
    *,
    crf: int = 18,
    preset: str = "veryfast",
    audio_bit_rate: int = 192_000,
) -> None:
    """Write an MP4 whole or not at all: H.264 yuv420p, BT.709 limited range, and AAC, index first.

    frames: uint8 RGB pictures of one even size, (height, width, 3); frame k is shown from k / fps.
        They are taken one at a time, so a generator may draw them.
    audio: float32 in [-1, 1], (samples,) or (channels, samples) with 1 or 2 channels, starting with the
        first picture; None writes no sound track. Sound beyond the last picture is kept.
    rate_hz: one of AAC's rates (8000 … 96000).

    The same input gives the same bytes with the same PyAV build. Raises MediaError where there is no
    picture, sizes are odd or differ, or the encoder refuses.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise MediaError(f"{path} was to be written from no pictures at all; give at least one.")
    height, width = first.shape[:2]
    if width % 2 or height % 2:
        raise MediaError(
            f"{path} was to be written from pictures of {width}x{height}; 4:2:0 video needs even sizes: "
            "crop or pad by one line."
        )
    coded = encode_h264(
        (_to_yuv(picture, (height, width)) for picture in chain([first], pictures)),
        as_rate(fps),
        (width, height),
        {"crf": str(crf), "preset": preset},
    )
    write_mp4(path, coded, None if audio is None else encode_aac(_planes(audio), rate_hz, audio_bit_rate))


def _to_yuv(picture: NDArray[np.uint8], size: tuple[int, int]) -> VideoFrame:
    if picture.shape != (*size, 3) or picture.dtype != np.uint8:
        raise MediaError(
            f"A picture of shape {picture.shape} and type {picture.dtype} came where uint8 {(*size, 3)} "
            "was expected: every picture of a clip has the size of the first."
        )
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return frame.reformat(
        format="yuv420p", dst_colorspace="ITU709", src_color_range="JPEG", dst_color_range="MPEG"
    )


def _planes(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    sound = np.atleast_2d(np.asarray(audio, dtype=np.float32))
    if sound.ndim != 2 or sound.shape[0] not in (1, 2) or sound.shape[1] == 0:
        raise MediaError(
            f"Sound of shape {np.shape(audio)} cannot be written: give (samples,) or (channels, samples) "
            "with one or two channels and at least one sample."
        )
    return sound

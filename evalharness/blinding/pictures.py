"""A clip's pictures on the study's canvas and clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from evalharness.media.reading import TimedFrame

__all__ = ["Canvas", "Placement", "planes", "resampled"]

BLACK_LUMA, NO_CHROMA = 16, 128
FULL_RANGE = 2
HD_LINES = 720
BT709, BT601 = 1, 5
MATRICES = frozenset({1, 4, 5, 6, 7, 9, 10})
"""Matrix coefficients (ITU-T H.273) that the scaler knows."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the picture lies on the canvas; the rest is black."""

    left: int
    top: int
    width: int
    height: int


def resampled(
    frames: Iterable[TimedFrame], start_s: float, fps: Fraction, count: int
) -> Iterator[TimedFrame]:
    """For each of `count` frames at `fps` from `start_s`, the picture shown at that frame's middle.

    Looking at the middle makes the error of a change's time at most half a frame and zero on average;
    where rates are equal every picture comes exactly once. Before the first picture the first is
    held, after the last the last.
    """
    source = iter(frames)
    shown = next(source)
    for index in range(count):
        moment = start_s + float((index + Fraction(1, 2)) / fps)
        while shown.end_s <= moment:
            following = next(source, None)
            if following is None:
                break
            shown = following
        yield shown


class Canvas:
    """Fits pictures of one clip into width x height, whole and undistorted, with black around them.

    Rotation flags and non-square pixels are applied, colours become BT.709 in limited range. Pictures
    that do not say their matrix are taken as players take them: BT.709 from 720 lines, else BT.601.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.placement = Placement(0, 0, width, height)
        self._scaler = VideoReformatter()

    def draw(self, shown: TimedFrame) -> VideoFrame:
        """One picture as a yuv420p canvas; `placement` then says where it lies."""
        frame = shown.frame
        turns = frame.rotation // 90 % 4
        shown_width, shown_height = float(frame.width * shown.pixel_aspect), float(frame.height)
        if turns % 2:
            shown_width, shown_height = shown_height, shown_width
        scale = min(self.width / shown_width, self.height / shown_height)
        width = min(self.width, _even(shown_width * scale))
        height = min(self.height, _even(shown_height * scale))
        left, top = _even((self.width - width) / 2), _even((self.height - height) / 2)
        self.placement = Placement(left, top, width, height)
        stored = (height, width) if turns % 2 else (width, height)
        scaled = self._scaled(frame, *stored)
        canvas = np.full((self.height * 3 // 2, self.width), NO_CHROMA, dtype=np.uint8)
        canvas[: self.height] = BLACK_LUMA
        for target, plane, half in zip(
            planes(canvas, self.width, self.height), scaled, (1, 2, 2), strict=True
        ):
            turned = np.rot90(plane, turns)
            y, x = top // half, left // half
            target[y : y + turned.shape[0], x : x + turned.shape[1]] = turned
        return VideoFrame.from_ndarray(canvas, format="yuv420p")

    def _scaled(self, frame: VideoFrame, width: int, height: int) -> list[NDArray[np.uint8]]:
        is_rgb = frame.format.is_rgb
        full = is_rgb or frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
        unsaid = BT709 if min(frame.width, frame.height) >= HD_LINES else BT601
        scaled = self._scaler.reformat(
            frame,
            width,
            height,
            "yuv420p",
            src_colorspace=frame.colorspace if is_rgb or frame.colorspace in MATRICES else unsaid,
            dst_colorspace=BT709,
            interpolation="BICUBIC",
            src_color_range="JPEG" if full else "MPEG",
            dst_color_range="MPEG",
        )
        return planes(np.asarray(scaled.to_ndarray(), dtype=np.uint8), width, height)


def planes(picture: NDArray[np.uint8], width: int, height: int) -> list[NDArray[np.uint8]]:
    """Views of the Y, U and V planes of a yuv420p array of (height * 3 / 2, width)."""
    flat = picture.reshape(-1)
    luma, chroma = width * height, width * height // 4
    return [
        flat[:luma].reshape(height, width),
        flat[luma : luma + chroma].reshape(height // 2, width // 2),
        flat[luma + chroma :].reshape(height // 2, width // 2),
    ]


def _even(length: float) -> int:
    return max(2 if length >= 1 else 0, 2 * round(length / 2))

"""Known damage to a clip's pictures; the sound stays as it is, and so do times unless frames are dropped.

Every function is pure and repeatable to the byte: what is drawn by chance is drawn from a fixed seed, the
same draw at every level. Those that paint need colour and raise ClipError where a clip has grey alone;
those that only choose, repeat or drop frames move no pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip, ClipError

__all__ = [
    "blackened",
    "blurred",
    "dropped",
    "duplicated",
    "flickering",
    "frozen",
    "grainy",
    "marked",
    "recast",
    "repainted",
]

Picture = NDArray[np.uint8]

SEED = 20160613
SPARE = 64
"""Pixels by which the field of noise exceeds the picture each way."""
BLACK_LUMA, NO_COLOUR = 16, 128
"""Black in I420, video range."""
MARK = "SAMPLE"
MARK_HEIGHT = 0.08
"""Height of the mark's capitals as a share of the picture's."""


def repainted(clip: AVClip, change: Callable[[Picture, int], Picture]) -> AVClip:
    """Each RGB picture changed by `change(picture, index)`; grey and colour follow from the result."""
    from metrics.decoding import planes

    painted = [planes(change(clip.picture(index), index)[None]) for index in range(len(clip.grey))]
    grey, i420 = (np.concatenate(parts) for parts in zip(*painted, strict=True))
    return replace(clip, grey=grey, i420=i420)


def grainy(clip: AVClip, deviation: float) -> AVClip:
    """Gaussian noise of this standard deviation, in levels of 255, on each colour of each pixel.

    One field of noise, larger than the picture, is seen through a window that jumps from frame to frame.
    """
    rng = np.random.default_rng(SEED)
    height, width = clip.picture(0).shape[:2]
    field = rng.standard_normal((height + SPARE, width + SPARE, 3), np.float32) * np.float32(deviation)
    corners = rng.integers(SPARE, size=(len(clip.grey), 2))

    def grain(picture: Picture, index: int) -> Picture:
        top, left = corners[index]
        return _bytes(picture + field[top : top + height, left : left + width])

    return repainted(clip, grain)


def blurred(clip: AVClip, sigma: float) -> AVClip:
    """A Gaussian blur; `sigma` as a share of the picture's height, so that size does not matter."""
    import cv2

    def blur(picture: Picture, _index: int) -> Picture:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * picture.shape[0]), np.uint8)

    return repainted(clip, blur)


def flickering(clip: AVClip, deviation: float) -> AVClip:
    """Brightness that jumps from picture to picture: gamma exp(deviation · z), z standard normal."""
    jumps = np.random.default_rng(SEED).standard_normal(len(clip.grey))
    scale = np.arange(256) / 255

    def flicker(picture: Picture, index: int) -> Picture:
        return _bytes(255 * scale ** np.exp(deviation * jumps[index]))[picture]

    return repainted(clip, flicker)


def marked(clip: AVClip, opacity: float) -> AVClip:
    """The word SAMPLE in white at the lower right of every picture, 0 unseen to 1 opaque."""
    import cv2

    def mark(picture: Picture, _index: int) -> Picture:
        height, width = picture.shape[:2]
        scale = MARK_HEIGHT * height / 22  # capitals of this font are 22 pixels high
        thickness = max(1, round(2 * scale))
        (reach, _), _ = cv2.getTextSize(MARK, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        corner = (max(0, int(0.96 * width) - reach), int(0.95 * height))
        painted = picture.copy()
        cv2.putText(
            painted, MARK, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), thickness, cv2.LINE_AA
        )
        return _bytes(picture + opacity * (painted.astype(np.float32) - picture))

    return repainted(clip, mark)


def dropped(clip: AVClip, share: float) -> AVClip:
    """This share of the frames is gone; the rest keep their times, each shown until the next that is left.

    The first and the last frame always stay.
    """
    kept = np.flatnonzero(~_lost(len(clip.grey), share))
    return replace(_chosen(clip, kept), frame_times_s=clip.frame_times_s[kept])


def duplicated(clip: AVClip, share: float) -> AVClip:
    """This share of the frames shows the one before once more; as many frames, at the same times.

    The first and the last frame are always their own.
    """
    lost = _lost(len(clip.grey), share)
    return _chosen(clip, np.maximum.accumulate(np.where(lost, 0, np.arange(len(lost)))))


def frozen(clip: AVClip, stretch_s: float) -> AVClip:
    """The picture stands still for this long in the middle of the clip."""
    index = np.arange(len(clip.grey))
    still = _middle(clip, stretch_s)
    return _chosen(clip, np.where(still, np.argmax(still), index)) if still.any() else clip


def blackened(clip: AVClip, share: float) -> AVClip:
    """Black pictures for this share of the clip's time, in one stretch in its middle."""
    dark = _middle(clip, share * clip.duration_s)
    grey = clip.grey.copy()
    grey[dark] = 0
    i420 = None if clip.i420 is None else clip.i420.copy()
    if i420 is not None:
        luma_rows = i420.shape[1] * 2 // 3
        i420[dark, :luma_rows], i420[dark, luma_rows:] = BLACK_LUMA, NO_COLOUR
    return replace(clip, grey=grey, i420=i420)


def recast(clip: AVClip, other: AVClip, share: float) -> AVClip:
    """The pictures of another clip for the last `share` of the frames, at this clip's times.

    Raises ClipError where the two differ in size, or where the other has too few frames.
    """
    first = len(clip.grey) - round(share * len(clip.grey))
    if clip.grey.shape[1:] != other.grey.shape[1:] or len(other.grey) < len(clip.grey):
        raise ClipError("Only a clip of the same size and of as many frames can take over the picture.")
    grey = clip.grey.copy()
    grey[first:] = other.grey[first : len(grey)]
    i420 = None
    if clip.i420 is not None and other.i420 is not None and clip.i420.shape[1:] == other.i420.shape[1:]:
        i420 = clip.i420.copy()
        i420[first:] = other.i420[first : len(i420)]
    return replace(clip, grey=grey, i420=i420)


def _lost(count: int, share: float) -> NDArray[np.bool_]:
    """(count,): which frames are lost; who is lost at one share is lost at every greater one."""
    inner = 1 + np.random.default_rng(SEED).permutation(max(0, count - 2))
    lost = np.zeros(count, bool)
    lost[inner[: round(share * count)]] = True
    return lost


def _middle(clip: AVClip, stretch_s: float) -> NDArray[np.bool_]:
    """(n,): which frames begin within a stretch of this length in the middle of the clip."""
    start_s = (clip.duration_s - stretch_s) / 2
    return (clip.frame_times_s >= start_s - 1e-9) & (clip.frame_times_s < start_s + stretch_s - 1e-9)


def _chosen(clip: AVClip, index: NDArray[np.intp]) -> AVClip:
    """The frames of these numbers, at the first so many times of the clip."""
    return replace(
        clip,
        frame_times_s=clip.frame_times_s[: len(index)],
        grey=clip.grey[index],
        i420=None if clip.i420 is None else clip.i420[index],
    )


def _bytes(values: NDArray[np.floating]) -> Picture:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)

"""Faces followed at 25 pictures a second and cut out as SyncNet's published pipeline does.

A box belongs to a track whose last box it shares more than half of their union with; a face may be lost for
25 pictures, over which its box is interpolated. Tracks of more than 100 detections whose face is more than
100 pixels large count. The centre and half the longer side of the boxes, each through a median of 13
pictures, make a square: 0.4 of the half added to the left, right and below (twice), none above, so that
the mouth is in its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.sync.syncnet.distances import FPS
from metrics.sync.syncnet.network import SIDE

__all__ = ["LEAST_PX", "LEAST_SEEN", "Followed", "crop", "follow", "placed", "shown_at_ticks"]

LEAST_SEEN = 100
LEAST_PX = 100.0
LOST = 25
SAME = 0.5
MARGIN = 0.4
SMOOTHED = 13
GREY = (110, 110, 110)
"""What lies around the picture where a square reaches beyond it."""


@dataclass(slots=True, eq=False)
class Followed:
    """One face: in which pictures (of 25 a second) it was found, and where."""

    frames: list[int] = field(default_factory=list)
    found: list[NDArray[np.floating]] = field(default_factory=list)
    """(4,) left, top, right, bottom, each."""

    @property
    def first(self) -> int:
        """The first picture with it."""
        return self.frames[0]

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) for every picture from the first to the last, interpolated where it was lost."""
        every = np.arange(self.frames[0], self.frames[-1] + 1)
        return np.stack(
            [np.interp(every, self.frames, side) for side in np.stack(self.found, axis=1)], axis=1
        )

    @property
    def side_px(self) -> float:
        """The larger of its mean width and mean height."""
        left, top, right, bottom = self.boxes.mean(axis=0)
        return float(max(right - left, bottom - top))


def shown_at_ticks(frame_times_s: NDArray[np.float64], duration_s: float) -> NDArray[np.intp]:
    """(n,) which frame stands for each of the 25 pictures a second, as a constant-rate encoder picks them.

    Every frame takes the tick nearest to its time, and those up to the next frame's; of several at one
    tick the last is taken.
    """
    ticks = np.arange(max(1, round(duration_s * FPS)))
    return np.maximum(np.searchsorted(frame_times_s * FPS, ticks + 0.5) - 1, 0)


def follow(found: Sequence[NDArray[np.floating]], first: int = 0) -> list[Followed]:
    """Tracks through the boxes (k, 4) found in each picture of a shot that begins with picture `first`."""
    left = [list(boxes) for boxes in found]
    tracks = []
    while any(left):
        track = Followed()
        for frame, boxes in enumerate(left, start=first):
            if track.frames and frame - track.frames[-1] > LOST:
                break
            same = (
                i for i, box in enumerate(boxes) if not track.found or _overlap(box, track.found[-1]) > SAME
            )
            index = next(same, None)
            if index is not None:
                track.frames.append(frame)
                track.found.append(boxes.pop(index))
        tracks.append(track)
    return tracks


def placed(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) centre x, centre y and half the longer side of boxes (n, 4), each smoothed over time."""
    from scipy.signal import medfilt

    left, top, right, bottom = boxes.T
    half = np.maximum(bottom - top, right - left) / 2
    curves = ((left + right) / 2, (top + bottom) / 2, half)
    return np.stack([medfilt(curve, SMOOTHED) for curve in curves], axis=1)


def crop(picture: NDArray[np.uint8], x: float, y: float, half: float) -> NDArray[np.uint8]:
    """(224, 224, channels): the square around a face centred at (x, y), grey where there is no picture."""
    import cv2

    border = int(half * (1 + 2 * MARGIN))
    wide = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=GREY)
    x, y = x + border, y + border
    top, bottom = int(y - half), int(y + half * (1 + 2 * MARGIN))
    left, right = int(x - half * (1 + MARGIN)), int(x + half * (1 + MARGIN))
    return np.asarray(cv2.resize(wide[max(0, top) : bottom, max(0, left) : right], (SIDE, SIDE)), np.uint8)


def _overlap(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """What two boxes share, as a part of their union."""
    width, height = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0)
    common = float(width * height)
    areas = [float((box[2] - box[0]) * (box[3] - box[1])) for box in (one, other)]
    return common / (sum(areas) - common)

"""Where things go between two pictures: dense optical flow, pictures carried along it, and what is hidden.

Flow is (height, width, 2) float32 in pixels, x to the right and y down: what stands at p in the first
picture stands at p + flow[p] in the second. It is found by dense inverse search (Kroeger et al. 2016, DIS,
the fast preset with variational refinement) in luma of at most 480 pixels on the longer side, smoothed
by a pixel first so that grain is no motion. Deterministic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip

__all__ = ["SIDE", "Flow", "carried", "flow_finder", "luma", "squared", "visible"]

Picture = NDArray[np.uint8]
Flow = NDArray[np.float32]

SIDE = 480
"""Pixels on the longer side of the pictures that flow is looked for in."""
GRAIN_PX = 1.0
"""Sigma of the blur before flow is looked for."""
BLACK, WHITE = 16, 235
"""Luma of black and white in the video range, the range of `AVClip.i420`."""
SLACK_SHARE, SLACK_PX2 = 0.01, 0.5
"""How far a way there and back may miss its start: a share of both ways' squares, and squared pixels."""


def luma(clip: AVClip) -> Picture:
    """(n, height, width): full-range luma, 0..255, at most 480 pixels on the longer side.

    A clip that only knows grey gives that, as it is. Meant for `clip.once(luma)`.
    """
    import cv2

    if clip.i420 is None:
        return clip.grey
    height, width = clip.i420.shape[1] * 2 // 3, clip.i420.shape[2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    full = np.clip((np.arange(256) - BLACK) * 255 / (WHITE - BLACK), 0, 255).round().astype(np.uint8)
    small = [cv2.resize(frame[:height], size, interpolation=cv2.INTER_AREA) for frame in clip.i420]
    return np.asarray(full[np.stack(small)], np.uint8)


def flow_finder() -> Callable[[Picture, Picture], Flow]:
    """A function of two grey pictures that gives the flow from the first to the second."""
    import cv2

    algorithm = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    unguided: Any = None  # no flow to start from; cv2's types know no such thing

    def find(first: Picture, second: Picture) -> Flow:
        smooth = [cv2.GaussianBlur(picture, (0, 0), GRAIN_PX) for picture in (first, second)]
        return np.asarray(algorithm.calc(smooth[0], smooth[1], unguided), np.float32)

    return find


def carried(picture: NDArray[Any], flow: Flow) -> NDArray[np.float32]:
    """At each p, what `picture`, (height, width) or with channels, shows at p + flow[p]; edges go on."""
    import cv2

    where = _places(*flow.shape[:2]) + flow
    unsplit: Any = None  # x and y stand together in `where`; cv2's types know no such thing
    shown = cv2.remap(
        picture.astype(np.float32, copy=False),
        where,
        unsplit,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(shown, np.float32)


def visible(forward: Flow, backward: Flow) -> NDArray[np.bool_]:
    """(height, width): where following `forward` and then `backward` ends near where it began, inside.

    What fails is hidden in the other picture, or its flow is not to be trusted (Sundaram et al. 2010).
    """
    height, width = forward.shape[:2]
    back = carried(backward, forward)
    miss = squared(forward + back)
    slack = SLACK_SHARE * (squared(forward) + squared(back)) + SLACK_PX2
    where = _places(height, width) + forward
    x, y = where[..., 0], where[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return np.asarray((miss <= slack) & inside)


def squared(flow: Flow) -> NDArray[np.float32]:
    """(height, width): square of each pixel's speed."""
    x, y = flow[..., 0], flow[..., 1]
    return np.asarray(x * x + y * y, np.float32)


@lru_cache(maxsize=2)
def _places(height: int, width: int) -> NDArray[np.float32]:
    """(height, width, 2): x and y of every pixel."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([columns, rows], axis=-1)

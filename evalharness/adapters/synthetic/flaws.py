"""What a poor system does to its pictures: flicker, blur, noise, lost frames, by known amounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .knobs import Knobs
from .scenes.paint import Picture

__all__ = ["flawed"]

_FLICKER, _NOISE, _DROPS = 21, 22, 23
_SPARE = 64
"""Noise is one field, larger than the picture by this much, seen through a window that jumps."""


def flawed(frames: Iterator[Picture], knobs: Knobs, seed: int) -> Iterator[Picture]:
    """The same number of pictures, spoilt as the knobs say; with all at zero the pictures themselves."""
    flicker, noise, drops = (np.random.default_rng([seed, kind]) for kind in (_FLICKER, _NOISE, _DROPS))
    field = None
    shown: Picture | None = None
    for picture in frames:
        gain = 1 + knobs.flicker * float(flicker.standard_normal())
        corner = noise.integers(_SPARE, size=2)
        lost = float(drops.random()) < knobs.frame_drop_rate
        if lost and shown is not None:
            yield shown
            continue
        height, width = picture.shape[:2]
        if knobs.flicker:
            picture = _bytes(cv2.convertScaleAbs(picture, alpha=max(0.0, gain)))  # noqa: PLW2901 - in steps
        if knobs.blur:
            strength = knobs.blur * height / 480
            picture = _bytes(cv2.GaussianBlur(picture, (0, 0), strength))  # noqa: PLW2901 - in steps
        if knobs.noise:
            if field is None:
                field = _noise(seed, width, height, knobs.noise)
            window = field[corner[0] : corner[0] + height, corner[1] : corner[1] + width]
            picture = _bytes(np.clip(picture + window, 0, 255))  # noqa: PLW2901 - in steps
        shown = picture
        yield picture


def _bytes(picture: NDArray[Any]) -> Picture:
    return np.asarray(picture, np.uint8)


def _noise(seed: int, width: int, height: int, deviation: float) -> NDArray[np.int16]:
    rng = np.random.default_rng([seed, _NOISE, 1])
    values = rng.standard_normal((height + _SPARE, width + _SPARE, 3), np.float32) * np.float32(deviation)
    return np.round(values).astype(np.int16)

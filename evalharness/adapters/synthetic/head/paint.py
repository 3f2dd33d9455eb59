"""The brush: a canvas in head units, soft-edged masks, blending, seeded noise.

Head units: x to the right of the face's middle, y down from the crown (0) to the chin (1).
Pictures are float32 RGB in 0 to 1, shape (h, w, 3); masks float32 in 0 to 1, shape (h, w).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Canvas", "blend", "bump", "linear", "noise", "smoothstep", "srgb"]

Array = npt.NDArray[np.floating[Any]]
"""Single precision where it is kept; double on the way is no harm."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """A window on the head: `scale` pixels a unit, its left top corner at (`left`, `top`)."""

    scale: float
    left: float
    top: float
    width: int
    height: int
    x: Array = field(init=False, repr=False)
    """Column positions in head units, shape (h, w)."""
    y: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        columns = self.left + (np.arange(self.width, dtype=np.float32) + 0.5) / self.scale
        rows = self.top + (np.arange(self.height, dtype=np.float32) + 0.5) / self.scale
        x, y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    @classmethod
    def spanning(cls, scale: float, left: float, top: float, right: float, bottom: float) -> Canvas:
        """The canvas that covers a rectangle given in head units."""
        return cls(scale, left, top, round((right - left) * scale), round((bottom - top) * scale))

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice, Canvas]:
        """Rows, columns and canvas of a part, snapped to this canvas's pixels."""
        c0 = max(0, round((left - self.left) * self.scale))
        r0 = max(0, round((top - self.top) * self.scale))
        c1 = min(self.width, round((right - self.left) * self.scale))
        r1 = min(self.height, round((bottom - self.top) * self.scale))
        part = Canvas(self.scale, self.left + c0 / self.scale, self.top + r0 / self.scale, c1 - c0, r1 - r0)
        return slice(r0, r1), slice(c0, c1), part

    def inside(self, distance: Array, softness: float = 1.0) -> Array:
        """Coverage of a shape from the signed distance (head units, positive inside) to its edge."""
        return np.asarray(np.clip(distance * (self.scale / softness) + 0.5, 0.0, 1.0), dtype=np.float32)

    def blurred(self, picture: Array, sigma: float) -> Array:
        """Gaussian blur, sigma in head units."""
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * self.scale), dtype=np.float32)


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, eased between; `low` may be the greater (then it falls)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def bump(canvas: Canvas, x: float, y: float, sx: float, sy: float) -> Array:
    """A Gaussian hill of height 1."""
    return np.asarray(
        np.exp(-0.5 * (((canvas.x - x) / sx) ** 2 + ((canvas.y - y) / sy) ** 2)), dtype=np.float32
    )


def blend(picture: Array, colour: Array | tuple[float, float, float], mask: Array) -> None:
    """Lay `colour` (one, or a picture) over `picture` where `mask` says, in place."""
    picture += (np.asarray(colour, dtype=np.float32) - picture) * mask[..., None]


def linear(colour: Array | tuple[float, float, float]) -> Array:
    """Light of an sRGB value, with the plain 2.2 power."""
    return np.asarray(np.power(np.clip(colour, 0.0, 1.0), 2.2), dtype=np.float32)


def srgb(light: Array) -> Array:
    """The inverse of `linear`."""
    return np.asarray(np.power(np.clip(light, 0.0, 1.0), 1.0 / 2.2), dtype=np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, ...], cells: float) -> Array:
    """Smooth noise in -1 to 1 of shape (h, w), about `cells` features across the longer side."""
    height, width = shape
    longer = max(height, width)
    rows, columns = (max(2, round(cells * side / longer)) + 3 for side in (height, width))
    coarse = rng.uniform(-1.0, 1.0, (rows, columns)).astype(np.float32)
    grown = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, dtype=np.float32)

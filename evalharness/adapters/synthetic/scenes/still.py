"""A given picture comes alive: the camera draws nearer, and drops fall onto it as onto still water.

At time 0 the clip is the picture itself, fitted to fill the frame. A drop's rings start at the very
instant it lands; they bend the picture as a lens of that slope would.
"""

from __future__ import annotations

import math
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .paint import Picture, Sprite, blit, disc, glow, sprite
from .stage import Brief, Impact

__all__ = ["Still"]

_ZOOM, _PAN = 0.07, 0.015
"""How much nearer, and how far aside (parts of the width), the camera is at the end."""
_FALL_S = 0.22
_WAVE, _CELERITY, _LIFE_S = 0.07, 0.4, 0.6
"""Wavelength (heights), speed (heights a second) and decay of the rings."""
_COARSE = 2
"""Rings are reckoned on a grid this much coarser than the picture."""


class Still:
    """Two or three drops on one picture."""

    name: ClassVar[str] = "still"
    ambience: ClassVar[str] = "wind"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        """Raises ValueError where the brief has no picture, OSError where it cannot be read."""
        if brief.picture is None:
            raise ValueError("A still can only be moved where the prompt has a first frame.")
        self._size, self._duration_s = (width, height), brief.duration_s
        self._picture = _fitted(brief, width, height)
        rng = brief.motion()
        steps = rng.uniform(0.8, 1.3, math.ceil(brief.duration_s / 0.8) + 1)
        times = float(rng.uniform(0.5, 0.8)) + np.concatenate([[0.0], np.cumsum(steps)])
        speeds = rng.uniform(0.75, 1.0, len(times))
        places = rng.uniform((0.25, 0.35), (0.75, 0.75), (len(times), 2))
        self.impacts = tuple(
            Impact(t, "water", speed, x, y, 0.9 / speed)
            for t, speed, (x, y) in zip(times.tolist(), speeds.tolist(), places.tolist(), strict=True)
            if t < brief.duration_s
        )
        self._side = 1.0 if rng.random() < 0.5 else -1.0
        y, x = np.mgrid[:height, :width].astype(np.float32)
        self._x, self._y = x, y
        self._coarse_y, self._coarse_x = (
            np.mgrid[: math.ceil(height / _COARSE), : math.ceil(width / _COARSE)].astype(np.float32) * _COARSE
        )
        self._foam = disc((232, 240, 246))
        self._bead = _bead(0.055 * height)

    def picture(self, t_s: float) -> Picture:
        """The picture as the camera sees it at one instant."""
        width, height = self._size
        share = t_s / self._duration_s
        eased = share * share * (2 - share)
        near = 1 / (1 + _ZOOM * eased)
        shift = self._side * _PAN * width * eased * near
        map_x = (self._x - width / 2) * np.float32(near) + np.float32(width / 2 + shift)
        map_y = (self._y - height / 2) * np.float32(near) + np.float32(height / 2)
        bend = self._bend(t_s)
        if bend is not None:
            map_x += bend[..., 0]
            map_y += bend[..., 1]
        seen = cv2.remap(self._picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        canvas: Picture = np.asarray(seen, np.uint8)
        if bend is not None:
            sheen = -(0.5 * bend[..., 0] + 0.85 * bend[..., 1]) * np.float32(5.0 * 480 / height)
            canvas = np.asarray(np.clip(canvas + sheen[..., None].astype(np.int16), 0, 255), np.uint8)
        for impact in self.impacts:
            to_go = impact.time_s - t_s
            if -0.5 < to_go <= 0:
                wide = (0.0012 - 0.004 * to_go) * height
                fading = 0.8 * math.exp(to_go / 0.07)
                glow(canvas, self._foam, impact.x * width, impact.y * height, scale=wide, opacity=fading)
            if 0 < to_go < _FALL_S:
                # It falls away from the viewer: from large and high to its own size on the picture.
                far = to_go / _FALL_S
                place = (impact.x * width, (impact.y - 0.45 * far * far) * height)
                blit(canvas, self._bead, *place, scale=0.45 + 0.7 * far, opacity=min(1.0, 2.5 * (1 - far)))
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the falling drop; 0 between drops."""
        for impact in self.impacts:
            to_go = impact.time_s - t_s
            if 0 < to_go < _FALL_S:
                return 0.9 * to_go / _FALL_S**2 * self._size[1]
        return 0.0

    def _bend(self, t_s: float) -> NDArray[np.float32] | None:
        """By how many pixels each point of the picture is displaced, (height, width, 2); None by none."""
        width, height = self._size
        total: NDArray[np.float32] | None = None
        for impact in self.impacts:
            since = t_s - impact.time_s
            if not 0 <= since < 5 * _LIFE_S:
                continue
            along = self._coarse_x - np.float32(impact.x * width)
            down = self._coarse_y - np.float32(impact.y * height)
            r = np.hypot(along, down) / np.float32(height)
            table_r = np.linspace(0, float(r.max()), 1024)
            front = _CELERITY * since
            packet = np.exp(-(((table_r - front) / (0.035 + 0.17 * front)) ** 2)) * math.exp(-since / _LIFE_S)
            slope = packet * np.sin(2 * np.pi * (table_r - front) / _WAVE) * min(1.0, since / 0.03)
            reach = 0.03 * height * impact.speed * slope / np.maximum(table_r * height, 1.0)
            scale = np.take(
                reach.astype(np.float32), (r * np.float32(1023 / float(r.max()))).astype(np.int32)
            )
            here = np.dstack([along * scale, down * scale])
            total = here if total is None else total + here
        if total is None:
            return None
        rows, columns = total.shape[:2]
        whole = cv2.resize(total, (columns * _COARSE, rows * _COARSE), interpolation=cv2.INTER_LINEAR)
        return np.asarray(whole[:height, :width], np.float32)


def _fitted(brief: Brief, width: int, height: int) -> Picture:
    """The brief's picture, upright, scaled and cropped about its middle to fill the frame."""
    assert brief.picture is not None  # noqa: S101 - the caller has looked
    with Image.open(brief.picture) as file:
        upright = ImageOps.exif_transpose(file).convert("RGB")
    return np.asarray(ImageOps.fit(upright, (width, height), Image.Resampling.LANCZOS), np.uint8)


def _bead(radius: float) -> Sprite:
    """A clear drop: a dark rim, light below, a small highlight; its middle is placed."""
    n = math.ceil(radius) + 2
    y, x = (np.mgrid[: 2 * n, : 2 * n].astype(np.float32) + 0.5 - n) / np.float32(radius)
    r = np.hypot(x, y)
    below = np.clip(0.5 + 0.6 * y, 0, 1)
    spark = np.exp(-(((x + 0.36) / 0.2) ** 2) - ((y + 0.4) / 0.2) ** 2)
    tone = (90 + 150 * below) * (1 - spark) + 255 * spark
    alpha = np.clip((1 - r) * radius + 0.5, 0, 1) * (0.25 + 0.6 * np.clip(r, 0, 1) ** 3 + 0.5 * spark)
    colour = np.dstack([0.92 * tone, 0.98 * tone, np.minimum(1.04 * tone, 255)])
    return sprite(colour.astype(np.float32), np.minimum(alpha, 1).astype(np.float32), (float(n), float(n)))

"""Drops that swell under a tap, fall freely and ring a basin's surface.

A drop let go at t0 from height d reaches the water at t0 + sqrt(2 d / g). From that instant on a packet
of waves runs outwards at a steady speed, a jet rises and falls back, and droplets fly as free bodies.
"""

from __future__ import annotations

import math
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from .paint import Colour, Picture, Sprite, blit, carve, disc, glow, line, mix, revolve, rgb, sprite
from .stage import Brief, Impact
from .surfaces import finish, gradient, lamps, spread

__all__ = ["Drop"]

_METRES = 0.34
"""Metres from the top of the picture to the bottom: a close view."""
_G = 9.81 / _METRES
"""Gravity in heights a second squared."""
_SPOUT, _SURFACE, _SHORE = 0.2, 0.74, 0.5
"""Where the drop hangs, where it lands and where the water begins, in parts of the height."""
_FALL_S = math.sqrt(2 * (_SURFACE - _SPOUT) / _G)
_RADIUS = 0.03
_TILT = 0.3
"""How much flatter than wide a ring on the water looks."""
_WAVE, _CELERITY, _LIFE_S = 0.075, 0.42, 0.75
"""Wavelength (heights), speed (heights a second) and decay of the rings."""
_TABLE = 2048
_WATERS: tuple[Colour, ...] = ((38, 118, 150), (52, 128, 122), (64, 96, 150), (70, 112, 118))


class Drop:
    """One drop after the other, always onto the same spot."""

    name: ClassVar[str] = "drop"
    ambience: ClassVar[str] = "water"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._width, self._height = width, height
        rng = brief.motion()
        self._x = 0.5 * width / height
        steps = rng.uniform(0.75, 1.15, math.ceil(brief.duration_s / 0.75) + 2)
        times = float(rng.uniform(0.35, 0.7)) + np.concatenate([[0.0], np.cumsum(steps)])
        self._times: list[float] = [t for t in times.tolist() if t < brief.duration_s + _FALL_S]
        sizes = rng.uniform(0.85, 1.0, len(self._times)).tolist()
        self.impacts = tuple(
            Impact(t, "water", size, 0.5, _SURFACE, 0.95 / size)
            for t, size in zip(self._times, sizes, strict=True)
            if t < brief.duration_s
        )
        self._splashes = [
            (rng.uniform(0.1, 0.34, 9), rng.uniform(-1, 1, 9), rng.uniform(0.5, 1.0, 9)) for _ in self._times
        ]
        self._tint = brief.colour(0, _WATERS)
        self._backdrop, self._mirror = _basin(width, height, self._x, self._tint, brief)
        self._prepare_water()
        self._bead = _bead(_RADIUS * height, self._tint)
        self._foam = disc((236, 246, 252))
        self._ring = disc((8, 22, 30))

    def picture(self, t_s: float) -> Picture:
        """Tap, drop and water at one instant."""
        canvas = self._backdrop.copy()
        canvas[self._split :] = self._water(t_s)
        h, x = self._height, self._x * self._height
        landed = int(np.searchsorted(self._times, t_s, side="right"))
        if landed:
            self._draw_splash(canvas, t_s - self._times[landed - 1], landed - 1)
        if landed < len(self._times):
            to_go = self._times[landed] - t_s
            if to_go > _FALL_S:
                grown = max(0.0, 1 - (to_go - _FALL_S) / 0.6)
                blit(canvas, self._bead, x, (_SPOUT - 0.4 * _RADIUS) * h, scale=0.25 + 0.75 * grown)
            else:
                y = _SPOUT + 0.5 * _G * (_FALL_S - to_go) ** 2
                near = (y - _SPOUT) / (_SURFACE - _SPOUT)
                blit(canvas, self._ring, x, _SURFACE * h, scale=(h / 2600, h / 8000), opacity=0.5 * near)
                blit(canvas, self._bead, x, (y - _RADIUS) * h, scale=(1 - 0.1 * near, 1 + 0.14 * near))
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the falling drop; 0 while it hangs."""
        landed = int(np.searchsorted(self._times, t_s, side="right"))
        to_go = self._times[landed] - t_s if landed < len(self._times) else math.inf
        return _G * (_FALL_S - to_go) * self._height if to_go < _FALL_S else 0.0

    def _prepare_water(self) -> None:
        """For each point of the water: its distance from the spot, and the direction to it."""
        self._split = int(_SHORE * self._height)
        y, x = np.mgrid[self._split : self._height, : self._width].astype(np.float32) + 0.5
        along = x / self._height - self._x
        deep = (y / self._height - _SURFACE) / _TILT
        distance = np.maximum(np.hypot(along, deep), 1e-4)
        self._reach = float(distance.max())
        self._index = np.minimum(distance / self._reach * (_TABLE - 1), _TABLE - 1).astype(np.int32)
        self._along, self._deep = (along / distance).astype(np.float32), (deep / distance).astype(np.float32)
        self._map_x, self._map_y = x - 0.5, y - 0.5 - self._split

    def _water(self, t_s: float) -> Picture:
        """The mirror, bent by every ring that still runs."""
        r = np.linspace(0, self._reach, _TABLE)
        slope = 0.05 * np.sin(2 * np.pi * (r / 0.31 - 0.5 * t_s)) * np.minimum(r / 0.4, 1)
        for time in self._times:
            since = t_s - time
            if 0 <= since < 6 * _LIFE_S:
                front = _CELERITY * since
                width = 0.035 + 0.16 * front
                packet = np.exp(-(((r - front) / width) ** 2)) * math.exp(-since / _LIFE_S)
                slope += 2.2 * packet * np.sin(2 * np.pi * (r - front) / _WAVE) * min(1.0, since / 0.03)
        field = np.take(slope.astype(np.float32), self._index)
        lift = 0.022 * self._height * field
        bent = cv2.remap(
            self._mirror,
            self._map_x + lift * self._along,
            self._map_y + lift * self._deep,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        sheen = field * (-0.55 * self._along - 0.85 * self._deep)
        lit = bent + (58 * sheen)[..., None].astype(np.int16)
        return np.asarray(np.clip(lit, 0, 255), np.uint8)

    def _draw_splash(self, canvas: Picture, since: float, index: int) -> None:
        """The jet that rises from the spot and the droplets around it."""
        h, x, y = self._height, self._x * self._height, _SURFACE * self._height
        crown = (0.0009 + 0.004 * since) * h
        fading = 0.8 * math.exp(-since / 0.07)
        glow(canvas, self._foam, x, y, scale=(crown, _TILT * crown), opacity=fading)
        # The jet leaves at 1.15 heights a second under a gravity that the surface's pull makes stronger.
        rise = 1.15 * since - 0.5 * 5.2 * since * since
        if rise > 0:
            foot = np.array([[x, y + 0.004 * h], [x, y - rise * h]])
            line(canvas, foot, mix(self._tint, (236, 248, 252), 0.5), max(1.0, 0.022 * h))
            blit(canvas, self._bead, x, y - rise * h, scale=0.62)
        speeds, sides, sizes = self._splashes[index]
        for speed, side, size in zip(speeds.tolist(), sides.tolist(), sizes.tolist(), strict=True):
            up = 2.6 * speed * since - 0.5 * 5.2 * since * since
            if up > 0:
                place = (x + side * speed * since * h, y - up * h)
                blit(canvas, self._bead, *place, scale=0.3 * size)


def _bead(radius: float, tint: Colour) -> Sprite:
    """A clear drop: dark rim, bright below where the light leaves it; its middle is placed."""
    n = math.ceil(radius) + 2
    y, x = (np.mgrid[: 2 * n, : 2 * n].astype(np.float32) + 0.5 - n) / np.float32(radius)
    r = np.hypot(x, y)
    below = np.clip(0.5 + 0.5 * y + 0.2 * x, 0, 1)[..., None]
    colour = rgb(mix(tint, (10, 30, 44), 0.35)) * (1 - below) + rgb(mix(tint, (245, 252, 255), 0.8)) * below
    colour *= (1 - 0.45 * np.clip(r, 0, 1) ** 6)[..., None]
    spark = np.exp(-(((x + 0.36) / 0.2) ** 2) - ((y + 0.4) / 0.2) ** 2)[..., None]
    colour = colour * (1 - spark) + 255 * spark
    return sprite(
        colour.astype(np.float32),
        np.clip((1 - r) * radius + 0.5, 0, 1).astype(np.float32),
        (float(n), float(n)),
    )


def _basin(
    width: int, height: int, x: float, tint: Colour, brief: Brief
) -> tuple[Picture, NDArray[np.uint8]]:
    """The wall with the tap, and what the water mirrors."""
    rng = brief.look()
    wall = gradient(
        width, height, [(0.0, mix(tint, (18, 26, 34), 0.72)), (0.5, mix(tint, (226, 232, 228), 0.55))]
    )
    wall += spread(width, height, 0.25 * width / height, 0.35, 0.6, 0.4)[..., None] * rgb((60, 58, 46))
    lamps(wall, rng, [(255, 236, 200), mix(tint, (255, 255, 255), 0.5)], 14, _SHORE)
    h = height
    water = cv2.flip(wall[: int(_SHORE * h)], 0)
    water = cv2.resize(water, (width, height - int(_SHORE * h)), interpolation=cv2.INTER_AREA)
    water = cv2.GaussianBlur(water, (0, 0), h / 60) * 0.62 + rgb(tint) * 0.34
    depth = np.linspace(1.08, 0.66, len(water), dtype=np.float32)[:, None, None]
    mirror = finish(np.asarray(water * depth, np.float32), rng, vignette=0.12)
    canvas = finish(wall, rng)
    steel: Colour = (176, 182, 190)
    neck = revolve(np.full(round(0.3 * h), 0.036 * h, np.float32), steel, gloss=0.9, shine=24)
    blit(canvas, neck, x * h, -0.14 * h)
    lip = np.array(
        [[-0.046, 0.0], [0.046, 0.0], [0.046, 0.026], [0.036, 0.034], [-0.036, 0.034], [-0.046, 0.026]]
    )
    blit(canvas, carve([lip * h], steel, bevel=0.016 * h, gloss=0.8), x * h, 0.15 * h)
    return canvas, mirror

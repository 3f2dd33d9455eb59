"""A Newton's cradle: steel balls in a row that hand a swing from one side to the other.

The outer ball swings as a pendulum of period T, released at its highest point; balls click whenever it
comes to the row: at T/4, then every T/2, a little softer each time.
"""

from __future__ import annotations

import math
from typing import ClassVar

import cv2
import numpy as np

from .paint import Colour, Picture, Sprite, blit, disc, light, line, rgb, sprite
from .stage import Brief, Impact
from .surfaces import finish, gradient, lamps, spread

__all__ = ["Cradle"]

_BALLS = 5
_RADIUS = 0.062
_STRING = 0.46
_TOP = 0.16
_LOSS = 0.965
"""Share of the swing that is left after each click."""
_COLOURS: tuple[Colour, ...] = ((196, 160, 96), (150, 168, 190), (186, 124, 96))


class Cradle:
    """Five balls on double strings over a polished table."""

    name: ClassVar[str] = "cradle"
    ambience: ClassVar[str] = "room"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height = height
        rng = brief.motion()
        self._x = width / height / 2
        self._period = float(rng.uniform(1.0, 1.3))
        self._swing = float(rng.uniform(0.62, 0.8))
        self._release = float(rng.uniform(0.1, 0.3))
        self._side = 1 if rng.random() < 0.5 else -1
        pitch = float(rng.uniform(0.8, 1.2))
        first = self._release + self._period / 4
        clicks = max(0, math.ceil((brief.duration_s - first) / (self._period / 2)))
        self.impacts = tuple(
            Impact(
                first + k * self._period / 2,
                "steel",
                _LOSS**k,
                (self._x + self._side * (-1) ** k * 1.5 * _RADIUS) * height / width,
                _TOP + _STRING,
                pitch,
            )
            for k in range(clicks)
        )
        self._backdrop = _desk(width, height, self._x, brief)
        self._ball = _steel(_RADIUS * height, brief.colour(0, _COLOURS))
        self._shadow = disc((10, 8, 8))

    def picture(self, t_s: float) -> Picture:
        """The row at one instant."""
        canvas = self._backdrop.copy()
        h = self._height
        angle = self._angle(t_s)
        for k in range(_BALLS):
            moving = (k == 0 and angle < 0) or (k == _BALLS - 1 and angle > 0)
            turn = angle if moving else 0.0
            hook = (self._x + (k - (_BALLS - 1) / 2) * 2 * _RADIUS) * h
            x = hook + math.sin(turn) * _STRING * h
            y = (_TOP + _STRING * math.cos(turn)) * h
            lift = (_TOP + _STRING) * h - y
            size = 0.0013 * h * (1 + lift / (0.3 * h))
            blit(
                canvas,
                self._shadow,
                x + 0.02 * h,
                0.8 * h,
                scale=(size, size * 0.28),
                opacity=0.6 - 1.2 * lift / h,
            )
            for front, tone in ((-0.035, (120, 124, 132)), (0.035, (190, 194, 202))):
                line(
                    canvas,
                    np.array([[hook + front * h, (_TOP - 0.3 * front) * h], [x, y - 0.9 * _RADIUS * h]]),
                    tone,
                    h / 480,
                )
            blit(canvas, self._ball, x, y)
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the swinging ball."""
        step = 0.004
        return abs(self._angle(t_s + step) - self._angle(t_s)) / step * _STRING * self._height

    def _angle(self, t_s: float) -> float:
        """Swing in radians: negative while the left ball is out, positive while the right one is."""
        since = t_s - self._release
        if since <= 0:
            return self._side * self._swing
        clicks = math.floor(since / (self._period / 2) + 0.5)
        return self._side * self._swing * _LOSS**clicks * math.cos(2 * math.pi * since / self._period)


def _steel(radius: float, tint: Colour) -> Sprite:
    """A polished ball that mirrors a bright ceiling, a dark horizon and the table's colour."""
    n = math.ceil(radius) + 2
    y, x = (np.mgrid[: 2 * n, : 2 * n].astype(np.float32) + 0.5 - n) / np.float32(radius)
    r = np.hypot(x, y)
    z = np.sqrt(np.maximum(1 - r * r, 0))
    up = -2 * z * y
    stops = [-1.0, -0.75, -0.42, -0.12, 0.35, 1.0]
    mirror = [(110, 84, 62), (70, 54, 44), (34, 30, 34), (150, 160, 174), (214, 220, 228), (250, 250, 252)]
    colour = np.stack([np.interp(up, stops, [m[c] for m in mirror]) for c in range(3)], axis=2).astype(
        np.float32
    )
    colour *= np.float32(0.72) + rgb(tint) * np.float32(0.28 / 200)
    normal = np.dstack([x, y, z]).astype(np.float32)
    shaded = light(normal, colour, gloss=0.9, ambient=0.7, shine=90)
    return sprite(shaded, np.clip((1 - r) * radius + 0.5, 0, 1).astype(np.float32), (float(n), float(n)))


def _desk(width: int, height: int, x: float, brief: Brief) -> Picture:
    """A dusky room behind a polished table that mirrors it, and the cradle's frame."""
    rng = brief.look()
    tones: tuple[tuple[Colour, Colour], ...] = (
        ((30, 52, 66), (88, 128, 138)),
        ((58, 42, 62), (148, 112, 128)),
        ((40, 50, 40), (122, 134, 100)),
        ((40, 40, 64), (116, 118, 158)),
    )
    dark, bright = tones[int(rng.integers(len(tones)))]
    wall = gradient(width, height, [(0.0, dark), (0.72, bright), (1.0, bright)])
    lamps(wall, rng, [(255, 226, 170), (250, 250, 255), bright], 12, 0.55)
    split = int(0.72 * height)
    mirrored = cv2.GaussianBlur(wall[split - 1 :: -1][: height - split], (0, 0), 0.012 * height)
    fall = np.linspace(0.42, 0.12, height - split, dtype=np.float32)[:, None, None]
    table = gradient(width, height - split, [(0.0, (74, 46, 34)), (1.0, (118, 72, 48))])
    table *= (0.7 + 0.5 * spread(width, height, x, 0.85, 0.8, 0.3)[split:])[..., None]
    wall[split:] = table + mirrored * fall
    canvas = finish(wall, rng)
    h = height
    half = (_BALLS / 2 * 2 * _RADIUS + 0.2) * h
    for front, tone, low in ((-0.035, (92, 84, 80), 0.765), (0.035, (176, 168, 160), 0.845)):
        post_top = (_TOP - 0.3 * front) * h
        left, right = x * h - half + front * h, x * h + half + front * h
        corners = np.array([[left, low * h], [left, post_top], [right, post_top], [right, low * h]])
        line(canvas, corners + 0.004 * h, (30, 26, 26), 0.02 * h)
        line(canvas, corners, tone, 0.015 * h)
        line(canvas, corners - 0.003 * h, (232, 228, 222), 0.004 * h)
    return canvas

"""A drum and two sticks that fall in turn with constant angular acceleration.

A stroke lands when its fall ends; the skin shivers as a damped sinusoid from that instant on.
"""

from __future__ import annotations

import math
from typing import ClassVar

import cv2
import numpy as np

from .paint import Colour, Field, Picture, Sprite, blit, carve, disc, revolve, rgb, tube
from .stage import Brief, Impact
from .surfaces import finish, floor, gradient, lamps, spread

__all__ = ["Drum"]

_FALL_S, _LIFT_S = 0.11, 0.2
_RAISED = 0.62
_SKIN_Y, _RADIUS, _DEPTH = 0.56, 0.3, 0.3
"""Of the drum, in parts of the height; the skin is an ellipse a third as high as wide."""
_TILT = 0.33
_STICK = 0.52
_RHYTHMS = ((1.0, 1.0), (1.0, 0.5, 0.5), (0.75, 0.75, 0.5), (0.5, 0.5, 1.0))
_COLOURS: tuple[Colour, ...] = ((176, 38, 44), (30, 84, 150), (34, 120, 92), (206, 140, 40), (96, 56, 132))


class Drum:
    """A short rhythm, repeated; left and right hand in turn."""

    name: ClassVar[str] = "drum"
    ambience: ClassVar[str] = "room"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height, self._width = height, width
        self._x = width / height / 2
        rng = brief.motion()
        beat = float(rng.uniform(0.62, 0.8))
        rhythm = _RHYTHMS[int(rng.integers(len(_RHYTHMS)))]
        times, time = [], 0.4
        while time < brief.duration_s + 2:
            times.append(time)
            time += beat * rhythm[(len(times) - 1) % len(rhythm)] + float(rng.uniform(-0.012, 0.012))
        pitch = float(rng.uniform(0.85, 1.2))
        speeds: list[float] = rng.uniform(0.7, 1.0, len(times)).tolist()
        self._strokes = [(t, s, k % 2) for k, (t, s) in enumerate(zip(times, speeds, strict=True))]
        self.impacts = tuple(
            Impact(t, "drum", s, (self._x + (0.085, -0.085)[hand]) * height / width, _SKIN_Y, pitch)
            for t, s, hand in self._strokes
            if t < brief.duration_s
        )
        h = height
        self._stick = tube(_STICK * h, 0.017 * h, (214, 172, 116), tip=0.0105 * h, gloss=0.35)
        turn = np.linspace(0, 2 * np.pi, 24)
        self._bead = carve(
            [np.stack([0.02 * np.cos(turn), 0.028 * np.sin(turn)], axis=1) * h],
            (226, 186, 130),
            bevel=0.02 * h,
        )
        self._fist = carve(
            [np.stack([0.05 * np.cos(turn), 0.062 * np.sin(turn)], axis=1) * h],
            (198, 146, 116),
            bevel=0.045 * h,
            gloss=0.1,
        )
        self._shade = disc((20, 12, 10))
        self._backdrop = _stage(width, height, self._x, brief)
        self._skin = _skin(height)

    def picture(self, t_s: float) -> Picture:
        """Skin, then sticks."""
        canvas = self._backdrop.copy()
        h = self._height
        x, y = self._x * h, _SKIN_Y * h
        shiver = 0.0
        for time, speed, _ in self._strokes:
            if 0 <= t_s - time < 0.6:
                shiver += speed * math.exp(-(t_s - time) / 0.09) * math.cos(2 * math.pi * 17 * (t_s - time))
        self._draw_skin(canvas, x, y, shiver)
        for hand in (0, 1):
            angle = self._angle(hand, t_s)
            side = 1 if hand == 0 else -1
            tip = np.array([x + side * 0.085 * h, y + 0.012 * h])
            rest = 1.02
            pivot = tip + _STICK * h * np.array([side * math.sin(rest), -math.cos(rest)])
            lift = math.sin(min(angle, 1.2)) / math.sin(_RAISED)
            size = 0.0011 * h * (1 + 0.9 * lift)
            blit(
                canvas,
                self._shade,
                tip[0] + 0.02 * h * lift,
                tip[1],
                scale=(size, size * _TILT),
                opacity=0.45 - 0.25 * lift,
            )
            turned = side * (rest + angle)
            blit(canvas, self._stick, pivot[0], pivot[1], angle=turned)
            end = pivot + _STICK * h * np.array([-math.sin(turned), math.cos(turned)])
            blit(canvas, self._bead, end[0], end[1] - 0.012 * h, angle=turned)
            blit(canvas, self._fist, pivot[0], pivot[1], angle=turned)
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the faster stick's tip."""
        step = 0.004
        turn = max(abs(self._angle(hand, t_s + step) - self._angle(hand, t_s)) for hand in (0, 1))
        return turn / step * _STICK * self._height

    def _angle(self, hand: int, t_s: float) -> float:
        """0 on the skin, positive raised."""
        resting = 0.3
        for time, speed, which in self._strokes:
            if which != hand:
                continue
            raised = resting + (_RAISED - resting) * speed
            to_go = time - t_s
            if 0 <= to_go <= _FALL_S:
                return raised * (1 - (1 - to_go / _FALL_S) ** 2)
            if _FALL_S < to_go < _FALL_S + _LIFT_S:
                share = 1 - (to_go - _FALL_S) / _LIFT_S
                return resting + (raised - resting) * share * share * (3 - 2 * share)
            if 0 < -to_go < 0.14:
                share = -to_go / 0.14
                return resting * math.sin(share * math.pi / 2)
        return resting

    def _draw_skin(self, canvas: Picture, x: float, y: float, shiver: float) -> None:
        """The skin, its light running in rings while it shivers."""
        radius = self._skin.shape[1] // 2
        left, top = round(x) - radius, round(y) - self._skin.shape[0] // 2
        region = canvas[top : top + self._skin.shape[0], left : left + self._skin.shape[1]]
        grid_y, grid_x = np.mgrid[: region.shape[0], : region.shape[1]].astype(np.float32)
        r = np.hypot((grid_x - radius) / radius, (grid_y - region.shape[0] / 2) / (radius * _TILT))
        lit = self._skin[: region.shape[0], : region.shape[1]]
        if abs(shiver) > 0.01:
            lit = lit * (1 + 0.16 * shiver * np.cos(9.5 * r))[..., None]
        cover = np.clip((1 - r) * radius * 0.5 + 0.5, 0, 1)[..., None]
        region[...] = np.clip(region * (1 - cover) + lit * cover, 0, 255).astype(np.uint8)


def _skin(height: int) -> Field:
    """The lit drum skin (h, w, 3), worn in the middle."""
    radius = round(_RADIUS * 0.965 * height)
    y, x = np.mgrid[: 2 * math.ceil(radius * _TILT), : 2 * radius].astype(np.float32)
    u, v = x / radius - 1, y / (radius * _TILT) - 1
    r = np.hypot(u, v)
    warm = rgb((236, 224, 200)) * (0.98 - 0.16 * u - 0.08 * v)[..., None]
    worn = 0.1 * np.exp(-((r / 0.42) ** 2))[..., None]
    rim = np.clip((r - 0.9) / 0.1, 0, 1)[..., None]
    return np.asarray(warm * (1 - worn) * (1 - 0.35 * rim), np.float32)


def _stage(width: int, height: int, x: float, brief: Brief) -> Picture:
    """A lit stage with the drum's body on it."""
    rng = brief.look()
    walls: tuple[Colour, ...] = ((58, 30, 66), (28, 44, 76), (70, 34, 38), (26, 56, 58))
    tone = walls[int(rng.integers(len(walls)))]
    wall = gradient(width, height, [(0.0, (14, 12, 20)), (0.7, tone), (1.0, tone)])
    lamps(wall, rng, [(255, 210, 140), (255, 140, 120), (130, 170, 255)], 16, 0.5)
    wall += spread(width, height, x, 0.1, 0.5, 0.7)[..., None] * rgb((70, 62, 54))
    ground = floor(width, height, 0.74, (150, 106, 74), (84, 58, 48), rng, boards=6)
    ground *= (0.4 + 0.8 * spread(width, height, x, 0.9, 0.75, 0.22))[..., None]
    split = int(0.74 * height)
    wall[split:] = ground[split:]
    canvas = finish(wall, rng)
    h = height
    blit(canvas, disc((8, 5, 6)), x * h, 0.925 * h, scale=(0.0068 * h, 0.0017 * h), opacity=0.8)
    colour = brief.colour(0, _COLOURS)
    rows = round(_DEPTH * h)

    def shell(angle: Field, row: Field) -> Field:
        hoop = (row < 0.035 * h) | (row > _DEPTH * h - 0.035 * h)
        rope = np.abs(((angle * 9 / np.pi + np.abs(((row / (0.5 * _DEPTH * h)) % 2) - 1)) % 1) - 0.5) < 0.055
        paint = np.where(rope[..., None], rgb((238, 228, 204)), rgb(colour))
        return np.asarray(np.where(hoop[..., None], rgb((188, 146, 84)), paint), np.float32)

    body = revolve(np.full(rows, _RADIUS * h), shell, gloss=0.35)
    # The shell's lower edge is round like the skin: draw it row-shifted along the ellipse.
    bend = np.sqrt(np.maximum(1 - ((np.arange(body.rgba.shape[1]) - body.anchor[0]) / (_RADIUS * h)) ** 2, 0))
    drop = (bend * _RADIUS * _TILT * h).astype(np.float32)
    tall = rows + math.ceil(_RADIUS * _TILT * h) + 2
    grid_y, grid_x = np.mgrid[:tall, : body.rgba.shape[1]].astype(np.float32)
    curved = cv2.remap(body.rgba, grid_x, grid_y - drop[None, :], cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
    blit(canvas, Sprite(np.asarray(curved, np.uint8), body.anchor), x * h, _SKIN_Y * h)
    axes = (round(_RADIUS * h * 16), round(_RADIUS * _TILT * h * 16))
    centre = (round(x * h * 16), round(_SKIN_Y * h * 16))
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, (204, 162, 98), -1, cv2.LINE_AA, 4)
    return canvas

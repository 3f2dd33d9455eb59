"""A hammer on glowing iron: raised in an eased arc, falling with constant angular acceleration.

The blow lands when the fall ends: angle(t) = raised (1 - (t / fall)^2) reaches 0 at t = fall exactly.
Sparks fly as free bodies from that instant on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from .paint import Colour, Field, Picture, blit, carve, disc, glow, line, revolve, rgb
from .stage import Brief, Impact
from .surfaces import finish, floor, gradient, lamps, spread

__all__ = ["Hammer"]

_FALL_S = 0.17
_REBOUND_S = 0.16
_RAISED = 0.6
"""Angle in radians to which the hammer is raised."""
_REACH = 0.66
"""From the hand to the face of the hammer, in parts of the height."""
_FACE = (0.86, 0.565)
"""Where the face meets the iron, x and y in parts of the height for a picture twice as wide."""
_SPARKS = 34
_GRAVITY = 2.6
_COLOURS: tuple[Colour, ...] = ((150, 92, 52), (122, 70, 44), (168, 118, 66))


class Hammer:
    """Blows at a steady pace with a human's small unevenness; every blow throws sparks."""

    name: ClassVar[str] = "hammer"
    ambience: ClassVar[str] = "forge"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height = height
        rng = brief.motion()
        self._x = width / height / 2 + 0.04
        period = float(rng.uniform(0.85, 1.1))
        steps = period * (1 + 0.06 * rng.standard_normal(math.ceil(brief.duration_s / period) + 2))
        times = 0.5 + np.concatenate([[0.0], np.cumsum(np.clip(steps, 0.7, 1.4))])
        strength = rng.uniform(0.75, 1.0, len(times))
        pitch = float(rng.uniform(0.9, 1.1))
        self.impacts = tuple(
            Impact(t, "anvil", s, self._x * height / width, _FACE[1], pitch)
            for t, s in zip(times.tolist(), strength.tolist(), strict=True)
            if t < brief.duration_s
        )
        self._times = times
        # One spray a blow: speed in heights a second, direction, life in seconds.
        self._sprays = [
            (
                rng.uniform(0.35, 1.5, _SPARKS) * s,
                rng.uniform(-3.0, -0.14, _SPARKS),
                rng.uniform(0.15, 0.6, _SPARKS),
            )
            for s in strength
        ]
        self._backdrop = _smithy(width, height, self._x, brief)
        h = height
        handle = np.array(
            [[-0.03, -0.012], [0.6, -0.017], [0.64, -0.013], [0.64, 0.013], [0.6, 0.017], [-0.03, 0.016]]
        )
        head = np.array([
            [0.6, -0.085], [0.705, -0.085], [0.715, -0.07], [0.715, 0.075], [0.72, 0.082],
            [0.72, 0.108], [0.6, 0.108], [0.6, 0.082], [0.605, 0.075], [0.605, -0.07],
        ])  # fmt: skip
        self._handle = carve([handle * h], brief.colour(0, _COLOURS), bevel=0.014 * h, gloss=0.2)
        self._head = carve([head * h], (112, 116, 124), bevel=0.03 * h, gloss=0.6)
        arm = np.array([[-0.5, -0.085], [-0.06, -0.05], [-0.05, 0.05], [-0.5, 0.075]])
        sleeves: tuple[Colour, ...] = ((92, 40, 36), (44, 60, 86), (66, 74, 52))
        sleeve = sleeves[int(brief.look().integers(3))]
        self._arm = carve([arm * h], sleeve, bevel=0.05 * h, gloss=0.05)
        turn = np.linspace(0, 2 * np.pi, 28)
        fist = np.stack([0.062 * np.cos(turn) - 0.012, 0.05 * np.sin(turn)], axis=1)
        self._fist = carve([fist * h], (126, 92, 62), bevel=0.045 * h, gloss=0.1)
        self._flash = disc((255, 196, 110))
        self._ember = disc((255, 120, 30))

    def picture(self, t_s: float) -> Picture:
        """The smithy at one instant."""
        canvas = self._backdrop.copy()
        h = self._height
        x, y = self._x * h, _FACE[1] * h
        since, index = self._since(t_s)
        heat = 0.0 if since is None else math.exp(-since / 0.11)
        glow(canvas, self._ember, x, y, scale=(0.0052 * h, 0.0026 * h), opacity=0.32 + 0.5 * heat)
        angle = self._angle(t_s)
        # The hand pivots at the right so that the face comes down level on the iron.
        hand_x, hand_y = x + _REACH * h, y - 0.108 * h
        blit(canvas, self._arm, hand_x, hand_y, scale=(-1.0, 1.0), angle=0.35 - 0.6 * angle)
        for part in (self._handle, self._head, self._fist):
            blit(canvas, part, hand_x, hand_y, scale=(-1.0, 1.0), angle=-angle)
        if since is not None:
            self._draw_sparks(canvas, x, y, since, index)
            glow(canvas, self._flash, x, y, scale=0.0042 * h, opacity=0.8 * math.exp(-since / 0.05))
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the hammer's head."""
        step = 0.004
        return abs(self._angle(t_s + step) - self._angle(t_s)) / step * _REACH * self._height

    def _since(self, t_s: float) -> tuple[float | None, int]:
        """Time since the last blow, None before the first, and its number."""
        index = int(np.searchsorted(self._times, t_s, side="right")) - 1
        return (None, 0) if index < 0 else (t_s - float(self._times[index]), index)

    def _angle(self, t_s: float) -> float:
        """0 on the iron, positive raised."""
        index = min(int(np.searchsorted(self._times, t_s, side="right")), len(self._times) - 1)
        to_go = float(self._times[index]) - t_s
        since = t_s - float(self._times[index - 1]) if index else math.inf
        if to_go <= _FALL_S:
            return _RAISED * (1 - (1 - to_go / _FALL_S) ** 2)
        if since < _REBOUND_S:
            return 0.10 * 4 * (since / _REBOUND_S) * (1 - since / _REBOUND_S)
        if since == math.inf:
            return _RAISED
        lift = max(0.15, float(self._times[index] - self._times[index - 1]) - _FALL_S - _REBOUND_S)
        share = min(1.0, (since - _REBOUND_S) / lift)
        return _RAISED * share * share * (3 - 2 * share)

    def _draw_sparks(self, canvas: Picture, x: float, y: float, since: float, index: int) -> None:
        speeds, directions, lives = self._sprays[index % len(self._sprays)]
        h = self._height
        for speed, direction, life in zip(speeds.tolist(), directions.tolist(), lives.tolist(), strict=True):
            if since >= life:
                continue
            track = np.maximum(np.array([since - 0.03, since - 0.015, since]), 0.0)
            points = np.stack([
                x + h * speed * math.cos(direction) * track,
                y + h * (speed * math.sin(direction) * track + 0.5 * _GRAVITY * track**2),
            ], axis=1)  # fmt: skip
            cool = since / life
            line(canvas, points, (255, 236 - 130 * cool, 150 - 140 * cool), max(1.0, h / 260 * (1.2 - cool)))


def _smithy(width: int, height: int, x: float, brief: Brief) -> Picture:
    """A dark workshop lit from a fire at the left; the anvil on its block with the hot bar on it."""
    rng = brief.look()
    aspect = width / height
    walls: tuple[Colour, ...] = ((44, 38, 42), (36, 42, 50), (48, 40, 34))
    wall = gradient(
        width, height, [(0.0, (20, 18, 22)), (0.75, walls[int(rng.integers(3))]), (1.0, (30, 26, 26))]
    )
    lamps(wall, rng, [(255, 150, 60), (255, 110, 40), (255, 190, 110)], 9, 0.55)
    wall += spread(width, height, 0.05 * aspect, 0.6, 0.7, 0.6)[..., None] * rgb((150, 66, 20))
    ground = floor(width, height, 0.72, (86, 74, 66), (50, 42, 40), rng)
    ground *= (0.6 + spread(width, height, 0.3 * aspect, 0.95, 1.0, 0.4) * 0.8)[..., None]
    split = int(0.72 * height)
    wall[split:] = ground[split:]
    canvas = finish(wall, rng)
    h = height
    top = _FACE[1] + 0.03
    blit(canvas, disc((6, 4, 4)), x * h, 0.97 * h, scale=(0.0056 * h, 0.0012 * h), opacity=0.8)
    rows = round(0.24 * h)
    stump = revolve(np.linspace(0.165, 0.18, rows) * h, _bark(rng, h), gloss=0.05, ambient=0.3)
    blit(canvas, stump, x * h, 0.735 * h)
    body = np.array([
        [-0.34, 0.0], [0.2, 0.0], [0.2, 0.05], [0.1, 0.085], [0.07, 0.13], [0.14, 0.17], [0.14, 0.2],
        [-0.14, 0.2], [-0.14, 0.17], [-0.07, 0.13], [-0.1, 0.085], [-0.16, 0.06], [-0.27, 0.035],
    ])  # fmt: skip
    blit(canvas, carve([body * h], (92, 94, 102), bevel=0.028 * h, gloss=0.5, ambient=0.3), x * h, top * h)
    bar = np.array([[-0.42, -0.03], [0.075, -0.03], [0.085, -0.015], [0.075, 0.0], [-0.42, 0.0]])
    hot = carve([bar * h], (255, 255, 255), bevel=0.012 * h, gloss=0.1, ambient=0.85)
    columns = (np.arange(hot.rgba.shape[1]) - hot.anchor[0]) / h
    heat = np.clip((columns + 0.28) / 0.3, 0, 1)[None, :, None]
    tint = rgb((96, 62, 58)) * (1 - heat) + rgb((255, 150, 52)) * heat
    hot.rgba[..., :3] = np.clip(hot.rgba[..., :3] * tint / 255, 0, 255).astype(np.uint8)
    blit(canvas, hot, x * h, top * h)
    return canvas


def _bark(rng: np.random.Generator, height: int) -> Callable[[Field, Field], Field]:
    """Upright fibres around a stump."""
    phase = rng.uniform(0, 6, 2)

    def albedo(angle: Field, row: Field) -> Field:
        wave = (
            np.sin(23 * angle + phase[0])
            + np.sin(41 * angle + phase[1] + row / height * 9)
            + np.sin(67 * angle)
        )
        return np.asarray(rgb((104, 76, 54)) * (1 + 0.1 * wave[..., None]), np.float32)

    return albedo

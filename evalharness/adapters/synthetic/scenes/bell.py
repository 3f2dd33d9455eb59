"""A bell that swings in its frame and is struck by its clapper on either side.

The bell swings as sin(2 pi t / T). Its clapper swings with it, farther, until the rim stops it: it would
reach 1.25 times the rim's angle, so it strikes where the sine passes 0.8, on both sides, every T / 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from .paint import Colour, Field, Picture, blit, carve, disc, glow, line, revolve, rgb, tube
from .stage import Brief, Impact
from .surfaces import finish, gradient, grain, lamps, spread

__all__ = ["Bell"]

_PIVOT_Y = 0.2
_CROWN, _TALL, _MOUTH = 0.07, 0.42, 0.245
"""Rod above the bell, the bell's height, the radius of its mouth; in parts of the height."""
_CLAPPER = 0.47
_RIM_ANGLE = 0.36
_EXCESS = 1.25
_COLOURS: tuple[Colour, ...] = ((206, 156, 70), (178, 122, 66), (170, 164, 150), (150, 158, 110))


class Bell:
    """One bell before an evening sky."""

    name: ClassVar[str] = "bell"
    ambience: ClassVar[str] = "wind"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height = height
        self._x = width / height / 2
        rng = brief.motion()
        self._period = float(rng.uniform(1.5, 2.1))
        self._swing = float(rng.uniform(0.34, 0.46))
        self._start = float(rng.uniform(-0.1, 0.15))
        pitch = float(rng.uniform(0.7, 1.25))
        first = self._start + self._period * math.asin(1 / _EXCESS) / (2 * math.pi)
        strikes = max(0, math.ceil((brief.duration_s - first) / (self._period / 2)))
        self.impacts = tuple(
            Impact(time, "bell", 0.9, self._rim(time, 1 if k % 2 == 0 else -1) * height / width, 0.66, pitch)
            for k in range(strikes)
            if (time := first + k * self._period / 2) >= 0
        )
        h = height
        rows = np.linspace(0, 1, round(_TALL * h))
        # Shoulder, waist and flaring lip of a church bell.
        radius = np.interp(
            rows,
            [0.0, 0.03, 0.1, 0.2, 0.5, 0.75, 0.9, 1.0],
            [0.18, 0.36, 0.47, 0.52, 0.6, 0.72, 0.87, 1.0],
        )
        colour = brief.colour(0, _COLOURS)
        self._bell = revolve(
            radius * _MOUTH * h, _bronze(colour, _TALL * h), gloss=0.75, ambient=0.3, shine=26
        )
        self._rod = tube(_CROWN * h + 4, 0.022 * h, (72, 66, 62))
        self._stem = tube(_CLAPPER * h, 0.008 * h, (58, 52, 50), tip=0.012 * h)
        turn = np.linspace(0, 2 * np.pi, 32)
        self._knob = carve(
            [np.stack([np.cos(turn), np.sin(turn)], axis=1) * 0.04 * h], (70, 62, 58), bevel=0.038 * h
        )
        yoke = np.array([[-0.2, -0.035], [0.2, -0.035], [0.17, 0.035], [-0.17, 0.035]])
        self._yoke = carve([yoke * h], (96, 66, 44), bevel=0.025 * h, gloss=0.1)
        self._halo = disc((255, 226, 160))
        self._backdrop = _belfry(width, height, self._x, brief)

    def picture(self, t_s: float) -> Picture:
        """Clapper, bell and yoke at one instant."""
        canvas = self._backdrop.copy()
        h = self._height
        x, y = self._x * h, _PIVOT_Y * h
        angle = self._angle(t_s)
        rung = [impact for impact in self.impacts if 0 <= t_s - impact.time_s < 0.35]
        for impact in rung:
            glow(canvas, self._halo, impact.x * canvas.shape[1], 0.64 * h, scale=0.0032 * h,
                 opacity=0.3 * math.exp(-(t_s - impact.time_s) / 0.1))  # fmt: skip
        swing = angle + self._clapper(t_s)
        blit(canvas, self._stem, x, y + 0.04 * h, angle=-swing)
        knob = (x + math.sin(swing) * _CLAPPER * h, y + 0.04 * h + math.cos(swing) * _CLAPPER * h)
        blit(canvas, self._knob, *knob)
        shiver = sum(math.exp(-(t_s - i.time_s) / 0.06) * math.sin(95 * (t_s - i.time_s)) for i in rung)
        blit(canvas, self._rod, x, y, angle=-angle)
        top = (x + math.sin(angle) * _CROWN * h, y + math.cos(angle) * _CROWN * h)
        blit(canvas, self._bell, *top, angle=-angle, scale=(1 + 0.012 * shiver, 1 - 0.006 * shiver))
        blit(canvas, self._yoke, x, y, angle=-angle)
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the clapper's knob."""
        step = 0.004
        before = self._angle(t_s) + self._clapper(t_s)
        after = self._angle(t_s + step) + self._clapper(t_s + step)
        return abs(after - before) / step * _CLAPPER * self._height

    def _angle(self, t_s: float) -> float:
        """Of the bell, in radians, positive to the right."""
        return self._swing * math.sin(2 * math.pi * (t_s - self._start) / self._period)

    def _clapper(self, t_s: float) -> float:
        """Of the clapper against the bell."""
        free = _EXCESS * math.sin(2 * math.pi * (t_s - self._start) / self._period)
        return _RIM_ANGLE * min(1.0, max(-1.0, free))

    def _rim(self, t_s: float, side: int) -> float:
        """Where the clapper meets the rim, from the left edge in parts of the height."""
        return self._x + math.sin(self._angle(t_s) + side * _RIM_ANGLE) * _CLAPPER


def _bronze(colour: Colour, tall: float) -> Callable[[Field, Field], Field]:
    """Cast metal with mouldings around it and some patina; `tall` in rows."""

    def albedo(angle: Field, row: Field) -> Field:
        ring = np.zeros_like(row)
        for place in (0.16, 0.19, 0.62, 0.86, 0.9):
            ring -= 0.4 * np.exp(-(((row / tall - place) / 0.006) ** 2))
        patina = 0.05 * np.sin(7 * angle + 9 * row / tall) * np.sin(13 * angle + 2)
        return np.asarray(rgb(colour) * (1 + ring + patina)[..., None], np.float32)

    return albedo


def _belfry(width: int, height: int, x: float, brief: Brief) -> Picture:
    """Evening sky through the tower's opening, stone on both sides, the beam across."""
    rng = brief.look()
    skies: tuple[tuple[Colour, Colour], ...] = (
        ((48, 62, 118), (248, 178, 122)),
        ((70, 120, 176), (226, 232, 228)),
        ((62, 44, 96), (240, 138, 118)),
        ((24, 46, 82), (112, 158, 190)),
    )
    top, low = skies[int(rng.integers(len(skies)))]
    sky = gradient(width, height, [(0.0, top), (0.85, low), (1.0, low)])
    clouds = np.clip(grain(width, height, rng, size=height / 3, octaves=5) - 0.25, 0, 2)[..., None]
    sky += clouds * (rgb((255, 240, 226)) - sky) * 0.16
    lamps(sky, rng, [low], 5, 0.9)
    sky += spread(width, height, x, 0.75, 0.8, 0.4)[..., None] * rgb((34, 24, 10))
    canvas = finish(sky, rng, vignette=0.2)
    h = height
    for side in (-1, 1):
        inner = x + side * 0.52
        outer = x + side * 3.0
        for row in range(9):
            shift = 0.035 if row % 2 else 0.0
            low_y, high_y = row / 8 - 0.06, row / 8 + 0.061
            edge = inner + side * shift
            block = np.array([[edge, low_y], [outer, low_y], [outer, high_y], [edge, high_y]])
            tone = float(rng.uniform(0.9, 1.08))
            stone = carve(
                [(block - [x, 0]).clip(-2, 2) * h],
                (112 * tone, 102 * tone, 94 * tone),
                bevel=0.016 * h,
                gloss=0.03,
            )
            blit(canvas, stone, x * h, 0)
    beam = np.array([[-2.0, -0.06], [2.0, -0.06], [2.0, 0.015], [-2.0, 0.015]])
    blit(canvas, carve([beam * h], (78, 56, 42), bevel=0.02 * h, gloss=0.08), x * h, (_PIVOT_Y - 0.05) * h)
    line(
        canvas,
        np.array([[0.0, (_PIVOT_Y - 0.03) * h], [width, (_PIVOT_Y - 0.03) * h]]),
        (40, 28, 22),
        h / 200,
    )
    return canvas

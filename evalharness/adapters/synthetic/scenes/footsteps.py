"""Boots that walk: over a stone floor, or over ice that cracks at every step.

Feet land alternately, a heel at each exact time; in between a foot swings in a cycloid, at rest when it
leaves and when it lands along the ground. Each crack starts under its step at the instant of landing.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .paint import Colour, Picture, blit, carve, disc, glow, line, rgb, tube
from .stage import Brief, Impact
from .surfaces import Surface, finish, floor, gradient, grain, lamps, spread

__all__ = ["Footsteps", "Ice"]

_GROUND = 0.84
_LIFT = 0.085
_PLANTED = 0.12
"""Seconds for which a foot stays down after the other one has landed."""
_GROWTH_S = 0.09
_BOOTS: tuple[Colour, ...] = ((92, 58, 36), (58, 52, 54), (120, 44, 36), (62, 70, 46))
_TROUSERS: tuple[Colour, ...] = ((44, 58, 88), (66, 62, 60), (88, 80, 60))


class Footsteps:
    """Someone walks across the picture, seen from the knees down."""

    name: ClassVar[str] = "footsteps"
    ambience: ClassVar[str] = "room"
    material: ClassVar[str] = "step"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height = height
        aspect = width / height
        rng = brief.motion()
        pace = float(rng.uniform(0.58, 0.74))
        count = max(2, math.floor((brief.duration_s - 0.35) / pace) + 2)
        self._times = 0.35 + pace * np.arange(count) + rng.uniform(-0.02, 0.02, count)
        stride = min(0.3, (aspect - 0.3) / count)
        way = stride * count
        self._spots = aspect / 2 - way / 2 + stride * (np.arange(count) + 0.5)
        pitch = float(rng.uniform(0.88, 1.12))
        strength = rng.uniform(0.7, 1.0, count)
        self.impacts = tuple(
            Impact(t, self.material, s, x / aspect, _GROUND, pitch)
            for t, s, x in zip(self._times.tolist(), strength.tolist(), self._spots.tolist(), strict=True)
            if t < brief.duration_s
        )
        self._backdrop = self._ground(width, height, brief)
        h = height
        boot, trousers = brief.colour(0, _BOOTS), _TROUSERS[int(brief.look().integers(len(_TROUSERS)))]
        upper = np.array([
            [-0.06, -0.19], [0.055, -0.19], [0.065, -0.12], [0.1, -0.085], [0.16, -0.07],
            [0.185, -0.045], [0.185, -0.02], [-0.07, -0.02], [-0.075, -0.07],
        ])  # fmt: skip
        sole = np.array([
            [-0.078, -0.028], [0.192, -0.028], [0.19, -0.004], [0.17, 0.0], [0.0, 0.0],
            [-0.005, -0.008], [-0.02, -0.008], [-0.025, 0.0], [-0.075, 0.0],
        ])  # fmt: skip
        self._boots = [
            (
                carve([upper * h], _dim(boot, shade), bevel=0.045 * h, gloss=0.25 * shade),
                carve([sole * h], _dim((46, 40, 38), shade), bevel=0.012 * h, gloss=0.05),
                tube(1.05 * h, 0.088 * h, _dim(trousers, shade), tip=0.068 * h, gloss=0.02),
            )
            for shade in (1.0, 0.72)
        ]
        self._shadow = disc((10, 14, 22))

    def picture(self, t_s: float) -> Picture:
        """The far leg, then the near one."""
        canvas = self._backdrop.copy()
        self._under_feet(canvas, t_s)
        for foot in (1, 0):
            self._draw_leg(canvas, foot, t_s)
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the faster foot."""
        step = 0.004
        fastest = 0.0
        for foot in (0, 1):
            before, after = self._foot(foot, t_s), self._foot(foot, t_s + step)
            fastest = max(fastest, math.hypot(after[0] - before[0], after[1] - before[1]))
        return fastest / step * self._height

    def _ground(self, width: int, height: int, brief: Brief) -> Picture:
        """A corridor of stone, tall windows along it."""
        rng = brief.look()
        aspect = width / height
        tints: tuple[Colour, ...] = ((118, 110, 100), (96, 106, 118), (122, 104, 88))
        tint = tints[int(rng.integers(len(tints)))]
        wall = gradient(width, height, [(0.0, _dim(tint, 0.62)), (0.66, tint), (1.0, tint)])
        for k in range(4):
            x = (k + 0.5) / 4 * aspect
            wall += spread(width, height, x, 0.22, 0.1, 0.3)[..., None] * rgb((120, 112, 88))
        wall *= (1 + 0.02 * grain(width, height, rng, size=height / 8))[..., None]
        ground = floor(width, height, 0.66, _dim(tint, 1.15), _dim(tint, 0.7), rng, boards=2.4)
        for k in range(4):
            x = (k + 0.5) / 4 * aspect
            ground += spread(width, height, x + 0.1, 0.84, 0.14, 0.09)[..., None] * rgb((74, 66, 46))
        split = int(0.66 * height)
        wall[split:] = ground[split:]
        wall[split : split + max(1, height // 160)] *= 0.6
        return finish(wall, rng)

    def _under_feet(self, canvas: Picture, t_s: float) -> None:
        """What the steps leave on the ground; stone keeps nothing."""

    def _foot(self, foot: int, t_s: float) -> tuple[float, float, float]:
        """Heel's x and height over the ground in parts of the height, and the foot's pitch in radians."""
        landed = [k for k in range(foot, len(self._times), 2) if self._times[k] <= t_s]
        last = landed[-1] if landed else foot - 2
        here = self._spot(last)
        if last + 2 >= len(self._times):
            return here, 0.0, 0.0
        lands = float(self._times[last + 2])
        leaves = (float(self._times[last + 1]) if last + 1 >= 0 else lands - 0.6) + _PLANTED
        if t_s <= leaves:
            return here, 0.0, 0.0
        share = min(1.0, (t_s - leaves) / (lands - leaves))
        along = share - math.sin(2 * math.pi * share) / (2 * math.pi)
        up = _LIFT * math.sin(math.pi * share) * (1 - 0.35 * share)
        pitch = (
            0.5 * math.sin(math.pi * min(1.0, 1.6 * share)) * (1 - share) - 0.3 * share * (1 - share) * 2.2
        )
        return here + (self._spot(last + 2) - here) * along, up, pitch

    def _spot(self, step: int) -> float:
        """Where a step lands; steps before the clip count backwards."""
        stride = float(self._spots[1] - self._spots[0])
        return float(self._spots[0]) + stride * step

    def _draw_leg(self, canvas: Picture, foot: int, t_s: float) -> None:
        h = self._height
        x, up, pitch = self._foot(foot, t_s)
        other = self._foot(1 - foot, t_s)[0]
        upper, sole, trousers = self._boots[foot]
        ground = (_GROUND - 0.022 * foot) * h
        blit(
            canvas,
            self._shadow,
            (x + 0.05) * h,
            ground,
            scale=(0.0024 * h, 0.0004 * h),
            opacity=0.65 - 3.5 * up,
        )
        ankle_x, ankle_y = x * h, ground - up * h
        # The hip is above the middle between the feet; the shin leans towards it.
        lean = math.atan2(0.5 * (other - x) * 0.75 + 0.04 * math.sin(pitch), 0.9)
        blit(canvas, trousers, ankle_x + math.tan(lean) * 0.98 * h, ankle_y - 1.12 * h, angle=lean)
        for part in (upper, sole):
            blit(canvas, part, ankle_x, ankle_y, angle=pitch)


class Ice(Footsteps):
    """A frozen lake at dusk: each step sends a crack on its way."""

    name: ClassVar[str] = "ice"
    ambience: ClassVar[str] = "wind"
    material: ClassVar[str] = "ice"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        super().__init__(brief, width, height)
        rng = np.random.default_rng([brief.seed, 7])
        self._powder = disc((226, 238, 246))
        self._cracks = [_crack(rng, float(x)) for x in self._spots]

    def _ground(self, width: int, height: int, brief: Brief) -> Picture:
        rng = brief.look()
        aspect = width / height
        skies: tuple[tuple[Colour, Colour], ...] = (
            ((52, 84, 138), (238, 188, 160)),
            ((70, 110, 150), (222, 230, 228)),
            ((58, 52, 104), (236, 150, 138)),
        )
        top, low = skies[int(rng.integers(len(skies)))]
        sky = gradient(width, height, [(0.0, top), (0.5, low), (1.0, low)])
        for depth in range(3):
            ridge = grain(width, 8, rng, size=height / (1.6 + 1.4 * depth), octaves=4)[0]
            crest = (0.4 + 0.035 * depth) * height + ridge * (0.03 - 0.006 * depth) * height
            tone = rgb(low) * (0.62 - 0.16 * depth) + rgb((30, 44, 66)) * (0.35 + 0.12 * depth)
            y = np.arange(height, dtype=np.float32)[:, None]
            cover = np.clip(y - crest[None, :] + 0.5, 0, 1)[..., None]
            sky = np.asarray(sky * (1 - cover) + tone * cover, np.float32)
        horizon = 0.53
        ice = floor(width, height, horizon, (150, 190, 212), low, rng)
        frost = grain(width, height, rng, size=height / 5, octaves=5)
        y, _ = np.mgrid[:height, :width].astype(np.float32) / height
        streak = grain(width, max(8, height // 8), rng, size=height / 12)
        streak = np.repeat(streak, 8, axis=0)[:height]
        streak = np.pad(streak, ((0, height - streak.shape[0]), (0, 0)), mode="edge")
        ice *= 0.8 * (1 + 0.035 * frost + 0.02 * streak)[..., None]
        ice += spread(width, height, 0.6 * aspect, 0.6, 0.5, 0.16)[..., None] * rgb((70, 52, 40))
        below = (y > horizon)[..., None]
        picture: Surface = np.where(below, ice, sky).astype(np.float32)
        lamps(picture, rng, [(255, 255, 255)], 10, 0.35)
        return finish(picture, rng)

    def _under_feet(self, canvas: Picture, t_s: float) -> None:
        h = self._height
        for time, x, branches in zip(self._times.tolist(), self._spots, self._cracks, strict=True):
            since = t_s - time
            if 0 <= since < 0.5:
                powder = 0.9 * math.exp(-since / 0.09)
                wide = (0.0016 + 0.004 * since) * h
                glow(
                    canvas,
                    self._powder,
                    (float(x) + 0.05) * h,
                    _GROUND * h,
                    scale=(wide, 0.35 * wide),
                    opacity=powder,
                )
            grown = 1 - math.exp(-max(0.0, since) / _GROWTH_S)
            if grown <= 0:
                continue
            for points, begins, width in branches:
                share = (grown - begins) / (1 - begins)
                if share <= 0:
                    continue
                path = _part(points, min(1.0, share)) * h
                line(canvas, path + np.array([0.0, 0.0028 * h]), (60, 92, 118), width * h / 260)
                line(canvas, path, (240, 248, 252), width * h / 330)


def _dim(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255.0, value * factor) for value in colour)
    return red, green, blue


_Branch = tuple[NDArray[np.float64], float, float]
"""Points (n, 2) in parts of the height, when it begins (0..1 of the growth), and its width."""


def _crack(rng: np.random.Generator, x: float) -> list[_Branch]:
    """Jagged branches from under one step, flattened as the ice lies."""
    branches: list[_Branch] = []
    first = float(rng.uniform(0, 2 * math.pi))
    for arm in range(5):
        heading = first + arm * 2 * math.pi / 5 + float(rng.uniform(-0.4, 0.4))
        points = _jagged(rng, np.array([x + 0.05, _GROUND]), heading, int(rng.integers(5, 10)), 0.065)
        branches.append((points, 0.0, 1.6))
        knee = int(rng.integers(1, len(points) - 2))
        turn = heading + float(rng.choice([-1, 1])) * float(rng.uniform(0.5, 1.0))
        branches.append((_jagged(rng, points[knee], turn, 4, 0.04), knee / len(points), 0.9))
    return branches


def _jagged(
    rng: np.random.Generator, start: NDArray[np.float64], heading: float, steps: int, length: float
) -> NDArray[np.float64]:
    turns = heading + np.cumsum(rng.uniform(-0.45, 0.45, steps))
    lengths = length * rng.uniform(0.6, 1.4, steps)
    moves = np.stack([np.cos(turns) * lengths, 0.32 * np.sin(turns) * lengths], axis=1)
    return np.vstack([start, start + np.cumsum(moves, axis=0)])


def _part(points: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """The first part of a polyline, by its number of pieces."""
    reach = share * (len(points) - 1)
    whole = int(reach)
    if whole >= len(points) - 1:
        return points
    tip = points[whole] + (points[whole + 1] - points[whole]) * (reach - whole)
    return np.vstack([points[: whole + 1], tip])

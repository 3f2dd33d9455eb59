"""A glass that slides off a shelf, falls freely, and bursts on the floor.

Let go at t0 from height d it lands at t0 + sqrt(2 d / g). From that instant on its shards fly as free
bodies; each one's first landing is an impact of its own, soft and high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .paint import Colour, Picture, Sprite, blit, carve, disc, glow, revolve, rgb
from .stage import Brief, Impact
from .surfaces import finish, floor, gradient, lamps, spread

__all__ = ["Glass"]

_METRES = 1.5
_G = 9.81 / _METRES
"""Gravity in heights a second squared."""
_SHELF, _GROUND, _TALL = 0.42, 0.86, 0.15
_FALL_S = math.sqrt(2 * (_GROUND - _SHELF) / _G)
_PUSH = 0.4
"""Half the deceleration of a glass on the shelf, in heights a second squared."""
_SHARDS = 30
_COLOURS: tuple[Colour, ...] = ((170, 208, 222), (150, 208, 184), (214, 184, 148), (190, 184, 220))


@dataclass(frozen=True)
class _Shards:
    """How the pieces of one glass leave: heights and radians a second, sizes in heights, shapes."""

    velocity: NDArray[np.float64]
    spin: NDArray[np.float64]
    looks: list[Sprite]

    def landing_s(self, k: int) -> float:
        """When piece k comes down again, after the burst."""
        return max(0.0, -2 * float(self.velocity[k, 1]) / _G)


class Glass:
    """One glass after another goes over the edge."""

    name: ClassVar[str] = "glass"
    ambience: ClassVar[str] = "room"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height = height
        aspect = width / height
        self._edge = aspect * 0.42
        rng = brief.motion()
        self._leave: list[float] = []
        time = float(rng.uniform(0.45, 0.7))
        while time + _FALL_S < brief.duration_s or not self._leave:
            self._leave.append(time)
            time += float(rng.uniform(2.0, 2.5))
        self._slide = 0.22
        colour = brief.colour(0, _COLOURS)
        self._glass = _tumbler(height, colour)
        self._shards = [_burst(rng, height, colour) for _ in self._leave]
        self._landing_x = self._edge + 0.03 + self._slide * _FALL_S
        pitch = float(rng.uniform(0.85, 1.15))
        impacts = []
        for leave, shards in zip(self._leave, self._shards, strict=True):
            hit = leave + _FALL_S
            impacts.append(Impact(hit, "glass", 1.0, self._landing_x / aspect, _GROUND, pitch))
            for k in range(0, _SHARDS, 4):
                flight = shards.landing_s(k)
                if flight > 0.12:
                    x = self._landing_x + float(shards.velocity[k, 0]) * flight
                    impacts.append(
                        Impact(hit + flight, "glass", 0.12, x / aspect, _GROUND, pitch * (1.6 + 0.05 * k))
                    )
        self.impacts = tuple(
            sorted((i for i in impacts if i.time_s < brief.duration_s), key=lambda i: i.time_s)
        )
        self._shadow = disc((14, 10, 10))
        self._flash = disc((255, 255, 255))
        self._backdrop = _kitchen(width, height, self._edge, brief)

    def picture(self, t_s: float) -> Picture:
        """Glasses and shards at one instant."""
        canvas = self._backdrop.copy()
        for index, leave in enumerate(self._leave):
            since = t_s - leave - _FALL_S
            if since >= 0:
                self._draw_shards(canvas, self._shards[index], since)
            elif t_s > leave - 1.6:
                self._draw_glass(canvas, t_s - leave)
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of whatever flies."""
        fastest = 0.0
        for leave in self._leave:
            since = t_s - leave
            if 0 <= since < _FALL_S + 0.5:
                fastest = max(fastest, _G * since if since < _FALL_S else 1.1)
        return fastest * self._height

    def _draw_glass(self, canvas: Picture, since: float) -> None:
        """On the shelf while `since` is negative, then falling and turning over."""
        h = self._height
        centre = 0.5 * _TALL
        if since < 0:
            # Pushed along the shelf from outside the picture, slower and slower, to its speed at the edge.
            x = self._edge + 0.03 + self._slide * since - _PUSH * since * since
            blit(canvas, self._shadow, x * h, _SHELF * h, scale=(0.0012 * h, 0.0002 * h), opacity=0.5)
            blit(canvas, self._glass, x * h, (_SHELF - centre) * h)
            return
        x = self._edge + 0.03 + self._slide * since
        turn = 2.6 * since / _FALL_S * since / _FALL_S
        # Its lowest point, whatever way it is turned, is what falls and lands.
        reach = centre * abs(math.cos(turn)) + 0.05 * abs(math.sin(turn))
        y = _SHELF + 0.5 * _G * since * since - reach
        near = since / _FALL_S
        blit(canvas, self._shadow, x * h, _GROUND * h, scale=(0.0013 * h, 0.0003 * h), opacity=0.5 * near**2)
        blit(canvas, self._glass, x * h, y * h, angle=turn)

    def _draw_shards(self, canvas: Picture, shards: _Shards, since: float) -> None:
        h = self._height
        glow(canvas, self._flash, self._landing_x * h, _GROUND * h, scale=(0.003 * h, 0.001 * h),
             opacity=0.7 * math.exp(-since / 0.04))  # fmt: skip
        for k, look in enumerate(shards.looks):
            flight = shards.landing_s(k)
            flown = min(since, flight)
            rolled = 0.12 * (1 - math.exp(-(since - flown) / 0.12))
            x = self._landing_x + float(shards.velocity[k, 0]) * (flown + rolled)
            y = (
                _GROUND
                + float(shards.velocity[k, 1]) * flown
                + 0.5 * _G * flown * flown
                + 0.06 * (k % 5 - 1) / 5 * min(1.0, flown * 4)
            )
            angle = float(shards.spin[k]) * (flown + rolled)
            blit(canvas, look, x * h, y * h, angle=angle, scale=(1.0, 1.0 if since < flight else 0.55))


def _tumbler(height: int, colour: Colour) -> Sprite:
    """A wine glass, anchored at its middle: clear in the middle of each part, bright at its rims."""
    rows = np.linspace(0, 1, round(_TALL * height))
    profile = np.interp(
        rows, [0, 0.2, 0.45, 0.56, 0.6, 0.9, 0.95, 1.0], [0.3, 0.36, 0.3, 0.1, 0.035, 0.035, 0.2, 0.32]
    )
    body = revolve(profile * _TALL * height, colour, gloss=1.0, ambient=0.7, shine=30)
    x = np.abs(np.arange(body.rgba.shape[1]) + 0.5 - body.anchor[0])[None, :]
    edge = np.clip(x / np.maximum(profile[:, None] * _TALL * height, 1e-3), 0, 1) ** 4
    wine = ((rows > 0.2) & (rows < 0.5))[:, None]
    cover = np.where(wine, 0.86, 0.34 + 0.6 * edge)
    tint = np.where(wine[..., None], rgb((132, 18, 40)) / np.float32(190), 1.0)
    straight = body.rgba.astype(np.float32)
    straight[..., :3] *= tint
    straight *= cover[..., None]
    return Sprite(np.clip(straight, 0, 255).astype(np.uint8), (body.anchor[0], 0.5 * len(rows)))


def _burst(rng: np.random.Generator, height: int, colour: Colour) -> _Shards:
    direction = rng.uniform(-0.92, 0.92, _SHARDS) * math.pi / 2
    speed = rng.uniform(0.25, 1.25, _SHARDS)
    velocity = np.stack([speed * np.sin(direction) + 0.1, -speed * np.cos(direction)], axis=1)
    looks = []
    for k in range(_SHARDS):
        if k % 3 == 0:
            drop = np.linspace(0, 2 * np.pi, 12)
            shape = np.stack([np.cos(drop), np.sin(drop)], axis=1) * float(rng.uniform(0.004, 0.008))
            looks.append(carve([shape * height], (140, 20, 42), bevel=0.006 * height, gloss=0.8))
            continue
        corners = np.sort(rng.uniform(0, 2 * math.pi, 4))
        shape = np.stack([np.cos(corners), np.sin(corners)], axis=1) * rng.uniform(0.012, 0.03, (4, 1))
        piece = carve([shape * height], colour, bevel=0.006 * height, gloss=1.0, ambient=0.7)
        looks.append(Sprite((piece.rgba * 0.75).astype(np.uint8), piece.anchor))
    return _Shards(velocity, rng.uniform(-14, 14, _SHARDS), looks)


def _kitchen(width: int, height: int, edge: float, brief: Brief) -> Picture:
    """A tiled floor, a wall in evening light, and a shelf that ends at `edge`."""
    rng = brief.look()
    h = height
    walls: tuple[tuple[Colour, Colour], ...] = (
        ((66, 92, 102), (138, 166, 164)),
        ((104, 84, 84), (188, 158, 138)),
        ((78, 82, 112), (150, 152, 178)),
    )
    top, low = walls[int(rng.integers(len(walls)))]
    wall = gradient(width, height, [(0.0, top), (0.7, low), (1.0, low)])
    lamps(wall, rng, [(255, 236, 190), (255, 216, 160)], 8, 0.5)
    wall *= (0.72 + 0.4 * spread(width, height, edge + 0.35, 0.4, 0.7, 0.5))[..., None]
    ground = floor(width, height, 0.7, (156, 148, 140), (110, 104, 102), rng, boards=3)
    ground *= (0.7 + 0.45 * spread(width, height, edge + 0.15, 0.9, 0.7, 0.2))[..., None]
    split = int(0.7 * height)
    wall[split:] = ground[split:]
    wall[split : split + max(1, h // 160)] *= 0.55
    canvas = finish(wall, rng)
    board = np.array([[-3.0, 0.0], [0.0, 0.0], [0.0, 0.035], [-3.0, 0.035]])
    front = np.array([[-3.0, 0.035], [-0.03, 0.035], [-0.03, 0.4], [-0.06, 0.4], [-0.06, 0.09], [-3.0, 0.09]])
    blit(canvas, disc((16, 12, 12)), (edge - 0.05) * h, 0.84 * h, scale=(0.005 * h, 0.0007 * h), opacity=0.6)
    blit(
        canvas,
        carve([front.clip(-1.2, 2) * h], (112, 76, 50), bevel=0.01 * h, gloss=0.1),
        edge * h,
        _SHELF * h,
    )
    blit(
        canvas,
        carve([board.clip(-1.2, 2) * h], (166, 116, 74), bevel=0.012 * h, gloss=0.25),
        edge * h,
        _SHELF * h,
    )
    return canvas

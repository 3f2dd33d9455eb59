"""Balls that fall, bounce and roll on a wooden floor.

Free fall with restitution e: after a drop from height h the k-th impact comes at
t = sqrt(2h/g) (1 + 2 (e + e^2 + … + e^k)), at speed e^k sqrt(2gh).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .paint import Colour, Picture, Sprite, blit, disc, light, rgb, sprite
from .stage import Brief, Impact
from .surfaces import finish, floor, gradient, spread

__all__ = ["Ball", "Bounces"]

_G = 9.81
_METRES = 1.45
"""Metres from the top of the picture to the bottom."""
_SLOWEST_M_S = 0.35
"""A contact slower than this is neither heard nor counted: the ball has come to rest."""
_CONTACT_S = 0.014
_COLOURS: tuple[Colour, ...] = ((222, 62, 50), (38, 108, 214), (240, 170, 34), (40, 158, 98), (150, 74, 190))
_TURNS = 72


@dataclass(frozen=True)
class Bounces:
    """The height of one ball over time."""

    start_s: float
    drop_m: float
    restitution: float

    @property
    def fall_s(self) -> float:
        """Time from the drop to the first impact."""
        return math.sqrt(2 * self.drop_m / _G)

    @property
    def times_speeds(self) -> tuple[tuple[float, float], ...]:
        """Times (s) and speeds (m/s) of all impacts until the ball rests."""
        time, speed = self.start_s + self.fall_s, _G * self.fall_s
        found = []
        while speed >= _SLOWEST_M_S:
            found.append((time, speed))
            speed *= self.restitution
            time += 2 * speed / _G
        return tuple(found)

    def height_m(self, t_s: float) -> float:
        """Height of the ball's lowest point above the floor."""
        if t_s <= self.start_s:
            return self.drop_m
        time, speed = self.start_s + self.fall_s, _G * self.fall_s
        if t_s < time:
            return self.drop_m - 0.5 * _G * (t_s - self.start_s) ** 2
        while speed >= _SLOWEST_M_S:
            speed *= self.restitution
            since = t_s - time
            if since < 2 * speed / _G:
                return max(0.0, speed * since - 0.5 * _G * since * since)
            time += 2 * speed / _G
        return 0.0


@dataclass(frozen=True)
class _Player:
    """One ball: its motion up and down, along, and its size and place in depth."""

    bounces: Bounces
    x: float
    drift: float
    radius: float
    ground: float
    pitch: float


class Ball:
    """One to five balls, dropped one after the other; new ones follow when all rest."""

    name: ClassVar[str] = "ball"
    ambience: ClassVar[str] = "room"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._width, self._height = width, height
        rng = brief.motion()
        count = min(max(brief.count or 1, 1), 5)
        self._players = _players(rng, count, brief.duration_s, width / height)
        fastest = max(p.bounces.times_speeds[0][1] for p in self._players)
        self.impacts = tuple(
            sorted(
                (
                    Impact(t, "rubber", v / fastest, self._x(p, t) * height / width, p.ground, p.pitch)
                    for p in self._players
                    for t, v in p.bounces.times_speeds
                    if t < brief.duration_s
                ),
                key=lambda impact: impact.time_s,
            )
        )
        self._backdrop = _room(width, height, brief)
        self._shadow = disc((12, 8, 10))
        self._looks: dict[tuple[int, int], Sprite] = {}
        self._colours = [brief.colour(i, _COLOURS) for i in range(len(self._players))]

    def picture(self, t_s: float) -> Picture:
        """All balls at one instant, farther ones first."""
        canvas = self._backdrop.copy()
        order = sorted(range(len(self._players)), key=lambda i: self._players[i].ground)
        for index in order:
            self._draw(canvas, index, t_s)
        return canvas

    def speed(self, t_s: float) -> float:
        """Fastest fall or rise of any ball."""
        step = 0.004
        fastest = max(abs(p.bounces.height_m(t_s + step) - p.bounces.height_m(t_s)) for p in self._players)
        return fastest / step / _METRES * self._height

    def _x(self, player: _Player, t_s: float) -> float:
        since = max(0.0, t_s - player.bounces.start_s)
        return player.x + player.drift * (1 - math.exp(-0.35 * since)) / 0.35

    def _draw(self, canvas: Picture, index: int, t_s: float) -> None:
        player, h = self._players[index], self._height
        lift = player.bounces.height_m(t_s) / _METRES * h
        x, ground, radius = self._x(player, t_s) * h, player.ground * h, player.radius * h
        if t_s < player.bounces.start_s or ground - lift < 0:
            return
        near = math.exp(-lift / (2.2 * radius))
        wide = radius * (1.05 + 0.5 * (1 - near)) / 50
        blit(
            canvas, self._shadow, x + 0.25 * lift, ground, scale=(wide, wide * 0.3), opacity=0.2 + 0.5 * near
        )
        squash = sum(
            0.2 * v / 5 * math.exp(-(((t_s - t) / _CONTACT_S) ** 2)) for t, v in player.bounces.times_speeds
        )
        spin = (self._x(player, t_s) - player.x) / player.radius
        look = self._look(index, int(spin / (2 * math.pi) * _TURNS) % _TURNS)
        shape = (1 + 0.5 * squash, 1 - squash)
        blit(canvas, look, x, ground - lift - radius * (1 - squash), scale=shape)

    def _look(self, index: int, turn: int) -> Sprite:
        if (index, turn) not in self._looks:
            radius = self._players[index].radius * self._height
            self._looks[index, turn] = _beach_ball(radius, self._colours[index], 2 * math.pi * turn / _TURNS)
        return self._looks[index, turn]


def _players(rng: np.random.Generator, count: int, duration_s: float, aspect: float) -> list[_Player]:
    """As many rounds of `count` balls as the clip has time for; later ones land nearer to the viewer."""
    players: list[_Player] = []
    # Balls come from above the picture; the first is already falling when the clip starts.
    start, lap = float(rng.uniform(-0.2, -0.05)), 0
    while start < max(duration_s - 1.0, 0.0):
        rest = start
        for i in range(count):
            bounces = Bounces(start + 0.37 * i, float(rng.uniform(1.24, 1.4)), float(rng.uniform(0.66, 0.78)))
            lane = ((i + 0.6) / (count + 0.2) + 0.37 * lap) % 1.0
            side = 0.12 + 0.76 * lane + float(rng.uniform(-0.04, 0.04))
            drift = float(rng.uniform(0.05, 0.13)) * (1 if side < 0.5 else -1) / math.sqrt(count)
            radius = float(rng.uniform(0.075, 0.092)) / (1 + 0.08 * (count - 1))
            ground = min(0.78 + 0.05 * ((2 * i) % 3) + 0.045 * lap, 0.95)
            players.append(_Player(bounces, side * aspect, drift, radius, ground, 0.085 / radius))
            rest = max(rest, bounces.times_speeds[-1][0])
        start, lap = rest + 0.1, lap + 1
    return players


def _beach_ball(radius: float, colour: Colour, turn: float) -> Sprite:
    """A ball of coloured and cream gores, turned about the line of sight under a fixed light."""
    n = math.ceil(radius) + 2
    y, x = (np.mgrid[: 2 * n, : 2 * n].astype(np.float32) + 0.5 - n) / np.float32(radius)
    r = np.hypot(x, y)
    z = np.sqrt(np.maximum(1 - r * r, 0))
    u, v = x * math.cos(turn) + y * math.sin(turn), -x * math.sin(turn) + y * math.cos(turn)
    # The gores meet at a pole that looks up and towards the viewer.
    pole = np.array([0.15, -0.55, 0.82], np.float32)
    pole /= np.linalg.norm(pole)
    along = u * pole[0] + v * pole[1] + z * pole[2]
    azimuth = np.arctan2(u * 0.98 - along * pole[0], z - along * pole[2])
    gore = np.clip(np.sin(3 * azimuth) * radius / 5 + 0.5, 0, 1)[..., None]
    cap = np.clip((along - 0.93) * radius + 0.5, 0, 1)[..., None]
    albedo = rgb(colour) * gore + rgb((244, 236, 222)) * (1 - gore)
    albedo = albedo * (1 - cap) + rgb(colour) * 0.8 * cap
    normal = np.dstack([x, y, z]).astype(np.float32)
    bounce = np.clip(y - 0.35, 0, 1)[..., None] * rgb((70, 42, 22))
    shaded = light(normal, albedo.astype(np.float32), gloss=0.55, ambient=0.34, shine=60) + bounce * 0.35
    return sprite(shaded, np.clip((1 - r) * radius + 0.5, 0, 1).astype(np.float32), (float(n), float(n)))


def _room(width: int, height: int, brief: Brief) -> Picture:
    """A wall with window light above a planked floor."""
    rng = brief.look()
    walls: tuple[tuple[Colour, Colour], ...] = (
        ((92, 120, 138), (150, 176, 184)),
        ((126, 104, 116), (196, 168, 160)),
        ((98, 118, 98), (172, 184, 150)),
        ((88, 96, 134), (160, 168, 192)),
    )
    top, low = walls[int(rng.integers(len(walls)))]
    horizon = 0.66
    wall = gradient(width, height, [(0.0, top), (horizon, low), (1.0, low)])
    window = spread(width, height, 0.5 * width / height, 0.3, 0.55, 0.4)
    wall *= (0.8 + 0.3 * window)[..., None]
    ground = floor(width, height, horizon, (188, 132, 84), (132, 94, 66), rng, boards=5)
    pool = spread(width, height, 0.45 * width / height, 0.86, 0.7, 0.2)
    ground *= (0.74 + 0.42 * pool)[..., None]
    split = int(horizon * height)
    wall[split:] = ground[split:]
    skirting = slice(split - max(2, height // 34), split)
    wall[skirting] = wall[skirting] * 0.35 + rgb((236, 228, 214)) * 0.6
    wall[split : split + max(1, height // 120)] *= 0.6
    return finish(wall, rng)

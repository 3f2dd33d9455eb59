"""A small painter's kit: coordinates, masks, noise and shaded bodies on an 854 x 480 picture.

Colours are (red, green, blue) from 0 to 255, positions are pixels with y downwards, masks are arrays
from 0 (not painted) to 1. All randomness is seeded, so that the same script draws the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Field = NDArray[np.float32]
Colour = Sequence[float] | Field

WIDTH, HEIGHT = 854, 480
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
LIGHT = np.array([-0.52, -0.62, 0.59], np.float32)
"""Towards the key light: from the upper left, before the picture."""


def rgb(text: str) -> Field:
    """The colour of a six-digit hexadecimal number."""
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)], np.float32)


def smooth(low: float, high: float, value: Field) -> Field:
    """0 below `low`, 1 above `high`, eased in between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def noise(seed: int, size: float, octaves: int = 4, stretch: float = 1.0) -> Field:
    """Cloudy noise from 0 to 1 with blots of about `size` pixels, `stretch` times as wide as high."""
    rng = np.random.default_rng(seed)
    total, weight = np.zeros((HEIGHT, WIDTH), np.float32), 0.0
    for octave in range(octaves):
        cell = max(size / 2**octave, 1.5)
        rows, columns = int(HEIGHT / cell) + 3, int(WIDTH / (cell * stretch)) + 3
        grid = Image.fromarray(rng.random((rows, columns), np.float32))
        fine = grid.resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=(0.5, 0.5, columns - 0.5, rows - 0.5)
        )
        total += np.asarray(fine) * 0.5**octave
        weight += 0.5**octave
    return np.clip(total / weight, 0, 1)


def blurred(mask: Field, radius: float) -> Field:
    """The mask out of focus."""
    picture = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def ellipse(cx: float, cy: float, rx: float, ry: float, *, turn: float = 0.0, soft: float = 1.0) -> Field:
    """A filled ellipse, turned clockwise by `turn` radians, its edge `soft` pixels wide."""
    dx, dy = X - cx, Y - cy
    a = (dx * np.cos(turn) + dy * np.sin(turn)) / rx
    b = (dy * np.cos(turn) - dx * np.sin(turn)) / ry
    return np.clip((1 - np.hypot(a, b)) * min(rx, ry) / soft + 0.5, 0, 1)


def line(x0: float, y0: float, x1: float, y1: float, width: float, end: float | None = None) -> Field:
    """A stroke with round ends, from `width` to `end` pixels wide."""
    dx, dy = x1 - x0, y1 - y0
    t = np.clip(((X - x0) * dx + (Y - y0) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
    half = (width + t * ((width if end is None else end) - width)) / 2
    return np.clip(half - np.hypot(X - x0 - t * dx, Y - y0 - t * dy) + 0.5, 0, 1)


def polygon(*points: tuple[float, float]) -> Field:
    """A filled polygon with smooth edges."""
    fine = 3
    picture = Image.new("L", (WIDTH * fine, HEIGHT * fine))
    ImageDraw.Draw(picture).polygon([(x * fine, y * fine) for x, y in points], fill=255)
    return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32) / 255


def ridge(base: float, height: float, seed: int, size: float, rough: float = 0.5) -> Field:
    """Everything below a mountain line around `base`; `rough` is how much each finer octave keeps."""
    rng = np.random.default_rng(seed)
    profile, amplitude, cell = np.zeros(WIDTH), 1.0, size
    while cell > 2:
        knots = rng.random(int(WIDTH / cell) + 3)
        profile += amplitude * (np.interp(np.arange(WIDTH) / cell, np.arange(len(knots)), knots) - 0.5)
        amplitude, cell = amplitude * rough, cell / 2
    return np.clip(Y - (base - height * profile[None, :]) + 0.5, 0, 1).astype(np.float32)


class Canvas:
    """A picture in the making."""

    def __init__(self, *stops: tuple[float, str]) -> None:
        heights = [stop * HEIGHT for stop, _ in stops]
        colours = np.stack([rgb(colour) for _, colour in stops])
        rows = np.stack([np.interp(np.arange(HEIGHT), heights, colours[:, c]) for c in range(3)], axis=1)
        self.picture: Field = np.repeat(rows[:, None, :], WIDTH, axis=1).astype(np.float32)

    def paint(self, mask: Field, colour: Colour | str, opacity: float = 1.0) -> None:
        """Lay a colour (or a picture of colours) over where the mask is."""
        over = rgb(colour) if isinstance(colour, str) else np.asarray(colour, np.float32)
        alpha = (mask * opacity)[..., None]
        self.picture += (over - self.picture) * alpha

    def glow(self, mask: Field, colour: str, strength: float = 1.0) -> None:
        """Add light where the mask is; never brighter than white."""
        light = rgb(colour) / 255 * (mask * strength)[..., None]
        self.picture = 255 - (255 - self.picture) * (1 - np.clip(light, 0, 1))

    def halo(self, cx: float, cy: float, radius: float, colour: str, strength: float = 1.0) -> None:
        """A light that falls off around a point."""
        self.glow(np.exp(-((np.hypot(X - cx, Y - cy) / radius) ** 2)), colour, strength)

    def shade(self, mask: Field, opacity: float) -> None:
        """Darken where the mask is."""
        self.picture *= 1 - (mask * opacity)[..., None]

    def body(
        self, mask: Field, normal: Field, colour: Colour | str, *, gloss: float = 0.3, ambient: float = 0.32
    ) -> None:
        """A lit surface: normal is (height, width, 3), of length one, z towards the viewer."""
        base = rgb(colour) if isinstance(colour, str) else np.asarray(colour, np.float32)
        diffuse = np.clip(normal @ LIGHT, 0, 1)
        half = LIGHT + np.array([0, 0, 1], np.float32)
        highlight = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 40
        bounce = 0.12 * np.clip(normal[..., 1], 0, 1)
        lit = (
            base * (ambient + bounce + (1.1 - ambient) * diffuse)[..., None]
            + 255 * gloss * highlight[..., None]
        )
        self.paint(mask, np.clip(lit, 0, 255))

    def ball(
        self,
        cx: float,
        cy: float,
        radius: float,
        colour: Colour | str,
        *,
        gloss: float = 0.5,
        ambient: float = 0.3,
    ) -> None:
        """A shaded sphere."""
        nx, ny = (X - cx) / radius, (Y - cy) / radius
        nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0, 1))
        normal = np.stack([nx, ny, nz], axis=-1)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        self.body(ellipse(cx, cy, radius, radius), normal, colour, gloss=gloss, ambient=ambient)

    def lathe(
        self,
        cx: float,
        top: float,
        bottom: float,
        radius: Callable[[Field], Field],
        colour: Colour | str,
        *,
        gloss: float = 0.3,
        ambient: float = 0.32,
    ) -> None:
        """A turned body: `radius` gives its half-width in pixels at heights from 0 (top) to 1 (bottom)."""
        heights = np.arange(HEIGHT, dtype=np.float32)
        half = radius(np.clip((heights - top) / (bottom - top), 0, 1))
        slope = np.gradient(half)[:, None]
        half = np.maximum(half, 1e-3)[:, None]
        across = np.clip((X - cx) / half, -1, 1)
        normal = np.stack(np.broadcast_arrays(across, -slope, np.sqrt(1 - across**2)), axis=-1)
        normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
        inside = np.clip(half - np.abs(X - cx) + 0.5, 0, 1)
        inside = inside * np.clip(Y - top + 0.5, 0, 1) * np.clip(bottom - Y + 0.5, 0, 1)
        self.body(inside, normal, colour, gloss=gloss, ambient=ambient)

    def shadow(self, cx: float, cy: float, rx: float, ry: float, opacity: float = 0.5) -> None:
        """A soft shadow on a floor."""
        self.shade(ellipse(cx, cy, rx, ry, soft=min(rx, ry) * 1.2), opacity)

    def mirror(
        self, waterline: float, *, ripple: float = 3.0, tint: str = "203848", depth: float = 0.35
    ) -> None:
        """Water below a line: the picture above it upside down, rippled and tinted."""
        below = np.clip(Y - waterline, 0, None)
        wave = ripple * (0.3 + below / 90) * np.sin(below * 0.9 / (1 + below / 60) + 4 * noise(5, 60, 2, 4))
        rows = np.clip(2 * waterline - Y + wave * 0.6, 0, HEIGHT - 1).astype(int)
        columns = np.clip(X + wave, 0, WIDTH - 1).astype(int)
        water = self.picture[rows, columns]
        water += (rgb(tint) - water) * depth
        self.paint(np.clip(Y - waterline + 0.5, 0, 1), water)

    def room(self, edge: float, wall: str, table: str, *, lamp: tuple[float, float] = (260.0, 120.0)) -> None:
        """A lit wall over a wooden table whose far edge is at `edge`."""
        self.paint(np.ones_like(X), wall)
        self.halo(*lamp, 330, "fff0d8", 0.55)
        self.shade(noise(11, 120, 3), 0.12)
        grain = noise(12, 26, 4, 14) * 0.7 + 0.3 * noise(13, 6, 2, 30)
        wood = rgb(table) * (0.72 + 0.5 * grain)[..., None]
        self.paint(np.clip(Y - edge + 0.5, 0, 1), wood)
        self.glow(np.clip(Y - edge, 0, 1) * np.exp(-(((X - lamp[0] - 60) / 300) ** 2)), "fff0d8", 0.22)
        self.shade(np.exp(-(((Y - edge) / 7) ** 2)), 0.35)

    def finished(self, *, vignette: float = 0.35, grain: float = 1.0) -> Image.Image:
        """The picture with darkened corners and a breath of film grain."""
        away = np.hypot((X - WIDTH / 2) / WIDTH, (Y - HEIGHT / 2) / HEIGHT)
        lit = self.picture * (1 - vignette * smooth(0.35, 0.8, away))[..., None]
        lit += np.random.default_rng(7).normal(0, grain, (HEIGHT, WIDTH, 1))
        return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))

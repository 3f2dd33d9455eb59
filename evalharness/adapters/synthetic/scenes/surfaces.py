"""Backgrounds: gradients, grain, planked floors, walls with window light. Made once a clip.

All take a size in pixels and give float32 RGB (height, width, 3) in 0..255.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .paint import Colour, Picture, rgb

__all__ = ["finish", "floor", "gradient", "grain", "lamps", "spread"]

Surface = NDArray[np.float32]


def gradient(width: int, height: int, stops: Sequence[tuple[float, Colour]]) -> Surface:
    """A vertical gradient through (position 0..1 from the top, colour) stops."""
    y = (np.arange(height) + 0.5) / height
    places = [place for place, _ in stops]
    column = np.stack([np.interp(y, places, [colour[c] for _, colour in stops]) for c in range(3)], axis=1)
    return np.repeat(column[:, None, :].astype(np.float32), width, axis=1)


def grain(width: int, height: int, rng: np.random.Generator, *, size: float, octaves: int = 4) -> Surface:
    """Smooth noise (height, width) of mean 0 and deviation 1; `size` is its coarsest grain in pixels."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1.0, size / 2**octave)
        small = rng.standard_normal((int(height / cell) + 3, int(width / cell) + 3)).astype(np.float32)
        big = cv2.resize(small, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
        total += np.asarray(big[:height, :width], np.float32) / np.float32(1.6**octave)
    spread_of = float(total.std())
    return np.asarray((total - total.mean()) / max(spread_of, 1e-6), np.float32)


def floor(
    width: int,
    height: int,
    horizon: float,
    near: Colour,
    far: Colour,
    rng: np.random.Generator,
    *,
    boards: float = 0,
) -> Surface:
    """A ground plane under `horizon` (0..1), darker boards of `boards` to the height if any; above it black.

    The plane is seen in true perspective: distance grows as 1 / (y - horizon).
    """
    y, x = np.mgrid[:height, :width].astype(np.float32)
    below = np.maximum((y + 0.5) / height - horizon, 1e-3)
    distance = (1 - horizon) / below
    across = (x + 0.5 - width / 2) / height * distance
    share = np.clip(below / (1 - horizon), 0, 1)[..., None] ** 0.8
    colour = rgb(far) * (1 - share) + rgb(near) * share
    fade = np.clip(1.3 / distance, 0, 1)
    if boards:
        lane = across * boards
        tone = rng.standard_normal(4096).astype(np.float32)[np.floor(lane).astype(int) % 4096]
        edge = np.abs(lane - np.round(lane)) * height / (boards * distance)
        seam = np.clip(1.4 - edge, 0, 1) * fade
        fibre = grain(width, height, rng, size=max(2.0, height / 60), octaves=2)
        colour = colour * (1 + 0.045 * tone + 0.02 * fibre - 0.38 * seam)[..., None]
    else:
        speckle = grain(width, height, rng, size=height / 10, octaves=5)
        colour = colour * (1 + 0.025 * speckle * fade)[..., None]
    colour[(y + 0.5) / height < horizon] = 0
    return np.asarray(colour, np.float32)


def lamps(
    surface: Surface, rng: np.random.Generator, colours: Sequence[Colour], count: int, bottom: float
) -> None:
    """Scatter out-of-focus lights over the upper part (down to `bottom`, 0..1) of a surface, in place."""
    height, width = surface.shape[:2]
    layer = np.zeros_like(surface)
    for _ in range(count):
        place = (int(rng.uniform(0, width)), int(rng.uniform(0.05, bottom) * height))
        colour = rgb(colours[int(rng.integers(len(colours)))]) * float(rng.uniform(0.1, 0.34))
        spot = np.zeros_like(surface)
        cv2.circle(
            spot,
            place,
            max(2, int(rng.uniform(0.018, 0.06) * height)),
            colour.tolist(),
            -1,
            cv2.LINE_AA,
        )
        layer += spot
    surface += np.asarray(cv2.GaussianBlur(layer, (0, 0), height / 260 + 0.5), np.float32)


def spread(width: int, height: int, x: float, y: float, radius_x: float, radius_y: float) -> Surface:
    """A smooth pool of light (height, width) in 0..1 around (x, y); all in parts of the height."""
    grid_y, grid_x = np.mgrid[:height, :width].astype(np.float32) / height
    return np.asarray(np.exp(-(((grid_x - x) / radius_x) ** 2) - ((grid_y - y) / radius_y) ** 2), np.float32)


def finish(surface: Surface, rng: np.random.Generator, *, vignette: float = 0.3) -> Picture:
    """Darken towards the corners, dither away banding, and round to uint8."""
    height, width = surface.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    r2 = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) / 0.5
    dither = rng.uniform(-0.7, 0.7, (height, width, 1)).astype(np.float32)
    return np.asarray(np.clip(surface * (1 - vignette * r2)[..., None] + dither + 0.5, 0, 255), np.uint8)

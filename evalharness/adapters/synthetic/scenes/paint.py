"""Drawing: shaded sprites made once, placed with sub-pixel accuracy in every frame.

Pictures are uint8 arrays (height, width, 3) in RGB. Coordinates are pixels in the edge convention:
x grows right from the left edge, y grows down from the top edge, so a pixel's centre is at k + 0.5.
Sprites are premultiplied RGBA. One key light from the upper left lights everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LIGHT",
    "Colour",
    "Field",
    "Picture",
    "Sprite",
    "blit",
    "carve",
    "disc",
    "glow",
    "light",
    "line",
    "mix",
    "revolve",
    "rgb",
    "sprite",
    "tube",
]

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
"""Values over a picture's area, float32."""
Colour = tuple[float, float, float]
"""Red, green and blue from 0 to 255."""

LIGHT = np.array([-0.46, -0.66, 0.59], np.float32)
"""Unit vector towards the key light: x right, y down, z towards the viewer."""

_HALF = np.array([-0.26, -0.37, 0.89], np.float32)
"""Unit vector halfway between the light and the viewer, for highlights."""

_SUPERSAMPLING = 3


@dataclass(frozen=True, slots=True)
class Sprite:
    """A premultiplied RGBA picture and the point of it that is placed."""

    rgba: Picture
    anchor: tuple[float, float]


def rgb(colour: Colour) -> Field:
    """A colour as an array (3,) to reckon with."""
    return np.asarray(colour, np.float32)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour `share` of the way from `first` to `second`."""
    a, b, c = (x + (y - x) * share for x, y in zip(first, second, strict=True))
    return a, b, c


def light(normal: Field, albedo: Field, *, gloss: float, ambient: float = 0.42, shine: float = 40.0) -> Field:
    """Lambert and Blinn shading: unit normals and albedo (0..255) -> colour, each (h, w, 3)."""
    diffuse = np.clip(normal @ LIGHT, 0, 1)
    fill = 0.16 * np.clip(normal @ np.array([0.8, -0.1, 0.58], np.float32), 0, 1)
    highlight = gloss * 255.0 * np.clip(normal @ _HALF, 0, 1) ** shine
    shaded: Field = albedo * (ambient + (1.12 - ambient) * diffuse + fill)[..., None] + highlight[..., None]
    return np.clip(shaded, 0, 255)


def sprite(colour: Field, alpha: Field, anchor: tuple[float, float]) -> Sprite:
    """A sprite from straight colour (h, w, 3) in 0..255 and coverage (h, w) in 0..1."""
    rgba = np.dstack([colour * alpha[..., None], alpha * 255.0])
    return Sprite(np.clip(rgba + 0.5, 0, 255).astype(np.uint8), anchor)


def carve(
    outlines: Sequence[NDArray[Any]],
    colour: Colour,
    *,
    bevel: float,
    gloss: float = 0.25,
    ambient: float = 0.42,
    texture: Callable[[Field, Field], Field] | None = None,
) -> Sprite:
    """A solid with rounded edges from polygons in pixels, anchored at their origin.

    bevel: width of the rounded edge in pixels. texture: maps x and y (h, w) in pixels to a factor
    on the colour (h, w), for grain and wear.
    """
    k = _SUPERSAMPLING
    points = np.concatenate(outlines)
    low = np.floor(points.min(axis=0)) - 2
    size = (np.ceil(points.max(axis=0)) + 2 - low).astype(int)
    mask = np.zeros((size[1] * k, size[0] * k), np.uint8)
    cv2.fillPoly(
        mask, [np.round((o - low) * k * 16 - 8).astype(np.int32) for o in outlines], 255, cv2.LINE_AA, 4
    )
    depth = np.clip(cv2.distanceTransform(mask, cv2.DIST_L2, 5) / (bevel * k), 0, 1)
    height = np.sqrt(1 - (1 - depth) ** 2) * bevel * k
    height = cv2.GaussianBlur(height, (0, 0), max(0.6, 0.18 * bevel * k))
    slope_y, slope_x = np.gradient(height)
    normal = np.dstack([-slope_x, -slope_y, np.ones_like(height)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    albedo = np.broadcast_to(rgb(colour), normal.shape)
    if texture is not None:
        y, x = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32) / k
        albedo = albedo * texture(x + low[0], y + low[1])[..., None]
    shaded = light(normal, albedo, gloss=gloss, ambient=ambient)
    return _shrink(shaded, mask.astype(np.float32) / 255.0, k, (-float(low[0]), -float(low[1])))


def revolve(
    radius: NDArray[Any],
    albedo: Callable[[Field, Field], Field] | Colour,
    *,
    gloss: float = 0.3,
    ambient: float = 0.42,
    shine: float = 40.0,
) -> Sprite:
    """A body of revolution about a vertical axis, anchored at the top of its axis.

    radius: pixels, one a row from the top down. albedo: a colour, or a function of the angle around
    the axis (h, w) in -pi/2..pi/2 and the row (h, w) that gives colours (h, w, 3).
    """
    rows = len(radius)
    widest = int(np.ceil(radius.max())) + 2
    r = np.maximum(radius.astype(np.float32), 1e-3)[:, None]
    x = (np.arange(2 * widest, dtype=np.float32) + 0.5 - widest)[None, :]
    u = np.clip(x / r, -1, 1)
    facing = np.sqrt(np.maximum(1 - u * u, 1e-4))
    slope = np.gradient(cv2.GaussianBlur(r, (1, 0), 1.2, sigmaY=1.2)[:, 0] if rows > 8 else r[:, 0])
    normal = np.dstack([u, np.broadcast_to(-slope[:, None], u.shape), facing]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    if callable(albedo):
        y = np.broadcast_to(np.arange(rows, dtype=np.float32)[:, None], u.shape)
        colour = albedo(np.arcsin(u).astype(np.float32), y)
    else:
        colour = np.broadcast_to(rgb(albedo), normal.shape)
    coverage = np.clip(r - np.abs(x) + 0.5, 0, 1)
    shaded = light(normal, colour, gloss=gloss, ambient=ambient, shine=shine)
    return sprite(shaded, coverage.astype(np.float32), (float(widest), 0.0))


def tube(
    length: float, radius: float, colour: Colour, *, tip: float | None = None, gloss: float = 0.3
) -> Sprite:
    """A rod hanging down from its anchor, `radius` at the top and `tip` at the bottom, in pixels."""
    rows = np.linspace(radius, radius if tip is None else tip, max(2, round(length)))
    end = rows[-1]
    inside = np.clip(np.arange(len(rows))[::-1] + 0.5, 0, end)
    return revolve(
        np.minimum(rows, np.sqrt(np.maximum(2 * end * inside - inside**2, 0.04))), colour, gloss=gloss
    )


def disc(colour: Colour, *, hardness: float = 0.0) -> Sprite:
    """A soft round spot of 64 pixels radius: shadows, smoke, pools of light. hardness 1 has a sharp edge."""
    y, x = np.mgrid[:132, :132].astype(np.float32) - 65.5
    r = np.hypot(x, y) / 64.0
    fall = np.clip((1 - r) / max(1 - hardness, 0.03), 0, 1)
    alpha = fall * fall * (3 - 2 * fall)
    return sprite(np.broadcast_to(rgb(colour), (132, 132, 3)), alpha.astype(np.float32), (66.0, 66.0))


def blit(
    canvas: Picture,
    what: Sprite,
    x: float,
    y: float,
    *,
    scale: float | tuple[float, float] = 1.0,
    angle: float = 0.0,
    opacity: float = 1.0,
) -> None:
    """Place a sprite's anchor at (x, y): turned clockwise by `angle` radians, then scaled by (x, y)."""
    placed = _placed(canvas, what, x, y, scale, angle)
    if placed is None:
        return
    region, warped = placed
    if opacity < 1.0:
        warped = np.asarray(cv2.convertScaleAbs(warped, alpha=opacity), np.uint8)
    keep = np.uint16(255) - warped[..., 3:4]
    product = region * keep + np.uint16(128)
    region[...] = warped[..., :3] + ((product + (product >> 8)) >> 8).astype(np.uint8)


def glow(
    canvas: Picture,
    what: Sprite,
    x: float,
    y: float,
    *,
    scale: float | tuple[float, float] = 1.0,
    opacity: float = 1.0,
) -> None:
    """Add a sprite's light at (x, y), saturating."""
    placed = _placed(canvas, what, x, y, scale, 0.0)
    if placed is None:
        return
    region, warped = placed
    region[...] = cv2.add(region, cv2.convertScaleAbs(np.ascontiguousarray(warped[..., :3]), alpha=opacity))


def line(canvas: Picture, points: NDArray[Any], colour: Colour, width: float = 1.0) -> None:
    """An antialiased polyline through points (n, 2)."""
    whole = np.round((points - 0.5) * 16).astype(np.int32)
    cv2.polylines(canvas, [whole], False, colour, max(1, round(width)), cv2.LINE_AA, 4)


def _placed(
    canvas: Picture, what: Sprite, x: float, y: float, scale: float | tuple[float, float], angle: float
) -> tuple[Picture, Picture] | None:
    """The canvas region that the sprite covers, and the sprite warped onto it; None when off screen."""
    scale_x, scale_y = scale if isinstance(scale, tuple) else (scale, scale)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    turn = np.array([[scale_x * cos, -scale_x * sin], [scale_y * sin, scale_y * cos]])
    shift = np.array([x, y]) - turn @ what.anchor
    height, width = what.rgba.shape[:2]
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ turn.T + shift
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)), [canvas.shape[1], canvas.shape[0]]).astype(int)
    if right <= left or bottom <= top:
        return None
    # warpAffine counts from pixel centres, hence the halves.
    centred = turn @ [0.5, 0.5] + shift - 0.5 - [left, top]
    matrix = np.column_stack([turn, centred])
    warped = cv2.warpAffine(what.rgba, matrix, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    return canvas[top:bottom, left:right], np.asarray(warped, np.uint8)


def _shrink(colour: Field, alpha: Field, factor: int, anchor: tuple[float, float]) -> Sprite:
    """Average a supersampled picture down, premultiplied so that edges keep their colour."""
    rgba = np.dstack([colour * alpha[..., None], alpha * 255.0]).astype(np.float32)
    size = (alpha.shape[1] // factor, alpha.shape[0] // factor)
    small = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
    return Sprite(np.clip(small + 0.5, 0, 255).astype(np.uint8), anchor)

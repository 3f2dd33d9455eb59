"""The head as a height map: outline, depth, normals and how much sky each point sees.

A head-on head is a half-width and a depth for every height, with soft bumps and hollows on top.
All lengths in head units (crown 0, chin 1); depth grows towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from evalharness.adapters.synthetic.head.look import Look
from evalharness.adapters.synthetic.head.paint import Array, Canvas, bump, smoothstep

__all__ = ["EYE_X", "EYE_Y", "MOUTH_Y", "Surface", "surface_of"]

EYE_X, EYE_Y, MOUTH_Y = 0.150, 0.500, 0.790

# Height down the head, half-width there, depth there.
_PROFILE = np.array(
    [
        (0.00, 0.000, 0.000), (0.05, 0.160, 0.170), (0.12, 0.244, 0.242), (0.22, 0.306, 0.300),
        (0.35, 0.338, 0.332), (0.48, 0.341, 0.340), (0.58, 0.333, 0.338), (0.66, 0.314, 0.334),
        (0.74, 0.283, 0.328), (0.82, 0.240, 0.316), (0.89, 0.190, 0.292), (0.95, 0.132, 0.235),
        (0.985, 0.074, 0.145), (1.00, 0.000, 0.000),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The head's front on a canvas; every array has the canvas's shape."""

    inside: Array
    """Signed distance to the outline, roughly: positive inside the face."""
    mask: Array
    depth: Array
    normal: Array
    """Unit normals, shape (h, w, 3): x right, y down, z to the viewer."""
    open_sky: Array
    """1 where nothing is near, less in hollows (cheap ambient occlusion)."""


def half_width(y: Array, look: Look) -> Array:
    """Half-width of the bare head at each height; 0 above the crown and below the chin."""
    return _down_the_head(y, 1, look)


def _down_the_head(y: Array, column: int, look: Look) -> Array:
    # Over the angle, not the height, the profile is smooth at crown and chin, where it is round.
    angle = np.arccos(np.clip(1.0 - 2.0 * y, -1.0, 1.0))
    knots, values = np.arccos(1.0 - 2.0 * _PROFILE[:, 0]), _PROFILE[:, column]
    found = np.maximum(CubicSpline(knots, values)(angle), 0.0).astype(np.float32)
    if column == 1:
        found = found * (1.0 + (look.jaw - 1.0) * smoothstep(0.62, 0.86, y))
        found = found * (1.0 + (look.cheek - 1.0) * smoothstep(0.40, 0.60, y))
    return np.asarray(found, dtype=np.float32)


def surface_of(canvas: Canvas, look: Look) -> Surface:
    """The head of `look` on `canvas`."""
    x, y = canvas.x, canvas.y
    width = half_width(y, look)
    across = np.abs(x) / np.maximum(width, 1e-3)
    inside = np.where(width > 0, (1.0 - across) * width, -0.1).astype(np.float32)
    # Near crown and chin the outline is flat: the vertical distance is the shorter one there.
    inside = np.minimum(inside, 3.0 * np.minimum(y, 1.0 - y)).astype(np.float32)
    depth = _down_the_head(y, 2, look) * np.power(np.maximum(1.0 - across**2.3, 0.0), 1 / 2.3)
    mask = canvas.inside(inside)
    depth = (depth + _features(canvas, look) * smoothstep(0.0, 0.05, inside)).astype(np.float32)
    depth = canvas.blurred(depth, 0.0035)
    dy, dx = np.gradient(depth * canvas.scale)
    normal = np.dstack([-dx, -dy, np.ones_like(depth)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    hollow = canvas.blurred(depth, 0.030) - depth + 0.6 * (canvas.blurred(depth, 0.010) - depth)
    open_sky = np.clip(1.0 - 9.0 * np.maximum(hollow, 0.0), 0.45, 1.0).astype(np.float32)
    return Surface(inside, mask, depth, normal, open_sky)


def _features(canvas: Canvas, look: Look) -> Array:
    """Everything that is not the plain egg: brow, eyes, cheeks, nose, lips, chin."""
    x, y = canvas.x, canvas.y

    def both(at: float, down: float, sx: float, sy: float) -> Array:
        return bump(canvas, -at, down, sx, sy) + bump(canvas, at, down, sx, sy)

    ridge = 0.014 if look.feminine else 0.022
    relief = ridge * both(0.13, 0.432, 0.085, 0.024)
    relief -= 0.034 * both(EYE_X, EYE_Y - 0.005, 0.075, 0.036)
    relief -= 0.012 * both(0.062, 0.485, 0.026, 0.035)
    relief += 0.024 * both(EYE_X, EYE_Y + 0.002, 0.050, 0.034)
    relief += 0.022 * both(0.19, 0.625, 0.085, 0.062)
    relief -= 0.018 * both(0.315, 0.40, 0.05, 0.08)
    # Nose: a bridge that widens and rises towards the tip, the tip's ball, the wings.
    run = np.clip((y - 0.44) / 0.23, 0.0, 1.0)
    wide = (0.030 + 0.020 * run) * look.nose
    bridge = (0.016 + 0.052 * run**1.3) * smoothstep(0.40, 0.50, y) * smoothstep(0.745, 0.645, y)
    relief += bridge * np.exp(-0.5 * (x / wide) ** 2)
    relief += 0.026 * bump(canvas, 0.0, 0.664, 0.036 * look.nose, 0.030)
    relief += 0.020 * both(0.055 * look.nose, 0.680, 0.022, 0.022)
    # Furrow from the wing of the nose to the corner of the mouth.
    furrow = np.abs(x) - (0.088 + 0.42 * np.clip(y - 0.69, 0.0, 0.2))
    relief -= 0.005 * np.exp(-0.5 * (furrow / 0.012) ** 2) * bump(canvas, 0.0, 0.735, 9.0, 0.035)
    relief -= 0.006 * bump(canvas, 0.0, 0.733, 0.012, 0.020)
    relief += 0.020 * bump(canvas, 0.0, MOUTH_Y, 0.105, 0.042)
    relief -= 0.015 * bump(canvas, 0.0, 0.862, 0.070, 0.016)
    relief += (0.014 if look.feminine else 0.022) * bump(canvas, 0.0, 0.925, 0.070, 0.045)
    return np.asarray(relief, dtype=np.float32)

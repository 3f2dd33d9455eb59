"""The plate: everything behind the head that stands still - room, neck, shoulders, shirt."""

from __future__ import annotations

import numpy as np

from evalharness.adapters.synthetic.head.hair import back_hair
from evalharness.adapters.synthetic.head.look import Look
from evalharness.adapters.synthetic.head.paint import (
    Array,
    Canvas,
    blend,
    bump,
    linear,
    noise,
    smoothstep,
    srgb,
)
from evalharness.adapters.synthetic.head.skin import lit

__all__ = ["paint_plate"]


def paint_plate(canvas: Canvas, look: Look, rng: np.random.Generator) -> Array:
    """The frame without the head; `canvas` spans the frame."""
    plate = _room(canvas, look, rng)
    hair = back_hair(canvas, look, rng)
    if hair is not None:
        blend(plate, *hair)
    neck, neck_mask = _neck(canvas, look)
    blend(plate, neck, neck_mask)
    shirt, shirt_mask = _shirt(canvas, look, rng)
    shade = canvas.blurred(shirt_mask, 0.02) * (1.0 - shirt_mask) * neck_mask
    plate *= 1.0 - 0.35 * shade[..., None]
    blend(plate, shirt, shirt_mask)
    return plate


def _room(canvas: Canvas, look: Look, rng: np.random.Generator) -> Array:
    """A wall out of focus: light falling off from one side, a few blurred shapes."""
    bright, dark = (np.asarray(colour, dtype=np.float32) for colour in look.wall)
    across = (canvas.x - canvas.x.min()) / np.ptp(canvas.x)
    down = (canvas.y - canvas.y.min()) / np.ptp(canvas.y)
    if look.light[0] > 0:
        across = 1.0 - across
    fall = np.clip(0.75 * across + 0.35 * down, 0.0, 1.0)[..., None]
    room = (bright + (dark - bright) * fall).astype(np.float32)
    shapes = np.zeros_like(room)
    weight = np.zeros_like(canvas.x)
    for _ in range(5):
        x, y = rng.uniform(canvas.x.min(), canvas.x.max()), rng.uniform(-0.3, 1.0)
        wide, tall = rng.uniform(0.12, 0.40), rng.uniform(0.15, 0.6)
        box = canvas.inside(
            np.minimum(wide / 2 - np.abs(canvas.x - x), tall / 2 - np.abs(canvas.y - y)).astype(np.float32)
        )
        tone = (
            rng.uniform(0.6, 1.35) * (0.5 * (bright + dark)) * rng.uniform(0.92, 1.08, 3).astype(np.float32)
        )
        blend(shapes, tone.astype(np.float32), box)
        weight = np.maximum(weight, box)
    blend(room, canvas.blurred(shapes, 0.05) / np.maximum(canvas.blurred(weight, 0.05), 1e-3)[..., None],
          0.45 * canvas.blurred(weight, 0.05))  # fmt: skip
    corner = np.hypot(across - 0.5, 0.7 * (down - 0.5))
    room *= (1.0 - 0.30 * smoothstep(0.35, 0.75, corner))[..., None]
    room += 0.006 * noise(rng, canvas.x.shape, 300)[..., None]
    return np.asarray(np.clip(room, 0.0, 1.0), dtype=np.float32)


def _neck(canvas: Canvas, look: Look) -> tuple[Array, Array]:
    """Neck with the chin's shadow, widening into the shoulders."""
    x, y = canvas.x, canvas.y
    wide = 0.158 if look.feminine else 0.194
    wide = wide + 0.9 * np.maximum(y - 0.98, 0.0) ** 2
    edge = np.minimum(wide - np.abs(x), y - 0.72)
    across = np.clip(x / wide, -0.98, 0.98)
    tendons = 0.10 * np.sin(3.2 * np.pi * across) * smoothstep(1.0, 1.2, y)
    side = np.clip(0.86 * across + tendons, -0.97, 0.97)
    normal = np.dstack([side, np.full_like(x, 0.12), np.sqrt(1.0 - side**2)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    skin = linear(np.asarray(look.skin, dtype=np.float32)) * np.array([0.97, 0.90, 0.88], dtype=np.float32)
    light = lit(
        np.broadcast_to(skin, (*x.shape, 3)).astype(np.float32),
        normal,
        np.full_like(x, 0.8),
        look,
        flesh=True,
    )
    lean = -0.10 * np.sign(look.light[0])
    cast = smoothstep(1.135, 1.02, y + 1.6 * (x - lean * 0.6) ** 2) + 0.5 * bump(
        canvas, lean, 1.06, 0.16, 0.07
    )
    light *= 1.0 - np.clip(cast, 0.0, 1.0)[..., None] * np.array([0.52, 0.62, 0.66], dtype=np.float32)
    for at in (-0.05, 0.05):
        light *= 1.0 - 0.10 * bump(canvas, at * 1.2, 1.30, 0.012, 0.02)[..., None]
    return srgb(light), canvas.inside(edge.astype(np.float32), 1.5)


def _shirt(canvas: Canvas, look: Look, rng: np.random.Generator) -> tuple[Array, Array]:
    """Shoulders in a shirt with a crew or a V collar, soft folds, and its mask."""
    x, y = canvas.x, canvas.y
    away = np.abs(x)
    broad = 0.66 if look.feminine else 0.76
    slope = 1.145 + 0.135 * smoothstep(0.16, broad, away) + 1.5 * np.maximum(away - broad * 0.90, 0.0) ** 2
    slope = slope + 0.5 * np.maximum(away - broad, 0.0)
    collar = 1.40 - 0.98 * away if look.collar == "v" else 1.245 - 0.9 * away**1.6
    edge = np.minimum(y - slope, y - collar)
    side = np.clip(x / (broad * 1.1), -0.95, 0.95) * 0.8
    folds = 0.16 * noise(rng, x.shape, 9) + 0.07 * noise(rng, x.shape, 24)
    up = np.clip(-0.55 + 2.2 * (y - slope), -0.55, 0.1) + folds
    normal = np.dstack([side + folds, up, np.ones_like(x)]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    cloth = (
        linear(np.asarray(look.shirt, dtype=np.float32)) * (0.93 + 0.05 * noise(rng, x.shape, 260))[..., None]
    )
    light = lit(cloth.astype(np.float32), normal, np.ones_like(x), look, flesh=False)
    hem = np.minimum(y - collar - 0.030, 1.0)
    light *= (1.0 - 0.30 * np.exp(-0.5 * (hem / 0.005) ** 2) * (away < 0.26))[..., None]
    return srgb(light), canvas.inside(edge.astype(np.float32), 1.5)

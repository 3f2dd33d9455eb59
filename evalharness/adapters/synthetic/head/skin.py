"""Skin: the shaded face with ears, brows and nostrils, but without eyes, mouth and hair."""

from __future__ import annotations

import numpy as np

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
from evalharness.adapters.synthetic.head.surface import EYE_X, EYE_Y, MOUTH_Y, Surface

__all__ = ["lit", "paint_face"]


def lit(
    albedo: Array, normal: Array, open_sky: Array, look: Look, *, flesh: bool, shine: float = 0.0
) -> Array:
    """Linear light off a surface: the key, a fill from the other side, the sky, a small highlight.

    `albedo` is linear RGB. On `flesh` the key turns red where it grazes, and the shadows are warm.
    """
    key = np.array(look.light, dtype=np.float32)
    facing = normal @ key
    wrap = smoothstep(-0.45, 1.15, facing)[..., None] * 1.04
    tint = np.array([1.0 + 0.05 * look.warmth, 1.0, 1.0 - 0.08 * look.warmth], dtype=np.float32)
    bleed = np.array([0.80, 1.06, 1.14] if flesh else [1.0, 1.0, 1.0], dtype=np.float32)
    bounce = np.array([1.20, 0.86, 0.76] if flesh else [1.0, 1.0, 1.0], dtype=np.float32)
    fill = np.clip(normal @ np.array([0.75, 0.0, 0.66], dtype=np.float32), 0.0, 1.0)[..., None]
    sky = np.clip(0.65 - 0.35 * normal[..., 1:2], 0.0, 1.0)
    light = 0.98 * tint * wrap**bleed + 0.20 * bounce * fill + 0.30 * bounce * sky * open_sky[..., None]
    half = key + np.array([0.0, 0.0, 1.0], dtype=np.float32)
    half /= np.linalg.norm(half)
    glint = np.clip(normal @ half, 0.0, 1.0)[..., None] ** 28
    return np.asarray(albedo * light * (0.55 + 0.45 * open_sky[..., None]) + shine * glint, dtype=np.float32)


def paint_face(canvas: Canvas, surface: Surface, look: Look, rng: np.random.Generator) -> tuple[Array, Array]:
    """The face and its mask (ears included)."""
    albedo = _complexion(canvas, look, rng)
    face = srgb(lit(albedo, surface.normal, surface.open_sky, look, flesh=True, shine=0.075))
    _nose(canvas, face, look)
    _sockets(canvas, face, look)
    _under_lip(canvas, face)
    _brows(canvas, face, look, rng)
    picture, mask = _ears(canvas, look)
    blend(picture, face, surface.mask)
    return picture, np.maximum(mask, surface.mask)


def _complexion(canvas: Canvas, look: Look, rng: np.random.Generator) -> Array:
    """Skin colour (linear), redder at cheeks, nose and chin, with faint unevenness."""
    red = 0.55 * (bump(canvas, -0.20, 0.63, 0.085, 0.06) + bump(canvas, 0.20, 0.63, 0.085, 0.06))
    red = red + 0.55 * bump(canvas, 0, 0.67, 0.05, 0.035) + 0.25 * bump(canvas, 0, 0.92, 0.07, 0.04)
    uneven = 0.030 * noise(rng, canvas.x.shape, 9) + 0.020 * noise(rng, canvas.x.shape, 60)
    uneven = uneven + 0.016 * noise(rng, canvas.x.shape, 220)
    base = linear(np.asarray(look.skin, dtype=np.float32))
    tone = np.stack(
        [1.0 + uneven + 0.02 * red, 1.0 + uneven - 0.17 * red, 1.0 + uneven - 0.15 * red], axis=-1
    )
    if not look.feminine:
        beard = smoothstep(0.70, 0.80, canvas.y) * (1.0 - bump(canvas, 0, MOUTH_Y, 0.10, 0.025))
        tone *= 1.0 - 0.07 * beard[..., None]
    return np.asarray(base * tone, dtype=np.float32)


def _darken(picture: Array, mask: Array, tint: tuple[float, float, float] = (0.34, 0.16, 0.13)) -> None:
    """A soft shadow of skin: keeps some red, as light that went through flesh does."""
    picture *= 1.0 - mask[..., None] * (1.0 - np.asarray(tint, dtype=np.float32))


def _nose(canvas: Canvas, face: Array, look: Look) -> None:
    for side in (-1.0, 1.0):
        at = side * 0.031 * look.nose
        tilt = (canvas.y - 0.699) + side * 0.25 * (canvas.x - at)
        nostril = np.exp(-0.5 * (((canvas.x - at) / (0.0145 * look.nose)) ** 2 + (tilt / 0.0058) ** 2))
        _darken(face, 0.72 * np.clip(1.25 * nostril, 0, 1), (0.22, 0.08, 0.07))
        wing = np.hypot((canvas.x - side * 0.056 * look.nose) / 0.026, (canvas.y - 0.683) / 0.025)
        outer = np.exp(-0.5 * ((wing - 1.0) / 0.16) ** 2) * (side * canvas.x > 0.056 * look.nose)
        _darken(face, 0.24 * outer.astype(np.float32))
    _darken(face, 0.20 * bump(canvas, 0.008, 0.716, 0.046 * look.nose, 0.010))


def _sockets(canvas: Canvas, face: Array, look: Look) -> None:
    for side in (-1.0, 1.0):
        _darken(face, 0.20 * bump(canvas, side * EYE_X, EYE_Y - 0.030, 0.066, 0.020), (0.52, 0.28, 0.26))
        _darken(face, 0.13 * bump(canvas, side * EYE_X, EYE_Y + 0.040, 0.050, 0.011), (0.52, 0.28, 0.28))
        _darken(face, 0.16 * bump(canvas, side * 0.074, EYE_Y - 0.012, 0.017, 0.030))
        crease = canvas.y - (EYE_Y - 0.046 * look.eye + 0.022 * ((canvas.x - side * EYE_X) / 0.066) ** 2)
        within = smoothstep(0.072, 0.040, np.abs(canvas.x - side * EYE_X))
        _darken(face, 0.34 * np.exp(-0.5 * (crease / 0.0040) ** 2) * within)


def _under_lip(canvas: Canvas, face: Array) -> None:
    _darken(face, 0.22 * bump(canvas, 0.004, MOUTH_Y + 0.062, 0.055, 0.011))
    for side in (-1.0, 1.0):
        _darken(face, 0.12 * bump(canvas, side * 0.122, MOUTH_Y - 0.008, 0.013, 0.013))


def _brows(canvas: Canvas, face: Array, look: Look, rng: np.random.Generator) -> None:
    """Tapering brows of fine strokes."""
    strokes = noise(rng, canvas.x.shape, 150)
    for side in (-1.0, 1.0):
        along = (side * canvas.x - 0.078) / 0.158  # 0 at the inner end, 1 at the tail
        t = np.clip(along, 0.0, 1.0)
        arch = 0.024 if look.feminine else 0.015
        middle = 0.426 - arch * np.sin(np.pi * t**1.15) + 0.010 * t**2
        thick = (0.0125 - 0.0095 * t**1.5) * look.brow * smoothstep(-0.10, 0.25, along)
        # Hairs lean outwards, the more the further out.
        hairs = np.sin(520.0 * (canvas.x * side - (1.0 + 1.5 * t) * (canvas.y - middle)) + 5.0 * strokes)
        edge = thick - np.abs(canvas.y - middle) + 0.0012 * hairs + 0.0010 * strokes
        brow = canvas.inside(edge, softness=4.0) * smoothstep(1.03, 0.90, along)
        brow = brow * smoothstep(-0.08, 0.14, along) * (0.80 + 0.10 * hairs)
        colour = 0.62 * np.asarray(look.hair) + 0.01
        blend(face, colour, np.clip(brow, 0.0, 0.90))


def _ears(canvas: Canvas, look: Look) -> tuple[Array, Array]:
    """Both ears on an otherwise skin-coloured picture, and their mask."""
    skin = linear(np.asarray(look.skin, dtype=np.float32)) * np.array([1.0, 0.84, 0.82], dtype=np.float32)
    picture = np.empty((*canvas.x.shape, 3), dtype=np.float32)
    picture[:] = srgb(0.55 * skin)
    mask = np.zeros_like(canvas.x)
    for side in (-1.0, 1.0):
        x = (side * canvas.x - 0.345) - 0.10 * (0.56 - canvas.y)
        y = canvas.y - 0.56
        wide = 0.048 - 0.10 * np.maximum(y, 0.0) * 0.8
        reach = np.hypot(x / np.maximum(wide, 0.016), y / 0.098)
        ear = canvas.inside(((1.0 - reach) * 0.045).astype(np.float32))
        facing = 0.92 if side * look.light[0] > 0 else 0.62
        rim = np.exp(-0.5 * ((reach - 0.80) / 0.13) ** 2)
        bowl = np.exp(-0.5 * ((x - 0.006) ** 2 / 0.014**2 + (y + 0.004) ** 2 / 0.040**2))
        tone = facing * (0.78 + 0.30 * rim - 0.38 * bowl)
        blend(picture, srgb(skin * np.clip(tone, 0.1, 1.2)[..., None].astype(np.float32)), ear)
        mask = np.maximum(mask, ear)
    return picture, mask

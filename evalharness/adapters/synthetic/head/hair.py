"""Hair: a cap with streaks and a sheen, in five cuts; long cuts also have a part behind the neck."""

from __future__ import annotations

import numpy as np

from evalharness.adapters.synthetic.head.look import Look
from evalharness.adapters.synthetic.head.paint import Array, Canvas, blend, linear, noise, smoothstep, srgb
from evalharness.adapters.synthetic.head.skin import lit
from evalharness.adapters.synthetic.head.surface import half_width

__all__ = ["back_hair", "paint_hair"]

_CURTAIN_END = {"bob": 0.93, "long": 1.24}
_LIFT = {"short": 0.048, "swept": 0.070, "parted": 0.052, "bob": 0.062, "long": 0.056}
"""How far the hair stands above the crown."""


def paint_hair(
    canvas: Canvas, picture: Array, mask: Array, face_mask: Array, look: Look, rng: np.random.Generator
) -> Array:
    """Lay the hair over the face, in place; returns the mask of head and hair together."""
    outer, shell = _outer(canvas, look)
    hairline = _hairline(canvas, look, rng)
    coverage = canvas.inside(np.minimum(outer, hairline), 3.0)
    shadow = canvas.blurred(coverage, 0.016)
    shifted = np.roll(
        shadow, (round(0.020 * canvas.scale), round(-0.006 * canvas.scale * np.sign(look.light[0]))), (0, 1)
    )
    picture *= (1.0 - 0.42 * shifted * face_mask * (1 - coverage))[..., None] ** np.array(
        [0.8, 1.0, 1.0], np.float32
    )
    blend(picture, _strands(canvas, shell, look, rng), coverage)
    return np.maximum(mask, coverage)


def back_hair(canvas: Canvas, look: Look, rng: np.random.Generator) -> tuple[Array, Array] | None:
    """Hair that falls behind the neck, with its mask; None for cuts that have none."""
    end = _CURTAIN_END.get(look.style)
    if end is None:
        return None
    end -= 0.05
    y = canvas.y
    wide = (
        0.30
        + 0.10 * smoothstep(0.2, 0.55, y)
        + 0.04 * smoothstep(0.4, end, y)
        - 0.10 * smoothstep(end - 0.10, end + 0.02, y)
    )
    edge = np.minimum(wide - np.abs(canvas.x), np.minimum(end - y, y - 0.2))
    streak = noise(rng, (4, canvas.x.shape[1]), 90)[1]
    tone = (0.42 + 0.10 * streak)[None, :, None] * np.ones((*y.shape, 1), np.float32)
    colour = srgb(linear(np.asarray(look.hair, dtype=np.float32)) * tone.astype(np.float32))
    return colour, canvas.inside(edge.astype(np.float32), 5.0)


def _outer(canvas: Canvas, look: Look) -> tuple[Array, Array]:
    """Signed distance to the hair's outer edge, and 0 to 1 across it from the middle outwards."""
    x, y = canvas.x, canvas.y
    lift = _LIFT[look.style]
    end = _CURTAIN_END.get(look.style)
    # A dome over the skull that meets the temples.
    temple = float(half_width(np.array([[0.42]], dtype=np.float32), look)[0, 0])
    temple += 0.55 * lift + (0.024 if end else 0.0)
    rise = np.clip((0.40 - y) / (0.40 + lift), 0.0, 1.0)
    wide: Array = np.asarray(temple * np.power(1.0 - rise**2.25, 1 / 2.1), dtype=np.float32)
    if end is not None:
        wide = wide + 0.022 * smoothstep(0.4, 0.85, y) - 0.01 * smoothstep(end - 0.10, end, y) ** 2
        limit = end - y
    else:
        wide = wide - 0.040 * smoothstep(0.34, 0.52, y)
        limit = 0.55 - y
    tilt = 0.10 * look.side * lift * x * smoothstep(0.3, 0.0, y) if look.style == "swept" else 0.0
    edge = np.minimum(wide + tilt - np.abs(x), np.minimum(limit, y + lift))
    shell = np.clip(np.abs(x) / np.maximum(wide, 1e-3), 0.0, 1.0)
    return edge.astype(np.float32), shell.astype(np.float32)


def _hairline(canvas: Canvas, look: Look, rng: np.random.Generator) -> Array:
    """Signed distance to the edge between hair and face: positive in the hair."""
    x, y = canvas.x, canvas.y
    away = np.abs(x)
    part = look.side * x
    wobble = 0.004 * noise(rng, (4, canvas.x.shape[1]), 60)[1][None, :] + 0.003 * noise(rng, x.shape, 70)
    temple = 0.20 * smoothstep(0.20, 0.315, away) + 0.16 * smoothstep(0.295, 0.34, away)
    if look.style == "short":
        line = 0.195 - 0.025 * smoothstep(0.0, 0.15, away) + temple
    elif look.style == "swept":
        line = (
            0.205 + 0.095 * smoothstep(0.20, -0.26, part) - 0.07 * smoothstep(0.06, 0.17, part) + 0.9 * temple
        )
    elif look.style == "bob":
        line = 0.300 - 0.06 * smoothstep(0.05, -0.02, np.abs(part - 0.10)) + 1.1 * temple
    else:
        line = 0.160 + 0.25 * smoothstep(0.0, 0.30, np.abs(part - 0.05)) ** 1.2 + 0.6 * temple
    edge = line - y + wobble
    if look.style in _CURTAIN_END:
        end = _CURTAIN_END[look.style]
        taper = 0.09 if look.style == "long" else 0.02
        inner = 0.318 - 0.030 * smoothstep(0.45, 0.80, y) + taper * smoothstep(end - 0.36, end, y) ** 2
        curtain = np.minimum(away - inner + wobble, y - 0.25)
        edge = np.maximum(edge, curtain)
    else:
        sideburn = np.minimum(
            away - 0.306 - 0.045 * smoothstep(0.34, 0.53, y), np.minimum(0.52 - y, y - 0.25)
        )
        edge = np.maximum(edge, sideburn + wobble)
    return np.asarray(edge, dtype=np.float32)


def _strands(canvas: Canvas, shell: Array, look: Look, rng: np.random.Generator) -> Array:
    """Streaks that run from the parting outwards and down, lit as a rounded cap with a sheen."""
    x, y = canvas.x, canvas.y
    centre = 0.10 * look.side if look.style in {"swept", "bob"} else 0.05 * look.side
    if look.style == "short":
        centre = 0.0
    run_x, run_y = x - centre, np.maximum(y + 0.10, 0.0)
    # Strands leave the parting sideways and then hang: constant along these curves.
    strand = run_x / (0.22 + 0.78 * np.minimum(run_y, 0.9)) ** 0.75
    streak = np.zeros_like(x)
    for cells, weight in ((40, 0.5), (110, 0.35), (260, 0.25)):
        table = rng.uniform(-1.0, 1.0, 4 * cells + 8).astype(np.float32)
        at = np.clip((strand + 1.5) / 3.0, 0.0, 1.0) * 4 * cells + 0.8 * noise(rng, x.shape, 12)
        streak += weight * np.interp(at, np.arange(len(table)), table).astype(np.float32)
    side = np.sign(x) * np.power(shell, 1.6) * 0.92
    up = -np.clip(1.0 - (y + 0.08) / 0.42, 0.0, 1.0) * 0.75
    normal = np.dstack([side, up, np.sqrt(np.maximum(1.0 - side**2 - up**2, 0.05))]).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    base = linear(np.asarray(look.hair, dtype=np.float32)) * (1.0 + 0.42 * streak)[..., None]
    light = lit(base.astype(np.float32), normal, np.ones_like(x), look, flesh=False)
    sheen = np.exp(-0.5 * ((y - 0.075 - 0.22 * x * x + 0.012 * streak) / 0.045) ** 2) * (0.6 + 0.5 * streak)
    sheen = (
        sheen
        * smoothstep(1.0, 0.45, shell)
        * (1.0 - 0.5 * smoothstep(-0.1, 0.35, x * -np.sign(look.light[0])))
    )
    tint = 0.35 + 0.65 * linear(np.asarray(look.hair, dtype=np.float32))
    return srgb(light + 0.085 * np.clip(sheen, 0, 1.5)[..., None] * tint)

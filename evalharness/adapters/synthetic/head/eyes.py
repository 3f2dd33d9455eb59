"""The eyes: two lens-shaped openings that blink and glance; a blink is one of a few drawn steps."""

from __future__ import annotations

import numpy as np

from evalharness.adapters.synthetic.head.look import Look
from evalharness.adapters.synthetic.head.paint import Array, Canvas, blend, smoothstep
from evalharness.adapters.synthetic.head.surface import EYE_X, EYE_Y

__all__ = ["Eyes"]

_STEPS = 6
"""Drawn positions of the lid between open and shut."""


class Eyes:
    """Both eyes over a face without eyes; each (lid, glance) is drawn once and kept."""

    def __init__(self, canvas: Canvas, look: Look, face: Array) -> None:
        self._look = look
        self._parts = [
            canvas.window(side * EYE_X - 0.095, EYE_Y - 0.070, side * EYE_X + 0.095, EYE_Y + 0.060)
            for side in (-1.0, 1.0)
        ]
        self._skin = [face[rows, columns].copy() for rows, columns, _ in self._parts]
        self._drawn: dict[tuple[int, int], list[Array]] = {}

    def draw(self, picture: Array, lid: float, glance: int) -> None:
        """Paint both eyes, `lid` from 0 (open) to 1 (shut), `glance` -1 left, 0 ahead, 1 right."""
        key = (round(lid * _STEPS), glance)
        if key not in self._drawn:
            self._drawn[key] = [
                self._eye(index, key[0] / _STEPS, 0.0055 * glance) for index in range(len(self._parts))
            ]
        for (rows, columns, _), eye in zip(self._parts, self._drawn[key], strict=True):
            picture[rows, columns] = eye

    def _eye(self, index: int, lid: float, glance: float) -> Array:
        look = self._look
        canvas, picture = self._parts[index][2], self._skin[index].copy()
        side = (-1.0, 1.0)[index]
        x = (canvas.x - side * EYE_X) * side  # grows outwards, from the nose to the temple
        y = canvas.y - EYE_Y + 0.004 * (x / 0.06)  # the outer corner sits a little higher
        half = 0.063 * look.eye
        t = np.clip(np.abs(x - 0.002) / half, 0.0, 1.0)
        top_open = -0.0305 * look.eye * (1 - t**2.3) ** 0.9
        bottom = 0.0175 * look.eye * (1 - t**2.2)
        shut = 0.011 * (1 - t**2)
        top = top_open + (shut - top_open) * lid
        low = bottom + (shut - bottom) * 0.75 * lid
        inside = canvas.inside(np.minimum(y - top, low - y).astype(np.float32), 1.2) * (t < 1)

        # The lid that comes down covers the crease with plain skin.
        if lid > 0:
            cover = canvas.inside(np.minimum(y - top_open + 0.012, top - y).astype(np.float32), 6.0) * (t < 1)
            skin = np.asarray(look.skin, dtype=np.float32) * np.array([0.86, 0.80, 0.79], dtype=np.float32)
            shade = (0.98 - 0.14 * t)[..., None]
            blend(picture, (skin * shade).astype(np.float32), (0.75 * lid * cover).astype(np.float32))

        ball = np.empty_like(picture)
        white = np.array([0.90, 0.885, 0.875], dtype=np.float32)
        ball[:] = white * (1.0 - 0.26 * (x / half) ** 2)[..., None]
        self._iris(canvas, ball, x - side * glance, y + 0.0055)
        under_lid = np.exp(-np.maximum(y - top, 0.0) / 0.0095)
        ball *= 1.0 - 0.50 * under_lid[..., None]
        corner = np.exp(-0.5 * (((x + half * 0.93) / 0.0075) ** 2 + (y / 0.0075) ** 2))
        blend(ball, (0.74, 0.46, 0.43), (0.7 * corner).astype(np.float32))
        blend(picture, ball, inside.astype(np.float32))

        reach = smoothstep(1.0, 0.90, t)
        lash = np.exp(-0.5 * ((y - top + 0.0012) / (0.0036 + 0.0016 * np.clip(x / half, 0, 1))) ** 2) * reach
        strength = 0.95 if look.feminine else 0.85
        blend(picture, (0.07, 0.045, 0.04), (strength * lash).astype(np.float32))
        rim = np.exp(-0.5 * ((y - low - 0.001) / 0.0028) ** 2) * reach
        blend(picture, (0.42, 0.22, 0.19), (0.42 * rim).astype(np.float32))
        return picture

    def _iris(self, canvas: Canvas, ball: Array, x: Array, y: Array) -> None:
        look = self._look
        radius = np.hypot(x, y)
        size = 0.0275 * look.eye
        ring = radius / size
        angle = np.arctan2(y, x)
        fibres = 0.90 + 0.10 * np.sin(angle * 23.0) * np.sin(angle * 7.0 + 1.0)
        tone = (0.62 + 0.70 * smoothstep(-1.0, 1.0, (y / size).astype(np.float32))) * fibres
        tone = tone * (1.0 - 0.62 * smoothstep(0.76, 1.0, ring.astype(np.float32)))
        colour = np.asarray(look.iris, dtype=np.float32) * tone[..., None].astype(np.float32)
        blend(ball, colour, canvas.inside((size - radius).astype(np.float32), 1.8))
        blend(ball, (0.025, 0.02, 0.02), canvas.inside((0.0118 - radius).astype(np.float32), 1.8))
        # The window's reflection: on the same side of both eyes.
        towards = -1.0 if look.light[0] < 0 else 1.0
        mirrored = np.float32(np.sign(canvas.x.mean()))
        glint = np.hypot(mirrored * x - towards * 0.0085, y + 0.0095)
        blend(ball, (1.0, 1.0, 1.0), 0.92 * canvas.inside((0.0055 - glint).astype(np.float32), 1.8))
        faint = np.hypot(mirrored * x + towards * 0.009, y - 0.010)
        blend(ball, (0.85, 0.88, 0.92), 0.28 * canvas.inside((0.0042 - faint).astype(np.float32), 3.0))

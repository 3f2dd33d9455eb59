"""The mouth, drawn anew for every frame from four numbers.

Lips with a bow and a highlight, dark inside, teeth and tongue; shut, they meet in one dark line. Of the
gap, 28 % opens upwards and 72 % down with the jaw. Lips are darkish and full on purpose: on pale thin
ones landmark nets, and viewers on small screens, cannot read the gap.
"""

from __future__ import annotations

import numpy as np

from evalharness.adapters.synthetic.head.look import Look
from evalharness.adapters.synthetic.head.paint import Array, Canvas, blend, smoothstep
from evalharness.adapters.synthetic.head.surface import MOUTH_Y
from evalharness.adapters.synthetic.visemes import MouthShape

__all__ = ["JAW_TRAVEL", "Mouth"]

_GAP = 0.082
"""Inner gap of a mouth wide open, in head units."""
_DOWN = 0.72
JAW_TRAVEL = _DOWN * _GAP
"""How far the lower lip and the jaw go down at opening 1."""
_HALF_WIDTH = 0.118


class Mouth:
    """The mouth of one look on one canvas."""

    def __init__(self, canvas: Canvas, look: Look) -> None:
        self._rows, self._columns, self._canvas = canvas.window(-0.19, MOUTH_Y - 0.085, 0.19, MOUTH_Y + 0.145)
        self._look = look
        self._lips = np.asarray(look.lips, dtype=np.float32)
        skin = float(np.mean(look.skin))
        self._inside = np.array([0.17, 0.055, 0.06], dtype=np.float32) * (0.7 + 0.3 * skin)

    def draw(self, picture: Array, shape: MouthShape) -> None:
        """Paint the mouth onto a picture of the whole canvas, in place."""
        canvas, look = self._canvas, self._look
        part = picture[self._rows, self._columns]
        half = _HALF_WIDTH * (1.0 + 0.75 * (shape.half_width - 1.0))
        u = canvas.x / half
        u2 = np.minimum(u * u, 1.0)
        inner = np.sqrt(np.maximum(1.0 - (u / 0.94) ** 2, 0.0))
        gap = _GAP * shape.opening
        seam = MOUTH_Y + 0.0040 * np.cos(1.5 * np.pi * u) * (1 - u2) - 0.0145 * u2
        upper_in = seam - (1.0 - _DOWN) * gap * inner
        lower_in = seam + _DOWN * gap * inner

        pout = 1.0 + 0.22 * shape.protrusion
        tuck = shape.teeth * np.clip(1.0 - shape.opening / 0.22, 0.0, 1.0) if shape.teeth > 0.75 else 0.0
        bow = (
            1.0
            - 0.24 * np.exp(-0.5 * (u / 0.10) ** 2)
            + 0.10 * np.exp(-0.5 * ((np.abs(u) - 0.24) / 0.12) ** 2)
        )
        upper_thick = 0.0265 * look.lip_fullness * pout * (1 - 0.10 * shape.opening) * (1 - u2) ** 0.75 * bow
        lower_thick = (
            0.0350 * look.lip_fullness * pout * (1 - 0.12 * shape.opening) * (1 - np.abs(u2) ** 1.15) ** 0.72
        )
        lower_thick = lower_thick * (1.0 - 0.38 * tuck)

        self._cavity(part, shape, u, upper_in, lower_in)
        up = (upper_in - canvas.y) / np.maximum(upper_thick, 1e-4)  # 0 at the gap, 1 at the outer edge
        down = (canvas.y - lower_in) / np.maximum(lower_thick, 1e-4)
        reach = smoothstep(1.02, 0.96, np.abs(u))
        edge = canvas.inside(np.minimum(canvas.y - (upper_in - upper_thick), upper_in - canvas.y), 1.6)
        tone = 0.86 - 0.22 * np.clip(1 - up, 0, 1) + 0.16 * np.clip(up - 0.72, 0, 1)
        blend(part, self._lips * self._lateral(u, tone)[..., None], edge * reach)
        edge = canvas.inside(np.minimum(canvas.y - lower_in, lower_in + lower_thick - canvas.y), 1.6)
        roll = np.clip(down, 0, 1)
        tone = 0.80 + 0.42 * np.sin(np.pi * np.clip(roll * 0.9 + 0.08, 0, 1)) - 0.30 * roll**2
        lower = self._lips * self._lateral(u, tone)[..., None]
        gloss = np.exp(-0.5 * (((u + 0.16) / 0.30) ** 2 + ((roll - 0.36) / 0.17) ** 2))
        lower = lower + (0.15 * gloss)[..., None]
        blend(part, lower.astype(np.float32), edge * reach)
        # Where the lips meet, or the shade of the upper lip's edge on the gap.
        line = np.exp(-0.5 * ((canvas.y - upper_in) / 0.0034) ** 2) * smoothstep(1.04, 0.9, np.abs(u))
        blend(
            part, (0.20, 0.06, 0.07), (line * (0.85 - 0.35 * min(1.0, 4 * shape.opening))).astype(np.float32)
        )

    def _lateral(self, u: Array, tone: Array) -> Array:
        """Lips turn away from the light towards their corners."""
        side = 1.0 - 0.14 * u * np.sign(-self._look.light[0])
        return np.asarray(tone * side * (1.0 - 0.16 * u * u), dtype=np.float32)

    def _cavity(self, part: Array, shape: MouthShape, u: Array, upper_in: Array, lower_in: Array) -> None:
        """What shows between the lips: dark, tongue below, teeth above."""
        canvas = self._canvas
        gap = lower_in - upper_in
        inside = canvas.inside(np.minimum(canvas.y - upper_in, lower_in - canvas.y) + 0.0015, 1.2)
        inside = inside * (np.abs(u) < 0.96) * min(1.0, shape.opening * 25.0)
        if not inside.any():
            return
        cavity = np.empty_like(part)
        cavity[:] = self._inside
        depth = np.clip((canvas.y - upper_in) / np.maximum(gap, 1e-4), 0, 1)
        tongue_up = lower_in - 0.42 * gap * np.sqrt(np.maximum(1 - (u / 0.74) ** 2, 0))
        tongue = canvas.inside(canvas.y - tongue_up, 3.0) * float(
            np.clip((shape.opening - 0.25) / 0.35, 0.0, 1.0)
        )
        blend(cavity, np.array([0.56, 0.24, 0.24], dtype=np.float32) * (0.5 + 0.5 * depth)[..., None], tongue)
        length = np.minimum(0.0245 * (1 - 0.5 * u * u), 0.92 * gap)
        row = canvas.inside(upper_in + length - canvas.y, 1.5) * smoothstep(0.86, 0.70, np.abs(u))
        shade = (0.90 - 0.34 * u * u) * (0.72 + 0.28 * np.clip((canvas.y - upper_in) / 0.012, 0, 1))
        slits = 1.0 - 0.10 * np.exp(-0.5 * ((((canvas.x / 0.0165) % 1.0) - 0.5) / 0.07) ** 2)
        teeth = np.array([0.94, 0.91, 0.86], dtype=np.float32) * (shade * slits)[..., None]
        blend(cavity, teeth.astype(np.float32), (row * min(1.0, 1.3 * shape.teeth)).astype(np.float32))
        blend(part, cavity, inside.astype(np.float32))

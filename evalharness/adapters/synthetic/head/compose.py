"""Frames of one person: prepared once, then a jaw, a mouth, two eyes and a turn of the head a frame."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from evalharness.adapters.synthetic.head.eyes import Eyes
from evalharness.adapters.synthetic.head.hair import paint_hair
from evalharness.adapters.synthetic.head.look import look_of
from evalharness.adapters.synthetic.head.motion import Motion
from evalharness.adapters.synthetic.head.mouth import JAW_TRAVEL, Mouth
from evalharness.adapters.synthetic.head.paint import Array, Canvas, smoothstep
from evalharness.adapters.synthetic.head.plate import paint_plate
from evalharness.adapters.synthetic.head.skin import paint_face
from evalharness.adapters.synthetic.head.surface import MOUTH_Y, surface_of
from evalharness.adapters.synthetic.visemes import MouthShape

__all__ = ["Head", "draw_portrait"]

Frame = npt.NDArray[np.uint8]

_HEAD_OF_FRAME = 0.60
"""Crown to chin as a share of the frame's height; hairline to chin is then about half."""
_CROWN_AT = 0.135
_OVERSAMPLING = 1.4
"""The head is kept this much finer than the frame, so that moving it does not blur it."""
_LEFT, _TOP, _RIGHT, _BOTTOM = -0.56, -0.14, 0.56, 1.38
_PIVOT_Y = 1.15
"""Where the head turns on the neck."""


class Head:
    """One person in one frame size; `frame` may be called from one thread at a time."""

    def __init__(self, seed: int, width: int, height: int) -> None:
        """Prepare the person of `seed` for frames of `width` x `height` pixels (a second or less)."""
        look = look_of(seed)
        rng = np.random.default_rng([seed, 0x2A])
        unit = min(height, 0.9 * width) * _HEAD_OF_FRAME * look.size
        crown = height * _CROWN_AT - unit * 0.03 * (look.size - 1.0)
        left = (0.5 * width) / unit
        self._motion = Motion(seed)
        self._plate = _bytes(paint_plate(Canvas(unit, -left, -crown / unit, width, height), look, rng))
        canvas = Canvas.spanning(unit * _OVERSAMPLING, _LEFT, _TOP, _RIGHT, _BOTTOM)
        surface = surface_of(canvas, look)
        face, mask = paint_face(canvas, surface, look, rng)
        mask = paint_hair(canvas, face, mask, surface.mask, look, rng)
        self._texture = np.dstack([face, mask]).astype(np.float32)
        self._mouth = Mouth(canvas, look)
        self._eyes = Eyes(canvas, look, face)
        self._prepare_jaw(canvas)
        self._prepare_placing(canvas, canvas.blurred(surface.depth, 0.02), unit, left, crown)

    def _prepare_jaw(self, canvas: Canvas) -> None:
        """How far each point of the lower face follows the jaw, as a map to sample the still face by."""
        rows, columns, part = canvas.window(-0.36, 0.62, 0.36, 1.12)
        self._jaw_rows, self._jaw_columns = rows, columns
        follow = smoothstep(MOUTH_Y - 0.09, MOUTH_Y + 0.05, part.y) * smoothstep(0.34, 0.12, np.abs(part.x))
        follow = follow * (1.0 - 0.5 * smoothstep(1.0, 1.12, part.y))
        grid_x, grid_y = np.meshgrid(np.arange(part.width), np.arange(part.height))
        self._jaw_x = grid_x.astype(np.float32)
        self._jaw_y = grid_y.astype(np.float32)
        self._jaw_follow = (follow * JAW_TRAVEL * canvas.scale).astype(np.float32)

    def _prepare_placing(self, canvas: Canvas, depth: Array, unit: float, left: float, crown: float) -> None:
        """The part of the frame the head may reach, in head units, and the depth there."""
        height, width = self._plate.shape[:2]
        x0 = max(0, int((left + _LEFT - 0.02) * unit))
        x1 = min(width, int((left + _RIGHT + 0.02) * unit) + 1)
        y0 = max(0, int(crown + (_TOP - 0.02) * unit))
        y1 = min(height, int(crown + (_BOTTOM + 0.02) * unit) + 1)
        self._window = (slice(y0, y1), slice(x0, x1))
        columns, rows = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
        self._x = ((columns + 0.5) / unit - left).astype(np.float32)
        self._y = ((rows + 0.5 - crown) / unit - _PIVOT_Y).astype(np.float32)
        at_x = ((self._x - canvas.left) * canvas.scale - 0.5).astype(np.float32)
        at_y = ((self._y + _PIVOT_Y - canvas.top) * canvas.scale - 0.5).astype(np.float32)
        self._depth = np.asarray(cv2.remap(depth, at_x, at_y, cv2.INTER_LINEAR), dtype=np.float32)
        self._canvas = canvas
        self._behind = self._plate[self._window].astype(np.float32) / 255.0

    def frame(self, mouth: MouthShape, t_s: float) -> Frame:
        """The person at `t_s` seconds with this mouth: uint8 RGB, shape (height, width, 3)."""
        pose = self._motion.at(t_s)
        texture = self._texture.copy()
        jaw = texture[self._jaw_rows, self._jaw_columns]
        if mouth.opening > 0:
            source_y = self._jaw_y - mouth.opening * self._jaw_follow
            jaw[:] = cv2.remap(
                jaw.copy(), self._jaw_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        picture = texture[..., :3]
        self._eyes.draw(picture, pose.lid, pose.glance)
        self._mouth.draw(picture, mouth)
        return self._placed(texture, pose.roll_rad, pose.shift_x, pose.shift_y, pose.turn, pose.nod)

    def _placed(
        self, texture: Array, roll: float, shift_x: float, shift_y: float, turn: float, nod: float
    ) -> Frame:
        """The head over the plate: rolled about the neck, and turned by moving near points further."""
        canvas = self._canvas
        cos, sin, scale = float(np.cos(roll)), float(np.sin(roll)), canvas.scale
        map_x = (scale * cos) * self._x + (scale * sin) * self._y - (scale * turn) * self._depth
        map_x += -scale * (canvas.left + shift_x) - 0.5
        map_y = (-scale * sin) * self._x + (scale * cos) * self._y - (scale * nod) * self._depth
        map_y += scale * (_PIVOT_Y - canvas.top - shift_y) - 0.5
        head = cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        frame = self._plate.copy()
        alpha = head[..., 3:]
        frame[self._window] = _bytes(self._behind + (head[..., :3] - self._behind) * alpha)
        return frame


def draw_portrait(seed: int, width: int, height: int) -> Frame:
    """A still of the person of `seed`, mouth shut: the first frame of that person's clips."""
    return Head(seed, width, height).frame(MouthShape(), 0.0)


def _bytes(picture: Array) -> Frame:
    return np.asarray(np.clip(picture * 255.0 + 0.5, 0.0, 255.0), dtype=np.uint8)

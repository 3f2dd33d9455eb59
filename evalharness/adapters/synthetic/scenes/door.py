"""A door that a draught slams, and a picture on the wall that the slam sets swinging.

The door falls shut with constant angular acceleration: angle(t) = open (1 - (t / fall)^2), shut at
t = fall exactly; it springs back a little, is drawn open again, and slams once more.
"""

from __future__ import annotations

import math
from typing import ClassVar

import cv2
import numpy as np

from .paint import Colour, Field, Picture, Sprite, blit, carve, disc, mix, rgb
from .stage import Brief, Impact
from .surfaces import finish, floor, gradient, grain, spread

__all__ = ["Door"]

_FALL_S, _OPENING_S = 0.42, 0.85
_OPEN = 1.15
"""Angle in radians at which it stands open."""
_TOP, _SILL, _WIDE = 0.13, 0.84, 0.42
"""Of the doorway, in parts of the height."""
_EYE = 2.4
"""Distance of the viewer from the wall, in heights."""
_EYE_Y = 0.48
_COLOURS: tuple[Colour, ...] = ((124, 78, 46), (52, 92, 84), (142, 52, 44), (60, 80, 118))

_HILLS: tuple[Colour, ...] = ((120, 150, 110), (86, 124, 84), (54, 92, 66))


class Door:
    """One door in a hall, bright outdoors behind it."""

    name: ClassVar[str] = "door"
    ambience: ClassVar[str] = "wind"

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        self._height = height
        self._hinge = width / height / 2 - 0.36
        rng = brief.motion()
        times, time = [], float(rng.uniform(0.75, 1.05))
        while time < brief.duration_s + 2.5:
            times.append(time)
            time += float(rng.uniform(1.75, 2.2))
        self._times = np.array(times)
        pitch = float(rng.uniform(0.85, 1.15))
        speeds = rng.uniform(0.8, 1.0, len(times)).tolist()
        self.impacts = tuple(
            Impact(t, "door", s, (self._hinge + _WIDE) * height / width, 0.5, pitch)
            for t, s in zip(times, speeds, strict=True)
            if t < brief.duration_s
        )
        self._panel = _panel(height, brief.colour(0, _COLOURS))
        self._open, self._shut = _hall(width, height, self._hinge, brief)
        self._frame = _painting(height, brief)
        self._dust = disc((226, 214, 190))
        self._motes = rng.uniform(-1, 1, (14, 2))

    def picture(self, t_s: float) -> Picture:
        """The hall at one instant."""
        h = self._height
        angle = self._angle(t_s)
        lit = math.sin(min(angle, _OPEN)) / math.sin(_OPEN)
        canvas: Picture = np.asarray(cv2.addWeighted(self._open, lit, self._shut, 1 - lit, 0), np.uint8)
        top, sill = int(_TOP * h), math.ceil(_SILL * h)
        left, right = int(self._hinge * h), math.ceil((self._hinge + _WIDE) * h)
        canvas[top:sill, left:right] = self._open[top:sill, left:right]
        self._draw_panel(canvas, angle)
        since = self._since(t_s)
        tilt = 0.0
        if since is not None:
            tilt = 0.11 * math.exp(-since / 0.45) * math.sin(2 * math.pi * 2.1 * since)
            fade = math.exp(-since / 0.35) * min(1.0, since / 0.03)
            for x, y in self._motes:
                drift = 1 - math.exp(-since / 0.3)
                blit(canvas, self._dust, (self._hinge + _WIDE + 0.02 + 0.09 * drift * (1 + x)) * h,
                     (0.48 + 0.34 * y - 0.03 * drift + 0.05 * since) * h, scale=0.00045 * h * (1 + 2 * drift),
                     opacity=0.28 * fade)  # fmt: skip
        blit(canvas, self._frame, (self._hinge + _WIDE + 0.34) * h, 0.2 * h, angle=tilt)
        if since is not None and since < 0.3:
            # The slam shakes the camera: down first, then rings out.
            shift = 0.007 * h * math.exp(-since / 0.06) * math.sin(2 * math.pi * 13 * since)
            matrix = np.array([[1.0, 0.0, 0.4 * shift], [0.0, 1.0, shift]])
            size = (canvas.shape[1], canvas.shape[0])
            canvas = np.asarray(
                cv2.warpAffine(canvas, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8
            )
        return canvas

    def speed(self, t_s: float) -> float:
        """Speed of the door's free edge."""
        step = 0.004
        return abs(self._angle(t_s + step) - self._angle(t_s)) / step * _WIDE * self._height

    def _since(self, t_s: float) -> float | None:
        index = int(np.searchsorted(self._times, t_s, side="right")) - 1
        return None if index < 0 else t_s - float(self._times[index])

    def _angle(self, t_s: float) -> float:
        """0 shut, positive open towards the viewer."""
        index = int(np.searchsorted(self._times, t_s, side="right"))
        to_go = float(self._times[index]) - t_s if index < len(self._times) else math.inf
        if to_go <= _FALL_S:
            return _OPEN * (1 - (1 - to_go / _FALL_S) ** 2)
        if index == 0:
            return _OPEN - 0.03 * (1 - math.cos(2.2 * (to_go - _FALL_S)))
        since = t_s - float(self._times[index - 1])
        if since < 0.14:
            return 0.05 * math.sin(math.pi * since / 0.14)
        waits = 0.35
        share = min(1.0, max(0.0, (since - waits) / _OPENING_S))
        return _OPEN * share * share * (3 - 2 * share)

    def _draw_panel(self, canvas: Picture, angle: float) -> None:
        """The leaf in perspective, darker the more it turns its face from the light."""
        h = self._height
        middle = canvas.shape[1] / 2
        near = _EYE / (_EYE - _WIDE * math.sin(angle))
        free_x = middle + ((self._hinge + _WIDE * math.cos(angle)) * h - middle) * near
        hinge_x = self._hinge * h
        top, sill = _TOP * h, _SILL * h
        free_top, free_sill = ((_EYE_Y + (y - _EYE_Y) * near) * h for y in (_TOP, _SILL))
        rows, columns = self._panel.shape[:2]
        source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
        target = np.array(
            [[hinge_x, top], [free_x, free_top], [free_x, free_sill], [hinge_x, sill]], np.float32
        )
        left, right = (
            max(0, math.floor(min(hinge_x, free_x)) - 1),
            min(canvas.shape[1], math.ceil(max(hinge_x, free_x)) + 1),
        )
        low, high = max(0, math.floor(free_top) - 1), min(canvas.shape[0], math.ceil(free_sill) + 1)
        if right - left < 2:
            return
        matrix = cv2.getPerspectiveTransform(source, target - np.array([left, low], np.float32))
        warped = cv2.warpPerspective(self._panel, matrix, (right - left, high - low), flags=cv2.INTER_AREA)
        shade = 1 - 0.42 * math.sin(angle)
        region = canvas[low:high, left:right]
        cover = warped[..., 3:4].astype(np.float32) / 255
        region[...] = (region * (1 - cover) + warped[..., :3] * shade).astype(np.uint8)


def _panel(height: int, colour: Colour) -> Picture:
    """The leaf: a frame, four sunk panels and a brass knob; RGBA, premultiplied."""
    h = height
    wide, tall = _WIDE * h, (_SILL - _TOP) * h
    leaf = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]])
    rng = np.random.default_rng(5)
    wood = grain(64, math.ceil(tall) + 8, rng, size=28)

    def texture(x: Field, y: Field) -> Field:
        column = np.clip((x / wide * 64).astype(int), 0, 63)
        row = np.clip((0.12 * y).astype(int), 0, wood.shape[0] - 1)
        return np.asarray(1 + 0.06 * wood[row, column], np.float32)

    canvas = np.zeros((math.ceil(tall), math.ceil(wide), 4), np.uint8)
    board = carve([leaf], colour, bevel=0.012 * h, gloss=0.12, texture=texture)
    x, y = (round(value) for value in board.anchor)
    canvas[...] = board.rgba[y : y + canvas.shape[0], x : x + canvas.shape[1]]
    picture = np.ascontiguousarray(canvas[..., :3])
    dark = mix(colour, (0, 0, 0), 0.45)
    for left in (0.12, 0.56):
        for top, bottom in ((0.06, 0.44), (0.52, 0.93)):
            box = np.array([[left, top], [left + 0.32, top], [left + 0.32, bottom], [left, bottom]]) * [
                wide,
                tall,
            ]
            cv2.fillPoly(picture, [np.round(box * 16).astype(np.int32)], dark, cv2.LINE_AA, 4)
            inner = box + np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * 0.014 * h
            blit(picture, carve([inner - inner[0]], colour, bevel=0.022 * h, gloss=0.15), *inner[0])
    turn = np.linspace(0, 2 * np.pi, 24)
    knob = carve(
        [np.stack([np.cos(turn), np.sin(turn)], axis=1) * 0.021 * h],
        (214, 172, 84),
        bevel=0.02 * h,
        gloss=0.9,
    )
    blit(picture, knob, 0.945 * wide, 0.53 * tall)
    canvas[..., :3] = picture
    return canvas


def _painting(height: int, brief: Brief) -> Sprite:
    """A small framed landscape hanging from a nail at its anchor."""
    h = height
    rng = brief.look()
    wide, tall = round(0.26 * h), round(0.2 * h)
    outer = np.array([[-0.15, 0.06], [0.15, 0.06], [0.15, 0.3], [-0.15, 0.3]]) * h
    string = np.array([[-0.1, 0.062], [0.0, 0.0], [0.1, 0.062], [0.0, 0.004]]) * h
    frame = carve([outer, string], (168, 124, 66), bevel=0.014 * h, gloss=0.4)
    hills = gradient(wide, tall, [(0.0, (132, 176, 206)), (0.55, (232, 214, 180)), (1.0, (232, 214, 180))])
    for depth in range(3):
        crest = (0.45 + 0.17 * depth) * tall + 0.1 * tall * grain(wide, 4, rng, size=wide / 2.5, octaves=2)[0]
        below = np.arange(tall)[:, None] > crest[None, :]
        hills[below] = rgb(_HILLS[depth])
    left, top = round(frame.anchor[0] - wide / 2), round(frame.anchor[1] + 0.08 * h)
    frame.rgba[top : top + tall, left : left + wide, :3] = np.clip(hills, 0, 255).astype(np.uint8)
    frame.rgba[top : top + tall, left : left + wide, 3] = 255
    return frame


def _hall(width: int, height: int, hinge: float, brief: Brief) -> tuple[Picture, Picture]:
    """The hall with the doorway open, lit by it, and the same hall with no light from it."""
    rng = brief.look()
    h = height
    papers: tuple[Colour, ...] = ((126, 128, 142), (146, 124, 104), (108, 132, 122), (140, 112, 120))
    paper = papers[int(rng.integers(len(papers)))]
    split = int(_SILL * h)
    wall = gradient(width, height, [(0.0, mix(paper, (0, 0, 0), 0.3)), (0.8, paper), (1.0, paper)])
    x = np.arange(width, dtype=np.float32)[None, :, None] / h
    wall *= 1 + np.float32(0.025) * np.sign(np.sin(2 * np.pi * x / 0.11))
    ground = floor(width, height, 0.78, (150, 106, 72), (116, 80, 58), rng, boards=6)
    wall[split:] = ground[split:]
    wall[split - round(0.035 * h) : split] = rgb((189, 182, 172))
    dark = finish(wall * 0.66, np.random.default_rng(1))
    middle = hinge + _WIDE / 2
    pool = spread(width, height, middle + 0.05, 0.93, 0.36, 0.13) + np.float32(0.25) * spread(
        width, height, middle, 0.6, 0.9, 0.6
    )
    warm = wall * (np.float32(0.66) + np.float32(0.6) * pool)[..., None] + pool[..., None] * rgb((74, 62, 34))
    top, left, right = round(_TOP * h), round(hinge * h), round((hinge + _WIDE) * h)
    garden = [(0.0, (150, 196, 232)), (0.6, (240, 240, 226)), (0.62, (150, 178, 112)), (1.0, (186, 200, 128))]
    outside = gradient(right - left, split - top, garden)
    trees = grain(right - left, 4, rng, size=h / 9)[0] * 0.03 * h + 0.52 * (split - top)
    rows = np.arange(split - top)[:, None]
    outside[(rows > trees[None, :]) & (rows < 0.62 * (split - top))] = (108, 142, 98)
    warm[top:split, left:right] = cv2.GaussianBlur(outside, (0, 0), h / 160)
    bright = finish(warm, np.random.default_rng(1))
    inner = np.array([[hinge + _WIDE, _SILL], [hinge + _WIDE, _TOP], [hinge, _TOP], [hinge, _SILL]])
    trim = np.array([[0.035, 0.0], [0.035, -0.035], [-0.035, -0.035], [-0.035, 0.0]])
    jamb = np.vstack([inner, (inner + trim)[::-1]])
    post = carve([jamb * h], (230, 224, 212), bevel=0.014 * h, gloss=0.1)
    for picture, light_of in ((bright, 1.0), (dark, 0.72)):
        shaded = Sprite(post.rgba.copy(), post.anchor)
        shaded.rgba[..., :3] = (shaded.rgba[..., :3] * light_of).astype(np.uint8)
        blit(picture, shaded, 0, 0)
    return bright, dark

"""Pairs to practise on, rendered here: a ball that bounces, and the same with one flaw.

The flaws are those that voters meet in generated clips, the most audible first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from evalharness.media import write_video

__all__ = ["DURATION_S", "Flaw", "Practice", "answers_from", "flaws", "practices_of", "rehearsal"]

WIDTH, HEIGHT, FPS, DURATION_S = 384, 216, 24, 3.0
RATE_HZ = 48_000
BOUNCE_S = 0.75
FIRST_BOUNCE_S = BOUNCE_S / 2
LATE_S = 0.4
FROM_S, UNTIL_S = 1.2, 2.3
"""When a clip freezes, or what it shows changes."""
STUTTER_FPS = 5
FLOOR_PX = 168
RADIUS_PX = 24
SHARP_PX, BLURRED_PX = 1.2, 20.0
"""Over how many pixels an edge runs."""
SKY, TILES = (208, 222, 236), ((92, 84, 120), (150, 140, 178))
BLUE, ORANGE = (36, 92, 220), (236, 132, 30)
ANSWERS = ("left", "tie", "right")


class Flaw(StrEnum):
    """What is wrong with one side of a practice pair; each has words of its own."""

    LATE = "late"
    """The sound comes after the bounce."""
    COLOUR = "colour"
    """The ball has not the colour that the prompt asks for."""
    BLUR = "blur"
    STUTTER = "stutter"
    MORPH = "morph"
    """The ball becomes a cube."""
    FREEZE = "freeze"
    VANISH = "vanish"


HEARD = frozenset({Flaw.LATE})


@dataclass(frozen=True, slots=True)
class Practice:
    """One pair to practise on."""

    flaw: Flaw
    better: str
    """The side without the flaw, "left" or "right"."""


def flaws(number: int, *, sounds: bool) -> tuple[Flaw, ...]:
    """The flaws of so many pairs, in their order; audible ones only in studies whose clips have sound."""
    return tuple(flaw for flaw in Flaw if sounds or flaw not in HEARD)[:number]


def practices_of(secret: str, number: int, *, sounds: bool) -> tuple[Practice, ...]:
    """The pairs that a secret draws sides for."""
    random = Random(secret)
    return tuple(Practice(flaw, random.choice(("left", "right"))) for flaw in flaws(number, sounds=sounds))


def answers_from(answers: object, number: int) -> list[str] | None:
    """A voter's answers to so many pairs; None where they are none."""
    if not isinstance(answers, list) or len(answers) != number:
        return None
    return [*answers] if all(isinstance(each, str) and each in ANSWERS for each in answers) else None


def rehearsal(folder: Path, flaw: Flaw | None) -> Path:
    """The clip with a flaw, or without one; rendered where it does not lie in `folder` yet.

    Raises MediaError where it cannot be written.
    """
    path = folder / f"{flaw or 'whole'}.mp4"
    if not path.is_file():
        folder.mkdir(exist_ok=True)
        write_video(path, _pictures(flaw), FPS, _sound(flaw), RATE_HZ)
    return path


def _pictures(flaw: Flaw | None) -> Iterator[NDArray[np.uint8]]:
    for number in range(round(DURATION_S * FPS)):
        time_s = number / FPS
        if flaw is Flaw.STUTTER:
            time_s = int(time_s * STUTTER_FPS) / STUTTER_FPS
        changed = FROM_S <= time_s < UNTIL_S
        yield _picture(
            FROM_S if flaw is Flaw.FREEZE and changed else time_s,
            colour=ORANGE if flaw is Flaw.COLOUR else BLUE,
            edge_px=BLURRED_PX if flaw is Flaw.BLUR else SHARP_PX,
            is_cube=flaw is Flaw.MORPH and time_s >= FROM_S,
            is_there=not (flaw is Flaw.VANISH and changed),
        )


def _picture(
    time_s: float, *, colour: tuple[int, int, int], edge_px: float, is_cube: bool, is_there: bool
) -> NDArray[np.uint8]:
    picture = _scenery(edge_px).copy()
    if is_there:
        phase = (time_s / BOUNCE_S + 0.5) % 1  # 0 and 1 on the floor
        centre = 48 + 96 * time_s, FLOOR_PX - RADIUS_PX - 380 * phase * (1 - phase)
        left, top = (max(0, round(each - RADIUS_PX - edge_px)) for each in centre)
        size = round(2 * (RADIUS_PX + edge_px)) + 2
        around = picture[top : top + size, left : left + size]
        y, x = np.ogrid[: around.shape[0], : around.shape[1]]
        across, down = x + left - centre[0], y + top - centre[1]
        distance = np.maximum(np.abs(across), np.abs(down)) if is_cube else np.hypot(across, down)
        shade = np.clip(1.25 - 0.5 * np.hypot(across + 8, down + 10) / RADIUS_PX, 0.55, 1.2)
        ball = np.clip(shade[..., None] * np.array(colour, float), 0, 255)
        around[:] = _mixed(around, ball, _covered(RADIUS_PX - distance, edge_px))
    return picture.round().astype(np.uint8)


@lru_cache(maxsize=2)
def _scenery(edge_px: float) -> NDArray[np.float64]:
    """The sky, and a tiled floor."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    tile = _covered(np.sin(x / 19) * np.sin((y - FLOOR_PX) / 10) * 10, edge_px)
    floor = _mixed(np.array(TILES[0], float), np.array(TILES[1], float), tile)
    return _mixed(np.array(SKY, float), floor, _covered(y - FLOOR_PX, edge_px))


def _covered(inside_px: NDArray[np.float64], edge_px: float) -> NDArray[np.float64]:
    """How much of a pixel is covered, by how far inside of a shape it lies."""
    return np.clip(inside_px / edge_px + 0.5, 0, 1)


def _mixed(
    below: NDArray[np.float64], above: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    return below + (above - below) * share[..., None]


def _sound(flaw: Flaw | None) -> NDArray[np.float32]:
    samples = np.arange(round(DURATION_S * RATE_HZ)) / RATE_HZ
    sound = np.zeros_like(samples)
    for bounce_s in np.arange(FIRST_BOUNCE_S, DURATION_S, BOUNCE_S):
        since = samples - bounce_s - (LATE_S if flaw is Flaw.LATE else 0)
        thump = np.sin(2 * np.pi * 150 * since) + 0.5 * np.sin(2 * np.pi * 420 * since)
        sound += np.where(since >= 0, 0.4 * thump * np.exp(-np.maximum(since, 0) * 22), 0)
    return sound.astype(np.float32)

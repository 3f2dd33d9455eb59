"""What a scene is: physics in closed form, a picture at any instant, and the impacts that sound.

A scene knows nothing of frames. `picture(t_s)` shows the instant t_s; impacts have exact times from
integrated motion; the renderer samples the one and places sounds at the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from .paint import Colour, Picture

__all__ = ["Brief", "Impact", "Scene"]


@dataclass(frozen=True, slots=True)
class Impact:
    """One visible contact that sounds."""

    time_s: float
    material: str
    """What is heard: a key of `sound.MATERIALS`."""
    speed: float
    """Of the contact, 0..1 of the scene's fastest."""
    x: float
    """Where it is seen: 0 left edge .. 1 right edge."""
    y: float
    """0 top .. 1 bottom."""
    pitch: float = 1.0


@dataclass(frozen=True, slots=True)
class Brief:
    """What a scene is told to show."""

    duration_s: float
    seed: int
    """Settles arrangement and rhythm: the same seed gives the same impacts."""
    style: int = 0
    """Settles the look where the prompt leaves it open; never the impacts."""
    colours: tuple[Colour, ...] = ()
    """Colours named in the prompt, in their order."""
    count: int | None = None
    """How many things, where the prompt says."""
    picture: Path | None = None
    """The first frame to start from."""

    def motion(self) -> np.random.Generator:
        """Randomness of the movement."""
        return np.random.default_rng([self.seed, 1])

    def look(self) -> np.random.Generator:
        """Randomness of the look."""
        return np.random.default_rng([self.seed, 2, self.style])

    def colour(self, index: int, choices: tuple[Colour, ...]) -> Colour:
        """The prompt's colour number `index`, or a seeded one of `choices` where it names none."""
        if self.colours:
            return self.colours[index % len(self.colours)]
        first = int(self.look().integers(len(choices)))
        return choices[(first + index) % len(choices)]


class Scene(Protocol):
    """A moving picture with impacts, made for one size."""

    name: ClassVar[str]
    ambience: ClassVar[str]
    """The background sound: a key of `sound.AMBIENCES`."""
    impacts: tuple[Impact, ...]
    """In order of time; all within the clip."""

    def __init__(self, brief: Brief, width: int, height: int) -> None:
        """Settle the motion and draw what stays the same; sizes in pixels."""

    def picture(self, t_s: float) -> Picture:
        """The instant t_s (seconds from the clip's start): uint8 RGB (height, width, 3), a new array."""

    def speed(self, t_s: float) -> float:
        """About how fast the fastest thing moves at t_s, in pixels a second: it settles the motion blur."""

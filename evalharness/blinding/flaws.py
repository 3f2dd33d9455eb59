"""Flaws put into a clip on purpose, so that there are pairs whose better side is known.

A flaw is applied between drawing a clip's pictures on the canvas, or placing its sound on the clock, and
coding them: what comes out has the form, length, loudness and size of every exhibit of its prompt. Each is
coarse enough for anybody who looks and listens, and none looks like a fault of the player.

Sizes that depend on the picture are shares of the canvas' height, so a flaw looks alike in all studies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from evalharness.blinding.pictures import Placement, planes

__all__ = ["FLAWS", "Flaw", "Spoiler", "flaws_for"]

Plane = NDArray[np.uint8]

VERSION = 1
"""Changes whenever the same clip and flaw would give another exhibit."""
BLUR = 1 / 32
"""Width of the box that a picture is averaged over, twice, as a share of the canvas' height."""
BLOCK = 1 / 36
"""Side of a block, as a share of the canvas' height."""
LEAST_CHANGE = 3.0
"""Mean difference in luma, of 219 levels, below which nobody can be blamed for not seeing a flaw."""


def _blurred(plane: Plane, height: float) -> Plane:
    width = max(3, round(BLUR * height))
    once = uniform_filter(plane, width, mode="nearest")
    smeared: Plane = uniform_filter(once, width, mode="nearest")
    return smeared


def _in_blocks(plane: Plane, height: float) -> Plane:
    side = max(2, round(BLOCK * height))
    means = uniform_filter(plane, side, mode="nearest")
    # The middle of the block that each row and column lies in; the last block may be cut.
    rows, columns = (np.minimum(np.arange(size) // side * side + side // 2, size - 1) for size in plane.shape)
    blocks: Plane = means[np.ix_(rows, columns)]
    return blocks


@dataclass(frozen=True, slots=True)
class Flaw:
    """One way to spoil a clip: its pictures, when they stop, or when its sound comes."""

    name: str
    smear: Callable[[Plane, float], Plane] | None = None
    """From a plane, and the canvas' height in its pixels, to the plane that is shown."""
    stops_at: float = 1.0
    """Share of the clip after which its picture stands still."""
    late_s: float = 0.0
    """Seconds by which the sound comes late."""

    @property
    def is_heard(self) -> bool:
        """Whether it lies in the sound alone."""
        return self.late_s > 0


FLAWS = (
    Flaw("blur", smear=_blurred),
    Flaw("blocks", smear=_in_blocks),
    Flaw("freeze", stops_at=0.5),
    Flaw("sound_late", late_s=0.6),
)


def flaws_for(prompt_id: str, *, heard: bool) -> tuple[Flaw, ...]:
    """The flaws for this prompt's spoiled copy in the order in which they are tried, always the same one.

    heard: whether sound that comes late decides which clip is better, as it does where prompts are about it.
    """
    fitting = [flaw for flaw in FLAWS if heard or not flaw.is_heard]
    Random(f"flaw/{prompt_id}").shuffle(fitting)
    return tuple(fitting)


class Spoiler:
    """Puts a flaw into a clip's pictures, one after the other, and keeps how much that changes them."""

    def __init__(self, flaw: Flaw, count: int) -> None:
        """`count`: how many pictures there are to come."""
        self._flaw = flaw
        self._last = round(flaw.stops_at * count)
        """The picture, from 1, after which nothing moves."""
        self._pictures = 0
        self._held: Plane | None = None
        self._differences: list[float] = []

    @property
    def change(self) -> float:
        """Mean absolute difference in luma over the pictures that were to be changed; 0 without any."""
        return float(np.mean(self._differences)) if self._differences else 0.0

    def spoil(self, picture: VideoFrame, placement: Placement) -> VideoFrame:
        """The picture to show, a yuv420p canvas, in place of this one; black around it stays black."""
        self._pictures += 1
        canvas = np.asarray(picture.to_ndarray(), dtype=np.uint8)
        spoiled = self._held
        if spoiled is None:
            spoiled = canvas.copy()
            if self._flaw.smear is not None:
                for plane, height in _within(spoiled, picture, placement):
                    plane[:] = self._flaw.smear(plane, height)
        if self._held is not None or self._flaw.smear is not None:
            (now, _), (before, _) = (_within(each, picture, placement)[0] for each in (spoiled, canvas))
            self._differences.append(float(np.abs(now.astype(np.int16) - before).mean()))
        if self._pictures == self._last:
            self._held = spoiled
        return VideoFrame.from_ndarray(spoiled, format="yuv420p")


def _within(canvas: Plane, picture: VideoFrame, placement: Placement) -> list[tuple[Plane, float]]:
    """Views of the Y, U and V planes where the picture lies on its canvas, each with the canvas' height."""
    return [
        (
            plane[
                placement.top // half : (placement.top + placement.height) // half,
                placement.left // half : (placement.left + placement.width) // half,
            ],
            picture.height / half,
        )
        for plane, half in zip(planes(canvas, picture.width, picture.height), (1, 2, 2), strict=True)
    ]

"""Watermarks: what stands in one place over a scene that moves.

Share of the picture, 0..1, under marks: groups of edges that keep place, direction and strength through the
clip while the picture around them changes; lower is better. 0 says that something moves
nearly everywhere and nothing stands over it; where the scene is at rest nobody can tell, and there is no
reading. Details name each mark's box as shares of the width and height, for whoever looks for one mark
through many clips, as an audit of blinding does.

The gradient at a pixel of a mark is the mark's own in every picture, while that of the scene comes and goes;
so its median over time is the mark's and the spread about it is small (Dekel et al. 2017, who find one
watermark through many photographs). What cannot be told from a mark: a small thing that stands still before
a moving background. Marks over a part of the scene that rests are found as text (`text.standing_share`), and
white ones over white not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.visual.consistency import every
from metrics.visual.flow import luma

__all__ = ["Mark", "Watermark", "marks", "moving"]

Mask = NDArray[np.bool_]

EVERY_S = 0.2
LEAST = 8
"""Pictures that must agree, a fifth of a second apart."""
EDGE_LEVELS = 4.0
"""Grey levels a pixel by which a mark must rise or fall."""
STEADY = 0.6
"""How far the gradient may stray from its median in nine pictures of ten, as a share of it."""
CHANGING_LEVELS = 15.0
"""Grey levels between the tenth and the ninetieth part of a pixel's course from which on it changes."""
JOIN_PX = 9
"""Edges nearer than this are one mark."""
RING_PX = 15
"""How far around a mark the scene must change …"""
AROUND = 0.7
"""… over this share of the ring."""
MOVING_ENOUGH = 0.5
"""Share of the picture that must change for a mark to be told from the scene."""
LEAST_EDGE_PX = 25
LARGEST_SHARE = 0.15
"""A box larger than this is a still thing in front, or a frame, and no mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One group of standing edges; all but `levels` as shares of the picture's width or height, 0..1."""

    left: float
    top: float
    right: float
    bottom: float
    levels: float
    """Median gradient of its edges in grey levels a pixel."""

    @property
    def area(self) -> float:
        """Share of the picture under its box."""
        return (self.right - self.left) * (self.bottom - self.top)


class Watermark(Metric):
    """Whether something is laid over the picture."""

    name: ClassVar[str] = "watermark"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("motion",)
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "ours, after the standing gradients of Dekel et al. 2017"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "share", "", "lower", "Share of the picture under marks that stand over a moving scene.", 0, 1
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The share and the marks' boxes, or unscorable for a short clip and for a scene at rest."""
        chosen = every(EVERY_S, clip.frame_times_s)
        if len(chosen) < LEAST:
            return {
                "share": Unscorable(
                    f"The clip lasts {clip.duration_s:.2f} s; what stands still shows in {LEAST} pictures "
                    f"{EVERY_S} s apart."
                )
            }
        pictures = clip.once(luma)[chosen].astype(np.float32)
        changing = moving(pictures)
        if changing.mean() < MOVING_ENOUGH:
            return {
                "share": Unscorable(
                    f"Only {changing.mean():.0%} of the picture changes through the clip; "
                    f"{MOVING_ENOUGH:.0%} is needed to tell what is laid over it from a scene at rest."
                )
            }
        found = marks(pictures, changing)
        boxes = [
            {
                "left": round(mark.left, 4),
                "top": round(mark.top, 4),
                "right": round(mark.right, 4),
                "bottom": round(mark.bottom, 4),
                "levels": round(mark.levels, 2),
            }
            for mark in found
        ]
        details = {"marks": boxes, "moving_share": round(float(changing.mean()), 4)}
        return {"share": Value(min(1.0, sum(mark.area for mark in found)), details)}


def moving(pictures: NDArray[np.float32]) -> Mask:
    """(height, width): where the brightness of (n, height, width) pictures changes through time."""
    low, high = np.quantile(pictures, (0.1, 0.9), axis=0)
    return np.asarray(high - low >= CHANGING_LEVELS)


def marks(pictures: NDArray[np.float32], changing: Mask) -> list[Mark]:
    """The marks in (n, height, width) grey levels, largest first; `changing` as `moving` gives it."""
    import cv2

    standing, strength = _standing(pictures)
    joined = cv2.dilate(standing.astype(np.uint8), np.ones((JOIN_PX, JOIN_PX), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    height, width = standing.shape
    found = []
    for label in range(1, count):
        edges = standing & (labels == label)
        rows, columns = np.nonzero(edges)
        mark = Mark(
            left=float(columns.min()) / width,
            top=float(rows.min()) / height,
            right=float(columns.max() + 1) / width,
            bottom=float(rows.max() + 1) / height,
            levels=float(np.median(strength[edges])),
        )
        if (
            rows.size >= LEAST_EDGE_PX
            and mark.area <= LARGEST_SHARE
            and _surrounded(labels == label, changing)
        ):
            found.append(mark)
    return sorted(found, key=lambda mark: (-mark.area, mark.left, mark.top))


def _standing(pictures: NDArray[np.float32]) -> tuple[Mask, NDArray[np.float32]]:
    """Where edges stand, and how strong they are in grey levels a pixel; both (height, width)."""
    import cv2

    slopes = np.stack(
        [
            [cv2.Sobel(picture, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1))]
            for picture in pictures
        ]
    )
    usual = np.median(slopes, axis=0)
    strength = np.hypot(*usual)
    strays = np.quantile(np.hypot(*np.moveaxis(slopes - usual, 1, 0)), 0.9, axis=0)
    return np.asarray((strength >= EDGE_LEVELS) & (strays <= STEADY * strength)), strength


def _surrounded(mark: Mask, changing: Mask) -> bool:
    """Whether the scene changes around a mark."""
    import cv2

    reach = np.ones((2 * RING_PX + 1, 2 * RING_PX + 1), np.uint8)
    ring = cv2.dilate(mark.astype(np.uint8), reach).astype(bool) & ~mark
    return bool(changing[ring].mean() >= AROUND)

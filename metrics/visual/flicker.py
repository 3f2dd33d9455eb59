"""Flicker: what changes from picture to picture though nothing moves.

- Published: temporal flickering of VBench (Huang et al. 2024), (255 - m) / 255 with m the mean absolute
  difference of successive pictures over all RGB values; 0..1, higher is better. Movement lowers it and a
  still image wins it, so never read it alone: beside it stands how much moves (`motion.dynamic_px`).
- Still: mean absolute difference in grey levels between successive pictures, only where nothing moves; 0 and
  up, lower is better. What moves does not count, so a lively clip can be as good as a still one.
- Pumping: how the brightness of the whole swings: root mean square in grey levels of what is left of the
  brightness curve once its course over ±0.5 s, level and slope, is taken off; 0 and up, lower is better.
  Brightness is followed along optical flow, so that a bright thing that enters is no swing, nor is a fade.

Across cuts nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.visual.passage import Passages, passages

__all__ = ["Flicker", "published", "swing"]

Array = NDArray[np.float64]

STILL_ENOUGH = 0.05
"""Share of the picture that must stand still for its flicker to be seen."""
COURSE_S = 0.5
"""Brightness that changes more slowly than this is lighting, not pumping."""
SHORTEST_S = 1.0


class Flicker(Metric):
    """How restless the picture is where it should not be."""

    name: ClassVar[str] = "flicker"
    version: ClassVar[str] = "1"
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "VBench (Huang et al. 2024) temporal flickering; still and pumping: ours"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "published",
            "",
            "higher",
            "VBench's temporal flickering; movement lowers it, a still image has 1: read motion beside it.",
            0,
            1,
        ),
        Quantity(
            "still_levels",
            "grey levels",
            "lower",
            "Mean change between pictures where nothing moves.",
            0,
            255,
        ),
        Quantity(
            "pumping_levels",
            "grey levels",
            "lower",
            "How far the brightness of the whole swings about its course (root mean square).",
            0,
            255,
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The three, or unscorable where there are too few pictures, or everything moves."""
        if len(clip.grey) < 2:
            single = Unscorable("The clip is a single picture; flicker is between pictures.")
            return dict.fromkeys(("published", "still_levels", "pumping_levels"), single)
        found = clip.once(passages)
        return {
            "published": Value(published(_pictures(clip))),
            "still_levels": _still(found),
            "pumping_levels": _pumping(clip, found),
        }


def published(pictures: Iterator[NDArray[np.uint8]]) -> float:
    """VBench's score, 0..1, of at least two pictures of one shape, grey or RGB."""
    import cv2

    before = next(pictures)
    means = []
    for picture in pictures:
        means.append(float(cv2.absdiff(before, picture).mean(dtype=np.float64)))
        before = picture
    return 1 - float(np.mean(means)) / 255


def swing(times_s: Array, brightness: Array, course_s: float = COURSE_S) -> Array:
    """(n,): `brightness` (n,) less the straight line that fits it best within ±`course_s` of each time.

    Times strictly increase and may be uneven.
    """
    near = (np.abs(times_s[:, None] - times_s[None, :]) <= course_s).astype(np.float64)
    count = near.sum(axis=1)
    centre = near @ times_s / count
    level = near @ brightness / count
    spread = near @ times_s**2 / count - centre**2
    tilt = near @ (times_s * brightness) / count - centre * level
    slope = np.divide(tilt, spread, out=np.zeros_like(tilt), where=spread > 0)
    return np.asarray(brightness - level - slope * (times_s - centre))


def _pictures(clip: AVClip) -> Iterator[NDArray[np.uint8]]:
    if clip.i420 is None:
        return iter(clip.grey)
    return (picture for _, picture in clip.colour_frames())


def _still(found: Passages) -> Reading:
    usable = ~found.cut & (found.still >= STILL_ENOUGH)
    if not usable.any():
        return Unscorable(
            f"Nowhere does as much as {STILL_ENOUGH:.0%} of the picture stand still, or the pictures are all "
            "of different shots: flicker cannot be told from movement."
        )
    levels = float(np.average(found.still_levels[usable], weights=found.still[usable]))
    return Value(
        levels,
        {"still_share": round(float(found.still[usable].mean()), 4), "pairs": int(usable.sum())},
    )


def _pumping(clip: AVClip, found: Passages) -> Reading:
    if clip.duration_s < SHORTEST_S:
        return Unscorable(f"The clip lasts {clip.duration_s:.2f} s; a swing needs {SHORTEST_S:g} s to show.")
    known = ~found.cut & np.isfinite(found.brightening)
    if not known.any():
        return Unscorable("No two successive pictures show the same things: brightness cannot be followed.")
    brightness = np.concatenate([[0.0], np.cumsum(np.where(known, found.brightening, 0.0))])
    left = swing(clip.frame_times_s, brightness)
    crossings = int(np.sum(np.diff(np.signbit(left)) != 0))
    return Value(
        float(np.sqrt(np.mean(left**2))),
        {
            "largest_levels": round(float(np.abs(left).max()), 3),
            "swings_per_s": round(crossings / 2 / clip.duration_s, 2),
        },
    )

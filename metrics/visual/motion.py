"""How much moves, and how smoothly.

- Smoothness: every second picture is left out and made again, halfway between its neighbours; what is
  missed says how far movement was from even: (255 - m) / 255 with m the mean absolute difference in grey
  levels. 0..1, higher is better. The idea is VBench's motion smoothness (Huang et al. 2024), which
  interpolates by the AMT network; here optical flow does (DIS; Super SloMo's estimate for the middle, Jiang
  et al. 2018), so figures are not VBench's. Where the neighbours are one picture nothing moves that could be
  uneven, and whatever repeats its pictures would look smooth: such places do not count, unless there are no
  others. Noise and flicker lower it, too, and a still image has 1.
- Dynamic degree: mean flow of the fastest twentieth of the picture, in pixels of a picture 480 pixels on its
  longer side, from one picture to the next and for each second; 0 and up, higher is more. After VBench, which
  takes RAFT's flow and answers yes or no. A description unless the prompt asks for movement.
- Warp error: mean absolute difference, in grey levels, between each picture and the next drawn back along the
  flow, where both see the same; 0 and up, lower is better. Textures that swim and detail that comes and goes
  raise it (after Lai et al. 2018).

Pairs across a cut are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.visual.flow import Flow, carried, flow_finder, luma
from metrics.visual.judder import SAME_LEVELS, sizes
from metrics.visual.passage import Passages, passages
from metrics.visual.stillness import cells

__all__ = ["Motion", "between", "left_out"]

SEEN_ENOUGH = 0.05
"""Share of the picture that must be found again for its change along the flow to mean anything."""


class Motion(Metric):
    """Amount and evenness of movement."""

    name: ClassVar[str] = "motion"
    version: ClassVar[str] = "2"
    packages: ClassVar[tuple[str, ...]] = ("cv2",)
    question: ClassVar[str] = "motion"
    source: ClassVar[str] = "after VBench (Huang et al. 2024) with DIS flow; Lai et al. 2018"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "smoothness", "", "higher", "How well left-out pictures follow from their neighbours.", 0, 1
        ),
        Quantity(
            "dynamic_px",
            "px at 480",
            "none",
            "Flow of the fastest twentieth of the picture, from one picture to the next.",
            0,
        ),
        Quantity("dynamic_px_s", "px/s at 480", "none", "The same for each second.", 0),
        Quantity(
            "warp_levels",
            "grey levels",
            "lower",
            "Change along the flow, where both pictures see the same.",
            0,
            255,
        ),
    )

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """All four; smoothness needs three pictures of one shot, the others two."""
        found = clip.once(passages)
        if not found.count:
            lone = Unscorable(
                "There are no two successive pictures of one shot: nothing can be seen to move."
            )
            return {quantity.name: lone for quantity in self.quantities}
        whole = ~found.cut
        travelled = found.speed_px[whole]
        details = {"pairs": found.count, "cuts": int(found.cut.sum())}
        return {
            "smoothness": _smoothness(clip, found),
            "dynamic_px": Value(float(travelled.mean()), details),
            "dynamic_px_s": Value(float(travelled.sum() / found.step_s[whole].sum()), details),
            "warp_levels": _warp(found),
        }


def between(first: NDArray[np.uint8], second: NDArray[np.uint8], forward: Flow, backward: Flow) -> Flow:
    """(height, width): the grey picture halfway between two, from the flow there and back.

    At the middle, flow to the first is a quarter of (backward - forward), to the second its opposite
    (Jiang et al. 2018, equation 4, at half time).
    """
    to_second = 0.25 * (forward - backward)
    return np.asarray((carried(first, -to_second) + carried(second, to_second)) / 2, np.float32)


def left_out(grey: NDArray[np.uint8], cut: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Which of (n, height, width) pictures to leave out and make again: every second one amid movement.

    Those with a cut, `cut` (n - 1,), on either side are none. Where the neighbours of none differ, all count.
    """
    middle = np.arange(1, len(grey) - 1, 2)
    middle = middle[~(cut[middle - 1] | cut[middle])]
    levels = cells(grey).reshape(len(grey), -1).astype(np.float64)
    moving = sizes(levels[middle + 1] - levels[middle - 1]) >= SAME_LEVELS
    return middle[moving] if moving.any() else middle


def _smoothness(clip: AVClip, found: Passages) -> Reading:
    pictures = clip.once(luma)
    find = flow_finder()
    missed = []
    for middle in left_out(clip.grey, found.cut):
        first, second = pictures[middle - 1], pictures[middle + 1]
        made = between(first, second, find(first, second), find(second, first))
        missed.append(float(np.abs(made - pictures[middle]).mean(dtype=np.float64)))
    if not missed:
        return Unscorable(
            "There are no three successive pictures of one shot to leave the middle one out of."
        )
    return Value(1 - float(np.mean(missed)) / 255, {"pictures": len(missed), "worst": round(max(missed), 3)})


def _warp(found: Passages) -> Reading:
    usable = ~found.cut & (found.seen >= SEEN_ENOUGH)
    if not usable.any():
        return Unscorable("What moves cannot be followed from any picture to the next.")
    return Value(
        float(np.average(found.warp_levels[usable], weights=found.seen[usable])),
        {"seen_share": round(float(found.seen[usable].mean()), 4), "pairs": int(usable.sum())},
    )

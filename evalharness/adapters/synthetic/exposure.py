"""The camera: each frame gathers light for half its time, centred on its instant."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .scenes.paint import Picture
from .scenes.stage import Scene

__all__ = ["exposures"]

_SHUTTER = 0.5
"""Share of a frame's time for which the shutter is open (180 degrees)."""
_STEP_PX, _MOST = 3.0, 6
"""Sub-pictures lie about this far apart, and there are no more than these."""


def exposures(scene: Scene, times_s: NDArray[np.float64]) -> Iterator[Picture]:
    """One picture a time (ascending, evenly spaced), blurred by whatever moves while it is taken."""
    open_s = _SHUTTER * float(times_s[1] - times_s[0]) if len(times_s) > 1 else 0.0
    for time in times_s.tolist():
        parts = min(_MOST, max(1, math.ceil(scene.speed(time) * open_s / _STEP_PX)))
        if parts == 1:
            yield scene.picture(time)
            continue
        light: NDArray[np.uint16] | None = None
        for part in range(parts):
            picture = scene.picture(max(0.0, time + ((part + 0.5) / parts - 0.5) * open_s))
            light = picture.astype(np.uint16) if light is None else np.add(light, picture, out=light)
        assert light is not None  # noqa: S101 - parts is at least 2
        yield ((light + parts // 2) // parts).astype(np.uint8)

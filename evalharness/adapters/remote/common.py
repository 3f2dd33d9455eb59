"""What several models can all be asked for: the cells in which they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalharness.adapters.remote.catalogue import Model

__all__ = ["Common", "common_cells"]

PREFERRED_SHAPE = "16:9"


@dataclass(frozen=True, slots=True)
class Common:
    """Lengths, sizes and shapes that every one of some models makes."""

    durations_s: tuple[float, ...]
    frames: tuple[tuple[str, int], ...]
    """Ratio and nominal shorter side in pixels, e.g. `("16:9", 720)`."""

    def nearest(self, duration_s: float, width: int, height: int) -> tuple[float, int, int] | None:
        """The common cell that is nearest to what a study asks for: seconds, width, height.

        None where there is no common cell at all.
        """
        if not self.durations_s or not self.frames:
            return None
        duration = min(self.durations_s, key=lambda each: (abs(each - duration_s), each))
        shape = width / height

        def distance(frame: tuple[str, int]) -> tuple[float, float, bool]:
            across, down = _parts(frame[0])
            return (
                abs(across / down / shape - 1),
                abs(frame[1] - min(width, height)),
                frame[0] != PREFERRED_SHAPE,
            )

        ratio, side = min(self.frames, key=distance)
        across, down = _parts(ratio)
        long = 2 * round(side * max(across, down) / min(across, down) / 2)
        return (duration, long, side) if across >= down else (duration, side, long)


def common_cells(models: Iterable[Model]) -> Common:
    """What all of `models` make; each vendor's own pixels for a size may differ by a few per cent."""
    known = list(models)
    durations = [set(model.durations_s) for model in known]
    frames = [
        {(ratio, side) for ratio in model.ratios for side in model.resolutions.values()} for model in known
    ]
    return Common(
        tuple(sorted(set.intersection(*durations))) if durations else (),
        tuple(sorted(set.intersection(*frames))) if frames else (),
    )


def _parts(ratio: str) -> Sequence[int]:
    return [int(part) for part in ratio.split(":")]

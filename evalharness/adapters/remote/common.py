"""What several models can all be asked for: the cells in which they can be compared, and the way to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalharness.adapters.remote.catalogue import Model
from evalharness.adapters.remote.cell import lengths

__all__ = ["Cell", "Common", "advice", "common_cells"]

PREFERRED_SHAPE = "16:9"


@dataclass(frozen=True, slots=True)
class Cell:
    """One length, shape and nominal size."""

    duration_s: float
    ratio: str
    """Width to height, e.g. `16:9`."""
    side: int
    """The shorter side in pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, even numbers."""
        across, down = _parts(self.ratio)
        long = 2 * round(self.side * max(across, down) / min(across, down) / 2)
        return (long, self.side) if across >= down else (self.side, long)

    def __str__(self) -> str:
        return "{:g} s, {}x{}".format(self.duration_s, *self.size)


@dataclass(frozen=True, slots=True)
class Common:
    """Lengths, sizes and shapes that every one of some models makes."""

    durations_s: tuple[float, ...]
    frames: tuple[tuple[str, int], ...]
    """Ratio and nominal shorter side in pixels, e.g. `("16:9", 720)`."""

    def nearest(self, duration_s: float, width: int, height: int) -> Cell | None:
        """The common cell that is nearest to what a study asks for; None where there is none at all.

        Of two lengths that are equally near the longer one: it shows more of every model.
        """
        some = self.durations_s and self.frames
        return _nearest(self.durations_s, self.frames, duration_s, width, height) if some else None


def _nearest(
    durations_s: Sequence[float],
    frames: Sequence[tuple[str, int]],
    duration_s: float,
    width: int,
    height: int,
) -> Cell:
    shape = width / height

    def distance(frame: tuple[str, int]) -> tuple[float, float, bool]:
        across, down = _parts(frame[0])
        return (
            abs(across / down / shape - 1),
            abs(frame[1] - min(width, height)),
            frame[0] != PREFERRED_SHAPE,
        )

    duration = min(durations_s, key=lambda each: (abs(each - duration_s), -each))
    return Cell(duration, *min(frames, key=distance))


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


def advice(models: Mapping[str, Model], duration_s: float, width: int, height: int) -> str | None:
    """What to write into study.toml so that systems with these models make clips of one length and size.

    Where no cell is common to all: who stands apart, and what is nearest to the others. None where all make
    exactly what is asked for, or where there is nobody to advise.
    """
    asked = duration_s, width, height
    common = common_cells(models.values())
    cell = common.nearest(*asked)
    if cell is None:
        return _apart(models, asked) if len(models) > 1 else None
    if (cell.duration_s, *cell.size) == asked:
        return None
    return (
        f"Every model asked here makes clips of {lengths(common.durations_s)}. Nearest to what is asked "
        f"for, {_general(cell)}."
    )


def _apart(models: Mapping[str, Model], asked: tuple[float, int, int]) -> str:
    """Whose leaving would give the others a cell in common, nearest to what is asked for."""
    duration_s, width, height = asked

    def far(cell: Cell) -> tuple[float, float]:
        return abs(cell.duration_s - duration_s), abs(cell.side - min(width, height))

    shared = {
        name: cell
        for name in models
        if (cell := common_cells(_without(models, name).values()).nearest(*asked))
    }
    if not shared:
        return (
            f"There is no length and size that all of {_listed(models)} make, nor all but one of them: give "
            "single systems their own in [systems.parameters], or compare them in several studies."
        )
    name, cell = min(shared.items(), key=lambda each: far(each[1]))
    model = models[name]
    alone = common_cells([model])
    own = _nearest(alone.durations_s, alone.frames, cell.duration_s, *cell.size)
    word = next(word for word, side in model.resolutions.items() if side == own.side)
    return (
        f"'{name}' stands apart: {_listed(_without(models, name))} can be asked for {cell}, and {model.name} "
        f"makes {lengths(model.durations_s)} as {' or '.join(model.resolutions)}. Nearest to the others, in "
        f'its [systems.parameters]: duration_s = {own.duration_s:g}, resolution = "{word}", ratio = '
        f'"{own.ratio}", which is {own}: the difference stays, and the plan tells it. Or leave it out.'
        + ("" if (cell.duration_s, *cell.size) == asked else f" For the others, {_general(cell)}.")
    )


def _general(cell: Cell) -> str:
    width, height = cell.size
    return f"in [generation]: duration_s = {cell.duration_s:g}, width = {width}, height = {height}"


def _without(models: Mapping[str, Model], name: str) -> Mapping[str, Model]:
    return {other: model for other, model in models.items() if other != name}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _parts(ratio: str) -> Sequence[int]:
    return [int(part) for part in ratio.split(":")]

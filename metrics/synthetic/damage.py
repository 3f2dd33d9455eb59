"""What a known damage is: a pure function of a clip and a level in a physical unit, and the levels to try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metrics.av import AVClip

__all__ = ["Damage"]


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to spoil a clip by a known amount; prompt and times not spoilt on purpose are kept."""

    name: str
    unit: str
    """Of the level; empty for a share."""
    meaning: str
    """What a clip has suffered at a level, in a few words."""
    nothing: float
    """The level that leaves the clip as it is (infinite for a signal-to-noise ratio)."""
    levels: tuple[float, ...]
    """From the least to the worst; where the damage has two signs, ascending through `nothing`."""
    apply: Callable[[AVClip, float], AVClip] | None
    """None where no arithmetic makes it from the clip alone (lips drawn wrongly, another clip's sound):
    then whoever brings the clip brings its damaged forms."""

    @property
    def two_sided(self) -> bool:
        """Whether levels lie on both sides of `nothing`."""
        return min(self.levels) < self.nothing < max(self.levels)

    def __call__(self, clip: AVClip, level: float) -> AVClip:
        """The clip at this level of damage; at `nothing` the clip itself.

        Raises ClipError where the clip lacks what is to be damaged, ValueError where `apply` is None.
        """
        if level == self.nothing:
            return clip
        if self.apply is None:
            raise ValueError(f"'{self.name}' cannot be made from a clip alone; bring the damaged clips.")
        return self.apply(clip, level)

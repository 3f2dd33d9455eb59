"""What a metric is, and the three endings it has.

A metric is an object with a name, a version and one verb, `measure(clip)`, that answers with one
reading per quantity. A reading is a `Value`, or `Unscorable` with a reason (no sound, no impact, no
face …). An exception means *failed*: the caller records it, it is never turned into a number.
The arithmetic lives in pure functions on arrays beside the object.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from metrics.av import AVClip

__all__ = ["PARTS", "Metric", "Quantity", "Reading", "Unscorable", "Value"]

PARTS = ("sound", "speech", "face", "motion", "impacts", "prompt", "first picture")
"""What a metric may ask of a clip: a sound track, somebody who speaks in it, a face, pictures that move,
things that are seen and heard to hit, the prompt it was made from, the picture it was to begin with."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What one number of a metric means."""

    name: str
    """Short, e.g. `offset_s`; the full name in records is `<metric>.<quantity>`."""
    unit: str
    better: str
    """`lower`, `higher`, `zero` (nearest to zero) or `none` (a description, not a quality)."""
    meaning: str
    """One sentence, with the sign convention."""
    low: float | None = None
    """The least value there can be, None where nothing bounds it."""
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A finite number, with whatever helps to judge it (confidence, interval, counts)."""

    value: float
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unscorable:
    """There is nothing here to measure; `reason` is a sentence."""

    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)


Reading = Value | Unscorable


class Metric(ABC):
    """One metric; made without arguments, loads what it needs on first use."""

    name: ClassVar[str]
    version: ClassVar[str]
    """Goes up when the same clip could get another number: records of an older version are measured anew."""
    quantities: ClassVar[tuple[Quantity, ...]]
    question: ClassVar[str] = ""
    """The question voters are asked that this metric speaks to (`av_sync`, `lip_accuracy`,
    `visual_quality`, `motion`, `prompt_adherence`), or nothing for a property of the file."""
    source: ClassVar[str] = ""
    """Paper, standard or program the definition comes from; `ours` where it is our own."""
    needs: ClassVar[str] = "metrics"
    """The extra to install, and the weights to bring, in a few words."""
    of_clip: ClassVar[tuple[str, ...]] = ()
    """What a clip must have, beside pictures, before any of the quantities can have a value; see `PARTS`."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Modules of the extra `metrics` that measuring imports; `missing` looks for them."""
    uses_brief: ClassVar[bool] = False
    """Whether the numbers depend on what the clip was asked to show (`AVClip.brief`)."""

    @classmethod
    def missing(cls) -> str | None:
        """A sentence on what must be installed or brought before this metric can run here; None if nothing.

        A metric that cannot run is left out and named, and records nothing: that says nothing of a clip.
        Where more than `packages` is needed, a metric asks for these first and then for the rest.
        """
        absent = [name for name in cls.packages if find_spec(name) is None]
        if not absent:
            return None
        return f"This needs {' and '.join(absent)}: pip install 'evalharness[metrics]'"

    @classmethod
    def weights(cls) -> str:
        """Which weights are in use, in a few words, where users may bring their own; otherwise empty.

        Part of what makes two numbers comparable: clips measured with other weights are measured anew.
        """
        return ""

    @abstractmethod
    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """One reading for each of `quantities`, by its name; always all of them."""

"""What a metric is, and the three endings it has.

A metric is an object with a name, a version and one verb, `measure(clip)`, that answers with one
reading per quantity. A reading is a `Value`, or `Unscorable` with a reason (no sound, no impact, no
face …). An exception means *failed*: the caller records it, it is never turned into a number.
The arithmetic lives in pure functions on arrays beside the object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from metrics.av import AVClip

__all__ = ["Metric", "Quantity", "Reading", "Unscorable", "Value"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What one number of a metric means."""

    name: str
    """Short, e.g. `offset_s`; the full name in records is `<metric>.<quantity>`."""
    unit: str
    better: str
    """`lower`, `higher`, `zero` (nearest to zero) or `none` (a description, not a quality)."""
    meaning: str
    """One sentence, with the sign convention and the range."""


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


class Metric(Protocol):
    """One metric; made without arguments, loads what it needs on first use."""

    name: ClassVar[str]
    version: ClassVar[str]
    quantities: ClassVar[tuple[Quantity, ...]]

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """One reading for each of `quantities`, by its name; always all of them."""

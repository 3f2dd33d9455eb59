"""What each system really delivered, by the probe of its clips: length, size, frame rate, sound, waiting.

Vendors make what they can, not always what was asked for; a comparison should say in what its sides differed.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalharness.records import Clip

__all__ = ["ASPECTS", "WAITS", "DeliveryRow", "delivery_table", "differing", "said"]


def _sound(clip: Clip) -> str:
    streams = clip.streams
    if not streams.audio_codec or not streams.sample_rate_hz:
        return "none"
    channels = {1: "mono", 2: "stereo"}.get(streams.channels or 0, f"{streams.channels} channels")
    return f"{streams.sample_rate_hz / 1000:g} kHz {channels}"


ASPECTS: Mapping[str, Callable[[Clip], str]] = {
    "length": lambda clip: f"{clip.streams.duration_s:.1f} s",
    "size": lambda clip: f"{clip.streams.width}x{clip.streams.height}",
    "frames/s": lambda clip: f"{clip.streams.fps:.2f}".rstrip("0").rstrip("."),
    "sound": _sound,
}
"""What is compared, as it is written."""

WAITS = ("queue_s", "run_s", "download_s")
"""Parts of a clip's way at a vendor, as its recipe keeps them."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One system's clips."""

    system: str
    clips: int
    found: Mapping[str, Mapping[str, int]]
    """Aspect -> value -> clips, the most frequent first."""
    waits_s: Mapping[str, float | None]
    """Part of the way -> median over the clips that know it; None where none does."""


def delivery_table(
    clips: Iterable[Clip], *, labels: Mapping[str, str] | None = None
) -> tuple[DeliveryRow, ...]:
    """A row a system, by name."""
    shown = labels or {}
    of_system: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        of_system[shown.get(clip.key.system, clip.key.system)].append(clip)
    return tuple(_row(system, own) for system, own in sorted(of_system.items()))


def differing(rows: Sequence[DeliveryRow]) -> tuple[str, ...]:
    """The aspects in which not all clips of all systems are alike."""
    return tuple(
        aspect for aspect in ASPECTS if len({value for row in rows for value in row.found[aspect]}) > 1
    )


def said(row: DeliveryRow, aspect: str) -> str:
    """What a system delivered in one aspect: its commonest value, with how many differ from it."""
    (value, count), *others = row.found[aspect].items()
    return f"{value} ({count} of {row.clips})" if others else value


def _row(system: str, clips: Sequence[Clip]) -> DeliveryRow:
    found = {name: dict(Counter(map(say, clips)).most_common()) for name, say in ASPECTS.items()}
    waits = {part: [clip.request[part] for clip in clips if _known(clip.request.get(part))] for part in WAITS}
    return DeliveryRow(
        system,
        len(clips),
        found,
        {part: statistics.median(known) if known else None for part, known in waits.items()},
    )


def _known(value: object) -> bool:
    # Recipes of other adapters are their own business.
    return isinstance(value, int | float) and not isinstance(value, bool)

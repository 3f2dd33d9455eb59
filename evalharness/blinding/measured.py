"""What the automatic metrics saw that could give a system away: marks and words that stand still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from evalharness.records import Clip, Measurement, MeasurementStatus

__all__ = ["MARKS", "mark_notes"]

MARKS: Mapping[str, str] = {
    "watermark.share": "a mark that stands still over moving pictures",
    "text.standing_share": "words that stay in one place",
}
"""Quantities that are above zero where something in the picture does not move with it, in words."""


def mark_notes(clips: Iterable[Clip], measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """A sentence for each system and kind of mark, where any of its measured clips shows one.

    Whoever has seen a vendor's mark once knows it again, so a mark in the clips themselves is no matter of
    form: it is said, and nothing here can take it out. A clip without a reading is not counted.
    """
    systems = {clip.sha256: clip.key.system for clip in clips}
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in measurements:
        if row.metric in MARKS and row.clip_sha256 in systems and row.status is MeasurementStatus.VALUE:
            seen[systems[row.clip_sha256], row.metric].append(row.value or 0.0)
    return tuple(
        f"'{system}' shows {MARKS[metric]} in {marked} of {len(values)} measured clips ({metric} above 0). "
        "Look at them: a vendor's mark names its system, and no re-encoding hides it."
        for (system, metric), values in sorted(seen.items())
        if (marked := sum(value > 0 for value in values))
    )

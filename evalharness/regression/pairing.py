"""Measurements of two systems, paired by prompt: means over a prompt's seeds, side beside side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from evalharness.records import Clip, Measurement, MeasurementStatus
from evalharness.reports import Meaning

__all__ = ["ENDINGS", "Paired", "common_prompts", "paired_quantities"]

Reals = NDArray[np.float64]

ENDINGS = (*(status.value for status in MeasurementStatus), "not measured")


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """One quantity of two systems on the prompts that both have a value of."""

    metric: str
    """`<metric>.<quantity>`."""
    version: str
    unit: str
    meaning: Meaning
    prompts: tuple[str, ...]
    baseline: Reals
    """Shape (prompts,): means over seeds; of distances from zero where zero is best."""
    candidate: Reals
    counts: Mapping[str, Mapping[str, int]]
    """`baseline` and `candidate` -> how many clips ended in which of `ENDINGS`."""
    obstacle: str | None = None
    """Why there is nothing to pair, as a sentence, where versions differ."""

    @property
    def worsening(self) -> Reals:
        """Shape (prompts,): by how much the candidate is worse."""
        gap = self.candidate - self.baseline
        return -gap if self.meaning.better == "higher" else gap


def common_prompts(clips: Iterable[Clip], baseline: str, candidate: str) -> tuple[str, ...]:
    """Prompts of which both systems have a clip, sorted."""
    of: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        of[clip.key.system].add(clip.key.prompt_id)
    return tuple(sorted(of[baseline] & of[candidate]))


def paired_quantities(
    clips: Sequence[Clip],
    measurements: Iterable[Measurement],
    baseline: str,
    candidate: str,
    meanings: Mapping[str, Meaning],
) -> tuple[Paired, ...]:
    """Every quantity that was measured of either system on their common prompts, by name.

    Only measurements of one version with one set of weights are paired: the one with which most clips of the
    two systems were measured.
    """
    prompts = set(common_prompts(clips, baseline, candidate))
    sides = {
        side: [clip for clip in clips if clip.key.system == system and clip.key.prompt_id in prompts]
        for side, system in (("baseline", baseline), ("candidate", candidate))
    }
    wanted = {clip.sha256 for side in sides.values() for clip in side}
    found: dict[str, dict[tuple[str, str], dict[str, Measurement]]] = defaultdict(lambda: defaultdict(dict))
    for row in measurements:
        if row.clip_sha256 in wanted:
            made_with = (row.version, str(row.details.get("weights", "")))
            found[row.metric][made_with][row.clip_sha256] = row
    return tuple(
        _paired(metric, rows, sides, meanings.get(metric, Meaning()))
        for metric, rows in sorted(found.items())
    )


def _paired(
    metric: str,
    versions: Mapping[tuple[str, str], Mapping[str, Measurement]],
    sides: Mapping[str, Sequence[Clip]],
    meaning: Meaning,
) -> Paired:
    def reached(made_with: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        rows = versions[made_with]
        by_side = [sum(clip.sha256 in rows for clip in side) for side in sides.values()]
        return min(by_side), sum(by_side), made_with

    chosen = max(versions, key=reached)
    rows = versions[chosen]
    obstacle = None
    if reached(chosen)[0] == 0 and len(versions) > 1:
        said = ", ".join(sorted({" ".join(filter(None, each)) for each in versions}))
        obstacle = (
            f"The two systems were measured by different versions of the metric ({said}): measure again, "
            "then compare."
        )
    means = {side: _means(own, rows, meaning) for side, own in sides.items()}
    prompts = tuple(sorted(means["baseline"].keys() & means["candidate"].keys()))
    unit = next((row.unit for row in rows.values() if row.unit), "")
    return Paired(
        metric,
        chosen[0],
        unit,
        meaning,
        prompts,
        np.array([means["baseline"][prompt] for prompt in prompts]),
        np.array([means["candidate"][prompt] for prompt in prompts]),
        {side: _counted(own, rows) for side, own in sides.items()},
        obstacle,
    )


def _means(clips: Sequence[Clip], rows: Mapping[str, Measurement], meaning: Meaning) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for clip in clips:
        row = rows.get(clip.sha256)
        if row is not None and row.status is MeasurementStatus.VALUE and row.value is not None:
            values[clip.key.prompt_id].append(abs(row.value) if meaning.better == "zero" else row.value)
    return {prompt: fmean(own) for prompt, own in values.items()}


def _counted(clips: Sequence[Clip], rows: Mapping[str, Measurement]) -> dict[str, int]:
    ends = [rows[clip.sha256].status.value if clip.sha256 in rows else ENDINGS[-1] for clip in clips]
    return {ending: ends.count(ending) for ending in ENDINGS}

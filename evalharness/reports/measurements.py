"""Every measurement of every clip as CSV: what the means and spreads of a report are made of."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping

from evalharness.gates import Validation, gate_verdict
from evalharness.records import Clip, Measurement
from evalharness.reports import wording
from evalharness.reports.summary import Meaning

__all__ = ["COLUMNS", "render_measurements"]

COLUMNS = (
    "system",
    "prompt",
    "seed",
    "clip",
    "metric",
    "quantity",
    "version",
    "unit",
    "ending",
    "value",
    "reason",
    "gate",
)


def render_measurements(
    clips: Iterable[Clip],
    measurements: Iterable[Measurement],
    meanings: Mapping[str, Meaning],
    validations: Mapping[str, Validation],
    *,
    labels: Mapping[str, str] | None = None,
) -> str:
    """One line a clip and quantity, by system, prompt and seed; a file that two systems delivered has two.

    `clip` is the file's SHA-256, `ending` is `value`, `unscorable` or `failed`; without a value, `value` is
    empty and `reason` says why. Values have every digit that was stored. `gate` is what known damage showed
    of the quantity: `passed`, `failed`, `not judged`, `no gate` or `not validated` in this version.
    """
    shown = labels or {}
    by_clip: dict[str, list[Measurement]] = defaultdict(list)
    for row in measurements:
        by_clip[row.clip_sha256].append(row)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    named = [(shown.get(clip.key.system, clip.key.system), clip) for clip in clips]
    # By the names shown: the order of the others would say something about who is masked.
    for system, clip in sorted(named, key=lambda pair: (pair[0], pair[1].key.prompt_id, pair[1].key.seed)):
        for row in by_clip[clip.sha256]:
            metric, _, quantity = row.metric.partition(".")
            meaning = meanings.get(row.metric, Meaning())
            writer.writerow(
                (
                    system,
                    clip.key.prompt_id,
                    clip.key.seed,
                    clip.sha256,
                    metric,
                    quantity,
                    row.version,
                    wording.unit_word(row.unit, meaning.low, meaning.high),
                    str(row.status),
                    "" if row.value is None else repr(row.value),
                    row.reason or "",
                    gate_verdict(row.metric, row.version, validations),
                )
            )
    return text.getvalue()

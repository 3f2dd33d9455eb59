"""Clips x metrics -> measurements: each clip decoded once, every ending recorded.

A clip's measurements are written together as soon as they are there, so that a killed run loses at most
the clips it was working on, and the next one goes on with what is missing. A metric whose version changed
measures anew.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from evalharness.config import Study
from evalharness.executors import process_pool
from evalharness.records import Measurement, MeasurementStatus
from evalharness.registry import METRICS
from evalharness.store import Store
from metrics.av import AVClip, ClipError
from metrics.base import Metric, Reading, Unscorable

__all__ = ["MeasureSummary", "measure_clip", "measure_study"]


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """What the study's clips have, over the metrics asked for."""

    clips: int
    """Distinct files."""
    measured: int
    """Files measured by this run."""
    values: int
    unscorable: int
    failures: tuple[Measurement, ...]


def measure_study(
    study: Study,
    store: Store,
    *,
    metrics: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: int | None = None,
) -> MeasureSummary:
    """Measure every clip by each of `metrics` (default: all registered) that it has no reading of yet; what
    failed before is tried again.

    `progress(done, total)` counts files. Raises UnknownNameError for a metric nobody registered; what
    goes wrong with a clip or inside a metric is a FAILED measurement, not an exception.
    """
    names = tuple(metrics) if metrics is not None else tuple(METRICS)
    wanted = {
        _full_name(metric, each.name): metric.version
        for metric in _loaded(names)
        for each in metric.quantities
    }
    paths = {clip.sha256: study.path(clip.path) for clip in store.clips()}
    known = {
        (row.clip_sha256, row.metric, row.version)
        for row in store.measurements()
        if row.status is not MeasurementStatus.FAILED
    }
    lacking = {
        sha256: tuple(dict.fromkeys(full.partition(".")[0] for full in missing))
        for sha256 in paths
        if (missing := [full for full, version in wanted.items() if (sha256, full, version) not in known])
    }
    report = progress or (lambda _done, _total: None)
    done = len(paths) - len(lacking)
    report(done, len(paths))
    if lacking:
        with process_pool(processes) as pool:
            pending = {
                pool.submit(measure_clip, sha256, paths[sha256], missing): sha256
                for sha256, missing in lacking.items()
            }
            for future in as_completed(pending):
                sha256 = pending[future]
                try:
                    rows = future.result()
                except BrokenProcessPool:
                    said = (
                        "The worker process died while measuring this clip or one beside it; measure again."
                    )
                    rows = _failed(sha256, _loaded(lacking[sha256]), said)
                store.put_measurements(rows)
                done += 1
                report(done, len(paths))
    now = [
        row
        for row in store.measurements()
        if row.clip_sha256 in paths and wanted.get(row.metric) == row.version
    ]
    count = Counter(row.status for row in now)
    return MeasureSummary(
        clips=len(paths),
        measured=len(lacking),
        values=count[MeasurementStatus.VALUE],
        unscorable=count[MeasurementStatus.UNSCORABLE],
        failures=tuple(row for row in now if row.status is MeasurementStatus.FAILED),
    )


def measure_clip(sha256: str, path: Path, metrics: Sequence[str]) -> tuple[Measurement, ...]:
    """Decode the file at `path` once and take every quantity of `metrics` from it."""
    loaded = _loaded(metrics)
    try:
        clip = AVClip.open(path)
    except ClipError as error:
        return _failed(sha256, loaded, str(error))
    rows: list[Measurement] = []
    for metric in loaded:
        try:
            readings = metric.measure(clip)
            rows += [
                _row(sha256, metric, quantity.name, quantity.unit, readings[quantity.name])
                for quantity in metric.quantities
            ]
        except Exception as error:  # a bug in one metric, ours or a plugin's, is a record, not the end
            rows += _failed(sha256, (metric,), f"{type(error).__name__}: {error}")
    return tuple(rows)


def _loaded(names: Sequence[str]) -> tuple[Metric, ...]:
    return tuple(METRICS.load(name)() for name in names)


def _full_name(metric: Metric, quantity: str) -> str:
    return f"{metric.name}.{quantity}"


def _row(sha256: str, metric: Metric, quantity: str, unit: str, reading: Reading) -> Measurement:
    name = _full_name(metric, quantity)
    if isinstance(reading, Unscorable):
        return Measurement(
            sha256,
            name,
            metric.version,
            MeasurementStatus.UNSCORABLE,
            unit=unit,
            reason=reading.reason,
            details=reading.details,
        )
    if not math.isfinite(reading.value):
        raise ValueError(f"the metric answered {reading.value} for {name}, which is no number to record.")
    return Measurement(
        sha256,
        name,
        metric.version,
        MeasurementStatus.VALUE,
        value=float(reading.value),
        unit=unit,
        details=reading.details,
    )


def _failed(sha256: str, metrics: Sequence[Metric], said: str) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(
            sha256,
            _full_name(metric, quantity.name),
            metric.version,
            MeasurementStatus.FAILED,
            unit=quantity.unit,
            reason=said,
        )
        for metric in metrics
        for quantity in metric.quantities
    )

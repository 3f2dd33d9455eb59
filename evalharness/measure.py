"""Clips x metrics -> measurements: each clip decoded once, every ending recorded.

A clip's measurements are written together as soon as they are there, so that a killed run loses at most
the clips it was working on, and the next one goes on with what is missing. What is missing: a quantity
never measured or failed, or measured by another version of the metric, with other weights, or (where the
metric looks at it) against another prompt.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from evalharness.config import Study
from evalharness.errors import MediaError, StorageError
from evalharness.executors import Executor, Processes, WorkerDied, executor_for
from evalharness.records import Measurement, MeasurementStatus, Prompt
from evalharness.registry import METRICS
from evalharness.storage import Storage, sha256_of
from evalharness.store import Store
from evalharness.usable import UNIMPORTABLE, broken_package, importable, refuse_missing, usable_metrics
from metrics.av import AVClip, Brief, ClipError
from metrics.base import Metric, Reading, Unscorable

__all__ = ["MeasureSummary", "Order", "measure_clip", "measure_files", "measure_study"]

AMBIGUOUS = (
    "The same file was delivered for several prompts, so there is no saying what it was asked to show. "
    "Look at the system that delivers it."
)


@dataclass(frozen=True, slots=True)
class Order:
    """One file to be measured."""

    sha256: str
    path: Path
    brief: Brief | None
    """What it was asked to show; None where it was delivered for prompts that differ."""
    metrics: tuple[str, ...]
    storage: Storage | None = None
    """What holds the file, under `path`; None where it lies on this machine and belongs to no study."""


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """What the study's clips have, over the metrics asked for."""

    clips: int
    """Distinct files."""
    measured: int
    """Files measured by this run."""
    new: Mapping[MeasurementStatus, int]
    """Measurements taken by this run, by their ending."""
    values: int
    unscorable: int
    failures: tuple[Measurement, ...]
    left_out: Mapping[str, str]
    """Metrics that cannot run here, each with the sentence on what it lacks."""


def measure_study(
    study: Study,
    store: Store,
    *,
    metrics: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    executor: Executor | None = None,
    processes: int | None = None,
) -> MeasureSummary:
    """Measure every clip by each of `metrics` (default: all registered that can run here) that it has no
    reading of yet; what failed before is tried again.

    `progress(done, total)` counts files. It is done by `executor` (default: a pool of that many `processes`,
    and without a number what the study says). Raises UnknownNameError for a metric nobody registered and
    MissingExtraError for one asked for by name that cannot run here; what goes wrong with a clip or inside a
    metric is a FAILED measurement, not an exception.
    """
    usable, left_out = usable_metrics(metrics)
    paths = {clip.sha256: Path(clip.path) for clip in store.clips()}
    orders = _orders(usable, paths, _briefs(store), store.measurements(), study.storage)
    report = progress or (lambda _done, _total: None)
    done = len(paths) - len(orders)
    new: Counter[MeasurementStatus] = Counter()
    report(done, len(paths))
    executor = executor or (Processes(processes) if processes else executor_for(study))
    for found in _measured(orders, executor):
        rows = importable(found, left_out)
        store.put_measurements(rows)
        new.update(row.status for row in rows)
        done += 1
        report(done, len(paths))
    if metrics is not None:
        refuse_missing(left_out)
    versions = {
        _full_name(metric, each.name): metric.version for metric in usable for each in metric.quantities
    }
    now = [
        row
        for row in store.measurements()
        if row.clip_sha256 in paths and versions.get(row.metric) == row.version
    ]
    count = Counter(row.status for row in now)
    return MeasureSummary(
        clips=len(paths),
        measured=len(orders),
        new=new,
        values=count[MeasurementStatus.VALUE],
        unscorable=count[MeasurementStatus.UNSCORABLE],
        failures=tuple(row for row in now if row.status is MeasurementStatus.FAILED),
        left_out=left_out,
    )


def measure_files(
    paths: Sequence[Path],
    brief: Brief,
    *,
    metrics: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: int | None = None,
) -> tuple[dict[Path, tuple[Measurement, ...]], Mapping[str, str]]:
    """Measure files that belong to no study: (measurements by file, what each metric left out lacks).

    A file that cannot be read fails every metric, with an empty SHA-256; the others are measured. Raises what
    `measure_study` raises of metrics.
    """
    usable, left_out = usable_metrics(metrics)
    names = tuple(metric.name for metric in usable)
    hashes: dict[Path, str] = {}
    unread: dict[Path, tuple[Measurement, ...]] = {}
    for path in paths:
        try:
            hashes[path] = _sha256(path)
        except MediaError as error:
            unread[path] = _failed("", usable, str(error))
    orders = [Order(sha256, path, brief, names) for sha256, path in {hashes[p]: p for p in hashes}.items()]
    report = progress or (lambda _done, _total: None)
    if orders:
        report(0, len(orders))
    found: dict[str, tuple[Measurement, ...]] = {}
    for order_rows in _measured(orders, Processes(processes)):
        found[order_rows[0].clip_sha256] = importable(order_rows, left_out)
        report(len(found), len(orders))
    if metrics is not None:
        refuse_missing(left_out)
    return {path: unread[path] if path in unread else found[hashes[path]] for path in paths}, left_out


def measure_clip(order: Order) -> tuple[Measurement, ...]:
    """Decode the file once and take every quantity of the ordered metrics from it.

    A file whose bytes are not those recorded, or that cannot be decoded, fails every metric.
    """
    loaded = _loaded(order.metrics)
    try:
        path = _located(order)
        _refuse_other_bytes(path, order.sha256)
        clip = AVClip.open(path, order.brief or Brief())
    except (ClipError, MediaError, StorageError) as error:
        return _failed(order.sha256, loaded, str(error))
    rows: list[Measurement] = []
    for metric in loaded:
        try:
            if metric.uses_brief and order.brief is None:
                ambiguous: Mapping[str, Reading] = {
                    each.name: Unscorable(AMBIGUOUS) for each in metric.quantities
                }
                rows += _rows(order, metric, ambiguous)
            else:
                rows += _rows(order, metric, metric.measure(clip))
        except Exception as error:  # a bug in one metric, ours or a plugin's, is a record, not the end
            said = f"{type(error).__name__}: {error}"
            package = broken_package(error)
            if package is not None:
                said = f"{UNIMPORTABLE}: {package} ({said}). Install it anew."
            rows += _failed(order.sha256, (metric,), said)
    return tuple(rows)


def _briefs(store: Store) -> dict[str, Brief | None]:
    """By file: what it was asked to show; None where it was delivered for prompts that differ."""
    asked = {prompt.id: _brief(prompt) for prompt in store.prompts()}
    found: dict[str, Brief | None] = {}
    for clip in store.clips():
        brief = asked[clip.key.prompt_id]
        found[clip.sha256] = brief if found.get(clip.sha256, brief) == brief else None
    return found


def _brief(prompt: Prompt) -> Brief:
    return Brief(
        text=prompt.text,
        language=prompt.language,
        spoken=prompt.spoken,
        reading=prompt.reading,
        first_frame=Path(prompt.first_frame) if prompt.first_frame else None,
    )


def _orders(
    metrics: Sequence[Metric],
    paths: Mapping[str, Path],
    briefs: Mapping[str, Brief | None],
    known: Iterable[Measurement],
    storage: Storage,
) -> list[Order]:
    """What is left to measure: one order a file that lacks anything."""
    found = {
        (row.clip_sha256, row.metric, row.version): row.details
        for row in known
        if row.status is not MeasurementStatus.FAILED
    }

    def lacks(sha256: str, metric: Metric) -> bool:
        stamp = _stamp(metric, briefs[sha256])
        rows = [
            found.get((sha256, _full_name(metric, each.name), metric.version)) for each in metric.quantities
        ]
        return any(row is None or any(row.get(key) != said for key, said in stamp.items()) for row in rows)

    wanted = {sha256: tuple(metric.name for metric in metrics if lacks(sha256, metric)) for sha256 in paths}
    return [
        Order(sha256, paths[sha256], briefs[sha256], names, storage)
        for sha256, names in wanted.items()
        if names
    ]


def _stamp(metric: Metric, brief: Brief | None) -> dict[str, str]:
    """What else than file and version a reading depends on, as it is kept in its details."""
    stamp = {}
    if metric.uses_brief:
        # Not the first frame's path: a study can be moved.
        said = (brief.text, brief.language, brief.spoken, brief.reading) if brief else "several"
        stamp["brief"] = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
    if weights := metric.weights():
        stamp["weights"] = weights
    return stamp


def _measured(orders: Sequence[Order], executor: Executor) -> Iterator[tuple[Measurement, ...]]:
    """The measurements of each order, as they come.

    A worker that dies may take others' work with it, so whatever ended so is tried again in the end, alone:
    only the clip that kills its worker fails.
    """
    waiting, suspects = deque(orders), list[Order]()
    out: dict[Future[tuple[Measurement, ...]], Order] = {}
    with executor:
        while out or waiting:
            while waiting and len(out) < executor.capacity:
                order = waiting.popleft()
                out[executor.submit(measure_clip, order)] = order
            for future in wait(out, return_when=FIRST_COMPLETED).done:
                order = out.pop(future)
                try:
                    yield future.result()
                except WorkerDied:
                    suspects.append(order)
        for order in suspects:
            yield _alone(order, executor)


def _alone(order: Order, executor: Executor) -> tuple[Measurement, ...]:
    try:
        return executor.submit(measure_clip, order).result()
    except WorkerDied:
        said = (
            "The worker process died while it measured this clip, twice (out of memory, or a crash in "
            "a library). Measure again with more memory, or metric by metric to find the one."
        )
        return tuple(_failed(order.sha256, _loaded(order.metrics), said))


def _located(order: Order) -> Path:
    """Where the file lies on this machine, fetched if it has to be. Raises MediaError and StorageError."""
    return order.path if order.storage is None else order.storage.local(order.path.as_posix(), order.sha256)


def _refuse_other_bytes(path: Path, recorded: str) -> None:
    """ClipError where the file is there but is not the one that was recorded."""
    if not path.is_file():
        return  # decoding says so
    found = _sha256(path)
    if found != recorded:
        raise ClipError(
            f"{path} is not the clip that was recorded (SHA-256 {found[:12]}…, recorded "
            f"{recorded[:12]}…): it was changed since. Put the delivered file back."
        )


def _sha256(path: Path) -> str:
    """Raises MediaError where the file cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error.strerror}). Name the file of a clip.") from error


def _loaded(names: Sequence[str]) -> tuple[Metric, ...]:
    return tuple(METRICS.load(name)() for name in names)


def _full_name(metric: Metric, quantity: str) -> str:
    return f"{metric.name}.{quantity}"


def _rows(order: Order, metric: Metric, readings: Mapping[str, Reading]) -> list[Measurement]:
    stamp = _stamp(metric, order.brief)
    rows = [
        _row(order.sha256, metric, each.name, each.unit, readings[each.name]) for each in metric.quantities
    ]
    return [replace(row, details={**row.details, **stamp}) for row in rows]


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

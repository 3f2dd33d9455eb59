"""Which metrics can run here, and of each other one the sentence on what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from traceback import walk_tb

from evalharness.errors import MissingExtraError, UnknownNameError
from evalharness.records import Measurement, MeasurementStatus
from evalharness.registry import METRICS
from metrics.base import Metric
from metrics.weights import WeightsError

__all__ = [
    "UNIMPORTABLE",
    "broken_package",
    "importable",
    "lacking",
    "refuse_missing",
    "usable_metrics",
]

UNIMPORTABLE = "A package it needs is installed and cannot be imported"
"""Begins the reason of a measurement that failed so."""


def lacking(name: str) -> str | None:
    """What a registered metric lacks before it can run here, as a sentence; None if nothing.

    Raises UnknownNameError for a metric nobody registered; for a quantity it names the metric.
    """
    metric, _, quantity = name.partition(".")
    if quantity and metric in METRICS:
        quantities = ", ".join(f"{metric}.{each.name}" for each in METRICS.load(metric).quantities)
        raise UnknownNameError(
            f"'{name}' is no metric, and metrics are measured whole: ask for --metric {metric}, which gives "
            f"{quantities}."
        )
    try:
        sentence: str | None = METRICS.load(name).missing()
    except WeightsError as error:
        return str(error)
    return sentence


def usable_metrics(names: Sequence[str] | None) -> tuple[tuple[Metric, ...], dict[str, str]]:
    """The metrics (default: all registered) that can run here, and for each other one what it lacks.

    Raises MissingExtraError where one asked for by name cannot run.
    """
    usable: list[Metric] = []
    left_out: dict[str, str] = {}
    for name in METRICS if names is None else names:
        sentence = lacking(name)
        if sentence is None:
            usable.append(METRICS.load(name)())
        else:
            left_out[name] = sentence
    if names is not None:
        refuse_missing(left_out)
    return tuple(usable), left_out


def refuse_missing(left_out: Mapping[str, str]) -> None:
    """Raise MissingExtraError where a metric that was asked for by name cannot run."""
    if left_out:
        said = [f"'{name}' cannot run here: {sentence}" for name, sentence in left_out.items()]
        raise MissingExtraError(" ".join(said))


def broken_package(error: Exception) -> str | None:
    """The package that could not be imported, where that is what went wrong; None for any other error.

    Broken packages raise what they like while they are imported: a missing library is an OSError, another
    version's array an AttributeError.
    """
    # Code of a module itself, below a call of ours, runs only while that module is imported.
    running = [frame for frame, _ in walk_tb(error.__traceback__) if frame.f_code.co_name == "<module>"]
    name = running[-1].f_globals.get("__name__") if running else None
    if isinstance(error, ImportError) and (name is None or _ours(name)):
        name = error.name
    elif name is None:
        return None
    package = str(name or "one that it does not name").partition(".")[0]
    return None if _ours(package) else package


def _ours(module: str) -> bool:
    """Whether a fault in it is our own, and no installation's."""
    return module.partition(".")[0] in ("evalharness", "metrics", "arena_ui")


def importable(rows: Sequence[Measurement], left_out: dict[str, str]) -> tuple[Measurement, ...]:
    """The rows of metrics that could be imported; the others are put into `left_out`, with the reason.

    That a package is installed and broken shows first where it is used, and says nothing of a clip.
    """
    kept = []
    for row in rows:
        if row.status is MeasurementStatus.FAILED and (row.reason or "").startswith(UNIMPORTABLE):
            left_out.setdefault(row.metric.partition(".")[0], row.reason or "")
        else:
            kept.append(row)
    return tuple(kept)

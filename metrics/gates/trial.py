"""A metric tried on clips of known damage, and the gates judged on what it answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip, ClipError
from metrics.base import Metric, Value
from metrics.faces import faces
from metrics.gates.rules import Judgement, Readings, Rule, Truth, Verdict
from metrics.speech.recognition import transcript
from metrics.speech.track import speech
from metrics.synthetic import DAMAGES
from metrics.visual.flow import luma
from metrics.visual.passage import passages

__all__ = ["Answer", "Gate", "GateResult", "Point", "Specimen", "judged", "tried"]

_SEEN: tuple[Callable[[AVClip], Any], ...] = (faces, luma, passages)
_HEARD: tuple[Callable[[AVClip], Any], ...] = (speech, transcript)
"""What metrics share that follows from pictures alone, and from sound and prompt alone."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What one quantity must do on one ladder."""

    quantity: str
    """`<metric>.<quantity>`."""
    damage: str
    """A name in `metrics.synthetic.DAMAGES`, or empty where undamaged clips are looked at."""
    rule: Rule
    kinds: tuple[str, ...] = ()
    """Kinds of clip it is held on; empty for all."""

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.quantity.partition(".")[0]


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """A clip that metrics are tried on."""

    name: str
    kind: str
    """Such as `talk` or `impact`; empty where nobody says: then every gate is held on it."""
    clip: AVClip
    truth_known: bool = True
    """Whether its sound and picture are known to be as they should: only then `Truth` is judged."""
    brought: Mapping[str, Callable[[float], AVClip]] = field(default_factory=dict)
    """By damage: the clip at a level, where no arithmetic makes it from the clip alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a metric said of one rung; exactly one of value, reason and failure is there."""

    specimen: str
    kind: str
    truth_known: bool
    damage: str
    """Empty for the clip as it is."""
    level: float | None
    quantity: str
    value: float | None = None
    reason: str | None = None
    """Why there is no value; or why the damage could not be made, then `made` is false."""
    failure: str | None = None
    made: bool = True
    low: float = -inf
    high: float = inf
    """The least and the most that the quantity can read."""


@dataclass(frozen=True, slots=True)
class Point:
    """The readings of all clips at one level."""

    level: float | None
    """None for the clips as they are."""
    n: int
    median: float | None
    low: float | None
    """Lower quartile."""
    high: float | None
    """Upper quartile."""
    refused: int
    """Clips tried that got no value."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate's verdict, with the curve it rests on."""

    gate: Gate
    version: str
    """The metric's."""
    judgement: Judgement
    curve: tuple[Point, ...]


def tried(
    specimen: Specimen, damage: str, metrics: Sequence[Metric], levels: Sequence[float] | None = None
) -> list[Answer]:
    """What each metric says of every rung of a ladder (of the clip as it is where `damage` is empty).

    `levels` restricts the ladder; where it is not given, all of its levels are tried.
    An exception in a metric is recorded as its failure; a rung that cannot be made, with the reason.
    """
    if not damage:
        return _asked(specimen, "", None, lambda: specimen.clip, metrics)
    answers: list[Answer] = []
    for level in DAMAGES[damage].levels if levels is None else levels:
        answers += _asked(specimen, damage, level, partial(_rung, specimen, damage, level), metrics)
    return answers


def judged(
    gates: Iterable[Gate], versions: Mapping[str, str], answers: Sequence[Answer]
) -> tuple[GateResult, ...]:
    """The verdict on every gate of the metrics in `versions` (name -> version), in the gates' order."""
    by_quantity: dict[str, list[Answer]] = {}
    for answer in answers:
        by_quantity.setdefault(answer.quantity, []).append(answer)
    return tuple(
        _judged(gate, versions[gate.metric], by_quantity.get(gate.quantity, []))
        for gate in gates
        if gate.metric in versions
    )


def _rung(specimen: Specimen, damage: str, level: float) -> AVClip:
    ladder = DAMAGES[damage]
    if ladder.apply is not None:
        return ladder(specimen.clip, level)
    if damage not in specimen.brought:
        raise ClipError(f"Nobody brought this clip with '{damage}'.")
    return specimen.brought[damage](level)


def _asked(
    specimen: Specimen,
    damage: str,
    level: float | None,
    make: Callable[[], AVClip],
    metrics: Sequence[Metric],
) -> list[Answer]:
    row = Answer(specimen.name, specimen.kind, specimen.truth_known, damage, level, quantity="")
    rows = {
        metric.name: [
            replace(
                row,
                quantity=f"{metric.name}.{each.name}",
                low=-inf if each.low is None else each.low,
                high=inf if each.high is None else each.high,
            )
            for each in metric.quantities
        ]
        for metric in metrics
    }
    try:
        clip = make()
    except ClipError as error:
        unmade = partial(replace, reason=str(error), made=False)
        return [unmade(each) for metric in metrics for each in rows[metric.name]]
    _carry(specimen.clip, clip)
    answers = []
    for metric in metrics:
        try:
            readings = metric.measure(clip)
        except Exception as error:  # a bug in a metric fails its gates, it does not end the trial
            failure = f"{type(error).__name__}: {error}"
            answers += [replace(each, failure=failure) for each in rows[metric.name]]
            continue
        for quantity, each in zip(metric.quantities, rows[metric.name], strict=True):
            reading = readings[quantity.name]
            if isinstance(reading, Value):
                answers.append(replace(each, value=float(reading.value)))
            else:
                answers.append(replace(each, reason=reading.reason))
    _carry(clip, specimen.clip)
    return answers


def _carry(known: AVClip, other: AVClip) -> None:
    """Give `other` what was worked out from those tracks that it has in common with `known`.

    Faces need not be found anew in the same pictures under every damage to the sound.
    """
    same_picture = known.grey is other.grey and known.i420 is other.i420
    same_sound = known.samples is other.samples and known.audio_start_s == other.audio_start_s
    carried = (_SEEN if same_picture and known.frame_times_s is other.frame_times_s else ()) + (
        _HEARD if same_sound and known.brief == other.brief else ()
    )
    for make in carried:
        if make in known._derived:
            other._derived[make] = known._derived[make]


def _judged(gate: Gate, version: str, answers: Sequence[Answer]) -> GateResult:
    held = [row for row in answers if not gate.kinds or not row.kind or row.kind in gate.kinds]
    if isinstance(gate.rule, Truth):
        held = [row for row in held if row.truth_known]
    rungs = [row for row in held if row.damage in ("", gate.damage)]
    names = list(dict.fromkeys(row.specimen for row in rungs))
    levels: list[float | None] = [None, *(DAMAGES[gate.damage].levels if gate.damage else ())]
    values = np.full((len(names), len(levels)), np.nan)
    made = np.zeros(values.shape, bool)
    for row in rungs:
        place = names.index(row.specimen), levels.index(row.level)
        values[place] = np.nan if row.value is None else row.value
        made[place] = row.made
    climbed = [column for column in range(1, len(levels)) if made[:, column].any()]
    readings = Readings(
        undamaged=values[:, 0],
        levels=tuple(level for column in climbed if (level := levels[column]) is not None),
        damaged=values[:, climbed],
        tried=made[:, climbed],
        nothing=DAMAGES[gate.damage].nothing if gate.damage else 0.0,
        low=rungs[0].low if rungs else -inf,
        high=rungs[0].high if rungs else inf,
    )
    failures = sorted({row.failure for row in rungs if row.failure})
    judgement = (
        Judgement(Verdict.FAILED, f"The metric failed: {failures[0]}", len(names), {})
        if failures
        else gate.rule.judge(readings)
    )
    curve = tuple(_point(levels[column], values[made[:, column], column]) for column in (0, *climbed))
    return GateResult(gate, version, judgement, curve)


def _point(level: float | None, values: NDArray[np.float64]) -> Point:
    known = values[np.isfinite(values)]
    low, median, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist() if known.size else (None, None, None)
    return Point(level, int(known.size), median, low, high, int(values.size - known.size))

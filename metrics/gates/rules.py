"""What must hold on a ladder of known damage: the rules a gate can ask for, and their verdicts.

Each rule judges one quantity on one ladder from plain arrays. Too few clips that can be scored is *not
judged*, never passed. Nor does a metric pass a ladder by falling silent on it, unless the rule says from
which level on silence is right.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

import numpy as np
from numpy.typing import NDArray

from metrics.gates.statistics import ordered_share, separation, sign_test, spearman

__all__ = ["Follows", "Judgement", "Readings", "Refuses", "Rule", "Steady", "Truth", "Verdict", "Worsens"]

Array = NDArray[np.float64]

FEWEST = 3
"""Clips without which no rule says anything."""
SIGNIFICANT = 0.05
FEWEST_TO_TELL = 5
"""Clips without which the sign test cannot reach the level above (2^-5 = 0.031)."""


class Verdict(StrEnum):
    """How a gate ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """One quantity on one ladder."""

    undamaged: Array
    """(clips,): of the clips as they are; NaN where there is no value."""
    levels: tuple[float, ...]
    damaged: Array
    """(clips, levels): NaN where there is no value."""
    tried: NDArray[np.bool_]
    """(clips, levels): where the damaged clip could be made at all."""
    nothing: float
    """The level at which the damage does nothing."""
    low: float = -inf
    high: float = inf
    """The least and the most that the quantity can read."""

    @property
    def shifts(self) -> Array:
        """(clips, levels): by how much the damage moved the reading."""
        return self.damaged - self.undamaged[:, None]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(clips, levels): the damaged clips that were made of one that has a value as it is."""
        return np.asarray(self.tried & np.isfinite(self.undamaged)[:, None])

    @property
    def answered(self) -> Array:
        """(levels,): share of those that got a value; NaN where there are none."""
        counted = self.counted.sum(axis=0)
        found = np.isfinite(self.shifts).sum(axis=0)
        return np.asarray(np.where(counted > 0, found / np.maximum(counted, 1), np.nan))

    def at_least(self, level: float, other: float) -> bool:
        """Whether `level` is damage as bad as `other` or worse: as far from nothing, or farther."""
        if np.isinf(self.nothing):
            return level <= other
        return abs(level - self.nothing) >= abs(other - self.nothing)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule found."""

    verdict: Verdict
    said: str
    """A sentence, with the figure that decided."""
    n: int
    """Clips that count: with a value as they are and, where there is a ladder, a rung that could be made."""
    figures: Mapping[str, float | None]
    """None where a figure is not defined for these clips."""


class Rule(ABC):
    """What must hold."""

    @property
    @abstractmethod
    def asked(self) -> str:
        """What must hold, as a short phrase."""

    def judge(self, readings: Readings) -> Judgement:
        """The verdict on these readings; not judged where fewer than three clips can be scored."""
        n = self.scorable(readings)
        if n < FEWEST:
            return Judgement(
                Verdict.NOT_JUDGED, f"{n} clips could be scored; {FEWEST} are the fewest that count.", n, {}
            )
        return self._judge(readings, n)

    def scorable(self, readings: Readings) -> int:
        """How many clips count: a value as they are, and a rung that could be made."""
        return int(readings.counted.any(axis=1).sum())

    @abstractmethod
    def _judge(self, readings: Readings, n: int) -> Judgement: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(Rule):
    """A rule on how damaged clips read: they must be read, too."""

    answered: float = 0.8
    """The least share of clips that must get a value at each level, of those that have one as they are."""
    may_refuse_from: float | None = None
    """From this level on refusing is right, as there may be nothing left to measure; None: it nowhere is."""

    def silence(self, readings: Readings) -> str:
        """A sentence on the first level at which too few clips were given a value; empty where none is."""
        for level, share in zip(readings.levels, readings.answered, strict=True):
            due = self.may_refuse_from is None or not readings.at_least(level, self.may_refuse_from)
            if due and share < self.answered:
                return f"At level {level:g} only {share:.0%} of clips got a value; {self.answered:.0%} asked."
        return ""

    @property
    def allowed(self) -> str:
        """What the short phrase says of refusals."""
        return "" if self.may_refuse_from is None else f", may refuse from {self.may_refuse_from:g}"


@dataclass(frozen=True, slots=True)
class Worsens(Answers):
    """The reading moves one way, ever further, as damage grows, and from a stated level on is told apart.

    Damaged clips that read the worst there is at two neighbouring levels are in order.
    """

    rises: bool
    """Whether more damage must read higher; else lower."""
    told_by: float
    """From this level on, each level must differ from the undamaged clips (paired sign test, p < 0.05)."""
    ordered: float = 0.8
    """The least share of neighbouring levels in the right order."""

    @property
    def asked(self) -> str:
        """What must hold."""
        way = "rises" if self.rises else "falls"
        return f"{way} (order ≥ {self.ordered:g}), told from {self.told_by:g} on{self.allowed}"

    def _judge(self, readings: Readings, n: int) -> Judgement:
        way = 1.0 if self.rises else -1.0
        worse = way * np.column_stack([readings.undamaged, readings.damaged])
        order = ordered_share(worse, readings.high if self.rises else -readings.low)
        told = {
            level: sign_test(way * column) < SIGNIFICANT
            for level, column in zip(readings.levels, readings.shifts.T, strict=True)
            if np.isfinite(column).sum() >= FEWEST_TO_TELL
        }
        noticed = [level for level, is_told in told.items() if is_told]
        unnoticed = [level for level, is_told in told.items() if not is_told]
        figures = {
            "order": _known(order),
            "spearman": _known(spearman(worse)),
            "sensitivity": noticed[0] if noticed else None,
            "dead_zone": unnoticed[-1] if unnoticed else None,
            "auc_at_worst": _known(separation(worse[:, 0], worse[:, -1])),
            "answered": _overall(readings),
        }
        if n < FEWEST_TO_TELL:
            return Judgement(
                Verdict.NOT_JUDGED,
                f"{n} clips could be scored; {FEWEST_TO_TELL} are the fewest that can tell a level.",
                n,
                figures,
            )
        if silence := self.silence(readings):
            return Judgement(Verdict.FAILED, silence, n, figures)
        if order < self.ordered:
            said = f"Of neighbouring levels, {order:.0%} are in order; {self.ordered:.0%} asked."
            return Judgement(Verdict.FAILED, said, n, figures)
        due = [level for level in readings.levels if readings.at_least(level, self.told_by)]
        missed = [level for level in due if level in unnoticed]
        if missed:
            said = f"Level {missed[-1]:g} is not told from the undamaged clips."
            return Judgement(Verdict.FAILED, said, n, figures)
        if not any(level in told for level in due):
            said = f"No level from {self.told_by:g} on was scored in {FEWEST_TO_TELL} clips."
            return Judgement(Verdict.NOT_JUDGED, said, n, figures)
        said = f"{order:.0%} in order, told from {noticed[0]:g} on."
        if refused := [f"{level:g}" for level in readings.levels if level not in told]:
            said += f" Refused too often to be judged: {', '.join(refused)}."
        return Judgement(Verdict.PASSED, said, n, figures)


@dataclass(frozen=True, slots=True)
class Follows(Answers):
    """The reading moves by a known amount for each unit of damage."""

    within: float
    """Error allowed, in the quantity's unit."""
    each: float = 1.0
    """By how much the reading must move for one unit of the level."""
    share: float = 0.9
    """The least share of readings within that error."""

    @property
    def asked(self) -> str:
        """What must hold."""
        return f"moves {self.each:g} to 1, ±{self.within:g} for ≥ {self.share:.0%}{self.allowed}"

    def _judge(self, readings: Readings, n: int) -> Judgement:
        moved = self.each * (np.asarray(readings.levels) - readings.nothing)
        return self._moved(readings, n, moved, "moved as they should, to")

    def _moved(self, readings: Readings, n: int, moved: Array, how: str) -> Judgement:
        """The verdict on readings that must move by `moved`, (levels,)."""
        errors = (readings.shifts - moved)[np.isfinite(readings.shifts)]
        silence = self.silence(readings)
        if not errors.size:
            verdict = Verdict.FAILED if silence else Verdict.NOT_JUDGED
            return Judgement(verdict, silence or "No damaged clip got a value.", n, {"answered": 0.0})
        share = float(np.mean(np.abs(errors) <= self.within))
        figures = {
            "within": share,
            "median_error": float(np.median(np.abs(errors))),
            "bias": float(np.median(errors)),
            "answered": _overall(readings),
        }
        said = f"{share:.0%} of {errors.size} readings {how} within {self.within:g}. {silence}".strip()
        return Judgement(_passed(share >= self.share and not silence), said, n, figures)


@dataclass(frozen=True, slots=True)
class Steady(Follows):
    """The reading must not care about this damage."""

    each: float = field(default=0.0, init=False)

    @property
    def asked(self) -> str:
        """What must hold."""
        return f"stays within ±{self.within:g} for ≥ {self.share:.0%}{self.allowed}"

    def _judge(self, readings: Readings, n: int) -> Judgement:
        return self._moved(readings, n, np.zeros(len(readings.levels)), "stayed")


@dataclass(frozen=True, slots=True)
class Refuses(Rule):
    """Damaged clips must get no value: there is nothing in them to measure.

    Only clips that have a value as they are count: refusing what is refused anyway proves nothing.
    """

    at_most: float = 0.1
    """The largest share of damaged clips that may get a value all the same: false verdicts."""

    @property
    def asked(self) -> str:
        """What must hold."""
        return f"gives a value to ≤ {self.at_most:.0%}"

    def _judge(self, readings: Readings, n: int) -> Judgement:
        false = _overall(readings)
        said = f"{false:.0%} of {int(readings.counted.sum())} damaged clips were given a value."
        return Judgement(_passed(false <= self.at_most), said, n, {"false_verdicts": false})


@dataclass(frozen=True, slots=True)
class Truth(Rule):
    """Undamaged clips, whose truth is known, must read within these bounds; asks for no damage."""

    low: float
    high: float
    at_most: float = 0.1
    """The largest share of undamaged clips judged damaged: false verdicts."""
    circular: bool = False
    """Whether the metric was fitted to clips like these: then only a failure says something."""

    @property
    def asked(self) -> str:
        """What must hold."""
        circular = " (circular: fitted to such clips)" if self.circular else ""
        return f"undamaged reads {self.low:g}..{self.high:g}, outside ≤ {self.at_most:.0%}{circular}"

    def scorable(self, readings: Readings) -> int:
        """Clips with a value."""
        return int(np.isfinite(readings.undamaged).sum())

    def _judge(self, readings: Readings, n: int) -> Judgement:
        known = readings.undamaged[np.isfinite(readings.undamaged)]
        outside = float(np.mean((known < self.low) | (known > self.high)))
        said = f"{outside:.0%} of {n} undamaged clips read outside {self.low:g}..{self.high:g}."
        figures = {
            "false_verdicts": outside,
            "median": float(np.median(known)),
            "answered": n / readings.undamaged.size,
        }
        return Judgement(_passed(outside <= self.at_most), said, n, figures)


def _passed(holds: bool) -> Verdict:
    return Verdict.PASSED if holds else Verdict.FAILED


def _overall(readings: Readings) -> float:
    """Share of damaged clips that got a value, of those whose originals have one."""
    return float(np.isfinite(readings.damaged)[readings.counted].mean())


def _known(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None

"""What a comparison of two releases found: checks, and the verdict they add up to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from evalharness.tolerances import Part

__all__ = ["Check", "Comparison", "Finding", "Verdict", "Worst", "corroborated", "to_record"]


class Finding(StrEnum):
    """How one check ended."""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    UNDECIDED = "undecided"
    NOT_ASKED = "not asked"
    """There is no smallest effect to hold it against, or nothing that could be compared."""


class Verdict(StrEnum):
    """How the whole comparison ended."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Worst:
    """One prompt and by how much the candidate is worse on it, in the check's unit; negative where better."""

    prompt: str
    worsening: float


@dataclass(frozen=True, slots=True)
class Check:
    """One question about the candidate, and what was found."""

    part: Part
    name: str
    finding: Finding
    decides: bool
    """Whether the verdict looks at it."""
    sentence: str
    question: str = ""
    """The voters' question it speaks to."""
    unit: str = ""
    baseline: float | None = None
    """Mean, median or share of the baseline over what was compared."""
    candidate: float | None = None
    difference: float | None = None
    """Candidate less baseline (of distances from zero where zero is best; a ratio less 1 for prices and
    times)."""
    low: float | None = None
    """End of the interval, each missed with chance alpha at most; infinite where nothing bounds it."""
    high: float | None = None
    tolerance: float | None = None
    """By how much it may be worse, positive, in the unit of the difference."""
    higher_is_worse: bool = True
    p_worse: float | None = None
    """p value of "worse by no more than the tolerance", after Holm."""
    p_not_worse: float | None = None
    """p value of "worse by the tolerance or more"."""
    n: int = 0
    """What it rests on: prompts, scores or clips."""
    n_of: str = "prompts"
    doubt: str | None = None
    """What known damage showed against the metric: it decides only where another check agrees."""
    more: str | None = None
    """What would decide it, as a sentence."""
    notes: tuple[str, ...] = ()
    worst: tuple[Worst, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By side, how many clips ended in which way."""

    @property
    def worsening(self) -> float | None:
        """The difference, positive where the candidate is worse."""
        if self.difference is None:
            return None
        return self.difference if self.higher_is_worse else -self.difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate held against its baseline. Names are the published ones."""

    study: str
    baseline: str
    candidate: str
    checks: tuple[Check, ...]
    prompts: int
    """That both have clips of."""
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Fail where a deciding check is worse; pass where there are deciding checks, all of them not
        worse."""
        found = [check.finding for check in self.checks if check.decides]
        if Finding.WORSE in found:
            return Verdict.FAIL
        if not found or Finding.UNDECIDED in found:
            return Verdict.UNDECIDED
        return Verdict.PASS

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in sentences: those of the checks that made the verdict, and what would decide open ones."""
        wanted = {Verdict.FAIL: Finding.WORSE, Verdict.UNDECIDED: Finding.UNDECIDED}.get(self.verdict)
        made = [check for check in self.checks if check.decides and check.finding is wanted]
        if made:
            return tuple(" ".join(filter(None, (check.sentence, check.more))) for check in made)
        if self.verdict is Verdict.UNDECIDED:
            return ("Nothing that was compared decides: there are no votes and no measurements that do.",)
        deciding = sum(check.decides for check in self.checks)
        return (f"All {deciding} checks that decide exclude a worsening that matters.",)

    @property
    def told(self) -> tuple[Check, ...]:
        """Checks that decide nothing here and found the candidate worse."""
        return tuple(check for check in self.checks if not check.decides and check.finding is Finding.WORSE)

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        pair = f"{self.candidate} against {self.baseline}"
        worse = [check.name for check in self.checks if check.decides and check.finding is Finding.WORSE]
        if self.verdict is Verdict.FAIL:
            return f"FAIL: {pair} is worse in {', '.join(worse)}."
        if self.verdict is Verdict.PASS:
            return f"PASS: {pair} is not worse in anything that decides."
        open_checks = [c.name for c in self.checks if c.decides and c.finding is Finding.UNDECIDED]
        return f"UNDECIDED: {pair}; still open: {', '.join(open_checks) or 'everything'}."


def corroborated(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks, with doubtful ones deciding where, and only where, another one agrees.

    A quantity that failed a gate never decides alone. Found worse, it counts if another metric that speaks to
    the same question of the voters, or the voters' own answer to it, was found worse too.
    """
    worse = {
        (check.question, _source(check))
        for check in checks
        if check.finding is Finding.WORSE and check.question
    }
    out = []
    for check in checks:
        if check.doubt is None or not check.decides:
            out.append(check)
            continue
        others = sorted(
            source for question, source in worse if question == check.question and source != _source(check)
        )
        agreed = check.finding is Finding.WORSE and bool(others)
        said = (
            f"It failed a gate and counts because {' and '.join(others)} found the same."
            if agreed
            else "It failed a gate, so it is told and decides nothing alone."
        )
        out.append(replace(check, decides=agreed, notes=(*check.notes, f"{said} {check.doubt}")))
    return tuple(out)


def _source(check: Check) -> str:
    return "the voters" if check.part is Part.VOTES else check.name.partition(".")[0]


def to_record(found: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; an infinite end is null."""
    return {
        "study": found.study,
        "baseline": found.baseline,
        "candidate": found.candidate,
        "verdict": found.verdict.value,
        "headline": found.headline,
        "reasons": list(found.reasons),
        "prompts": found.prompts,
        "notes": list(found.notes),
        "checks": [_check(check) for check in found.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(check, name) for name in check.__dataclass_fields__}
    row = {name: _finite(value) if isinstance(value, float) else value for name, value in row.items()}
    return row | {
        "notes": list(check.notes),
        "worst": [{"prompt": each.prompt, "worsening": each.worsening} for each in check.worst],
        "counts": {side: dict(ends) for side, ends in check.counts.items()},
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

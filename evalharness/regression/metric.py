"""Automatic metrics: is the candidate worse by more than the smallest effect that matters?

Per quantity, prompt by prompt: the candidate's mean over seeds less the baseline's, turned so that positive
is worse. Two one-sided sign-flip tests (see `shifts`) ask whether the mean worsening is at most the smallest
effect, and whether it is at least that. The first is corrected by Holm over all quantities that decide, so
that any false "worse" comes with chance alpha at most. The second needs no correction: a pass asks it of
every quantity, and is wrong only if one of them is (intersection-union; Berger 1982).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from evalharness.gates import Validation, gate_note, gate_verdict
from evalharness.regression.effects import Effects
from evalharness.regression.pairing import Paired
from evalharness.regression.rates import holm, share_difference
from evalharness.regression.shifts import Shifts, prompts_for
from evalharness.regression.verdict import Check, Finding, Worst
from evalharness.regression.wording import amount, change, interval
from evalharness.tolerances import Part

__all__ = ["judge_metrics"]

_SHOWN = 5
"""Worst prompts that a check lists."""
_POWER = 0.8
"""Chance of a decision that "about so many more prompts" is meant to have."""


def judge_metrics(
    pairs: Sequence[Paired],
    effects: Effects,
    validations: Mapping[str, Validation],
    *,
    alpha: float,
    decide: bool = True,
) -> tuple[Check, ...]:
    """A check a quantity, those that decide first. `decide` is whether metrics decide at all in this
    study."""
    shifts = {each.metric: Shifts(each.worsening) for each in pairs if each.prompts}
    family = [each.metric for each in pairs if each.metric in effects.deciding and each.metric in shifts]
    raw = [shifts[name].p_at_most(effects.smallest[name]) for name in family]
    adjusted = dict(zip(family, holm(raw), strict=True))
    checks = [_check(each, shifts.get(each.metric), effects, adjusted, alpha, len(family)) for each in pairs]
    judged = [
        replace(
            check,
            decides=check.decides and decide,
            doubt=_doubt(each, validations) if check.decides else None,
        )
        for check, each in zip(checks, pairs, strict=True)
    ]
    return tuple(sorted(judged, key=lambda check: (not check.decides, check.name)))


def _check(
    pair: Paired,
    shifts: Shifts | None,
    effects: Effects,
    adjusted: Mapping[str, float],
    alpha: float,
    family: int,
) -> Check:
    tolerance = effects.smallest.get(pair.metric)
    higher_is_worse = pair.meaning.better != "higher"
    check = Check(
        Part.METRICS,
        pair.metric,
        Finding.NOT_ASKED,
        decides=False,
        sentence="",
        question=pair.meaning.question,
        unit=pair.unit,
        tolerance=tolerance,
        higher_is_worse=higher_is_worse,
        n=len(pair.prompts),
        notes=_unscored(pair, alpha),
        counts=pair.counts,
    )
    if shifts is None:
        why = pair.obstacle or "No prompt has a value on both sides."
        return replace(check, sentence=f"{pair.metric} cannot be compared. {why}")
    worsening = pair.worsening
    low, high = shifts.interval(alpha)
    sign = 1.0 if higher_is_worse else -1.0
    order = np.argsort(-worsening, kind="stable")[:_SHOWN]
    check = replace(
        check,
        baseline=float(pair.baseline.mean()),
        candidate=float(pair.candidate.mean()),
        difference=float(sign * worsening.mean()),
        low=low if higher_is_worse else -high,
        high=high if higher_is_worse else -low,
        worst=tuple(Worst(pair.prompts[place], float(worsening[place])) for place in order),
    )
    if tolerance is None or pair.meaning.better == "none":
        why = "it describes, and is neither good nor bad" if pair.meaning.better == "none" else "none is set"
        said = f"{_measured(check, pair)}; no change of it is called worse ({why})."
        return replace(check, sentence=said, tolerance=None, worst=())
    decides = pair.metric in adjusted
    p_worse = adjusted.get(pair.metric, shifts.p_at_most(tolerance))
    p_not_worse = shifts.p_at_least(tolerance)
    finding = Finding.UNDECIDED
    if p_worse <= alpha:
        finding = Finding.WORSE
    elif p_not_worse <= alpha:
        finding = Finding.NOT_WORSE
    return replace(
        check,
        finding=finding,
        decides=decides,
        p_worse=p_worse,
        p_not_worse=p_not_worse,
        sentence=_sentence(check, pair, finding, tolerance),
        more=_more(worsening, tolerance, alpha, family) if finding is Finding.UNDECIDED else None,
    )


def _measured(check: Check, pair: Paired) -> str:
    difference, unit = check.difference or 0.0, check.unit
    what = "distance from zero " if pair.meaning.better == "zero" else ""
    return (
        f"{pair.metric}: {what}{change(difference, unit)} ({interval(check.low, check.high, unit)}), "
        f"{amount(check.baseline, unit)} before and {amount(check.candidate, unit)} now, over "
        f"{check.n} prompt{'' if check.n == 1 else 's'}"
    )


def _sentence(check: Check, pair: Paired, finding: Finding, tolerance: float) -> str:
    least = f"the smallest change that matters, {amount(tolerance, check.unit)}"
    said = {
        Finding.WORSE: f"worse by more than {least}",
        Finding.NOT_WORSE: f"not worse by {least}",
        Finding.UNDECIDED: f"may or may not be worse by {least}",
    }[finding]
    return f"{_measured(check, pair)}: {said}."


def _more(worsening: np.ndarray, tolerance: float, alpha: float, family: int) -> str:
    """About how many more prompts would decide, if they are like these: a normal test's arithmetic, power
    0.8."""
    n, mean = len(worsening), float(worsening.mean())
    inside = mean < tolerance
    level = alpha if inside else alpha / max(family, 1)
    needed = prompts_for(level)
    distance = abs(mean - tolerance)
    if n > 1:
        spread = float(worsening.std(ddof=1))
        if distance < 1e-3 * (spread or 1.0):
            return "Its mean stands so near that change that no number of prompts would decide."
        needed = max(needed, math.ceil((float(ndtri(1.0 - level) + ndtri(_POWER)) * spread / distance) ** 2))
    if needed <= n:
        return "A few more prompts would decide, if they are like these."
    return f"About {needed - n} more prompts like these would decide."


def _unscored(pair: Paired, alpha: float) -> tuple[str, ...]:
    """A sentence where clips without a value are clearly more, or fewer, than before; and what was left
    out."""
    lacking, totals = [], []
    for side in ("candidate", "baseline"):
        counts = pair.counts[side]
        lacking.append(counts["unscorable"] + counts["failed"])
        totals.append(lacking[-1] + counts["value"])
    notes = []
    missing = {side: pair.counts[side]["not measured"] for side in ("baseline", "candidate")}
    if any(missing.values()):
        said = " and ".join(f"{count} of the {side}" for side, count in missing.items() if count)
        notes.append(f"Clips not measured yet: {said}. 'python -m evalharness measure' does it.")
    if min(totals) == 0:
        return tuple(notes)
    _, low, high = share_difference((lacking[0], lacking[1]), (totals[0], totals[1]), alpha / 2.0)
    if low > 0.0 or high < 0.0:
        notes.append(
            f"{'More' if low > 0.0 else 'Fewer'} clips give no value than before: {lacking[0]} of "
            f"{totals[0]}, before {lacking[1]} of {totals[1]}. What has a value is no longer what had one."
        )
    return tuple(notes)


def _doubt(pair: Paired, validations: Mapping[str, Validation]) -> str | None:
    """A sentence where known damage does not vouch for the quantity."""
    if gate_verdict(pair.metric, pair.version, validations) in ("failed", "not validated"):
        return gate_note(pair.metric, pair.version, validations)
    return None

"""Price, time and reliability: what of them changed by more than the study allows.

Prices are facts: their means are compared as they are. Times are compared by their median, with a bootstrap
over prompts. Shares of failures and refusals have Newcombe's interval. A check is worse where the whole
interval lies beyond what is allowed, and undecided where the value does and the interval does not. Where the
value lies within, it is not worse: that a rare failure is possible cannot be excluded by a few clips, and is
no reason to hold up a release.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from statistics import fmean, median

import numpy as np

from evalharness.records import Clip, FailureKind, Job, JobState
from evalharness.regression.rates import share_difference
from evalharness.regression.verdict import Check, Finding
from evalharness.regression.wording import percent_change
from evalharness.reports.numbers import dollars, percent, seconds
from evalharness.tolerances import Part, RegressionSettings

__all__ = ["judge_service"]

_DRAWS = 2_000
_FEWEST = 5
"""Prompts under which a bootstrap over them says nothing."""


def judge_service(
    clips: Sequence[Clip],
    jobs: Iterable[Job],
    baseline: str,
    candidate: str,
    settings: RegressionSettings,
) -> tuple[Check, ...]:
    """Four checks: price, latency, failures, refusals; on the prompts that both were asked for."""
    of_jobs: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        if job.key.system in (baseline, candidate) and job.state in (JobState.DONE, JobState.FAILED):
            of_jobs[job.key.system].append(job)
    asked = {system: {job.key.prompt_id for job in of_jobs[system]} for system in (baseline, candidate)}
    prompts = asked[baseline] & asked[candidate]
    sides = [
        [clip for clip in clips if clip.key.system == system and clip.key.prompt_id in prompts]
        for system in (baseline, candidate)
    ]
    own = [[job for job in of_jobs[s] if job.key.prompt_id in prompts] for s in (baseline, candidate)]
    allowed, alpha = settings.service, settings.alpha
    refused = [sum(job.failure is FailureKind.MODERATION for job in each) for each in own]
    failed = [sum(job.state is JobState.FAILED for job in each) for each in own]
    totals = [len(each) for each in own]
    broken = [failed[side] - refused[side] for side in (0, 1)]
    checks = (
        _price(sides, allowed.price_rise),
        _latency(sides, prompts, allowed.latency_rise, alpha),
        _share("failed clips", broken, totals, allowed.failure_rise, alpha),
        _share("refusals", refused, totals, allowed.refusal_rise, alpha),
    )
    decides = Part.SERVICE in settings.decide_by
    return tuple(
        replace(check, decides=decides and check.finding is not Finding.NOT_ASKED) for check in checks
    )


def _price(sides: Sequence[Sequence[Clip]], allowed: float) -> Check:
    prices = [[clip.cost_usd for clip in side if clip.cost_usd is not None] for side in sides]
    check = Check(Part.SERVICE, "price per clip", Finding.NOT_ASKED, decides=False, sentence="", n_of="clips")
    if not all(prices):
        return replace(check, sentence="price per clip: not stated on both sides.")
    before, now = map(fmean, prices)
    if before <= 0.0:
        said = f"price per clip: {dollars(now)}, before nothing."
        found = Finding.WORSE if now > 0.0 else Finding.NOT_WORSE
        return replace(check, finding=found, sentence=said, baseline=before, candidate=now, unit="$")
    ratio = now / before - 1.0
    finding = Finding.WORSE if ratio > allowed + 1e-12 else Finding.NOT_WORSE
    said = (
        f"price per clip: {dollars(now)}, before {dollars(before)} ({percent_change(ratio)}; "
        f"{percent_change(allowed)} is allowed), over {len(prices[1])} and {len(prices[0])} clips."
    )
    return replace(
        check,
        finding=finding,
        sentence=said,
        baseline=before,
        candidate=now,
        difference=ratio,
        low=ratio,
        high=ratio,
        tolerance=allowed,
        n=min(map(len, prices)),
    )


def _latency(
    sides: Sequence[Sequence[Clip]], prompts: Collection[str], allowed: float, alpha: float
) -> Check:
    check = Check(Part.SERVICE, "latency", Finding.NOT_ASKED, decides=False, sentence="")
    times: list[dict[str, list[float]]] = [defaultdict(list), defaultdict(list)]
    for own, side in zip(times, sides, strict=True):
        for clip in side:
            if clip.latency_s is not None and clip.latency_s > 0.0:
                own[clip.key.prompt_id].append(clip.latency_s)
    both = sorted(prompt for prompt in prompts if prompt in times[0] and prompt in times[1])
    if not both:
        return replace(check, sentence="latency: no prompt has a time on both sides.")
    paired = np.array([[median(own[prompt]) for prompt in both] for own in times])
    before, now = (float(each) for each in np.median(paired, axis=1))
    ratio = now / before - 1.0
    low, high = -np.inf, np.inf
    if len(both) >= _FEWEST:
        drawn = np.random.default_rng(1).integers(len(both), size=(_DRAWS, len(both)))
        medians = np.median(paired[:, drawn], axis=2)
        low, high = np.quantile(medians[1] / medians[0] - 1.0, [alpha, 1.0 - alpha])
    said = (
        f"latency: median {seconds(now)}, before {seconds(before)} ({percent_change(ratio)}; "
        f"{percent_change(allowed)} is allowed), over {len(both)} prompts"
    )
    return _held(
        replace(check, baseline=before, candidate=now, unit="s", n=len(both)),
        (ratio, float(low), float(high)),
        allowed,
        said,
        percent_change(float(high)) if np.isfinite(high) else None,
    )


def _share(name: str, events: Sequence[int], totals: Sequence[int], allowed: float, alpha: float) -> Check:
    check = Check(Part.SERVICE, name, Finding.NOT_ASKED, decides=False, sentence="", n_of="clips")
    if min(totals) == 0:
        return replace(check, sentence=f"{name}: nothing was asked of both for the same prompts.")
    found = share_difference((events[1], events[0]), (totals[1], totals[0]), alpha)
    said = (
        f"{name}: {events[1]} of {totals[1]}, before {events[0]} of {totals[0]} "
        f"({percent(found[0])} more; {percent(allowed)} is allowed)"
    )
    before, now = (events[side] / totals[side] for side in (0, 1))
    known = replace(check, baseline=before, candidate=now, n=min(totals))
    return _held(known, found, allowed, said, percent(found[2]) + " more")


def _held(
    check: Check, found: tuple[float, float, float], allowed: float, said: str, reach: str | None
) -> Check:
    """The check with what its interval says of what is allowed."""
    value, low, high = found
    finding, more = Finding.NOT_WORSE, None
    if low > allowed:
        finding = Finding.WORSE
    elif value > allowed:
        finding, more = (
            Finding.UNDECIDED,
            "More clips would decide; these are too few to tell it from chance.",
        )
    elif high > allowed:
        said += f"; up to {reach} is not excluded" if reach else "; too few to give an interval"
    return replace(
        check,
        finding=finding,
        sentence=f"{said}.",
        difference=value,
        low=low,
        high=high,
        tolerance=allowed,
        more=more,
    )

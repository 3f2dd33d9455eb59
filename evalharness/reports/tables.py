"""From stored records to report rows: counts, means and medians, with what was left out kept in view."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from evalharness.records import (
    Battle,
    Clip,
    Decision,
    Exclusion,
    Job,
    JobState,
    Measurement,
    MeasurementStatus,
    Purpose,
    Ruling,
    Vote,
)
from evalharness.reports.summary import CategoryProgress, GenerationRow, MetricRow, VoteFlow

__all__ = ["generation_table", "metric_table", "vote_flow"]

_NOT_STATED = "no reason was recorded"


def metric_table(
    measurements: Iterable[Measurement],
    clips: Iterable[Clip],
    *,
    category: str = "all",
    labels: Mapping[str, str] | None = None,
) -> tuple[MetricRow, ...]:
    """Mean of each metric per system over `clips`; measurements of other clips are not looked at.

    Two clips with the same content count twice, as they are two answers of a system. Versions of a
    metric are kept apart. Sorted by metric, then system.
    """
    shown = labels or {}
    of_system: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        of_system[shown.get(clip.key.system, clip.key.system)].append(clip.sha256)
    present = {sha256 for shas in of_system.values() for sha256 in shas}
    by_metric: dict[tuple[str, str], dict[str, Measurement]] = defaultdict(dict)
    for row in measurements:
        if row.clip_sha256 in present:
            by_metric[row.metric, row.version][row.clip_sha256] = row
    return tuple(
        _metric_row(system, metric, version, [found.get(sha256) for sha256 in shas], category)
        for (metric, version), found in sorted(by_metric.items())
        for system, shas in sorted(of_system.items())
    )


def _metric_row(
    system: str, metric: str, version: str, found: Sequence[Measurement | None], category: str
) -> MetricRow:
    rows = [row for row in found if row is not None]
    values = [row.value for row in rows if row.status is MeasurementStatus.VALUE and row.value is not None]

    def reasons(status: MeasurementStatus) -> dict[str, int]:
        return _counted(row.reason or _NOT_STATED for row in rows if row.status is status)

    return MetricRow(
        system=system,
        metric=metric,
        version=version,
        unit=next((row.unit for row in rows if row.unit), ""),
        mean=statistics.fmean(values) if values else None,
        deviation=statistics.stdev(values) if len(values) > 1 else None,
        n=len(values),
        unscorable=reasons(MeasurementStatus.UNSCORABLE),
        failed=reasons(MeasurementStatus.FAILED),
        unmeasured=len(found) - len(rows),
        category=category,
        magnitude=statistics.fmean(map(abs, values)) if values else None,
        quantiles=quantiles(values),
    )


def quantiles(values: Sequence[float]) -> tuple[float, float, float, float, float] | None:
    """The 5, 25, 50, 75 and 95 % points, between neighbours in proportion; None without a value."""
    if not values:
        return None
    ordered, last = sorted(values), len(values) - 1

    def at(share: float) -> float:
        below = int(share * last)
        above = min(below + 1, last)
        return ordered[below] + (share * last - below) * (ordered[above] - ordered[below])

    return at(0.05), at(0.25), at(0.5), at(0.75), at(0.95)


def generation_table(
    jobs: Iterable[Job], clips: Iterable[Clip], *, labels: Mapping[str, str] | None = None
) -> tuple[GenerationRow, ...]:
    """What became of every job, system by system, with latency and cost over the clips that state them."""
    shown = labels or {}
    jobs_of: dict[str, list[Job]] = defaultdict(list)
    clips_of: dict[str, list[Clip]] = defaultdict(list)
    for job in jobs:
        jobs_of[shown.get(job.key.system, job.key.system)].append(job)
    for clip in clips:
        clips_of[shown.get(clip.key.system, clip.key.system)].append(clip)
    rows = []
    for system in sorted(jobs_of.keys() | clips_of.keys()):
        own = jobs_of[system]
        latencies = [clip.latency_s for clip in clips_of[system] if clip.latency_s is not None]
        costs = [clip.cost_usd for clip in clips_of[system] if clip.cost_usd is not None]
        rows.append(
            GenerationRow(
                system=system,
                done=sum(job.state is JobState.DONE for job in own),
                waiting=sum(job.state in (JobState.PENDING, JobState.RUNNING) for job in own),
                failed=_counted(
                    job.failure.value if job.failure else _NOT_STATED
                    for job in own
                    if job.state is JobState.FAILED
                ),
                median_latency_s=statistics.median(latencies) if latencies else None,
                timed=len(latencies),
                mean_cost_usd=statistics.fmean(costs) if costs else None,
                total_cost_usd=sum(costs) if costs else None,
                priced=len(costs),
            )
        )
    return tuple(rows)


def vote_flow(
    battles: Iterable[Battle],
    votes: Iterable[Vote],
    exclusions: Iterable[Exclusion],
    rulings: Iterable[Ruling] = (),
) -> VoteFlow:
    """From comparisons drawn to votes counted; an exclusion that meets no vote takes nothing away.

    Battles that test the voter are left out, and their votes with them.
    """
    drawn = [battle for battle in battles if battle.purpose is Purpose.COMPARISON]
    ids = {battle.id for battle in drawn}
    cast = [vote for vote in votes if vote.battle_id in ids]
    why: dict[tuple[str, str], str] = {}
    for exclusion in sorted(exclusions, key=lambda row: row.created_at):
        why.setdefault((exclusion.battle_id, exclusion.question), exclusion.reason)
    on_counting = (ruling for ruling in rulings if ruling.decision in (Decision.USED, Decision.EXCLUDED))
    held = {ruling.voter_id: ruling for ruling in on_counting}  # the newest comes last

    def reason(vote: Vote) -> str | None:
        ruling = held.get(vote.voter_id)
        if ruling is not None and ruling.decision is Decision.EXCLUDED:
            return f"voter excluded by {ruling.author}"
        return why.get((vote.battle_id, vote.question))

    reasons = [reason(vote) for vote in cast]
    counted = [vote for vote, said in zip(cast, reasons, strict=True) if said is None]
    answered = {vote.battle_id for vote in cast}
    by_category = Counter(battle.category.value for battle in drawn)
    answered_by = Counter(battle.category.value for battle in drawn if battle.id in answered)
    return VoteFlow(
        drawn=len(drawn),
        answered=sum(answered_by.values()),
        votes=len(cast),
        excluded=_counted(said for said in reasons if said is not None),
        counted=len(counted),
        voters=len({vote.voter_id for vote in counted}),
        categories=tuple(
            CategoryProgress(category, number, answered_by[category])
            for category, number in sorted(by_category.items())
        ),
    )


def _counted(labels: Iterable[str]) -> dict[str, int]:
    """How often each label occurs, most frequent first, then by name."""
    return dict(sorted(Counter(labels).items(), key=lambda pair: (-pair[1], pair[0])))

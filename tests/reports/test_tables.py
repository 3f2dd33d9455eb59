"""From records to rows: every clip, job and vote is in some column."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evalharness.records import (
    Battle,
    Category,
    Clip,
    Exclusion,
    FailureKind,
    Job,
    JobKey,
    JobState,
    Measurement,
    MeasurementStatus,
    Outcome,
    Question,
    Streams,
    Vote,
)
from evalharness.reports import delivery_table, generation_table, metric_table, vote_flow
from evalharness.reports.delivery import differing, said

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p")


def _clip(
    system: str, prompt: str, sha256: str, latency: float | None = None, cost: float | None = None
) -> Clip:
    key = JobKey(system, prompt, 1)
    return Clip(sha256, key, f"clips/{sha256}", 10, STREAMS, NOW, "a", "1", latency_s=latency, cost_usd=cost)


def _measured(sha256: str, ending: float | str, *, failed: bool = False, version: str = "1") -> Measurement:
    if isinstance(ending, str):
        status = MeasurementStatus.FAILED if failed else MeasurementStatus.UNSCORABLE
        return Measurement(sha256, "sync.offset_s", version, status, reason=ending)
    return Measurement(sha256, "sync.offset_s", version, MeasurementStatus.VALUE, ending, "s")


def test_means_stand_beside_everything_they_leave_out():
    clips = [_clip("a", f"p{i}", f"a{i}") for i in range(6)] + [_clip("b", "p0", "b0")]
    rows = metric_table(
        [
            _measured("a0", 0.1),
            _measured("a1", 0.3),
            _measured("a2", "no sound"),
            _measured("a3", "no sound"),
            _measured("a4", "ValueError: cut short", failed=True),
            _measured("elsewhere", 99.0),
        ],
        clips,
    )
    first, second = rows
    assert (first.system, first.mean, first.n) == ("a", pytest.approx(0.2), 2)
    assert first.deviation == pytest.approx(0.1414, abs=1e-4)
    assert first.unscorable == {"no sound": 2}
    assert first.failed == {"ValueError: cut short": 1}
    assert (first.unmeasured, first.clips) == (1, 6)
    assert (second.system, second.mean, second.n, second.unmeasured) == ("b", None, 0, 1)


def test_a_measured_zero_is_a_value_and_a_shared_file_counts_for_each_clip():
    rows = metric_table(
        [_measured("same", 0.0)],
        [_clip("a", "p0", "same"), _clip("a", "p1", "same"), _clip("b", "p0", "same")],
    )
    assert [(row.system, row.mean, row.n) for row in rows] == [("a", 0.0, 2), ("b", 0.0, 1)]


def test_distance_from_zero_does_not_cancel():
    clips = [_clip("a", "p", "x"), _clip("a", "q", "y")]
    (row,) = metric_table([_measured("x", 0.3), _measured("y", -0.4)], clips)
    assert row.mean == pytest.approx(-0.05)
    assert row.magnitude == pytest.approx(0.35)


def test_versions_of_a_metric_are_never_averaged_together():
    rows = metric_table([_measured("x", 1.0), _measured("x", 3.0, version="2")], [_clip("a", "p", "x")])
    assert [(row.version, row.mean) for row in rows] == [("1", 1.0), ("2", 3.0)]


def test_labels_replace_names():
    assert (
        metric_table([_measured("x", 1.0)], [_clip("a", "p", "x")], labels={"a": "mystery"})[0].system
        == "mystery"
    )
    assert generation_table([], [_clip("a", "p", "x")], labels={"a": "mystery"})[0].system == "mystery"


def test_generation_counts_jobs_by_their_end_and_prices_only_what_has_a_price():
    jobs = [
        Job(JobKey("a", "p0", 1), JobState.DONE),
        Job(JobKey("a", "p1", 1), JobState.DONE),
        Job(JobKey("a", "p2", 1), JobState.FAILED, failure=FailureKind.MODERATION),
        Job(JobKey("a", "p3", 1), JobState.FAILED, failure=FailureKind.MODERATION),
        Job(JobKey("a", "p4", 1), JobState.FAILED, failure=FailureKind.TIMEOUT),
        Job(JobKey("a", "p5", 1), JobState.PENDING),
        Job(JobKey("a", "p6", 1), JobState.RUNNING),
        Job(JobKey("b", "p0", 1), JobState.PENDING),
    ]
    a, b = generation_table(jobs, [_clip("a", "p0", "x", 10.0, 0.2), _clip("a", "p1", "y", 30.0)])
    assert (a.done, a.waiting, a.failed) == (2, 2, {"moderation": 2, "timeout": 1})
    assert (a.median_latency_s, a.timed) == (20.0, 2)
    assert (a.mean_cost_usd, a.total_cost_usd, a.priced) == (0.2, 0.2, 1)
    assert (b.median_latency_s, b.mean_cost_usd, b.total_cost_usd) == (None, None, None)


def _battle(number: int, category: Category = Category.TEXT_TO_VIDEO) -> Battle:
    left, right = JobKey("a", "p", 1), JobKey("b", "p", 1)
    questions = (Question.OVERALL, Question.AV_SYNC)
    return Battle(f"b{number}", "v", "p", category, left, right, "x", "y", questions, 1.0, "uniform", NOW)


def _vote(number: int, question: Question, voter: str = "v") -> Vote:
    return Vote(f"b{number}", voter, question, Outcome.LEFT, NOW)


def test_every_vote_is_counted_or_excluded_for_its_first_reason():
    battles = [_battle(i) for i in range(4)] + [_battle(4, Category.AUDIO_SYNC)]
    votes = [_vote(i, question) for i in (0, 1, 2) for question in (Question.OVERALL, Question.AV_SYNC)]
    votes.append(_vote(4, Question.OVERALL, voter="w"))
    exclusions = [
        Exclusion("b0", Question.OVERALL, "second reason", "owner", NOW + timedelta(hours=1)),
        Exclusion("b0", Question.OVERALL, "gold pair failed", "owner", NOW),
        Exclusion("b1", Question.AV_SYNC, "gold pair failed", "owner", NOW),
        Exclusion("b3", Question.OVERALL, "never answered", "owner", NOW),
    ]
    flow = vote_flow(battles, votes, exclusions)
    assert (flow.drawn, flow.answered, flow.votes) == (5, 4, 7)
    assert flow.excluded == {"gold pair failed": 2}
    assert flow.counted == 5
    assert flow.votes == flow.counted + sum(flow.excluded.values())
    assert flow.voters == 2
    assert [(row.category, row.drawn, row.answered) for row in flow.categories] == [
        ("audio-sync", 1, 1),
        ("text-to-video", 4, 3),
    ]


def test_what_was_delivered_is_told_by_the_probes():
    own = [_clip("a", f"p{number}", f"a{number}") for number in range(3)]
    own[2] = replace(own[2], streams=replace(STREAMS, duration_s=STREAMS.duration_s + 1))
    own[0] = replace(own[0], request={"queue_s": 4.0, "run_s": 20.0, "download_s": "no number"})
    own[1] = replace(own[1], request={"queue_s": 8.0, "run_s": None})
    heard = replace(STREAMS, audio_codec="aac", sample_rate_hz=44_100, channels=1)
    loud = replace(_clip("b", "p0", "b0"), streams=heard)
    first, second = delivery_table([*own, loud], labels={"b": "mystery"})
    length = f"{STREAMS.duration_s:.1f} s"
    assert (first.clips, said(first, "length")) == (3, f"{length} (2 of 3)")
    assert said(first, "size") == f"{STREAMS.width}x{STREAMS.height}"
    assert first.waits_s == {"queue_s": 6.0, "run_s": 20.0, "download_s": None}
    assert (second.system, said(second, "sound")) == ("mystery", "44.1 kHz mono")
    assert said(first, "sound") == "none"
    assert differing([first, second]) == ("length", "sound")
    assert differing([second]) == ()

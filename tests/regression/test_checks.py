"""Checks on measurements, votes and service: laws, and what they add up to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from evalharness.ratings import simulate
from evalharness.ratings.tally import Tally
from evalharness.records import (
    Category,
    Clip,
    FailureKind,
    Job,
    JobKey,
    JobState,
    Measurement,
    MeasurementStatus,
    Question,
    Streams,
)
from evalharness.regression import (
    Check,
    Comparison,
    Effects,
    Finding,
    Verdict,
    VoteBoard,
    corroborated,
    first_breaks,
    judge_metrics,
    judge_service,
    judge_votes,
    paired_quantities,
    to_record,
)
from evalharness.regression.junit import render_junit
from evalharness.regression.markdown import render_markdown
from evalharness.reports import Meaning
from evalharness.tolerances import Part, RegressionSettings

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
STREAMS = Streams("mp4", 4.0, 256, 144, 24.0, 96, "h264", "yuv420p")
RULES = RegressionSettings()
SYNC, SHARP, TALK = "event_sync.offset_s", "sharpness.score", "chatter.words"
MEANINGS = {
    SYNC: Meaning("zero", "av_sync"),
    SHARP: Meaning("higher", "visual_quality"),
    TALK: Meaning("none"),
}
EFFECTS = Effects(frozenset({SYNC, SHARP}), {SYNC: 0.02, SHARP: 0.05})


def clip(system: str, prompt: int, **changes: object) -> Clip:
    key = JobKey(system, f"p{prompt:02d}", 1)
    made = Clip(
        f"{system}-{prompt}", key, "x.mp4", 9, STREAMS, NOW, "synthetic", "1", latency_s=40.0, cost_usd=0.3
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # by name


def measured(metric: str, system: str, values: list[float | None], version: str = "1") -> list[Measurement]:
    rows = []
    for prompt, value in enumerate(values):
        ended = MeasurementStatus.VALUE if value is not None else MeasurementStatus.UNSCORABLE
        reason = None if value is not None else "no event"
        rows.append(Measurement(f"{system}-{prompt}", metric, version, ended, value, "s", reason))
    return rows


def judged(
    old: list[float | None], new: list[float | None], metric: str = SYNC, alpha: float = 0.05
) -> Check:
    clips = [clip(system, n) for system in ("old", "new") for n in range(len(old))]
    rows = measured(metric, "old", old) + measured(metric, "new", new)
    pairs = paired_quantities(clips, rows, "old", "new", MEANINGS)
    (check,) = judge_metrics(pairs, EFFECTS, {}, alpha=alpha)
    return check


def noise(seed: int, n: int = 12, scale: float = 0.004) -> list[float]:
    return [float(x) for x in np.random.default_rng(seed).normal(0.0, scale, n)]


def test_a_late_sound_is_found_and_named_whichever_way_it_is_off() -> None:
    calm: list[float | None] = [*noise(1)]
    for late in (0.12, -0.12):
        check = judged(calm, [value + late for value in noise(2)])
        assert check.finding is Finding.WORSE
        assert check.decides
        assert check.difference == pytest.approx(0.12, abs=0.01)
        assert check.low is not None
        assert 0.1 < check.low < 0.12
        assert "worse by more than the smallest change that matters, 20 ms" in check.sentence
        assert len(check.worst) == 5
        back = judged([value + late for value in noise(2)], calm)
        assert back.finding is Finding.NOT_WORSE
        assert back.difference == pytest.approx(-check.difference)
        assert (back.low, back.high) == pytest.approx((-(check.high or 0), -(check.low or 0)))


def test_a_release_against_a_twin_never_fails() -> None:
    """Any false "worse" comes with chance alpha at most; here the margin makes it rarer still."""
    found = [
        judged([*noise(2 * seed, scale=0.03)], [*noise(2 * seed + 1, scale=0.03)]).finding
        for seed in range(60)
    ]
    assert found.count(Finding.WORSE) == 0
    assert judged([*noise(1)], [*noise(1)]).finding is Finding.NOT_WORSE


def test_where_higher_is_better_a_fall_is_worse() -> None:
    high: list[float | None] = [0.8 + x for x in noise(1)]
    low: list[float | None] = [0.6 + x for x in noise(2)]
    assert judged(high, low, SHARP).finding is Finding.WORSE
    assert judged(low, high, SHARP).finding is Finding.NOT_WORSE
    told = judged(high, low, TALK)
    assert (told.finding, told.decides) == (Finding.NOT_ASKED, False)


def test_few_prompts_are_undecided_and_it_says_how_many_more_would_do() -> None:
    check = judged([0.0, 0.0, 0.0], [0.1, 0.12, 0.11])
    assert check.finding is Finding.UNDECIDED
    assert check.more == "About 2 more prompts like these would decide."
    assert (check.low, check.high) == (-np.inf, np.inf)
    assert to_record(comparison(check))["checks"][0]["low"] is None


def test_what_has_no_value_is_counted_and_said() -> None:
    check = judged([0.0] * 12, [None] * 8 + [0.0] * 4)
    assert check.n == 4
    assert check.counts["candidate"]["unscorable"] == 8
    assert any(
        "More clips give no value than before: 8 of 12, before 0 of 12." in note for note in check.notes
    )
    none = judged([0.0], [None])
    assert none.finding is Finding.NOT_ASKED
    assert "No prompt has a value on both sides" in none.sentence


def test_versions_are_never_paired_with_one_another() -> None:
    clips = [clip(system, 0) for system in ("old", "new")]
    rows = measured(SYNC, "old", [0.0], "1") + measured(SYNC, "new", [0.1], "2")
    (pair,) = paired_quantities(clips, rows, "old", "new", MEANINGS)
    assert pair.prompts == ()
    assert "different versions of the metric (1, 2)" in (pair.obstacle or "")


def comparison(*checks: Check) -> Comparison:
    return Comparison("s", "old", "new", checks, 12)


def a_check(name: str, finding: Finding, **changes: object) -> Check:
    check = Check(Part.METRICS, name, finding, decides=True, sentence=f"{name} said.", question="av_sync")
    return replace(check, **changes)  # type: ignore[arg-type]  # by name


def test_the_verdict_is_that_of_what_decides() -> None:
    worse, fine, still = (a_check(f.value, f) for f in (Finding.WORSE, Finding.NOT_WORSE, Finding.UNDECIDED))
    assert comparison(worse, fine, still).verdict is Verdict.FAIL
    assert comparison(fine, still).verdict is Verdict.UNDECIDED
    assert comparison(fine).verdict is Verdict.PASS
    assert comparison(replace(worse, decides=False), fine).verdict is Verdict.PASS
    assert comparison().verdict is Verdict.UNDECIDED
    assert comparison(worse, fine).headline == "FAIL: new against old is worse in worse."


def test_a_metric_that_failed_a_gate_needs_a_second_witness() -> None:
    doubted = a_check("event_sync.offset_s", Finding.WORSE, doubt="Failed 1 of 6 gates.")
    (alone,) = corroborated([doubted])
    assert not alone.decides
    other = a_check("event_sync.jitter_s", Finding.WORSE)
    assert not corroborated([doubted, other])[0].decides, "the same metric is no second witness"
    for witness in (
        a_check("lip_sync.offset_s", Finding.WORSE),
        a_check("audio-sync (av_sync)", Finding.WORSE, part=Part.VOTES),
    ):
        both = corroborated([doubted, witness])
        assert both[0].decides
        assert "counts because" in both[0].notes[0]


def votes_of(gap_elo: float, number: int, seed: int = 1) -> Tally:
    """`old`, then `new`, which is weaker by so much."""
    strengths = np.array([gap_elo, 0.0]) / (400 / np.log(10))
    drawn = simulate(
        strengths - strengths.mean(), votes=number, seed=seed, voters=max(number // 10, 2), prompts=12
    )
    return replace(drawn, systems=("old", "new"))


def voted(gap_elo: float, number: int, seed: int = 1) -> Check:
    board = VoteBoard(Category.TEXT_TO_VIDEO, Question.OVERALL, votes_of(gap_elo, number, seed))
    settings = RULES.model_copy(update={"votes_per_score": 5})
    return judge_votes([board], "old", "new", settings)[0]


def test_votes_decide_once_there_are_enough_and_say_how_many_more_otherwise() -> None:
    worse = voted(300.0, 900)
    assert worse.finding is Finding.WORSE
    assert worse.difference is not None
    assert worse.difference < -150
    better = voted(-300.0, 900)
    assert better.finding is Finding.NOT_WORSE
    few = voted(0.0, 60)
    assert few.finding is Finding.UNDECIDED
    assert "more votes would decide" in (few.more or "") or "no number of them" in (few.more or "")
    nothing = judge_votes([VoteBoard(Category.TEXT_TO_VIDEO, Question.OVERALL, None)], "old", "new", RULES)[0]
    assert nothing.finding is Finding.UNDECIDED
    assert "no votes yet" in nothing.sentence
    assert "If the two are alike, about" in (nothing.more or "")


def test_price_time_and_failures_are_held_against_what_is_allowed() -> None:
    def jobs(system: str, failed: int, kind: FailureKind = FailureKind.SERVER) -> list[Job]:
        rows = []
        for n in range(40):
            key = JobKey(system, f"p{n:02d}", 1)
            bad = n < failed
            state = JobState.FAILED if bad else JobState.DONE
            rows.append(Job(key, state, 1, kind if bad else None, "no" if bad else None, NOW))
        return rows

    old = [clip("old", n) for n in range(40)]
    new = [clip("new", n, cost_usd=0.36, latency_s=80.0) for n in range(40)]
    checks = {
        check.name: check
        for check in judge_service([*old, *new], [*jobs("old", 0), *jobs("new", 20)], "old", "new", RULES)
    }
    assert {name: check.finding for name, check in checks.items()} == {
        "price per clip": Finding.WORSE,
        "latency": Finding.WORSE,
        "failed clips": Finding.WORSE,
        "refusals": Finding.NOT_WORSE,
    }
    refused = judge_service(
        old + [clip("new", n) for n in range(40)],
        [*jobs("old", 0), *jobs("new", 20, FailureKind.MODERATION)],
        "old",
        "new",
        RULES,
    )
    assert [check.name for check in refused if check.finding is Finding.WORSE] == ["refusals"]


def test_the_first_break_is_found_though_each_step_is_too_small_to_be_seen() -> None:
    level = {"1": 0.0, "2": 0.015, "3": 0.03, "4": 0.03}

    def checked(before: str, since: str) -> list[Check]:
        worse = level[since] - level[before] > 0.02
        return [a_check("sync", Finding.WORSE if worse else Finding.NOT_WORSE)]

    (found,) = first_breaks(list(level), checked)
    assert (found.before, found.since) == ("1", "3")
    assert found.sentence.startswith("First release in which sync got worse: 3 (between 1 and 3).")


def test_build_servers_and_pull_requests_get_what_they_read() -> None:
    bad = a_check("sync | <b>\x01", Finding.WORSE, sentence="It is @worse.")
    found = comparison(bad, a_check("sharp", Finding.NOT_WORSE), a_check("votes", Finding.UNDECIDED))
    root = ET.fromstring(render_junit(found, NOW))
    assert root.attrib["failures"] == "1"
    assert root.attrib["errors"] == "1"
    cases = {case.attrib["name"]: [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {"sync | <b>\N{REPLACEMENT CHARACTER}": ["failure"], "sharp": [], "votes": ["error"]}
    told = render_markdown(found)
    assert told.startswith("### ❌ FAIL: new against old is worse in sync")
    assert "sync \\| &lt;b>" in told
    assert "@worse" not in told

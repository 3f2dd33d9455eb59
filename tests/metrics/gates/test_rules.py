"""Each rule on readings whose verdict is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from metrics.gates import Follows, Readings, Refuses, Rule, Steady, Truth, Verdict, Worsens

NAN = float("nan")
LEVELS = (1.0, 2.0, 4.0, 8.0)


def readings(
    rows: Sequence[Sequence[float]], levels: tuple[float, ...] = LEVELS, nothing: float = 0
) -> Readings:
    values = np.array(rows, float)
    return Readings(values[:, 0], levels, values[:, 1:], np.ones(values[:, 1:].shape, bool), nothing)


def ladder(count: int, *, scale: float = 1.0, noise: float = 0.0) -> Readings:
    """Clips of different base that all read `scale` more for each unit of damage."""
    rng = np.random.default_rng(0)
    return readings(
        [[clip + scale * level + noise * rng.normal() for level in (0, *LEVELS)] for clip in range(count)]
    )


RULES: tuple[Rule, ...] = (Worsens(True, 1.0), Follows(0.1), Steady(0.1), Refuses(), Truth(0, 1))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_no_rule_judges_from_two_clips(rule: Rule) -> None:
    found = rule.judge(ladder(2))
    assert found.verdict is Verdict.NOT_JUDGED
    assert found.n == 2


def test_what_rises_with_damage_passes_and_its_mirror_fails() -> None:
    up, down = Worsens(rises=True, told_by=1.0), Worsens(rises=False, told_by=1.0)
    assert up.judge(ladder(6)).verdict is Verdict.PASSED
    assert up.judge(ladder(6, scale=-1)).verdict is Verdict.FAILED
    assert down.judge(ladder(6, scale=-1)).verdict is Verdict.PASSED
    assert up.judge(ladder(6)).figures == {
        "order": 1.0,
        "spearman": 1.0,
        "sensitivity": 1.0,
        "dead_zone": None,
        "auc_at_worst": 1.0,
        "answered": 1.0,
    }


def test_a_metric_that_does_not_care_fails() -> None:
    assert Worsens(rises=True, told_by=8.0, ordered=0.5).judge(ladder(6, scale=0)).verdict is Verdict.FAILED


def test_the_dead_zone_is_what_nobody_notices_and_may_lie_below_what_is_asked() -> None:
    rows = [[clip, clip, clip, clip + 1, clip + 2] for clip in range(6)]
    found = Worsens(rises=True, told_by=4.0, ordered=0.7).judge(readings(rows))
    assert (found.verdict, found.figures["dead_zone"], found.figures["sensitivity"]) == (
        Verdict.PASSED,
        2.0,
        4.0,
    )
    asked_more = Worsens(rises=True, told_by=2.0, ordered=0.7).judge(readings(rows))
    assert asked_more.verdict is Verdict.FAILED
    assert "Level 2" in asked_more.said


def test_a_metric_that_has_said_the_worst_need_not_say_more() -> None:
    rows = [[0.0, 0.0, 1.0, 1.0, 1.0]] * 6
    rising, falling = Worsens(rises=True, told_by=2.0), Worsens(rises=False, told_by=2.0)
    open_ended = readings(rows)
    assert rising.judge(open_ended).verdict is Verdict.FAILED
    share = replace(open_ended, low=0.0, high=1.0)
    assert rising.judge(share).figures["order"] == 0.875
    assert rising.judge(share).verdict is Verdict.PASSED
    mirrored = replace(share, undamaged=1 - share.undamaged, damaged=1 - share.damaged)
    assert falling.judge(mirrored).verdict is Verdict.PASSED
    stuck = replace(share, undamaged=np.ones(6), damaged=np.ones((6, 4)))
    assert rising.judge(stuck).verdict is Verdict.FAILED


def test_sensitivity_needs_five_clips() -> None:
    assert Worsens(rises=True, told_by=1.0).judge(ladder(4)).verdict is Verdict.NOT_JUDGED


def test_silence_where_an_answer_is_due_fails_however_well_the_rest_reads() -> None:
    rows = [[clip, clip + 1, clip + 2, clip + 3, NAN] for clip in range(6)]
    found = Worsens(rises=True, told_by=2.0).judge(readings(rows))
    assert found.verdict is Verdict.FAILED
    assert "level 8" in found.said


def test_levels_at_which_a_metric_may_refuse_do_not_count_against_it_and_are_named() -> None:
    rows = [[clip, clip + 1, clip + 2, clip + 4, NAN] for clip in range(6)]
    found = Worsens(rises=True, told_by=2.0, may_refuse_from=8.0).judge(readings(rows))
    assert found.verdict is Verdict.PASSED
    assert "Refused too often to be judged: 8." in found.said
    assert found.figures["dead_zone"] is None, "what was refused is not what nobody noticed"
    due_at_the_end = Worsens(rises=True, told_by=8.0, may_refuse_from=8.0)
    assert due_at_the_end.judge(readings(rows)).verdict is Verdict.NOT_JUDGED
    too_early = Worsens(rises=True, told_by=2.0, may_refuse_from=8.0)
    earlier = [[clip, clip + 1, clip + 2, NAN, NAN] for clip in range(6)]
    assert too_early.judge(readings(earlier)).verdict is Verdict.FAILED


def test_a_metric_that_refuses_all_damage_fails_or_where_it_may_is_not_judged() -> None:
    mute = readings([[0.0, NAN, NAN, NAN, NAN]] * 6)
    for rule in (Worsens(rises=True, told_by=1.0), Follows(within=0.1), Steady(within=0.1)):
        assert rule.judge(mute).verdict is Verdict.FAILED
        may = replace(rule, may_refuse_from=1.0)
        assert may.judge(mute).verdict is Verdict.NOT_JUDGED
        assert "may refuse from 1" in may.asked


@pytest.mark.parametrize("rule", [Follows(within=0.1), Steady(within=20.0)], ids=["follows", "steady"])
def test_a_shy_metric_that_answers_only_what_is_easy_fails(rule: Follows) -> None:
    shy = ladder(6)
    shy = replace(shy, damaged=np.where(np.array(LEVELS) < 3, shy.damaged, NAN))
    found = rule.judge(shy)
    assert found.verdict is Verdict.FAILED
    assert "At level 4 only 0% of clips got a value; 80% asked." in found.said
    assert (found.figures["within"], found.figures["answered"]) == (1.0, 0.5)


def test_answers_are_owed_for_clips_that_have_one_as_they_are() -> None:
    shown = readings([[0.0, 1, 2, 4, 8]] * 5 + [[NAN, 1, NAN, NAN, NAN]] * 5)
    found = Follows(within=0.1).judge(shown)
    assert (found.verdict, found.n, found.figures["answered"]) == (Verdict.PASSED, 5, 1.0)
    one_in_five = readings([[0.0, 1, 2, 4, 8]] * 4 + [[0.0, 1, 2, 4, NAN]])
    assert Follows(within=0.1).judge(one_in_five).verdict is Verdict.PASSED
    assert Follows(within=0.1, answered=0.9).judge(one_in_five).verdict is Verdict.FAILED


def test_a_ratio_falls_from_infinity() -> None:
    rows = [[3.0 + clip, 2.9 + clip, 2.0 + clip, 1.0 + clip] for clip in range(6)]
    falling = readings(rows, levels=(40.0, 20.0, 0.0), nothing=inf)
    found = Worsens(rises=False, told_by=20.0).judge(falling)
    assert (found.verdict, found.figures["sensitivity"]) == (Verdict.PASSED, 40.0)
    assert falling.at_least(0.0, 20.0)
    assert not falling.at_least(40.0, 20.0)


def test_following_measures_bias_and_error_of_known_shifts() -> None:
    found = Follows(within=0.05).judge(ladder(6))
    assert (found.verdict, found.figures["within"]) == (Verdict.PASSED, 1.0)
    assert found.figures["bias"] == pytest.approx(0.0)
    late = readings([[0.0, 1.2, 2.2, 4.2, 8.2]] * 4)
    biased = Follows(within=0.1).judge(late)
    assert biased.verdict is Verdict.FAILED
    assert (biased.figures["bias"], biased.figures["median_error"]) == (
        pytest.approx(0.2),
        pytest.approx(0.2),
    )
    assert Follows(within=0.1, each=-2.0).judge(ladder(4, scale=-2)).verdict is Verdict.PASSED


def test_steadiness_is_held_over_all_levels() -> None:
    rows = [[1.0, 1.01, 1.0, 1.02, 0.99]] * 5
    assert Steady(within=0.05).judge(readings(rows)).verdict is Verdict.PASSED
    assert Steady(within=0.05).judge(ladder(5)).verdict is Verdict.FAILED


def test_refusing_counts_only_clips_that_are_answered_undamaged() -> None:
    refused = readings([[0.0, NAN]] * 5 + [[NAN, 0.0]] * 5, levels=(1.0,))
    assert (found := Refuses().judge(refused)).verdict is Verdict.PASSED
    assert (found.n, found.figures) == (5, {"false_verdicts": 0.0})
    answered = readings([[0.0, 0.3]] + [[0.0, NAN]] * 4, levels=(1.0,))
    assert Refuses(at_most=0.1).judge(answered).verdict is Verdict.FAILED
    assert Refuses(at_most=0.2).judge(answered).verdict is Verdict.PASSED


def test_undamaged_clips_judged_damaged_are_false_verdicts() -> None:
    found = Truth(-1.0, 1.0).judge(readings([[0.0], [0.5], [2.0], [NAN]], levels=()))
    assert (found.verdict, found.n) == (Verdict.FAILED, 3)
    assert found.figures["false_verdicts"] == pytest.approx(1 / 3)
    assert found.figures["answered"] == 0.75


def test_a_truth_that_a_metric_was_fitted_to_says_so() -> None:
    assert "circular" in Truth(-1.0, 1.0, circular=True).asked
    assert "circular" not in Truth(-1.0, 1.0).asked

"""A trial on metrics made for it: one that is right, one that is blind, one that breaks, one that refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from evalharness.errors import UnknownNameError
from evalharness.registry import METRICS
from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.gates import (
    GATES,
    Follows,
    Gate,
    GateResult,
    Refuses,
    Specimen,
    Truth,
    Verdict,
    Worsens,
    judged,
    tried,
)
from metrics.speech.track import speech
from metrics.synthetic import DAMAGES
from metrics.synthetic.sound import swapped
from metrics.visual.flow import luma


class Start(Metric):
    """When the sound begins; rightly."""

    name: ClassVar[str] = "start"
    version: ClassVar[str] = "3"
    quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("at_s", "s", "zero", "Where the sound begins."),)

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        return {"at_s": Value(clip.audio_start_s) if clip.has_audio else Unscorable("The clip has no sound.")}


class Blind(Start):
    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        return {"at_s": Value(0.0)}


class Broken(Start):
    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        raise RuntimeError("no such layer")


class Hushed(Metric):
    """How much is silent, full from two fifths on."""

    name: ClassVar[str] = "hushed"
    version: ClassVar[str] = "1"
    quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("share", "", "lower", "The more is 0.", 0, 1),)

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        return {"share": Value(min(1.0, 2.5 * float((clip.samples == 0).mean())))}


class OpenEnded(Hushed):
    quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("share", "", "lower", "The more is 0.", 0),)


FOLLOWS = Gate("start.at_s", "container_shift", Follows(within=0.001))


def specimens(count: int = 5, kind: str = "talk") -> list[Specimen]:
    rng = np.random.default_rng(0)
    clips = [
        AVClip.of_pictures(
            np.zeros((25, 16, 16, 3), np.uint8),
            np.arange(25) / 25,
            rng.normal(0, 0.1, (1, 8000)).astype(np.float32),
            8000,
        )
        for _ in range(count)
    ]
    return [
        Specimen(
            str(index),
            kind,
            clip,
            brought={"swapped_sound": lambda _level, clip=clip: swapped(clip, clips[0])},
        )
        for index, clip in enumerate(clips)
    ]


def result_of(metric: Metric, gate: Gate, given: list[Specimen]) -> GateResult:
    answers = [
        row
        for specimen in given
        for damage in dict.fromkeys(("", gate.damage))
        for row in tried(specimen, damage, [metric])
    ]
    (result,) = judged([gate], {metric.name: metric.version}, answers)
    return result


def test_a_right_metric_passes_and_a_blind_one_fails() -> None:
    right = result_of(Start(), FOLLOWS, specimens())
    assert right.judgement.verdict is Verdict.PASSED
    assert right.version == "3"
    assert [point.level for point in right.curve] == [None, *DAMAGES["container_shift"].levels]
    assert [point.median for point in right.curve[1:]] == pytest.approx(
        list(DAMAGES["container_shift"].levels)
    )
    assert result_of(Blind(), FOLLOWS, specimens()).judgement.verdict is Verdict.FAILED


@pytest.mark.parametrize(("metric", "order"), [(Hushed(), 1.0), (OpenEnded(), 0.875)])
def test_the_end_of_a_quantitys_range_reaches_the_rule(metric: Metric, order: float) -> None:
    gate = Gate("hushed.share", "muted", Worsens(rises=True, told_by=0.25))
    assert result_of(metric, gate, specimens()).judgement.figures["order"] == order


def test_an_exception_in_a_metric_fails_its_gate_with_what_was_said() -> None:
    broken = result_of(Broken(), FOLLOWS, specimens())
    assert broken.judgement.verdict is Verdict.FAILED
    assert "RuntimeError: no such layer" in broken.judgement.said


def test_clips_without_sound_leave_the_gate_not_judged() -> None:
    mute = [
        replace(each, clip=replace(each.clip, samples=np.zeros((0, 0), np.float32), rate_hz=0))
        for each in specimens()
    ]
    result = result_of(Start(), FOLLOWS, mute)
    assert result.judgement.verdict is Verdict.NOT_JUDGED
    assert result.judgement.n == 0
    assert [point.level for point in result.curve] == [None], "no rung could be made"


def test_a_gate_is_held_on_its_kinds_and_on_clips_of_unknown_kind() -> None:
    gate = replace(FOLLOWS, kinds=("impact",))
    assert result_of(Start(), gate, specimens(kind="talk")).judgement.n == 0
    assert result_of(Start(), gate, specimens(kind="impact")).judgement.n == 5
    assert result_of(Start(), gate, specimens(kind="")).judgement.n == 5


def test_truth_is_held_only_where_it_is_known() -> None:
    gate = Gate("start.at_s", "", Truth(-0.01, 0.01))
    assert result_of(Start(), gate, specimens()).judgement.verdict is Verdict.PASSED
    unknown = [replace(each, truth_known=False) for each in specimens()]
    assert result_of(Start(), gate, unknown).judgement.verdict is Verdict.NOT_JUDGED


def test_levels_that_were_not_tried_are_left_out() -> None:
    (specimen,) = specimens(1)
    answers = [
        *tried(specimen, "", [Start()]),
        *tried(specimen, "container_shift", [Start()], levels=(0.2, 0.4)),
    ]
    (result,) = judged([FOLLOWS], {"start": "3"}, answers)
    assert [point.level for point in result.curve] == [None, 0.2, 0.4]


def test_damage_that_nobody_brought_is_no_rung() -> None:
    gate = Gate("start.at_s", "lip_errors", Worsens(rises=True, told_by=1.0))
    assert result_of(Start(), gate, specimens()).judgement.verdict is Verdict.NOT_JUDGED
    brought = Gate("start.at_s", "swapped_sound", Follows(within=0.1, each=0.0))
    assert result_of(Start(), brought, specimens()).judgement.verdict is Verdict.PASSED


def test_no_constant_passes_all_gates_of_a_quantity() -> None:
    """A metric that never looks at the clip must fail somewhere."""
    for quantity in {gate.quantity for gate in GATES} - {"faces.width_px"}:  # no ladder makes faces larger
        rules = [gate.rule for gate in GATES if gate.quantity == quantity]
        truths = [rule for rule in rules if isinstance(rule, Truth)]
        told = any(isinstance(rule, Follows | Worsens | Refuses) for rule in rules)
        apart = truths and max(rule.low for rule in truths) > min(rule.high for rule in truths)
        assert told or apart, quantity


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: f"{gate.quantity}-{gate.damage}")
def test_every_gate_speaks_of_a_quantity_and_a_damage_that_exist(gate: Gate) -> None:
    try:
        metric = METRICS.load(gate.metric)
    except UnknownNameError:
        pytest.fail(f"{gate.metric} is in the table of gates, but not registered")
    assert gate.quantity in {f"{metric.name}.{each.name}" for each in metric.quantities}
    assert not gate.damage or gate.damage in DAMAGES
    assert bool(gate.damage) != isinstance(gate.rule, Truth)
    if isinstance(gate.rule, Worsens):
        assert gate.rule.told_by in DAMAGES[gate.damage].levels


def test_no_gate_is_asked_twice() -> None:
    asked = [(gate.quantity, gate.damage, type(gate.rule), gate.kinds) for gate in GATES]
    assert len(asked) == len(set(asked))


class Counting(Metric):
    """Counts how often speech and faces are worked out anew."""

    name: ClassVar[str] = "counting"
    version: ClassVar[str] = "1"
    quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("known", "", "none", "What was there already."),)

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        known = (speech in clip._derived) + 2 * (luma in clip._derived)
        clip.once(speech)
        clip.once(luma)
        return {"known": Value(float(known))}


def test_what_the_damage_leaves_alone_is_worked_out_once() -> None:
    (specimen,) = specimens(1)
    known = {
        damage: [row.value for row in tried(specimen, damage, [Counting()])]
        for damage in ("", "gain", "blackout", "container_shift", "sound_shift", "drops")
    }
    nothing, heard, seen = 0.0, 1.0, 2.0
    assert known == {
        "": [nothing],
        "gain": [seen] * 5,
        "blackout": [heard] * 4,
        "container_shift": [seen] * 8,
        "sound_shift": [nothing] * 8,
        "drops": [heard] * 4,
    }

"""Negative controls: metrics that measure nothing must fail the very gates that an honest one passes.

The clips flash and beep at random times, so that an honest metric is a few lines; gates come from the table
that real metrics are held to.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.container import beep_onsets, flash_onsets
from metrics.gates import GATES, Answer, Specimen, Verdict, judged, tried
from metrics.synthetic.sound import swapped

RATE_HZ, FPS, LASTS_S = 8_000, 25, 4.0
EASY_S = 0.05
NOTHING = Unscorable("No beep belongs to every flash.")

Measure = Callable[[AVClip], Reading]


def a_clip(seed: int) -> AVClip:
    """Flashes with a beep each, at times of its own, over a soft noise."""
    rng = np.random.default_rng(seed)
    frames = np.cumsum(rng.integers(18, 28, 3)) + 2
    pictures = np.full((round(LASTS_S * FPS), 32, 32, 3), 30, np.uint8)
    clock_s = np.arange(round(LASTS_S * RATE_HZ)) / RATE_HZ
    sound = 0.001 * rng.standard_normal(clock_s.size)
    for frame in frames:
        pictures[frame : frame + 2] = 220
        since_s = clock_s - frame / FPS
        sound += np.where((since_s >= 0) & (since_s < 0.06), 0.3 * np.sin(2 * np.pi * 1000 * since_s), 0)
    samples = sound[None].astype(np.float32)
    return AVClip.of_pictures(pictures, np.arange(len(pictures)) / FPS, samples, RATE_HZ)


def honest(clip: AVClip) -> Reading:
    """The one lag at which each flash has a beep, if there is one."""
    flashes = flash_onsets(clip.frame_times_s, clip.grey)
    beeps = beep_onsets(clip.mono, clip.rate_hz, clip.audio_start_s)
    for lag_s in sorted((beeps[:, None] - flashes).ravel(), key=abs):
        apart = np.abs(flashes[:, None] + lag_s - beeps).min(axis=1)
        if apart.max() < 0.01:
            return Value(float(lag_s))
    return NOTHING


def shy(clip: AVClip) -> Reading:
    """Right, but only where it is easy."""
    found = honest(clip)
    return found if isinstance(found, Value) and abs(found.value) < EASY_S else NOTHING


def stated(clip: AVClip) -> Reading:
    """What the file says, without looking or listening."""
    return Value(clip.audio_start_s)


def constant(_clip: AVClip) -> Reading:
    return Value(0.0)


def chance(clip: AVClip) -> Reading:
    """A number that the content decides, and that means nothing."""
    seed = zlib.crc32(clip.samples.tobytes(), zlib.crc32(clip.grey.tobytes()))
    return Value(float(np.random.default_rng(seed).uniform(-0.5, 0.5)))


def silence(clip: AVClip) -> Reading:
    """Digital silence before the sound less that after it: what padding leaves behind."""
    heard = np.flatnonzero(clip.mono)
    return Value((heard[0] - (clip.mono.size - 1 - heard[-1])) / clip.rate_hz)


def length(clip: AVClip) -> Reading:
    """How much has been cut off."""
    return Value(LASTS_S - clip.duration_s)


def overhang(clip: AVClip) -> Reading:
    """By how much the sound outlasts the picture, whenever it begins."""
    return Value(clip.samples.shape[1] / clip.rate_hz - clip.duration_s)


MEASURES: tuple[Measure, ...] = (honest, shy, stated, constant, chance, silence, length, overhang)


def metric_of(measure_one: Measure) -> Metric:
    class Fake(Metric):
        name: ClassVar[str] = measure_one.__name__
        version: ClassVar[str] = "0"
        quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("it", "s", "zero", "Something."),)

        def measure(self, clip: AVClip) -> Mapping[str, Reading]:
            return {"it": measure_one(clip)}

    return Fake()


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    """What each of them says of every clip and every damage."""
    clips = [a_clip(seed) for seed in range(6)]
    return [
        row
        for number, (clip, other) in enumerate(zip(clips, [*clips[1:], clips[0]], strict=True))
        for damage in ("", "sound_shift", "container_shift", "swapped_sound", "gain", "picture_noise")
        for row in tried(
            Specimen(
                str(number), "", clip, brought={"swapped_sound": lambda _, pair=(clip, other): swapped(*pair)}
            ),
            damage,
            [metric_of(measure) for measure in MEASURES],
        )
    ]


def verdicts(answers: list[Answer], quantity: str, measure: Measure) -> dict[str, Verdict]:
    """By damage: how one of them fares at the gates of this quantity."""
    name = measure.__name__
    gates = [replace(gate, quantity=f"{name}.it") for gate in GATES if gate.quantity == quantity]
    return {row.gate.damage: row.judgement.verdict for row in judged(gates, {name: "0"}, answers)}


def test_an_honest_metric_passes_every_gate_of_event_sync(answers: list[Answer]) -> None:
    found = verdicts(answers, "event_sync.offset_s", honest)
    assert set(found) == {"", "sound_shift", "container_shift", "swapped_sound", "gain", "picture_noise"}
    assert set(found.values()) == {Verdict.PASSED}


@pytest.mark.parametrize("quantity", ["event_sync.offset_s", "lip_sync.offset_s", "syncnet.offset_s"])
@pytest.mark.parametrize("fake", [stated, constant, chance, silence, length, shy])
def test_what_does_not_follow_the_content_fails_under_the_shift(
    answers: list[Answer], quantity: str, fake: Measure
) -> None:
    assert verdicts(answers, quantity, fake)["sound_shift"] is Verdict.FAILED


@pytest.mark.parametrize("fake", [constant, chance, silence, length])
def test_what_does_not_heed_the_stated_start_fails_under_its_shift(
    answers: list[Answer], fake: Measure
) -> None:
    assert verdicts(answers, "event_sync.offset_s", fake)["container_shift"] is Verdict.FAILED


@pytest.mark.parametrize("quantity", ["container.start_s", "container.end_s"])
@pytest.mark.parametrize("fake", [constant, chance, overhang])
def test_what_leaves_out_the_stated_start_fails_the_gates_of_the_container(
    answers: list[Answer], quantity: str, fake: Measure
) -> None:
    assert verdicts(answers, quantity, fake)["container_shift"] is Verdict.FAILED
    assert verdicts(answers, quantity, stated)["container_shift"] is Verdict.PASSED

"""Flicker rises with every kind of unrest that is added, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.visual.flicker import Flicker, published, swing

Scene = Callable[..., Any]
AsClip = Callable[..., AVClip]
Reader = Callable[..., dict[str, float]]


def test_the_published_score_by_hand() -> None:
    pictures = [np.full((2, 2, 3), level, np.uint8) for level in (10, 20, 17)]
    assert published(iter(pictures)) == pytest.approx((255 - (10 + 3) / 2) / 255)


@pytest.mark.parametrize("kind", ["noise", "gamma", "pumping"])
def test_every_step_of_unrest_is_worse(kind: str, scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(25)
    rng = np.random.default_rng(3)
    grain, swings = rng.normal(0, 1, levels.shape), rng.normal(0, 1, len(levels))
    wave = np.sin(np.arange(len(levels)) / 24 * 2 * np.pi * 4)
    damaged = {
        "noise": [levels + strength * grain for strength in (0, 4, 16)],
        "gamma": [
            255 * (levels / 255) ** np.exp(strength * swings)[:, None, None] for strength in (0, 0.03, 0.15)
        ],
        "pumping": [levels + strength * wave[:, None, None] for strength in (0, 2, 8)],
    }[kind]
    found = [values(Flicker(), as_clip(each)) for each in damaged]
    for better, worse in pairwise(found):
        assert worse["published"] < better["published"]
        assert worse["still_levels"] > better["still_levels"] + 0.3
        if kind != "noise":
            assert worse["pumping_levels"] > better["pumping_levels"] + 0.3
    if kind == "noise":
        assert found[1]["pumping_levels"] < 0.3, "grain is no pumping"


def test_pumping_is_the_rms_of_the_wave(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    wave = 6 * np.sin(np.arange(48) / 24 * 2 * np.pi * 4)
    still = np.repeat(scene(1), 48, axis=0) * 0.8 + 20
    found = Flicker().measure(as_clip(still + wave[:, None, None]))["pumping_levels"]
    assert not isinstance(found, Unscorable)
    assert found.value == pytest.approx(6 / np.sqrt(2), rel=0.06)
    assert found.details["swings_per_s"] == pytest.approx(4, abs=0.6)


def test_movement_and_fades_are_no_flicker(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    lively = values(Flicker(), as_clip(scene()))
    frozen = values(Flicker(), as_clip(np.repeat(scene(1), 30, axis=0)))
    fading = values(Flicker(), as_clip(scene() * 0.6 + 2 * np.arange(30)[:, None, None]))
    assert frozen["published"] == 1.0 > lively["published"] + 0.005, "a still image wins the published score"
    assert lively["still_levels"] < 0.05
    assert lively["pumping_levels"] < 0.1
    assert fading["pumping_levels"] < 0.1


def test_the_course_of_brightness_is_a_fitted_line() -> None:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 3, 60))
    level = rng.normal(100, 5, 60)
    expected = []
    for time, value in zip(times, level, strict=True):
        near = np.abs(times - time) <= 0.5
        _, base = np.polyfit(times[near] - time, level[near], 1)
        expected.append(value - base)
    assert swing(times, level) == pytest.approx(np.array(expected), abs=1e-8)
    assert swing(times, 3 * times + 7) == pytest.approx(np.zeros(60), abs=1e-9)


def test_a_cut_is_no_flicker(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    two_shots = np.concatenate([scene(13), 0.7 * scene(13, seed=5)])
    found = values(Flicker(), as_clip(two_shots))
    assert found["still_levels"] < 0.05
    assert found["pumping_levels"] < 0.2


def test_no_answer_where_there_is_none(scene: Scene, as_clip: AsClip) -> None:
    single = Flicker().measure(as_clip(scene(1)))
    assert all(isinstance(reading, Unscorable) for reading in single.values())
    short = Flicker().measure(as_clip(scene(10)))["pumping_levels"]
    assert isinstance(short, Unscorable)
    assert "1 s" in short.reason
    rolling = np.stack([np.roll(scene(1)[0], 5 * index, axis=1) for index in range(30)])
    moving = Flicker().measure(as_clip(rolling))["still_levels"]
    assert isinstance(moving, Unscorable)
    assert "stand still" in moving.reason

"""How much moves, and how smoothly, on movement that is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.synthetic.picture import duplicated
from metrics.visual.motion import Motion, left_out

Scene = Callable[..., Any]
AsClip = Callable[..., AVClip]
Reader = Callable[..., dict[str, float]]


def test_dynamics_follow_speed_and_seconds_follow_time(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    found = [values(Motion(), as_clip(scene(8, speed_px=speed))) for speed in (1, 2, 4, 8)]
    for slow, fast in pairwise(found):
        assert fast["dynamic_px"] > 1.4 * slow["dynamic_px"]
    assert found[3]["dynamic_px"] == pytest.approx(8 * 480 / 320, rel=0.1)
    slower = values(Motion(), as_clip(scene(8, speed_px=8), fps=12))
    assert slower["dynamic_px"] == found[3]["dynamic_px"]
    assert slower["dynamic_px_s"] == pytest.approx(found[3]["dynamic_px_s"] / 2)


def test_frames_shown_twice_move_as_much_a_second(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(15)
    held = values(Motion(), as_clip(levels[::2].repeat(2, axis=0)[:15]))
    assert held["dynamic_px_s"] == pytest.approx(values(Motion(), as_clip(levels))["dynamic_px_s"], rel=0.07)


def test_every_lost_frame_costs_smoothness(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(24)
    lost = np.random.default_rng(2).permutation(np.arange(1, 23))
    found = []
    for count in (0, 3, 11):
        kept = [index for index in range(24) if index not in lost[:count]]
        shown = [max(each for each in kept if each <= index) for index in range(24)]
        found.append(values(Motion(), as_clip(levels[shown]))["smoothness"])
    assert all(worse < better - 5e-4 for better, worse in pairwise(found)), found


def test_ever_more_repeats_are_ever_less_smooth_and_rest_is_not(
    scene: Scene, as_clip: AsClip, values: Reader
) -> None:
    moving = scene(40)
    clip = as_clip(moving)
    found = [values(Motion(), duplicated(clip, share))["smoothness"] for share in (0, 0.25, 0.5, 0.75)]
    assert all(worse < better - 5e-4 for better, worse in pairwise(found)), found
    resting = np.concatenate([moving, np.repeat(moving[-1:], 40, axis=0)])
    assert values(Motion(), as_clip(resting))["smoothness"] == pytest.approx(found[0], abs=2e-4)
    assert values(Motion(), as_clip(np.repeat(moving[:1], 9, axis=0)))["smoothness"] == 1.0


def test_what_is_left_out_lies_amid_movement_of_one_shot(scene: Scene) -> None:
    levels = scene(11).round().astype(np.uint8)
    cut = np.zeros(10, bool)
    assert left_out(levels, cut).tolist() == [1, 3, 5, 7, 9]
    cut[4] = True
    assert left_out(levels, cut).tolist() == [1, 3, 7, 9]
    levels[8:] = levels[8]
    assert left_out(levels, cut).tolist() == [1, 3, 7], "beyond 8 all stands still"
    assert left_out(levels[:2], cut[:1]).size == 0


def test_noise_and_gamma_flicker_cost(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(10)
    rng = np.random.default_rng(4)
    grain, swings = rng.normal(0, 1, levels.shape), rng.normal(0, 1, len(levels))[:, None, None]
    ladders = [
        [levels + strength * grain for strength in (0, 2, 8, 24)],
        [255 * (levels / 255) ** np.exp(strength * swings) for strength in (0, 0.03, 0.1, 0.25)],
    ]
    for ladder in ladders:
        found = [values(Motion(), as_clip(each)) for each in ladder]
        for better, worse in pairwise(found):
            assert worse["warp_levels"] > better["warp_levels"] + 0.5
            assert worse["smoothness"] < better["smoothness"] - 0.002


def test_a_texture_that_swims_shows_in_the_warp_error(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(8)
    boiling = levels + 15 * np.stack([scene(1, seed=index)[0] / 35 for index in range(8)])
    assert (
        values(Motion(), as_clip(boiling))["warp_levels"]
        > 3 * values(Motion(), as_clip(levels))["warp_levels"]
    )


def test_a_cut_does_not_count_and_a_single_picture_has_no_motion(
    scene: Scene, as_clip: AsClip, values: Reader
) -> None:
    one, two = scene(9), scene(9, seed=6)
    found = Motion().measure(as_clip(np.concatenate([one, two])))
    alone = values(Motion(), as_clip(one))
    dynamic = found["dynamic_px"]
    assert not isinstance(dynamic, Unscorable)
    assert dynamic.details["cuts"] == 1
    assert dynamic.value == pytest.approx(alone["dynamic_px"], rel=0.05)
    assert all(isinstance(reading, Unscorable) for reading in Motion().measure(as_clip(one[:1])).values())
    pair = Motion().measure(as_clip(one[:2]))
    assert isinstance(pair["smoothness"], Unscorable)
    assert not isinstance(pair["warp_levels"], Unscorable)


def test_the_same_clip_gives_the_same_bytes(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    assert values(Motion(), as_clip(scene(8))) == values(Motion(), as_clip(scene(8)))

"""Flow, what is carried along it and what is hidden, on shifts that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.visual.flow import carried, flow_finder, luma, visible
from metrics.visual.motion import between
from metrics.visual.passage import passages


def test_a_shift_to_the_right_and_up_has_positive_x_and_negative_y(scene: Callable[..., Any]) -> None:
    wall = scene(1)[0].round().astype(np.uint8)
    first, second = wall[10:170, 10:300], wall[12:172, 7:297]  # what stood at (x, y) is now at (x + 3, y - 2)
    flow = flow_finder()(first, second)
    assert np.median(flow, axis=(0, 1)) == pytest.approx([3, -2], abs=0.1)
    back = carried(second, np.full_like(flow, (3, -2)))
    np.testing.assert_array_equal(back[5:-5, 5:-5], first[5:-5, 5:-5])


def test_what_a_square_covers_and_uncovers_is_hidden_and_the_rest_is_visible(
    scene: Callable[..., Any],
) -> None:
    first, second = scene(2, speed_px=12.0).round().astype(np.uint8)
    find = flow_finder()
    seen = visible(find(first, second), find(second, first))
    covered = seen[60:110, 111:121]  # wall in the first picture, square in the second
    assert covered.mean() < 0.5
    assert seen[60:110, 200:].mean() > 0.99
    assert seen[60:110, 40:90].mean() > 0.95


def test_the_picture_in_between_is_the_one_left_out(scene: Callable[..., Any]) -> None:
    first, middle, second = scene(3).round().astype(np.uint8)
    find = flow_finder()
    made = between(first, second, find(first, second), find(second, first))
    mean_of_both = (first.astype(float) + second) / 2
    square = np.s_[50:120, 40:100]
    assert np.abs(made - middle)[square].mean() < 0.2 * np.abs(mean_of_both - middle)[square].mean()


def test_luma_is_full_range_and_small(as_clip: Callable[..., AVClip]) -> None:
    ramp = np.tile(np.linspace(0, 255, 1200), (600, 1))
    found = luma(as_clip(np.stack([ramp, ramp])))
    assert found.shape == (2, 240, 480)
    assert found[0, 100] == pytest.approx(np.linspace(0, 255, 480), abs=2.5)


def test_brightness_is_followed_on_what_moves(
    scene: Callable[..., Any], as_clip: Callable[..., AVClip]
) -> None:
    levels = scene(6) * 0.8
    levels[3:] += 7
    found = passages(as_clip(levels))
    assert found.brightening == pytest.approx([0, 0, 7, 0, 0], abs=0.35)
    assert not found.cut.any()


def test_a_cut_is_marked_and_speed_does_not_depend_on_size(
    scene: Callable[..., Any], as_clip: Callable[..., AVClip]
) -> None:
    levels = np.concatenate([scene(4), scene(4, seed=7)])
    found = passages(as_clip(levels))
    assert found.cut.tolist() == [False] * 3 + [True] + [False] * 3
    doubled = passages(as_clip(levels.repeat(2, axis=1).repeat(2, axis=2)))
    assert doubled.speed_px[:3] == pytest.approx(found.speed_px[:3], rel=0.05)
    assert found.speed_px[:3] == pytest.approx(np.full(3, 2 * 480 / 320), rel=0.12)

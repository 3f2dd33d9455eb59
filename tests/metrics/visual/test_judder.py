"""Stutter judged by clips whose frames were repeated by hand, and by one real clip known to have it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.synthetic.picture import duplicated
from metrics.visual.judder import Judder, changes, repeats, sizes

Scene = Callable[..., Any]
AsClip = Callable[..., AVClip]
Reader = Callable[..., dict[str, float]]


@pytest.mark.parametrize(("held", "shown_fps"), [(1, 24), (2, 12), (3, 8)])
def test_twelve_pictures_a_second_in_a_file_of_24(
    held: int, shown_fps: float, scene: Scene, as_clip: AsClip, values: Reader
) -> None:
    found = Judder().measure(as_clip(scene(48)[::held].repeat(held, axis=0)))
    share, rate = found["share"], found["shown_fps"]
    assert isinstance(share, Value)
    assert isinstance(rate, Value)
    # what is held at either end has no movement beyond it, and is no stutter
    assert share.value == pytest.approx((1 - 1 / held) * (48 - 2 * held) / 47, abs=0.025)
    assert rate.value == pytest.approx(shown_fps, rel=0.08)
    assert share.details["pattern"] == {1: "none", 2: "one in 2 frames", 3: "irregular"}[held]


def test_25_in_30_is_one_in_six(scene: Scene, as_clip: AsClip) -> None:
    order = np.floor(np.arange(48) * 25 / 30).astype(int)
    share = Judder().measure(as_clip(scene(48)[order], fps=30))["share"]
    assert isinstance(share, Value)
    assert share.value == pytest.approx(1 / 6, abs=0.02)
    assert share.details["pattern"] == "one in 6 frames"


def test_the_share_counts_what_was_repeated(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(48)
    places = np.arange(5, 45, 3)
    found = []
    for count in (0, 3, 7, 13):
        shown = levels.copy()
        for place in places[:count]:
            shown[place] = shown[place - 1]
        found.append(values(Judder(), as_clip(shown))["share"])
    assert found == pytest.approx([0, 3 / 47, 7 / 47, 13 / 47])
    assert all(more > less for less, more in pairwise(found))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_ever_more_repeats_are_ever_more_judder_and_fewer_pictures(
    share: float, scene: Scene, as_clip: AsClip, values: Reader
) -> None:
    clip = as_clip(scene(96))
    found = values(Judder(), duplicated(clip, share))
    assert found["share"] == pytest.approx(share, abs=0.08)  # but holds of half a second
    assert found["shown_fps"] == pytest.approx(24 * (1 - share), rel=0.06)


def test_a_freeze_is_no_judder(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    levels = scene(40)
    levels[12:24] = levels[12]
    assert values(Judder(), as_clip(levels))["share"] == 0.0


def walked(sizes_levels: list[float], directions: list[int]) -> np.ndarray:
    """(steps, 200) changes: step i moves by so many levels along one of three directions nobody shares."""
    ways = np.zeros((3, 200))
    for way in range(3):
        ways[way, 3 + way : 13 + way] = (1, -1, 0, 0, 1, -1, 1, 0, -1, 1)
    ways = np.linalg.qr(ways.T)[0].T * 40
    changed = np.array([ways[direction] for direction in directions])
    return changed * (np.array(sizes_levels) / sizes(changed))[:, None]


def test_steps_have_the_size_asked_for() -> None:
    assert sizes(walked([3.0, 0.5], [0, 1])) == pytest.approx([3.0, 0.5])
    still, bright = np.zeros((2, 80, 160), np.uint8)
    bright = bright + np.uint8(7)
    assert sizes(changes(np.stack([still, bright]))) == pytest.approx([7.0])


@pytest.mark.parametrize(
    ("steps", "directions", "repeated"),
    [
        ([3.0, 0.4, 2.5], [0, 1, 2], [1]),  # stopped dead, by nothing of the movement's own
        ([3.0, 0.4, 2.5], [0, 0, 2], []),  # went on the way it went, slowly
        ([3.0, 0.4, 2.5], [0, 2, 2], []),  # set out on the way it goes afterwards
        ([3.0, 1.5, 0.2, 2.5], [0, 1, 2, 0], []),  # slowed down before it stood
        ([3.0, 0.7, 2.5], [0, 1, 2], []),  # changed too much to have been the same
        ([1.5, 0.0, 1.5], [0, 1, 2], []),  # nothing moves that could stutter
        ([3.0, 0.1, 0.2, 0.3, 2.5], [0, 1, 1, 1, 2], [1, 2, 3]),  # one picture for four
        ([0.1, 3.0, 2.5, 0.1], [1, 0, 2, 1], []),  # ends, beyond which nothing is known
    ],
)
def test_a_repeat_stops_movement_dead(steps: list[float], directions: list[int], repeated: list[int]) -> None:
    found = repeats(walked(steps, directions), np.arange(len(steps) + 1) / 24)
    assert np.flatnonzero(found).tolist() == repeated


def test_a_scene_at_rest_cannot_stutter(scene: Scene, as_clip: AsClip) -> None:
    reading = Judder().measure(as_clip(scene(1).repeat(30, axis=0)))["share"]
    assert isinstance(reading, Unscorable)
    assert "0 frames" in reading.reason


@pytest.mark.realclips
def test_a_real_clip_that_was_brought_from_25_to_30(real_clips: Path) -> None:
    found = Judder().measure(AVClip.open(real_clips / "fc_av2.mp4"))
    share, rate = found["share"], found["shown_fps"]
    assert isinstance(share, Value)
    assert isinstance(rate, Value)
    assert share.value == pytest.approx(1 / 6, abs=0.05)
    assert rate.value == pytest.approx(25, abs=1.5)

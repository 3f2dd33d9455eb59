"""Marks laid over moving and resting scenes by hand, found in their place or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.visual.watermark import Watermark

Scene = Callable[..., Any]
AsClip = Callable[..., AVClip]

WORD = (220, 140, 300, 165)  # left, top, right, bottom of the mark, in pixels of 320 x 180


def rolling(scene: Scene, count: int = 60) -> Any:
    """A wall that slides by, 4 pixels a picture."""
    wide = np.concatenate([scene(1, seed=seed)[0] for seed in (0, 8)], axis=1)
    return np.stack([np.roll(wide, -4 * index, axis=1)[:, :320] for index in range(count)])


def marked(levels: Any, opacity: float) -> Any:
    import cv2

    word = np.zeros((180, 320), np.uint8)
    cv2.putText(word, "SAMPLE", (WORD[0], WORD[3] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.65, 255, 2)
    return levels + opacity * (word / 255) * (255 - levels)


def read(clip: AVClip) -> Value:
    reading = Watermark().measure(clip)["share"]
    assert isinstance(reading, Value), reading.reason
    return reading


def test_a_mark_over_a_moving_scene_is_found_in_its_place(scene: Scene, as_clip: AsClip) -> None:
    found = read(as_clip(marked(rolling(scene), 0.7)))
    marks = found.details["marks"]
    assert marks
    assert min(mark["left"] for mark in marks) * 320 == pytest.approx(WORD[0], abs=10)
    assert max(mark["right"] for mark in marks) * 320 == pytest.approx(WORD[2], abs=12)
    assert min(mark["top"] for mark in marks) * 180 > WORD[1] - 8
    assert max(mark["bottom"] for mark in marks) * 180 < WORD[3] + 8


def test_the_plainer_the_mark_the_larger_the_share(scene: Scene, as_clip: AsClip) -> None:
    levels = rolling(scene)
    shares = [read(as_clip(marked(levels, opacity))).value for opacity in (0.0, 0.3, 0.9)]
    assert shares[0] == 0.0
    assert shares[0] <= shares[1] < shares[2]
    whole = (WORD[2] - WORD[0]) * (WORD[3] - WORD[1]) / (180 * 320)
    assert shares[2] == pytest.approx(whole, rel=0.6)


def test_noise_does_not_hide_it(scene: Scene, as_clip: AsClip) -> None:
    levels = marked(rolling(scene), 0.9)
    grain = np.random.default_rng(1).normal(0, 6, levels.shape)
    assert read(as_clip(levels + grain)).value > 0.5 * read(as_clip(levels)).value


def test_a_sign_that_moves_with_the_scene_is_no_watermark(scene: Scene, as_clip: AsClip) -> None:
    sign = marked(np.repeat(scene(1), 60, axis=0), 0.9)
    carried = np.stack([np.roll(picture, -4 * index, axis=1) for index, picture in enumerate(sign)])
    assert read(as_clip(carried)).value == 0.0


def test_a_scene_at_rest_and_a_short_clip_cannot_be_told(scene: Scene, as_clip: AsClip) -> None:
    resting = Watermark().measure(as_clip(marked(scene(60, speed_px=0.5), 0.9)))["share"]
    assert isinstance(resting, Unscorable)
    assert "at rest" in resting.reason
    short = Watermark().measure(as_clip(marked(rolling(scene, 20), 0.9)))["share"]
    assert isinstance(short, Unscorable)

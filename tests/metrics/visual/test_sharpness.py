"""The blur effect by a naive twin, and rising with every blur however wide."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.visual.sharpness import Sharpness, blur, blur_effect

Scene = Callable[..., Any]
AsClip = Callable[..., AVClip]
Reader = Callable[..., dict[str, float]]


def naive(picture: Any) -> float:
    """The paper's two directions, written out pixel by pixel."""
    scores = []
    for turned in (picture.astype(float), picture.T.astype(float)):
        padded = np.pad(turned, ((4, 4), (0, 0)), mode="reflect")
        own = lost = 0.0
        for row in range(1, len(turned)):
            for column in range(turned.shape[1]):
                here = abs(turned[row, column] - turned[row - 1, column])
                means = [padded[at : at + 9, column].mean() for at in (row - 1, row)]
                own += here
                lost += max(here - abs(means[1] - means[0]), 0)
        scores.append(1 - lost / own)
    return max(scores)


def test_equals_the_definition() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (24, 30)).astype(np.uint8)
    picture[:, 12:] = picture[:, 12:] // 8 + np.arange(18, dtype=np.uint8) * 5
    assert blur_effect(picture.astype(np.float32)) == pytest.approx(naive(picture), abs=1e-5)
    assert blur(picture) == blur_effect(picture.astype(np.float32)), "too small for a second scale"


def test_scales_count_alike() -> None:
    import cv2

    picture = np.random.default_rng(1).integers(0, 255, (140, 200)).astype(np.uint8)
    half = cv2.pyrDown(picture.astype(np.float32)).astype(np.float32)
    scales = [picture.astype(np.float32), half, cv2.pyrDown(half).astype(np.float32)]
    assert blur(picture) == pytest.approx(sum(blur_effect(each) or 0 for each in scales) / 3)


def test_every_blur_is_seen_and_movement_is_not(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    import cv2

    levels = scene(4)
    found = []
    for sigma in (0.01, 1.5, 3, 6, 12):
        blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), sigma) for picture in levels])
        found.append(values(Sharpness(), as_clip(blurred))["blur"])
    assert all(worse > better + 0.02 for better, worse in pairwise(found)), found
    still = values(Sharpness(), as_clip(np.repeat(levels[:1], 4, axis=0)))["blur"]
    assert still == pytest.approx(found[0], abs=0.02)


def test_a_flat_wall_has_nothing_to_be_sharp(as_clip: AsClip) -> None:
    assert isinstance(Sharpness().measure(as_clip(np.full((2, 90, 160), 99.0)))["blur"], Unscorable)

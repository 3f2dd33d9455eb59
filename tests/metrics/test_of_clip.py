"""What a metric says that a clip must have is what it goes by: without it no value, with it at least one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evalharness.registry import METRICS
from evalharness.usable import lacking
from metrics.av import AVClip, Brief
from metrics.base import PARTS, Value

RATE_HZ = 16000
FRAMES = 48


def bare() -> AVClip:
    """Two seconds of a picture that stands still, and nothing else."""
    picture = np.random.default_rng(5).integers(60, 200, (96, 160, 3)).astype(np.uint8)
    return AVClip.of_pictures(np.repeat(picture[None], FRAMES, axis=0), np.arange(FRAMES) / 24)


def busy() -> AVClip:
    """A texture that slides away under noise in bursts, made from a prompt: no face, no voice, no impact."""
    rng = np.random.default_rng(5)
    wide = rng.integers(60, 200, (96, 160 + 4 * FRAMES, 3)).astype(np.uint8)
    pictures = np.stack([wide[:, 4 * index : 4 * index + 160] for index in range(FRAMES)])
    seconds = np.arange(2 * RATE_HZ) / RATE_HZ
    noise = rng.normal(0, 0.1, (1, 2 * RATE_HZ)) * (np.sin(2 * np.pi * 2 * seconds) > 0)
    brief = Brief("A texture slides away.", "en", "Hello there, how are you?")
    return AVClip.of_pictures(
        pictures, np.arange(FRAMES) / 24, noise.astype(np.float32), RATE_HZ, brief=brief
    )


def test_only_known_parts_are_asked_for() -> None:
    assert {part for name in METRICS for part in METRICS.load(name).of_clip} == set(PARTS)


@pytest.mark.parametrize(("made", "has"), [(bare, set()), (busy, {"sound", "motion", "prompt"})])
def test_a_metric_has_a_value_where_its_parts_are_there_and_only_there(
    made: Callable[[], AVClip], has: set[str]
) -> None:
    clip = made()
    wrong = []
    for name in METRICS:
        if lacking(name) is None:
            metric = METRICS.load(name)()
            answers = any(isinstance(reading, Value) for reading in metric.measure(clip).values())
            if answers != (set(metric.of_clip) <= has):
                wrong.append((name, metric.of_clip, answers))
    assert not wrong

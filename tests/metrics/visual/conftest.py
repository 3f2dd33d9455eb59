"""Pictures whose movement is known: a textured square that glides over a textured wall that stands still."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Value

Levels = NDArray[np.float64]
Scene = Callable[..., Levels]
AsClip = Callable[..., AVClip]
Reader = Callable[..., dict[str, float]]


def _grain(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> Levels:
    import cv2

    smooth = cv2.GaussianBlur(rng.uniform(0, 255, shape), (0, 0), sigma)
    return np.asarray((smooth - smooth.mean()) / smooth.std() * 35 + level, np.float64)


def _scene(count: int = 30, speed_px: float = 2.0, seed: int = 0) -> Levels:
    """(count, 180, 320) grey levels: the square moves `speed_px` to the right from picture to picture."""
    import cv2

    rng = np.random.default_rng(seed)
    wall, square = _grain(rng, (180, 320), 3, 120), _grain(rng, (90, 90), 2, 130)
    pictures = []
    for index in range(count):
        place = np.array([[1, 0, 20 + speed_px * index], [0, 1, 40 + 8 * np.sin(index / 9)]])
        painted = cv2.warpAffine(square, place, (320, 180))
        cover = cv2.warpAffine(np.ones_like(square), place, (320, 180))
        pictures.append(wall * (1 - cover) + painted * cover)
    return np.clip(np.stack(pictures), 0, 255)


def _as_clip(levels: Levels, fps: float = 24.0, times_s: Levels | None = None) -> AVClip:
    grey = np.clip(levels.round(), 0, 255).astype(np.uint8)
    times = np.arange(len(grey)) / fps if times_s is None else times_s
    rgb = np.repeat(grey[..., None], 3, axis=-1) if grey.ndim == 3 else grey
    return AVClip.of_pictures(rgb, times)


def _values(metric: Metric, clip: AVClip) -> dict[str, float]:
    """Every quantity of a metric, all of which must have a value."""
    values = {}
    for name, reading in metric.measure(clip).items():
        assert isinstance(reading, Value), f"{name}: {reading.reason}"
        values[name] = reading.value
    return values


@pytest.fixture(scope="session")
def scene() -> Scene:
    return _scene


@pytest.fixture(scope="session")
def as_clip() -> AsClip:
    return _as_clip


@pytest.fixture(scope="session")
def values() -> Reader:
    return _values


@pytest.fixture(autouse=True)
def one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)

"""A metric that a package is missing for is left out with a sentence; it never breaks on a clip."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from evalharness.registry import METRICS
from evalharness.usable import lacking
from metrics.av import AVClip

RATE_HZ = 16000


@pytest.fixture(scope="module")
def clip() -> AVClip:
    """A square that moves over grain for a second and a half, with a click and a voice-like buzz."""
    rng = np.random.default_rng(5)
    rgb = rng.integers(90, 110, (36, 96, 160, 3)).astype(np.uint8)
    for index, picture in enumerate(rgb):
        picture[30:50, 4 * index : 4 * index + 20] = 220
    seconds = np.arange(round(1.5 * RATE_HZ)) / RATE_HZ
    sound = 0.1 * np.sign(np.sin(2 * np.pi * 120 * seconds)) * (np.sin(2 * np.pi * 4 * seconds) > 0)
    return AVClip.of_pictures(rgb, np.arange(36) / 24, sound[None].astype(np.float32), RATE_HZ)


@pytest.mark.parametrize("package", ["cv2", "librosa", "onnxruntime", "torch"])
def test_without_a_package_every_metric_says_so_or_does_without(
    package: str, clip: AVClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = [name for name in METRICS if lacking(name) is None]
    monkeypatch.setitem(sys.modules, package, None)  # as where it was never installed
    left = []
    for name in ready:
        said = lacking(name)
        if said is not None:
            assert "pip install" in said, name
            left.append(name)
            continue
        METRICS.load(name)().measure(replace(clip))  # a copy: nothing that another metric made
    assert left or package == "librosa"
    assert set(left) < set(ready)

"""Rendered people in clips whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from evalharness.adapters.synthetic.head import Head
from evalharness.adapters.synthetic.speech import speak
from evalharness.adapters.synthetic.visemes import MouthShape, mouth_tracks
from metrics.av import AVClip

Frames = NDArray[np.uint8]
FPS = 25.0
RATE_HZ = 48000
SILENCE_S = 0.3
LINES = {4: "Bob and Pam baked a warm apple pie.", 9: "We saw nine small boats leave before morning came."}


@cache
def _person(seed: int, width: int, height: int) -> Head:
    return Head(seed, width, height)


def _resting(seed: int, count: int, width: int = 400, height: int = 400) -> Frames:
    """A person who is silent, (count, height, width, 3)."""
    head = _person(seed, width, height)
    return np.stack([head.frame(MouthShape(), index / FPS) for index in range(count)])


@cache
def _speaking(
    seed: int, count: int, width: int = 400, height: int = 400
) -> tuple[Frames, NDArray[np.float32]]:
    """A person who says a line after 0.3 s: pictures, and the (1, m) sound at 48 kHz."""
    said = speak(LINES[seed], "en", seed=seed, rate_hz=RATE_HZ)
    times = np.arange(count) / FPS
    mouth = mouth_tracks(said.events, times - SILENCE_S)
    head = _person(seed, width, height)
    frames = np.stack([head.frame(mouth[index], time) for index, time in enumerate(times.tolist())])
    sound = np.zeros(round(count / FPS * RATE_HZ), np.float32)
    first = round(SILENCE_S * RATE_HZ)
    part = said.samples[: len(sound) - first]
    sound[first : first + len(part)] = part
    return frames, sound[None]


def _clip(frames: Frames, sound: NDArray[np.float32] | None = None) -> AVClip:
    return AVClip.of_pictures(frames, np.arange(len(frames)) / FPS, sound, 0 if sound is None else RATE_HZ)


@pytest.fixture(scope="session")
def resting() -> Callable[..., Frames]:
    return _resting


@pytest.fixture(scope="session")
def speaking() -> Callable[..., tuple[Frames, NDArray[np.float32]]]:
    return _speaking


@pytest.fixture(scope="session")
def clip_of() -> Callable[..., AVClip]:
    return _clip

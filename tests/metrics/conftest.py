"""Clips whose truth is known, written by plain numpy and PyAV: a falling ball and a click."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Samples = NDArray[np.float32]
WriteClip = Callable[..., Path]

REAL_CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"


@pytest.fixture(scope="session")
def real_clips() -> Path:
    if not REAL_CLIPS.is_dir():
        pytest.skip(f"the real clips are not there: {REAL_CLIPS}")
    return REAL_CLIPS


def _write(
    path: Path,
    frames: Frames,
    *,
    times_s: NDArray[np.float64] | None = None,
    fps: float = 25.0,
    samples: Samples | None = None,
    rate_hz: int = 48000,
    codec: str = "aac",
    layout: str | None = None,
    audio_start_s: float = 0.0,
    video_codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Encode grey or RGB frames at `times_s` (or evenly) and (channels, n) samples into `path`."""
    times = np.arange(len(frames)) / fps if times_s is None else times_s
    clock = Fraction(1, 90000)
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(video_codec, rate=Fraction(fps).limit_denominator(1001))
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = clock
        if video_codec == "libx264":
            video.options = {"crf": "18", "preset": "ultrafast"}
        audio = None
        if samples is not None:
            chosen = layout or {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
            audio = container.add_stream(codec, rate=rate_hz, layout=chosen)
        for time, picture in zip(times, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="gray" if picture.ndim == 2 else "rgb24")
            frame.pts, frame.time_base = round(time / clock), clock
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and samples is not None:
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=chosen)
            block.sample_rate, block.time_base = rate_hz, Fraction(1, rate_hz)
            block.pts = round(audio_start_s * rate_hz)
            container.mux(audio.encode(block))
            container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="session")
def write_clip() -> WriteClip:
    return _write


def ball(times_s: NDArray[np.float64], impacts_s: list[float], size: tuple[int, int] = (144, 256)) -> Frames:
    """A bright textured ball above a dim floor: it lands on the floor at each of `impacts_s`.

    Between two impacts it flies a parabola under constant gravity; before the first it falls, after the
    last it lies still, so that the truth of each impact is exact and independent of the frame rate.
    """
    height, width = size
    floor, radius, gravity = height - 24.0, 12.0, 600.0
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    backdrop = 60 + 20 * np.sin(columns / 7) * np.cos(rows / 9)
    backdrop[rows > floor + radius] = 110
    frames = np.empty((len(times_s), height, width), np.uint8)
    for picture, now in zip(frames, times_s, strict=True):
        y = floor - _height(now, impacts_s, gravity, fallen_from=floor - 2 * radius)
        distance = np.hypot(rows - y, columns - width / 2)
        cover = np.clip(radius - distance + 0.5, 0, 1)
        texture = 215 + 30 * np.sin((columns - width / 2) / 2.5) * np.cos((rows - y) / 2.5)
        picture[:] = np.clip((1 - cover) * backdrop + cover * texture, 0, 255).round()
    return frames


def _height(now: float, impacts_s: list[float], gravity: float, fallen_from: float) -> float:
    """Height above the floor at `now`: still, falling, flying between impacts, still again."""
    if now <= impacts_s[0]:
        fallen = gravity / 2 * max(0.0, now - (impacts_s[0] - np.sqrt(2 * fallen_from / gravity))) ** 2
        return float(fallen_from - fallen)
    for start, end in pairwise(impacts_s):
        if now <= end:
            return float(gravity / 2 * (now - start) * (end - now))
    return 0.0


def clicks(at_s: list[float], duration_s: float, rate_hz: int = 48000, seed: int = 0) -> Samples:
    """(1, n) knocks: noise that begins exactly at each time and dies away in 30 ms, over a faint hiss."""
    rng = np.random.default_rng(seed)
    n = round(duration_s * rate_hz)
    sound = 1e-4 * rng.standard_normal(n)
    for time in at_s:
        first = int(np.ceil(time * rate_hz))
        tail = np.arange(max(0, n - first)) / rate_hz
        sound[first:] += 0.5 * rng.uniform(-1, 1, tail.size) * np.exp(-tail / 0.03)
    return sound[None].astype(np.float32)


@pytest.fixture(scope="session")
def make_ball() -> Callable[..., Frames]:
    return ball


@pytest.fixture(scope="session")
def make_clicks() -> Callable[..., Samples]:
    return clicks

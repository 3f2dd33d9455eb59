"""Loudness and true peak judged by definition, by ffmpeg's ebur128 and by pyloudnorm."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.audio.loudness import Loudness, integrated_lufs, true_peak_db
from metrics.av import AVClip
from metrics.base import Unscorable, Value

RATE = 48000
LAYOUTS = {1: "mono", 2: "stereo", 5: "5.0", 6: "5.1"}


def tone(level_db: float, seconds: float = 4.0, hz: float = 997.0, channels: int = 2) -> NDArray[np.float32]:
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.tile(wave.astype(np.float32), (channels, 1))


def programme(channels: int, rate_hz: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """Three seconds of pink-ish noise, loud, then soft, then below both gates; every channel its own."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((channels, 3 * rate_hz))
    noise = noise + 0.98 * np.roll(noise, 1, axis=1) + 0.9 * np.roll(noise, 2, axis=1)
    steps = np.repeat([0.1, 0.03, 0.0001], rate_hz)
    return (noise * steps * rng.uniform(0.4, 1.0, (channels, 1))).astype(np.float32)


def ffmpeg_r128(samples: NDArray[np.float32], rate_hz: int) -> tuple[float, float]:
    """(LUFS, dBTP) by ffmpeg's own meter."""
    layout = LAYOUTS[len(samples)]
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        format="fltp", sample_rate=rate_hz, layout=layout, time_base=Fraction(1, rate_hz)
    )
    meter, sink = graph.add("ebur128", "peak=true:metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate_hz, 0
    source.push(frame)
    source.push(None)
    read: dict[str, str] = {}
    while True:
        try:
            read = {**read, **sink.pull().metadata}
        except (av.EOFError, av.BlockingIOError):
            break
    return float(read["lavfi.r128.I"]), 20 * float(np.log10(float(read["lavfi.r128.true_peak"])))


def clip_of(samples: NDArray[np.float32], rate_hz: int = RATE) -> AVClip:
    return AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples,
        rate_hz=rate_hz if samples.size else 0,
        last_frame_s=4.0,
    )


def value(reading: object) -> float:
    assert isinstance(reading, Value), reading
    return reading.value


@pytest.mark.parametrize("level_db", [-6.0, -23.0, -40.0])
def test_a_stereo_997_hz_sine_has_the_loudness_the_standard_gives_it(level_db: float) -> None:
    """EBU Tech 3341, cases 1 and 2: a stereo sine at -23 dBFS reads -23 LUFS."""
    read = Loudness().measure(clip_of(tone(level_db)))
    assert value(read["integrated_lufs"]) == pytest.approx(level_db, abs=0.1)


def test_the_gates_leave_out_what_is_soft() -> None:
    """EBU Tech 3341, case 3: 10, 60 and 10 s at -36, -23 and -36 dBFS read -23 LUFS; here 2, 24 and 2 s."""
    parts = [tone(-36.0, 2.0), tone(-23.0, 24.0), tone(-36.0, 2.0)]
    assert integrated_lufs(np.concatenate(parts, axis=1), RATE) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("channels", [1, 2, 5, 6])
@pytest.mark.parametrize("rate_hz", [48000, 44100, 16000])
def test_loudness_and_true_peak_are_those_of_ffmpeg(channels: int, rate_hz: int) -> None:
    samples = programme(channels, rate_hz)
    theirs_lufs, theirs_peak_db = ffmpeg_r128(samples, rate_hz)
    assert integrated_lufs(samples, rate_hz) == pytest.approx(theirs_lufs, abs=0.02)
    assert true_peak_db(samples) == pytest.approx(theirs_peak_db, abs=0.1)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_loudness_is_that_of_pyloudnorm(channels: int) -> None:
    """Its shelf is a near one, not the standard's: 0.04 LU on broad noise."""
    pyloudnorm = pytest.importorskip("pyloudnorm")
    samples = programme(channels)
    theirs = pyloudnorm.Meter(RATE).integrated_loudness(samples.T.astype(np.float64))
    assert integrated_lufs(samples, RATE) == pytest.approx(theirs, abs=0.06)


def test_the_low_channel_does_not_count_and_surrounds_count_more() -> None:
    base = np.zeros((6, 4 * RATE), np.float32)
    one = tone(-20.0, channels=1)[0]
    levels = []
    for channel in range(6):
        samples = base.copy()
        samples[channel] = one
        levels.append(integrated_lufs(samples, RATE))
    assert levels[3] is None
    assert levels[0] == levels[1] == levels[2]
    assert levels[4] == levels[5] == pytest.approx(levels[0] + 10 * np.log10(1.41))


def test_peaks_between_samples_are_found() -> None:
    """A quarter-rate sine sampled at 45 degrees never shows more than 0.707 of its peak."""
    wave = np.sin(2 * np.pi * RATE / 4 * np.arange(RATE) / RATE + np.pi / 4).astype(np.float32)[None]
    peak = true_peak_db(wave)
    assert 20 * np.log10(np.abs(wave).max()) == pytest.approx(-3.01, abs=0.01)
    assert peak == pytest.approx(0.0, abs=0.6)


def test_what_has_no_level_says_why() -> None:
    cases = (
        (np.zeros((0, 0), np.float32), "no sound track"),
        (np.zeros((2, 4 * RATE), np.float32), "digital silence"),
        (tone(-20.0, seconds=0.3), "less than 0.4 s"),
        (tone(-90.0), "below -70 LUFS"),
        (tone(-20.0, channels=7), "7 channels"),
    )
    for samples, reason in cases:
        reading = Loudness().measure(clip_of(samples))["integrated_lufs"]
        assert isinstance(reading, Unscorable)
        assert reason in reading.reason


@pytest.mark.realclips
def test_real_clips_have_the_loudness_ffmpeg_gives_them(real_clips: Path) -> None:
    for name in ("vr_1", "ovi_1", "hh_videoeditcase1"):
        clip = AVClip.open(real_clips / f"{name}.mp4")
        lufs, peak_db = ffmpeg_r128(clip.samples, clip.rate_hz)
        read = Loudness().measure(clip)
        assert value(read["integrated_lufs"]) == pytest.approx(lufs, abs=0.02)
        assert value(read["true_peak_db"]) == pytest.approx(peak_db, abs=0.1)

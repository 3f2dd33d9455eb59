"""Kinds of sound judged by sounds of known kind: chords, noise, a spoken line, real talk, drums and music."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.audio.content import AudioContent, steady_tones
from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.speech.track import RATE_HZ

pytestmark = pytest.mark.skipif(AudioContent.missing() is not None, reason=str(AudioContent.missing()))


def chord(seconds: float, root_hz: float = 220.0) -> NDArray[np.float32]:
    """A major chord of plucked strings with five partials each."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    strings = [root_hz * step * partial for step in (1, 5 / 4, 3 / 2) for partial in range(1, 6)]
    weights = [1 / partial for _ in range(3) for partial in range(1, 6)]
    wave = sum(w * np.sin(2 * np.pi * f * times) for w, f in zip(weights, strings, strict=True))
    return (0.05 * wave * np.exp(-times / 1.0)).astype(np.float32)


def shares(samples: NDArray[np.float32], duration_s: float, start_s: float = 0.0) -> dict[str, float]:
    clip = AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples[None],
        rate_hz=RATE_HZ,
        audio_start_s=start_s,
        last_frame_s=duration_s,
    )
    read = AudioContent().measure(clip)
    return {name: reading.value for name, reading in read.items() if isinstance(reading, Value)}


def test_chords_are_tones_for_as_long_as_they_ring() -> None:
    """Two chords of a second, then two seconds of nothing."""
    music = np.concatenate([chord(1.0), chord(1.0, 247.0), np.zeros(2 * RATE_HZ, np.float32)])
    found = shares(music, 4.0)
    assert found["tone_share"] == pytest.approx(0.5, abs=0.05)
    assert found["speech_share"] == 0.0
    assert found["other_share"] < 0.05


def test_noise_glides_and_short_notes_are_other_sound() -> None:
    rng = np.random.default_rng(2)
    times = np.arange(3 * RATE_HZ) / RATE_HZ
    noise = 0.1 * rng.standard_normal(times.size).astype(np.float32)
    glide = 0.1 * np.sin(2 * np.pi * 200 * (2 ** (times / 1.0) - 1) / np.log(2)).astype(np.float32)
    pitches = np.repeat(220 * 2 ** (np.arange(10) * 5 % 12 / 12), round(0.3 * RATE_HZ))
    short = 0.1 * np.sin(2 * np.pi * np.cumsum(pitches) / RATE_HZ).astype(np.float32)
    for sound in (noise, glide, short):
        found = shares(sound, 3.0)
        assert found["tone_share"] == 0.0
        assert found["other_share"] > 0.8


def test_a_tone_is_found_where_it_is_and_moves_with_the_sound() -> None:
    rng = np.random.default_rng(4)
    sound = 0.01 * rng.standard_normal(4 * RATE_HZ).astype(np.float32)
    sound[RATE_HZ : 2 * RATE_HZ] += 0.1 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ).astype(
        np.float32
    )
    spans = steady_tones(sound)
    assert min(start for start, _ in spans) == pytest.approx(1.0, abs=0.07)
    assert max(end for _, end in spans) == pytest.approx(2.0, abs=0.07)
    assert shares(sound, 4.0)["tone_share"] == pytest.approx(
        shares(sound, 4.0, -0.5)["tone_share"], abs=0.011
    )
    assert shares(sound, 4.0, start_s=2.5)["tone_share"] == pytest.approx(0.5 / 4, abs=0.04)


def test_a_spoken_line_is_speech_and_not_a_tone() -> None:
    from evalharness.adapters.synthetic.speech import speak

    line = speak("My brother baked a plum pie before the picnic.", "en", rate_hz=RATE_HZ, seed=1).samples
    length_s = len(line) / RATE_HZ
    found = shares(line, length_s)
    assert found["speech_share"] > 0.8
    assert found["tone_share"] == 0.0
    assert found["speech_share"] + found["other_share"] <= 1.0


def test_no_track_is_said(tmp_path: Path) -> None:
    clip = AVClip(np.array([0.0]), np.zeros((1, 8, 8), np.uint8), np.zeros((0, 0), np.float32), 0, 0.0, 1.0)
    for reading in AudioContent().measure(clip).values():
        assert isinstance(reading, Unscorable)
    silent = replace(clip, samples=np.zeros((1, RATE_HZ), np.float32), rate_hz=RATE_HZ)
    assert [r.value for r in AudioContent().measure(silent).values() if isinstance(r, Value)] == [
        0.0,
        0.0,
        0.0,
    ]


@pytest.mark.realclips
@pytest.mark.parametrize(
    ("name", "speech", "tone"),
    [
        ("vr_1", (0.4, 1.0), (0.0, 0.05)),
        ("fc_vs0", (0.0, 0.0), (0.0, 0.05)),
        ("hh_videoeditcase1", (0.3, 0.7), (0.3, 1.0)),
    ],
)
def test_real_talk_drums_and_music_under_talk(
    real_clips: Path, name: str, speech: tuple[float, float], tone: tuple[float, float]
) -> None:
    read = AudioContent().measure(AVClip.open(real_clips / f"{name}.mp4"))
    for quantity, (low, high) in (("speech_share", speech), ("tone_share", tone)):
        reading = read[quantity]
        assert isinstance(reading, Value)
        assert low <= reading.value <= high

"""Stretches of speech judged by faster-whisper's own reading of the same net, by laws, and by real talk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.speech.track import RATE_HZ, probabilities, resampled, speech, stretches

RATE = 48000


def clip_of(samples: NDArray[np.float32], rate_hz: int = RATE, start_s: float = 0.0) -> AVClip:
    return AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples,
        rate_hz=rate_hz if samples.size else 0,
        audio_start_s=start_s,
        last_frame_s=4.0,
    )


@pytest.fixture(scope="module")
def line() -> NDArray[np.float32]:
    """A spoken line, 16 kHz, between a second of nothing and a second of nothing."""
    from evalharness.adapters.synthetic.speech import speak

    said = speak("My brother baked a plum pie before the picnic.", "en", rate_hz=RATE_HZ, seed=1)
    still = np.zeros(RATE_HZ, np.float32)
    return np.concatenate([still, said.samples, still])


def test_the_net_and_its_reading_are_those_of_faster_whisper(line: NDArray[np.float32]) -> None:
    vad = pytest.importorskip("faster_whisper.vad")
    whole = np.pad(line, (0, -len(line) % 512))
    np.testing.assert_allclose(probabilities(line), vad.get_vad_model()(whole).reshape(-1), atol=1e-5)
    options = vad.VadOptions(min_speech_duration_ms=250, min_silence_duration_ms=100, speech_pad_ms=30)
    theirs = [(s["start"] / RATE_HZ, s["end"] / RATE_HZ) for s in vad.get_speech_timestamps(line, options)]
    np.testing.assert_allclose(stretches(probabilities(line), len(line) / RATE_HZ), theirs, atol=1e-3)


def test_speech_is_where_the_line_was_spoken(line: NDArray[np.float32]) -> None:
    heard = speech(clip_of(line[None], RATE_HZ))
    assert heard.spoken[0][0] == pytest.approx(1.0, abs=0.12)
    assert heard.spoken[-1][1] == pytest.approx(len(line) / RATE_HZ - 1.0, abs=0.25)
    assert heard.spoken_s == pytest.approx(len(line) / RATE_HZ - 2.0, abs=0.4)


def test_moving_the_sound_moves_its_stretches_as_far(line: NDArray[np.float32]) -> None:
    clip = clip_of(line[None], RATE_HZ)
    here, there = speech(clip), speech(replace(clip, audio_start_s=-0.317))
    np.testing.assert_allclose(np.array(there.spoken), np.array(here.spoken) - 0.317, atol=1e-12)


def test_gaps_are_bridged_blips_dropped_and_close_neighbours_meet_half_way() -> None:
    step = 512 / RATE_HZ
    loud, gap = [0.9] * 10, [0.0] * 3
    assert stretches(loud + gap + loud, 23 * step) == [(0.0, 23 * step)]
    assert stretches([0.0] * 5 + [0.9] * 7 + [0.0] * 5, 17 * step) == []
    assert stretches(loud + [0.4] * 50 + loud, 70 * step) == [(0.0, 70 * step)]
    parted = stretches(loud + [0.0] * 5 + loud, 25 * step)
    assert parted == [(0.0, 10 * step + 0.03), (15 * step - 0.03, 25 * step)]


def test_resampling_delays_nothing_and_keeps_the_level() -> None:
    """A bump centred at a known time stays there, from rates that do and do not divide 16 kHz."""
    for rate in (48000, 44100, 22050, 8000):
        times = np.arange(2 * rate) / rate
        bump = np.exp(-0.5 * ((times - 0.75) / 0.002) ** 2).astype(np.float32)
        out = resampled(bump, rate)
        centre = float(np.sum(out * np.arange(len(out))) / np.sum(out) / RATE_HZ)
        assert centre == pytest.approx(0.75, abs=1e-4)
        assert out.max() == pytest.approx(1.0, abs=0.02)


def test_nothing_noise_and_tones_are_not_speech() -> None:
    rng = np.random.default_rng(3)
    noise = 0.1 * rng.standard_normal((2, 3 * RATE)).astype(np.float32)
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE).astype(np.float32)[None]
    assert speech(clip_of(noise)).spoken == ()
    assert speech(clip_of(tone)).spoken == ()
    nothing = speech(clip_of(np.zeros((0, 0), np.float32)))
    assert nothing.samples.size == 0
    assert nothing.spoken == ()
    refusal = nothing.unscorable()
    assert refusal is not None
    assert "no sound track" in refusal.reason


@pytest.mark.realclips
def test_talk_is_found_in_talking_clips_and_nowhere_else(real_clips: Path) -> None:
    for name, least, most in (
        ("vr_1", 0.5, 1.0),
        ("mb_hallo3_02", 0.5, 1.0),
        ("fc_av1", 0.0, 0.0),
        ("fc_vs0", 0.0, 0.0),
    ):
        clip = AVClip.open(real_clips / f"{name}.mp4")
        assert least <= speech(clip).spoken_s / clip.duration_s <= most

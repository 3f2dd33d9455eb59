"""Opinions judged by speechmos itself, and by what noise and clipping must do to them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.speech.quality import PIECE, SpeechQuality, opinions, pieces

RATE = 16000

pytestmark = pytest.mark.skipif(SpeechQuality.missing() is not None, reason=str(SpeechQuality.missing()))


@pytest.fixture(scope="module")
def voice() -> NDArray[np.float32]:
    from evalharness.adapters.synthetic.speech import speak

    return speak(
        "Please bring me the purple umbrella from the back room.", "en", rate_hz=RATE, seed=1
    ).samples


def clip_of(samples: NDArray[np.float32]) -> AVClip:
    return AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples,
        rate_hz=RATE if samples.size else 0,
        last_frame_s=4.0,
    )


def test_opinions_are_those_of_speechmos(voice: NDArray[np.float32]) -> None:
    pytest.importorskip("requests")
    dnsmos = pytest.importorskip("speechmos.dnsmos")
    voice = np.concatenate([voice, voice[: round(0.8 * RATE)]])
    theirs, ours = dnsmos.run(voice, RATE), opinions(voice)
    names = {"overall": "ovrl_mos", "signal": "sig_mos", "background": "bak_mos", "p808": "p808_mos"}
    for name, their_name in names.items():
        assert ours[name] == pytest.approx(float(theirs[their_name]), abs=1e-4)


@pytest.mark.parametrize(("seconds", "count"), [(3.0, 3), (4.6, 1), (9.01, 1), (10.5, 1), (12.0, 3)])
def test_pieces_begin_every_second_and_short_sound_is_doubled(seconds: float, count: int) -> None:
    """3 s doubled twice is 12 s, of which speechmos hears pieces from 0, 1 and 2 s on."""
    ramp = np.arange(round(seconds * RATE), dtype=np.float32)
    found = pieces(ramp)
    assert found.shape == (count, PIECE)
    assert [piece[0] for piece in found] == [index * RATE for index in range(count)]
    assert found[0, len(ramp) % PIECE] == (0.0 if len(ramp) < PIECE else ramp[len(ramp) % PIECE])


def test_noise_lowers_opinions_step_by_step(voice: NDArray[np.float32]) -> None:
    noise = np.random.default_rng(5).standard_normal(len(voice)).astype(np.float32)
    level = float(np.sqrt(np.mean(voice**2)))
    ladder = [opinions(voice + level * 10 ** (-snr_db / 20) * noise) for snr_db in (40, 15, 0)]
    for name in ("overall", "background", "p808"):
        steps = [step[name] for step in ladder]
        assert steps == sorted(steps, reverse=True)
        assert steps[0] - steps[-1] > 0.8


def test_clipping_lowers_them_too(voice: NDArray[np.float32]) -> None:
    """Driven into the ceiling by 40 dB; what reaches beyond ±1 is heard as clipped, not refused."""
    peak = float(np.abs(voice).max())
    clean, driven = opinions(voice / peak), opinions(voice / peak * 100)
    assert driven["signal"] < clean["signal"]


def test_without_a_second_of_speech_there_is_no_opinion(voice: NDArray[np.float32]) -> None:
    nothing = np.zeros((0, 0), np.float32)
    hum = 0.1 * np.sin(2 * np.pi * 100 * np.arange(3 * RATE) / RATE).astype(np.float32)[None]
    for sound, reason in (
        (nothing, "no sound track"),
        (hum, "Nobody speaks"),
        (voice[None, : RATE // 2], "needed"),
    ):
        for reading in SpeechQuality().measure(clip_of(sound)).values():
            assert isinstance(reading, Unscorable)
            assert reason in reading.reason
    for reading in SpeechQuality().measure(clip_of(voice[None])).values():
        assert isinstance(reading, Value)
        assert 1.0 <= reading.value <= 5.0

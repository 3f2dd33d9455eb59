"""What is said against what was asked for: a line of known words, real talk, and every way to say nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip, Brief
from metrics.base import Unscorable, Value
from metrics.speech import whisper
from metrics.speech.accuracy import SpeechAccuracy
from metrics.speech.recognition import Transcript, Word, transcript
from metrics.weights import WeightsError

RATE = 16000
LINE = "Please bring me the purple umbrella from the back room."

hears = pytest.mark.skipif(SpeechAccuracy.missing() is not None, reason=str(SpeechAccuracy.missing()))


def clip_of(samples: NDArray[np.float32], brief: Brief, start_s: float = 0.0, rate_hz: int = RATE) -> AVClip:
    return AVClip(
        frame_times_s=np.array([0.0]),
        grey=np.zeros((1, 8, 8), np.uint8),
        samples=samples,
        rate_hz=rate_hz if samples.size else 0,
        audio_start_s=start_s,
        last_frame_s=4.0,
        brief=brief,
    )


@pytest.fixture(scope="module")
def spoken() -> AVClip:
    from evalharness.adapters.synthetic.speech import speak

    said = speak(LINE, "en", rate_hz=RATE, seed=1).samples
    still = np.zeros(RATE, np.float32)
    return clip_of(
        np.concatenate([still, said, still])[None], Brief(language="en", spoken=LINE), start_s=-0.4
    )


@hears
def test_a_line_spoken_as_asked_has_no_errors_and_its_words_their_times(spoken: AVClip) -> None:
    read = SpeechAccuracy().measure(spoken)
    rate, language = read["error_rate"], read["language_match"]
    assert isinstance(rate, Value)
    assert rate.value == 0.0
    assert rate.details["reference_length"] == 10
    assert isinstance(language, Value)
    assert 0.5 < language.value <= 1.0
    words = spoken.once(transcript).words
    assert [word.text for word in words] == LINE.split()
    assert words[0].start_s == pytest.approx(0.6, abs=0.2)
    assert words[-1].end_s == pytest.approx(spoken.samples.shape[1] / RATE - 1.4, abs=0.45)


@hears
def test_other_words_than_asked_are_errors(spoken: AVClip) -> None:
    other = replace(spoken, brief=Brief(language="en", spoken="My brother baked a plum pie for the picnic."))
    other._derived.update(spoken._derived)
    rate = SpeechAccuracy().measure(other)["error_rate"]
    assert isinstance(rate, Value)
    assert rate.value > 0.8


@pytest.mark.parametrize(
    ("said", "language", "wanted", "rate", "match"),
    [
        (
            Transcript("我再買面包", "zh", 0.99, (("zh", 0.99), ("ja", 0.01)), ()),
            "zh",
            "我在买面包。",
            0.0,
            0.99,
        ),
        (
            Transcript("I buy bread", "en", 0.99, (("en", 0.99), ("zh", 0.01)), ()),
            "zh",
            "我在买面包",
            1.0,
            0.01,
        ),
        (Transcript("one two three", "en", 0.9, (("en", 0.9), ("de", 0.1)), ()), "en", "one three", 0.5, 0.9),
    ],
)
@hears
def test_what_was_heard_is_held_against_the_line(
    spoken: AVClip, said: Transcript, language: str, wanted: str, rate: float, match: float
) -> None:
    clip = replace(spoken, brief=Brief(language=language, spoken=wanted))
    clip._derived[transcript] = said
    read = SpeechAccuracy().measure(clip)
    found, likely = read["error_rate"], read["language_match"]
    assert isinstance(found, Value)
    assert isinstance(likely, Value)
    assert (found.value, likely.value) == (rate, match)


@hears
def test_a_listener_of_one_language_cannot_tell_which_is_spoken(spoken: AVClip) -> None:
    clip = replace(spoken)
    clip._derived.update(spoken._derived)
    clip._derived[transcript] = Transcript(LINE, "en", 1.0, (("en", 1.0),), ())
    reading = SpeechAccuracy().measure(clip)["language_match"]
    assert isinstance(reading, Unscorable)
    assert "one language" in reading.reason


@hears
def test_silence_says_none_of_the_words_and_no_sound_nothing_at_all() -> None:
    brief = Brief(language="en", spoken=LINE)
    silent = SpeechAccuracy().measure(clip_of(np.zeros((1, 2 * RATE), np.float32), brief))
    rate = silent["error_rate"]
    assert isinstance(rate, Value)
    assert (rate.value, rate.details["deletions"]) == (1.0, 10)
    assert isinstance(silent["language_match"], Unscorable)
    mute = SpeechAccuracy().measure(clip_of(np.zeros((0, 0), np.float32), brief))
    assert all(isinstance(reading, Unscorable) for reading in mute.values())
    unasked = SpeechAccuracy().measure(clip_of(np.zeros((1, 2 * RATE), np.float32), Brief()))
    assert all(isinstance(reading, Unscorable) for reading in unasked.values())


@hears
def test_cantonese_needs_a_model_that_was_taught_it(spoken: AVClip) -> None:
    if whisper.weights().startswith("whisper base"):
        clip = replace(spoken, brief=Brief(language="yue", spoken="食飯"))
        for reading in SpeechAccuracy().measure(clip).values():
            assert isinstance(reading, Unscorable)
            assert "Cantonese" in reading.reason


def test_a_model_that_is_not_there_is_said_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faster_whisper")
    monkeypatch.setenv(whisper.VARIABLE, str(tmp_path))
    sentence = SpeechAccuracy.missing()
    assert sentence is not None
    assert "model.bin" in sentence
    assert whisper.weights() == ""
    with pytest.raises(WeightsError, match="EVALHARNESS_WHISPER"):
        whisper.loaded()
    monkeypatch.setenv(whisper.VARIABLE, "no-such-model")
    assert "no-such-model" in str(whisper.missing())


def test_a_brought_model_is_known_by_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faster_whisper")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_text(name)
        (tmp_path / name / "tokenizer.json").write_text("{}")
    seen = set()
    for name in ("one", "two"):
        monkeypatch.setenv(whisper.VARIABLE, str(tmp_path / name))
        assert whisper.missing() is None
        seen.add(whisper.weights().split()[-1])
    assert len(seen) == 2


@hears
@pytest.mark.realclips
def test_real_mandarin_is_heard_by_sound(real_clips: Path) -> None:
    """Whisper base writes some of its characters wrong, but the right syllables."""
    line = "你可以乘公共汽车去车站"
    with av.open(str(real_clips / "speech_bus_chinese.flac")) as container:
        rate_hz = container.streams.audio[0].rate
        planar = av.AudioResampler(format="fltp")
        blocks: list[Any] = [
            part.to_ndarray() for frame in container.decode(audio=0) for part in planar.resample(frame)
        ]
    clip = clip_of(np.concatenate(blocks, axis=1), Brief(language="zh", spoken=line), rate_hz=rate_hz)
    read = SpeechAccuracy().measure(clip)
    rate, language = read["error_rate"], read["language_match"]
    assert isinstance(rate, Value)
    assert rate.value < 0.15
    assert isinstance(language, Value)
    assert language.value > 0.9
    assert all(isinstance(word, Word) and word.end_s >= word.start_s for word in clip.once(transcript).words)

"""Phone times against a voice that says when it spoke each phone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from evalharness.adapters.synthetic.speech import speak
from metrics.lips.alignment import FITS, Alignment, AlignmentError, align, english
from metrics.lips.phones import Phone, phones

HOLD_S = 0.045
"""Of the silence before a burst, which the voice counts to the phone before."""


@cache
def spoken(
    text: str, language: str, reading: str | None = None
) -> tuple[NDArray[np.float32], tuple[Phone, ...], NDArray[np.float64]]:
    """Samples at 16 kHz, the phones, and their true times."""
    voice = speak(text, language, reading=reading, rate_hz=16000, seed=4)
    said: list[Phone] = []
    times: list[list[float]] = []
    word = 0
    for event in voice.events:
        if not event.phoneme:
            word += 1
            continue
        start = event.start_s
        if event.phoneme[0] in "ptk":
            if times and times[-1][1] == start:
                times[-1][1] -= HOLD_S
            start -= HOLD_S
        said.append(Phone(event.phoneme, word))
        times.append([start, event.end_s])
    return voice.samples, tuple(said), np.array(times)


LINES = [
    ("My brother baked a plum pie before the big family picnic.", "en", None),
    ("妈妈", "zh", "ma1ma5 ba3 bai2se4 de5 mao4zi5 fang4 zai4 men2bian1 le5."),
    ("엄마가 부엌에서 매운 볶음밥을 만들고 있어요.", "ko", None),
]


@cache
def aligned(text: str, language: str, reading: str | None = None) -> Alignment:
    samples, said, _ = spoken(text, language, reading)
    return align(said, samples)


@pytest.mark.parametrize(("text", "language", "reading"), LINES)
def test_phones_are_found_when_they_are_spoken(text: str, language: str, reading: str | None) -> None:
    _, _, truth = spoken(text, language, reading)
    found = aligned(text, language, reading)
    error = np.abs(found.times_s.mean(axis=1) - truth.mean(axis=1))
    assert np.median(error) <= 0.015
    assert np.percentile(error, 90) <= 0.05
    assert found.fit > FITS
    assert np.all(np.diff(found.times_s, axis=1) >= 0.03 - 1e-9)
    assert np.all(found.times_s[1:, 0] >= found.times_s[:-1, 1] - 1e-9)


def test_later_speech_is_found_later() -> None:
    samples, said, _ = spoken(*LINES[0])
    late = align(said, np.concatenate([np.zeros(8000, np.float32), samples]))
    moved = (late.times_s - aligned(*LINES[0]).times_s).mean(axis=1)
    # The longer silence enters the mean that Sphinx takes off its features, so that a few boundaries stray.
    assert np.median(moved) == pytest.approx(0.5)
    assert np.mean(np.abs(moved - 0.5) <= 0.02) >= 0.9


def test_noise_moves_few_phones() -> None:
    samples, said, truth = spoken(*LINES[0])
    level = float(np.sqrt(np.mean(samples**2)))
    noise = level * 0.1 * np.random.default_rng(0).standard_normal(len(samples))
    found = align(said, (samples + noise).astype(np.float32))
    assert np.median(np.abs(found.times_s.mean(axis=1) - truth.mean(axis=1))) <= 0.02


def test_other_words_do_not_fit() -> None:
    samples, _, _ = spoken(*LINES[0])
    other = phones("Nobody knows the sorrow that winter left on these cold shores.", "en")
    try:
        assert align(other, samples).fit < FITS
    except AlignmentError as error:
        assert "no path" in str(error)  # noqa: PT017 - either ending tells that these are not the words


def test_the_same_twice_to_the_byte() -> None:
    samples, said, _ = spoken(*LINES[0])
    first, second = aligned(*LINES[0]), align(said, samples)
    assert first.times_s.tobytes() == second.times_s.tobytes()
    assert first.fit == second.fit


def test_loudness_makes_no_difference() -> None:
    samples, said, _ = spoken(*LINES[0])
    quiet: Alignment = align(said, 0.01 * samples)
    assert np.abs(quiet.times_s - aligned(*LINES[0]).times_s).max() <= 0.01


@pytest.mark.parametrize(
    ("said", "length", "sentence"),
    [([], 16000, "no phones"), ([Phone("m", 0), Phone("a", 0)] * 20, 8000, "at least 1.20 s")],
)
def test_what_cannot_be_laid_is_refused(said: list[Phone], length: int, sentence: str) -> None:
    with pytest.raises(AlignmentError, match=sentence):
        align(said, np.zeros(length, np.float32))


@pytest.mark.parametrize(
    ("ipa", "arpabet"),
    [("pʰ", "P"), ("ʈʂ", "JH"), ("tsʰ", "T S"), ("ɑ̃", "AA"), ("aɪ", "AY"), ("ɔːɹ", "AO R"), ("ɹ̩", "IH")],
)
def test_foreign_phones_in_english(ipa: str, arpabet: str) -> None:
    assert english(ipa) == arpabet


@pytest.mark.parametrize("unknown", ["ǃ", "", "ʰ"])
def test_a_phone_unlike_any_is_an_error(unknown: str) -> None:
    with pytest.raises(ValueError, match="phone"):
        english(unknown)

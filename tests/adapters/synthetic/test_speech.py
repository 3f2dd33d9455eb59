"""Speech is judged by its own sound: silence where lips are shut, the same bytes for the same words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from evalharness.adapters.synthetic.persona import persona
from evalharness.adapters.synthetic.speech import LANGUAGES, Speech, speak
from evalharness.errors import GenerationError
from evalharness.records import FailureKind

# Words with lip closures, their reading where the script needs one, and consonants that must be heard.
LINES = {
    "zh": ("爸爸妈妈", "ba4 ba5 ma1 ma5", ["p", "p", "m", "m"]),
    "yue": ("爸爸媽媽", None, ["b", "b", "m", "m"]),
    "en": ("Pam baked a pie.", None, ["p", "m", "b", "k", "t", "p"]),
    "ja": ("まま、ぱぱ", None, ["m", "m", "p", "p"]),
    "ko": ("아빠, 엄마", None, ["p", "m"]),
    "fr": ("Papa mange bien.", None, ["p", "p", "m", "b"]),
    "de": ("Papa mag Birnen.", None, ["p", "p", "m", "b"]),
}


def in_order(wanted: list[str], spoken: Speech) -> bool:
    heard = iter(event.phoneme for event in spoken.events)
    return all(any(phoneme.startswith(one) for phoneme in heard) for one in wanted)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_spoken_with_its_consonants_in_order(language: str) -> None:
    text, reading, wanted = LINES[language]
    spoken = speak(text, language, reading=reading, seed=1)
    assert in_order(wanted, spoken)
    assert not in_order([*wanted, "v"], spoken)
    starts = [event.start_s for event in spoken.events]
    assert starts == sorted(starts)
    assert all(event.end_s > event.start_s for event in spoken.events)
    assert spoken.events[-1].end_s == pytest.approx(spoken.duration_s, abs=0.002)


def test_the_same_words_are_the_same_samples_whatever_was_spoken_between() -> None:
    once = speak("Pam baked a pie.", "en", seed=4)
    speak("Papa mange bien.", "fr", seed=5)
    again = speak("Pam baked a pie.", "en", seed=4)
    assert np.array_equal(once.samples, again.samples)
    assert once.events == again.events


def test_threads_do_not_disturb_one_another() -> None:
    alone = [
        speak(*LINES[language][:1], language, reading=LINES[language][1], seed=2) for language in LANGUAGES
    ]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda one: speak(LINES[one][0], one, reading=LINES[one][1], seed=2), LANGUAGES)
        )
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_several_people_speak_and_women_have_womens_voices() -> None:
    voices = {seed: speak("Pam baked a pie.", "en", seed=seed).voice for seed in range(12)}
    assert len(set(voices.values())) >= 4
    for seed, voice in voices.items():
        assert ("+f" in voice) == persona(seed).feminine


@pytest.mark.parametrize("language", ["en", "fr", "de", "ja"])
def test_the_burst_of_a_p_comes_after_silence(language: str) -> None:
    """The sound itself says when the lips were shut: 30 ms before the event, nothing is heard."""
    text, reading, _ = LINES[language]
    spoken = speak(text, language, reading=reading, rate_hz=22050, seed=3)
    loud = float(np.sqrt(np.mean(spoken.samples**2)))
    bursts = [event.start_s for event in spoken.events if event.phoneme == "p"]
    assert bursts
    for burst in bursts:
        if burst > 0.04:
            held = spoken.samples[round((burst - 0.03) * 22050) : round((burst - 0.004) * 22050)]
            assert float(np.abs(held).max()) < 0.1 * loud


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_any_rate_is_the_same_sound_at_one_level(rate_hz: int) -> None:
    native = speak("Pam baked a pie.", "en", rate_hz=22_050, seed=1)
    spoken = speak("Pam baked a pie.", "en", rate_hz=rate_hz, seed=1)
    assert spoken.duration_s == pytest.approx(native.duration_s, abs=1e-3)
    assert spoken.samples.dtype == np.float32
    assert float(np.abs(spoken.samples).max()) <= 0.8901
    assert 20 * np.log10(np.sqrt(np.mean(spoken.samples**2))) == pytest.approx(-20.0, abs=1.5)


def test_neutral_tone_may_be_written_zero_five_or_not_at_all() -> None:
    five = speak("妈妈", "zh", reading="ma1 ma5", seed=1)
    for reading in ("ma1 ma0", "ma1 ma"):
        assert np.array_equal(speak("妈妈", "zh", reading=reading, seed=1).samples, five.samples)
    assert not np.array_equal(speak("妈妈", "zh", reading="ma1 ma4", seed=1).samples, five.samples)


def test_characters_without_a_reading_get_their_pinyin() -> None:
    guessed, given = speak("你好", "zh", seed=1), speak("你好", "zh", reading="ni3 hao3", seed=1)
    assert np.array_equal(guessed.samples, given.samples)


def test_a_line_is_hurried_to_fit_and_refused_where_it_cannot() -> None:
    words = "The boy bought a big blue balloon and a pumpkin pie before breakfast."
    normal = speak(words, "en", seed=1)
    hurried = speak(words, "en", seed=1, within_s=0.8 * normal.duration_s)
    assert hurried.duration_s <= 0.8 * normal.duration_s
    assert [event.phoneme for event in hurried.events if event.phoneme] == [
        event.phoneme for event in normal.events if event.phoneme
    ]
    with pytest.raises(GenerationError, match=r"does not fit 1\.0 s") as refused:
        speak(words, "en", seed=1, within_s=1.0)
    assert refused.value.kind is FailureKind.PARAMETER


@pytest.mark.parametrize(
    ("text", "language", "reading", "sentence"),
    [
        ("毎日", "ja", None, "reads kana only and found '毎'"),
        ("まいにち", "ja", "maiにち", "reads kana only and found 'm'"),
        ("Hej", "sv", None, "asked for 'sv'"),
        ("  ", "en", None, "no words to speak"),
        ("…", "en", None, "nothing to pronounce"),
    ],
)
def test_what_cannot_be_spoken_is_refused_with_a_sentence(
    text: str, language: str, reading: str | None, sentence: str
) -> None:
    with pytest.raises(GenerationError, match=sentence) as refused:
        speak(text, language, reading=reading)
    assert refused.value.kind is FailureKind.PARAMETER

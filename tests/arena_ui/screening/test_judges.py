"""What passes and what does not, judged without an arena."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from arena_ui.journey import Step, next_step, untried
from arena_ui.screening import device, headphones, languages, training
from arena_ui.screening.device import Device, Unfit, device_from, unfit
from arena_ui.screening.training import Flaw
from arena_ui.sittings import AWAY, Rest, back_in, rest_due
from arena_ui.words import LANGUAGES, section
from evalharness.labels import ScreeningKind
from evalharness.people import Screening
from evalharness.settings import ScreeningSettings

LAPTOP = Device(1440, 900, 2.0, 59.94, plays=True, touch=False, mbit_s=25.0)
PHONE = Device(390, 844, 3.0, 60.0, plays=True, touch=True, mbit_s=None)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


# --- device ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "limits", "reason"),
    [
        (LAPTOP, {}, None),
        (PHONE, {}, None),
        (replace(LAPTOP, plays=False), {}, Unfit.CODEC),
        (PHONE, {"phones": False}, Unfit.PHONE),
        (LAPTOP, {"phones": False}, None),
        (replace(PHONE, width=820, height=1180), {"phones": False}, None),  # a tablet
        (LAPTOP, {"least_refresh_hz": 60}, None),
        (PHONE, {"least_mbit_s": 1.0}, Unfit.SPEED),  # asked for, and not measured
        (replace(PHONE, width=844, height=390), {"least_width": 390, "least_height": 844}, None),  # turned
    ],
)
def test_devices(found: Device, limits: dict[str, object], reason: Unfit | None) -> None:
    assert unfit(found, ScreeningSettings.model_validate(limits)) is reason


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 500), st.integers(1, 1000))
def test_a_limit_turns_the_verdict_exactly_where_it_lies(wide: int, high: int, hz: int, mbit: int) -> None:
    long, short = max(wide, high), min(wide, high)
    found = Device(wide, high, 1.0, hz, plays=True, touch=False, mbit_s=mbit)
    just = {"least_width": long, "least_height": short, "least_refresh_hz": hz, "least_mbit_s": mbit}
    assert unfit(found, ScreeningSettings.model_validate(just)) is None
    for name, reason in (
        ("least_width", Unfit.SCREEN),
        ("least_height", Unfit.SCREEN),
        ("least_refresh_hz", Unfit.REFRESH),
        ("least_mbit_s", Unfit.SPEED),
    ):
        more = {**just, name: just[name] + 1}
        if name == "least_height" and long == short:
            more["least_width"] = more[name]
        assert unfit(found, ScreeningSettings.model_validate(more)) is reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": 0}, "width was 0; it lies between 1 and 20000"),
        ({"height": "900"}, "height was '900'"),
        ({"ratio": float("nan")}, "ratio was nan"),
        ({"refresh_hz": 10**400}, "refresh_hz was 1000"),
        ({"refresh_hz": True}, "refresh_hz was True"),
        ({"mbit_s": -1}, "mbit_s was -1"),
        ({"plays": 1}, "plays was 1, not yes or no"),
        ({"touch": None}, "touch was None, not yes or no"),
    ],
)
def test_what_no_device_is_gets_a_sentence(change: dict[str, object], said: str) -> None:
    answer = device_from({**LAPTOP.as_json(), **change})
    assert isinstance(answer, str)
    assert answer.startswith(said)
    assert answer.endswith("Nothing was saved; reload the page.")
    assert device_from(LAPTOP.as_json()) == LAPTOP
    assert device_from(PHONE.as_json()) == PHONE


@given(
    st.dictionaries(
        st.sampled_from([*device.RANGES, "plays", "touch"]), st.none() | st.just("12") | st.floats()
    )
)
def test_nothing_that_is_sent_breaks_it(told: dict[str, object]) -> None:
    assert isinstance(device_from(told), str | Device)


def test_all_that_is_wrong_with_a_device_or_a_clip_has_its_words() -> None:
    for interface in LANGUAGES:
        assert set(section(interface, "unfit")) == {*Unfit, "headphones"}
        assert set(section(interface, "flaw")) == set(Flaw)


# --- headphones --------------------------------------------------------------------------------------


def heard(sound: bytes) -> NDArray[np.float64]:
    """The three tones of a file: (tone, channel, sample), in [-1, 1]."""
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (headphones.RATE_HZ, 2, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).T / 32_768
    step, tone = round(1.5 * headphones.RATE_HZ), headphones.RATE_HZ
    return np.stack([samples[:, place * step : place * step + tone] for place in range(3)])


def level(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.mean(sound**2, axis=-1)), np.float64)


def test_the_tones_are_what_their_trial_says() -> None:
    for trial in headphones.trials_of("a"):
        tones = heard(headphones.tones(trial))
        levels = level(tones)
        plain = ({0, 1, 2} - {trial.quieter}).pop()
        np.testing.assert_allclose(levels[:, 0], levels[:, 1], rtol=1e-3)
        assert 20 * np.log10(levels[trial.quieter, 0] / levels[plain, 0]) == pytest.approx(-6, abs=0.05)
        for place, (left, right) in enumerate(tones):
            phase = float(np.corrcoef(left, right)[0, 1])
            assert phase == pytest.approx(-1 if place == trial.antiphase else 1, abs=1e-3)
        spectrum = np.abs(np.fft.rfft(tones[plain, 0]))
        assert int(np.argmax(spectrum)) == 200
        assert np.max(np.abs(tones)) < 0.5


def test_the_volume_sample_is_as_loud_as_the_tones() -> None:
    with wave.open(io.BytesIO(headphones.volume_sample())) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32_768
    trial = headphones.Trial(0, 1)
    tone = level(heard(headphones.tones(trial)))[2, 0]
    assert 20 * np.log10(np.sqrt(np.mean(samples[:, 0] ** 2)) / tone) == pytest.approx(0, abs=1.5)
    assert np.max(np.abs(samples)) < 1


def answers_of(listener: Random, *, with_headphones: bool, secret: str) -> list[int]:
    """Which tone seems quietest to somebody whose ears are 1 dB unsure."""
    answers = []
    for trial in headphones.trials_of(secret):
        left, right = heard(headphones.tones(trial)).transpose(1, 0, 2)
        reaches = level(left) if with_headphones else level((left + right) / 2)
        loudness = 20 * np.log10(reaches + 1e-4) + [listener.gauss(0, 1) for _ in range(3)]
        answers.append(int(np.argmin(loudness)))
    return answers


@pytest.mark.parametrize("with_headphones", [True, False])
def test_headphones_pass_and_loudspeakers_do_not(with_headphones: bool) -> None:
    passed = 0
    for seed in range(20):
        secret = f"listener {seed}"
        answers = answers_of(Random(seed), with_headphones=with_headphones, secret=secret)
        right = headphones.right_answers(answers, headphones.trials_of(secret))
        assert right is not None
        passed += headphones.passes(right)
    assert passed >= 19 if with_headphones else passed <= 1


@pytest.mark.parametrize("answers", [None, [], [0] * 5, [0] * 7, [3] * 6, [-1] * 6, [True] * 6, ["0"] * 6])
def test_what_is_no_answer_to_six_trials_counts_for_nothing(answers: object) -> None:
    assert headphones.right_answers(answers, headphones.trials_of("a")) is None


def test_five_of_six_are_enough() -> None:
    assert [headphones.passes(right) for right in range(7)] == [False] * 5 + [True] * 2
    drawn = {trial for seed in range(40) for trial in headphones.trials_of(str(seed))}
    assert len(drawn) == 6, "every order is drawn"


# --- languages ---------------------------------------------------------------------------------------


def test_every_language_of_the_suites_has_sentences() -> None:
    assert set(languages.sentences()) == {"zh", "yue", "en", "ja", "ko", "fr", "de"}
    for language, sentences in languages.sentences().items():
        assert len(sentences) >= 6, language
        assert len({each.text for each in sentences}) == len(sentences)
        for each in sentences:
            assert each.text.count("___") == 1, each
            assert len(set(each.options)) == 4, each


def test_right_words_come_at_every_place_and_two_of_three_are_enough() -> None:
    places = set()
    for seed in range(60):
        asked = languages.sentences_of("de", str(seed))
        assert len({each.text for each in asked}) == 3
        right = [each.right for each in asked]
        places.update(right)
        known = {each.text: each.options[each.right] for each in asked}
        assert all(
            known[each.text] == each.options[0] for each in languages.sentences()["de"] if each.text in known
        )
        assert languages.right_answers(right, asked) == 3
        wrong = [(right[0] + 1) % 4, *right[1:]]
        assert languages.right_answers(wrong, asked) == 2
    assert places == {0, 1, 2, 3}
    assert [languages.passes(right) for right in range(4)] == [False, False, True, True]
    for nonsense in (None, [0, 1], [0, 1, 4], [0, 1, True], "012"):
        assert languages.right_answers(nonsense, asked) is None


# --- training ----------------------------------------------------------------------------------------


def test_practice_begins_with_what_is_heard_where_clips_have_sound() -> None:
    assert training.flaws(3, sounds=True) == (Flaw.LATE, Flaw.COLOUR, Flaw.BLUR)
    assert Flaw.LATE not in training.flaws(6, sounds=False)
    assert len(training.flaws(6, sounds=False)) == 6
    sides = {each.better for seed in range(20) for each in training.practices_of(str(seed), 3, sounds=True)}
    assert sides == {"left", "right"}


def test_a_flaw_is_in_the_pictures_or_in_the_sound() -> None:
    whole = np.stack(list(training._pictures(None)))
    for flaw in Flaw:
        pictures = np.stack(list(training._pictures(flaw)))
        differ = np.any(pictures != whole, axis=(1, 2, 3))
        sounds_differ = bool(np.any(training._sound(flaw) != training._sound(None)))
        assert (bool(differ.any()), sounds_differ) == (flaw is not Flaw.LATE, flaw is Flaw.LATE)
        still = sum(bool((one == other).all()) for one, other in pairwise(pictures))
        assert (still > 10) == (flaw in (Flaw.STUTTER, Flaw.FREEZE, Flaw.VANISH)), flaw
    late, early = (int(np.argmax(np.abs(training._sound(flaw)) > 0.05)) for flaw in (Flaw.LATE, None))
    assert (late - early) / 48_000 == pytest.approx(0.4, abs=1e-3)


# --- the way -----------------------------------------------------------------------------------------


def tried(kind: ScreeningKind, passed: bool = True, **details: object) -> Screening:
    return Screening("v", kind, passed, NOON, details)


ALL = ScreeningSettings(headphones=True, languages=True, training=3)
DEVICE = tried(ScreeningKind.DEVICE)
PHONES = tried(ScreeningKind.HEADPHONES)
TRAINED = tried(ScreeningKind.TRAINING)


@pytest.mark.parametrize(
    ("settings", "trials", "sounds", "left", "step"),
    [
        (ScreeningSettings(), [], True, ["en"], Step.VOTING),
        (ScreeningSettings(least_width=1), [], True, [], Step.DEVICE),
        (ScreeningSettings(phones=False), [], True, [], Step.DEVICE),
        (ScreeningSettings(languages=True), [], True, [], Step.VOTING),
        (ScreeningSettings(headphones=True), [], False, [], Step.VOTING),
        (ALL, [], True, ["en"], Step.DEVICE),
        (ALL, [DEVICE], True, ["en"], Step.HEADPHONES),
        (ALL, [DEVICE], False, ["en"], Step.LANGUAGE),
        (ALL, [DEVICE, PHONES], True, ["en"], Step.LANGUAGE),
        (ALL, [DEVICE, PHONES], True, [], Step.TRAINING),
        (ALL, [DEVICE, PHONES, TRAINED], True, [], Step.VOTING),
        (ALL, [tried(ScreeningKind.DEVICE, passed=False)], True, ["en"], Step.SCREENED_OUT),
        (ALL, [DEVICE, tried(ScreeningKind.HEADPHONES, passed=False)], True, ["en"], Step.HEADPHONES),
        (ALL, [DEVICE, *[tried(ScreeningKind.HEADPHONES, passed=False)] * 2], True, [], Step.SCREENED_OUT),
        (ScreeningSettings(device=False, training=1), [], True, [], Step.TRAINING),
    ],
)
def test_the_next_step(
    settings: ScreeningSettings, trials: list[Screening], sounds: bool, left: list[str], step: Step
) -> None:
    assert next_step(settings, trials, sounds=sounds, languages=left) is step


def test_a_language_is_tried_once() -> None:
    trials = [DEVICE, tried(ScreeningKind.LANGUAGE, passed=False, language="de")]
    assert untried(("de", "fr", "en"), {"de", "en"}, trials) == ("en",)


# --- sittings ----------------------------------------------------------------------------------------


def at(*minutes: float) -> list[datetime]:
    return [NOON + timedelta(minutes=each) for each in minutes]


TEN, THIRTY, NEVER = timedelta(minutes=10), timedelta(minutes=30), timedelta(0)


@pytest.mark.parametrize(
    ("minutes", "now", "rest"),
    [
        ([], 0, Rest.NONE),
        ([0], 9, Rest.NONE),
        ([0, 5, 9], 11, Rest.NONE),  # the answer that passes ten minutes brings the offer
        ([0, 5, 9, 10], 10, Rest.OFFER),
        ([0, 5, 9, 10], 12, Rest.OFFER),  # loaded again
        ([3, 3.5], 13, Rest.NONE),
        ([0, 5, 9, 10, 11], 11, Rest.NONE),  # offered once
        ([0, 9, 19, 21], 21, Rest.OFFER),
        ([0, 10, 20, 29], 29.99, Rest.NONE),
        ([0, 10, 20, 29], 30, Rest.OVER),
        ([0, 10, 20, 29], 44, Rest.OVER),
        ([0, 10, 20, 29], 44.01, Rest.NONE),  # away for a quarter of an hour
        ([0, 10, 26, 36], 36, Rest.OFFER),  # a sitting that began at 26
        ([29, 0, 20, 10], 30, Rest.OVER),
    ],
)
def test_rests(minutes: list[float], now: float, rest: Rest) -> None:
    [moment] = at(now)
    assert rest_due(at(*minutes), at(*minutes), moment, TEN, THIRTY) is rest
    assert rest_due(at(*minutes, *minutes[-1:]), at(*minutes), moment, TEN, THIRTY) is rest, (
        "the pair drawn next"
    )


def test_nobody_rests_where_the_study_says_so_and_who_does_is_told_how_long() -> None:
    assert rest_due([], at(*range(0, 300, 5)), NOON + timedelta(hours=5), NEVER, NEVER) is Rest.NONE
    assert back_in(at(0, 29), NOON + timedelta(minutes=30)) == timedelta(minutes=14)
    assert back_in([], NOON) == back_in(at(0), NOON + AWAY * 2) == timedelta(0)

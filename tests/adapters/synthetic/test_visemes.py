"""Lips keep the laws of lips: shut means zero, a shift shifts, planted errors are as many as asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalharness.adapters.synthetic.speech import PhonemeEvent
from evalharness.adapters.synthetic.visemes import Viseme, mouth_tracks, visemes_of
from evalharness.errors import GenerationError

FINE = np.arange(0.0, 2.0, 0.001)


def line(*phonemes: str, each_s: float = 0.1, start_s: float = 0.3) -> list[PhonemeEvent]:
    return [
        PhonemeEvent(start_s + i * each_s, start_s + (i + 1) * each_s, phoneme)
        for i, phoneme in enumerate(phonemes)
    ]


phonemes = st.lists(
    st.sampled_from(["p", "b", "m", "a", "i", "uː", "f", "s", "ʃ", "t", "", "ɔø", "pf"]),
    min_size=1,
    max_size=12,
)
lengths = st.floats(0.02, 0.15)


@pytest.mark.parametrize(
    ("phoneme", "shapes"),
    [
        ("", [Viseme.REST]),
        ("m", [Viseme.P]),
        ("ph", [Viseme.P]),
        ("pf", [Viseme.P, Viseme.F]),
        ("tʃ", [Viseme.CH]),
        ("ts.h", [Viseme.CH]),
        ("aɪ", [Viseme.A, Viseme.I]),
        ("ɔ̃", [Viseme.O]),
        ("ɑː", [Viseme.A]),
        ("ä", [Viseme.A]),
        ("ç", [Viseme.I]),
        ("oenɡ", [Viseme.O, Viseme.N]),
        ("ɯᵝ", [Viseme.U]),
    ],
)
def test_phonemes_have_the_lips_a_phonetician_expects(phoneme: str, shapes: list[Viseme]) -> None:
    assert list(visemes_of(phoneme)) == shapes


def test_an_unknown_letter_is_an_error_not_a_guess() -> None:
    with pytest.raises(GenerationError, match="'ж'"):
        visemes_of("aж")


@given(phonemes, lengths)
def test_lips_are_exactly_shut_for_sixty_milliseconds_in_every_closure(
    spoken: list[str], each: float
) -> None:
    tracks = mouth_tracks(line(*spoken, each_s=each), FINE)
    assert len(tracks.closures) == sum(phoneme in {"p", "b", "m", "pf"} for phoneme in spoken)
    for closure in tracks.closures:
        assert closure.end_s - closure.start_s >= 0.06 - 1e-9
        inside = (closure.start_s <= FINE) & (closure.end_s >= FINE)
        assert inside.sum() >= 59
        assert np.all(tracks.opening[inside] == 0.0)
    assert tracks.drawn_closures == tracks.closures


@given(phonemes, lengths)
def test_tracks_stay_in_range_and_move_smoothly(spoken: list[str], each: float) -> None:
    tracks = mouth_tracks(line(*spoken, each_s=each), FINE)
    for track in (tracks.opening, tracks.protrusion, tracks.teeth):
        assert np.all((track >= 0.0) & (track <= 1.0 + 1e-12))
        assert np.abs(np.diff(track)).max() < 0.035  # in a millisecond: nothing jumps
    assert np.all((tracks.half_width > 0.6) & (tracks.half_width < 1.25))


@given(phonemes, st.integers(1, 300))
def test_words_said_later_are_mouthed_later(spoken: list[str], late_ms: int) -> None:
    early, late = line(*spoken, each_s=0.09), line(*spoken, each_s=0.09, start_s=0.3 + late_ms / 1000)
    now, then = mouth_tracks(early, FINE), mouth_tracks(late, FINE + late_ms / 1000)
    assert np.allclose(now.opening, then.opening, atol=1e-9)
    assert np.allclose(now.half_width, then.half_width, atol=1e-9)


def test_a_short_stop_is_shut_before_its_burst_and_a_nasal_while_it_sounds() -> None:
    stop = mouth_tracks([PhonemeEvent(0.5, 0.535, "p"), PhonemeEvent(0.535, 0.8, "a")], FINE).closures[0]
    assert stop.start_s < 0.46
    assert 0.5 < stop.end_s < 0.53
    breath = mouth_tracks([PhonemeEvent(0.5, 0.58, "ph"), PhonemeEvent(0.58, 0.8, "a")], FINE).closures[0]
    assert breath == stop  # aspiration comes through open lips
    voiced = mouth_tracks([PhonemeEvent(0.5, 0.58, "b"), PhonemeEvent(0.58, 0.8, "a")], FINE).closures[0]
    assert (voiced.start_s, voiced.end_s) == pytest.approx((0.5, 0.58))
    nasal = mouth_tracks([PhonemeEvent(0.5, 0.6, "m"), PhonemeEvent(0.6, 0.8, "a")], FINE).closures[0]
    assert (nasal.start_s, nasal.end_s) == pytest.approx((0.5, 0.6))


def test_an_f_bares_the_teeth_over_a_small_gap_and_an_u_pouts() -> None:
    middle = np.array([0.45])
    f, u, i = (mouth_tracks(line(one, each_s=0.3), middle)[0] for one in ("f", "uː", "iː"))
    assert f.teeth > 0.8
    assert 0 < f.opening < 0.2
    assert u.protrusion > 0.7
    assert u.half_width < 0.8 < 1.1 < i.half_width


def test_outside_the_line_the_mouth_rests() -> None:
    rest = mouth_tracks(line("a"), np.array([-5.0, 60.0]))
    assert np.all(rest.opening < 0.05)
    assert np.all(rest.half_width == pytest.approx(1.0))


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 1.0])
def test_planted_errors_are_as_many_as_asked_for(rate: float) -> None:
    spoken = line(*["p", "a", "t", "i", "m", "uː"] * 200, each_s=0.08)
    tracks = mouth_tracks(spoken, FINE, error_rate=rate, seed=3)
    assert tracks.phonemes == 1200
    assert tracks.wrong / 1200 == pytest.approx(rate, abs=0.045)  # three standard errors of a coin
    assert len(tracks.closures) == 400
    kept = set(tracks.closures) & set(tracks.drawn_closures)
    assert len(kept) / 400 == pytest.approx(1 - rate, abs=0.08)


def test_errors_are_seeded() -> None:
    spoken = line(*["p", "a", "t", "i"] * 4)
    once, again, other = (mouth_tracks(spoken, FINE, error_rate=0.5, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(once.opening, again.opening)
    assert not np.array_equal(once.opening, other.opening)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_an_impossible_error_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="probability from 0 to 1"):
        mouth_tracks(line("a"), FINE, error_rate=rate)

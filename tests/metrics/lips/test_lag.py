"""Lip-sync lag: laws, refusals, real clips, and renders whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics.base import Unscorable
from metrics.lips import LagReading, lag
from metrics.lips.corpus import Talker, read_talkers

LIPSYNC = Path(__file__).resolve().parents[4] / "shared" / "data" / "lipsync"


@pytest.fixture(scope="session")
def talkers() -> dict[str, Talker]:
    if not LIPSYNC.is_dir():
        pytest.skip(f"the talking clips are not there: {LIPSYNC}")
    return {talker.name: talker for talker in read_talkers(LIPSYNC)}


@pytest.fixture(scope="session")
def talker(talkers: dict[str, Talker]) -> Talker:
    return talkers["1p_closeup_facingcamera__2_girl_drawing"]


def read(talker: Talker, start_s: float = 0.0) -> LagReading:
    found = lag(talker.mesh, talker.times_s, talker.speech, 16000, start_s)
    assert isinstance(found, LagReading), found
    return found


def refusal(mesh: np.ndarray, times_s: np.ndarray, speech: np.ndarray, rate_hz: int = 16000) -> str:
    found = lag(mesh, times_s, speech, rate_hz)
    assert isinstance(found, Unscorable), found
    return found.reason


@pytest.mark.realclips
@pytest.mark.parametrize("shift_s", [-0.3917, -0.0613, 0.0137, 0.25])
def test_sound_moved_by_d_moves_the_lag_by_d(talker: Talker, shift_s: float) -> None:
    at_home, moved = read(talker), read(talker, shift_s)
    assert moved.lag_s - at_home.lag_s == pytest.approx(shift_s, abs=0.012)
    assert moved.interval_s[0] - shift_s == pytest.approx(at_home.interval_s[0], abs=0.02)


@pytest.mark.realclips
def test_neither_pixels_nor_a_turned_head_nor_loudness_matters(talker: Talker) -> None:
    turn = np.array([[0.95, -0.31, 0], [0.31, 0.95, 0], [0, 0, 1]]) / np.hypot(0.95, 0.31)
    elsewhere = replace(talker, mesh=np.asarray(talker.mesh, float) @ turn * 217.0 + [300, 200, 0])
    louder = replace(talker, speech=talker.speech * 0.05)
    at_home = read(talker)
    assert read(elsewhere).lag_s == pytest.approx(at_home.lag_s, abs=1e-3)
    assert read(louder).lag_s == pytest.approx(at_home.lag_s, abs=1e-3)
    assert read(louder).confidence == pytest.approx(at_home.confidence, rel=1e-2)


@pytest.mark.realclips
def test_other_rates_of_picture_and_sound_give_the_same_lag(talker: Talker) -> None:
    from scipy.signal import resample_poly

    at_home = read(talker)
    rng = np.random.default_rng(2)
    kept = np.sort(rng.choice(len(talker.mesh), int(0.8 * len(talker.mesh)), replace=False))
    uneven = replace(talker, mesh=talker.mesh[kept], times_s=talker.times_s[kept])
    assert read(uneven).lag_s == pytest.approx(at_home.lag_s, abs=0.025)
    found = lag(talker.mesh, talker.times_s, resample_poly(talker.speech, 3, 1), 48000)
    assert isinstance(found, LagReading)
    assert found.lag_s == pytest.approx(at_home.lag_s, abs=0.01)


@pytest.mark.realclips
def test_most_clips_agree_with_syncnet_and_their_own_voice_beats_another(talkers: dict[str, Talker]) -> None:
    """The shipped net has seen these clips: this holds the file and the code together, it is no proof."""
    some = [talker for talker in talkers.values() if talker.lag_s is not None][::12]
    readings = [lag(one.mesh, one.times_s, one.speech, 16000) for one in some]
    swapped = [
        lag(one.mesh, one.times_s, other.speech, 16000)
        for one, other in zip(some, some[1:] + some[:1], strict=True)
    ]
    near = [
        abs(found.syncnet_lag_s - one.lag_s) <= 0.0401
        for found, one in zip(readings, some, strict=True)
        if isinstance(found, LagReading) and one.lag_s is not None
    ]
    assert len(near) >= 0.9 * len(some)
    assert np.mean(near) >= 0.9
    assert np.mean([isinstance(found, Unscorable) for found in swapped]) >= 0.6


@pytest.mark.realclips
def test_the_same_numbers_twice(talker: Talker) -> None:
    assert read(talker) == read(talker)


@pytest.mark.realclips
def test_what_cannot_be_told_says_why(talker: Talker) -> None:
    mesh, times, speech = np.asarray(talker.mesh, float), talker.times_s, talker.speech
    assert "silence" in refusal(mesh, times, np.zeros_like(speech))
    assert "no sound" in refusal(mesh, times, np.zeros(0))
    assert "half of them" in refusal(
        np.where(np.arange(len(mesh))[:, None, None] % 3 == 0, mesh, np.nan), times, speech
    )
    assert "share 0.4" in refusal(mesh[:12], times[:12], speech)
    assert "share 0.5" in refusal(mesh, times, speech[:8000])
    assert "does not move" in refusal(np.repeat(mesh[:1], len(mesh), axis=0), times, speech)
    noise = np.random.default_rng(3).normal(0, 0.1, len(speech))
    assert "no verdict" in refusal(mesh, times, noise)


def test_what_is_no_clip_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\(5, 3, 468\)"):
        lag(np.zeros((5, 3, 468)), np.arange(5.0) / 25, np.zeros(80000), 16000)
    with pytest.raises(ValueError, match="increase"):
        lag(np.zeros((3, 468, 3)), np.array([0.0, 0.2, 0.2]), np.zeros(80000), 16000)
    with pytest.raises(ValueError, match=r"mono speech \(m,\); got the shape \(2, 80000\)"):
        lag(np.zeros((5, 468, 3)), np.arange(5.0) / 25, np.zeros((2, 80000)), 16000)
    holed = np.where(np.arange(80000) % 40000 == 7, np.nan, 0.0)
    with pytest.raises(ValueError, match="2 of 80000 are NaN or infinite, the first of them sample 7"):
        lag(np.zeros((5, 468, 3)), np.arange(5.0) / 25, holed, 16000)
    with pytest.raises(ValueError, match=r" 1 s apart\. Were they milliseconds, or numbers of frames"):
        lag(np.zeros((5, 468, 3)), np.arange(5.0), np.zeros(80000), 16000)
    with pytest.raises(ValueError, match=r"40 s apart\. Were they milliseconds"):
        lag(np.zeros((5, 468, 3)), 40.0 * np.arange(5.0), np.zeros(80000), 16000)
    with pytest.raises(ValueError, match="must be finite"):
        lag(np.zeros((2, 468, 3)), np.array([0.0, np.nan]), np.zeros(80000), 16000)
    for rate_hz, start_s in ((0, 0.0), (np.nan, 0.0), (16000, np.nan), (16000, "0"), ("16000", 0.0)):
        with pytest.raises(ValueError, match=f"got rate_hz={rate_hz!r} and speech_start_s={start_s!r}"):
            lag(np.zeros((5, 468, 3)), np.arange(5.0) / 25, np.zeros(80000), rate_hz, start_s)


@pytest.mark.realclips
def test_a_lag_within_an_interval_of_a_bound_gets_no_verdict(talker: Talker) -> None:
    at_home = read(talker)
    noticed = read(talker, 0.125 - at_home.lag_s)  # sound moved onto the bound itself
    assert (noticed.verdict, noticed.verdicts) == ("open", ("unnoticed", "noticed"))
    late = read(talker, 0.4 - at_home.lag_s)
    assert (late.verdict, late.verdicts) == ("unacceptable", ("unacceptable",))


@pytest.mark.realclips
def test_syncnet_has_another_zero_and_that_is_all(talker: Talker) -> None:
    """The constant between the two is that of the weights file, whatever the lag."""
    found = [read(talker, start_s) for start_s in (0.0, 0.11)]
    apart = [one.lag_s - one.syncnet_lag_s for one in found]
    assert apart == pytest.approx([0.063, 0.063])

"""Event sync, judged by clips whose truth is known and by shifts of real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.sync.curves import Curve, impulse_curve, onset_curve
from metrics.sync.events import Event, EventSync, half_interval
from metrics.sync.lag import find_lag

IMPACTS = [0.613, 1.101, 1.9, 2.42]
FPS = 24.0
DURATION_S = 3.0
TIMES = np.arange(round(DURATION_S * FPS)) / FPS


@pytest.fixture(scope="module")
def bouncing(make_ball: Callable[..., np.ndarray], make_clicks: Callable[..., np.ndarray]) -> AVClip:
    """A ball that lands at IMPACTS, with a knock at each landing."""
    return AVClip(
        frame_times_s=TIMES,
        grey=make_ball(TIMES, IMPACTS),
        samples=make_clicks(IMPACTS, DURATION_S),
        rate_hz=48000,
        last_frame_s=1 / FPS,
    )


def offset_of(clip: AVClip) -> float:
    reading = EventSync().measure(clip)["offset_s"]
    assert isinstance(reading, Value), reading
    return reading.value


def refusal_of(clip: AVClip) -> str:
    reading = EventSync().measure(clip)["offset_s"]
    assert isinstance(reading, Unscorable), reading
    return reading.reason


def test_landings_that_sound_when_they_are_seen_are_in_sync_within_half_a_frame(bouncing: AVClip) -> None:
    assert abs(offset_of(bouncing)) < 0.5 / FPS


@pytest.mark.parametrize("shift_s", [-0.4, -0.2, -0.0613, 0.0271, 0.1, 0.4])
def test_sound_moved_by_d_moves_the_offset_by_d(bouncing: AVClip, shift_s: float) -> None:
    moved = replace(bouncing, audio_start_s=shift_s)
    assert offset_of(moved) - offset_of(bouncing) == pytest.approx(shift_s, abs=0.001)


def test_the_picture_alone_says_when_things_land(bouncing: AVClip) -> None:
    curve = impulse_curve(bouncing.frame_times_s, bouncing.grey)
    for impact in IMPACTS:
        near = np.abs(curve.times_s - impact) < 0.09
        peak = curve.times_s[near][np.argmax(curve.strength[near])]
        assert abs(peak - impact) <= 1 / FPS
        assert curve.strength[near].max() > 2 * np.median(curve.strength)


def _texture(rows: int, columns: int) -> np.ndarray:
    grain = np.random.default_rng(5).uniform(0, 255, (rows, columns))
    return np.apply_along_axis(np.convolve, 1, grain, np.ones(7) / 7, mode="same")


def test_even_movement_has_no_impulse_however_fast_it_is_and_its_end_has() -> None:
    band = np.stack([_texture(96, 640)] * 48)
    band[:, 32:64, :256] = [band[0, 32:64, 4 * i : 4 * i + 256] for i in range(48)]
    even = band[:, :, :256].astype(np.uint8)
    stopped = np.concatenate([even[:24], np.repeat(even[24:25], 24, axis=0)])
    running = impulse_curve(np.arange(48) / 24, even)
    stopping = impulse_curve(np.arange(48) / 24, stopped)
    assert stopping.strength.max() > 5 * running.strength.max()
    assert stopping.times_s[np.argmax(stopping.strength)] == pytest.approx(24 / 24, abs=1 / 24)


def test_a_camera_that_stops_is_no_event() -> None:
    wide = _texture(96, 640)
    pan = np.stack([wide[:, 4 * min(i, 24) : 4 * min(i, 24) + 256] for i in range(48)]).astype(np.uint8)
    thing = pan.copy()
    thing[:, 32:64] = [np.roll(wide[32:64, :256], 4 * min(i, 24), axis=1) for i in range(48)]
    of_camera = impulse_curve(np.arange(48) / 24, pan).strength[20:26].max()
    assert of_camera < 0.2 * impulse_curve(np.arange(48) / 24, thing).strength[20:26].max()


def _grainy(grey: np.ndarray, levels: float) -> np.ndarray:
    """Fresh Gaussian noise of this standard deviation on every picture."""
    grain = np.random.default_rng(11).normal(0, levels, grey.shape)
    return np.clip(np.round(grey + grain), 0, 255).astype(np.uint8)


def test_grain_does_not_move_the_offset(bouncing: AVClip) -> None:
    grainy = replace(bouncing, grey=_grainy(bouncing.grey, 8.0))
    assert offset_of(grainy) == pytest.approx(offset_of(bouncing), abs=0.02)
    assert "cannot be seen" in refusal_of(replace(bouncing, grey=_grainy(bouncing.grey, 24.0)))


def test_dancing_grain_is_no_movement(bouncing: AVClip) -> None:
    still = np.repeat(bouncing.grey[:1], 24, axis=0)
    of_grain = impulse_curve(TIMES[:24], _grainy(still, 8.0)).strength
    of_ball = impulse_curve(TIMES, _grainy(bouncing.grey, 8.0)).strength
    assert of_grain.max() < 0.1 * of_ball.max()


def test_knocks_are_heard_when_they_begin(make_clicks: Callable[..., np.ndarray]) -> None:
    curve = onset_curve(make_clicks(IMPACTS, DURATION_S)[0], 48000, 0.0)
    for impact in IMPACTS:
        near = np.abs(curve.times_s - impact) < 0.03
        assert curve.times_s[near][np.argmax(curve.strength[near])] == pytest.approx(impact, abs=0.005)


def _moved(samples: np.ndarray, by: int) -> np.ndarray:
    """Sound put off by `by` samples (brought forward if negative), with zeros where none is left."""
    moved = np.zeros_like(samples)
    into, out_of = slice(max(by, 0), min(by, 0) or None), slice(max(-by, 0), min(-by, 0) or None)
    moved[:, into] = samples[:, out_of]
    return moved


@pytest.mark.parametrize("gap", [slice(0, 40000), slice(60000, 75000)])
def test_a_room_that_sets_in_after_digital_silence_is_no_onset(
    make_clicks: Callable[..., np.ndarray], gap: slice
) -> None:
    room = np.random.default_rng(4).normal(0, 0.01, (1, 144000)).astype(np.float32)
    sound = (make_clicks([1.1, 1.9, 2.42], DURATION_S) + room).astype(np.float32)
    sound[:, gap] = 0
    curve = onset_curve(sound[0], 48000, 0.0)
    sets_in = np.abs(curve.times_s - gap.stop / 48000) < 0.05
    assert curve.strength[sets_in].max() < 0.2 * curve.strength.max()


def test_a_knock_out_of_digital_silence_is_an_onset(make_clicks: Callable[..., np.ndarray]) -> None:
    knocks = make_clicks([0.9, 1.9], DURATION_S)[0]
    knocks[np.abs(knocks) < 1e-3] = 0
    room = np.random.default_rng(4).normal(0, 0.001, knocks.size).astype(np.float32)
    room[:72000] = 0
    curve = onset_curve(knocks + room, 48000, 0.0)
    first = np.abs(curve.times_s - 0.9) < 0.03
    assert curve.strength[first].max() > 0.5 * curve.strength.max()


def test_a_sound_of_a_few_windows_may_begin_in_silence() -> None:
    short = np.zeros(1000, np.float32)
    short[700:] = 0.1
    assert len(onset_curve(short, 48000, 0.0).times_s) == 4


def test_sound_without_digital_silence_is_heard_as_it_was(make_clicks: Callable[..., np.ndarray]) -> None:
    """Zeros put before a sound leave the curve of the sound itself alone."""
    sound = np.random.default_rng(4).normal(0, 0.01, 144000).astype(np.float32) + make_clicks(
        IMPACTS, DURATION_S
    )[0].astype(np.float32)
    alone = onset_curve(sound, 48000, 0.0)
    after = onset_curve(np.concatenate([np.zeros(4800, np.float32), sound]), 48000, -0.1)
    kept = np.flatnonzero(after.times_s > alone.times_s[10])
    assert after.strength[kept][-len(alone.strength) + 11 :] == pytest.approx(
        alone.strength[11:][-len(kept) :], abs=1e-6
    )


def test_held_frames_change_no_verdict(bouncing: AVClip) -> None:
    """Every third picture shown twice as long, as a 16 fps clip in a 24 fps file is."""
    index = np.arange(len(TIMES)) - (np.arange(len(TIMES)) % 3 == 2)
    assert offset_of(replace(bouncing, grey=bouncing.grey[index])) == pytest.approx(
        offset_of(bouncing), abs=0.04
    )


def test_what_cannot_be_told_says_why(bouncing: AVClip, make_clicks: Callable[..., np.ndarray]) -> None:
    silent = replace(bouncing, samples=np.zeros((0, 0), np.float32), rate_hz=0)
    assert "no sound" in refusal_of(silent)
    assert "silent or continuous" in refusal_of(replace(bouncing, samples=np.zeros_like(bouncing.samples)))
    hum = np.sin(2 * np.pi * 200 * np.arange(144000) / 48000).astype(np.float32)[None]
    noise = np.random.default_rng(3).normal(0, 0.2, (1, 144000)).astype(np.float32)
    assert "silent or continuous" in refusal_of(replace(bouncing, samples=noise))
    EventSync().measure(replace(bouncing, samples=hum))
    still = replace(bouncing, grey=np.repeat(bouncing.grey[:1], len(TIMES), axis=0))
    assert "Nothing in the picture" in refusal_of(still)
    short = replace(bouncing, frame_times_s=TIMES[:20], grey=bouncing.grey[:20])
    assert "lasts 0.83 s" in refusal_of(short)
    elsewhere = replace(bouncing, samples=make_clicks([0.1, 2.4, 2.75], DURATION_S))
    assert refusal_of(elsewhere)


def test_steps_as_regular_as_a_clock_are_not_told_apart() -> None:
    beat = np.arange(0.25, 5.0, 0.25)
    seen = Curve(np.arange(120) / 24, np.zeros(120))
    seen.strength[np.round(beat * 24).astype(int)] = 1.0
    heard_times = np.arange(2000, dtype=np.float64) * 0.0025
    heard = Curve(heard_times, np.zeros(2000))
    heard.strength[np.round(beat / 0.0025).astype(int)] = 1.0
    lag = find_lag(seen, heard, 1 / 24)
    assert lag.rival > 0.9 * lag.correlation


@settings(max_examples=25, deadline=None)
@given(
    shift=st.floats(-0.3, 0.3),
    impacts=st.lists(st.integers(20, 80), min_size=2, max_size=6, unique=True),
)
def test_two_curves_of_the_same_events_are_apart_by_their_shift(shift: float, impacts: list[int]) -> None:
    times = np.arange(100) / 24
    strength = np.zeros(100)
    strength[impacts] = np.linspace(1.0, 0.4, len(impacts))
    fine = np.arange(0, 100 / 24, 0.0025)
    heard = np.zeros(len(fine))
    for place, height in zip(impacts, np.linspace(1.0, 0.4, len(impacts)), strict=True):
        heard[int(np.argmin(np.abs(fine - place / 24)))] = height
    lag = find_lag(Curve(times, strength), Curve(fine + shift, heard), 1 / 24)
    assert lag.offset_s == pytest.approx(shift, abs=0.004)
    assert lag.correlation > 0.95


@pytest.mark.parametrize("codec", ["aac", "libopus"])
def test_the_offset_survives_a_file(
    bouncing: AVClip, write_clip: Callable[..., Path], tmp_path: Path, codec: str
) -> None:
    name = "clip.mp4" if codec == "aac" else "clip.mkv"
    for shift_s in (0.0, 0.12):
        path = write_clip(
            tmp_path / name,
            bouncing.grey,
            fps=FPS,
            samples=bouncing.samples,
            codec=codec,
            audio_start_s=shift_s,
        )
        assert offset_of(AVClip.open(path)) - offset_of(bouncing) == pytest.approx(shift_s, abs=0.01)


@pytest.mark.parametrize(
    "prompt_id", ["sync-hammer-01", "sync-basketball-zh-01", "sync-nagel-de-01", "sync-knife-ko-01"]
)
def test_rendered_impacts_are_found_within_20_ms_of_the_truth(tmp_path: Path, prompt_id: str) -> None:
    clip = _rendered(tmp_path, prompt_id, 0.15)
    assert offset_of(clip) == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("prompt_id", ["sync-footsteps-01", "sync-ice-01"])
def test_walkers_whose_legs_stop_between_their_steps_get_no_number(tmp_path: Path, prompt_id: str) -> None:
    assert refusal_of(_rendered(tmp_path, prompt_id, 0.0))


def test_doors_that_slow_down_before_they_shut_get_no_number(tmp_path: Path) -> None:
    door = _rendered(tmp_path, "sync-door-01", 0.1, duration_s=5.0)
    assert "slows down" in refusal_of(door)
    assert "slows down" in refusal_of(replace(door, grey=_grainy(door.grey, 6.0)))


def _rendered(folder: Path, prompt_id: str, sound_offset_s: float, duration_s: float = 4.0) -> AVClip:
    """A scene of known impacts, whose sound is late by a known amount."""
    from evalharness.adapters.synthetic.knobs import Knobs
    from evalharness.adapters.synthetic.render import Order, render
    from evalharness.config import PromptSettings
    from evalharness.prompts import load_suites

    (prompt,) = load_suites(PromptSettings(suites=["audio-sync"], ids=[prompt_id]), folder)
    rendered = render(Order(prompt, 1, duration_s, 640, 360, 24.0), Knobs(sound_offset_s=sound_offset_s))
    seen_s = np.array([impact.time_s for impact in rendered.truth.impacts])
    assert np.array(rendered.truth.heard_s) - seen_s == pytest.approx(sound_offset_s)
    assert rendered.samples is not None
    return AVClip(
        frame_times_s=np.arange(rendered.count) / 24,
        grey=np.stack([np.asarray(frame[::2, ::2].mean(axis=2), np.uint8) for frame in rendered.frames]),
        samples=rendered.samples,
        rate_hz=rendered.rate_hz,
        last_frame_s=1 / 24,
    )


def test_every_event_is_listed_and_the_interval_holds_the_truth(bouncing: AVClip) -> None:
    reading = EventSync().measure(replace(bouncing, audio_start_s=0.1))["offset_s"]
    assert isinstance(reading, Value)
    low, high = reading.details["interval_s"]
    assert low < 0.1 < high
    assert high - low < 4 / FPS
    assert (reading.details["verdict"], reading.details["verdicts"]) == ("open", ["unnoticed", "noticed"])
    events = reading.details["events"]
    assert [event["seen_s"] for event in events] == pytest.approx(IMPACTS, abs=1 / FPS)
    assert [event["heard_s"] for event in events] == pytest.approx(np.array(IMPACTS) + 0.1, abs=0.005)
    for event in events:
        assert event["lag_s"] == pytest.approx(event["heard_s"] - event["seen_s"], abs=2e-4)
        assert 0 < event["strength"] <= 1
        assert 0 <= event["braked"] < 0.25


def test_the_interval_widens_with_scatter_and_narrows_with_events() -> None:
    def half(*lags_s: float) -> float:
        return half_interval([Event(float(i), i + lag, 1.0) for i, lag in enumerate(lags_s)], 1 / FPS)

    assert half(0.0, 0.0, 0.0, 0.0) == pytest.approx(1.96 * 0.6 / FPS)  # what all events share is never less
    assert half(-0.02, 0.0, 0.0, 0.02) < half(-0.05, 0.0, 0.0, 0.05)
    assert half(*[-0.05, 0.05] * 2) > half(*[-0.05, 0.05] * 8)
    scatter = np.std([-0.02, 0.01, 0.02, 0.04], ddof=1) / 2  # of four, equally strong: the textbook's error
    assert half(-0.02, 0.01, 0.02, 0.04) == pytest.approx(1.96 * np.hypot(scatter, 0.6 / FPS))
    with pytest.raises(ValueError, match="needs 3 events"):
        half(0.0, 0.0)


def test_two_events_are_too_few(
    make_ball: Callable[..., np.ndarray], make_clicks: Callable[..., np.ndarray]
) -> None:
    two = [0.8, 1.7]
    clip = AVClip(TIMES, make_ball(TIMES, two), make_clicks(two, DURATION_S), 48000, 0.0, 1 / FPS)
    assert "3 are needed" in refusal_of(clip)


@pytest.mark.realclips
@pytest.mark.parametrize("name", ["fc_av1", "fc_av2"])
def test_real_impacts_follow_a_shift_of_their_sound(real_clips: Path, name: str) -> None:
    clip = AVClip.open(real_clips / f"{name}.mp4")
    at_home = offset_of(clip)
    assert abs(at_home) < 0.1
    for shift_s in (-0.4, 0.4):
        moved = offset_of(replace(clip, audio_start_s=clip.audio_start_s + shift_s))
        assert moved - at_home == pytest.approx(shift_s, abs=0.005)


@pytest.mark.realclips
@pytest.mark.parametrize("name", ["fc_av1", "fc_av2"])
def test_real_impacts_follow_samples_moved_under_a_fixed_start(real_clips: Path, name: str) -> None:
    """Zeros stand where nothing was recorded: the end of that silence is no event."""
    clip = AVClip.open(real_clips / f"{name}.mp4")
    at_home = offset_of(clip)
    for shift_s in (-0.4, -0.2, 0.05, 0.2, 0.35, 0.4):
        moved = offset_of(replace(clip, samples=_moved(clip.samples, round(shift_s * clip.rate_hz))))
        assert moved - at_home == pytest.approx(shift_s, abs=0.005)


@pytest.mark.realclips
@pytest.mark.parametrize("name", ["fc_vs0", "vr_1", "mb_MoCha_02"])
def test_drum_rolls_and_talk_get_no_number(real_clips: Path, name: str) -> None:
    assert refusal_of(AVClip.open(real_clips / f"{name}.mp4"))

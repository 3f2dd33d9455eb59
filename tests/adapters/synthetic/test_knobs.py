"""Each knob does what it says by the amount it says, and nothing else."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from evalharness.adapters.parameters import read_parameters
from evalharness.adapters.synthetic.demo import DEMO_SYSTEMS
from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order, Rendered, render
from evalharness.errors import ConfigError
from evalharness.records import Prompt, System, Task

RATE_HZ = 48_000


def ball(**knobs: Any) -> Rendered:
    prompt = Prompt(
        id="ball",
        task=Task.TEXT_TO_VIDEO,
        text="A red ball.",
        language="en",
        licence="CC0-1.0",
        tags=("scene:ball",),
    )
    return render(Order(prompt, 1, 1.5, 160, 96, 24.0), Knobs(**knobs))


def pictures(rendered: Rendered) -> np.ndarray:
    return np.stack(list(rendered.frames))


def sound(rendered: Rendered) -> np.ndarray:
    assert rendered.samples is not None
    return rendered.samples


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return pictures(ball())


def lag_s(of: np.ndarray, against: np.ndarray) -> float:
    """By how much `of` comes later, from the peak of the cross-correlation."""
    size = 2 * max(len(of), len(against))
    product = np.fft.irfft(np.fft.rfft(of, size) * np.conj(np.fft.rfft(against, size)), size)
    shift = int(np.argmax(product))
    return (shift if shift < size // 2 else shift - size) / RATE_HZ


@pytest.mark.parametrize("offset_s", [0.12, -0.2, 0.0505])
def test_the_offset_moves_the_sound_and_leaves_the_pictures(offset_s: float, plain: np.ndarray) -> None:
    moved = ball(sound_offset_s=offset_s)
    assert lag_s(sound(moved)[0], sound(ball())[0]) == pytest.approx(offset_s, abs=1.5 / RATE_HZ)
    assert np.array_equal(pictures(moved), plain)
    impacts = [impact.time_s for impact in moved.truth.impacts]
    assert moved.truth.heard_s == pytest.approx([time + offset_s for time in impacts])


def test_jitter_moves_each_event_by_its_own_amount() -> None:
    truth = ball(sound_jitter_s=0.05).truth
    late = [heard - seen.time_s for heard, seen in zip(truth.heard_s, truth.impacts, strict=True)]
    assert len(late) >= 2
    assert np.std(late) > 0.005
    assert np.abs(late).max() < 0.25


def test_blur_takes_away_detail(plain: np.ndarray) -> None:
    sharpness = [cv2.Laplacian(plain[5], cv2.CV_64F).var()]
    sharpness += [cv2.Laplacian(pictures(ball(blur=b))[5], cv2.CV_64F).var() for b in (4.0, 10.0)]
    assert sharpness[0] > 1.5 * sharpness[1]
    assert sharpness[1] > 1.2 * sharpness[2]


def test_noise_has_its_deviation(plain: np.ndarray) -> None:
    grey = (plain > 40).all(axis=3) & (plain < 215).all(axis=3)
    difference = (pictures(ball(noise=8.0)).astype(int) - plain)[grey]
    assert difference.std() == pytest.approx(8.0, rel=0.05)
    assert abs(difference.mean()) < 0.3


def test_noise_is_new_in_every_frame(plain: np.ndarray) -> None:
    fields = pictures(ball(noise=8.0))[2:4].astype(int) - plain[2:4]
    assert abs(np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1]) < 0.1


def test_flicker_changes_the_brightness_of_whole_frames(plain: np.ndarray) -> None:
    ratio = pictures(ball(flicker=0.1)).mean(axis=(1, 2, 3)) / plain.mean(axis=(1, 2, 3))
    assert 0.05 < ratio.std() < 0.2


def test_lost_frames_repeat_the_one_before(plain: np.ndarray) -> None:
    shown = pictures(ball(frame_drop_rate=0.5))
    assert len(shown) == len(plain)
    repeated = [bool(np.array_equal(a, b)) for a, b in zip(shown[1:], shown[:-1], strict=True)]
    unmoved = [bool(np.array_equal(a, b)) for a, b in zip(plain[1:], plain[:-1], strict=True)]
    assert 0.3 < np.mean(repeated) < 0.85
    assert sum(unmoved) < 8
    kept = [i + 1 for i, same in enumerate(repeated) if not same]
    assert all(np.array_equal(shown[i], plain[i]) for i in [0, *kept])


def test_every_frame_lost_freezes_the_first(plain: np.ndarray) -> None:
    shown = pictures(ball(frame_drop_rate=1.0))
    assert (shown == plain[0]).all()


def test_gain_is_in_decibels_and_clips() -> None:
    quiet = sound(ball(gain_db=-20.0))
    assert np.allclose(quiet, sound(ball()) * 0.1, atol=1e-6)
    loud = sound(ball(gain_db=30.0))
    assert np.abs(loud).max() == 1.0
    assert (np.abs(loud) == 1.0).sum() > 100


def test_mute_has_no_sound_track_and_the_same_pictures(plain: np.ndarray) -> None:
    muted = ball(mute=True)
    assert muted.samples is None
    assert np.array_equal(pictures(muted), plain)


def test_native_rate_and_size_win_over_what_was_asked() -> None:
    own = ball(fps=10.0, scale=0.5)
    shown = pictures(own)
    assert (own.fps, own.width, own.height, own.count) == (10.0, 80, 48, 15)
    assert shown.shape == (15, 48, 80, 3)
    assert own.truth == ball().truth


def test_style_changes_the_look_and_not_the_events(plain: np.ndarray) -> None:
    other = ball(style=3)
    assert other.truth == ball().truth
    assert not np.array_equal(pictures(other), plain)


@pytest.mark.parametrize(
    "parameters", [{"blurr": 1.0}, {"blur": -1.0}, {"frame_drop_rate": 1.5}, {"crf": "18"}, {"mute": 1}]
)
def test_what_no_knob_can_be_is_a_config_error(parameters: dict[str, Any]) -> None:
    system = System(name="x", adapter="synthetic", parameters=parameters)
    with pytest.raises(ConfigError, match=next(iter(parameters))):
        read_parameters(Knobs, system)


def test_the_demo_systems_are_valid_and_different() -> None:
    knobs = [read_parameters(Knobs, system) for system in DEMO_SYSTEMS]
    assert len({k.model_dump_json() for k in knobs}) == len(DEMO_SYSTEMS) == 4
    assert len({k.fps for k in knobs}) == 4
    assert all(k.latency_s is not None and k.cost_usd is not None for k in knobs)

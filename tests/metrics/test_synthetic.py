"""Damage by known amounts: nothing at no damage, undone by its opposite, measured to be what was asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metrics.av import AVClip, ClipError
from metrics.container import beep_lag
from metrics.synthetic import DAMAGES, Damage
from metrics.synthetic.picture import recast, repainted
from metrics.synthetic.sound import swapped

RATE_HZ = 48_000
FPS = 25.0
MADE = [damage for damage in DAMAGES.values() if damage.apply is not None]


def a_clip(seed: int = 0, count: int = 50) -> AVClip:
    """Two seconds of a bright square that moves over a textured ground, and a tone with clicks."""
    rng = np.random.default_rng(seed)
    ground = np.kron(rng.integers(40, 200, (12, 16, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    pictures = np.repeat(ground[None], count, axis=0)
    for index, picture in enumerate(pictures):
        picture[40:70, 10 + 2 * index : 40 + 2 * index] = 230
    time_s = np.arange(round(count / FPS * RATE_HZ)) / RATE_HZ
    sound = 0.2 * np.sin(2 * np.pi * 440 * time_s) + 0.05 * rng.standard_normal(time_s.size)
    stereo = np.stack([sound, 0.5 * sound]).astype(np.float32)
    return AVClip.of_pictures(pictures, np.arange(count) / FPS, stereo, RATE_HZ)


@pytest.fixture(scope="module")
def clip() -> AVClip:
    return a_clip()


def same(first: AVClip, second: AVClip) -> bool:
    assert first.i420 is not None
    assert second.i420 is not None
    return (
        np.array_equal(first.frame_times_s, second.frame_times_s)
        and np.array_equal(first.grey, second.grey)
        and np.array_equal(first.i420, second.i420)
        and np.array_equal(first.samples, second.samples)
        and (first.audio_start_s, first.rate_hz) == (second.audio_start_s, second.rate_hz)
    )


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=lambda damage: damage.name)
def test_the_level_of_no_damage_gives_the_clip_itself(clip: AVClip, damage: Damage) -> None:
    assert damage(clip, damage.nothing) is clip
    assert damage.nothing not in damage.levels


@pytest.mark.parametrize("damage", MADE, ids=lambda damage: damage.name)
def test_damage_is_repeatable_and_keeps_what_was_asked_for(clip: AVClip, damage: Damage) -> None:
    level = damage.levels[-1]
    damaged = damage(clip, level)
    assert same(damaged, damage(clip, level))
    assert not same(damaged, clip)
    assert damaged.brief == clip.brief
    if damage.name == "sound_shift":
        return  # which trims both tracks, and has tests of its own
    assert damaged.duration_s == pytest.approx(clip.duration_s)
    sound_kept = np.array_equal(damaged.samples, clip.samples) and damaged.audio_start_s == clip.audio_start_s
    assert sound_kept != np.array_equal(damaged.grey, clip.grey), "one of the two is damaged, not both"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=lambda damage: damage.name)
def test_ladders_climb_from_little_to_much(damage: Damage) -> None:
    if damage.two_sided:
        assert list(damage.levels) == sorted(damage.levels)
    else:
        harm = [-level if np.isinf(damage.nothing) else level for level in damage.levels]
        assert harm == sorted(harm)


def flashes(fps: float, rate_hz: int, lag_s: float = 0.0) -> AVClip:
    """Four seconds with flashes each of which a beep follows after `lag_s`, over a soft hum."""
    times_s = np.arange(round(4 * fps)) / fps
    pictures = np.full((len(times_s), 16, 16, 3), 30, np.uint8)
    clock_s = np.arange(4 * rate_hz) / rate_hz
    sound = 0.001 * np.sin(2 * np.pi * 50 * (clock_s + 0.001))
    for flash in (0.5, 1.7, 3.1):
        frame = round(flash * fps)
        pictures[frame : frame + 2] = 220
        since_s = clock_s - times_s[frame] - lag_s
        sound += np.where((since_s >= 0) & (since_s < 0.06), 0.5 * np.sin(2 * np.pi * 1000 * since_s), 0)
    return AVClip.of_pictures(pictures, times_s, sound[None].astype(np.float32), rate_hz)


def lag_of(clip: AVClip) -> float:
    return beep_lag(clip.frame_times_s, clip.grey, clip.samples[0], clip.rate_hz, clip.audio_start_s)


@pytest.mark.parametrize("level", DAMAGES["sound_shift"].levels)
@pytest.mark.parametrize(("fps", "rate_hz"), [(25.0, 48_000), (30.0, 44_100), (24_000 / 1001, 16_000)])
def test_a_shift_moves_what_is_heard_and_leaves_no_other_trace(
    level: float, fps: float, rate_hz: int
) -> None:
    clip = flashes(fps, rate_hz)
    moved = DAMAGES["sound_shift"](clip, level)
    assert lag_of(moved) - lag_of(clip) == pytest.approx(level, abs=0.6 / rate_hz)
    assert moved.audio_start_s == clip.audio_start_s
    outlasts = [each.samples.shape[1] / each.rate_hz - each.duration_s for each in (clip, moved)]
    assert outlasts[1] == pytest.approx(outlasts[0], abs=1 / rate_hz)
    assert 0 <= clip.duration_s - moved.duration_s - abs(level) + 1e-9 < 1 / fps
    assert np.mean(moved.samples[0] == 0) < 0.01, "no silence was put in"


def test_a_shift_and_its_opposite_leave_the_middle_of_the_clip(clip: AVClip) -> None:
    there = DAMAGES["sound_shift"](clip, 0.24)
    middle = DAMAGES["sound_shift"](there, -0.24)
    frames, heard = slice(6, 50 - 6), slice(round(0.24 * RATE_HZ), -round(0.24 * RATE_HZ))
    np.testing.assert_array_equal(middle.grey, clip.grey[frames])
    np.testing.assert_array_equal(middle.samples, clip.samples[:, heard])
    np.testing.assert_allclose(middle.frame_times_s, clip.frame_times_s[frames] - 0.24)


@pytest.mark.parametrize("level", [-2.0, 2.0, 1.99])
def test_a_shift_needs_a_longer_clip(clip: AVClip, level: float) -> None:
    with pytest.raises(ClipError, match="cannot move"):
        DAMAGES["sound_shift"](clip, level)


@pytest.mark.parametrize("level", DAMAGES["container_shift"].levels)
def test_a_displaced_track_says_when_it_begins_and_sounds_the_same(clip: AVClip, level: float) -> None:
    moved = DAMAGES["container_shift"](clip, level)
    assert moved.audio_start_s == pytest.approx(level, abs=1e-6)
    np.testing.assert_array_equal(moved.samples, clip.samples)
    assert moved.grey is clip.grey
    late = replace(clip, audio_start_s=0.1, samples=clip.samples[:1])
    assert DAMAGES["container_shift"](late, level).audio_start_s == pytest.approx(0.1 + level, abs=1e-6)


def test_silence_before_the_sound_lengthens_it(clip: AVClip) -> None:
    later = DAMAGES["lead_in"](clip, 0.5)
    np.testing.assert_array_equal(later.samples[:, RATE_HZ // 2 :], clip.samples)
    assert not later.samples[:, : RATE_HZ // 2].any()


def test_gain_and_its_opposite_cancel_and_ten_decibels_are_a_factor_of_ten_in_power(clip: AVClip) -> None:
    louder = DAMAGES["gain"](clip, 10.0)
    assert (rms(louder.samples) / rms(clip.samples)) ** 2 == pytest.approx(10, rel=1e-5)
    np.testing.assert_allclose(DAMAGES["gain"](louder, -10.0).samples, clip.samples, atol=1e-7)


@pytest.mark.parametrize("snr_db", DAMAGES["sound_noise"].levels)
def test_the_signal_to_noise_ratio_measured_is_the_one_asked_for(clip: AVClip, snr_db: float) -> None:
    noise = DAMAGES["sound_noise"](clip, snr_db).samples - clip.samples
    assert 20 * np.log10(rms(clip.samples) / rms(noise)) == pytest.approx(snr_db, abs=0.01)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.02, "each channel has its own noise"


@pytest.mark.parametrize("snr_db", DAMAGES["music_under"].levels)
def test_music_is_put_under_every_channel_at_the_ratio_asked_for(clip: AVClip, snr_db: float) -> None:
    music = DAMAGES["music_under"](clip, snr_db).samples - clip.samples
    assert 20 * np.log10(rms(clip.samples) / rms(music)) == pytest.approx(snr_db, abs=0.01)
    np.testing.assert_allclose(music[0], music[1], atol=1e-6)


def test_wandering_sound_moves_clicks_by_the_deviation_asked_for() -> None:
    start = a_clip(count=100)
    clicks = np.zeros((1, 4 * RATE_HZ), np.float32)
    places = np.arange(0.1, 3.95, 0.05)
    clicks[0, np.round(places * RATE_HZ).astype(int)] = 1.0
    damaged = DAMAGES["sound_wander"](replace(start, samples=clicks), 0.005)
    loud = np.flatnonzero(np.abs(damaged.samples[0]) > 0.3) / RATE_HZ
    delays = np.array([loud[np.argmin(np.abs(loud - place))] - place for place in places])
    assert delays.std() == pytest.approx(0.005, rel=0.03)
    assert abs(delays.mean()) < 2e-4


def test_a_band_limit_takes_what_lies_above_and_delays_nothing() -> None:
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    low, high = np.sin(2 * np.pi * 1000 * time_s), np.sin(2 * np.pi * 9000 * time_s)
    clip = replace(a_clip(), samples=(0.3 * low + 0.3 * high)[None].astype(np.float32))
    left = DAMAGES["band_limit"](clip, 4000.0).samples[0, 4800:-4800]
    np.testing.assert_allclose(left, 0.3 * low[4800:-4800], atol=1e-3)
    assert DAMAGES["band_limit"](clip, RATE_HZ / 2) is clip


def test_overdrive_cuts_flat_at_full_scale(clip: AVClip) -> None:
    driven = DAMAGES["overdrive"](clip, 6.0).samples
    assert np.abs(driven).max() == 1.0
    below = np.abs(clip.samples) < np.abs(clip.samples).max() / 2.1
    scaled = clip.samples * np.float32(10**0.3 / np.abs(clip.samples).max())
    np.testing.assert_allclose(driven[below], scaled[below], atol=1e-6)


def test_muting_silences_the_share_of_time_asked_for(clip: AVClip) -> None:
    silent = (DAMAGES["muted"](clip, 0.25).samples == 0).mean() - (clip.samples == 0).mean()
    assert silent == pytest.approx(0.25, abs=1e-3)


def test_sound_that_is_silent_or_missing_cannot_be_damaged(clip: AVClip) -> None:
    silent = replace(clip, samples=np.zeros_like(clip.samples))
    mute = replace(clip, samples=np.zeros((0, 0), np.float32), rate_hz=0)
    for name in ("sound_noise", "music_under", "overdrive"):
        with pytest.raises(ClipError, match="silence"):
            DAMAGES[name](silent, DAMAGES[name].levels[0])
    for name in ("sound_shift", "container_shift", "sound_wander", "gain", "lead_in", "band_limit", "muted"):
        with pytest.raises(ClipError, match="no sound"):
            DAMAGES[name](mute, DAMAGES[name].levels[0])


def test_repainting_without_a_change_costs_no_more_than_rounding(clip: AVClip) -> None:
    again = repainted(clip, lambda picture, _index: picture)
    assert np.abs(again.grey.astype(int) - clip.grey).max() <= 2


def test_grain_has_the_deviation_asked_for_and_changes_from_frame_to_frame() -> None:
    flat = AVClip.of_pictures(np.full((4, 120, 160, 3), 128, np.uint8), np.arange(4) / FPS)
    assert flat.i420 is not None
    grainy = DAMAGES["picture_noise"](flat, 8.0)
    levels = np.stack([grainy.picture(index) for index in range(4)]).astype(float)
    # Luma is a weighted sum of three independent colours; chroma is shared by four pixels.
    assert grainy.grey.std() == pytest.approx(8.0 * np.hypot(np.hypot(0.299, 0.587), 0.114), rel=0.05)
    assert abs(np.corrcoef(grainy.grey[0].ravel(), grainy.grey[1].ravel())[0, 1]) < 0.05
    assert abs(levels.mean() - 128) < 1


def test_blur_is_that_of_a_gaussian_of_the_size_asked_for() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(3)
    picture = np.repeat(rng.integers(0, 255, (100, 100, 1)), 3, axis=2).astype(np.uint8)
    clip = AVClip.of_pictures(picture[None], np.zeros(1))
    blurred = DAMAGES["blur"](clip, 0.02).grey[0].astype(float)
    expected = gaussian_filter(clip.grey[0].astype(float), 2.0)
    assert np.abs(blurred - expected)[10:-10, 10:-10].max() < 3


def test_flicker_is_a_gamma_that_spares_black_and_white() -> None:
    pictures = np.zeros((40, 40, 60, 3), np.uint8)
    pictures[:, :, 20:40] = 128
    pictures[:, :, 40:] = 255
    clip = AVClip.of_pictures(pictures, np.arange(40) / FPS)
    grey = DAMAGES["flicker"](clip, 0.2).grey.astype(float)
    assert grey[:, :, :18].max() <= 1
    assert grey[:, :, 42:].min() >= 254
    gamma = np.log(grey[:, 5, 30] / 255) / np.log(128 / 255)
    assert np.log(gamma).std() == pytest.approx(0.2, rel=0.25)  # of 40 draws


def test_a_mark_stays_where_it_is_and_grows_with_opacity(clip: AVClip) -> None:
    half, full = (DAMAGES["mark"](clip, opacity) for opacity in (0.5, 1.0))
    plain = repainted(clip, lambda picture, _index: picture)
    marked = np.abs(full.grey.astype(int) - plain.grey).max(axis=0) > 8
    assert 0.002 < marked.mean() < 0.2
    assert not marked[: marked.shape[0] // 2].any(), "it stands at the bottom"
    changed = [np.abs(each.grey.astype(int) - plain.grey).mean() for each in (half, full)]
    assert changed[0] == pytest.approx(changed[1] / 2, rel=0.15)


@pytest.mark.parametrize("share", DAMAGES["drops"].levels)
def test_dropped_frames_are_gone_and_the_others_keep_their_times(clip: AVClip, share: float) -> None:
    left = DAMAGES["drops"](clip, share)
    assert len(left.grey) == len(clip.grey) - round(share * len(clip.grey))
    kept = np.searchsorted(clip.frame_times_s, left.frame_times_s)
    np.testing.assert_array_equal(clip.frame_times_s[kept], left.frame_times_s)
    np.testing.assert_array_equal(clip.grey[kept], left.grey)
    worse = DAMAGES["drops"](clip, min(0.9, share + 0.1))
    assert set(worse.frame_times_s) <= set(left.frame_times_s), "rungs take away, they do not exchange"


@pytest.mark.parametrize("share", DAMAGES["duplicates"].levels)
def test_duplicates_repeat_the_frame_before_at_the_same_times(clip: AVClip, share: float) -> None:
    twice = DAMAGES["duplicates"](clip, share)
    np.testing.assert_array_equal(twice.frame_times_s, clip.frame_times_s)
    repeated = [np.array_equal(*pair) for pair in zip(twice.grey, twice.grey[1:], strict=False)]
    assert sum(repeated) == round(share * len(clip.grey))


def test_a_freeze_lasts_as_long_as_asked_for(clip: AVClip) -> None:
    still = DAMAGES["freeze"](clip, 0.6)
    same_as_before = [np.array_equal(*pair) for pair in zip(still.grey, still.grey[1:], strict=False)]
    assert sum(same_as_before) == 0.6 * FPS - 1
    first = same_as_before.index(True)
    assert all(same_as_before[first : first + sum(same_as_before)]), "in one stretch"


def test_a_blackout_is_black_for_the_share_of_time_asked_for(clip: AVClip) -> None:
    dark = DAMAGES["blackout"](clip, 0.5)
    black = (dark.grey == 0).all(axis=(1, 2))
    assert black.mean() == 0.5
    assert max(dark.picture(index).max() for index in np.flatnonzero(black)) == 0


def test_coding_loses_nothing_at_factor_zero_and_ever_more_above(clip: AVClip) -> None:
    recode = DAMAGES["codec"].apply
    assert recode is not None
    lossless = recode(clip, 0.0)
    assert clip.i420 is not None
    assert lossless.i420 is not None
    np.testing.assert_array_equal(lossless.i420, clip.i420)
    np.testing.assert_array_equal(lossless.samples, clip.samples)
    loss = [rms(recode(clip, crf).grey - clip.grey.astype(float)) for crf in DAMAGES["codec"].levels]
    assert loss == sorted(loss)
    assert loss[-1] > 4 * loss[0]


def test_swapped_sound_and_recast_pictures_are_the_other_clips() -> None:
    clip, other = a_clip(1), a_clip(2)
    assert np.array_equal(swapped(clip, other).samples, other.samples)
    assert np.array_equal(swapped(clip, other).grey, clip.grey)
    half = recast(clip, other, 0.5)
    assert np.array_equal(half.grey[:25], clip.grey[:25])
    assert np.array_equal(half.grey[25:], other.grey[25:])
    with pytest.raises(ClipError, match="same size"):
        recast(clip, a_clip(2, count=20), 0.5)


def test_what_needs_another_clip_says_so(clip: AVClip) -> None:
    with pytest.raises(ValueError, match="bring the damaged clips"):
        DAMAGES["lip_errors"](clip, 0.5)

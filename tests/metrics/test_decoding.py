"""Decoding keeps presentation time: files of known truth, written frame by frame, must come back so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.stream
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metrics.decoding
from metrics.av import AVClip, ClipError

WriteClip = Callable[..., Path]

FLASH = 25
"""The one white frame of the beep-flash clip; its click sounds at the same moment."""


def _beep_flash(fps: float, rate_hz: int, audio_start_s: float) -> tuple[np.ndarray, np.ndarray]:
    frames = np.zeros((50, 64, 64), np.uint8)
    frames[FLASH] = 255
    samples = np.zeros((1, 2 * rate_hz), np.float32)
    samples[0, round((FLASH / fps - audio_start_s) * rate_hz)] = 0.9
    return frames, samples


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [
        ("mp4", "aac", 48000),
        ("mp4", "aac", 44100),
        ("mp4", "libmp3lame", 44100),
        ("mp4", "libopus", 48000),
        ("mkv", "aac", 44100),
        ("mkv", "libopus", 48000),
        ("webm", "libopus", 48000),
        ("mkv", "pcm_s16le", 44100),
        ("mov", "pcm_s16le", 48000),
        ("mkv", "flac", 48000),
        ("ts", "aac", 48000),
    ],
)
@pytest.mark.parametrize("audio_start_s", [0.0, 0.1])
def test_flash_and_click_come_back_together(
    write_clip: WriteClip, tmp_path: Path, container: str, codec: str, rate_hz: int, audio_start_s: float
) -> None:
    frames, samples = _beep_flash(25, rate_hz, audio_start_s)
    video_codec = "libvpx-vp9" if container == "webm" else "libx264"
    path = write_clip(
        tmp_path / f"flash.{container}",
        frames,
        samples=samples,
        rate_hz=rate_hz,
        codec=codec,
        audio_start_s=audio_start_s,
        video_codec=video_codec,
    )
    clip = AVClip.open(path)
    flash_s = clip.frame_times_s[clip.grey.mean(axis=(1, 2)).argmax()]
    click_s = np.abs(clip.mono).argmax() / clip.rate_hz + clip.audio_start_s
    assert len(clip.grey) == len(frames)
    # Matroska stores whole milliseconds, and so do the edit lists this muxer writes for a late track.
    assert click_s - flash_s == pytest.approx(0.0, abs=1.05e-3)


@pytest.mark.parametrize("fps", [24.0, 25.0, 30000 / 1001, 60.0])
def test_frames_come_at_their_rate(write_clip: WriteClip, tmp_path: Path, fps: float) -> None:
    frames = np.zeros((30, 32, 32), np.uint8)
    clip = AVClip.open(write_clip(tmp_path / "even.mp4", frames, fps=fps))
    assert clip.frame_times_s == pytest.approx(np.arange(30) / fps, abs=2e-5)
    assert clip.duration_s == pytest.approx(30 / fps, abs=2e-4)
    assert clip.frame_durations_s.sum() == pytest.approx(clip.duration_s)


def test_uneven_frame_times_are_kept(write_clip: WriteClip, tmp_path: Path) -> None:
    times_s = np.array([0.0, 0.04, 0.08, 0.5, 0.52, 1.3])
    frames = np.arange(6, dtype=np.uint8)[:, None, None] * np.full((1, 32, 32), 40, np.uint8)
    clip = AVClip.open(write_clip(tmp_path / "uneven.mkv", frames, times_s=times_s))
    assert clip.frame_times_s == pytest.approx(times_s, abs=6e-4)


def test_black_and_white_come_back_at_full_range(write_clip: WriteClip, tmp_path: Path) -> None:
    frames = np.zeros((4, 32, 32), np.uint8)
    frames[2:] = 255
    grey = AVClip.open(write_clip(tmp_path / "range.mp4", frames)).grey
    assert grey[0].max() <= 1
    assert grey[3].min() >= 254


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_channel_comes_back_in_its_place(write_clip: WriteClip, tmp_path: Path, channels: int) -> None:
    samples = np.linspace(0.1, 0.9, channels, dtype=np.float32)[:, None] * np.ones(24000, np.float32)
    path = write_clip(
        tmp_path / "channels.mkv", np.zeros((12, 32, 32), np.uint8), samples=samples, codec="pcm_f32le"
    )
    clip = AVClip.open(path)
    np.testing.assert_array_equal(clip.samples, samples)
    assert clip.mono == pytest.approx(samples.mean(axis=0), abs=1e-6)


def test_whole_number_samples_become_plus_minus_one(write_clip: WriteClip, tmp_path: Path) -> None:
    samples = np.array([[-1.0, -0.5, 0.0, 0.5]], np.float32).repeat(3000, axis=1)
    for codec in ("pcm_s16le", "pcm_s32le", "pcm_u8", "flac"):
        path = write_clip(
            tmp_path / f"{codec}.mkv", np.zeros((6, 32, 32), np.uint8), samples=samples, codec=codec
        )
        assert AVClip.open(path).samples == pytest.approx(samples, abs=1 / 127), codec


def test_a_clip_without_sound_has_none(write_clip: WriteClip, tmp_path: Path) -> None:
    clip = AVClip.open(write_clip(tmp_path / "mute.mp4", np.zeros((5, 32, 32), np.uint8)))
    assert not clip.has_audio
    assert clip.samples.shape == (0, 0)
    assert clip.mono.shape == (0,)
    assert (clip.rate_hz, clip.audio_start_s) == (0, 0.0)


def test_a_turned_picture_is_set_upright(write_clip: WriteClip, tmp_path: Path) -> None:
    frames = np.zeros((5, 64, 128), np.uint8)
    frames[:, :, :32] = 255  # white at the left
    path = write_clip(tmp_path / "turned.mp4", frames)
    # The display matrix of a phone held upright: shown a quarter turn clockwise, so left becomes top.
    _set_display_matrix(path, (0, 0x10000, 0, -0x10000, 0, 0, 64 << 16, 0, 0x40000000))
    clip = AVClip.open(path)
    assert clip.grey.shape == (5, 128, 64)
    assert clip.grey[:, :28].min() > 240
    assert clip.grey[:, 36:].max() < 16
    _, colour = next(clip.colour_frames())
    assert colour.shape == (128, 64, 3)
    assert colour[:28].min() > 240


def _set_display_matrix(path: Path, matrix: tuple[int, ...]) -> None:
    film = bytearray(path.read_bytes())
    place = film.index(b"tkhd") + 44  # version 0: 4 + 4 + 20 + 8 + 2 + 2 + 2 + 2 bytes before the matrix
    film[place : place + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(film)


def test_large_pictures_are_kept_small_and_colour_is_not(write_clip: WriteClip, tmp_path: Path) -> None:
    frames = np.zeros((3, 360, 640, 3), np.uint8)
    frames[..., 0] = 220
    clip = AVClip.open(write_clip(tmp_path / "large.mp4", frames))
    assert clip.grey.shape == (3, 180, 320)
    full, small = list(clip.colour_frames()), list(clip.colour_frames(side=64))
    assert [picture.shape for _, picture in full] == [(360, 640, 3)] * 3
    assert [picture.shape for _, picture in small] == [(36, 64, 3)] * 3
    assert [time for time, _ in full] == pytest.approx(clip.frame_times_s)
    assert full[0][1].mean(axis=(0, 1)) == pytest.approx([220, 0, 0], abs=6)


def test_a_gap_in_the_sound_becomes_silence() -> None:
    sound = metrics.decoding._Sound(Path("gap.mkv"))
    sound.rate_hz = 1000
    one = np.ones((1, 100), np.float32)
    sound.blocks = [(0.5, one), (0.6, one), (0.9, one), (0.95, 2 * one)]
    samples, rate_hz, start_s = sound.assembled()
    assert (rate_hz, start_s) == (1000, 0.5)
    expected = np.zeros((1, 550), np.float32)
    expected[0, :200], expected[0, 400:500], expected[0, 500:] = 1, 1, 2  # what overlaps is cut
    np.testing.assert_array_equal(samples, expected)


def test_coarse_clocks_are_averaged_out() -> None:
    sound = metrics.decoding._Sound(Path("coarse.mkv"))
    sound.rate_hz = 44100
    block = np.ones((1, 1024), np.float32)
    sound.blocks = [(round(0.1234 + index * 1024 / 44100, 3), block) for index in range(200)]
    _, _, start_s = sound.assembled()
    assert start_s == pytest.approx(0.1234, abs=5e-5)


def _cut(path: Path, share: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: round(len(whole) * share)])
    return path


def _noise_film(write_clip: WriteClip, path: Path, **options: Any) -> Path:
    frames = np.random.default_rng(3).integers(0, 255, (40, 64, 64), np.uint8)
    return write_clip(path, frames, **options)


def test_what_is_no_clip_is_said_in_a_sentence(write_clip: WriteClip, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="There is no clip file at"):
        AVClip.open(tmp_path / "nowhere.mp4")
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(ClipError, match="not a playable media file"):
        AVClip.open(tmp_path / "text.mp4")
    with pytest.raises(ClipError, match="not a playable media file"):
        AVClip.open(_cut(_noise_film(write_clip, tmp_path / "end.mp4"), 0.5))  # its index stood at the end
    faststart = _noise_film(write_clip, tmp_path / "front.mp4", options={"movflags": "faststart"})
    with pytest.raises(ClipError, match=r"was cut off: its header promises 1\.60 s|is damaged"):
        AVClip.open(_cut(faststart, 0.5))


def test_sound_without_picture_is_no_clip(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    with pytest.raises(ClipError, match="has no picture track"):
        AVClip.open(tmp_path / "sound.wav")


def test_a_clip_beyond_the_memory_budget_is_refused(
    write_clip: WriteClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _noise_film(write_clip, tmp_path / "long.mp4")
    monkeypatch.setattr(metrics.decoding, "MEMORY_BUDGET", 10 * 64 * 64)
    with pytest.raises(ClipError, match="too long to measure"):
        AVClip.open(path)


def test_clips_from_arrays_are_checked() -> None:
    two = np.zeros((2, 8, 8), np.uint8)
    none = np.zeros((0, 0), np.float32)
    with pytest.raises(ClipError, match="strictly increase"):
        AVClip(np.array([0.0, 0.0]), two, none, 0)
    with pytest.raises(ClipError, match="begin at 0"):
        AVClip(np.array([0.5, 1.0]), two, none, 0)
    with pytest.raises(ClipError, match="3 times and 2 frames"):
        AVClip(np.array([0.0, 0.1, 0.2]), two, none, 0)
    with pytest.raises(ClipError, match="has no colour"):
        AVClip(np.array([0.0, 0.1]), two, none, 0).picture(0)


def test_a_clip_of_pictures_is_as_one_decoded(write_clip: WriteClip, tmp_path: Path) -> None:
    frames = np.zeros((3, 90, 161, 3), np.uint8)
    frames[..., 0], frames[..., 2] = np.linspace(0, 255, 161), 90
    made = AVClip.of_pictures(frames, np.arange(3) / 25)
    decoded = AVClip.open(write_clip(tmp_path / "clip.mp4", frames[:, :, :160]))
    assert made.picture(0).shape == (90, 160, 3)
    assert made.duration_s == pytest.approx(decoded.duration_s)
    assert np.abs(made.picture(1).astype(int) - decoded.picture(1)).mean() < 4
    assert np.abs(made.grey[1, :, :160].astype(int) - decoded.grey[1]).mean() < 3


def test_what_is_shared_is_made_once_and_not_inherited() -> None:
    clip = AVClip(np.array([0.0, 0.1]), np.zeros((2, 8, 8), np.uint8), np.zeros((0, 0), np.float32), 0)
    made: list[float] = []

    def seen(clip: AVClip) -> int:
        made.append(clip.last_frame_s)
        return len(made)

    assert (clip.once(seen), clip.once(seen)) == (1, 1)
    assert replace(clip, last_frame_s=0.1).once(seen) == 2


@pytest.mark.parametrize(
    ("turn", "matrix"),
    [
        (0, (0x10000, 0, 0, 0, 0x10000, 0, 0, 0)),
        (1, (0, 0x10000, 0, -0x10000, 0, 0, 64 << 16, 0)),
        (2, (-0x10000, 0, 0, 0, -0x10000, 0, 128 << 16, 64 << 16)),
        (3, (0, -0x10000, 0, 0x10000, 0, 0, 0, 128 << 16)),
    ],
)
def test_pictures_turned_by_any_quarter_are_set_upright(
    write_clip: WriteClip, tmp_path: Path, turn: int, matrix: tuple[int, ...]
) -> None:
    frames = np.zeros((3, 64, 128, 3), np.uint8)
    frames[:, :32, :64, 0], frames[:, 32:, 64:, 2] = 230, 230  # red top left, blue bottom right
    path = write_clip(tmp_path / "turned.mp4", frames)
    _set_display_matrix(path, (*matrix, 0x40000000))
    picture = AVClip.open(path).picture(1)
    expected = np.rot90(frames[1], -turn)  # as shown: turned clockwise
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).mean() < 6


@pytest.mark.parametrize(
    ("kind", "codec", "pixels"),
    [
        ("mp4", "libx265", "yuv420p10le"),
        ("mp4", "libx264", "yuvj420p"),
        ("mp4", "libx264", "yuv444p"),
        ("mkv", "ffv1", "bgr0"),
        ("webm", "libvpx-vp9", "yuv420p"),
    ],
)
def test_tones_and_colours_survive_depth_range_and_sampling(
    tmp_path: Path, kind: str, codec: str, pixels: str
) -> None:
    """10 bits, full range, colour at every pixel, RGB, odd sides: one picture, however it is kept."""
    odd = pixels in ("yuv444p", "bgr0") or kind == "webm"
    height, width = (91, 161) if odd else (90, 160)
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.linspace(0, 255, width), 128
    ramp[..., 2] = np.linspace(0, 255, height)[:, None]
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    clip = AVClip.open(_encode(tmp_path / f"film.{kind}", [ramp] * 4, codec, pixels, options))
    assert clip.grey.shape == (4, height, width)
    luma = ramp @ np.array([0.299, 0.587, 0.114])
    assert np.abs(clip.grey[1] - luma).mean() < 3
    picture = clip.picture(1)[:height, :width].astype(int)
    assert np.abs(picture - ramp[: len(picture), : picture.shape[1]]).mean() < 6


def _encode(path: Path, pictures: list[np.ndarray], codec: str, pixels: str, options: dict[str, str]) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pixels
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for _ in range(3):
            container.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(video.encode(None))
    clip = AVClip.open(path)
    assert clip.grey.shape == (3, 64, 128)
    assert clip.picture(0).shape == (64, 128, 3)


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_frames_at_a_steady_rate_are_read_finer_than_milliseconds(
    write_clip: WriteClip, tmp_path: Path, fps: int
) -> None:
    clip = AVClip.open(write_clip(tmp_path / "steady.mkv", np.zeros((40, 32, 32), np.uint8), fps=fps))
    assert clip.frame_times_s == pytest.approx(np.arange(40) / fps, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    start=st.floats(-1, 1),
    rate=st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60)]),
    missing=st.sets(st.integers(1, 38), max_size=10),
)
def test_rounding_is_taken_off_a_steady_rate(start: float, rate: Fraction, missing: set[int]) -> None:
    """Whichever frames are left out; and the beginning is within half a tick."""
    places = np.array([index for index in range(40) if index not in missing])
    true = start + places / float(rate)
    found = metrics.decoding.steady(np.round(true, 3), rate, 1e-3)
    assert np.diff(found) == pytest.approx(np.diff(true), abs=1e-9)
    assert found[0] == pytest.approx(true[0], abs=5.1e-4)


def test_uneven_times_are_left_as_they_are() -> None:
    times = np.array([0.0, 0.04, 0.083, 0.12])
    np.testing.assert_array_equal(metrics.decoding.steady(times, Fraction(25), 1e-3), times)
    np.testing.assert_array_equal(metrics.decoding.steady(times, None, 1e-3), times)
    clock = metrics.decoding.beginning(np.array([0.1, 0.1, 0.13, 0.1]), 1e-3)
    assert clock == pytest.approx(0.1)  # a jittering clock: the median


@pytest.mark.parametrize("with_sound", [True, False])
@pytest.mark.parametrize("kind", ["mkv", "flv", "mp4", "ts"])
def test_a_film_cut_off_half_way_is_refused(tmp_path: Path, kind: str, with_sound: bool) -> None:
    path = tmp_path / f"film.{kind}"
    random = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"} if kind == "mp4" else {}) as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("aac", rate=48000, layout="mono") if with_sound else None
        for index in range(75):
            picture = random.integers(0, 255, (64, 64, 3), np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            if audio is not None:
                noise = random.normal(0, 0.2, (1, 1920)).astype(np.float32)
                block = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = 48000, 1920 * index, Fraction(1, 48000)
                container.mux(audio.encode(block))
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
    AVClip.open(path)
    with pytest.raises(ClipError, match="was cut off|is damaged"):
        AVClip.open(_cut(path, 0.5))


def test_an_empty_file_and_a_cover_picture_are_no_clips(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(ClipError, match="not a playable media file .*0 bytes"):
        AVClip.open(tmp_path / "empty.mp4")
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=48000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        block = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        block.sample_rate = 48000
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    with pytest.raises(ClipError, match="has no picture track"):
        AVClip.open(path)


def test_avi_is_taken_only_where_its_pictures_come_in_order(write_clip: WriteClip, tmp_path: Path) -> None:
    frames = np.zeros((10, 64, 64), np.uint8)
    colours = [np.zeros((64, 64, 3), np.uint8)] * 10
    plain = AVClip.open(_encode(tmp_path / "plain.avi", colours, "mpeg4", "yuv420p", {}))
    assert plain.frame_times_s == pytest.approx(np.arange(10) / 25)
    with pytest.raises(ClipError, match="AVI does not say when"):
        AVClip.open(write_clip(tmp_path / "reordered.avi", frames))


@pytest.mark.realclips
def test_real_clips_decode_whole(real_clips: Path) -> None:
    for path in sorted(real_clips.glob("fc_*.mp4")):
        with av.open(str(path)) as container:
            frames, rate = container.streams.video[0].frames, container.streams.audio[0].rate
        clip = AVClip.open(path)
        assert len(clip.grey) == frames
        assert clip.rate_hz == rate
        assert clip.samples.shape[1] / rate == pytest.approx(clip.duration_s, abs=0.1)

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from evalharness.errors import MediaError
from evalharness.media import probe, read_sound, write_video
from evalharness.media.writing import as_rate

SINE = (0.25 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.float32)


def bars(count: int, size: tuple[int, int] = (48, 64)):
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [220, 220, 220]], dtype=np.uint8)
    for index in range(count):
        picture = np.repeat(colours[None], size[0], axis=0).repeat(size[1] // 4, axis=1)
        picture[:4, index % size[1]] = 255
        yield picture


def test_what_is_written_is_what_is_found(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, bars(30), 30.0, np.stack([SINE, -SINE]), 48_000)

    found = probe(path)

    assert (found.container, found.video_codec, found.pixel_format) == ("mp4", "h264", "yuv420p")
    assert (found.width, found.height, found.frames) == (64, 48, 30)
    assert found.fps == pytest.approx(30.0)
    assert found.duration_s == pytest.approx(1.0)
    assert (found.audio_codec, found.sample_rate_hz, found.channels) == ("aac", 48_000, 2)


def test_the_same_input_gives_the_same_bytes_and_names_no_program(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, bars(12), 24.0, SINE)

    written = (tmp_path / "a.mp4").read_bytes()

    assert written == (tmp_path / "b.mp4").read_bytes()
    assert not [word for word in (b"x264", b"Lavc", b"Lavf") if word in written]


def test_the_index_comes_before_the_data(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", bars(5), 25.0)

    written = (tmp_path / "clip.mp4").read_bytes()

    assert written.index(b"moov") < written.index(b"mdat")


def test_colours_come_back(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", bars(3), 25.0, crf=5)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(stream))
        assert stream.codec_context.colorspace == stream.codec_context.color_primaries == 1
        seen = frame.reformat(format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG").to_ndarray()

    assert np.abs(seen[24, 8::16].astype(int) - next(bars(1))[24, 8::16].astype(int)).max() <= 6


def test_sound_stays_in_its_place(tmp_path: Path) -> None:
    click = np.zeros(48_000, dtype=np.float32)
    click[24_000:24_048] = 0.8
    write_video(tmp_path / "clip.mp4", bars(25), 25.0, click)

    sound = read_sound(tmp_path / "clip.mp4")

    assert sound is not None
    at_s = sound.start_s + int(np.argmax(np.abs(sound.samples[0]) > 0.4)) / sound.rate_hz
    assert at_s == pytest.approx(0.5, abs=0.0005)


def test_no_sound_track_where_there_is_no_sound(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", bars(5), 25.0, None)

    assert not probe(tmp_path / "clip.mp4").has_audio
    assert read_sound(tmp_path / "clip.mp4") is None


@pytest.mark.parametrize(
    ("fps", "meant"),
    [
        (24.0, Fraction(24)),
        (29.97, Fraction(30_000, 1001)),
        (23.976, Fraction(24_000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_rates_are_the_fractions_they_mean(fps: float, meant: Fraction) -> None:
    assert as_rate(fps) == meant


@pytest.mark.parametrize(
    ("frames", "audio", "sentence"),
    [
        ([], None, "no pictures at all"),
        ([np.zeros((31, 32, 3), np.uint8)], None, "even sizes"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 34, 3), np.uint8)], None, "size of the first"),
        ([np.zeros((32, 32, 3), np.uint8)], np.zeros((3, 100), np.float32), "one or two channels"),
        ([np.zeros((32, 32, 3), np.uint8)], np.zeros(0, np.float32), "at least one sample"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path, frames, audio, sentence
) -> None:
    with pytest.raises(MediaError, match=sentence):
        write_video(tmp_path / "clip.mp4", frames, 25.0, audio)

    assert list(tmp_path.iterdir()) == []

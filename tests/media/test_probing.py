from __future__ import annotations

from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from av.stream import Disposition

from evalharness.errors import MediaError
from evalharness.media import probe, read_frames, read_sound, write_video


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_rate_and_length_come_from_timestamps(
    films: ModuleType, tmp_path: Path, container: str, fps: float
) -> None:
    found = probe(
        films.write(films.Film(container, fps, duration_s=1.0, flash_s=0.5, beep_s=0.5), tmp_path / "film")
    )

    assert found.fps == pytest.approx(fps, rel=0.002)
    assert found.frames == round(fps)
    assert found.duration_s == pytest.approx(1.0, abs=0.002)
    assert found.audio_duration_s == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize(("picture_start_s", "sound_start_s"), [(0.0, 0.0), (0.5, 0.2), (0.1, 0.4)])
def test_pictures_and_sound_share_one_clock(
    films: ModuleType, tmp_path: Path, container: str, picture_start_s: float, sound_start_s: float
) -> None:
    film = films.Film(container, beep_s=1.08, picture_start_s=picture_start_s, sound_start_s=sound_start_s)
    path = films.write(film, tmp_path / "film")

    flash_s = next(
        shown.start_s for shown in read_frames(path) if shown.frame.to_ndarray(format="gray").mean() > 130
    )
    sound = read_sound(path, 48_000, 1)
    likeness = np.correlate(sound.samples[0], films.BEEP, mode="valid")
    beep_s = sound.start_s + np.argmax(likeness) / 48_000

    # Matroska and WebM round every time to 1 ms.
    assert beep_s - flash_s == pytest.approx(0.08, abs=0.0011)


def test_a_gap_in_the_sound_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width = video.height = 32
        audio = container.add_stream("pcm_s16le", rate=8000)
        audio.codec_context.layout = "mono"
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for start in (0, 6000):
            frame = av.AudioFrame.from_ndarray(
                np.full((1, 2000), 8000, np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = 8000, start
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))

    sound = read_sound(path)

    assert sound.samples.shape == (1, 8000)
    assert np.flatnonzero(sound.samples[0] == 0).tolist() == list(range(2000, 6000))


def test_rotation_is_told(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", [np.zeros((32, 64, 3), np.uint8)] * 3, 25.0)
    data = bytearray((tmp_path / "clip.mp4").read_bytes())
    upright = b"".join(n.to_bytes(4, "big") for n in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
    turned = b"".join(n.to_bytes(4, "big") for n in (0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000))
    at = data.index(upright, data.index(b"tkhd"))
    data[at : at + 36] = turned
    (tmp_path / "turned.mp4").write_bytes(data)

    assert probe(tmp_path / "clip.mp4").rotation_deg == 0
    assert probe(tmp_path / "turned.mp4").rotation_deg == 90


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: None, "no such file"),
        (lambda data: b"", "not a media file"),
        (lambda data: b"<html>rate limited</html>" * 20, "not a media file"),
        (lambda data: data[: len(data) // 2], "cut off"),
        (lambda data: data[:400], "cut off in its index"),
    ],
)
def test_what_is_not_a_whole_video_is_a_sentence(
    films: ModuleType, tmp_path: Path, spoil, sentence: str
) -> None:
    write_video(
        tmp_path / "whole.mp4", np.random.default_rng(1).integers(0, 255, (50, 64, 64, 3), np.uint8), 25.0
    )
    spoilt = spoil((tmp_path / "whole.mp4").read_bytes())
    if spoilt is not None:
        (tmp_path / "clip.mp4").write_bytes(spoilt)

    with pytest.raises(MediaError, match=sentence):
        probe(tmp_path / "clip.mp4")


def test_sound_alone_is_no_clip(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    with pytest.raises(MediaError, match="no video stream"):
        probe(tmp_path / "sound.wav")


def test_a_song_with_a_cover_is_no_clip(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width = cover.height = 32
        cover.pix_fmt = "yuvj420p"
        cover.disposition = Disposition.attached_pic
        song = container.add_stream("aac", rate=48_000)
        song.codec_context.layout = "mono"
        container.mux(
            cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24"))
        )
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux([*cover.encode(None), *song.encode(frame), *song.encode(None)])

    with av.open(str(tmp_path / "song.mp4")) as container:
        assert len(container.streams.video) == 1
    with pytest.raises(MediaError, match="no video stream"):
        probe(tmp_path / "song.mp4")

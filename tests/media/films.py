"""Films whose truth is known, written with PyAV alone: a flash and a beep, in many containers.

Loaded by path from the conftest.py files of tests/media and tests/blinding.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from scipy.signal import correlate

RATE_HZ = 48_000
BEEP = (0.5 * np.cos(2 * np.pi * 1500 * np.arange(2400) / RATE_HZ) * np.hanning(4800)[2400:]).astype(
    np.float32
)
"""50 ms that start at full strength, so that its start is sharp."""

CODECS = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
    "mkv": ("libx264", "libopus"),
    "webm": ("libvpx-vp9", "libopus"),
    "avi": ("mpeg4", "libmp3lame"),
}
FAST = {
    "libx264": {"preset": "ultrafast", "threads": "1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "threads": "1"},
    "mpeg4": {"threads": "1", "qscale": "3"},
}


@dataclass(frozen=True)
class Film:
    """What to write. Times are on the film's presentation clock."""

    container: str = "mp4"
    fps: float = 25.0
    duration_s: float = 2.0
    flash_s: float = 1.0
    """When the picture turns white, relative to its own first picture."""
    beep_s: float | None = 1.0
    """When the beep starts, relative to the first picture; None for no sound track."""
    picture_start_s: float = 0.0
    sound_start_s: float = 0.0
    """Start of the sound track; the beep stays where it is."""
    size: tuple[int, int] = (96, 64)
    level: float = 1.0
    noise: float = 0.001
    tags: tuple[tuple[str, str], ...] = ()


def write(film: Film, path: Path) -> Path:
    """Write the film to `path` with the container's ending."""
    path = path.with_suffix(f".{film.container}")
    video_codec, audio_codec = CODECS[film.container]
    fps = Fraction(film.fps).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        container.metadata.update(dict(film.tags))
        video = container.add_stream(video_codec, rate=fps, options=FAST[video_codec])
        video.width, video.height = film.size
        video.pix_fmt = "yuv420p"
        tick = Fraction(1, 90_000)
        video.codec_context.time_base = tick
        audio = None
        if film.beep_s is not None:
            audio = container.add_stream(audio_codec, rate=RATE_HZ)
            audio.codec_context.layout = "stereo"
        packets = []
        for index in range(round(film.duration_s * fps)):
            white = index >= round(film.flash_s * fps)
            frame = VideoFrame.from_ndarray(_picture(film, index, white), format="gray").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = round((film.picture_start_s + float(index / fps)) / tick), tick
            packets += video.encode(frame)
        packets += video.encode(None)
        if audio is not None:
            for frame in _sound(film, audio.codec_context.format.name):
                packets += audio.encode(frame)
            packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: float(packet.dts * packet.time_base)):
            container.mux(packet)
    return path


def sound_of(film: Film) -> np.ndarray:
    """The mono track as it was before coding, from `sound_start_s` on."""
    length = round((film.picture_start_s + film.duration_s - film.sound_start_s) * RATE_HZ)
    rng = np.random.default_rng(5)
    track = rng.normal(0, film.noise, length).astype(np.float32)
    start = round((film.picture_start_s + film.beep_s - film.sound_start_s) * RATE_HZ)
    track[start : start + len(BEEP)] += BEEP
    return track * np.float32(film.level)


def offset_s(path: Path) -> float:
    """Beep minus flash in a file, in seconds, read by timestamps with PyAV alone."""
    with av.open(str(path)) as container:
        flash = next(
            frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray").mean() > 130
        )
    with av.open(str(path)) as container:
        to_mono = av.AudioResampler(format="fltp", layout="mono", rate=container.streams.audio[0].rate)
        start, blocks = None, []
        for frame in container.decode(audio=0):
            start = frame.time if start is None else start
            blocks += [mono.to_ndarray()[0] for mono in to_mono.resample(frame)]
    heard = np.concatenate(blocks)
    likeness = correlate(heard, BEEP, mode="valid", method="fft")
    return start + int(np.argmax(likeness)) / RATE_HZ - flash


def _picture(film: Film, index: int, white: bool) -> np.ndarray:
    width, height = film.size
    picture = np.full((height, width), 220 if white else 30, dtype=np.uint8)
    at = index * 3 % (width - 8)
    picture[4:12, at : at + 8] = 128
    return picture


def _sound(film: Film, sample_format: str) -> list[AudioFrame]:
    track = np.stack([sound_of(film)] * 2)
    frames = []
    for start in range(0, track.shape[1], 960):
        block = track[:, start : start + 960]
        if sample_format.startswith("s16"):
            whole = np.round(np.clip(block, -1, 1) * 32767).astype(np.int16)
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(whole.T.reshape(1, -1)), format="s16")
        else:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp")
        frame.sample_rate = RATE_HZ
        frame.pts = start + round(film.sound_start_s * RATE_HZ)
        frame.time_base = Fraction(1, RATE_HZ)
        frames.append(frame)
    return frames

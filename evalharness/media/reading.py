"""Decode pictures and sound onto one clock: the container's presentation time.

Frames are never counted: each picture carries its own time, and sound is placed by its timestamps.
MP4 edit lists, AAC priming, Opus pre-skip and start offsets are thereby respected. Timestamps of
some containers (Matroska, WebM) are rounded to 1 ms, which bounds how well their clock can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from evalharness.errors import MediaError

__all__ = ["Sound", "TimedFrame", "open_media", "picture_stream", "read_frames", "read_sound"]

GAP_S = 0.02
"""Timestamps that stray less than this from counted samples are rounding or jitter, not a gap."""


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """A decoded picture and when it is shown, in seconds: [start_s, end_s)."""

    frame: VideoFrame
    start_s: float
    end_s: float
    pixel_aspect: Fraction
    """Width of a pixel over its height."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded sound track."""

    samples: NDArray[np.float32]
    """(channels, samples), full scale 1.0."""
    rate_hz: int
    start_s: float
    """Presentation time of the first sample."""

    @property
    def duration_s(self) -> float:
        """Length of the track."""
        return float(self.samples.shape[1] / self.rate_hz)


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """An opened container that has a video stream; everything FFmpeg objects to becomes a MediaError."""
    if not path.is_file():
        raise MediaError(f"{path} was to be read as a video, but there is no such file.")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"{path} ({path.stat().st_size} bytes) is not a media file that can be opened, or it was cut off "
            f"before its index: {error.strerror if isinstance(error, av.FFmpegError) else error}. "
            "Fetch or render it again."
        ) from error
    with container:
        if not any(map(_moves, container.streams.video)):
            raise MediaError(
                f"{path} holds no video stream. A clip needs pictures: check how it was exported."
            )
        for stream in (picture_stream(container), *container.streams.audio[:1]):
            if stream.codec_context is None:
                raise MediaError(
                    f"{path} holds a {stream.type} stream whose codec cannot be told: it was cut off in its "
                    "index, or written by something newer. Fetch it again, or convert it to H.264 and AAC."
                )
        try:
            yield container
        except av.FFmpegError as error:
            raise MediaError(
                f"{path} cannot be decoded to its end: {error.strerror}. The file is cut off or damaged; "
                "fetch or render it again."
            ) from error


def picture_stream(container: InputContainer) -> VideoStream:
    """The video stream to show: the first that is not a cover picture."""
    return next(filter(_moves, container.streams.video))


def read_frames(path: Path) -> Iterator[TimedFrame]:
    """The pictures of the first video stream in the order of showing, each with its time.

    A picture lasts until the next one; the last lasts for its declared duration, or else as long as
    the one before it. Raises MediaError where a picture is damaged or carries no time.
    """
    with open_media(path) as container:
        stream = picture_stream(container)
        stream.thread_type = "AUTO"
        held: VideoFrame | None = None
        aspect = stream.sample_aspect_ratio or Fraction(1)
        spacing = 1.0 / float(stream.average_rate or 25)
        for frame in container.decode(stream):
            if frame.pts is None or frame.is_corrupt:
                raise MediaError(
                    f"{path} has a damaged picture{_after(held)}: fetch or render the file again."
                )
            if held is not None:
                if frame.time <= held.time:
                    continue  # two pictures for one moment: players show the first
                spacing = frame.time - held.time
                yield TimedFrame(held, held.time, frame.time, aspect)
            held = frame
        if held is None:
            raise MediaError(
                f"{path} holds a video stream without a single picture: fetch or render it again."
            )
        declared = float(held.duration * held.time_base) if held.duration and held.time_base else 0.0
        yield TimedFrame(held, held.time, held.time + (declared or spacing), aspect)


def read_sound(path: Path, rate_hz: int | None = None, channels: int | None = None) -> Sound | None:
    """The first sound track on the pictures' clock, or None where there is none (or an empty one).

    `rate_hz` and `channels` (1 or 2) ask for a conversion; None keeps the track's own. Gaps between
    timestamps become silence, overlaps are dropped. Down- and up-mixing keeps BS.1770 loudness for
    mono and stereo. Raises MediaError where a packet cannot be decoded.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        own_rate = stream.codec_context.sample_rate
        layout = {None: stream.codec_context.layout.name, 1: "mono", 2: "stereo"}[channels]
        to_float = AudioResampler(format="fltp", layout=layout, rate=own_rate)
        start_s = 0.0
        placed: list[NDArray[np.float32]] = []
        count = 0
        for frame in container.decode(stream):
            block = _joined(to_float.resample(frame))
            if not placed:
                start_s = frame.time or 0.0
            elif frame.time is not None:
                gap = round((frame.time - start_s) * own_rate) - count
                if gap > GAP_S * own_rate:
                    placed.append(np.zeros((block.shape[0], gap), dtype=np.float32))
                    count += gap
                elif gap < -GAP_S * own_rate:
                    block = block[:, min(-gap, block.shape[1]) :]
            placed.append(block)
            count += block.shape[1]
    if count == 0:
        return None
    samples = np.concatenate(placed, axis=1)
    if rate_hz is not None and rate_hz != own_rate:
        samples = resample(samples, own_rate, rate_hz)
    return Sound(samples, rate_hz or own_rate, start_s)


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """(channels, samples) at another rate, without delay: sample 0 stays at time 0."""
    from scipy.signal import resample_poly

    common = int(np.gcd(from_hz, to_hz))
    out: NDArray[np.float32] = resample_poly(
        samples, to_hz // common, from_hz // common, axis=1, window=("kaiser", 9.0)
    )
    return out.astype(np.float32, copy=False)


def _moves(stream: VideoStream) -> bool:
    return Disposition.attached_pic not in stream.disposition


def _joined(frames: list[AudioFrame]) -> NDArray[np.float32]:
    blocks = [np.asarray(frame.to_ndarray(), dtype=np.float32) for frame in frames]
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), dtype=np.float32)


def _after(held: VideoFrame | None) -> str:
    return " at its start" if held is None else f" after {held.time:.3f} s"

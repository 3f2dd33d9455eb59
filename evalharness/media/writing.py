"""Encode pictures and sound: H.264 + AAC in MP4, bit exact.

The same pictures, sound and settings give the same bytes with the same PyAV build: the encoders run
in one thread, the muxer writes no dates, and neither x264's settings string (a user-data SEI) nor
the AAC encoder's name enters the stream. Nothing in the file tells which program wrote it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from evalharness.errors import MediaError

__all__ = ["as_rate", "write_video"]

AAC_FRAME = 1024
BT709 = 1  # the same number in ITU-T H.273's tables of primaries, transfer and matrix
LIMITED_RANGE = 1
FASTSTART = {"movflags": "+faststart", "fflags": "+bitexact"}


def as_rate(fps: float) -> Fraction:
    """A frame rate as the fraction it means: 23.976 is 24000/1001, 29.97 is 30000/1001."""
    nearest = Fraction(round(fps * 1.001) * 1000, 1001)
    if abs(float(nearest) - fps) < 0.005 and abs(fps - round(fps)) > 0.005:
        return nearest
    return Fraction(fps).limit_denominator(1000)


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    audio: NDArray[np.float32] | None = None,
    rate_hz: int = 48_000,
    *,
    crf: int = 18,
    preset: str = "veryfast",
    audio_bit_rate: int = 192_000,
) -> None:
    """Write an MP4 whole or not at all: H.264 yuv420p, BT.709 limited range, and AAC, index first.

    frames: uint8 RGB pictures of one even size, (height, width, 3); frame k is shown from k / fps.
    audio: float32 in [-1, 1], (samples,) or (channels, samples) with 1 or 2 channels, starting with the
        first picture; None writes no sound track. Sound beyond the last picture is kept.
    rate_hz: one of AAC's rates (8000 … 96000).

    Raises MediaError where there is no picture, sizes are odd or differ, or the encoder refuses.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise MediaError(f"{path} was to be written from no pictures at all; give at least one.")
    height, width = first.shape[:2]
    if width % 2 or height % 2:
        raise MediaError(
            f"{path} was to be written from pictures of {width}x{height}; 4:2:0 video needs even sizes: "
            "crop or pad by one line."
        )
    encode(
        path,
        (_to_yuv(picture, (height, width)) for picture in chain([first], pictures)),
        as_rate(fps),
        (width, height),
        _two_dimensional(audio),
        rate_hz,
        video_options={"crf": str(crf), "preset": preset},
        audio_bit_rate=audio_bit_rate,
    )


def encode(
    path: Path,
    frames: Iterable[VideoFrame],
    fps: Fraction,
    size: tuple[int, int],
    sound: NDArray[np.float32] | None,
    rate_hz: int,
    *,
    video_options: Mapping[str, str],
    audio_bit_rate: int,
) -> None:
    """Encode ready yuv420p BT.709 frames and (channels, samples) sound; the rest as `write_video`."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with av.open(str(part), "w", format="mp4", options=FASTSTART) as container:
            video = add_h264(container, fps, size, video_options)
            audio = None if sound is None else add_aac(container, rate_hz, sound.shape[0], audio_bit_rate)
            _interleave(container, video, frames, fps, audio, sound, rate_hz)
        part.replace(path)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"{path} could not be encoded: {error}. Check frame size, rates and settings."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def add_h264(
    container: OutputContainer, fps: Fraction, size: tuple[int, int], options: Mapping[str, str]
) -> VideoStream:
    """An H.264 stream with one thread and full colour tags."""
    stream = container.add_stream("libx264", rate=fps, options={"threads": "1", **options})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / fps
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    return stream


def add_aac(container: OutputContainer, rate_hz: int, channels: int, bit_rate: int) -> AudioStream:
    """An AAC stream that does not name its encoder."""
    stream = container.add_stream("aac", rate=rate_hz, options={"flags": "+bitexact"})
    stream.codec_context.layout = {1: "mono", 2: "stereo"}[channels]
    stream.codec_context.bit_rate = bit_rate
    return stream


def _interleave(
    container: OutputContainer,
    video: VideoStream,
    frames: Iterable[VideoFrame],
    fps: Fraction,
    audio: AudioStream | None,
    sound: NDArray[np.float32] | None,
    rate_hz: int,
) -> None:
    """Feed both encoders in step, so that the muxer never holds more than a moment of either."""
    no_settings_string = BitStreamFilterContext("filter_units=remove_types=6", video)
    blocks: Iterator[AudioFrame] = iter(()) if sound is None else sound_frames(sound, rate_hz)
    block = next(blocks, None)
    for index, frame in enumerate(frames):
        frame.pts, frame.time_base = index, 1 / fps
        for packet in video.encode(frame):
            container.mux(no_settings_string.filter(packet))
        while (
            audio is not None and block is not None and cast("int", block.pts) * fps <= (index + 1) * rate_hz
        ):
            container.mux(audio.encode(block))
            block = next(blocks, None)
    tail: list[Packet[VideoStream]] = list(video.encode(None))
    for packet in tail:
        container.mux(no_settings_string.filter(packet))
    container.mux(no_settings_string.filter(None))
    if audio is not None:
        for rest in chain([] if block is None else [block], blocks):
            container.mux(audio.encode(rest))
        container.mux(audio.encode(None))


def sound_frames(sound: NDArray[np.float32], rate_hz: int) -> Iterator[AudioFrame]:
    """(channels, samples) as frames of AAC's size, the last one shorter."""
    for start in range(0, sound.shape[1], AAC_FRAME):
        block = np.ascontiguousarray(sound[:, start : start + AAC_FRAME], dtype=np.float32)
        frame = AudioFrame.from_ndarray(block, format="fltp", layout="mono" if len(sound) == 1 else "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        yield frame


def _to_yuv(picture: NDArray[np.uint8], size: tuple[int, int]) -> VideoFrame:
    if picture.shape != (*size, 3) or picture.dtype != np.uint8:
        raise MediaError(
            f"A picture of shape {picture.shape} and type {picture.dtype} came where uint8 {(*size, 3)} "
            "was expected: every picture of a clip has the size of the first."
        )
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return frame.reformat(
        format="yuv420p", dst_colorspace="ITU709", src_color_range="JPEG", dst_color_range="MPEG"
    )


def _two_dimensional(audio: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    if audio is None:
        return None
    sound = np.atleast_2d(np.asarray(audio, dtype=np.float32))
    if sound.ndim != 2 or sound.shape[0] not in (1, 2) or sound.shape[1] == 0:
        raise MediaError(
            f"Sound of shape {np.shape(audio)} cannot be written: give (samples,) or (channels, samples) "
            "with one or two channels and at least one sample."
        )
    return sound

"""Pictures and sound as coded units in memory, and the MP4 that holds them: H.264 and AAC.

Bit exact with one PyAV build: encoders run in one thread, the muxer writes no dates, x264's settings
string (a user-data SEI) is dropped and the AAC encoder does not sign its name. Coded units stay apart
from the file so that they can be measured, filled (see `filling`) or muxed again.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from evalharness.errors import MediaError

__all__ = ["AAC_FRAME", "CodedPictures", "CodedSound", "decode_aac", "encode_aac", "encode_h264", "write_mp4"]

AAC_FRAME = 1024
"""Samples in an AAC frame; one such frame of priming comes before the first sample."""
START_CODE = b"\0\0\0\1"
SEI = 6
BT709 = 1  # the same number in ITU-T H.273's tables of primaries, transfer and matrix
LIMITED_RANGE = 1


@dataclass(frozen=True, slots=True)
class CodedPictures:
    """H.264 access units in order of showing and decoding alike (no B-frames), one a picture."""

    units: tuple[bytes, ...]
    """Annex B byte streams, supplemental information removed."""
    keys: tuple[bool, ...]
    """Which units can be decoded on their own."""
    fps: Fraction
    size: tuple[int, int]
    """(width, height)"""
    options: Mapping[str, str]
    """x264's settings; the parameter sets in the file's index follow from them."""

    def filled(self, units: Iterable[bytes]) -> CodedPictures:
        """The same pictures in other units."""
        return replace(self, units=tuple(units))


@dataclass(frozen=True, slots=True)
class CodedSound:
    """AAC-LC frames, the first one priming."""

    units: tuple[bytes, ...]
    rate_hz: int
    channels: int
    bit_rate: int
    samples: int
    """How many samples were encoded, priming not counted."""

    def filled(self, units: Iterable[bytes]) -> CodedSound:
        """The same sound in other units."""
        return replace(self, units=tuple(units))


def encode_h264(
    frames: Iterable[VideoFrame], fps: Fraction, size: tuple[int, int], options: Mapping[str, str]
) -> CodedPictures:
    """Encode yuv420p BT.709 limited-range frames of `size`. `options` are libx264's; B-frames are off.

    Raises MediaError where the encoder refuses.
    """
    settings = {**options, "threads": "1", "bf": "0"}
    units: list[bytes] = []
    keys: list[bool] = []
    try:
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = *size, "yuv420p"
        context.framerate, context.time_base = fps, 1 / fps
        _tag_colour(context)
        context.options = {**settings, "flags": "+global_header+bitexact"}
        for packet in _coded(context, frames, fps):
            units.append(_without_sei(bytes(packet)))
            keys.append(packet.is_keyframe)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"{size[0]}x{size[1]} pictures at {fps} fps could not be encoded ({dict(options)}): {error}."
        ) from error
    return CodedPictures(tuple(units), tuple(keys), fps, size, settings)


def encode_aac(sound: NDArray[np.float32], rate_hz: int, bit_rate: int) -> CodedSound:
    """Encode (channels, samples), one or two channels in [-1, 1]. Raises MediaError where refused."""
    try:
        context = av.CodecContext.create("aac", "w")
        context.sample_rate, context.format = rate_hz, "fltp"
        context.layout = _layout(len(sound))
        context.bit_rate, context.time_base = bit_rate, Fraction(1, rate_hz)
        context.options = {"flags": "+global_header+bitexact"}
        packets = [packet for frame in _sound_frames(sound, rate_hz) for packet in context.encode(frame)]
        packets += context.encode(None)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"Sound of {sound.shape[1]} samples at {rate_hz} Hz could not be encoded as AAC: {error}."
        ) from error
    return CodedSound(tuple(map(bytes, packets)), rate_hz, len(sound), bit_rate, sound.shape[1])


def decode_aac(coded: CodedSound) -> NDArray[np.float32]:
    """What a listener gets: (channels, samples), priming removed."""
    context = av.CodecContext.create("aac", "r")
    context.extradata = _audio_specific_config(coded.rate_hz, coded.channels)
    blocks = [
        np.asarray(frame.to_ndarray(), dtype=np.float32)
        for unit in (*coded.units, None)
        for frame in context.decode(None if unit is None else Packet(unit))
    ]
    return np.concatenate(blocks, axis=1)[:, AAC_FRAME : AAC_FRAME + coded.samples]


def write_mp4(path: Path, pictures: CodedPictures, sound: CodedSound | None, *, tail: bytes = b"") -> None:
    """Write an MP4 whole or not at all, its index first and no dates in it; `tail` goes after its end.

    Equal numbers and sizes of units give byte-identical files up to the units' own bytes.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    try:
        with av.open(str(part), "w", format="mp4", options=options) as container:
            _mux(container, pictures, sound)
        if tail:
            with part.open("ab") as file:
                file.write(tail)
        part.replace(path)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"{path} could not be written as MP4: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _mux(container: OutputContainer, pictures: CodedPictures, sound: CodedSound | None) -> None:
    """Add the coded units; the encoders are opened again only for their parameter sets."""
    fps = pictures.fps
    video = container.add_stream("libx264", rate=fps, options=dict(pictures.options))
    video.width, video.height = pictures.size
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = 1 / fps
    _tag_colour(video.codec_context)
    timed = [
        (index / fps, _packet(video, unit, index, 1, 1 / fps, key=key))
        for index, (unit, key) in enumerate(zip(pictures.units, pictures.keys, strict=True))
    ]
    if sound is not None:
        audio = container.add_stream("aac", rate=sound.rate_hz, options={"flags": "+bitexact"})
        audio.codec_context.layout = _layout(sound.channels)
        audio.codec_context.bit_rate = sound.bit_rate
        tick = Fraction(1, sound.rate_hz)
        for index, unit in enumerate(sound.units):
            start = (index - 1) * AAC_FRAME
            length = min(AAC_FRAME, sound.samples - start)
            timed.append((start * tick, _packet(audio, unit, start, length, tick, key=True)))
    container.start_encoding()
    for _, packet in sorted(timed, key=lambda entry: entry[0]):
        container.mux(packet)


def _packet(
    stream: Stream, unit: bytes, start: int, length: int, tick: Fraction, *, key: bool
) -> Packet[Stream]:
    packet: Packet[Stream] = Packet(unit)
    packet.stream, packet.time_base = stream, tick
    packet.pts = packet.dts = start
    packet.duration, packet.is_keyframe = length, key
    return packet


def _coded(
    context: VideoCodecContext, frames: Iterable[VideoFrame], fps: Fraction
) -> Iterator[Packet[Stream]]:
    for index, frame in enumerate(frames):
        frame.pts, frame.time_base = index, 1 / fps
        yield from context.encode(frame)
    yield from context.encode(None)


def split_units(stream: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream."""
    return [nal.rstrip(b"\0") for nal in re.split(b"\0\0\0\1|\0\0\1", stream) if nal]


def _without_sei(unit: bytes) -> bytes:
    return b"".join(START_CODE + nal for nal in split_units(unit) if nal[0] & 31 != SEI)


def _tag_colour(context: VideoCodecContext) -> None:
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}[channels]


def _sound_frames(sound: NDArray[np.float32], rate_hz: int) -> Iterator[AudioFrame]:
    for start in range(0, sound.shape[1], AAC_FRAME):
        block = np.ascontiguousarray(sound[:, start : start + AAC_FRAME], dtype=np.float32)
        frame = AudioFrame.from_ndarray(block, format="fltp", layout=_layout(len(sound)))
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        yield frame


def _audio_specific_config(rate_hz: int, channels: int) -> bytes:
    """AAC-LC's two bytes of set-up (ISO/IEC 14496-3, 1.6.2.1)."""
    rates = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
    return (2 << 11 | rates.index(rate_hz) << 7 | channels << 3).to_bytes(2, "big")

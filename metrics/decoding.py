"""Files to arrays: the one place among the metrics that knows containers and codecs (PyAV).

`decode` reads picture and sound in a single pass. See `metrics.av` for the conventions of time.

Some containers have coarse clocks (Matroska: 1 ms), so that a timestamp only says between which two moments
a frame begins. What all timestamps of a track allow together is much narrower: frames that keep a steady
rate are put back on it (`steady`), sound begins in the middle of what its blocks allow (`beginning`).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from metrics.av import AVClip, ClipError

__all__ = ["beginning", "decode", "planes", "steady"]

WORKING_SIDE = 320
"""Pixels on the longer side of a grey frame: enough to see motion, quick to compare."""

COLOUR_SIDE = 1280
"""Pixels on the longer side of a colour picture: enough for faces, lips and small print."""

MEMORY_BUDGET = 2 << 30
"""Bytes of decoded picture and sound a clip may take; about a minute of 24 fps video."""

SHORTFALL_S = 0.3
"""A stream that ends this much earlier than its header promises was cut off on the way."""

GAP_S = 0.02
"""Sound whose timestamp strays further than this from its sample count begins anew there."""


def decode(path: Path) -> AVClip:
    """The clip at `path`. Raises ClipError with a sentence where it cannot be had whole."""
    with _opened(path) as container:
        video = _video_stream(container, path)
        audio = container.streams.best("audio")
        picture = _Picture(path, _aspect(video))
        sound = _Sound(path)
        guesses = container.format.name == "avi"  # without timestamps, FFmpeg guesses them from the coding
        tracks = [video] if audio is None else [video, audio]
        try:
            for packet in container.demux(tracks):
                if guesses and packet.stream is video:
                    _refuse_guess(path, packet)
                for frame in packet.decode():
                    if isinstance(frame, VideoFrame):
                        picture.add(frame)
                    elif isinstance(frame, AudioFrame):
                        sound.add(frame, _untrimmed(packet, frame))
                if picture.bytes + sound.bytes > MEMORY_BUDGET:
                    raise ClipError(
                        f"{path} is too long to measure: {len(picture.times)} frames of it already fill "
                        f"{MEMORY_BUDGET >> 20} MiB. Cut it into shorter clips."
                    )
        except av.FFmpegError as error:
            raise ClipError(
                f"{path} is damaged: decoding broke off after {len(picture.times)} frames "
                f"({error.strerror}). Deliver the file again."
            ) from error
        if not picture.times:
            raise ClipError(f"{path} has a picture track without a single frame. Deliver the file again.")
        times = steady(np.array(picture.times), video.average_rate, float(video.time_base or 0))
        samples, rate_hz, audio_start_s = sound.assembled()
        ends = times[-1] + picture.last_duration_s, audio_start_s + samples.shape[-1] / max(1, rate_hz)
        _refuse_shortfall(path, container, video, float(ends[0] - times[0]), max(ends))
    apart = np.diff(times)
    last = picture.last_duration_s or (float(np.median(apart)) if apart.size else 0.0)
    return AVClip(
        frame_times_s=times - times[0],
        grey=np.stack(picture.frames),
        i420=np.stack(picture.colour),
        samples=samples,
        rate_hz=rate_hz,
        audio_start_s=audio_start_s - float(times[0]) if rate_hz else 0.0,
        last_frame_s=last,
        path=path,
    )


def planes(pictures: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(grey, I420) of RGB pictures (n, height, width, 3), as `decode` gives them; see `metrics.av`."""
    frames = [VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24") for picture in pictures]
    grey = [_grey(frame, 1.0) for frame in frames]
    return np.stack(grey), np.stack([_i420(frame, 1.0) for frame in frames])


def steady(times_s: NDArray[np.float64], rate: Fraction | None, tick_s: float) -> NDArray[np.float64]:
    """Frame times (n,) put on the grid of the stated `rate` where each lies within half a tick of it.

    Times that keep no such grid (variable frame rate) come back unchanged; places of the grid may be empty.
    `tick_s` is the container's clock: timestamps are whole multiples of it.
    """
    if not rate or len(times_s) < 2:
        return times_s
    grid = np.round((times_s - times_s[0]) * float(rate)) / float(rate)
    astray = times_s - grid
    if np.ptp(astray) > tick_s * (1 + 1e-6) or np.any(np.diff(grid) <= 0):
        return times_s
    return np.asarray(grid + (astray.max() + astray.min()) / 2, np.float64)


def beginning(starts_s: NDArray[np.float64], tick_s: float) -> float:
    """When a track begins, from what each of its blocks says: (n,) timestamp less the samples before it.

    Where the blocks differ by no more than the rounding of their timestamps to a tick, it is the middle of
    their extremes: the truth is within half a tick of each. Otherwise their clock jitters: the median.
    """
    if np.ptp(starts_s) <= tick_s * (1 + 1e-6):
        return float(starts_s.max() + starts_s.min()) / 2
    return float(np.median(starts_s))


class _Picture:
    """Collects frames, in grey and in colour, and their times."""

    def __init__(self, path: Path, aspect: float) -> None:
        self.path = path
        self.aspect = aspect
        self.times: list[float] = []
        self.frames: list[NDArray[np.uint8]] = []
        self.colour: list[NDArray[np.uint8]] = []
        self.bytes = 0
        self.last_duration_s = 0.0

    def add(self, frame: VideoFrame) -> None:
        time = _time(frame, self.path)
        if self.times and time <= self.times[-1]:
            raise ClipError(
                f"{self.path} is damaged: frame {len(self.times) + 1} is stamped {time:.3f} s, the frame "
                f"before it {self.times[-1]:.3f} s. Write the file again with rising timestamps."
            )
        if frame.is_corrupt:
            raise ClipError(
                f"{self.path} is damaged: the frame at {time:.3f} s is corrupt. Deliver it again."
            )
        grey, colour = _grey(frame, self.aspect), _i420(frame, self.aspect)
        if self.frames and grey.shape != self.frames[0].shape:
            raise ClipError(f"{self.path} changes its picture size at {time:.3f} s; deliver it in one size.")
        self.times.append(time)
        self.frames.append(grey)
        self.colour.append(colour)
        self.bytes += grey.nbytes + colour.nbytes
        self.last_duration_s = float((frame.duration or 0) * (frame.time_base or 0))


class _Sound:
    """Collects samples with their timestamps and lays them out on one time line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blocks: list[tuple[float, NDArray[np.float32]]] = []
        self.rate_hz = 0
        self.tick_s = 0.0
        self.bytes = 0

    def add(self, frame: AudioFrame, time_s: float | None = None) -> None:
        """One block, at `time_s` where that is known better than its own timestamp says."""
        block = _as_float(frame)
        if self.blocks and (frame.sample_rate, len(block)) != (self.rate_hz, len(self.blocks[0][1])):
            raise ClipError(
                f"{self.path} changes its sound from {self.rate_hz} Hz, {len(self.blocks[0][1])} channels to "
                f"{frame.sample_rate} Hz, {len(block)} channels half-way; deliver it in one format."
            )
        self.rate_hz = frame.sample_rate
        self.tick_s = float(frame.time_base or 0)
        self.blocks.append((_time(frame, self.path) if time_s is None else time_s, block))
        self.bytes += block.nbytes

    def assembled(self) -> tuple[NDArray[np.float32], int, float]:
        """(samples, rate, start): gaps between blocks become silence, an overlap is cut."""
        if not self.blocks:
            return np.zeros((0, 0), np.float32), 0, 0.0
        runs = self._runs()
        start = runs[0][0]
        pieces: list[NDArray[np.float32]] = []
        written = 0
        for run_start, run in runs:
            place = round((run_start - start) * self.rate_hz)
            pieces.append(np.zeros((len(run), max(0, place - written)), np.float32))
            pieces.append(run[:, max(0, written - place) :])
            written = max(written, place + run.shape[1])
            if written * run.shape[0] * 4 > MEMORY_BUDGET:
                raise ClipError(f"{self.path} has sound at {run_start:.0f} s: too long to measure. Cut it.")
        return np.concatenate(pieces, axis=1), self.rate_hz, start

    def _runs(self) -> list[tuple[float, NDArray[np.float32]]]:
        """Blocks joined while their timestamps agree with their sample count, each run with its start."""
        runs: list[tuple[float, NDArray[np.float32]]] = []
        starts: list[float] = []
        parts: list[NDArray[np.float32]] = []
        count = 0
        for time, block in self.blocks:
            if parts and abs(time - count / self.rate_hz - starts[0]) > GAP_S:
                runs.append((beginning(np.array(starts), self.tick_s), np.concatenate(parts, axis=1)))
                starts, parts, count = [], [], 0
            starts.append(time - count / self.rate_hz)
            parts.append(block)
            count += block.shape[1]
        return [*runs, (beginning(np.array(starts), self.tick_s), np.concatenate(parts, axis=1))]


def _opened(path: Path) -> InputContainer:
    """The open container. Raises ClipError where there is none."""
    if not path.is_file():
        raise ClipError(f"There is no clip file at {path}; it was moved or deleted. Put it back.")
    try:
        return av.open(str(path))
    except av.FFmpegError as error:
        raise ClipError(
            f"{path} is not a playable media file ({error.strerror}, {path.stat().st_size} bytes). "
            "It is damaged or was cut off; deliver it again."
        ) from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The picture track; cover pictures are none. Raises ClipError where there is no other."""
    moving = [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]
    if not moving:
        raise ClipError(f"{path} has no picture track; a clip needs one.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in moving else moving[0]
    stream.thread_type = "AUTO"
    return stream


def _untrimmed(packet: Packet[Stream], frame: AudioFrame) -> float | None:
    """When a block sounds whose beginning the decoder has cut off (priming, pre-skip), exactly.

    The decoder rounds the length of the cut to a tick of the container; here it is counted in samples.
    """
    if packet.pts is None or not packet.has_sidedata("skip_samples"):
        return None
    skipped = int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
    time = float(packet.pts * packet.time_base) + skipped / frame.sample_rate
    stamped = float((frame.pts or 0) * packet.time_base)
    return time if skipped and abs(time - stamped) <= float(packet.time_base) else None


def _time(frame: VideoFrame | AudioFrame, path: Path) -> float:
    if frame.pts is None or frame.time_base is None:
        raise ClipError(f"{path} carries a frame without a timestamp; write it again as MP4 or Matroska.")
    return float(frame.pts * frame.time_base)


def _aspect(stream: VideoStream) -> float:
    """Width of a stored pixel in heights; 1 where the file says nothing."""
    return float(stream.sample_aspect_ratio or 1)


def _grey(frame: VideoFrame, aspect: float) -> NDArray[np.uint8]:
    """(height, width): the frame upright, square-pixelled, its longer side at most 320 pixels."""
    width, height = _size(frame, aspect, WORKING_SIDE)
    pixels = frame.reformat(width, height, format="gray", interpolation="AREA").to_ndarray()
    return np.ascontiguousarray(np.rot90(pixels, _quarter_turns(frame)), np.uint8)


def _i420(frame: VideoFrame, aspect: float) -> NDArray[np.uint8]:
    """(height * 3 / 2, width): the same in colour, its longer side at most 1280 pixels, both even."""
    width, height = (2 * max(1, round(length / 2)) for length in _size(frame, aspect, COLOUR_SIDE))
    shrunk = frame.reformat(
        width,
        height,
        format="yuv420p",
        dst_colorspace="ITU601",
        dst_color_range="MPEG",
        interpolation="AREA",
    )
    packed = np.asarray(shrunk.to_ndarray(), np.uint8)
    turns = _quarter_turns(frame)
    if turns % 4 == 0:
        return packed
    luma, colour = packed[:height], packed[height:].reshape(2, height // 2, width // 2)
    turned = np.rot90(luma, turns), np.rot90(colour, turns, axes=(1, 2))
    return np.concatenate([turned[0], turned[1].reshape(-1, turned[0].shape[1])])


def _size(frame: VideoFrame, aspect: float, side: int) -> tuple[int, int]:
    """(width, height) of the stored frame with square pixels, its longer side at most `side`."""
    width, height = frame.width * aspect, float(frame.height)
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _quarter_turns(frame: VideoFrame) -> int:
    return round(frame.rotation / 90)


def _as_float(frame: AudioFrame) -> NDArray[np.float32]:
    """(channels, samples), full scale ±1, whatever the decoder's sample format."""
    stored = frame.to_ndarray()
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        stored = stored.reshape(-1, channels).T
    if stored.dtype.kind == "f":
        return np.ascontiguousarray(stored, np.float32)
    middle = 128 if stored.dtype == np.uint8 else 0
    full_scale = 2.0 ** (8 * stored.dtype.itemsize - 1)
    return ((stored.astype(np.float64) - middle) / full_scale).astype(np.float32)


def _refuse_guess(path: Path, packet: Packet[Stream]) -> None:
    """Without timestamps, a coder that may reorder pictures leaves open when they are shown: ClipError."""
    if packet.size and packet.pts != packet.dts:
        raise ClipError(
            f"{path} is an AVI file whose pictures may be coded out of order, and AVI does not say when they "
            "are shown. Write it from its source as MP4 or Matroska."
        )


def _refuse_shortfall(
    path: Path, container: InputContainer, video: VideoStream, picture_s: float, end_s: float
) -> None:
    """A file that ends well before its header promises was cut off: ClipError.

    `picture_s` is how much picture there is, `end_s` when the last of picture and sound ends.
    """
    promised = found = 0.0
    if video.duration is not None and video.time_base is not None:
        promised, found = float(video.duration * video.time_base), picture_s
    elif container.duration is not None:
        promised, found = container.duration / av.time_base, end_s
    if found < promised - SHORTFALL_S:
        raise ClipError(
            f"{path} was cut off: its header promises {promised:.2f} s, {found:.2f} s are there. "
            "Deliver the file again."
        )

"""What a voter's browser could measure of an exhibit, found from the file alone.

Three kinds, since they call for different answers:

- FORM, the container and the coding: the same for all exhibits of a prompt, or blinding has failed.
- RENDERING, what the study's canvas and loudness make of a clip: borders, silence, loudness.
- CONTENT, what lies in the pictures and the sound: it cannot be taken away without altering them.

Names end in their unit where they have one; times are seconds, bit rates bits a second, borders lines
(left/top/right/bottom), sizes pixels. `picture.coded_bit_rate` leaves filling out: what a bitstream
parser would learn of how hard the picture was to compress.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

from evalharness.blinding.guessing import Value
from evalharness.blinding.looks import Looks, look_at
from evalharness.blinding.loudness import integrated_loudness, true_peak_db
from evalharness.blinding.recipe import RATE_HZ
from evalharness.media.boxes import walk_boxes
from evalharness.media.reading import open_media, picture_stream, read_frames, read_sound

__all__ = ["KINDS", "Kind", "Observation", "observe"]

FILLER = 12
BANDWIDTH_DB = 75.0
SPECTRUM = 4096
LONG_WORD = 6
"""Shorter words occur in coded pictures by accident; they are looked for outside of them only."""
TELLTALES = ("x264", "x265", "lavf", "lavc", "c2pa", "jumb", "ffmpeg", "handbrake", "premiere", "davinci")
EVERY_MP4 = (
    "isom iso2 avc1 mp41 mp4a ftyp moov mvhd trak tkhd edts elst mdia mdhd hdlr minf vmhd smhd dinf dref "
    "stbl stsd stts stss stsc stsz stco sgpd sbgp roll udta meta free mdat avcc colr nclx btrt pasp esds url "
    "vide soun videohandler soundhandler mdirappl ilst"
)
"""What stands in every exhibit; a name that is part of it cannot be told from it and is not looked for."""


class Kind(StrEnum):
    """What kind of difference a feature is."""

    FORM = "form"
    RENDERING = "rendering"
    CONTENT = "content"


RENDERED = ("picture.border", "sound.silent", "sound.loudness_lufs")
SEEN = ("picture.coded_bit_rate", "picture.sharpness", "picture.repeats", "picture.brightness")
HEARD = ("sound.peak_db", "sound.bandwidth_hz")
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(RENDERED, Kind.RENDERING),
    **dict.fromkeys(SEEN + HEARD, Kind.CONTENT),
}
"""Kinds of all features that are not FORM."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One exhibit as measured."""

    features: Mapping[str, Value]
    still_edges: NDArray[np.bool_]
    """Where edges stood still through the clip; (height, width)."""


def observe(path: Path, words: Iterable[str] = ()) -> Observation:
    """Measure one exhibit. `words` are names whose presence in the file would give a system away.

    Raises MediaError where the file is missing or cannot be decoded.
    """
    form, coded_bit_rate = _streams(path)
    looks = look_at(shown.frame for shown in read_frames(path))
    return Observation(
        {**_file(path, words), **form, **_seen(looks, coded_bit_rate), **_heard(path)}, looks.still_edges
    )


def _file(path: Path, words: Iterable[str]) -> dict[str, Value]:
    data = path.read_bytes()
    boxes = list(walk_boxes(data))
    outside = bytearray(data)
    for name, box in boxes:
        if name == "mdat":
            outside[box.payload] = bytes(box.size - box.header)
    index = b"".join(
        data[box.offset : box.offset + box.size] for name, box in boxes if name in {"ftyp", "moov"}
    )
    return {
        "file.name": re.sub("[0-9a-f]{32}", "<random>", path.name),
        "file.bytes": float(len(data)),
        "file.boxes": " ".join(name for name, _ in boxes),
        "file.index": hashlib.sha256(index).hexdigest()[:16],
        "file.words": ", ".join(_found(data.lower(), bytes(outside).lower(), words)),
    }


def _found(data: bytes, outside: bytes, words: Iterable[str]) -> list[str]:
    """Which words the file holds, upper or lower case."""
    wanted = sorted({w.lower() for w in (*TELLTALES, *words) if len(w) > 2 and w.lower() not in EVERY_MP4})
    return [word for word in wanted if word.encode() in (data if len(word) >= LONG_WORD else outside)]


def _streams(path: Path) -> tuple[dict[str, Value], float]:
    """Features of container and coding, and the bits a second that its pictures take without filling."""
    features: dict[str, Value] = {}
    with open_media(path) as container:
        features["file.format"] = container.format.name
        features["file.tags"] = _tags(
            [container.metadata, *(stream.metadata for stream in container.streams)]
        )
        features["file.streams"] = " ".join(stream.type for stream in container.streams)
        video, audio = picture_stream(container), next(iter(container.streams.audio), None)
        packets: dict[int, list[Packet[Stream]]] = {}
        for packet in container.demux():
            if packet.size:
                packets.setdefault(packet.stream_index, []).append(packet)
        pictures = packets.get(video.index, [])
        context = video.codec_context
        kinds, unfilled = _units(pictures) if context.name == "h264" else ("", sum(p.size for p in pictures))
        features |= _timing("picture", pictures, context.extradata)
        features |= {
            "picture.codec": f"{context.name} {context.profile} {context.pix_fmt}",
            "picture.size": f"{context.width}x{context.height} pixels {video.sample_aspect_ratio or 1}",
            "picture.colour": f"{context.color_primaries}/{context.color_trc}/{context.colorspace}/"
            f"{context.color_range}",
            "picture.fps": float(video.average_rate or 0),
            "picture.keys": " ".join(str(i) for i, packet in enumerate(pictures) if packet.is_keyframe),
            "picture.units": kinds,
        }
        features |= _timing("sound", packets.get(audio.index, []) if audio else [], _extradata(audio))
        features["sound.codec"] = "none"
        if audio:
            heard = audio.codec_context
            features["sound.codec"] = f"{heard.name} {heard.sample_rate} Hz {heard.layout.name}"
    duration = features["picture.duration_s"]
    return features, 8.0 * unfilled / max(1e-6, duration if isinstance(duration, float) else 1e-6)


def _timing(name: str, packets: Sequence[Packet[Stream]], extradata: bytes | None) -> dict[str, Value]:
    sizes = [packet.size for packet in packets]
    starts = [float((packet.pts or 0) * packet.time_base) for packet in packets]
    length = [float((packet.duration or 0) * packet.time_base) for packet in packets]
    end = max((start + more for start, more in zip(starts, length, strict=True)), default=0.0)
    duration = round(end - max(0.0, min(starts, default=0.0)), 6)
    return {
        f"{name}.packets": float(len(packets)),
        f"{name}.start_s": round(min(starts, default=0.0), 6),
        f"{name}.duration_s": duration,
        f"{name}.bit_rate": round(8 * sum(sizes) / duration, 3) if duration else 0.0,
        f"{name}.packet_sizes": hashlib.sha256(repr(sizes).encode()).hexdigest()[:16],
        f"{name}.parameters": (extradata or b"").hex(),
    }


def _extradata(stream: Stream | None) -> bytes | None:
    return stream.codec_context.extradata if stream is not None else None


def _tags(tables: Iterable[Mapping[str, str]]) -> str:
    return "; ".join(f"{key}={value}" for table in tables for key, value in sorted(table.items()))


def _units(packets: Sequence[Packet[Stream]]) -> tuple[str, int]:
    """Types of NAL units in an MP4's H.264 packets, and the bytes that are not filling."""
    types: set[int] = set()
    unfilled = 0
    for packet in packets:
        data, at = bytes(packet), 0
        while at + 5 <= len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            kind = data[at + 4] & 31
            types.add(kind)
            unfilled += size if kind != FILLER else 0
            at += 4 + size
    return " ".join(map(str, sorted(types))), unfilled


def _seen(looks: Looks, coded_bit_rate: float) -> dict[str, Value]:
    return {
        "picture.border": looks.border,
        "picture.coded_bit_rate": coded_bit_rate,
        "picture.sharpness": looks.sharpness,
        "picture.repeats": looks.repeats,
        "picture.brightness": looks.brightness,
    }


def _heard(path: Path) -> dict[str, Value]:
    sound = read_sound(path, RATE_HZ, 2)
    loudness = None if sound is None else integrated_loudness(sound.samples)
    if sound is None or loudness is None:
        return {"sound.silent": "silent", **dict.fromkeys(("sound.loudness_lufs", *HEARD))}
    return {
        "sound.silent": "sound",
        "sound.loudness_lufs": loudness,
        "sound.peak_db": true_peak_db(sound.samples),
        "sound.bandwidth_hz": _bandwidth_hz(sound.samples),
    }


def _bandwidth_hz(samples: NDArray[np.float32]) -> float:
    """The highest frequency whose long-term power is within 75 dB of the strongest."""
    mono = samples.mean(axis=0)
    blocks = mono[: len(mono) // SPECTRUM * SPECTRUM].reshape(-1, SPECTRUM)
    if not len(blocks):
        return 0.0
    power = np.square(np.abs(np.fft.rfft(blocks * np.hanning(SPECTRUM), axis=1))).mean(axis=0)
    strong = np.flatnonzero(power > power.max() * 10 ** (-BANDWIDTH_DB / 10))
    return float(strong[-1] * RATE_HZ / SPECTRUM) if len(strong) else 0.0

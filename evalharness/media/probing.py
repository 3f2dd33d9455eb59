"""What a media file really holds, found by decoding all of it."""

from __future__ import annotations

from pathlib import Path

from evalharness.errors import MediaError
from evalharness.media.reading import open_media, picture_stream, read_frames, read_sound
from evalharness.records import Streams

__all__ = ["probe"]

TRUNCATION = 0.98
"""A file whose pictures end before this share of what its index promises was cut off."""


def probe(path: Path) -> Streams:
    """Decode a clip once and say what a player would meet.

    duration_s is the time from the first picture's start to the last one's end; fps the mean rate of
    pictures over it, by timestamps; frames the pictures that came out of the decoder. width and height
    are as stored, and a player turns the picture by rotation_deg (clockwise: 0, 90, 180 or 270).

    Raises MediaError with a sentence: no such file, not a media file, no video stream, cut off or
    damaged.
    """
    with open_media(path) as container:
        video = picture_stream(container)
        context = video.codec_context
        promised_s = float(video.duration * video.time_base) if video.duration and video.time_base else None
        family = container.format.name.split(",")[0]
        is_mp4 = family == "mov" and container.metadata.get("major_brand", "qt  ") != "qt  "
        codec, pixel_format, bit_rate = context.name, context.pix_fmt or "unknown", context.bit_rate
        audio = container.streams.audio[0] if container.streams.audio else None
        audio_codec = audio.codec_context.name if audio else None
        rate_hz = audio.codec_context.sample_rate if audio else None
        channels = audio.codec_context.channels if audio else None
    first_s = end_s = last_start_s = 0.0
    width = height = rotation = frames = 0
    for frames, shown in enumerate(read_frames(path), start=1):
        if frames == 1:
            first_s = shown.start_s
            width, height = shown.frame.width, shown.frame.height
            rotation = -shown.frame.rotation % 360
        last_start_s, end_s = shown.start_s, shown.end_s
    duration_s = end_s - first_s
    if promised_s is not None and duration_s < TRUNCATION * promised_s - 0.1:
        raise MediaError(
            f"{path} promises {promised_s:.2f} s of pictures and holds {duration_s:.2f} s: it was cut off. "
            "Fetch or render it again."
        )
    sound = read_sound(path) if audio_codec else None
    return Streams(
        container="mp4" if is_mp4 else family,
        duration_s=round(duration_s, 6),
        width=width,
        height=height,
        fps=round((frames - 1) / (last_start_s - first_s) if frames > 1 else 1 / duration_s, 4),
        frames=frames,
        video_codec=codec,
        pixel_format=pixel_format,
        video_bit_rate=bit_rate,
        rotation_deg=rotation,
        audio_codec=audio_codec,
        sample_rate_hz=rate_hz,
        channels=channels,
        audio_duration_s=None if audio_codec is None else round(sound.duration_s, 6) if sound else 0.0,
    )

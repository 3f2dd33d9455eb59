"""What only a file can suffer: a clip through a coder or a container and back.

`recoded` spoils the pictures by x264 at a stated rate factor; `displaced` moves the sound's timestamps in the
file, so that a reading goes through muxer, edit list and decoder as it does with a clip that was delivered.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from metrics.av import AVClip, ClipError
from metrics.decoding import decode

__all__ = ["displaced", "recoded"]

CLOCK = Fraction(1, 90_000)
LIGHT_CRF = 40.0
"""For pictures that nobody will look at."""


def recoded(clip: AVClip, crf: float) -> AVClip:
    """The pictures after H.264 coding at this constant rate factor (0 lossless to 51); sound untouched.

    x264, preset fast, on one thread, through a temporary file. Raises ClipError where the clip has no
    colour.
    """
    coded = _through_a_file(clip, crf)
    return replace(clip, grey=coded.grey, i420=coded.i420)


def displaced(clip: AVClip, delay_s: float) -> AVClip:
    """The sound as a file gives it back whose sound track is stamped `delay_s` later (earlier if negative).

    QuickTime with PCM of 32 bits, so that samples come back as they went in; the stamp is rounded to a
    sample. Samples and their stated start are the decoder's; the pictures stay as they are. Raises ClipError
    where the clip has no sound, or no colour.
    """
    if not clip.has_audio:
        raise ClipError("The clip has no sound that could be displaced.")
    coded = _through_a_file(clip, LIGHT_CRF, sound_at_s=clip.audio_start_s + delay_s)
    return replace(clip, samples=coded.samples, rate_hz=coded.rate_hz, audio_start_s=coded.audio_start_s)


def _through_a_file(clip: AVClip, crf: float, sound_at_s: float | None = None) -> AVClip:
    """The clip written and decoded; with its sound only where a time is given for it to begin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mov"
        _write(clip, path, crf, sound_at_s)
        return decode(path)


def _write(clip: AVClip, path: Path, crf: float, sound_at_s: float | None) -> None:
    pictures = clip.i420
    if pictures is None:
        raise ClipError("The clip has no colour pictures to code; open it from a file.")
    rate = Fraction(len(pictures) / max(clip.duration_s, 1e-3)).limit_denominator(1001)
    origin_s = max(0.0, -(sound_at_s or 0.0))  # when the picture begins: no file begins before zero
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate)
        video.width, video.height = pictures.shape[2], pictures.shape[1] * 2 // 3
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = CLOCK
        video.options = {"crf": f"{crf:g}", "preset": "fast", "threads": "1"}
        sound = None
        if sound_at_s is not None:
            channels = len(clip.samples)
            sound = container.add_stream("pcm_f32le", rate=clip.rate_hz, layout=f"{channels}c")
        for time_s, picture in zip(clip.frame_times_s, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = round((origin_s + float(time_s)) / CLOCK), CLOCK
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and sound_at_s is not None:
            packed = np.ascontiguousarray(clip.samples.T).reshape(1, -1)
            block = av.AudioFrame.from_ndarray(packed, format="flt", layout=sound.layout.name)
            block.sample_rate, block.time_base = clip.rate_hz, Fraction(1, clip.rate_hz)
            block.pts = round((origin_s + sound_at_s) * clip.rate_hz)
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))

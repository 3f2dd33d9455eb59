"""Known coding loss: a clip's pictures through x264 and back, at a stated rate factor."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from metrics.av import AVClip, ClipError
from metrics.decoding import decode

__all__ = ["recoded"]

CLOCK = Fraction(1, 90_000)


def recoded(clip: AVClip, crf: float) -> AVClip:
    """The pictures after H.264 coding at this constant rate factor (0 lossless to 51); sound untouched.

    x264, preset fast, on one thread, through a temporary file. Raises ClipError where the clip has no
    colour.
    """
    if clip.i420 is None:
        raise ClipError("The clip has no colour pictures to code; open it from a file.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recoded.mp4"
        _write(clip, path, crf)
        coded = decode(path)
    return replace(clip, grey=coded.grey, i420=coded.i420)


def _write(clip: AVClip, path: Path, crf: float) -> None:
    pictures = clip.i420
    assert pictures is not None  # noqa: S101 - the caller has looked
    rate = Fraction(len(pictures) / max(clip.duration_s, 1e-3)).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate)
        video.width, video.height = pictures.shape[2], pictures.shape[1] * 2 // 3
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = CLOCK
        video.options = {"crf": f"{crf:g}", "preset": "fast", "threads": "1"}
        for time_s, picture in zip(clip.frame_times_s, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = round(float(time_s) / CLOCK), CLOCK
            container.mux(video.encode(frame))
        container.mux(video.encode(None))

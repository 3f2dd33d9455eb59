"""Beeps against flashes through files of every common kind: how far decoding strays from the truth.

    python benchmarks/container.py [--inside] [--pairs aac/mp4 libopus/webm ...]

Each file shows two seconds of black with a white frame near 0.43 s and near 1.39 s; a tone begins with each,
moved by -200..200 ms. The whole sound track is moved, so that the file must say when it begins (edit lists,
track delays, timestamps), or, with --inside, the tones within it. Frame rates of 24, 25, 30 and 60 and eight
offsets make 32 files for each pair of codec and container. About a minute and a half.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

# A neighbour of this script has the name of the package it measures: out of the way.
sys.path = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent.resolve()]

import av  # noqa: E402 - after sys.path is mended
import numpy as np  # noqa: E402 - after sys.path is mended
from numpy.typing import NDArray  # noqa: E402 - after sys.path is mended

from metrics.av import AVClip  # noqa: E402 - after sys.path is mended
from metrics.container import beep_lag  # noqa: E402 - after sys.path is mended

RATES_FPS = (24, 25, 30, 60)
OFFSETS_S = (-0.2, -0.125, -0.045, -0.015, 0.015, 0.045, 0.125, 0.2)
PAIRS = (
    "aac/mp4",
    "libmp3lame/mp4",
    "aac/mkv",
    "pcm_s16le/mkv",
    "libopus/mkv",
    "libopus/webm",
    "libopus/mp4",
    "aac/ts",
    "aac/mov",
    "flac/mkv",
    "ac3/mkv",
)
FLASHES_S = (0.43, 1.39)
DURATION_S = 2.0
RATE_HZ = 48_000
TONE_HZ, TONE_S = 1_000, 0.1


def tones(moments_s: list[float], duration_s: float) -> NDArray[np.float32]:
    """(1, n): a tone that begins at each moment."""
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sound = np.zeros(len(time), np.float32)
    for moment in moments_s:
        on = (time >= moment - 1e-9) & (time < moment + TONE_S)
        sound[on] = 0.5 * np.sin(2 * np.pi * TONE_HZ * (time[on] - moment))
    return sound[None]


def write(path: Path, codec: str, fps: int, offset_s: float, inside: bool) -> None:
    """Encode one file; `inside`: the tones are moved, otherwise the track."""
    start_s = 0.0 if inside else offset_s
    flashes = [round(flash * fps) for flash in FLASHES_S]
    moments = [flash / fps + offset_s - start_s for flash in flashes]
    sound = tones(moments, DURATION_S)
    # By default FFmpeg writes edit lists in whole milliseconds; the file is to hold the truth exactly.
    exact = {"movie_timescale": str(RATE_HZ)} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=exact) as container:
        coder = "libvpx" if path.suffix == ".webm" else "libx264"
        video = container.add_stream(coder, rate=fps)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        video.options = {"deadline": "realtime"} if coder == "libvpx" else {"preset": "ultrafast"}
        audio = container.add_stream(codec, rate=RATE_HZ, layout="mono")
        for index in range(round(DURATION_S * fps)):
            picture = np.full((64, 64), 255 if index in flashes else 0, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        packed = {"pcm_s16le": "s16", "flac": "s16"}.get(codec, "fltp")
        values = (sound * 32767).round().astype(np.int16) if packed == "s16" else sound
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), format=packed, layout="mono")
        block.sample_rate, block.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        block.pts = round(start_s * RATE_HZ)
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))


def error_s(path: Path, offset_s: float) -> float:
    """What is measured in the file, less what was put in."""
    clip = AVClip.open(path)
    return beep_lag(clip.frame_times_s, clip.grey, clip.mono, clip.rate_hz, clip.audio_start_s) - offset_s


def main() -> None:
    """Print one line for each pair."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", nargs="*", default=PAIRS)
    parser.add_argument("--inside", action="store_true", help="move the tones, not the track")
    asked = parser.parse_args()
    print("codec/container     files   median     mean    worst |error|, ms")
    for pair in asked.pairs:
        codec, kind = pair.split("/")
        errors = []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"flash.{kind}"
            for fps in RATES_FPS:
                for offset_s in OFFSETS_S:
                    write(path, codec, fps, offset_s, asked.inside)
                    errors.append(error_s(path, offset_s))
        found = 1e3 * np.array(errors)
        print(
            f"{pair:18s} {found.size:6d} {np.median(np.abs(found)):8.3f} {found.mean():+8.3f} "
            f"{np.abs(found).max():8.3f}"
        )


if __name__ == "__main__":
    main()

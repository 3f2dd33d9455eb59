"""How well event sync finds an offset of known size, and in what time, beside the published AV-Align recipe.

    python benchmarks/event_sync.py [--scenes 6]

Each scene is 5 s of 854 x 480 at 24 fps, H.264 and AAC: a ball that lands three to five times at uneven
moments, with a knock at each landing. Its sound is moved by known amounts; both methods must find them.
AV-Align (Yariv et al. 2024: librosa onsets against maxima of the mean Farneback flow, matched within a
frame, intersection over union) states no offset; here it is given the shift of the sound at which its
score is best, nearest to zero among equals. About a minute and a half.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import librosa
import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Value
from metrics.sync.events import EventSync

FPS, RATE_HZ, DURATION_S = 24, 48_000, 5.0
WIDTH, HEIGHT, RADIUS, GRAVITY = 854, 480, 36.0, 2_000.0
SHIFTS_S = (-0.2, -0.12, -0.045, 0.0, 0.045, 0.125, 0.2)
SEARCH_S = 0.4
STEP_S = 0.01


@dataclass(frozen=True)
class Peaks:
    """What AV-Align sees and hears, in seconds."""

    heard_s: NDArray[np.float64]
    seen_s: NDArray[np.float64]


def impacts(random: np.random.Generator) -> list[float]:
    """Moments at which the ball lands: three to five, unevenly apart."""
    gaps = random.uniform(0.45, 0.9, random.integers(2, 5))
    return [float(moment) for moment in np.cumsum([random.uniform(0.7, 1.0), *gaps])]


def height_of(now: float, landings: list[float]) -> float:
    """Pixels above the floor: a fall, parabolas between the landings, then rest."""
    if now <= landings[0]:
        fall_s = max(0.0, now - landings[0] + math.sqrt(700.0 / GRAVITY))
        return 350.0 - GRAVITY / 2 * fall_s**2
    for start, end in pairwise(landings):
        if now <= end:
            return GRAVITY / 2 * (now - start) * (end - now)
    return 0.0


def write_scene(path: Path, landings: list[float], random: np.random.Generator) -> None:
    """Render and encode one scene."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    backdrop = 90 + 25 * np.sin(columns / 23) * np.cos(rows / 31)
    sound = 1e-4 * random.standard_normal(round(DURATION_S * RATE_HZ))
    for landing in landings:
        first = int(np.ceil(landing * RATE_HZ))
        tail = np.arange(sound.size - first) / RATE_HZ
        sound[first:] += 0.4 * random.uniform(-1, 1, tail.size) * np.exp(-tail / 0.03)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for index in range(round(DURATION_S * FPS)):
            y = HEIGHT - 60 - RADIUS - height_of(index / FPS, landings)
            cover = np.clip(RADIUS - np.hypot(rows - y, columns - WIDTH / 2) + 0.5, 0, 1)
            texture = 190 + 45 * np.sin((columns - WIDTH / 2) / 5) * np.cos((rows - y) / 5)
            grey = ((1 - cover) * backdrop + cover * texture).round().astype(np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
        block.sample_rate, block.time_base, block.pts = RATE_HZ, Fraction(1, RATE_HZ), 0
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))


def av_align_peaks(path: Path) -> Peaks:
    """Onsets and flow maxima as AV-Align takes them, from the full-size pictures."""
    clip = AVClip.open(path)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for _, picture in clip.colour_frames()]
    flow = np.array([_mean_flow(first, second) for first, second in pairwise(grey)])
    middle = flow[1:-1]
    maxima = np.flatnonzero((middle > flow[:-2]) & (middle > flow[2:]) & (middle > 0.1)) + 1
    heard = librosa.onset.onset_detect(y=clip.mono, sr=clip.rate_hz, units="time")
    return Peaks(np.asarray(heard, np.float64), maxima / FPS)


def _mean_flow(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Mean length of the Farneback flow between two grey pictures, in pixels."""
    flow = np.zeros((*first.shape, 2), np.float32)
    return float(
        np.linalg.norm(
            cv2.calcOpticalFlowFarneback(first, second, flow, 0.5, 3, 15, 3, 5, 1.2, 0), axis=2
        ).mean()
    )


def av_align_score(peaks: Peaks, shift_s: float) -> float:
    """Intersection over union of the peaks, the sound first moved by `-shift_s`."""
    left = list(peaks.seen_s)
    matched = 0
    for onset in peaks.heard_s - shift_s:
        near = [seen for seen in left if abs(seen - onset) <= 1 / FPS]
        if near:
            left.remove(near[0])
            matched += 1
    union = len(peaks.heard_s) + len(peaks.seen_s) - matched
    return matched / union if union else 0.0


def av_align_offset(peaks: Peaks) -> float:
    """The shift at which AV-Align's score is best, nearest to zero among equals."""
    steps = round(SEARCH_S / STEP_S)
    tried = [step * STEP_S for step in range(-steps, steps + 1)]
    return max(tried, key=lambda shift: (round(av_align_score(peaks, shift), 9), -abs(shift)))


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scenes", type=int, default=6)
    scenes = parser.parse_args().scenes
    cv2.setNumThreads(1)
    random = np.random.default_rng(20)
    spent: dict[str, list[float]] = {name: [] for name in ("decode", "event_sync", "AV-Align")}
    errors: dict[str, list[float]] = {"event_sync": [], "AV-Align": []}
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.mp4"
        for scene in range(-1, scenes):  # the first one warms caches and compilers and is not counted
            write_scene(path, impacts(random), random)
            started = time.perf_counter()
            clip = AVClip.open(path)
            took = {"decode": time.perf_counter() - started}
            started = time.perf_counter()
            EventSync().measure(clip)
            took["event_sync"] = time.perf_counter() - started
            started = time.perf_counter()
            peaks = av_align_peaks(path)
            av_align_score(peaks, 0.0)
            took["AV-Align"] = time.perf_counter() - started
            if scene < 0:
                continue
            for name, seconds in took.items():
                spent[name].append(seconds)
            for shift in SHIFTS_S:
                moved = replace(clip, audio_start_s=clip.audio_start_s + shift)
                reading = EventSync().measure(moved)["offset_s"]
                if isinstance(reading, Value):
                    errors["event_sync"].append(abs(reading.value - shift))
                else:
                    refused += 1
                moved_peaks = replace(peaks, heard_s=peaks.heard_s + shift)
                errors["AV-Align"].append(abs(av_align_offset(moved_peaks) - shift))
    _print_speed(spent)
    _print_accuracy(errors, refused, scenes * len(SHIFTS_S))


def _print_speed(spent: dict[str, list[float]]) -> None:
    median = {name: float(np.median(seconds)) for name, seconds in spent.items()}
    ours = median["decode"] + median["event_sync"]
    print(f"Seconds a clip (5 s, {WIDTH} x {HEIGHT}) with decoding, median of {len(spent['decode'])}\n")
    print(f"  event_sync {ours:7.2f}")
    print(f"  AV-Align   {median['AV-Align']:7.2f}  = {median['AV-Align'] / ours:.1f} x\n")


def _print_accuracy(errors: dict[str, list[float]], refused: int, asked: int) -> None:
    print(f"Error of the offset over {asked} known shifts of up to ±0.2 s\n")
    print(f"  {'':12s} answered  median    95 %      within 20 ms  within 45 ms")
    for name, found in errors.items():
        error = np.array(found)
        if not error.size:
            print(f"  {name:12s} {0:3d}")
            continue
        print(
            f"  {name:12s} {error.size:3d}       {1e3 * np.median(error):6.1f} ms "
            f"{1e3 * np.quantile(error, 0.95):6.1f} ms  {np.sum(error <= 0.02) / asked:8.0%}      "
            f"{np.sum(error <= 0.045) / asked:8.0%}"
        )
    if errors["event_sync"] and errors["AV-Align"]:
        ratio = np.median(errors["AV-Align"]) / np.median(errors["event_sync"])
        print(f"\n  event_sync refused {refused} of {asked}; AV-Align's median error is {ratio:.1f} x larger")


if __name__ == "__main__":
    main()

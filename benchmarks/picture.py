"""What flicker, motion, judder and blur read on one known scene, spoilt in known ways, and what they cost.

    python benchmarks/picture.py

A textured square glides over a textured wall at rest, 2 pixels of 320 a picture, 48 pictures at 24 a second.
The cost is in seconds of processor time for 120 pictures of 1280 x 720, as a 1080p clip of 5 s is kept.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Value
from metrics.visual.flicker import Flicker
from metrics.visual.judder import Judder
from metrics.visual.motion import Motion
from metrics.visual.sharpness import Sharpness
from metrics.visual.watermark import Watermark

Levels = NDArray[np.float64]

FPS = 24.0
SHOWN = {
    "published": Flicker,
    "still_levels": Flicker,
    "pumping_levels": Flicker,
    "smoothness": Motion,
    "dynamic_px": Motion,
    "warp_levels": Motion,
    "share": Judder,
    "blur": Sharpness,
}


def main() -> None:
    """Print both tables."""
    cv2.setNumThreads(1)
    print("| |", " | ".join(SHOWN), "|")
    for name, levels in spoilt(scene(48)).items():
        clip = as_clip(levels)
        readings = {kind: kind().measure(clip) for kind in dict.fromkeys(SHOWN.values())}
        row = [readings[kind][quantity] for quantity, kind in SHOWN.items()]
        print("|", name, "|", " | ".join(f"{r.value:.4f}" if isinstance(r, Value) else "-" for r in row), "|")
    print()
    large = [cv2.resize(picture, (1280, 720)) for picture in scene(120, speed_px=0.8)]
    clip = as_clip(np.stack(large))
    kinds: tuple[type[Metric], ...] = (Flicker, Motion, Judder, Sharpness, Watermark)
    for kind in kinds:  # the first pays for the flow that the second shares
        started = time.process_time()
        kind().measure(clip)
        print(f"{kind.name:10} {time.process_time() - started:.2f} s")


def scene(count: int, speed_px: float = 2.0) -> Levels:
    """(count, 180, 320) grey levels."""
    rng = np.random.default_rng(0)
    wall, square = _grain(rng, (180, 320), 3, 120), _grain(rng, (90, 90), 2, 130)
    pictures = []
    for index in range(count):
        place = np.array([[1, 0, 20 + speed_px * index], [0, 1, 40 + 8 * np.sin(index / 9)]])
        painted = cv2.warpAffine(square, place, (320, 180))
        cover = cv2.warpAffine(np.ones_like(square), place, (320, 180))
        pictures.append(wall * (1 - cover) + painted * cover)
    return np.clip(np.stack(pictures), 0, 255)


def spoilt(levels: Levels) -> dict[str, Levels]:
    """The scene as it is, and with each kind of damage."""
    count = len(levels)
    rng = np.random.default_rng(1)
    grain = rng.normal(0, 1, levels.shape)
    jumps = rng.normal(0, 1, count)[:, None, None]
    wave = np.sin(np.arange(count) / FPS * 2 * np.pi * 4)[:, None, None]
    lost = set(rng.permutation(np.arange(1, count - 1))[:20].tolist())
    shown = [max(each for each in range(index + 1) if each not in lost) for index in range(count)]
    return {
        "as it is": levels,
        "one picture repeated": np.repeat(levels[:1], count, axis=0),
        "noise, sigma 2": levels + 2 * grain,
        "noise, sigma 16": levels + 16 * grain,
        "gamma of every picture, sigma 2 %": 255 * (levels / 255) ** np.exp(0.02 * jumps),
        "gamma, sigma 20 %": 255 * (levels / 255) ** np.exp(0.2 * jumps),
        "brightness, 4 swings a second of ±2 levels": levels + 2 * wave,
        "the same, ±16 levels": levels + 16 * wave,
        "0.6 of it, and 1 level brighter each picture": 0.6 * levels + np.arange(count)[:, None, None],
        "20 of 48 lost, the one before shown again": levels[shown],
        "every second picture shown twice": np.repeat(levels[::2], 2, axis=0),
        "blurred, sigma 2": np.stack([cv2.GaussianBlur(picture, (0, 0), 2) for picture in levels]),
        "blurred, sigma 8": np.stack([cv2.GaussianBlur(picture, (0, 0), 8) for picture in levels]),
    }


def as_clip(levels: Levels) -> AVClip:
    """Grey levels as a clip in colour."""
    grey = np.clip(levels.round(), 0, 255).astype(np.uint8)
    return AVClip.of_pictures(np.repeat(grey[..., None], 3, axis=-1), np.arange(len(grey)) / FPS)


def _grain(rng: np.random.Generator, shape: tuple[int, int], sigma: float, level: float) -> Levels:
    smooth = cv2.GaussianBlur(rng.uniform(0, 255, shape), (0, 0), sigma)
    return np.asarray((smooth - smooth.mean()) / smooth.std() * 35 + level, np.float64)


if __name__ == "__main__":
    main()

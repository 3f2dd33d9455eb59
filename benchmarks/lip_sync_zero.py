"""What the lip-sync towers say of renders of known timing, in seven languages: where their zero lies.

    python benchmarks/lip_sync_zero.py [--each 2] [--weights metrics/lips/weights/lag.npz]

Renders talking heads in sync, finds their faces, and reads the lag. Prints every reading, the median of each
language, and the median of all: for weights with `zero_s` 0 that is the zero to give to
`metrics.lips.train`; for the shipped ones it must lie within 10 ms of 0. Half a minute a clip on one core.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order, render
from evalharness.config import PromptSettings
from evalharness.prompts import load_suites
from metrics.av import AVClip
from metrics.faces.tracks import faces
from metrics.lips import LagReading, lag
from metrics.lips.towers import WEIGHTS, Towers

RATES_FPS = (24.0, 25.0, 30.0)


def main() -> None:
    """Render, read, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=2, help="clips of each language")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    towers = Towers.read(chosen.weights)
    with tempfile.TemporaryDirectory() as cache:
        prompts = [
            prompt
            for prompt in load_suites(PromptSettings(suites=["audio-sync"]), Path(cache))
            if prompt.spoken
        ]
    found: dict[str, list[float]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        if len(found[prompt.language]) == chosen.each:
            continue
        fps = RATES_FPS[index % len(RATES_FPS)]
        made = render(Order(prompt, 100 + index, 5.0, 480, 480, fps), Knobs())
        pictures = np.stack(list(made.frames))
        clip = AVClip.of_pictures(pictures, np.arange(made.count) / fps, made.samples, made.rate_hz)
        (track, *_) = faces(clip).tracks
        reading = lag(track.mesh, track.times_s, clip.mono, clip.rate_hz, towers=towers)
        if not isinstance(reading, LagReading):
            print(f"{prompt.id:16s} {reading.reason}")
            continue
        found[prompt.language].append(reading.lag_s)
        print(f"{prompt.id:16s} {fps:g} fps {1e3 * reading.lag_s:6.1f} ms", flush=True)
    for language, lags in found.items():
        print(f"{language:4s} median {1e3 * np.median(lags):6.1f} ms of {len(lags)}")
    every = np.concatenate(list(found.values()))
    print(f"all  median {1e3 * np.median(every):6.1f} ms, standard deviation {1e3 * np.std(every):.1f} ms")


if __name__ == "__main__":
    main()

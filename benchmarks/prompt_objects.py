"""How well `prompt_objects` tells what a picture was asked for from what others were asked for.

    python -m benchmarks.prompt_objects [FOLDER OF REAL CLIPS]

Pictures: the first frames that English prompts of the image-to-video suite begin with, and three real clips
where they are at hand. Every prompt is held against every picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from evalharness.config import PromptSettings
from evalharness.prompts import load_suites
from metrics.alignment.objects import shown
from metrics.alignment.sentences import embedded
from metrics.av import AVClip

ROOT = Path(__file__).resolve().parents[1]
REAL = {
    "fc_av1": "A man fires a revolver at a shooting range.",
    "fc_av2": "A hammer strikes a piece of metal on an anvil.",
    "fc_vs0": "A musician plays conga drums.",
}


def main(folder: Path) -> None:
    """Print the cosines of own pairs, and how often they are the higher of two."""
    asked: list[tuple[str, str, AVClip]] = []
    for prompt in load_suites(PromptSettings(suites=["image-to-video"]), ROOT):
        if prompt.language == "en" and prompt.first_frame is not None:
            path = ROOT / "data" / "first_frames" / Path(prompt.first_frame).name
            picture = np.asarray(Image.open(path).convert("RGB"))
            asked.append((path.stem, prompt.text, AVClip.of_pictures(picture[None], np.zeros(1))))
    for name, text in REAL.items():
        if (folder / f"{name}.mp4").is_file():
            asked.append((name, text, AVClip.open(folder / f"{name}.mp4")))
    points = [shown(clip)[1] for _, _, clip in asked]
    cosines = np.array([[(shows @ embedded(text)).mean() for shows in points] for _, text, _ in asked])
    own = np.diag(cosines)
    others = ~np.eye(len(own), dtype=bool)
    for (name, _, _), value in zip(asked, own, strict=True):
        print(f"{name:16} {value:.2f}")
    print(f"own {own.mean():.2f}, others {cosines[others].mean():.2f}, {len(own)} pairs")
    print(f"own picture above another {(own[:, None] > cosines)[others].mean():.0%} of pairs")
    print(f"own prompt above another {(own[None] > cosines)[others].mean():.0%} of pairs")
    print(f"own prompt the nearest for {(cosines.argmax(axis=0) == np.arange(len(own))).sum()} pictures")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "clips")

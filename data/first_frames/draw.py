"""Draw the first frames of the image-to-video suite.

python data/first_frames/draw.py                all of them, beside this script
python data/first_frames/draw.py kite tulips    only these
"""

from __future__ import annotations

import sys
from pathlib import Path

import landscapes
import nights
import still_lifes

QUALITY = 80


def draw(names: list[str], folder: Path) -> None:
    """Write `<name>.jpg` for each name (all scenes if none is given)."""
    scenes = landscapes.SCENES | nights.SCENES | still_lifes.SCENES
    for name in names or scenes:
        scenes[name]().finished().save(folder / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    draw(sys.argv[1:], Path(__file__).parent)

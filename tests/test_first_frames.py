"""The first frames that come along are what their script draws."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evalharness.data import data_folder

FOLDER = data_folder() / "first_frames"

CODE = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import draw, landscapes, nights, still_lifes
draw.draw(["moon-cat", "red-ball"], Path(sys.argv[2]))
print(json.dumps([*landscapes.SCENES, *nights.SCENES, *still_lifes.SCENES]))
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Where two scenes were drawn anew, and the names of all scenes."""
    folder = tmp_path_factory.mktemp("drawn")
    names = subprocess.check_output([sys.executable, "-B", "-c", CODE, str(FOLDER), str(folder)])
    return folder, json.loads(names)


def test_each_scene_has_its_picture_and_each_picture_its_scene(drawn: tuple[Path, list[str]]) -> None:
    _, names = drawn
    assert sorted(names) == sorted(picture.stem for picture in FOLDER.glob("*.jpg"))


@pytest.mark.parametrize("name", ["moon-cat", "red-ball"])
def test_the_script_draws_the_same_picture_again(drawn: tuple[Path, list[str]], name: str) -> None:
    folder, _ = drawn
    kept, again = (np.asarray(Image.open(place / f"{name}.jpg"), np.float32) for place in (FOLDER, folder))
    assert np.abs(kept - again).mean() < 1.0
    assert kept.std() > 20


@pytest.mark.parametrize("picture", sorted(FOLDER.glob("*.jpg")), ids=lambda picture: picture.stem)
def test_a_picture_is_small(picture: Path) -> None:
    assert picture.stat().st_size < 60_000

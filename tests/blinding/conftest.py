"""Films of known truth, and a prompt of clips from made-up systems."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from evalharness.blinding import BlindingRecipe, MadeExhibit, make_exhibits
from evalharness.config import BlindingSettings
from evalharness.media import write_video
from evalharness.records import Exhibit, JobKey

FILMS = Path(__file__).parents[1] / "media" / "films.py"


@pytest.fixture(scope="session")
def films() -> ModuleType:
    """The module tests/media/films.py."""
    spec = importlib.util.spec_from_file_location("evalharness_test_films", FILMS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recipe() -> BlindingRecipe:
    """A small, quick form."""
    return BlindingRecipe.of(BlindingSettings(width=128, height=96, fps=12.0))


@dataclass(frozen=True)
class Gallery:
    """Exhibits of made-up systems, with the folder their files lie in."""

    folder: Path
    exhibits: tuple[Exhibit, ...]

    def replaced(self, folder: Path, system: str, change: Callable[[Path, Path], None]) -> Gallery:
        """A copy in which `change(old, new)` has rewritten one system's files."""
        (folder / "exhibits").mkdir(parents=True)
        for exhibit in self.exhibits:
            old, new = self.folder / exhibit.path, folder / exhibit.path
            if exhibit.clip.system == system:
                change(old, new)
            else:
                shutil.copy(old, new)
        return Gallery(folder, self.exhibits)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory, recipe: BlindingRecipe) -> Gallery:
    """Three systems on four prompts whose clips have no habits; blinded as a study blinds."""
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "exhibits").mkdir()
    exhibits: list[Exhibit] = []
    for prompt in range(4):
        clips, outputs = [], []
        for system in range(3):
            rng = np.random.default_rng([prompt, system])
            clips.append(folder / f"clip-{prompt}-{system}.mp4")
            outputs.append(folder / "exhibits" / f"{prompt * 16 + system:032x}.mp4")
            write_clip(clips[-1], rng)
        for system, made in enumerate(make_exhibits(clips, outputs, recipe)):
            assert isinstance(made, MadeExhibit)
            exhibits.append(
                Exhibit(
                    id=made.path.stem,
                    clip=JobKey(f"system-{'abc'[system]}", f"prompt-{prompt}", 1),
                    clip_sha256="",
                    prompt_id=f"prompt-{prompt}",
                    path=f"exhibits/{made.path.name}",
                    sha256=made.sha256,
                    bytes=made.bytes,
                    streams=made.streams,
                    silent=made.silent,
                    loudness_lufs=made.loudness_lufs,
                )
            )
    return Gallery(folder, tuple(exhibits))


@pytest.fixture(scope="session")
def draw_clip() -> Callable[..., None]:
    """`write_clip`, for tests that need one more clip."""
    return write_clip


def write_clip(
    path: Path,
    rng: np.random.Generator,
    *,
    bars: int = 0,
    sound: bool = True,
    duration_s: float = 1.0,
    mark: bool = False,
) -> None:
    """A moving random texture with noise that swells; nothing in it depends on who made it."""
    from scipy.ndimage import gaussian_filter

    texture = gaussian_filter(rng.normal(0, 1, (96, 300)), 2.0)
    texture = (127 + 60 * texture / texture.std()).clip(40, 215)

    def picture(index: int) -> np.ndarray:
        shown = np.repeat(texture[:, index * 5 : index * 5 + 128, None], 3, axis=2).astype(np.uint8)
        if bars:
            shown[:bars] = shown[-bars:] = 0
        if mark:
            shown[72:88, 100:116] = 235
            shown[76:84, 104:112] = 16
        return shown

    count = round(duration_s * 24)
    noise = rng.normal(0, rng.uniform(0.02, 0.2), round(duration_s * 48_000)) * np.linspace(
        0.3, 1, round(duration_s * 48_000)
    )
    write_video(
        path, (picture(index) for index in range(count)), 24.0, noise.astype(np.float32) if sound else None
    )

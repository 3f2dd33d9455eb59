"""The first picture against the one asked for: a naive twin of SSIM, laws, pictures cut as generators do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metrics.alignment.first_frame import FirstFrame, centred, root_mean_square, structural_similarity
from metrics.av import AVClip, Brief
from metrics.base import Unscorable, Value


def scene(height: int = 288, width: int = 512) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width] / height
    red = 127 * (1 + np.sin(20 * rows + 7 * columns))
    return np.stack([red, 255 * rows, 200 * columns / columns.max()], axis=2).astype(np.uint8)


def measured(picture: np.ndarray, given: np.ndarray, tmp_path: Path) -> tuple[float, float]:
    path = tmp_path / "given.png"
    Image.fromarray(given).save(path)
    clip = AVClip.of_pictures(picture[None], np.zeros(1), brief=Brief(first_frame=path))
    read = FirstFrame().measure(clip)
    assert isinstance(read["ssim"], Value)
    assert isinstance(read["rms"], Value)
    return read["ssim"].value, read["rms"].value


def naive(one: np.ndarray, other: np.ndarray) -> float:
    """Wang et al. 2004, equation 13 at one place after another."""
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(window, window) / window.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for row in range(one.shape[0] - 10):
        for column in range(one.shape[1] - 10):
            x, y = (part[row : row + 11, column : column + 11] for part in (one, other))
            mx, my = (weights * x).sum(), (weights * y).sum()
            vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
            both = (weights * (x - mx) * (y - my)).sum()
            found.append((2 * mx * my + c1) * (2 * both + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return float(np.mean(found))


def test_similarity_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    one = rng.uniform(0, 255, (20, 26))
    other = 0.6 * one + rng.uniform(0, 80, one.shape)
    assert structural_similarity(one, other) == pytest.approx(naive(one, other), abs=1e-9)


def test_a_picture_is_like_itself_and_its_negative_is_not() -> None:
    grey = np.random.default_rng(4).uniform(60, 190, (60, 80))
    assert structural_similarity(grey, grey) == pytest.approx(1.0)
    assert structural_similarity(grey, 255 - grey) < 0
    assert root_mean_square(grey, grey + 3) == pytest.approx(3.0)


def test_the_same_picture_survives_being_a_clip(tmp_path: Path) -> None:
    ssim, rms = measured(scene(), scene(), tmp_path)
    assert ssim > 0.98
    assert rms < 4


def test_more_noise_is_less_like(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 1, scene().shape)
    read = [
        measured(np.clip(scene() + s * noise, 0, 255).astype(np.uint8), scene(), tmp_path)
        for s in (0, 8, 24, 60)
    ]
    assert [ssim for ssim, _ in read] == sorted((ssim for ssim, _ in read), reverse=True)
    assert [rms for _, rms in read] == sorted(rms for _, rms in read)


def test_a_larger_or_wider_original_is_cut_and_shrunk_first(tmp_path: Path) -> None:
    twice = np.repeat(np.repeat(scene(), 2, axis=0), 2, axis=1)
    assert measured(scene(), twice, tmp_path)[0] > 0.97
    square = np.pad(scene(), ((112, 112), (0, 0), (0, 0)))
    assert measured(scene(), square, tmp_path)[0] > 0.98
    stretched = np.asarray(Image.fromarray(scene()).resize((512, 512)))
    assert measured(scene(), stretched, tmp_path)[0] < 0.9, "a clip that squeezes its picture is not faithful"


def test_it_lies_on_its_side_only_if_its_file_says_so(tmp_path: Path) -> None:
    """A camera's portrait: stored lying, with the note that it is to be turned."""
    portrait = np.ascontiguousarray(np.rot90(scene(), 1))
    lying = Image.fromarray(scene())
    note = Image.Exif()
    note[0x0112] = 8
    lying.save(tmp_path / "camera.png", exif=note)
    clip = AVClip.of_pictures(portrait[None], np.zeros(1), brief=Brief(first_frame=tmp_path / "camera.png"))
    ssim = FirstFrame().measure(clip)["ssim"]
    assert isinstance(ssim, Value)
    assert ssim.value > 0.97


@pytest.mark.parametrize(("aspect", "shape"), [(1.0, (90, 90)), (16 / 9, (90, 160)), (4.0, (40, 160))])
def test_cuts_are_about_the_middle(aspect: float, shape: tuple[int, int]) -> None:
    picture = np.arange(90 * 160 * 3).reshape(90, 160, 3)
    cut = centred(picture, aspect)
    assert cut.shape[:2] == shape
    assert np.array_equal(cut[::-1, ::-1], centred(picture[::-1, ::-1], aspect)), "mirrored"


def test_without_a_given_picture_there_is_nothing_to_compare() -> None:
    clip = AVClip.of_pictures(scene()[None], np.zeros(1))
    for reading in FirstFrame().measure(clip).values():
        assert isinstance(reading, Unscorable)
        assert "not asked to begin" in reading.reason


def test_a_given_picture_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    clip = AVClip.of_pictures(scene()[None], np.zeros(1), brief=Brief(first_frame=tmp_path / "broken.png"))
    with pytest.raises(OSError, match="cannot identify"):
        FirstFrame().measure(clip)

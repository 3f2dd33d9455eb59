from __future__ import annotations

import numpy as np
import pytest

from evalharness.blinding.looks import find_border, standing_marks

SHAPE = (4, 60, 100)


def scene(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(60, 200, SHAPE).astype(np.float32)


@pytest.mark.parametrize("colour", [16.0, 235.0])
def test_bars_are_measured_on_each_side(colour: float) -> None:
    pictures = scene()
    pictures[:, :6] = pictures[:, -4:] = pictures[:, :, :10] = pictures[:, :, -2:] = colour

    assert find_border(pictures) == (10, 6, 2, 4)


def test_a_full_picture_has_no_border() -> None:
    assert find_border(scene()) == (0, 0, 0, 0)


def test_a_dark_scene_is_no_border() -> None:
    pictures = np.full(SHAPE, 16.0, np.float32)
    pictures[:, 20:40, 40:60] = 180.0

    assert find_border(pictures) == (0, 0, 0, 0)
    assert find_border(np.full(SHAPE, 16.0, np.float32)) == (0, 0, 0, 0)


def test_a_plain_wall_is_no_border() -> None:
    pictures = scene()
    pictures[:, :20] = 120.0

    assert find_border(pictures) == (0, 0, 0, 0)


def edges(seed: int, mark: bool) -> list[np.ndarray]:
    still = np.random.default_rng(seed).random((64, 96)) < 0.1
    if mark:
        still[36:44, 66:78] = True
    return [still]


def test_a_mark_is_found_where_it_stands_and_only_with_enough_prompts() -> None:
    marked = {f"p{n}": edges(n, True) for n in range(4)}
    plain = {f"p{n}": edges(50 + n, False) for n in range(4)}

    (mark,) = standing_marks({"marked": marked, "plain": plain})

    assert (mark.system, mark.left, mark.top, mark.right, mark.bottom) == ("marked", 64, 32, 80, 48)
    assert standing_marks({"marked": dict(list(marked.items())[:3]), "plain": plain}) == []


def test_what_all_systems_show_is_no_mark() -> None:
    both = {f"p{n}": edges(n, True) for n in range(4)}

    assert standing_marks({"one": both, "two": both}) == []

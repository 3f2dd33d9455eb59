"""Faces followed and cut out, against a naive twin of the published description."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.sync.syncnet.crops import Followed, crop, follow, placed, shown_at_ticks


def box(x: float, y: float = 50.0, side: float = 40.0) -> np.ndarray:
    return np.array([x, y, x + side, y + side])


def none() -> np.ndarray:
    return np.zeros((0, 4))


def test_pictures_at_25_a_second_are_themselves() -> None:
    assert np.array_equal(shown_at_ticks(np.arange(50) / 25, 2.0), np.arange(50))


def test_30_a_second_loses_every_sixth_and_24_shows_one_twice() -> None:
    from_30 = shown_at_ticks(np.arange(60) / 30, 2.0)
    assert len(from_30) == 50
    assert len(set(from_30.tolist())) == 50
    from_24 = shown_at_ticks(np.arange(48) / 24, 2.0)
    assert len(from_24) == 50
    assert set(from_24.tolist()) == set(range(48))


@pytest.mark.parametrize("fps", [12.0, 23.976, 24.0, 29.97, 30.0, 50.0, 60.0])
def test_no_picture_is_moved_by_more_than_half_a_tick_or_half_its_length(fps: float) -> None:
    times = np.arange(round(4 * fps)) / fps
    late = np.arange(100) / 25 - times[shown_at_ticks(times, 4.0)]
    assert late.min() >= -0.02 - 1e-9
    assert late.max() <= 1 / fps + 1e-9


def test_two_faces_are_followed_apart_and_a_lost_one_is_taken_up_again() -> None:
    still = [np.stack([box(10), box(200 - frame)]) for frame in range(60)]
    for frame in range(20, 40):
        still[frame] = still[frame][1:]
    first, second = follow(still, first=5)
    assert first.frames == [*range(5, 25), *range(45, 65)]
    assert second.frames == [*range(5, 65)]
    assert first.boxes == pytest.approx(np.tile(box(10), (60, 1))), "interpolated where it was lost"
    assert second.boxes[:, 0] == pytest.approx(200.0 - np.arange(60))


def test_a_face_lost_for_more_than_25_pictures_begins_anew() -> None:
    found = [box(10)[None]] * 3 + [none()] * 25 + [box(10)[None]] * 3
    assert [track.frames for track in follow(found)] == [[0, 1, 2], [28, 29, 30]]
    assert len(follow(found[:3] + found[4:])) == 1


def test_a_face_that_jumps_is_another_face() -> None:
    assert len(follow([box(10)[None], box(35)[None]])) == 2
    assert len(follow([box(10)[None], box(20)[None]])) == 1
    assert follow([none(), none()]) == []


def test_the_size_is_the_larger_of_mean_width_and_mean_height() -> None:
    boxes = [np.array([0, 0, 80.0, 110.0]), np.array([0, 0, 90.0, 130.0])]
    assert Followed([0, 1], boxes).side_px == 120


def test_squares_are_medians_of_13_pictures() -> None:
    """One wild box in the middle of forty changes nothing."""
    boxes = np.tile(np.array([10.0, 20.0, 50.0, 80.0]), (40, 1))
    boxes[20] += 500
    assert placed(boxes)[7:33] == pytest.approx(np.tile([30.0, 50.0, 30.0], (26, 1)))


def naive(picture: np.ndarray, x: float, y: float, half: float) -> np.ndarray:
    """The published crop read aloud: pad by 1.8 half sides of grey 110, cut out, resize."""
    import cv2

    by = int(half * 1.8)
    height, width = picture.shape[:2]
    padded = np.full((height + 2 * by, width + 2 * by, 3), 110, np.uint8)
    padded[by : by + height, by : by + width] = picture
    rows = range(int(y + by - half), int(y + by + half * 1.8))
    columns = range(int(x + by - half * 1.4), int(x + by + half * 1.4))
    cut = np.array([[padded[row, column] for column in columns] for row in rows], np.uint8)
    return cv2.resize(cut, (224, 224))


@pytest.mark.parametrize(("x", "y", "half"), [(60.3, 50.2, 20.7), (5.0, 8.5, 31.2), (118.0, 88.0, 25.0)])
def test_a_face_is_cut_out_as_described(x: float, y: float, half: float) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)
    found = crop(picture, x, y, half)
    assert found.shape == (224, 224, 3)
    assert np.array_equal(found, naive(picture, x, y, half))


def test_a_bigger_picture_of_the_same_scene_gives_the_same_face() -> None:
    rows, columns = np.mgrid[0:200, 0:200] / 200
    scene = np.stack([255 * rows, 255 * columns, 127 * (1 + np.sin(9 * rows))], axis=2).astype(np.uint8)
    large = crop(np.repeat(np.repeat(scene, 2, 0), 2, 1), 200, 200, 60)
    small = crop(scene, 100, 100, 30)
    assert np.abs(large.astype(int) - small).max() <= 6

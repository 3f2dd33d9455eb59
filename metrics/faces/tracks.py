"""Every face of a clip, followed from picture to picture.

As in MediaPipe, where a face was in one picture says where to read it in the next, which is cheap. Such a
chain can slip off a face (profiles do that) and still be sure of itself; so five times a second the short
range detector looks at the place, and where the two disagree the face is read anew from the detection, back
to the picture in which they last agreed. The detectors look over the whole picture at the start of every
shot, every half second for newcomers, and soon after a face was lost. A cut ends every track. Where a face
is not seen, its track has no entry: nothing is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.faces.cuts import cuts
from metrics.faces.detector import Detection, detect, detect_near, overlap
from metrics.faces.mesh import Mesh, around_detection, around_mesh, astray, box_of, read, width_of, yaw_of

__all__ = ["Faces", "Track", "faces"]

PRESENT = 0.5
"""Presence from which on a mesh counts as a face, as in MediaPipe."""
LOOK_S = 0.5
"""How often the detectors look for newcomers …"""
LOOK_LOST_S = 0.1
"""… and for a face just lost."""
CHECK_S = 0.2
"""How often a followed face is checked against the detector …"""
WATCH_S = 0.5
"""… and for how long in every picture, once it had slipped."""
ASTRAY = 0.08
"""Distance from the detection, in sides of the face, from which on a mesh has slipped; steady ones: 0.03."""
FORGET_S = 1.0
"""A face lost for longer comes back as another track."""
SAME = 0.3
"""Overlap of boxes (intersection over union) from which on they are one face."""
SMALLEST_PX = 16
"""Faces narrower than this are not followed: their mesh is a guess."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face through the pictures in which it was seen, at least one."""

    frames: NDArray[np.intp]
    """(k,) rising indices of pictures."""
    times_s: NDArray[np.float64]
    """(k,) when they are shown."""
    mesh: Mesh
    """(k, 468, 3) pixels of `clip.picture(i)`: x right, y down, z away."""
    presence: NDArray[np.float32]
    """(k,) how sure the net is of the face, 0..1."""
    boxes: NDArray[np.float32]
    """(k, 4) left, top, right, bottom of the mesh."""

    @property
    def width_px(self) -> float:
        """Median width of the face in space, ear to ear (points 234 to 454)."""
        return float(np.median(width_of(self.mesh)))

    @property
    def yaw_rad(self) -> NDArray[np.float64]:
        """(k,) how far the head is turned aside; see `metrics.faces.mesh.yaw_of`."""
        return yaw_of(self.mesh)

    def normalised(self, count: int) -> Mesh:
        """(count, 468, 3) for all pictures of the clip: less the track's median centre, in median widths.

        Rows are NaN where the face was not seen.
        """
        rows = np.full((count, *self.mesh.shape[1:]), np.nan, np.float32)
        centre = np.median(self.mesh.mean(axis=1), axis=0)
        rows[self.frames] = (self.mesh - centre) / self.width_px
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The faces of a clip."""

    tracks: tuple[Track, ...]
    """In the order of their first picture, then from left to right."""
    shots: NDArray[np.intp]
    """First picture of every shot, beginning with 0."""


@dataclass(slots=True, eq=False)
class _Trail:
    """A track while it is made."""

    frames: list[int] = field(default_factory=list)
    meshes: list[Mesh] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)
    confirmed: int = 0
    """How many of them, from the first on, a detector agreed with."""
    confirmed_s: float = 0.0
    """When it last agreed."""
    watched_s: float = -np.inf
    """Until when every picture is checked."""

    def add(self, frame: int, mesh: Mesh, presence: float) -> None:
        self.frames.append(frame)
        self.meshes.append(mesh)
        self.presence.append(presence)

    def confirm(self, now: float) -> None:
        self.confirmed, self.confirmed_s = len(self.frames), now

    def cut_to(self, count: int) -> None:
        for part in (self.frames, self.meshes, self.presence):
            del part[count:]

    def is_at(self, mesh: Mesh) -> bool:
        return overlap(box_of(self.meshes[-1]), box_of(mesh)) > SAME


def faces(clip: AVClip) -> Faces:
    """Every face of the clip, tracked; use as `clip.once(faces)`.

    Raises ModuleNotFoundError where the nets are not installed, ClipError where the clip has no colour.
    """
    starts = np.r_[0, cuts(clip.grey)]
    trails: list[_Trail] = []
    for first, stop in zip(starts, [*starts[1:], len(clip.frame_times_s)], strict=True):
        trails += _shot(clip, int(first), int(stop))
    tracks = [_finished(trail, clip.frame_times_s) for trail in trails]
    return Faces(tuple(sorted(tracks, key=lambda t: (t.frames[0], t.boxes[0, 0]))), starts)


def _shot(clip: AVClip, first: int, stop: int) -> list[_Trail]:
    """The faces between two cuts."""
    done: list[_Trail] = []
    seen: list[_Trail] = []
    lost: list[_Trail] = []
    looked_s = -np.inf
    for frame in range(first, stop):
        now = float(clip.frame_times_s[frame])
        picture = clip.picture(frame)
        followed = [trail for trail in seen if _follow(trail, clip, frame, picture)]
        lost += [trail for trail in seen if trail not in followed]
        seen = _apart(followed)
        done += [trail for trail in followed if trail not in seen]
        done += [trail for trail in lost if now - clip.frame_times_s[trail.frames[-1]] > FORGET_S]
        lost = [trail for trail in lost if trail not in done]
        if now - looked_s >= (LOOK_LOST_S if lost else LOOK_S):
            looked_s = now
            for detection in detect(picture):
                _welcome(detection, frame, now, picture, seen, lost)
    return done + seen + lost


def _follow(trail: _Trail, clip: AVClip, frame: int, picture: NDArray[np.uint8]) -> bool:
    """Read the face where it was in the picture before; False where it is not there any more."""
    now = float(clip.frame_times_s[frame])
    mesh, presence = read(picture, around_mesh(trail.meshes[-1]))
    if presence < PRESENT or not _within(mesh, picture):
        return False
    trail.add(frame, mesh, presence)
    if now < trail.watched_s or now - trail.confirmed_s >= CHECK_S:
        _check(trail, clip, picture, now)
    if now - trail.confirmed_s > FORGET_S:
        trail.cut_to(trail.confirmed)
        return False
    return True


def _check(trail: _Trail, clip: AVClip, picture: NDArray[np.uint8], now: float) -> None:
    """Ask the detector; where the mesh has slipped, read it anew, back to where they last agreed."""
    found = detect_near(picture, box_of(trail.meshes[-1]))
    if found is None:
        return
    if astray(trail.meshes[-1], found) > ASTRAY:
        mesh, presence = read(picture, around_detection(found))
        if presence < PRESENT or not _within(mesh, picture):
            return
        trail.meshes[-1], trail.presence[-1] = mesh, presence
        for index in range(len(trail.frames) - 2, trail.confirmed - 1, -1):
            before, sure = read(clip.picture(trail.frames[index]), around_mesh(trail.meshes[index + 1]))
            trail.meshes[index], trail.presence[index] = before, sure
        trail.watched_s = now + WATCH_S
    trail.confirm(now)


def _welcome(
    detection: Detection,
    frame: int,
    now: float,
    picture: NDArray[np.uint8],
    seen: list[_Trail],
    lost: list[_Trail],
) -> None:
    """Take up a detected face: one that is followed already, one that was lost, or a new one."""
    if any(overlap(box_of(trail.meshes[-1]), detection.box) > SAME for trail in seen):
        return
    mesh, presence = read(picture, around_detection(detection))
    if presence < PRESENT or not _within(mesh, picture) or any(trail.is_at(mesh) for trail in seen):
        return
    back = next((trail for trail in lost if trail.is_at(mesh)), None)
    if back is not None:
        lost.remove(back)
    trail = back or _Trail()
    trail.add(frame, mesh, presence)
    trail.confirm(now)
    seen.append(trail)


def _apart(trails: list[_Trail]) -> list[_Trail]:
    """Of trails that came to follow one face, only the longest; the others end with the picture before."""
    kept: list[_Trail] = []
    for trail in sorted(trails, key=lambda t: -len(t.frames)):
        if any(other.is_at(trail.meshes[-1]) for other in kept):
            trail.cut_to(len(trail.frames) - 1)
        else:
            kept.append(trail)
    return kept


def _within(mesh: Mesh, picture: NDArray[np.uint8]) -> bool:
    """Whether the middle of the face is in the picture, and the face large enough to be read."""
    left, top, right, bottom = box_of(mesh)
    height, width = picture.shape[:2]
    return bool(
        0 <= (left + right) / 2 < width and 0 <= (top + bottom) / 2 < height and right - left >= SMALLEST_PX
    )


def _finished(trail: _Trail, times_s: NDArray[np.float64]) -> Track:
    mesh = np.stack(trail.meshes)
    frames = np.array(trail.frames, np.intp)
    return Track(
        frames=frames,
        times_s=times_s[frames],
        mesh=mesh,
        presence=np.array(trail.presence, np.float32),
        boxes=np.stack([box_of(one) for one in mesh]).astype(np.float32),
    )

"""Which face speaks.

One face is taken as it is. Of several in the picture at the same time, moving lips win against still ones;
where several mouths move, the one that follows the sound better by a clear margin; otherwise the faces
cannot be told apart, which is said. Faces of different shots are no
rivals: among those who speak in their shot, the one seen for most of the speech is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.faces import nets
from metrics.faces.aperture import apertures, envelope, following, movement
from metrics.faces.tracks import Track, faces
from metrics.speech import track as speech_track
from metrics.speech.track import Speech, speech

__all__ = ["Candidate", "Choice", "choose", "lips_follow_sound", "missing", "pick", "speaker"]

SHORTEST_S = 1.0
"""Seconds of speech a face must be seen for."""
NARROWEST_PX = 48.0
"""Faces narrower than this show too little of their lips."""
FEWEST = 0.5
"""Share of the pictures between its first and last in which a face must be seen."""
STILL = 0.02
"""Lips that move slower (heights of the face a second) are still: 99 % of talkers' lips are faster …"""
FASTER = 4.0
"""… and a rival's lips that move so many times faster are the speaker's."""
MARGIN = 0.15
"""How much better than a rival's lips the speaker's must follow the sound."""

Score = Callable[[AVClip, Track], float]
"""How well a face goes with the sound; higher is better."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face that may be the one that speaks."""

    track: int
    """Its place in `Faces.tracks`."""
    width_px: float
    spoken_s: float
    """Seconds of speech during which it is seen."""
    movement: float
    """How fast its lips move meanwhile; heights of the face a second."""
    score: float
    """How well it goes with the sound."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who was chosen, and why."""

    chosen: int | None
    """Place in `Faces.tracks`; None where nobody could be."""
    why: str
    """A sentence."""
    candidates: tuple[Candidate, ...] = ()


def missing() -> str | None:
    """What must be installed before a speaker can be found here; None if nothing."""
    return nets.missing() or speech_track.missing()


def speaker(clip: AVClip) -> Track | Unscorable:
    """The face that speaks, or why there is none; use as `clip.once(speaker)`.

    The reason's details hold the `Choice` as a plain mapping; `choose` gives it in the other case, too.
    """
    choice = clip.once(choose)
    if choice.chosen is None:
        return Unscorable(choice.why, asdict(choice))
    return clip.once(faces).tracks[choice.chosen]


def lips_follow_sound(clip: AVClip, track: Track) -> float:
    """The default score: correlation, -1..1, of the lips' gap with the loudness of the voice."""
    heard = clip.once(speech)
    loudness = clip.once(_loudness)
    middle = heard.start_s + 0.005
    return following(track.times_s, apertures(track.mesh), loudness, middle)


def choose(clip: AVClip, score: Score = lips_follow_sound, margin: float = MARGIN) -> Choice:
    """Who speaks in the clip; `score` says how well a face goes with the sound, `margin` how much decides."""
    heard = clip.once(speech)
    silent = heard.unscorable(SHORTEST_S)
    if silent is not None:
        return Choice(None, silent.reason)
    tracks = clip.once(faces).tracks
    if not tracks:
        return Choice(None, "No face is seen in this clip.")
    widest = max(track.width_px for track in tracks)
    wide = [index for index, track in enumerate(tracks) if track.width_px >= NARROWEST_PX]
    if not wide:
        return Choice(
            None, f"The largest face is {widest:.0f} pixels wide; lips are read from {NARROWEST_PX:.0f} on."
        )
    steady = [index for index in wide if _share_seen(tracks[index]) >= FEWEST]
    if not steady:
        return Choice(None, "Every face is lost again and again: none is seen in half of its pictures.")
    durations = clip.frame_durations_s
    seen_s = {index: float(durations[_spoken_frames(tracks[index], heard)].sum()) for index in steady}
    longest_s = max(seen_s.values())
    if longest_s < SHORTEST_S:
        return Choice(
            None,
            f"No face is seen for more than {longest_s:.2f} s of the speech; {SHORTEST_S:g} s are needed.",
        )
    candidates = [
        Candidate(
            track=index,
            width_px=round(tracks[index].width_px, 1),
            spoken_s=round(seen_s[index], 3),
            movement=round(_movement(tracks[index], heard), 4),
            score=round(score(clip, tracks[index]), 4),
        )
        for index in steady
        if seen_s[index] >= SHORTEST_S
    ]
    return pick(candidates, [_together(tracks, one.track) for one in candidates], margin)


def pick(candidates: Sequence[Candidate], rivals: Sequence[set[int]], margin: float = MARGIN) -> Choice:
    """Who of the candidates speaks; rivals: for each, the tracks seen at the same time as it."""
    standing = [
        one
        for one, others in zip(candidates, rivals, strict=True)
        if all(_beats(one, other, margin) for other in candidates if other.track in others)
    ]
    if not standing:
        best = max(one.score for one in candidates)
        return Choice(
            None,
            f"{len(candidates)} faces move their lips and none follows the sound clearly better than the "
            f"others (best {best:.2f}, a lead of {margin:g} needed).",
            tuple(candidates),
        )
    chosen = max(standing, key=lambda one: (one.spoken_s, one.score))
    alone = not rivals[list(candidates).index(chosen)] & {one.track for one in candidates}
    why = (
        "It is the only face seen long enough while somebody speaks."
        if len(candidates) == 1
        else "It is alone in its shot, and seen for most of the speech."
        if alone
        else "Its lips move with the speech, clearly more so than any other's."
    )
    return Choice(chosen.track, why, tuple(candidates))


def _beats(one: Candidate, other: Candidate, margin: float) -> bool:
    if _still_beside(other, one):
        return True
    if _still_beside(one, other):
        return False
    return one.score - other.score > margin


def _still_beside(one: Candidate, other: Candidate) -> bool:
    return one.movement < STILL and other.movement > FASTER * one.movement


def _together(tracks: Sequence[Track], index: int) -> set[int]:
    """The other tracks that share at least one picture with this one."""
    return {
        other
        for other, track in enumerate(tracks)
        if other != index and np.intersect1d(track.frames, tracks[index].frames).size
    }


def _share_seen(track: Track) -> float:
    return len(track.frames) / float(track.frames[-1] - track.frames[0] + 1)


def _spoken(track: Track, heard: Speech) -> NDArray[np.bool_]:
    """(k,) whether somebody speaks as each picture of the track is shown."""
    spoken = np.zeros(len(track.frames), bool)
    for start, end in heard.spoken:
        spoken |= (track.times_s >= start) & (track.times_s < end)
    return spoken


def _spoken_frames(track: Track, heard: Speech) -> NDArray[np.intp]:
    return track.frames[_spoken(track, heard)]


def _movement(track: Track, heard: Speech) -> float:
    return movement(track.times_s, apertures(track.mesh), _spoken(track, heard))


def _loudness(clip: AVClip) -> NDArray[np.float64]:
    return envelope(clip.once(speech).samples, speech_track.RATE_HZ)

"""Who speaks: rendered pairs of whom one says the line, hand-made candidates, and every reason for nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.faces import Track, faces
from metrics.faces.aperture import apertures, envelope, following, movement, on_grid
from metrics.faces.speaking import Candidate, choose, pick, speaker

Frames = NDArray[np.uint8]
People = Callable[..., Frames]
Speakers = Callable[..., tuple[Frames, NDArray[np.float32]]]
ClipOf = Callable[..., AVClip]

COUNT = 45


def face(track: int, movement: float, score: float, spoken_s: float = 3.0) -> Candidate:
    return Candidate(track, 120.0, spoken_s, movement, score)


@pytest.fixture(scope="module")
def pair(resting: People, speaking: Speakers, clip_of: ClipOf) -> AVClip:
    """Left: somebody listens; right: somebody says a line."""
    frames, sound = speaking(4, COUNT)
    return clip_of(np.concatenate([resting(9, COUNT), frames], axis=2), sound)


def test_of_two_people_the_one_whose_lips_say_the_line_is_chosen(pair: AVClip) -> None:
    chosen = pair.once(speaker)
    assert isinstance(chosen, Track)
    assert chosen.mesh[..., 0].min() > 400
    choice = pair.once(choose)
    assert len(choice.candidates) == 2
    assert "clearly" in choice.why


def test_of_two_who_speak_each_goes_with_its_own_sound(speaking: Speakers, clip_of: ClipOf) -> None:
    """Two people say different lines; whichever is heard, its speaker scores higher."""
    (one, first), (other, second) = speaking(4, COUNT), speaking(9, COUNT)
    clip = clip_of(np.concatenate([one, other], axis=2))
    scores = np.array(
        [
            [
                following(t.times_s, apertures(t.mesh), envelope(sound[0], 48000), 0.005)
                for sound in (first, second)
            ]
            for t in faces(clip).tracks
        ]
    )
    assert scores[0, 0] > scores[1, 0]
    assert scores[1, 1] > scores[0, 1]


def test_a_score_can_be_given(pair: AVClip) -> None:
    """With a net's answer at hand only the movement and that answer count."""
    tracks = pair.once(faces).tracks
    choice = choose(pair, score=lambda _, track: float(track is tracks[1]), margin=0.5)
    assert choice.chosen == 1
    assert [candidate.score for candidate in choice.candidates] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("candidates", "rivals", "chosen"),
    [
        ([face(0, 0.2, 0.0)], [set()], 0),
        ([face(0, 0.0, 0.0)], [set()], 0),
        ([face(0, 0.2, 0.1), face(1, 0.01, 0.9)], [{1}, {0}], 0),
        ([face(0, 0.2, 0.2), face(1, 0.15, 0.5)], [{1}, {0}], 1),
        ([face(0, 0.2, 0.3), face(1, 0.15, 0.4)], [{1}, {0}], None),
        ([face(0, 0.0, 0.3), face(1, 0.0, 0.3)], [{1}, {0}], None),
        ([face(0, 0.2, 0.3, 2.0), face(1, 0.15, 0.4, 2.5)], [set(), set()], 1),
        ([face(0, 0.2, 0.3, 4.0), face(1, 0.2, 0.3, 4.0), face(2, 0.1, 0.2, 1.5)], [{1}, {0}, set()], 2),
    ],
)
def test_rivals_must_be_beaten_and_shots_are_no_rivals(
    candidates: list[Candidate], rivals: list[set[int]], chosen: int | None
) -> None:
    choice = pick(candidates, rivals)
    assert choice.chosen == chosen
    assert choice.why.endswith(".")


def test_lips_follow_their_own_loudness_at_small_lags_only(pair: AVClip) -> None:
    """Sound 0.1 s late still fits, 0.5 s late does not; noise never does."""
    track = pair.once(faces).tracks[1]
    gap = apertures(track.mesh)
    heard = envelope(pair.mono, pair.rate_hz)
    own = following(track.times_s, gap, heard, 0.005)
    assert own > 0.4
    assert following(track.times_s, gap, heard, 0.105) == pytest.approx(own, abs=0.12)
    assert following(track.times_s, gap, heard, 0.505) < own - 0.1
    noise = np.random.default_rng(3).standard_normal(len(pair.mono)).astype(np.float32)
    assert following(track.times_s, gap, envelope(noise, pair.rate_hz), 0.005) < own - 0.1
    assert following(track.times_s, np.full_like(gap, 0.1), heard, 0.005) == 0.0


def test_movement_is_a_speed_and_counts_spoken_pictures_only() -> None:
    times = np.arange(6) / 25
    gap = np.array([0.0, 0.0, 0.1, 0.2, 0.1, 0.9])
    spoken = np.array([False, True, True, True, True, False])
    assert movement(times, gap, spoken) == pytest.approx(2.5)
    assert movement(times, gap, np.zeros(6, bool)) == 0.0


def test_gaps_are_unknown_on_the_grid() -> None:
    times = np.array([0.0, 0.04, 0.08, 0.48, 0.52])
    grid, values, known = on_grid(times, np.arange(5.0))
    assert len(grid) == 53
    assert values[grid.tolist().index(0.28)] == pytest.approx(2.5)
    assert not known[(grid > 0.085) & (grid < 0.475)].any()
    assert known[(grid < 0.075) | (grid > 0.485)].all()


def test_nobody_is_chosen_with_a_reason(resting: People, speaking: Speakers, clip_of: ClipOf) -> None:
    frames, sound = speaking(4, COUNT)
    wall = np.full((COUNT, 200, 200, 3), 90, np.uint8)
    shrunk = [cv2.resize(frame, (120, 120), interpolation=cv2.INTER_AREA) for frame in frames]
    small = np.pad(shrunk, ((0, 0), (140, 140), (140, 140), (0, 0)), mode="edge")
    away = np.concatenate([frames[:12], np.full((COUNT - 12, 400, 400, 3), 90, np.uint8)])
    for clip, reason in (
        (clip_of(frames), "no sound"),
        (clip_of(frames, np.zeros_like(sound)), "Nobody speaks"),
        (clip_of(wall, sound), "No face is seen in this clip"),
        (clip_of(small, sound), "pixels wide; lips are read from 48 on"),
        (clip_of(frames[:20], sound[:, :38400]), "of the clip are speech; 1 s"),
        (clip_of(away, sound), "No face is seen for more than"),
    ):
        answer = speaker(clip)
        assert isinstance(answer, Unscorable), reason
        assert reason in answer.reason
        assert answer.details["chosen"] is None


@pytest.mark.realclips
def test_in_a_real_shot_of_two_both_are_followed_and_still_lips_not_chosen(real_clips: Path) -> None:
    """One of them is turned aside, where a chain of meshes alone slips off half-way."""
    clip = AVClip.open(real_clips / "hh_videoeditcase1.mp4")
    choice = choose(clip)
    still, talks = choice.candidates
    assert talks.movement > 4 * still.movement
    assert choice.chosen == talks.track == 1
    tracks = clip.once(faces).tracks
    assert [len(track.frames) for track in tracks] == [97, 97]
    aside = np.abs(tracks[1].yaw_rad)
    assert np.all((np.deg2rad(20) < aside) & (aside < np.deg2rad(55)))

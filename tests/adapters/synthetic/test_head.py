"""Rendered people, judged by two face nets that were trained on real ones."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
import pytest

from evalharness.adapters.synthetic.head import Head, draw_portrait
from evalharness.adapters.synthetic.head.motion import Motion
from evalharness.adapters.synthetic.speech import LANGUAGES, speak
from evalharness.adapters.synthetic.visemes import MouthShape, MouthTracks, mouth_tracks

WIDTH, HEIGHT = 854, 480
LINES = {
    "zh": ("爸爸妈妈买了面包，请慢慢把门关上。", None),
    "yue": ("爸爸媽媽買麵包，唔該慢慢閂門。", None),
    "en": ("Bob and Pam baked a warm apple pie.", None),
    "ja": ("母はパンを食べました。", "ははわ ぱんお ばらばらに たべました。"),
    "ko": ("엄마와 아빠가 밥을 먹고 바다를 봅니다.", None),
    "fr": ("Papa a mis du beurre sur le pain.", None),
    "de": ("Mama backt am Abend Apfelkuchen.", None),
}
SHUT = 0.25
"""An aperture below this share of the clip's 95th percentile reads as shut lips."""


def spoken(language: str, seed: int, error_rate: float = 0.0) -> tuple[MouthTracks, MouthTracks, Any]:
    """True and drawn lips at every 100 ms and at the middle of each closure, and the frames."""
    text, reading = LINES[language]
    speech = speak(text, language, reading=reading, seed=seed)
    true = mouth_tracks(speech.events, np.arange(0.0, speech.duration_s, 0.1))
    times = np.unique([*true.times_s, *(closure.centre_s for closure in true.closures)])
    true = mouth_tracks(speech.events, times)
    drawn = mouth_tracks(speech.events, times, error_rate=error_rate, seed=seed)
    head = Head(seed, WIDTH, HEIGHT)
    return true, drawn, [head.frame(drawn[i], t) for i, t in enumerate(times.tolist())]


def correlation(one: Any, other: Any) -> float:
    seen = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[seen], other[seen])[0, 1])


def share_shut(apertures: Any, tracks: MouthTracks) -> float:
    """Share of the line's closures at whose middle the lips are seen shut."""
    limit = SHUT * np.nanpercentile(apertures, 95)
    middles = [int(np.argmin(np.abs(tracks.times_s - c.centre_s))) for c in tracks.closures]
    return float(np.mean([apertures[i] < limit for i in middles]))


@pytest.mark.parametrize(("language", "seed"), [(language, 3 + i) for i, language in enumerate(LANGUAGES)])
def test_a_face_is_found_and_its_lips_follow_the_line(face_net: Any, language: str, seed: int) -> None:
    true, _, frames = spoken(language, seed)
    apertures = face_net.apertures(frames)
    assert np.isfinite(apertures).mean() >= 0.95
    assert correlation(apertures, true.opening) >= 0.9
    assert share_shut(apertures, true) >= 0.95


@pytest.mark.parametrize("language", ["en", "zh"])
def test_with_every_lip_shape_wrong_the_lips_no_longer_tell_the_words(face_net: Any, language: str) -> None:
    true, drawn, frames = spoken(language, 3, error_rate=1.0)
    apertures = face_net.apertures(frames)
    assert drawn.wrong == drawn.phonemes
    assert abs(correlation(apertures, true.opening)) < 0.35
    assert share_shut(apertures, true) <= 0.6
    assert correlation(apertures, drawn.opening) >= 0.85  # what was drawn is still seen


@pytest.mark.parametrize("seed", range(30, 42))
def test_anyone_is_found_shut_and_open(face_net: Any, seed: int) -> None:
    head = Head(seed, WIDTH, HEIGHT)
    faces = [face_net.see(head.frame(MouthShape(opening), 3.0)) for opening in (0.0, 0.5, 1.0)]
    assert all(face is not None and face.score > 0.7 and face.confidence > 0.9 for face in faces)
    shut, half, wide = (face.aperture for face in faces)
    assert shut < 0.02 < half < wide
    assert shut < SHUT * wide


def test_an_empty_room_has_no_face(face_net: Any) -> None:
    assert face_net.see(np.full((HEIGHT, WIDTH, 3), 128, np.uint8)) is None


def test_the_face_is_about_half_the_frame(face_net: Any) -> None:
    for width, height in ((854, 480), (480, 854)):
        face = face_net.see(draw_portrait(7, width, height))
        tall = np.ptp(face.points[[10, 152], 1])  # top of the forehead to the chin
        assert 0.36 < tall / min(height, width) < 0.60


def test_a_clip_begins_at_its_portrait_and_moves_on() -> None:
    head = Head(11, 427, 240)
    assert np.array_equal(head.frame(MouthShape(), 0.0), draw_portrait(11, 427, 240))
    later = head.frame(MouthShape(), 2.0)
    assert later.shape == (240, 427, 3)
    assert later.dtype == np.uint8
    assert not np.array_equal(later, head.frame(MouthShape(), 0.0))


def test_the_same_seed_is_the_same_frames_and_another_is_another_person(face_net: Any) -> None:
    mouth = MouthShape(0.6, 0.9, 0.4, 0.3)
    once, again = (Head(5, 427, 240).frame(mouth, 1.3) for _ in range(2))
    assert np.array_equal(once, again)
    people = [draw_portrait(seed, 427, 240).astype(int) for seed in range(8)]
    apart = [np.abs(a - b).mean() for i, a in enumerate(people) for b in people[:i]]
    assert min(apart) > 3.0


def test_eyes_blink_now_and_then() -> None:
    lids = [Motion(5).at(t).lid for t in np.arange(0.0, 30.0, 0.04)]
    blinks = int(np.sum(np.diff((np.array(lids) > 0.9).astype(int)) == 1))
    assert 4 <= blinks <= 15
    assert 0.02 < np.mean(np.array(lids) > 0) < 0.2


def test_frames_come_faster_than_they_are_shown() -> None:
    """60 a second on an idle core; the bar here leaves room for a busy machine."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        head = Head(3, WIDTH, HEIGHT)
        started = time.process_time()
        for i in range(30):
            head.frame(MouthShape(0.5, 1.0, 0.2, 0.5), i / 30)
        assert 30 / (time.process_time() - started) > 30
    finally:
        cv2.setNumThreads(threads)

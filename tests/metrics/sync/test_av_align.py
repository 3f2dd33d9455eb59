"""AV-Align against a plain transcription of the paper's description, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.sync.av_align import AVAlign, flow_peaks, intersection_over_union

FPS = 25.0
IMPACTS = [0.713, 1.301, 1.8]


@pytest.fixture(scope="module")
def bouncing(make_ball: Callable[..., np.ndarray], make_clicks: Callable[..., np.ndarray]) -> AVClip:
    times = np.arange(60) / FPS
    return AVClip(
        times,
        make_ball(times, IMPACTS)[:, ::2, ::2].copy(),
        make_clicks(IMPACTS, 2.4, 22050),
        22050,
        0.0,
        1 / FPS,
    )


def naive(grey: np.ndarray, sound: np.ndarray) -> float:
    """Word for word: a trajectory of flow with its first value twice, its peaks, the onsets, their union."""
    trajectory = []
    for index in range(len(grey)):
        first, second = (0, 1) if index == 0 else (index - 1, index)
        flow = cv2.calcOpticalFlowFarneback(grey[first], grey[second], None, 0.5, 3, 15, 3, 5, 1.2, 0)
        trajectory.append(cv2.mean(cv2.magnitude(flow[..., 0], flow[..., 1]))[0])
    seen = [
        index / FPS
        for index in range(1, len(trajectory) - 1)
        if trajectory[index - 1] < trajectory[index] > trajectory[index + 1] and trajectory[index] >= 0.1
    ]
    heard = librosa.frames_to_time(librosa.onset.onset_detect(y=sound, sr=22050), sr=22050)
    matched = 0
    for onset in heard:
        if any(peak - 1 / FPS < onset < peak + 1 / FPS for peak in seen):
            matched += 1
    return matched / (len(heard) + len(seen) - matched)


def score(clip: AVClip) -> float:
    reading = AVAlign().measure(clip)["iou"]
    assert isinstance(reading, Value), reading
    return reading.value


def test_it_is_what_the_paper_describes(bouncing: AVClip) -> None:
    expected = naive(bouncing.grey, bouncing.mono)
    assert 0 < expected < 1
    assert score(bouncing) == pytest.approx(expected, abs=1e-12)


def test_moved_sound_matches_as_moved_onsets_do(bouncing: AVClip) -> None:
    silent = np.zeros((1, round(0.2 * 22050)), np.float32)
    late = np.concatenate([silent, bouncing.samples], axis=1)
    assert score(replace(bouncing, audio_start_s=0.2)) == pytest.approx(
        score(replace(bouncing, samples=late))
    )


def test_by_hand() -> None:
    heard, seen = np.array([0.0, 1.0, 1.02, 3.0]), np.array([0.03, 1.01, 2.0])
    # 0.0, 1.0 and 1.02 are within 0.04 s of a peak, the latter two of the same one: 3 / (4 + 3 - 3).
    assert intersection_over_union(heard, seen, 0.04) == pytest.approx(3 / 4)
    assert intersection_over_union(heard, np.zeros(0), 0.04) == 0.0
    lengths = np.array([9.0, 1.0, 2.0, 1.0, 0.05, 0.09, 0.05, 3.0])
    assert flow_peaks(np.arange(9.0), lengths) == pytest.approx([3.0])
    with pytest.raises(ValueError, match="no share of nothing"):
        intersection_over_union(np.zeros(0), np.zeros(0), 0.04)


@given(moments=st.lists(st.floats(0, 10), min_size=1, max_size=20), frame_s=st.floats(0.01, 0.05))
def test_the_same_moments_match_wholly(moments: list[float], frame_s: float) -> None:
    assert intersection_over_union(np.array(moments), np.array(moments), frame_s) == 1.0


def test_what_has_no_moments_has_no_score(bouncing: AVClip) -> None:
    for clip, reason in (
        (replace(bouncing, samples=np.zeros((0, 0), np.float32), rate_hz=0), "no sound"),
        (replace(bouncing, samples=np.zeros_like(bouncing.samples)), "has an onset"),
        (replace(bouncing, grey=np.zeros_like(bouncing.grey)), "has no peak"),
    ):
        reading = AVAlign().measure(clip)["iou"]
        assert isinstance(reading, Unscorable)
        assert reason in reading.reason

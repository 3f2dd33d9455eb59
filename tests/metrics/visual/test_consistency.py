"""Cosines by hand, the network by what it sees in real pictures, consistency by what is put together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.visual import lite0
from metrics.visual.consistency import Consistency, cosines, every

installed = pytest.mark.skipif(lite0.missing() is not None, reason=str(lite0.missing()))

Scene = Callable[..., Any]
AsClip = Callable[..., AVClip]
Reader = Callable[..., dict[str, float]]


def test_cosines_by_hand() -> None:
    rows = np.array([[1, 0], [1, 1], [0, 3], [-2, 0]], np.float32)
    adjacent, first = cosines(rows)
    half = np.sqrt(0.5)
    assert adjacent == pytest.approx([half, half, 0])
    assert first == pytest.approx([half, 0, -1])


def test_samples_are_the_frames_on_show() -> None:
    assert every(0.25, np.arange(25) / 24).tolist() == [0, 6, 12, 18, 24]
    assert every(0.25, np.array([0.0, 0.2, 0.9, 1.0])).tolist() == [0, 1, 3]


@installed
def test_what_changes_more_is_less_consistent(scene: Scene, as_clip: AsClip, values: Reader) -> None:
    import cv2

    still, moments = scene(1)[0], np.arange(3) / 4
    ladder = []
    for strength in (0, 1, 4):
        melting = [cv2.GaussianBlur(still, (0, 0), 0.01 + strength * step) for step in range(3)]
        ladder.append(values(Consistency(), as_clip(np.stack(melting), times_s=moments)))
    assert ladder[0]["subject"] == pytest.approx(1.0)
    for better, worse in pairwise(ladder):
        assert worse["subject"] < better["subject"] - 0.01
    single = Consistency().measure(as_clip(still[None]))["subject"]
    assert isinstance(single, Unscorable)


@installed
@pytest.mark.realclips
@pytest.mark.parametrize(("name", "expected"), [("fc_av1", 763), ("vr_2", 906)])
def test_the_network_sees_a_revolver_and_a_tie(name: str, expected: int, real_clips: Path) -> None:
    clip = AVClip.open(real_clips / f"{name}.mp4")
    scores = lite0.class_scores(clip.picture(len(clip.grey) // 2))
    assert int(scores.argmax()) == expected
    assert scores.sum() == pytest.approx(1, abs=1e-4)
    assert scores[expected] > 0.3


@installed
@pytest.mark.realclips
def test_a_talker_is_consistent_and_two_clips_in_one_are_not(real_clips: Path, values: Reader) -> None:
    clips = [AVClip.open(real_clips / f"{name}.mp4") for name in ("vr_2", "mb_hallo3_02")]
    shots = [np.stack([clip.picture(index, 256)[:160, :160] for index in (0, 12, 24)]) for clip in clips]
    talker = values(Consistency(), AVClip.of_pictures(shots[0], np.arange(3) / 4))
    mixed = values(Consistency(), AVClip.of_pictures(np.concatenate(shots), np.arange(6) / 4))
    assert talker["subject"] > 0.95
    assert mixed["first"] < 0.8 < talker["first"]

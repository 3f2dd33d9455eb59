"""The lip-sync metric from pictures and sound: a render of known timing, and clips with nothing to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.faces.mesh import PAIRS, roll_of
from metrics.faces.tracks import Track
from metrics.lips.lag_metric import LipSync, lag_of_track


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> AVClip:
    """Four seconds of a rendered German speaker, in sync."""
    absent = LipSync.missing()
    if absent:
        pytest.skip(absent)
    from evalharness.adapters.synthetic.knobs import Knobs
    from evalharness.adapters.synthetic.render import Order, render
    from evalharness.config import PromptSettings
    from evalharness.prompts import load_suites

    where = tmp_path_factory.mktemp("suite")
    (prompt,) = load_suites(PromptSettings(suites=["audio-sync"], ids=["speak-en-01"]), where)
    made = render(Order(prompt, 5, 4.0, 320, 320, 25.0), Knobs())
    pictures = np.stack(list(made.frames))
    return AVClip.of_pictures(pictures, np.arange(made.count) / 25, made.samples, made.rate_hz)


def test_a_render_in_sync_is_in_sync_and_one_moved_by_d_is_off_by_d(rendered: AVClip) -> None:
    at_home = LipSync().measure(rendered)["offset_s"]
    assert isinstance(at_home, Value), at_home
    assert at_home.value == pytest.approx(0.0, abs=0.04)
    assert at_home.details["verdict"] == "unnoticed"
    low, high = at_home.details["interval_s"]
    assert low <= at_home.value <= high
    late = LipSync().measure(replace(rendered, audio_start_s=0.24))["offset_s"]
    assert isinstance(late, Value), late
    assert late.value - at_home.value == pytest.approx(0.24, abs=0.015)
    assert late.details["verdict"] == "unacceptable"


def test_both_numbers_are_refused_together_with_a_reason(rendered: AVClip) -> None:
    mute = replace(rendered, samples=np.zeros((0, 0), np.float32), rate_hz=0)
    faceless = AVClip.of_pictures(
        np.full((100, 96, 96, 3), 90, np.uint8), np.arange(100) / 25, rendered.samples, rendered.rate_hz
    )
    for clip, why in ((mute, "no sound"), (faceless, "No face")):
        readings = LipSync().measure(clip)
        assert set(readings) == {quantity.name for quantity in LipSync.quantities}
        for reading in readings.values():
            assert isinstance(reading, Unscorable)
            assert why in reading.reason


@pytest.mark.parametrize("roll_deg", [80.0, -90.0, 170.0])
def test_a_head_on_its_side_is_refused_with_its_roll(rendered: AVClip, roll_deg: float) -> None:
    upright = np.zeros((60, 468, 3), np.float32)
    upright[:, PAIRS, 0] = np.array([-50.0, 50.0])
    turn = np.radians(roll_deg)
    rotation = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    mesh = (upright @ rotation).astype(np.float32)
    assert np.degrees(roll_of(mesh)) == pytest.approx(roll_deg, abs=1e-3)
    track = Track(
        np.arange(60), np.arange(60) / 25, mesh, np.ones(60, np.float32), np.zeros((60, 4), np.float32)
    )
    found = lag_of_track(rendered, track)
    assert isinstance(found, Unscorable)
    assert f"lies on its side (roll {abs(roll_deg):.0f}°)" in found.reason


@pytest.mark.realclips
def test_a_generated_talker_is_read_from_its_file(real_clips: Path) -> None:
    absent = LipSync.missing()
    if absent:
        pytest.skip(absent)
    readings = LipSync().measure(AVClip.open(real_clips / "mb_MoCha_05.mp4"))
    offset, confidence = readings["offset_s"], readings["confidence"]
    assert isinstance(offset, Value), offset
    assert isinstance(confidence, Value)
    assert abs(offset.value) < 0.12
    assert confidence.value > 0.5

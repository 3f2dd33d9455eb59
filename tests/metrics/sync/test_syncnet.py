"""SyncNet's arithmetic and rules, judged by made embeddings, naive twins and the rules as published."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from metrics.av import AVClip
from metrics.base import Unscorable, Value
from metrics.faces.tracks import Faces, Track, faces
from metrics.sync.syncnet import SyncNet, metric, network
from metrics.sync.syncnet.distances import REACH, mean_distances, verdict
from metrics.sync.syncnet.metric import heard_from, judge
from metrics.sync.syncnet.mfcc import mfcc
from metrics.sync.syncnet.released import S3FD, SYNCNET, Release, recognised, state
from metrics.weights import WeightsError

RATE = 16000


def walk(count: int, dimensions: int = 16, seed: int = 1) -> np.ndarray:
    """Points that look alike only when they are the same."""
    return np.random.default_rng(seed).normal(size=(count, dimensions))


@pytest.mark.parametrize("late", [-15, -7, -1, 0, 1, 4, 15])
def test_sound_that_is_late_by_n_pictures_is_found_there(late: int) -> None:
    """What is heard with picture i was seen with picture i - late."""
    points = walk(140)
    seen, heard = points[20:120], points[20 - late : 120 - late]
    found = verdict(mean_distances(seen, heard))
    assert found.offset_s == pytest.approx(late * 0.04)
    assert found.offset_frames == -late, "published: positive is early"
    assert found.at_edge == (abs(late) == REACH)
    assert found.lse_c > 1


def test_one_shift_is_the_mirror_of_the_other_way_round() -> None:
    one, other = walk(60, seed=2), walk(60, seed=3)
    forth, back = mean_distances(one, other), mean_distances(other, one)
    # Swapping who is shifted swaps the ends too, where points at zero stand in: the middle is exact.
    assert forth[REACH] == pytest.approx(back[REACH], abs=1e-5)


def test_distances_are_those_of_torch_one_by_one() -> None:
    import torch

    seen, heard = walk(40, seed=4).astype(np.float32), walk(40, seed=5).astype(np.float32)
    padded = torch.nn.functional.pad(torch.from_numpy(heard), (0, 0, 15, 15))
    every = [
        torch.nn.functional.pairwise_distance(
            torch.from_numpy(seen[[i]]).repeat(31, 1), padded[i : i + 31]
        ).numpy()
        for i in range(40)
    ]
    assert mean_distances(seen, heard) == pytest.approx(np.mean(every, axis=0), rel=1e-5)


def test_a_worked_example_of_the_three_numbers() -> None:
    distances = np.full(31, 12.0)
    distances[:16] = 10.0
    distances[18] = 4.5
    found = verdict(distances)
    assert (found.lse_d, found.lse_c, found.offset_frames) == (4.5, 5.5, -3)
    assert found.offset_s == pytest.approx(0.12)


@pytest.mark.parametrize("length", [1, 399, 400, 401, 559, 560, 561, 16000, 17333])
def test_coefficients_are_those_of_python_speech_features(length: int) -> None:
    peer = pytest.importorskip("python_speech_features")
    sound = np.round(np.random.default_rng(length).normal(0, 3000, length))
    assert mfcc(sound) == pytest.approx(peer.mfcc(sound, RATE), abs=1e-9)


def test_silence_has_finite_coefficients() -> None:
    assert np.all(np.isfinite(mfcc(np.zeros(1600))))


def test_sound_is_taken_from_when_the_face_appears() -> None:
    sound = np.arange(RATE, dtype=float)
    assert np.array_equal(heard_from(sound, 0.0, 0.4, 5), sound[6400:9600])
    assert np.array_equal(heard_from(sound, -0.1, 0.4, 5), sound[8000:11200]), (
        "sound began before the picture"
    )
    late = heard_from(sound, 0.5, 0.4, 5)
    assert np.array_equal(late, np.r_[np.zeros(1600), sound[:1600]]), "sound began later: silence before it"
    assert len(heard_from(sound, 0.0, 0.9, 5)) == 1600, "it ends before the pictures do"
    assert not len(heard_from(sound, -5.0, 0.0, 5))
    assert np.array_equal(heard_from(sound, 9.0, 0.0, 5), np.zeros(3200))


def test_a_file_that_is_not_the_release_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "syncnet_v2.model"
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"the released syncnet_v2\.model has 961e8696…5442"):
        recognised(path, SYNCNET)
    monkeypatch.setenv(SYNCNET.variable, str(path))
    monkeypatch.delenv(S3FD.variable, raising=False)
    assert "another file" in str(SyncNet.missing())
    monkeypatch.setenv(SYNCNET.variable, str(tmp_path / "nowhere"))
    assert "where there is nothing" in str(SyncNet.missing())
    monkeypatch.delenv(SYNCNET.variable)
    assert f"set {SYNCNET.variable}" in str(SyncNet.missing())


def test_a_file_that_would_run_code_is_not_loaded(tmp_path: Path) -> None:
    import hashlib

    import torch

    def released(path: Path) -> Release:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Release("weights.pth", "EVALHARNESS_X", digest[:8], digest[-4:])

    good, bad = tmp_path / "good.pth", tmp_path / "bad.pth"
    torch.save({"a": torch.ones(2)}, good)
    torch.save({"a": Path("/")}, bad)
    assert state(good, released(good))["a"].tolist() == [1, 1]
    with pytest.raises(WeightsError, match="holds more than weights"):
        state(bad, released(bad))


def clip_with(boxes: dict[int, tuple[float, float, float, float]], count: int = 120) -> AVClip:
    """A black clip at 25 a second in which the face tracker has seen one face, at `boxes`."""
    clip = AVClip.of_pictures(
        np.zeros((count, 32, 48, 3), np.uint8),
        np.arange(count) / 25,
        np.random.default_rng(0).normal(0, 0.1, (1, round(count / 25 * 48000))).astype(np.float32),
        48000,
    )
    frames = np.array(sorted(boxes), np.intp)
    track = Track(
        frames,
        clip.frame_times_s[frames],
        np.zeros((len(frames), 468, 3), np.float32),
        np.ones(len(frames), np.float32),
        np.array([boxes[int(frame)] for frame in frames], np.float32),
    )
    tracks = (track,) if boxes else ()
    clip._derived[faces] = Faces(tracks, np.zeros(1, np.intp))
    return clip


def refusal(clip: AVClip) -> str:
    judged = judge(clip, None)  # refused before any network is asked
    assert isinstance(judged, Unscorable), judged
    return judged.reason


def test_what_the_published_pipeline_leaves_out_is_said() -> None:
    large = (0.0, 0.0, 110.0, 120.0)
    assert "no face" in refusal(clip_with({}))
    assert "longest in 100 pictures" in refusal(clip_with(dict.fromkeys(range(100), large)))
    small = clip_with(dict.fromkeys(range(110), (0.0, 0.0, 90.0, 100.0)))
    assert "the largest is 100 pixels" in refusal(small)
    assert "has 75 pictures" in refusal(clip_with({}, count=75))
    face = clip_with(dict.fromkeys(range(120), large))
    late = replace(face, audio_start_s=0.0, samples=np.zeros_like(face.samples))
    assert "digital silence" in refusal(late)
    assert "no sound track" in refusal(replace(face, samples=np.zeros((0, 0), np.float32), rate_hz=0))
    gone = replace(face, audio_start_s=-60.0)
    gone._derived[faces] = face._derived[faces]
    assert "no sound while" in refusal(gone)


def test_a_rendered_head_gets_three_numbers_however_random_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From pictures and sound to readings, on 16 pictures of a head, the rule on length lifted."""
    import torch

    from evalharness.adapters.synthetic.knobs import Knobs
    from evalharness.adapters.synthetic.render import Order, render
    from evalharness.config import PromptSettings
    from evalharness.prompts import load_suites

    (prompt,) = load_suites(PromptSettings(suites=["audio-sync"], ids=["speak-en-01"]), tmp_path)
    rendered = render(Order(prompt, 1, 4.4, 384, 384, 25.0), Knobs())
    assert rendered.samples is not None
    clip = AVClip.of_pictures(
        np.stack(list(islice(rendered.frames, 16))),
        np.arange(16) / 25,
        rendered.samples,
        rendered.rate_hz,
    )
    torch.manual_seed(0)
    net = network.towers()
    monkeypatch.setattr(metric, "LEAST_SEEN", 10)
    monkeypatch.setattr(metric, "_syncnet", lambda path: net)
    monkeypatch.setenv(SYNCNET.variable, str(tmp_path))
    monkeypatch.delenv(S3FD.variable, raising=False)
    read = SyncNet().measure(clip)
    assert set(read) == {quantity.name for quantity in SyncNet.quantities}
    offset, confidence, distance = read["offset_s"], read["lse_c"], read["lse_d"]
    assert isinstance(offset, Value)
    assert isinstance(confidence, Value)
    assert isinstance(distance, Value)
    assert offset.value == pytest.approx(-offset.details["offset_frames"] / 25)
    assert offset.details["detector"] == "FaceMesh"
    assert offset.details["face_px"] > 100
    assert confidence.value >= 0
    assert distance.value > 0
    assert SyncNet().measure(clip) == read, "the same number twice"

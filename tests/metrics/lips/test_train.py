"""Training on made talkers, whose mouths open as loud as they speak; splits by scene; augmentation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics.lips import LagReading, lag
from metrics.lips.augment import MIRROR, varied
from metrics.lips.corpus import Talker, folds, read_talkers, scenes
from metrics.lips.features import LIPS, UPPER_FACE
from metrics.lips.towers import SEARCH_STEPS, Towers


def made(seed: int, length_s: float = 6.0, fps: float = 25.0) -> Talker:
    """A face whose lower lip follows a slow random curve, as does the loudness of two bands of noise."""
    face = np.random.default_rng(1).normal(0, 0.3, (468, 3))
    rng = np.random.default_rng(seed)
    seconds = np.arange(round(length_s * 16000)) / 16000
    tones = sum(
        np.sin(2 * np.pi * rate * seconds + rng.uniform(0, 6.28)) for rate in rng.uniform(1.0, 6.0, 5)
    )
    opening = 1 / (1 + np.exp(-2 * np.asarray(tones)))
    times = np.arange(round(length_s * fps)) / fps
    mesh = np.repeat(face[None], len(times), axis=0) + rng.normal(0, 2e-4, (len(times), 468, 3))
    mesh[:, LIPS[:20], 1] += 0.05 * np.interp(times, seconds, opening)[:, None]
    return Talker(f"{seed}", mesh, times, 0.1 * opening * rng.normal(0, 1, len(seconds)), lag_s=0.0)


def test_a_few_seconds_of_training_teach_a_net_the_lag_of_made_talkers() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing can be trained")
    from metrics.lips.train import Recipe, fit, packed
    from metrics.lips.views import principal_movements, upper_reference, views_of

    torch.set_num_threads(1)
    talkers = [made(seed) for seed in range(10)]
    recipe = Recipe(
        views=1, movements=4, width=16, embedding=8, steps=60, steps_20_ms=2500, learning_rate=1e-2
    )
    reference = upper_reference(talkers)
    views = views_of(talkers, 1, reference, np.random.default_rng(0))
    basis = principal_movements(views, recipe.movements)
    pair, losses = fit(views, basis, range(8), recipe, np.eye(len(talkers), dtype=bool))
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    towers = Towers.of(packed([pair], reference, basis))
    for talker in talkers[8:]:
        for late_s in (0.0, 0.2):
            found = lag(talker.mesh, talker.times_s, talker.speech, 16000, late_s, towers=towers)
            assert isinstance(found, LagReading), found
            assert found.lag_s == pytest.approx(late_s, abs=0.04)


def test_windows_wander_in_tempo_and_keep_lips_and_speech_their_lag_apart() -> None:
    """Rows that count the filmed time itself: lips and speech must pass it at one tempo, a lag apart."""
    from metrics.lips.views import MARGIN, TRAINING_SHIFTS, Views, Windows

    steps, late_s = 500, 0.12
    filmed = np.arange(steps + 2 * MARGIN, dtype=np.float32)[None, :, None]
    seen = np.zeros((1, steps + 2 * MARGIN), np.float32)
    seen[:, MARGIN : MARGIN + steps] = 1
    views = Views(filmed, seen, filmed, np.array([steps]), np.array([late_s]), np.array([0]))
    lips = np.concatenate([filmed, np.ones_like(filmed)], axis=2)
    rng = np.random.default_rng(2)
    windows = Windows.drawn(views, lips, np.zeros(20, int), 125, rng, wander=0.2, sound_ends_too=False)
    at = np.arange(125)
    for row, lag_steps in enumerate(windows.lag_steps):
        whole = (windows.seen[row, 1:] * windows.seen[row, :-1]) > 0
        tempo = np.diff(windows.lips[row, :, 0])
        heard = np.arange(-TRAINING_SHIFTS, 125 + TRAINING_SHIFTS)
        spoken = np.diff(np.where(windows.heard[row] > 0, windows.mel[row, :, 0], np.nan))
        paired = np.interp(at[1:] + lag_steps, heard[1:], spoken)
        both = whole & np.isfinite(paired)
        np.testing.assert_allclose(tempo[both], paired[both], atol=0.05)
        inner = both & (at[1:] > 1)
        np.testing.assert_allclose(2 * windows.lips[row, 1:, 1][inner], tempo[inner], rtol=0.05)
    assert np.std([np.diff(rows[:, 0]).mean() for rows in windows.lips]) > 0.05


def test_the_same_line_in_the_same_voice_is_told_from_another() -> None:
    from metrics.lips.corpus import same_speech

    first, second = made(1), made(2)
    louder = replace(first, speech=np.concatenate([3 * first.speech, np.zeros(800)]))
    assert same_speech([first, second, louder]).tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]


def test_the_nets_in_training_and_in_measurement_say_the_same() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare the towers with")
    from metrics.lips.towers import PACE
    from metrics.lips.towers import Pair as Measuring
    from metrics.lips.train import Pair, Recipe, evidence, packed

    torch.manual_seed(0)
    training = Pair(Recipe(movements=5, width=12, embedding=7)).eval()
    with torch.no_grad():
        training.threshold.fill_(0.3)
        training.log_worth.fill_(0.5)
    for value in training.parameters():
        value.data = value.data.half().float()
    arrays = packed([training], np.zeros((19, 3)), np.zeros((144, 5), np.float32))
    measuring = Measuring.of(arrays, 0)
    rng = np.random.default_rng(1)
    lips = rng.normal(0, 1, (80, 10)).astype(np.float32)
    seen = np.ones(80, bool)
    seen[30:41] = False
    mel = rng.normal(0, 1, (80 + 2 * SEARCH_STEPS, 40)).astype(np.float32)
    got = measuring.evidence(lips, seen, mel, SEARCH_STEPS)
    expected = np.zeros(len(got))
    for phase in range(PACE):
        halves = [torch.from_numpy(rows[phase::PACE].astype(np.float32))[None] for rows in (lips, seen, mel)]
        heard = torch.ones(1, halves[2].shape[1])
        with torch.no_grad():
            shown, spoken, _ = training(halves[0], halves[1], halves[2], heard)
            expected[::PACE] += evidence(shown, spoken).sum(dim=1)[0].numpy() / PACE
    np.testing.assert_allclose(got[::PACE], expected[::PACE], atol=1e-3)


def test_clips_that_share_a_person_or_place_are_never_on_both_sides_of_a_split() -> None:
    names = [
        "closeup__6_woman_cat",
        "emotion__12_facingcamera_woman_cat_happy",
        "2p__13_man_middle_aged_cat",
        "emotion__32_woman_facing_right_plane_phone_worried",
        "closeup__18_woman_airplane_phone",
        "portrait__24_man_holdingacappuccino",
        "medium__29_man_holdingacappuccino",
        "closeup__5_man_pairs",
    ]
    scene = scenes(names)
    assert len({scene[0], scene[1], scene[2]}) == 1
    assert scene[3] == scene[4]
    assert scene[5] == scene[6]
    assert len(set(scene)) == 4
    held = folds(names, 3)
    assert sorted(index for fold in held for index in fold) == list(range(len(names)))
    for fold in held:
        assert not {scene[index] for index in fold} & {scene[k] for k in range(len(names)) if k not in fold}


def test_a_mirror_swaps_left_and_right_of_the_face_and_leaves_the_middle() -> None:
    paired = set(MIRROR.ravel().tolist())
    assert len(paired) == 2 * len(MIRROR)
    middle = {0, 17, 13, 14, 152, 1, 199, 200, 168, 6, 197, 195, 5, 4, 10, 151, 9}
    assert set(LIPS.tolist()) | set(UPPER_FACE.tolist()) == paired | middle


def test_variations_keep_the_lag_and_shorten_it_only_as_much_as_the_clip() -> None:
    talker = made(3)
    rng = np.random.default_rng(5)
    for _ in range(20):
        other = varied(Talker("", talker.mesh, talker.times_s, talker.speech, 0.2), [talker], rng)
        assert other.lag_s is not None
        faster = 0.2 / other.lag_s
        assert len(other.speech) == pytest.approx(len(talker.speech) / faster, abs=2)
        assert other.times_s[-1] <= talker.times_s[-1] / faster + 1e-9
        assert np.all(np.diff(other.times_s) > 0)
        assert np.isfinite(other.speech).all()


def test_the_command_trains_on_a_folder_and_writes_the_zero_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed: nothing can be trained")
    import soundfile

    from metrics.lips import train

    (tmp_path / "speech").mkdir()
    meshes: dict[str, np.ndarray] = {}
    rows = ["clip,syncnet_offsets_frames25,lse_c"]
    for seed in range(9):
        talker = made(seed, length_s=3.0)
        meshes |= {f"{seed}/mesh": talker.mesh.astype(np.float16), f"{seed}/fps": np.array(25.0)}
        soundfile.write(tmp_path / "speech" / f"{seed}.flac", talker.speech, 16000)
        rows.append(f'{seed},"[{seed % 2}]",5.0')
    np.savez(tmp_path / "mesh.npz", **meshes)
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    read = read_talkers(tmp_path)
    assert [talker.lag_s for talker in read][:2] == [0.0, -0.04]
    small = train.Recipe(views=1, steps=2, steps_20_ms=1200, width=8)
    monkeypatch.setattr(train, "Recipe", lambda: small)
    weights = tmp_path / "lag.npz"
    train.main(["--data", str(tmp_path), "--to", str(weights), "--pairs", "1", "--zero", "-0.05"])
    assert "SHA-256" in capsys.readouterr().out
    towers = Towers.read(weights)
    assert (len(towers.pairs), towers.zero_s) == (1, -0.05)

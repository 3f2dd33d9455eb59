"""The towers in NumPy against torch's own convolutions, and the file they come in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from metrics.lips import towers
from metrics.lips.towers import SEARCH_STEPS, SHA256, WEIGHTS, Pair, Towers, lip_rows, shipped
from metrics.weights import WeightsError, verified


def made(width: int = 8, movements: int = 3, pairs: int = 1, zero_s: float = 0.0) -> Towers:
    rng = np.random.default_rng(6)
    arrays: dict[str, np.ndarray] = {
        "reference": rng.normal(0, 0.3, (19, 3)),
        "basis": rng.normal(0, 1, (144, movements)),
        "pairs": np.array(pairs),
        "agreement_bias": np.array(0.5),
        "zero_s": np.array(zero_s),
        "heat": np.array(1.0),
    }
    for index in range(pairs):
        for side, inputs in (("lips", 2 * movements), ("ears", 40)):
            shapes = {"first": (width, inputs, 5), "last": (6, width, 1)}
            shapes |= {f"residual.{k}": (width, width, 3) for k in range(3)}
            for layer, shape in shapes.items():
                arrays[f"{index}.{side}.{layer}.weight"] = rng.normal(0, 0.3, shape)
                arrays[f"{index}.{side}.{layer}.bias"] = rng.normal(0, 0.3, shape[0])
        arrays |= {f"{index}.worth": np.array(1.7 + index), f"{index}.threshold": np.array(0.4)}
    return Towers.of(arrays)


def clip(seed: int = 7, frames: int = 60, fps: float = 25.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mesh = rng.normal(0, 0.3, (468, 3)) + rng.normal(0, 0.02, (frames, 468, 3))
    return mesh, np.arange(frames) / fps, rng.normal(0, 0.1, round(frames / fps * 16000))


def test_a_tower_is_what_torch_says_of_every_other_step() -> None:
    """Torch steps by 20 ms; the NumPy tower sees both interleaved lattices at once."""
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare the towers with")
    functional = torch.nn.functional
    tower = made().pairs[0].ears
    rows = np.random.default_rng(8).normal(0, 1, (101, 40)).astype(np.float32)
    got = tower(rows)
    for phase in (0, 1):
        hidden = torch.from_numpy(rows[phase::2].T.copy())[None]
        weight, bias = (torch.from_numpy(part) for part in tower.first)
        hidden = functional.relu(functional.conv1d(hidden, weight, bias, padding="same"))
        for dilation, layer in zip((1, 2, 4), tower.residual, strict=True):
            weight, bias = (torch.from_numpy(part) for part in layer)
            more = functional.conv1d(hidden, weight, bias, padding="same", dilation=dilation)
            hidden = hidden + functional.relu(more)
        weight, bias = (torch.from_numpy(part) for part in tower.last)
        expected = functional.normalize(functional.conv1d(hidden, weight, bias), dim=1)[0].numpy().T
        np.testing.assert_allclose(got[phase::2], expected, atol=1e-4)


def test_evidence_is_the_sum_over_all_steps_of_what_two_steps_say_together() -> None:
    ours = made(pairs=2)
    mesh, times, speech = clip()
    start_s = -0.13
    evidence = ours.evidence(mesh, times, speech, start_s)
    from metrics.lips.features import lips_still, log_mel, on_lattice

    mel = log_mel(speech).astype(np.float32) / towers.MEL_SCALE
    still = lips_still(mesh, ours.reference).reshape(len(mesh), -1)
    points, seen = on_lattice(still, times, start_s + 0.13, 237)
    rows = lip_rows(points, seen, ours.basis)
    first = 13
    kept = slice(max(0, first - SEARCH_STEPS), first + 237 + SEARCH_STEPS)
    heard = mel[kept] - mel[kept].mean(axis=0)
    for shift in (-60, -31, 0, 17, 60):
        total = 0.0
        for pair in ours.pairs:
            shown, spoken = pair.lips(rows), pair.ears(heard)
            for k in np.flatnonzero(seen):
                if 0 <= first + k + shift < len(spoken):
                    total += pair.worth * float(shown[k] @ spoken[first + k + shift]) - pair.threshold
        assert evidence.of_shift[shift + SEARCH_STEPS] == pytest.approx(total / 4 - 0.5, abs=2e-3)


def test_the_search_moves_with_the_zero() -> None:
    mesh, times, speech = clip()
    at_zero, moved = (made(zero_s=zero).evidence(mesh, times, speech, 0.0) for zero in (0.0, -0.064))
    assert at_zero.first_s == pytest.approx(-0.6)
    assert moved.first_s == pytest.approx(-0.6 + 0.004)
    assert np.corrcoef(moved.of_shift[16:90], at_zero.of_shift[10:84])[0, 1] > 0.99


def test_lips_that_rest_have_no_velocity_and_none_is_made_up_at_the_ends() -> None:
    points = np.zeros((40, 144))
    points[20:, 0] = 1.0
    seen = np.ones(40, bool)
    seen[:5] = False
    rows = lip_rows(points, seen, np.eye(144, 2, dtype=np.float32))
    assert not rows[:5].any()
    np.testing.assert_allclose(rows[5:, 0].mean(), 0, atol=1e-6)
    assert rows[20, 2] == pytest.approx(2.0)
    assert not rows[5:16, 2:].any()
    assert not rows[24:, 2:].any()


def test_the_shipped_weights_are_the_released_ones_and_small() -> None:
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == SHA256
    assert WEIGHTS.stat().st_size < 1_000_000
    assert all(isinstance(pair, Pair) for pair in shipped().pairs)
    assert SHA256 in (WEIGHTS.parent.parent / "MODEL_CARD.md").read_text()


def test_other_weights_in_their_place_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "lag.npz"
    other.write_bytes(WEIGHTS.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="another file"):
        verified(other, SHA256)

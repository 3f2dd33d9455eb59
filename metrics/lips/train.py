"""Training of the lag net: `python -m metrics.lips.train --data FOLDER [--zero S] [--held-out 5]`.

Two towers learn to say by how much the sound of a window was moved: contrastive over 61 shifts of 20 ms, with
"no agreement" as one more answer, which is the right one for the sound of another clip. Windows of 0.5 to 5
s, so that evidence has the same meaning at any length. Needs torch; measuring does not.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from metrics.lips.corpus import Talker, folds, read_talkers, same_speech
from metrics.lips.features import BANDS
from metrics.lips.heldout import HeldOut, figures
from metrics.lips.towers import DILATIONS, WEIGHTS, Towers
from metrics.lips.views import (
    TRAINING_SHIFTS,
    Views,
    Windows,
    principal_movements,
    upper_reference,
    views_of,
)

__all__ = ["Pair", "Recipe", "evidence", "fit", "main", "packed", "towers_for"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what training makes of the data."""

    views: int = 12
    """Versions of each clip, the first as it is."""
    movements: int = 20
    """Principal movements of the lips that the net is told of."""
    width: int = 64
    embedding: int = 64
    steps: int = 600
    steps_20_ms: int = 5000
    """How much a batch holds, lips and sound together."""
    learning_rate: float = 2e-3
    decay: float = 1e-2
    dropout: float = 0.1
    wander: float = 0.2
    """How far the tempo of a window wanders, see `Windows.drawn`."""
    label_error_s: float = 0.02
    """Labels stand on a grid of 40 ms: the truth is somewhere around them, a Gaussian this wide."""
    label_astray: float = 0.03
    """Share of the labels that are taken to say nothing."""
    telling: float = 1.0
    """Weight of a second task, to tell from the speech where the lips are: it keeps so small a net honest."""
    seed: int = 0


class TorchTower(nn.Module):
    """As `metrics.lips.towers.Tower`, in steps of 20 ms; (batch, channels, steps)."""

    def __init__(self, inputs: int, recipe: Recipe) -> None:
        super().__init__()
        width = recipe.width
        self.first = nn.Conv1d(inputs, width, 5, padding="same")
        self.residual = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=dilation, padding="same") for dilation in DILATIONS
        )
        self.last = nn.Conv1d(width, recipe.embedding, 1)
        self.dropout = nn.Dropout(recipe.dropout)
        nn.init.normal_(self.last.weight, 0, 0.3 * width**-0.5)

    def forward(self, rows: Tensor) -> Tensor:
        """(batch, inputs, steps) to (batch, embedding, steps)."""
        hidden = functional.relu(self.first(rows))
        for layer in self.residual:
            hidden = hidden + self.dropout(functional.relu(layer(hidden)))
        return self.last(hidden)  # type: ignore[no-any-return]  # torch's modules are untyped calls


class Pair(nn.Module):
    """A lip tower, a speech tower, and the log odds at which they agree."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.lips = TorchTower(2 * recipe.movements, recipe)
        self.ears = TorchTower(BANDS, recipe)
        self.null = nn.Parameter(torch.zeros(()))
        self.log_worth = nn.Parameter(torch.zeros(()))
        self.threshold = nn.Parameter(torch.zeros(()))
        self.tell = nn.Conv1d(recipe.embedding, 2 * recipe.movements, 1)

    def forward(
        self, lips: Tensor, seen: Tensor, mel: Tensor, heard: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Lips and speech (batch, embedding + 1, steps), whose products are evidence; zero for none.

        Also the lip rows (batch, 2p, steps) that the speech lets expect.
        """
        spoken = self.ears(mel.transpose(1, 2))
        shown = functional.normalize(self.lips(lips.transpose(1, 2)), dim=1) * self.log_worth.exp()
        one = torch.ones_like(seen)[:, None]
        shown = torch.cat([shown, -self.threshold * one], dim=1)
        direction = functional.normalize(spoken, dim=1)
        direction = torch.cat([direction, torch.ones_like(heard)[:, None]], dim=1)
        return shown * seen[:, None], direction * heard[:, None], self.tell(spoken)


def evidence(lips: Tensor, ears: Tensor) -> Tensor:
    """(batch, t, shifts): what each step says for each shift; ears are longer by the shifts at both ends."""
    products = torch.einsum("bdt,bdw->btw", lips, ears)
    batch, steps, wide = products.shape
    skewed = functional.pad(products.reshape(batch, steps * wide), (0, steps)).reshape(batch, steps, wide + 1)
    return skewed[:, :, : wide - steps + 1]


def fit(
    views: Views,
    basis: NDArray[np.float32],
    talkers: Sequence[int],
    recipe: Recipe,
    same: NDArray[np.bool_],
) -> tuple[Pair, list[float]]:
    """A pair of towers trained on the views of some talkers, and the loss of each step.

    same: (talkers, talkers), whose speech is the same: theirs are never shown as unrelated.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    pair = Pair(recipe).train()
    mean = {name: value.clone() for name, value in pair.state_dict().items()}
    usable = np.flatnonzero(np.isin(views.talker, talkers) & np.isfinite(views.lag_s))
    lips = views.lips(basis)
    learner = torch.optim.AdamW(
        pair.parameters(), recipe.learning_rate, (0.9, 0.98), weight_decay=recipe.decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        learner, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.15
    )
    losses = []
    for step in range(recipe.steps):
        length = int(rng.choice([75, 125, 180, 240]))
        pick = rng.choice(usable, max(8, recipe.steps_20_ms // (2 * length + 2 * TRAINING_SHIFTS)))
        windows = Windows.drawn(
            views, lips, pick, length, rng, wander=recipe.wander, sound_ends_too=bool(rng.random() < 0.3)
        )
        talker = views.talker[pick]
        loss = _loss(pair, windows, same[np.ix_(talker, talker)], recipe, rng)
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(pair.parameters(), 1.0)
        learner.step()
        schedule.step()
        losses.append(float(loss.detach()))
        keep = min(0.99, step / (step + 20))
        for name, value in pair.state_dict().items():
            mean[name].mul_(keep).add_(value, alpha=1 - keep)
    pair.load_state_dict(mean)
    return pair.eval(), losses


def packed(
    pairs: Sequence[Pair], reference: NDArray[np.float64], basis: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """The arrays of a weights file, convolutions in half precision; zero and heat are yet to be measured."""
    arrays: dict[str, NDArray[Any]] = {
        "reference": reference.astype(np.float32),
        "basis": basis,
        "pairs": np.array(len(pairs)),
        "agreement_bias": np.array(np.mean([pair.null.item() for pair in pairs])),
        "zero_s": np.array(0.0),
        "heat": np.array(1.0),
    }
    for index, pair in enumerate(pairs):
        arrays[f"{index}.worth"] = np.array(pair.log_worth.exp().item())
        arrays[f"{index}.threshold"] = np.array(pair.threshold.item())
        for name, value in pair.state_dict().items():
            if name.startswith(("lips.", "ears.")):
                arrays[f"{index}.{name}"] = value.numpy().astype(np.float16)
    return arrays


def _loss(
    pair: Pair, windows: Windows, same: NDArray[np.bool_], recipe: Recipe, rng: np.random.Generator
) -> Tensor:
    """Surprise at where the label says the lag is, and at unrelated sound that fits, over three lengths.

    The label is a probability of lags, not a target: the loss is -log of the sum over lags of what the label
    and the net say of each, so that the net may choose within the label's error and shrug off a wrong one.
    """
    mel = _other_voices(windows.mel, rng)
    seen = torch.from_numpy(windows.seen)
    lips, ears, told = pair(
        torch.from_numpy(windows.lips), seen, torch.from_numpy(mel), torch.from_numpy(windows.heard)
    )
    batch = len(same)
    swap = np.roll(np.arange(batch), 1 + int(rng.integers(batch - 1)))
    stranger = torch.from_numpy((~same[np.arange(batch), swap]).astype(np.float32))
    label = _log_label(windows, recipe)
    null = pair.null.expand(batch, 1)
    matched, swapped = evidence(lips, ears), evidence(lips, ears[torch.from_numpy(swap)])
    total = torch.zeros(())
    for part in _parts(batch, seen.shape[1], rng):
        enough = ((seen * part).sum(dim=1) > 10).float()
        of_shift = (matched * part[:, :, None]).sum(dim=1)
        said = functional.log_softmax(torch.cat([of_shift, null], dim=1), dim=1)
        total = total - (torch.logsumexp(said[:, :-1] + label, dim=1) * enough).mean()
        of_shift = (swapped * part[:, :, None]).sum(dim=1)
        said = functional.log_softmax(torch.cat([of_shift, null], dim=1), dim=1)
        total = total - 0.5 * (said[:, -1] * stranger).mean()
    return total / 3 + recipe.telling * _untold(told, windows)


def _log_label(windows: Windows, recipe: Recipe) -> Tensor:
    """(batch, shifts): logarithm of how likely each lag is by the label alone."""
    shifts = torch.arange(-TRAINING_SHIFTS, TRAINING_SHIFTS + 1)
    away = (shifts - torch.from_numpy(windows.lag_steps)[:, None]) * 0.02 / recipe.label_error_s
    near = torch.softmax(-0.5 * away**2, dim=1)
    astray = recipe.label_astray
    return torch.log((1 - astray) * near + astray / len(shifts)).float()


def _untold(told: Tensor, windows: Windows) -> Tensor:
    """Mean squared error of the lips that the speech lets expect, in their own standard deviations."""
    shown, seen = torch.from_numpy(windows.lips), torch.from_numpy(windows.seen)
    steps = torch.from_numpy(np.round(windows.lag_steps).astype(int) + TRAINING_SHIFTS)
    at = steps[:, None] + torch.arange(shown.shape[1])
    expected = torch.gather(told, 2, at[:, None].expand(-1, told.shape[1], -1)).transpose(1, 2)
    both = (seen * torch.gather(torch.from_numpy(windows.heard), 1, at))[:, :, None]
    square = ((expected - shown / shown.std()) ** 2 * both).sum()
    return square / (both.sum() * shown.shape[2]).clamp(min=1)


def _parts(batch: int, length: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """(batch, length) ones over the whole window, then twice over a random stretch of it of 0.5 s or more."""
    yield torch.ones(batch, length)
    for _ in range(2):
        lengths = np.exp(rng.uniform(np.log(25), np.log(length), batch)).astype(int)
        first = (rng.random(batch) * (length - lengths)).astype(int)[:, None]
        at = np.arange(length)
        yield torch.from_numpy(((at >= first) & (at < first + lengths[:, None])).astype(np.float32))


def _other_voices(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Bands stretched as by longer or shorter throats, a few bands or moments missing at times.

    After vocal tract length perturbation (Jaitly & Hinton 2013) and SpecAugment (Park et al. 2019).
    """
    bands = np.arange(BANDS)
    other = np.empty_like(mel)
    for rows, changed in zip(mel, other, strict=True):
        at = np.clip(bands * np.exp(rng.normal(0, 0.08)) + rng.normal(0, 0.5), 0, BANDS - 1.001)
        below = at.astype(int)
        share = (at - below).astype(np.float32)
        changed[:] = rows[:, below] * (1 - share) + rows[:, below + 1] * share
        if rng.random() < 0.4:
            band = rng.integers(0, BANDS - 8)
            changed[:, band : band + rng.integers(2, 9)] = 0
        if rng.random() < 0.3:
            moment = rng.integers(0, len(rows) - 10)
            changed[moment : moment + rng.integers(3, 15)] = 0
    return other


def towers_for(
    talkers: Sequence[Talker], groups: Sequence[Sequence[int]], recipe: Recipe, pairs: int
) -> Iterator[dict[str, NDArray[Any]]]:
    """For each group of talkers, as soon as they are trained, the weights of `pairs` pairs of towers."""
    reference = upper_reference(talkers)
    views = views_of(talkers, recipe.views, reference, np.random.default_rng(recipe.seed))
    basis = principal_movements(views, recipe.movements)
    same = same_speech(talkers)
    for group in groups:
        seeds = range(recipe.seed, recipe.seed + pairs)
        fitted = [fit(views, basis, group, replace(recipe, seed=seed), same) for seed in seeds]
        end = np.mean([losses[-50:] for _, losses in fitted])
        _say(f"trained on {len(group)} clips; loss at the end {end:.3f}")
        yield packed([pair for pair, _ in fitted], reference, basis)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on a folder of labelled clips; with `--held-out`, print figures held out by scene instead."""
    parser = argparse.ArgumentParser(prog="python -m metrics.lips.train", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder as `metrics.lips.corpus` describes it"
    )
    parser.add_argument("--to", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--pairs", type=int, default=4, help="pairs of towers whose evidence is averaged")
    parser.add_argument("--zero", type=float, default=0.0, help="what renders in sync are said to lag, in s")
    parser.add_argument("--heat", type=float, default=1.75, help="what evidence is divided by for intervals")
    parser.add_argument(
        "--held-out", type=int, default=0, metavar="K", help="K folds by scene; writes no weights"
    )
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    talkers, recipe = read_talkers(chosen.data), Recipe()
    everyone = range(len(talkers))
    if not chosen.held_out:
        (arrays,) = towers_for(talkers, [everyone], recipe, chosen.pairs)
        save(chosen.to, arrays | {"zero_s": np.array(chosen.zero), "heat": np.array(chosen.heat)})
        return
    held = folds([talker.name for talker in talkers], chosen.held_out)
    others = [[index for index in everyone if index not in fold] for fold in held]
    unseen: dict[int, Towers] = {}
    for fold, arrays in zip(held, towers_for(talkers, others, recipe, chosen.pairs), strict=True):
        unseen |= dict.fromkeys(fold, Towers.of(arrays | {"heat": np.array(chosen.heat)}))
    for name, value in figures(HeldOut(talkers, [unseen[index] for index in everyone])).items():
        _say(f"{name:60s} {value:8.4f}")


def save(path: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write a weights file and return its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes names for flags
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    _say(f"{path}: {path.stat().st_size} bytes, SHA-256 {sha256}")
    return sha256


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201  this is the command's output


if __name__ == "__main__":
    main()

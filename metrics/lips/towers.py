"""Two small nets, one for lips and one for speech, and how well each shift of the one fits the other.

NumPy only. Each tower turns 10 ms steps into directions in 64 dimensions; the cosine of a lip step and a
speech step, weighed and less a threshold, says how much more likely the two are to be of one moment than
unrelated (after Chung & Zisserman 2016, "Out of time", with a sum over all steps in place of the distance of
five frames). Summed over the clip, that is the evidence for a shift, in natural logarithms: it grows with
every second that fits, and is negative where nothing does.

`metrics.lips.train` makes the weights; the file is read with its SHA-256 checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.lips.features import STEP_S, lips_still, log_mel, on_lattice
from metrics.weights import verified

__all__ = [
    "DILATIONS", "MEL_SCALE", "SEARCH_STEPS", "SHA256", "VELOCITY", "WEIGHTS", "Evidence", "Tower", "Towers",
    "shipped", ]  # fmt: skip

Array = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "weights" / "lag.npz"
SHA256 = "479153b46e89b7745eb8d407bb1bc79414321c5082a2c635edd84bd886de8900"
DILATIONS = (1, 2, 4)
"""Of the convolutions after the first, in steps of 20 ms."""
PACE = 2
"""The towers step by 20 ms; they see the 10 ms lattice as two that interleave."""
SEARCH_STEPS = 60
"""Shifts that are tried, either way, in steps of 10 ms."""
MEL_SCALE = 3.0
VELOCITY = 4
"""Lattice steps either way between which lips are said to move."""


@dataclass(frozen=True, slots=True, eq=False)
class Tower:
    """Convolutions in a row: the first (5 taps), three that add to what they were given (3 taps), one of 1
    tap."""

    first: tuple[Array, Array]
    """Weights (out, in, taps) and biases (out,)."""
    residual: tuple[tuple[Array, Array], ...]
    last: tuple[Array, Array]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Tower:
        """The tower whose arrays are named `<prefix>.first.weight` and so on, as torch names them."""

        def layer(name: str) -> tuple[Array, Array]:
            weight, bias = (
                np.asarray(arrays[f"{prefix}.{name}.{part}"], np.float32) for part in ("weight", "bias")
            )
            return weight, bias

        return cls(
            layer("first"), tuple(layer(f"residual.{k}") for k in range(len(DILATIONS))), layer("last")
        )

    def __call__(self, rows: Array) -> Array:
        """(k, channels) on the 10 ms lattice to (k, 64), each row of length 1."""
        hidden = np.maximum(_convolve(rows, *self.first, PACE), 0)
        for dilation, (weight, bias) in zip(DILATIONS, self.residual, strict=True):
            hidden = hidden + np.maximum(_convolve(hidden, weight, bias, PACE * dilation), 0)
        out = _convolve(hidden, *self.last, PACE)
        return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A tower for lips, one for speech, and what their cosine is worth."""

    lips: Tower
    ears: Tower
    worth: float
    """Evidence of a step whose cosine is 1, before the threshold is taken off."""
    threshold: float
    """Evidence that every step must bring to speak for agreement."""

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], index: int) -> Pair:
        """The pair whose arrays are named `<index>.lips.first.weight` and so on."""
        lips, ears = (Tower.of(arrays, f"{index}.{side}") for side in ("lips", "ears"))
        return cls(lips, ears, float(arrays[f"{index}.worth"]), float(arrays[f"{index}.threshold"]))

    def evidence(self, lip_rows: Array, seen: NDArray[np.bool_], mel: Array, lead: int) -> Array:
        """(121,): for each shift, what all steps say together where lips are seen and sound is heard.

        lip_rows: (k, 2p). mel: (m, 40), of which row `lead` is at the time of the first lip row.
        """
        lips = np.pad(self.worth * self.lips(lip_rows), ((0, 0), (0, 1)), constant_values=-self.threshold)
        ears = np.pad(self.ears(mel), ((0, 0), (0, 1)), constant_values=1.0)
        return np.asarray(_along_shifts(lips * seen[:, None], ears, lead) / PACE, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What speaks for each shift of the sound against the lips."""

    of_shift: Array
    """(121,) natural logarithms of odds, this lag against none, for every 10 ms from `first_s` on."""
    first_s: float
    """The first of these lags, about -0.6 s."""
    seen_s: float
    """Seconds of lips that were seen while the sound lasted."""
    movement: float
    """How far the lips move, RMS over points and time, in widths of the face."""


@dataclass(frozen=True, slots=True, eq=False)
class Towers:
    """A few pairs of towers whose evidence is averaged, and what they were fitted to."""

    reference: NDArray[np.float64]
    """(19, 3): where the upper face lies; temples one apart."""
    basis: Array
    """(144, p): from lip points to the ways in which mouths move most, each of variance about 1."""
    pairs: tuple[Pair, ...]
    agreement_bias: float
    """Log odds at which no agreement is as likely as any one shift."""
    zero_s: float
    """What the nets say of renders that are in sync: the search is around it, and it is taken off."""
    heat: float
    """Evidence is divided by this to be read as a probability (temperature scaling, Guo et al. 2017)."""

    @classmethod
    def read(cls, path: Path) -> Towers:
        """From the file that `metrics.lips.train` writes. Raises KeyError where it is of another kind."""
        with np.load(path) as file:
            return cls.of(dict(file))

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Towers:
        """From the arrays of such a file."""
        pairs = tuple(Pair.of(arrays, index) for index in range(int(arrays["pairs"])))
        numbers = {name: float(arrays[name]) for name in ("agreement_bias", "zero_s", "heat")}
        return cls(
            np.asarray(arrays["reference"], np.float64),
            np.asarray(arrays["basis"], np.float32),
            pairs,
            **numbers,
        )

    def evidence(
        self,
        mesh: NDArray[np.floating],
        times_s: NDArray[np.float64],
        speech: NDArray[np.float64],
        start_s: float,
    ) -> Evidence:
        """Of meshes (n, 468, 3) seen at `times_s` and 16 kHz mono speech that begins at `start_s`."""
        mel = log_mel(speech).astype(np.float32) / MEL_SCALE
        first = int(np.ceil((times_s[0] - start_s) / STEP_S - 1e-6))
        count = max(0, int(np.floor((times_s[-1] - start_s) / STEP_S + 1e-6)) - first + 1)
        still = lips_still(mesh, self.reference).reshape(len(mesh), -1)
        points, seen = on_lattice(still, times_s, start_s + first * STEP_S, count)
        middle = first + round(self.zero_s / STEP_S)
        heard_first = max(0, middle - SEARCH_STEPS)
        mel = mel[heard_first : max(heard_first, middle + count + SEARCH_STEPS)]
        lead = middle - heard_first
        of_shift = np.zeros(2 * SEARCH_STEPS + 1, np.float32)
        if seen.any() and len(mel):
            seen_rows = lip_rows(points, seen, self.basis)
            heard_rows = mel - mel.mean(axis=0)
            for pair in self.pairs:
                of_shift += pair.evidence(seen_rows, seen, heard_rows, lead)
        both = seen[max(0, heard_first - first) : max(0, heard_first + len(mel) - first)]
        moves = points[seen] - points[seen].mean(axis=0) if seen.any() else np.zeros((1, 1))
        return Evidence(
            np.asarray(of_shift / len(self.pairs) - self.agreement_bias, np.float32),
            (middle - first - SEARCH_STEPS) * STEP_S - self.zero_s,
            float(both.sum() * STEP_S),
            float(np.sqrt((moves**2).mean())),
        )


def lip_rows(points: NDArray[np.float64], seen: NDArray[np.bool_], basis: Array) -> Array:
    """(k, 2p) from lip points (k, 144): places along the basis, less their mean, and their velocities."""
    place = np.where(seen[:, None], points.astype(np.float32) @ basis, 0).astype(np.float32)
    edge = ((VELOCITY, VELOCITY), (0, 0))
    around = np.pad(place, edge, mode="edge")
    known = np.pad(seen, VELOCITY)
    moving = known[2 * VELOCITY :] & known[: -2 * VELOCITY] & seen
    velocity = 2 * (around[2 * VELOCITY :] - around[: -2 * VELOCITY]) * moving[:, None]
    centred = (place - place[seen].mean(axis=0)) * seen[:, None]
    return np.concatenate([centred, velocity], axis=1).astype(np.float32)


@cache
def shipped() -> Towers:
    """The towers that come with the package, if the file is the one that was released."""
    return Towers.read(verified(WEIGHTS, SHA256))


def _along_shifts(lips: Array, ears: Array, lead: int) -> Array:
    """(121,): products of lip rows with the ear rows `lead` + shift further on, summed where both are."""
    sums = np.zeros(2 * SEARCH_STEPS + 1, np.float32)
    for index in range(len(sums)):
        ahead = lead + index - SEARCH_STEPS
        begin, end = max(0, -ahead), min(len(lips), len(ears) - ahead)
        if end > begin:
            sums[index] = np.einsum("kd,kd->", lips[begin:end], ears[begin + ahead : end + ahead])
    return sums


def _convolve(rows: Array, weight: Array, bias: Array, dilation: int) -> Array:
    """Rows (k, in) through taps `dilation` rows apart, zeros beyond the ends."""
    taps = weight.shape[2]
    margin = dilation * (taps // 2)
    padded = np.pad(rows, ((margin, margin), (0, 0)))
    out = np.tile(bias, (len(rows), 1))
    for tap in range(taps):
        out += padded[tap * dilation : tap * dilation + len(rows)] @ weight[:, :, tap].T
    return out

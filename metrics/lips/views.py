"""All versions of all training clips as arrays on the 10 ms lattice, and windows read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.lips.augment import MIRROR, varied
from metrics.lips.corpus import Talker
from metrics.lips.features import UPPER_FACE, lips_still, log_mel, on_lattice
from metrics.lips.towers import MEL_SCALE, lip_rows

__all__ = ["TRAINING_SHIFTS", "Views", "Windows", "principal_movements", "upper_reference", "views_of"]

Array = NDArray[np.float32]

TRAINING_SHIFTS = 30
"""Shifts either way in training, in steps of 20 ms."""
MARGIN = 160
"""Empty lattice steps before and after each view."""
FARTHEST_S = 0.55
"""Windows are read so that the lag between their picture and sound lies within this, evenly."""

OVERALL_TEMPO = 0.08
"""How much faster or slower a window runs than its clip: standard deviation of the logarithm."""


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Rows of lips and speech of each view; the margins and what was not seen are zero."""

    points: Array
    """(views, steps, 144): lip points of still heads."""
    seen: Array
    """(views, steps): 1 where lips were seen."""
    mel: Array
    """(views, steps, 40)."""
    length: NDArray[np.intp]
    """(views,): steps without the margins."""
    lag_s: NDArray[np.float64]
    """(views,): NaN where nobody said."""
    talker: NDArray[np.intp]
    """(views,): which clip each is a view of."""

    def lips(self, basis: Array) -> Array:
        """(views, steps, 2p): what the lip tower is given, see `lip_rows`."""
        rows = [
            lip_rows(points, seen > 0, basis)
            if seen.any()
            else np.zeros((len(points), 2 * basis.shape[1]), np.float32)
            for points, seen in zip(self.points, self.seen, strict=True)
        ]
        return np.stack(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A batch: lips of `length` steps of 20 ms, speech that begins 0.6 s earlier and ends 0.6 s later."""

    lips: Array
    seen: Array
    mel: Array
    heard: Array
    lag_steps: NDArray[np.float64]
    """(batch,): the lag in steps of 20 ms."""

    @classmethod
    def drawn(
        cls,
        views: Views,
        lips: Array,
        pick: NDArray[np.intp],
        length: int,
        rng: np.random.Generator,
        *,
        wander: float,
        sound_ends_too: bool,
    ) -> Windows:
        """One window of each picked view, the sound moved at random, or ending with the lips as well.

        Lips and speech are read along one clock whose tempo wanders (`wander`: standard deviation of its
        logarithm): no rhythm comes twice, and the lag between the two stays what it is.
        """
        shifts, places = TRAINING_SHIFTS, lips.shape[2] // 2
        lag_steps = rng.uniform(-FARTHEST_S, FARTHEST_S, len(pick)) * 50
        steps = np.arange(-2 * shifts - 4, length + 2 * shifts + 4)
        shown, heard = np.arange(length), np.arange(-shifts, length + shifts)
        lip_rows = np.empty((len(pick), length, lips.shape[2]), np.float32)
        seen = np.empty((len(pick), length), np.float32)
        mel = np.empty((len(pick), len(heard), views.mel.shape[2]), np.float32)
        within = np.empty((len(pick), len(heard)), np.float32)
        for row, view in enumerate(pick):
            place, rate = _clock(steps, wander, rng)
            spare = views.length[view] - np.interp(length, steps, place) + 10
            start = MARGIN + rng.uniform(-10, max(1.0, spare))
            at_lips = start + np.interp(shown, steps, place)
            lip_rows[row] = _between(lips[view], at_lips)
            lip_rows[row, :, places:] *= np.interp(shown, steps, rate)[:, None]
            seen[row] = _between(views.seen[view], at_lips) == 1
            at_sound = start + np.interp(heard - lag_steps[row], steps, place) + 100 * views.lag_s[view]
            mel[row] = _between(views.mel[view], at_sound)
            within[row] = (at_sound >= MARGIN) & (at_sound < MARGIN + views.length[view] - 1)
        if sound_ends_too:
            within[:, :shifts] = within[:, length + shifts :] = 0
        return cls(
            _centred(lip_rows, seen, places), seen, _centred(mel, within, mel.shape[2]), within, lag_steps
        )


def views_of(
    talkers: Sequence[Talker], count: int, reference: NDArray[np.float64], rng: np.random.Generator
) -> Views:
    """`count` views of each talker: the clip as it is, then variations of it."""
    shown = [
        (index, talker if view == 0 else varied(talker, talkers, rng))
        for index, talker in enumerate(talkers)
        for view in range(count)
    ]
    mels = [log_mel(talker.speech).astype(np.float32) / MEL_SCALE for _, talker in shown]
    steps = max(map(len, mels)) + 2 * MARGIN
    points = np.zeros((len(shown), steps, 3 * 48), np.float32)
    seen = np.zeros((len(shown), steps), np.float32)
    mel = np.zeros((len(shown), steps, mels[0].shape[1]), np.float32)
    for row, ((_, talker), heard) in enumerate(zip(shown, mels, strict=True)):
        inner = slice(MARGIN, MARGIN + len(heard))
        still = lips_still(talker.mesh, reference).reshape(len(talker.mesh), -1)
        points[row, inner], seen[row, inner] = on_lattice(still, talker.times_s, 0.0, len(heard))
        mel[row, inner] = heard
    return Views(
        points,
        seen,
        mel,
        np.array([len(heard) for heard in mels]),
        np.array([np.nan if talker.lag_s is None else talker.lag_s for _, talker in shown]),
        np.array([index for index, _ in shown]),
    )


def upper_reference(talkers: Sequence[Talker]) -> NDArray[np.float64]:
    """(19, 3): the mean upper face (generalised Procrustes, Gower 1975), centred, temples one apart."""
    upper = np.concatenate([_seen(talker)[::5][:, UPPER_FACE] for talker in talkers])
    upper = upper - upper.mean(axis=1, keepdims=True)
    upper /= np.linalg.norm(upper, axis=(1, 2), keepdims=True)
    mean = upper.mean(axis=0)
    for _ in range(5):
        left, _, right = np.linalg.svd(mean.T @ upper)
        mean = (upper @ (left @ right).transpose(0, 2, 1)).mean(axis=0)
    mean = (mean + _mirrored(mean)) / 2
    right_temple, left_temple = (int(np.flatnonzero(point == UPPER_FACE)[0]) for point in (234, 454))
    return np.asarray(mean / np.linalg.norm(mean[right_temple] - mean[left_temple]))


def principal_movements(views: Views, count: int) -> Array:
    """(144, count): the ways in which lips move most around their clip's mean, scaled to variance about 1."""
    moves = []
    for points, seen in zip(views.points, views.seen > 0, strict=True):
        if seen.sum() > 10:
            shown = points[seen][::4].astype(np.float64)
            moves.append(shown - shown.mean(axis=0))
    every = np.concatenate(moves)
    variances, directions = np.linalg.eigh(every.T @ every / len(every))
    strongest = np.argsort(variances)[::-1][:count]
    least = 1e-3 * variances[strongest[0]]
    return np.asarray(directions[:, strongest] / np.sqrt(variances[strongest] + least), np.float32)


def _clock(steps: NDArray[np.intp], wander: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Lattice steps passed at each of `steps` of 20 ms, 0 at step 0, and the tempo there (1: as filmed)."""
    knots = rng.normal(0, wander, rng.integers(2, 8))
    along = np.linspace(0, len(knots) - 1, len(steps))
    rate = np.exp(rng.normal(0, OVERALL_TEMPO) + np.interp(along, np.arange(len(knots)), knots))
    place = np.concatenate([[0.0], np.cumsum(rate[1:] + rate[:-1])])
    return place - np.interp(0, steps, place), rate


def _between(rows: Array, at: NDArray[np.float64]) -> Array:
    """Rows (n, ...) at fractional places, linearly; beyond the ends the last ones."""
    at = np.clip(at, 0, len(rows) - 1.001)
    below = at.astype(int)
    share = (at - below).astype(np.float32).reshape(-1, *[1] * (rows.ndim - 1))
    return np.asarray(rows[below] * (1 - share) + rows[below + 1] * share, np.float32)


def _mirrored(upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper-face points (19, 3) seen in a mirror, in the same order."""
    partner = {int(a): int(b) for pair in MIRROR for a, b in (pair, pair[::-1])}
    place = {int(point): index for index, point in enumerate(UPPER_FACE)}
    return upper[[place[partner.get(int(point), int(point))] for point in UPPER_FACE]] * [-1.0, 1.0, 1.0]


def _seen(talker: Talker) -> NDArray[np.float64]:
    mesh = np.asarray(talker.mesh, np.float64)
    return mesh[np.isfinite(mesh).all(axis=(1, 2))]


def _centred(rows: Array, mask: Array, channels: int) -> Array:
    """The first `channels` less their mean where `mask` is 1; zero where it is 0."""
    weight = mask[:, :, None]
    mean = (rows * weight).sum(axis=1, keepdims=True) / np.maximum(weight.sum(axis=1, keepdims=True), 1)
    mean[:, :, channels:] = 0
    return np.asarray((rows - mean) * weight, np.float32)

"""How well lag nets do on scenes they have not seen: against SyncNet, known shifts, and other voices.

Every clip is read by towers that were trained without its scene. Guesses count whether or not the reading
would have been refused; how many would have been is a figure of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.base import Unscorable
from metrics.gates.statistics import separation
from metrics.lips.corpus import Talker, same_speech
from metrics.lips.features import RATE_HZ
from metrics.lips.lag import LagReading, lag
from metrics.lips.towers import Towers

__all__ = ["Guess", "HeldOut", "figures", "guess"]

ONE_FRAME_S = 0.0401
"""A frame of SyncNet's, and a rounding error."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A reading, or what would have been said had it not been refused."""

    lag_s: float
    confidence: float
    agreement: float
    interval_s: tuple[float, float] | None
    """None where the reading was refused."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Clips, and for each the towers that have not seen its scene."""

    talkers: Sequence[Talker]
    towers: Sequence[Towers]


def guess(
    towers: Towers,
    mesh: NDArray[np.floating],
    times_s: NDArray[np.float64],
    speech: NDArray[np.float64],
    start_s: float,
) -> Guess | None:
    """What the towers say of one clip; None where they say nothing at all (no face, no sound)."""
    found = lag(mesh, times_s, speech, RATE_HZ, start_s, towers=towers)
    if isinstance(found, LagReading):
        return Guess(found.lag_s, found.confidence, found.agreement, found.interval_s)
    return _refused(found)


def figures(held: HeldOut, seed: int = 0) -> dict[str, float]:
    """All figures by name; shares 0..1, times in seconds."""
    rng = np.random.default_rng(seed)
    judged = [index for index, talker in enumerate(held.talkers) if talker.lag_s is not None]
    said = {index: _whole(held, index) for index in judged}
    known = {index: found for index, found in said.items() if found is not None}
    errors = np.array([found.lag_s - _label(held, index) for index, found in known.items()])
    result = {
        "clips": float(len(judged)),
        "within 1 frame of SyncNet": float((np.abs(errors) <= ONE_FRAME_S).sum() / len(judged)),
        "within 1.5 frames of SyncNet": float((np.abs(errors) <= 1.5 * ONE_FRAME_S).sum() / len(judged)),
        "median difference from SyncNet, s": float(np.median(np.abs(errors))),
        "Spearman of confidence and LSE-C": _spearman(
            [found.confidence for found in known.values()],
            [held.talkers[index].lse_c or 0.0 for index in known],
        ),
        "true pairs refused": float(np.mean([found.interval_s is None for found in known.values()])),
        "interval reaches SyncNet's frame": float(
            np.mean(
                [
                    _covers(found, _label(held, index), 0.02)
                    for index, found in known.items()
                    if found.interval_s
                ]
            )
        ),
        "median width of the interval, s": float(
            np.median(
                [found.interval_s[1] - found.interval_s[0] for found in known.values() if found.interval_s]
            )
        ),
    }
    result |= _shifted(held, known, rng)
    result |= _swapped(held, known, rng)
    for length_s in (1.0, 2.0, 3.0):
        for around in (True, False):
            found = list(_windows(held, judged, length_s, around))
            sound = f"{length_s:g} s windows, sound {'around' if around else 'cut too'}"
            result[f"{sound}, within 1 frame"] = float(np.mean([hit for hit, _ in found]))
            result[f"{sound}, refused"] = float(np.mean([not kept for _, kept in found]))
            if any(kept for _, kept in found):
                result[f"{sound}, of those kept"] = float(np.mean([hit for hit, kept in found if kept]))
    return result


def _whole(held: HeldOut, index: int) -> Guess | None:
    talker = held.talkers[index]
    return guess(held.towers[index], talker.mesh, talker.times_s, talker.speech, 0.0)


def _shifted(
    held: HeldOut, known: dict[int, Guess], rng: np.random.Generator, each: int = 6
) -> dict[str, float]:
    """Sound moved by up to ±0.4 s under a picture that stays, cut where the picture begins and ends."""
    moved, labelled, covered = [], [], []
    for index, at_home in known.items():
        talker = held.talkers[index]
        for shift in rng.uniform(-0.4, 0.4, each):
            steps = round(shift * RATE_HZ)
            sound = np.roll(talker.speech, steps)
            sound[slice(0, steps) if steps > 0 else slice(len(sound) + steps, None)] = 0
            found = guess(held.towers[index], talker.mesh, talker.times_s, sound, 0.0)
            if found is None:
                continue
            moved.append(abs(found.lag_s - at_home.lag_s - shift))
            labelled.append(abs(found.lag_s - _label(held, index) - shift))
            if found.interval_s is not None:
                covered.append(_covers(found, _label(held, index) + shift, 0.02))
    return {
        "known shifts": float(len(moved)),
        "known shifts within 1 frame": float(np.mean(np.array(moved) <= ONE_FRAME_S)),
        "known shifts, median error, s": float(np.median(moved)),
        "shifts within 1 frame of label and shift": float(np.mean(np.array(labelled) <= ONE_FRAME_S)),
        "shifts, median difference from label and shift, s": float(np.median(labelled)),
        "interval reaches the shifted frame": float(np.mean(covered)),
    }


def _swapped(
    held: HeldOut, known: dict[int, Guess], rng: np.random.Generator, each: int = 2
) -> dict[str, float]:
    """The lips of one clip with the speech of another that the same towers have not seen either."""
    strangers = []
    same = same_speech(held.talkers)
    for index in known:
        others = [k for k in known if held.towers[k] is held.towers[index] and not same[k, index]]
        for other in rng.choice(others, each, replace=False):
            talker = held.talkers[index]
            found = guess(held.towers[index], talker.mesh, talker.times_s, held.talkers[other].speech, 0.0)
            if found is not None:
                strangers.append(found)
    return {
        "swapped pairs": float(len(strangers)),
        "AUC of confidence, true against swapped": separation(
            np.array([found.confidence for found in strangers]),
            np.array([found.confidence for found in known.values()]),
        ),
        "AUC of agreement, true against swapped": separation(
            np.array([found.agreement for found in strangers]),
            np.array([found.agreement for found in known.values()]),
        ),
        "swapped pairs refused": float(np.mean([found.interval_s is None for found in strangers])),
    }


def _windows(
    held: HeldOut, judged: Sequence[int], length_s: float, sound_around: bool
) -> Iterator[tuple[bool, bool]]:
    """Whether it is right, and kept, for each window, a second apart, in which the face is mostly seen."""
    for index in judged:
        talker = held.talkers[index]
        for start in np.arange(0.0, talker.times_s[-1] - length_s, 1.0):
            inside = (talker.times_s >= start - 1e-6) & (talker.times_s <= start + length_s + 1e-6)
            if np.isnan(talker.mesh[inside, 0, 0]).mean() > 0.2:
                continue
            first, last = round(start * RATE_HZ), round((start + length_s) * RATE_HZ)
            sound, begins = (talker.speech, 0.0) if sound_around else (talker.speech[first:last], start)
            found = guess(held.towers[index], talker.mesh[inside], talker.times_s[inside], sound, begins)
            hit = found is not None and abs(found.lag_s - _label(held, index)) <= ONE_FRAME_S
            yield hit, found is not None and found.interval_s is not None


def _label(held: HeldOut, index: int) -> float:
    label = held.talkers[index].lag_s
    if label is None:
        raise ValueError(f"{held.talkers[index].name} has no label.")
    return label


def _covers(found: Guess, truth_s: float, slack_s: float) -> bool:
    low, high = found.interval_s or (np.inf, -np.inf)
    return bool(low - slack_s <= truth_s <= high + slack_s)


def _refused(found: Unscorable) -> Guess | None:
    details = found.details
    if "best_guess_s" not in details:
        return None
    return Guess(details["best_guess_s"], details["confidence"], details["agreement"], None)


def _spearman(first: Sequence[float], second: Sequence[float]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(first, second)[0])

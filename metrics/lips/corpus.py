"""Talking clips to train and test the lag net on: meshes, speech, and SyncNet's published verdict.

A folder holds `labels.csv` (clip, syncnet_offsets_frames25, lse_c), `mesh.npz` (`<clip>/mesh` (n, 468, 3) and
`<clip>/fps`) and `speech/<clip>.flac`. SyncNet's offset counts frames of 40 ms and is positive where the
sound is early; lags here are in seconds and positive where it is late.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metrics.lips.features import at_16_khz, log_mel

__all__ = ["Talker", "folds", "read_talkers", "same_speech", "scenes"]

SYNCNET_FRAME_S = 0.04

COMMONPLACE = frozenset(
    ["a", "action", "adjusting", "and", "angry", "black", "blue", "boy", "camera", "chinese", "closeup",
     "cry", "crying", "dolly", "down", "facing", "facingcamera", "from", "gesture", "girl", "happy",
     "head", "hold", "holding", "holdingacappuccino", "holds", "hysteria", "in", "left", "lookingup",
     "lower", "make", "man", "medium", "middle", "moon", "move", "new", "of", "old", "on", "palm",
     "pan", "playing", "point", "pointing", "rasing", "red", "right", "room", "rush", "scared", "shirt",
     "shot", "sing", "smile", "speak", "speaking", "suit", "tense", "the", "thumbs", "to", "tracking",
     "turn", "turning", "up", "walk", "wide", "window", "with", "woman", "worried", "x", "year", "yong",
     "young", "zoom"]
)  # fmt: skip
"""Words of a clip's name that say nothing of who is seen where."""
SPELT = {"plane": "airplane", "noddle": "noodle", "painitng": "painting", "rays": "x-rays"}


@dataclass(frozen=True, slots=True, eq=False)
class Talker:
    """One face, its frames' times, its speech, and how late the speech is said to be."""

    name: str
    mesh: NDArray[np.floating]
    """(n, 468, 3); rows of NaN where no face was seen."""
    times_s: NDArray[np.float64]
    speech: NDArray[np.float64]
    """16 kHz mono, beginning with the first frame."""
    lag_s: float | None = None
    """None where nobody said."""
    lse_c: float | None = None


def read_talkers(folder: Path) -> list[Talker]:
    """All clips of a folder, in the order of its table."""
    import soundfile  # type: ignore[import-untyped]  # it has no stubs

    with (folder / "labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    meshes = np.load(folder / "mesh.npz")
    talkers = []
    for row in rows:
        name = row["clip"]
        speech, rate_hz = soundfile.read(folder / "speech" / f"{name}.flac", dtype="float64")
        mesh = meshes[f"{name}/mesh"]
        offsets = json.loads(row["syncnet_offsets_frames25"])
        talkers.append(
            Talker(
                name=name,
                mesh=mesh,
                times_s=np.arange(len(mesh)) / float(meshes[f"{name}/fps"]),
                speech=at_16_khz(speech, rate_hz),
                lag_s=-SYNCNET_FRAME_S * offsets[0] if offsets else None,
                lse_c=float(row["lse_c"]) if offsets else None,
            )
        )
    return talkers


def scenes(names: Sequence[str]) -> list[int]:
    """Which scene each clip belongs to: clips are of one scene where their names share a telling word.

    Sharing is passed on (a, b share a word, b, c another: all three are one scene), so that no person or
    place is on both sides of a split.
    """
    scene = list(range(len(names)))
    first_with: dict[str, int] = {}

    def root(index: int) -> int:
        while scene[index] != index:
            index = scene[index]
        return index

    for index, name in enumerate(names):
        for word in _telling(name):
            scene[root(first_with.setdefault(word, index))] = root(index)
    return [root(index) for index in range(len(names))]


def folds(names: Sequence[str], count: int) -> list[list[int]]:
    """Indices of the clips held out in each of `count` folds: whole scenes, about as many clips in each."""
    members: dict[int, list[int]] = {}
    for index, scene in enumerate(scenes(names)):
        members.setdefault(scene, []).append(index)
    held: list[list[int]] = [[] for _ in range(count)]
    for group in sorted(members.values(), key=lambda group: (-len(group), group)):
        min(held, key=len).extend(group)
    return [sorted(fold) for fold in held]


def _telling(name: str) -> Iterable[str]:
    words = [SPELT.get(word, word) for word in name.split("__")[-1].split("_") if not word.isdigit()]
    return {word for word in words if word not in COMMONPLACE} or {"_".join(words)}


def same_speech(talkers: Sequence[Talker]) -> NDArray[np.bool_]:
    """(n, n): whether two clips say the same with the same voice at the same time, by their log-mels.

    These correlate above 0.5; a clip has the same speech as itself.
    """
    mels = [log_mel(talker.speech) for talker in talkers]
    same = np.eye(len(talkers), dtype=bool)
    for first in range(len(talkers)):
        for second in range(first):
            count = min(len(mels[first]), len(mels[second]))
            rows = [(mel[:count] - mel[:count].mean(axis=0)).ravel() for mel in (mels[first], mels[second])]
            alike = rows[0] @ rows[1] > 0.5 * np.linalg.norm(rows[0]) * np.linalg.norm(rows[1])
            same[first, second] = same[second, first] = alike
    return same

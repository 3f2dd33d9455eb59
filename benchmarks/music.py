"""What `music` takes for music, beside its net alone.

    python benchmarks/music.py [--sounds FOLDER]

First tones and even engines made here. Then, where FOLDER holds folders named music, speech and effects with
sound files, windows of 5 s of these, as they are and speech over music. Of a file up to four windows, evenly
spaced; files shorter than a window are joined with others of their folder, 0.15 s apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.stats import rankdata

from metrics.audio.firered import probabilities
from metrics.audio.music import LIKELY, SECOND, Music, levelled, musical
from metrics.speech.track import RATE_HZ, resampled

Samples = NDArray[np.float32]

WINDOW = 5 * RATE_HZ
OF_A_FILE, LONGEST_S = 4, 150
BETWEEN = round(0.15 * RATE_HZ)
AUDIBLE_DB = -45.0
MIXES, MIXED_DB = 300, (0, -10, -20)
TONES_HZ = (100, 200, 300, 440, 600, 800, 900, 1000, 1100, 1200, 1500, 2000, 3000, 4000)
ENGINES_HZ = (20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 110)
HISS = (0.0, 0.1, 0.4)


def main() -> None:
    """Listen and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sounds", type=Path, help="folder with the folders music, speech and effects")
    folder = parser.parse_args().sounds
    lacking = Music.missing()
    if lacking is not None:
        print(lacking)
        return
    for what, made in (("tones", list(tones())), ("engines", list(engines()))):
        for how, hears in (("net alone", by_net_alone), ("music", musical)):
            print(f"{what:8} {how:10} {_most(_shares(made, hears)):.0%} of {len(made)} mostly music")
    if folder is not None:
        recorded(folder)


def recorded(folder: Path) -> None:
    """Print how well shares tell the folder's music from its speech and effects."""
    sounds = {kind: list(windows(folder / kind)) for kind in ("music", "speech", "effects")}
    rng = np.random.default_rng(3)
    spoken = [sounds["speech"][index] for index in rng.permutation(len(sounds["speech"]))]
    print({kind: len(found) for kind, found in sounds.items()})
    for how, hears in (("net alone", by_net_alone), ("music", musical)):
        shares = {kind: _shares(found, hears) for kind, found in sounds.items()}
        print(f"{how}: music found {_most(shares['music']):.1%}")
        for kind in ("speech", "effects"):
            print(f"  {kind}: AUC {auc(shares['music'], shares[kind]):.3f}, taken {_most(shares[kind]):.1%}")
        for level_db in MIXED_DB:
            pairs = islice(zip(spoken, cycle(sounds["music"]), strict=False), MIXES)
            mixed = _shares(
                [_unit(voice) + _unit(tune) * 10 ** (level_db / 20) for voice, tune in pairs], hears
            )
            print(
                f"  music at {level_db} dB: AUC {auc(mixed, shares['speech']):.3f}, found {_most(mixed):.1%}"
            )


def by_net_alone(samples: Samples) -> NDArray[np.bool_]:
    """(k,) whether the net's mean over a second reaches the bound, every 10 ms."""
    music = probabilities(levelled(samples))[:, 2]
    return np.asarray(uniform_filter1d(music, SECOND, mode="nearest") >= LIKELY)


def auc(higher: Sequence[float], lower: Sequence[float]) -> float:
    """Chance that one of the first reads higher than one of the second, ties half."""
    ranks = rankdata([*higher, *lower])[: len(higher)]
    return float((ranks.mean() - (len(higher) + 1) / 2) / len(lower))


def tones() -> Iterator[Samples]:
    """Five seconds of each pitch."""
    for pitch_hz in TONES_HZ:
        yield np.sin(2 * np.pi * pitch_hz * np.arange(WINDOW) / RATE_HZ).astype(np.float32)


def engines() -> Iterator[Samples]:
    """Nineteen harmonics of a speed that swings by 3 % every 2.5 s, in more and more noise."""
    swing = 1 + 0.03 * np.sin(2 * np.pi * 0.4 * np.arange(WINDOW) / RATE_HZ)
    noise = np.random.default_rng(3).standard_normal(WINDOW)
    for speed_hz in ENGINES_HZ:
        phase = 2 * np.pi * np.cumsum(speed_hz * swing) / RATE_HZ
        hum = sum((np.sin(k * phase + k) / k**0.8 for k in range(1, 20)), np.zeros(WINDOW))
        for hiss in HISS:
            yield (hum + hiss * noise).astype(np.float32)


def windows(folder: Path) -> Iterator[Samples]:
    """Windows of 5 s of the files below `folder` that are not next to silent."""
    short: dict[Path, Samples] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        sound = _read(path)
        if len(sound) >= WINDOW:
            count = min(OF_A_FILE, len(sound) // WINDOW)
            for start in np.linspace(0, len(sound) - WINDOW, count).astype(int):
                if _level_db(sound[start : start + WINDOW]) > AUDIBLE_DB:
                    yield sound[start : start + WINDOW]
        elif sound.size and _level_db(sound) > AUDIBLE_DB:
            joined = np.concatenate([short.pop(path.parent, sound[:0]), sound, np.zeros(BETWEEN, np.float32)])
            if len(joined) >= WINDOW:
                yield joined[:WINDOW]
            else:
                short[path.parent] = joined


def _read(path: Path) -> Samples:
    with soundfile.SoundFile(path) as file:
        sound = file.read(LONGEST_S * file.samplerate, dtype="float32", always_2d=True)
        return resampled(np.ascontiguousarray(sound.mean(axis=1)), file.samplerate)


def _shares(sounds: Iterable[Samples], hears: Callable[[Samples], NDArray[np.bool_]]) -> list[float]:
    return [float(hears(sound).mean()) for sound in sounds]


def _most(shares: Sequence[float]) -> float:
    """Share of those of which half or more is music."""
    return float(np.mean(np.array(shares) >= 0.5))


def _level_db(sound: Samples) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-12))


def _unit(sound: Samples) -> Samples:
    return sound / np.float32(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))


if __name__ == "__main__":
    main()

"""What lip sync and lip accuracy say of the talking clips that SyncNet judged, one by one.

    python benchmarks/talkers.py [--data FOLDER]

FOLDER is as `metrics.lips.corpus` describes it. Each clip is read three times: by towers that saw no clip of
its scene (trained here, five times, about 6 minutes each on one core), by the shipped ones, which were
trained on it, and for how its lips fit the words that Whisper hears. All is kept in
benchmarks/results/talkers.json as it comes; what is there already, of these versions, is not measured again.
`python docs/make_real_clips.py` makes the page of it.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metrics.av import AVClip
from metrics.base import Unscorable
from metrics.lips.accuracy import LipAccuracy, said
from metrics.lips.closure import Estimate, agreement, closure_rate, mouth_of
from metrics.lips.corpus import Talker, folds, read_talkers
from metrics.lips.features import RATE_HZ
from metrics.lips.lag import lag
from metrics.lips.lag_metric import LipSync
from metrics.lips.towers import Towers, shipped
from metrics.lips.train import Recipe, towers_for
from metrics.speech.track import speech

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "lipsync"
KEPT = ROOT / "benchmarks" / "results" / "talkers.json"
FOLDS, PAIRS = 5, 4
MADE_WITH = {
    "known": "1",
    "held_out": f"lip_sync {LipSync.version}, {PAIRS} pairs of towers, {FOLDS} folds by scene",
    "shipped": f"lip_sync {LipSync.version}, {LipSync.weights()}",
    "lips": f"lip_accuracy {LipAccuracy.version}, {LipAccuracy.weights()}",
}
"""By part of a row: what it depends on."""


def main() -> None:
    """Read every clip that is not yet read, and say how many there are."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--data", type=Path, default=DATA)
    folder = arguments.parse_args().data
    if not folder.is_dir():
        print(f"Left out: the talking clips are not here, there is no {folder}.")
        return
    rows = kept()
    talkers = read_talkers(folder)
    labels = _labels(folder)
    sizes = np.load(folder / "mesh.npz")
    parts: dict[str, Callable[[Talker], Row]] = {
        "known": lambda talker: _known(talker, labels[talker.name], float(sizes[f"{talker.name}/face_px"])),
        "shipped": lambda talker: lag_row(talker, shipped()),
        "lips": _lips,
    }
    for part, measured in parts.items():
        for talker in talkers:
            row = rows.setdefault(talker.name, {})
            if part not in row:
                row[part] = measured(talker)
                keep(rows)
    for name, reading in _held_out(talkers, rows):
        rows[name]["held_out"] = reading
        keep(rows)
    print(f"{len(rows)} talking clips are in {KEPT.relative_to(ROOT)}.")


def kept() -> dict[str, Row]:
    """The rows by clip, less the parts that another version made."""
    if not KEPT.is_file():
        return {}
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    stale = {part for part, made in MADE_WITH.items() if found["made_with"].get(part) != made}
    return {
        name: {part: value for part, value in row.items() if part not in stale}
        for name, row in found["clips"].items()
    }


def keep(rows: Mapping[str, Row]) -> None:
    """Write them all, a line a clip."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(rows[name], ensure_ascii=False, sort_keys=True)}"
        for name in sorted(rows)
    )
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(
        f'{{"made_with": {json.dumps(MADE_WITH, indent=1)},\n"clips": {{\n{lines}\n}}}}\n', encoding="utf-8"
    )


def lag_row(talker: Talker, towers: Towers) -> Row:
    """Lag on both zeros (s, positive: sound late), interval, confidence and verdict; or why there is none."""
    found = lag(talker.mesh, talker.times_s, talker.speech, RATE_HZ, towers=towers)
    if isinstance(found, Unscorable):
        guess = found.details.get("best_guess_s")
        on_theirs = None if guess is None else round(guess + towers.zero_s, 4)
        return {"reason": found.reason, "syncnet_best_guess_s": on_theirs}
    return {
        "lag_s": round(found.lag_s, 4),
        "syncnet_lag_s": round(found.syncnet_lag_s, 4),
        "interval_s": [round(edge, 4) for edge in found.interval_s],
        "confidence": round(found.confidence, 3),
        "agreement": round(found.agreement, 3),
        "verdict": found.verdict,
    }


def _held_out(talkers: list[Talker], rows: Mapping[str, Row]) -> Iterator[tuple[str, Row]]:
    """(clip, reading) by towers that have not seen its scene, of the folds that are not yet read."""
    torch.set_num_threads(1)
    everyone = range(len(talkers))
    left = [
        fold
        for fold in folds([talker.name for talker in talkers], FOLDS)
        if any("held_out" not in rows[talkers[index].name] for index in fold)
    ]
    if not left:
        return
    others = [[index for index in everyone if index not in fold] for fold in left]
    fitted = {"zero_s": np.array(shipped().zero_s), "heat": np.array(shipped().heat)}
    for fold, arrays in zip(left, towers_for(talkers, others, Recipe(), PAIRS), strict=True):
        towers = Towers.of(arrays | fitted)
        for index in fold:
            yield talkers[index].name, lag_row(talkers[index], towers)


def _known(talker: Talker, label: Mapping[str, str], face_px: float) -> Row:
    """What SyncNet published of it (frames of 40 ms, positive: sound early), and how the face is seen."""
    frames = json.loads(label["syncnet_offsets_frames25"])
    return {
        "syncnet_frames": frames,
        "lse_c": round(float(label["lse_c"]), 2) if frames else None,
        "seconds": round(float(talker.times_s[-1] + talker.times_s[1]), 2),
        "face_px": round(face_px),
        "seen_share": round(float(np.isfinite(talker.mesh[:, 0, 0]).mean()), 3),
        "speech_share": round(_clip(talker).once(speech).spoken_s / (len(talker.speech) / RATE_HZ), 3),
    }


def _lips(talker: Talker) -> Row:
    """How the lips fit the words heard: (share, chance, n) of closures, and agreement; or why not."""
    found = said(_clip(talker))
    if isinstance(found, Unscorable):
        return {"reason": found.reason}
    mouth = mouth_of(talker.mesh, talker.times_s)
    shut, order = closure_rate(mouth, found.line), agreement(mouth, found.line)
    return {"language": found.language, "closure": _estimate(shut), "agreement": _estimate(order)}


def _estimate(found: Estimate | None) -> Row | None:
    if found is None:
        return None
    return {"value": round(found.value, 3), "chance": round(found.chance, 3), "n": found.n}


def _clip(talker: Talker) -> AVClip:
    """The sound of it, with black pictures."""
    return AVClip(
        frame_times_s=talker.times_s,
        grey=np.zeros((len(talker.times_s), 8, 8), np.uint8),
        samples=talker.speech.astype(np.float32)[None],
        rate_hz=RATE_HZ,
        last_frame_s=float(talker.times_s[1]),
    )


def _labels(folder: Path) -> dict[str, Row]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        return {row["clip"]: row for row in csv.DictReader(table)}


if __name__ == "__main__":
    main()

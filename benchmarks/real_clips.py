"""What every metric says of real clips: filmed ones, generated ones, and recordings of speech alone.

    python benchmarks/real_clips.py [--clips FOLDER]

Nobody says what was asked of them, so what compares a clip with its prompt has nothing to go by; of the
recordings, which have no picture, the language is known and the sound alone is measured. All is kept in
benchmarks/results/real_clips.json clip by clip; what is there already, of these versions, is not measured
again. About 10 s a clip. `python docs/make_real_clips.py` makes the page of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalharness.measure import measure_files
from evalharness.records import Measurement
from evalharness.registry import METRICS
from evalharness.usable import usable_metrics
from metrics.av import AVClip, Brief
from metrics.base import Reading, Value

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]
CLIPS = ROOT.parent / "shared" / "data" / "clips"
KEPT = ROOT / "benchmarks" / "results" / "real_clips.json"


@dataclass(frozen=True, slots=True)
class RealClip:
    """A clip as it is published."""

    name: str
    source: str
    file: str
    language: str = ""
    """Of a recording of speech alone."""


CLIPS_KNOWN = (
    RealClip("video-retalking 1", "OpenTalker/video-retalking", "vr_1.mp4"),
    RealClip("video-retalking 2", "OpenTalker/video-retalking", "vr_2.mp4"),
    RealClip("video-retalking 3", "OpenTalker/video-retalking", "vr_3.mp4"),
    RealClip("LatentSync demo 1", "bytedance/LatentSync", "ls_demo1.mp4"),
    RealClip("LivePortrait d6", "KwaiVGI/LivePortrait", "lp_d6.mp4"),
    RealClip("FoleyCrafter av1", "open-mmlab/FoleyCrafter", "fc_av1.mp4"),
    RealClip("FoleyCrafter av2", "open-mmlab/FoleyCrafter", "fc_av2.mp4"),
    RealClip("FoleyCrafter vs0", "open-mmlab/FoleyCrafter", "fc_vs0.mp4"),
    RealClip("Ovi 1", "character-ai/Ovi", "ovi_1.mp4"),
    RealClip(
        "HappyHorse videoeditcase1", "modelstudioai/awesome-happyhorse-prompts", "hh_videoeditcase1.mp4"
    ),
    *(
        RealClip(f"{method} {take}", "MoChaBench", f"mb_{file}_{take}.mp4")
        for method, file in (
            ("MoCha", "MoCha"),
            ("SadTalker", "SadTalker"),
            ("Hallo3", "hallo3"),
            ("AniPortrait", "aniportrait-square"),
        )
        for take in ("02", "05")
    ),
)
SPEECH_KNOWN = (
    RealClip("RD_Radio31_000", "OpenTalker/SadTalker", "speech_RD_Radio31_000.flac", "en"),
    RealClip("bus_chinese", "OpenTalker/SadTalker", "speech_bus_chinese.flac", "zh"),
    RealClip("japanese", "OpenTalker/SadTalker", "speech_japanese.flac", "ja"),
    RealClip("fayu", "OpenTalker/SadTalker", "speech_fayu.flac", "fr"),
)
OF_SOUND = (
    "audio_content",
    "bandwidth",
    "clipping",
    "loudness",
    "silence",
    "speech_accuracy",
    "speech_quality",
)


def main() -> None:
    """Measure what is not measured yet, and say how many clips there are."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--clips", type=Path, default=CLIPS)
    folder = arguments.parse_args().clips
    if not folder.is_dir():
        print(f"Left out: the real clips are not here, there is no {folder}.")
        return
    usable, left_out = usable_metrics(None)
    for name, said in left_out.items():
        print(f"Left out: {name}. {said}")
    here = {metric.name: f"{metric.version} {metric.weights()}".strip() for metric in usable}
    versions, rows = kept(here)
    for clip in (*CLIPS_KNOWN, *SPEECH_KNOWN):
        row = rows.setdefault(clip.name, {"source": clip.source, "readings": {}})
        wanted = [name for name in (OF_SOUND if clip.language else here) if name in here]
        measured = {full.partition(".")[0] for full in row["readings"]}
        missing = [name for name in wanted if name not in measured]
        if missing:
            path = folder / clip.file
            row["readings"] |= _heard(path, clip.language, missing) if clip.language else _seen(path, missing)
            keep(versions, rows)
    print(f"{len(rows)} clips are in {KEPT.relative_to(ROOT)}.")


def kept(here: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Row]]:
    """Versions by metric, and rows by clip, less what failed and readings by another version than `here`.

    Readings by a metric that cannot run here stay.
    """
    if not KEPT.is_file():
        return dict(here), {}
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    stale = {name for name, version in here.items() if found["versions"].get(name) != version}
    for row in found["clips"].values():
        row["readings"] = {
            full: reading
            for full, reading in row["readings"].items()
            if full.partition(".")[0] not in stale and reading["status"] != "failed"
        }
    return {**found["versions"], **here}, found["clips"]


def keep(versions: Mapping[str, str], rows: Mapping[str, Row]) -> None:
    """Write them all, a line a clip, in the order of the tables above."""
    order = {clip.name: place for place, clip in enumerate((*CLIPS_KNOWN, *SPEECH_KNOWN))}
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(rows[name], ensure_ascii=False, sort_keys=True)}"
        for name in sorted(rows, key=order.__getitem__)
    )
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(
        f'{{"versions": {json.dumps(versions, indent=1)},\n"clips": {{\n{lines}\n}}}}\n', encoding="utf-8"
    )


def _seen(path: Path, metrics: list[str]) -> dict[str, Row]:
    found, _ = measure_files([path], Brief(), metrics=metrics, processes=1)
    return {row.metric: _row(row) for row in found[path]}


def _row(row: Measurement) -> Row:
    if row.value is None:
        return {"status": str(row.status), "reason": row.reason}
    return {"status": str(row.status), "value": _short(row.value), "details": _told(row.details)}


def _heard(path: Path, language: str, metrics: list[str]) -> dict[str, Row]:
    """Readings of a recording, under black pictures that last as long."""
    import soundfile  # type: ignore[import-untyped]  # it has no stubs

    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    times = np.arange(0, len(samples) / rate_hz, 0.04)
    silent = AVClip(
        times, np.zeros((len(times), 8, 8), np.uint8), samples.T, rate_hz, last_frame_s=0.04,
        brief=Brief(language=language),
    )  # fmt: skip
    readings: dict[str, Row] = {}
    for name in metrics:
        for quantity, reading in METRICS.load(name)().measure(silent).items():
            readings[f"{name}.{quantity}"] = _reading(reading)
    return readings


def _reading(reading: Reading) -> Row:
    if isinstance(reading, Value):
        return {"status": "value", "value": _short(reading.value), "details": _told(reading.details)}
    return {"status": "unscorable", "reason": reading.reason}


TOLD = ("interval_s", "verdict", "n", "chance", "low", "high", "language", "likeliest", "best_guess_s")
"""Details that the page shows."""


def _told(details: Mapping[str, Any]) -> Row:
    return {name: details[name] for name in TOLD if name in details}


def _short(value: float) -> float:
    return float(f"{value:.5g}")


if __name__ == "__main__":
    main()

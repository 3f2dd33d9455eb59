"""Make the tables of docs/real-clips.md from benchmarks/results, without measuring anything.

    python docs/make_real_clips.py

Reads what benchmarks/real_clips.py and benchmarks/talkers.py kept; writes what stands between the markers.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tables import between, markdown

Row = Mapping[str, Any]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "real-clips.md"
RESULTS = ROOT / "benchmarks" / "results"
FRAME_S = 0.04
"""Of SyncNet's, whose offsets are whole frames and positive where the sound is early."""
REFUSED = "unscorable"

REASONS = (
    (r"Nobody speaks", "no speech"),
    (r"No face is seen", "no face"),
    (r"What is heard does not follow .*correlation (-?[\d.]+)", r"no match (r \1)"),
    (r"Shifts from (-?[\d.]+) to (-?[\d.]+) s fit", r"open (\1..\2 s)"),
    (r"What is heard fits these lips at no shift", "lips of other words"),
    (r"The best shift lies at or beyond the end", "beyond ±0.6 s"),
    (r"Fewer than three closures \(of (\d+)", r"few closures (\1)"),
    (r"The words have no p, b or m", "few closures (0)"),
    (r"The words heard are in (\w+)", r"language \1"),
    (r"The words heard are not what is spoken", "words misheard"),
    (r"The words cannot be laid over", "words misheard"),
    (r"Only (\d+)% of the picture changes", r"still scene (\1 %)"),
    (r"Things move over (\d+) frames", r"still (\1 frames move)"),
    (r"The motion in the picture has no peak", "no motion"),
    (r"The clip was not asked to begin with", "no picture given"),
    (r"No prompt is known|The prompt (asks|does not|quotes)", "no prompt given"),
)
"""How each reason begins, and how it stands in a table."""


def short(reason: str) -> str:
    """The reason in a few words. Raises ValueError for one that has none yet."""
    for begins, words in REASONS:
        found = re.match(begins, reason)
        if found:
            return found.expand(words)
    raise ValueError(f"'{reason}' has no short form: add one to REASONS in docs/make_real_clips.py.")


def main() -> None:
    """Put the tables in their places."""
    text = PAGE.read_text(encoding="utf-8")
    for marker, table in tables().items():
        text = between(text, marker, table)
    PAGE.write_text(text, encoding="utf-8")


def tables() -> dict[str, str]:
    """Every table of the page, by its marker."""
    clips = json.loads((RESULTS / "real_clips.json").read_text(encoding="utf-8"))["clips"]
    talkers = json.loads((RESULTS / "talkers.json").read_text(encoding="utf-8"))["clips"]
    seen = {name: row for name, row in clips.items() if "faces.count" in row["readings"]}
    return {
        "endings": endings(seen, talkers),
        "known": known(clips),
        "methods": methods(seen),
        "together": of_clips(seen, TOGETHER),
        "sound": of_clips(clips, SOUND),
        "picture": of_clips(seen, PICTURE),
        "agreement": agreement(talkers),
        "talkers": of_talkers(talkers),
    }


def plain(places: int, scale: float = 1.0, sign: str = "") -> Callable[[Row], str]:
    """Shows a value `scale` times as large, with so many places behind the point."""
    # Adding 0.0 makes a rounded -0.0 a 0.0.
    return lambda reading: f"{round(scale * reading['value'], places) + 0.0:{sign}.{places}f}"


def lag_ms(reading: Row) -> str:
    """A lag in ms with its interval and what BT.1359 says of it."""
    return _lag(reading["value"], reading["details"]["interval_s"], reading["details"]["verdict"])


def chanced(reading: Row) -> str:
    """A share beside what it is by chance, and on how many it rests."""
    return _estimate({**reading["details"], "value": reading["value"]})


PER_CENT = plain(0, 100)
TOGETHER = (
    ("track begins, ms", "container.start_s", plain(0, 1000, "+")),
    ("faces", "faces.count", plain(0)),
    ("width, px", "faces.width_px", plain(0)),
    ("speech, %", "audio_content.speech_share", PER_CENT),
    ("lip sync, ms (95 %)", "lip_sync.offset_s", lag_ms),
    ("confidence", "lip_sync.confidence", plain(1)),
    ("event sync, ms (95 %)", "event_sync.offset_s", lag_ms),
    ("closures (chance, n)", "lip_accuracy.closure", chanced),
    ("lips' agreement (chance, n)", "lip_accuracy.agreement", chanced),
)
SOUND = (
    ("LUFS", "loudness.integrated_lufs", plain(1)),
    ("dBTP", "loudness.true_peak_db", plain(1)),
    ("silence, %", "silence.share", PER_CENT),
    ("clipped, %", "clipping.share", plain(2, 100)),
    ("cut off at, kHz", "bandwidth.cutoff_hz", plain(1, 0.001)),
    ("speech, %", "audio_content.speech_share", PER_CENT),
    ("tones, %", "audio_content.tone_share", PER_CENT),
    ("DNSMOS", "speech_quality.overall", plain(2)),
    ("P.808", "speech_quality.p808", plain(2)),
)
PICTURE = (
    ("frozen, %", "freeze.share", PER_CENT),
    ("stutter, %", "judder.share", PER_CENT),
    ("shown fps", "judder.shown_fps", plain(1)),
    ("flicker", "flicker.published", plain(3)),
    ("smooth", "motion.smoothness", plain(3)),
    ("motion, px", "motion.dynamic_px", plain(2)),
    ("blur", "sharpness.blur", plain(2)),
    ("subject", "consistency.subject", plain(3)),
    ("identity, worst", "identity.drift_max", plain(2)),
    ("standing text, %", "text.standing_share", PER_CENT),
    ("watermark, %", "watermark.share", plain(2, 100)),
)
Columns = Sequence[tuple[str, str, Callable[[Row], str]]]


def of_clips(clips: Mapping[str, Row], columns: Columns) -> str:
    """A row a clip: the value, or in italics why there is none."""
    heads = ("clip", *(head for head, _, _ in columns))
    lines = [(name, *(_cell(row, each) for each in columns)) for name, row in clips.items()]
    return markdown(heads, lines)


def _cell(row: Row, column: tuple[str, str, Callable[[Row], str]]) -> str:
    _, quantity, shown = column
    reading = row["readings"].get(quantity)
    if reading is None:
        return ""
    if reading["status"] == "failed":
        return f"**failed**: {reading['reason']}"
    return shown(reading) if "value" in reading else f"*{short(reading['reason'])}*"


LEAD = {each[1].partition(".")[0]: each[1] for each in reversed((*TOGETHER, *SOUND, *PICTURE))}
"""By metric the first of its quantities that a table shows: it stands for the metric."""


def endings(clips: Mapping[str, Row], talkers: Mapping[str, Row]) -> str:
    """How often each metric gave a value, refused (why), or failed; a metric's first quantity counts."""
    firsts: dict[str, list[Row]] = {}
    for row in clips.values():
        for metric in sorted({full.partition(".")[0] for full in row["readings"]}):
            lead = LEAD.get(metric) or next(full for full in row["readings"] if full.startswith(f"{metric}."))
            firsts.setdefault(lead, []).append(row["readings"][lead])
    firsts["lip_sync, talkers, held out"] = [_ending(row["held_out"]) for row in talkers.values()]
    firsts["lip_sync, talkers, shipped"] = [_ending(row["shipped"]) for row in talkers.values()]
    lines = []
    for quantity, readings in firsts.items():
        count = Counter(reading["status"] for reading in readings)
        why = Counter(re.sub(r" \(.*\)", "", short(each["reason"])) for each in readings if "reason" in each)
        said = ", ".join(f"{words} {n}" for words, n in why.most_common())
        lines.append((f"`{quantity}`", *(str(count[each]) for each in ("value", REFUSED, "failed")), said))
    return markdown(("", "value", REFUSED, "failed", "why not"), lines)


def _ending(reading: Row) -> Row:
    return {**reading, "status": REFUSED if "reason" in reading else "value"}


class Fact(NamedTuple):
    """Something that is true of some clips, and what a metric must then say."""

    clips: str
    """Beginning of their names, or several, with | between."""
    said: str
    quantity: str
    low: float = 0.0
    high: float = 1.0
    refuse: bool = False
    """Whether there is nothing to measure."""


ONE = "video-retalking|LatentSync|LivePortrait|MoCha |SadTalker |Hallo3 |AniPortrait "
SPEAKERS = ONE.replace("LivePortrait|", "") + "|HappyHorse|Ovi"
FACTS = (
    Fact(ONE, "one face is seen", "faces.count", 1, 1),
    Fact("HappyHorse", "two faces are seen", "faces.count", 2, 2),
    Fact("Ovi", "one face is seen, another turned away", "faces.count", 1, 2),
    Fact("FoleyCrafter av", "no face is seen", "faces.count", 0, 0),
    Fact("FoleyCrafter vs", "one face is seen, before a cut and after it", "faces.count", 1, 1),
    Fact(SPEAKERS, "somebody speaks", "audio_content.speech_share", 0.2, 1),
    Fact("FoleyCrafter", "nobody speaks", "audio_content.speech_share", 0, 0.05),
    Fact("FoleyCrafter", "nobody speaks", "lip_sync.offset_s", refuse=True),
    Fact("FoleyCrafter av", "single blows: shots, a hammer", "event_sync.offset_s", -0.125, 0.125),
    Fact("FoleyCrafter vs", "drumming without a pause", "event_sync.offset_s", refuse=True),
    Fact("HappyHorse", "a name stands over the picture", "text.standing_share", 0.5, 1),
    Fact(f"{ONE}|FoleyCrafter|Ovi", "nothing is written over it", "text.standing_share", 0, 0),
    Fact("HappyHorse", "a name stands over the picture", "watermark.share", 0.0001, 1),
    Fact(f"{ONE}|FoleyCrafter|Ovi", "nothing is laid over it", "watermark.share", 0, 0),
    Fact("RD_Radio31", "English is spoken", "speech_accuracy.language_match", 0.5, 1),
    Fact("bus_chinese", "Mandarin is spoken", "speech_accuracy.language_match", 0.5, 1),
    Fact("japanese", "Japanese is spoken", "speech_accuracy.language_match", 0.5, 1),
    Fact("fayu", "French is spoken", "speech_accuracy.language_match", 0.5, 1),
)


def known(clips: Mapping[str, Row]) -> str:
    """What is true of clips, and how many of them the metric reads so, reads otherwise or refuses."""
    lines = []
    for fact in FACTS:
        rows = {
            name: row["readings"][fact.quantity] for name, row in clips.items() if re.match(fact.clips, name)
        }
        said = Counter(_held(fact, reading) for reading in rows.values())
        values = sorted(reading["value"] for reading in rows.values() if "value" in reading)
        read = f"{values[0]:.3g}" + (f"..{values[-1]:.3g}" if len(values) > 1 else "") if values else ""
        must = "refuse" if fact.refuse else f"{fact.low:g}..{fact.high:g}"
        counts = (str(said[each]) for each in ("so", "otherwise", "refused"))
        names = next(iter(rows)) if len(rows) == 1 else f"{len(rows)} clips"
        lines.append((names, fact.said, f"`{fact.quantity}`", must, *counts, read))
    return markdown(("clips", "known", "quantity", "must", "so", "otherwise", "refused", "read"), lines)


def _held(fact: Fact, reading: Row) -> str:
    if "value" not in reading:
        return "so" if fact.refuse else "refused"
    return "so" if not fact.refuse and fact.low <= reading["value"] <= fact.high else "otherwise"


PUBLISHED_LSE_C = {"MoCha": 6.33, "Hallo3": 4.87, "SadTalker": 4.73, "AniPortrait": 1.74}
"""Means over MoChaBench's clips of each method, as published."""


def methods(clips: Mapping[str, Row]) -> str:
    """The four methods of MoChaBench by SyncNet's published confidence, and two clips of each by ours."""
    columns: Columns = (
        ("", "lip_sync.confidence", plain(1)),
        ("", "lip_sync.offset_s", lag_ms),
        ("", "lip_accuracy.closure", chanced),
        ("", "lip_accuracy.agreement", chanced),
    )
    lines = []
    for method, lse_c in PUBLISHED_LSE_C.items():
        rows = [row for name, row in clips.items() if name.startswith(f"{method} ")]
        cells = ("; ".join(_cell(row, column) for row in rows) for column in columns)
        lines.append((method, f"{lse_c:.2f}", *cells))
    heads = ("method", "LSE-C, all clips", "confidence", "lip sync, ms", "closures (chance, n)", "agreement")
    return markdown(heads, lines)


def label_s(row: Row) -> float | None:
    """The lag that SyncNet's first track shows, in s, positive where the sound is late; None without."""
    frames = row["known"]["syncnet_frames"]
    return -FRAME_S * frames[0] if frames else None


def _theirs(frames: int) -> str:
    """SyncNet's offset as a lag in ms."""
    return f"{-1000 * FRAME_S * frames + 0.0:+.0f}"


def guess_s(reading: Row) -> float | None:
    """The lag on SyncNet's zero, refused or not; None where there is no guess at all."""
    lag: float | None = reading["syncnet_best_guess_s" if "reason" in reading else "syncnet_lag_s"]
    return lag


def agreement(talkers: Mapping[str, Row]) -> str:
    """Figures over all talking clips: towers that had not seen the scene, beside those of the package."""
    unseen, shipped = (_figures(talkers, part) for part in ("held_out", "shipped"))
    lines = [(name, value, shipped[name]) for name, value in unseen.items()]
    shut = [row["lips"]["closure"] for row in talkers.values() if row["lips"].get("closure")]
    n = sum(each["n"] for each in shut)
    rate, chance = (sum(each[key] * each["n"] for each in shut) / n for key in ("value", "chance"))
    order = [row["lips"]["agreement"]["value"] for row in talkers.values() if row["lips"].get("agreement")]
    lips = (
        ("closures: rate (chance, closures, clips)", f"{rate:.2f} ({chance:.2f}, {n}, {len(shut)})", ""),
        ("lips' agreement: median (clips)", f"{statistics.median(order):.2f} ({len(order)})", ""),
    )
    return markdown(("", "scene unseen", "shipped (trained on them)"), (*lines, *lips))


def _figures(talkers: Mapping[str, Row], part: str) -> dict[str, str]:
    readings = [row[part] for row in talkers.values()]
    told = [reading for reading in readings if "reason" not in reading]
    labelled = [(row[part], label) for row in talkers.values() if (label := label_s(row)) is not None]
    every = [abs(lag - label) for reading, label in labelled if (lag := guess_s(reading)) is not None]
    firm = [abs(reading["syncnet_lag_s"] - label) for reading, label in labelled if "reason" not in reading]
    pairs = [
        (row[part]["confidence"], row["known"]["lse_c"])
        for row in talkers.values()
        if "confidence" in row[part] and row["known"]["lse_c"] is not None
    ]
    verdicts = Counter(reading["verdict"] for reading in told)
    return {
        "clips: with a value, unscorable": f"{len(told)}, {len(readings) - len(told)}",
        "verdicts (BT.1359)": ", ".join(f"{word} {n}" for word, n in verdicts.most_common()),
        "within one frame of SyncNet, of those with a value": _share(firm, len(firm)),
        "the same, all guesses, refused or not": _share(every, len(labelled)),
        "median difference from SyncNet": f"{1000 * statistics.median(firm):.0f} ms",
        "Spearman of confidence and LSE-C": f"{_spearman(pairs):.2f} (n {len(pairs)})",
        **{
            f"median lag where SyncNet says {_theirs(frames)} ms": _median_at(labelled, frames)
            for frames in (1, 0, -1)
        },
    }


def _share(errors_s: Sequence[float], of: int) -> str:
    near = sum(error <= FRAME_S + 1e-4 for error in errors_s)
    return f"{near} of {of} ({100 * near / of:.1f} %)"


def _median_at(labelled: Sequence[tuple[Row, float]], frames: int) -> str:
    lags = [
        reading["syncnet_lag_s"]
        for reading, label in labelled
        if "reason" not in reading and abs(label + FRAME_S * frames) < 1e-6
    ]
    return f"{1000 * statistics.median(lags):+.0f} ms (n {len(lags)})" if lags else "none"


def _spearman(pairs: Sequence[tuple[float, float]]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(*zip(*pairs, strict=True))[0])


def of_talkers(talkers: Mapping[str, Row]) -> str:
    """A row a clip, those farthest from SyncNet in bold."""
    heads = (
        "clip", "face, px", "SyncNet, ms", "LSE-C", "held out, ms (95 %)", "from SyncNet, ms", "confidence",
        "shipped, ms", "closures (chance, n)", "agreement",
    )  # fmt: skip
    return markdown(heads, [_talker(name, row) for name, row in talkers.items()])


def _talker(name: str, row: Row) -> tuple[str, ...]:
    facts, held, lips = row["known"], row["held_out"], row["lips"]
    label, guess = label_s(row), guess_s(held)
    away = None if label is None or guess is None else guess - label
    shown = "" if away is None else f"{1000 * away:+.0f}"
    return (
        name.replace("__", " "),
        str(facts["face_px"]),
        " / ".join(_theirs(frames) for frames in facts["syncnet_frames"]) or "none",
        "" if facts["lse_c"] is None else f"{facts['lse_c']:.1f}",
        _told(held),
        f"**{shown}**" if away is not None and abs(away) > FRAME_S + 1e-4 else shown,
        f"{held['confidence']:.1f}" if "confidence" in held else "",
        f"*{short(row['shipped']['reason'])}*"
        if "reason" in row["shipped"]
        else f"{1000 * row['shipped']['lag_s']:+.0f}",
        f"*{short(lips['reason'])}*" if "reason" in lips else _estimate(lips["closure"]),
        "" if "reason" in lips else _estimate(lips["agreement"]),
    )


def _told(reading: Row) -> str:
    if "reason" in reading:
        return f"*{short(reading['reason'])}*"
    return _lag(reading["lag_s"], reading["interval_s"], reading["verdict"])


def _lag(lag_s: float, interval_s: Sequence[float], verdict: str) -> str:
    low, high = (f"{1000 * edge:+.0f}" for edge in interval_s)
    return f"{1000 * lag_s:+.0f} ({low}..{high}) {verdict}"


def _estimate(found: Row | None) -> str:
    return "*too few*" if found is None else f"{found['value']:.2f} ({found['chance']:.2f}, {found['n']})"


if __name__ == "__main__":
    main()

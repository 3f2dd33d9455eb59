"""Measurements as CSV: every ending, every digit, and the names that are published."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from evalharness.gates import GateRecord, Validation
from evalharness.records import Clip, JobKey, Measurement, MeasurementStatus, Streams
from evalharness.reports import Meaning, render_measurements

STREAMS = Streams("mp4", 5.0, 854, 480, 24.0, 120, "h264", "yuv420p")


def clip(system: str, prompt: str, sha256: str) -> Clip:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Clip(sha256, JobKey(system, prompt, 1), f"clips/{sha256}", 10, STREAMS, made, "folder", "1")


MEASURED = [
    Measurement("11", "black.share", "1", MeasurementStatus.VALUE, 0.1 + 0.2),
    Measurement("11", "event_sync.offset_s", "3", MeasurementStatus.VALUE, -0.04, "s"),
    Measurement(
        "22", "event_sync.offset_s", "3", MeasurementStatus.UNSCORABLE, unit="s", reason="Rain, no hit."
    ),
    Measurement("33", "black.share", "1", MeasurementStatus.FAILED, reason='ValueError: "cut"\nshort'),
]
GATE = GateRecord("event_sync.offset_s", "s", "shift", "s", "follows", "failed", "80% moved.", 6, {}, ())
VALIDATIONS = {"event_sync": Validation("event_sync", "3", "", "six clips", (GATE,))}
MEANINGS = {"black.share": Meaning("lower", "visual_quality", 0, 1)}


def test_a_line_is_a_clip_and_a_quantity_with_its_ending() -> None:
    clips = [clip("a", "p1", "11"), clip("a", "p2", "22"), clip("b", "p1", "33"), clip("b", "p2", "44")]
    rows = list(csv.DictReader(io.StringIO(render_measurements(clips, MEASURED, MEANINGS, VALIDATIONS))))
    told = [
        (row["system"], row["prompt"], row["quantity"], row["unit"], row["ending"], row["reason"])
        for row in rows
    ]
    assert told == [
        ("a", "p1", "share", "0..1", "value", ""),
        ("a", "p1", "offset_s", "s", "value", ""),
        ("a", "p2", "offset_s", "s", "unscorable", "Rain, no hit."),
        ("b", "p1", "share", "0..1", "failed", 'ValueError: "cut"\nshort'),
    ]
    assert [float(row["value"]) for row in rows[:2]] == [0.1 + 0.2, -0.04], "to the last digit"
    assert [row["value"] for row in rows[2:]] == ["", ""], "never a zero"
    assert [row["gate"] for row in rows] == ["not validated", "failed", "failed", "not validated"]


def test_a_file_of_two_systems_has_two_lines_under_the_names_shown_and_in_their_order() -> None:
    clips = [clip("aardvark", "p1", "22"), clip("zebra", "p1", "22")]
    text = render_measurements(clips, MEASURED, {}, {}, labels={"aardvark": "system-9", "zebra": "system-1"})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["system"] for row in rows] == ["system-1", "system-9"]
    assert {row["clip"] for row in rows} == {"22"}
    assert "aardvark" not in text

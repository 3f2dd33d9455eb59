"""Marks that metrics measured are said of the system whose clips show them, and of no other."""

from __future__ import annotations

from datetime import UTC, datetime

from evalharness.blinding.measured import mark_notes
from evalharness.records import Clip, JobKey, Measurement, MeasurementStatus, Streams

STREAMS = Streams("mp4", 5.0, 640, 360, 24.0, 120, "h264", "yuv420p")


def clip(system: str, number: int) -> Clip:
    key = JobKey(system, f"p{number}", 1)
    return Clip(f"{system}{number}", key, "clips/x.mp4", 1, STREAMS, datetime.now(UTC), "folder", "1")


def read(sha256: str, metric: str, value: float | None) -> Measurement:
    status = MeasurementStatus.UNSCORABLE if value is None else MeasurementStatus.VALUE
    return Measurement(sha256, metric, "1", status, value=value, reason="still" if value is None else None)


def test_a_mark_is_said_with_how_many_clips_show_it() -> None:
    clips = [clip(system, number) for system in ("plain", "marked") for number in range(3)]
    rows = [read(each.sha256, "watermark.share", 0.0) for each in clips[:3]]
    rows += [
        read(each.sha256, "watermark.share", value)
        for each, value in zip(clips[3:], (0.02, 0.0, None), strict=True)
    ]
    rows += [read("gone", "text.standing_share", 1.0), read("marked2", "text.standing_share", 0.5)]
    words, mark = mark_notes(clips, rows)
    assert "'marked' shows a mark that stands still over moving pictures in 1 of 2 measured clips" in mark
    assert "'marked' shows words that stay in one place in 1 of 1 measured clips" in words


def test_nothing_measured_is_nothing_said() -> None:
    assert mark_notes([clip("plain", 1)], []) == ()

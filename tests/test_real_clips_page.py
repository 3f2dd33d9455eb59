"""docs/real-clips.md: its tables are those of the stored results, and each reading shows as what it is."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "real-clips.md").read_text(encoding="utf-8")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("make_real_clips")


def test_the_page_is_what_its_generator_makes(page: ModuleType) -> None:
    text = PAGE
    for marker, table in page.tables().items():
        text = page.between(text, marker, table)
    assert text == PAGE, "run 'python docs/make_real_clips.py'"


def test_every_clip_has_its_row(page: ModuleType) -> None:
    for file in ("real_clips.json", "talkers.json"):
        clips = json.loads((page.RESULTS / file).read_text(encoding="utf-8"))["clips"]
        for name in clips:
            assert f"\n| {name.replace('__', ' ')} | " in PAGE


def test_a_reading_shows_its_ending(page: ModuleType) -> None:
    clips = {
        "read": {"readings": {"a.b": {"status": "value", "value": -0.0001}}},
        "refused": {"readings": {"a.b": {"status": "unscorable", "reason": "Nobody speaks in this clip."}}},
        "broken": {"readings": {"a.b": {"status": "failed", "reason": "ValueError: no"}}},
        "not tried": {"readings": {}},
    }
    table = page.of_clips(clips, (("b", "a.b", page.plain(1, 10, "+")),))
    assert table.splitlines()[2:] == [
        "| read | +0.0 |",
        "| refused | *no speech* |",
        "| broken | **failed**: ValueError: no |",
        "| not tried |  |",
    ]


def test_a_reason_without_a_short_form_is_refused_by_name(page: ModuleType) -> None:
    with pytest.raises(ValueError, match="'It rained' has no short form: add one to REASONS"):
        page.short("It rained")


def test_a_fact_holds_breaks_or_is_not_answered(page: ModuleType) -> None:
    said = {"readings": {"faces.count": {"status": "value", "value": 2.0}}}
    silent = {"readings": {"faces.count": {"status": "unscorable", "reason": "No face is seen."}}}
    two, none = page.Fact("x", "two", "faces.count", 2, 2), page.Fact("x", "none", "faces.count", refuse=True)
    held = [
        page._held(fact, row["readings"]["faces.count"]) for fact in (two, none) for row in (said, silent)
    ]
    assert held == ["so", "refused", "otherwise", "so"]


def test_agreement_counts_guesses_by_their_distance(page: ModuleType) -> None:
    def talker(frames: list[int], confidence: float, **reading: object) -> dict[str, object]:
        told = {"confidence": confidence, "verdict": "unnoticed", **reading}
        shut = {"value": 1.0, "chance": 0.5, "n": 4}
        return {
            "known": {"syncnet_frames": frames, "lse_c": 2 * confidence},
            "held_out": told,
            "shipped": told,
            "lips": {"closure": shut, "agreement": shut},
        }

    # SyncNet's +1 is sound that is 40 ms early: a lag of -40 ms.
    rows = {
        "same": talker([1], 3.0, syncnet_lag_s=-0.04),
        "a frame off": talker([1], 2.0, syncnet_lag_s=0.0),
        "two off": talker([1], 1.0, syncnet_lag_s=0.04),
        "refused": talker([0], 0.5, reason="Nobody speaks", syncnet_best_guess_s=0.0),
    }
    table = page.agreement(rows)
    assert "| within one frame of SyncNet, of those with a value | 2 of 3 (66.7 %)" in table
    assert "| the same, all guesses, refused or not | 3 of 4 (75.0 %)" in table
    assert "| median lag where SyncNet says -40 ms | +0 ms (n 3)" in table
    assert "| Spearman of confidence and LSE-C | 1.00 (n 4)" in table
    assert "| clips: with a value, unscorable | 3, 1 |" in table

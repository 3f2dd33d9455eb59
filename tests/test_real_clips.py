"""Real camera footage and generated clips go the whole way: folder, blinding, audit, measurement, arena.

The clips lie beside the project (see CONTRIBUTING.md); where they do not, these tests skip.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalharness.blinding import audit_exhibits
from evalharness.config import Study, load_study
from evalharness.exhibition import blind_study
from evalharness.generate import generate_study
from evalharness.measure import measure_study
from evalharness.media import probe
from evalharness.prompts import load_suites
from evalharness.records import MeasurementStatus
from evalharness.store import Store

CLIPS = Path(__file__).parents[2] / "shared" / "data" / "clips"

pytestmark = [
    pytest.mark.realclips,
    pytest.mark.skipif(not CLIPS.is_dir(), reason=f"the real clips are not here: there is no {CLIPS}"),
]

METHODS = ("MoCha", "SadTalker", "aniportrait-square")
TAKES = ("02", "05")
CAMERA = ("vr_1", "fc_av1", "fc_av2")
"""Filmed, one clip each: a talking head; gunshots; a hammer on an anvil."""

MEASURED = (
    "black",
    "container",
    "event_sync",
    "faces",
    "freeze",
    "judder",
    "lip_sync",
    "loudness",
    "silence",
)
"""The quick ones; the slower metrics have real clips in tests of their own."""


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Study, Store]]:
    """A study of three methods on two takes, and of a camera on three scenes of its own."""
    folder = tmp_path_factory.mktemp("real")
    rows = [(method, f"take-{take}", f"mb_{method}_{take}.mp4") for method in METHODS for take in TAKES]
    rows += [("camera", name.replace("_", "-"), f"{name}.mp4") for name in CAMERA]
    with (folder / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("system", "prompt_id", "file"), *((s, p, str(CLIPS / f)) for s, p, f in rows)]
        )
    ids = dict.fromkeys(prompt for _, prompt, _ in rows)
    line = {"task": "text_to_video", "language": "en", "licence": "Apache-2.0", "tags": ["audio-sync"]}
    suite = "".join(json.dumps({**line, "id": name, "text": "A real clip."}) + "\n" for name in ids)
    (folder / "real.jsonl").write_text(suite, encoding="utf-8")
    systems = "".join(
        f'[[systems]]\nname = "{name}"\nadapter = "folder"\nparameters = {{ manifest = "clips.csv" }}\n'
        for name in (*METHODS, "camera")
    )
    settings = 'name = "real"\n[prompts]\nsuites = ["real.jsonl"]\n'
    (folder / "study.toml").write_text(settings + systems, encoding="utf-8")
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        summary = generate_study(study, store, load_suites(study.settings.prompts, folder))
        assert summary.made == len(rows)
        # A method has no clip of the camera's scenes, and the camera none of the takes: said, not dropped.
        assert len(summary.failures) == summary.planned - len(rows)
        assert set(summary.by_kind) == {"missing"}
        blind_study(study, store)
        measure_study(study, store, metrics=MEASURED)
        yield study, store


def test_every_clip_becomes_an_exhibit_of_the_one_form(studied: tuple[Study, Store]) -> None:
    study, store = studied
    exhibits = store.exhibits()
    assert {exhibit.clip for exhibit in exhibits} == {clip.key for clip in store.clips()}
    for exhibit in exhibits:
        streams = probe(study.path(exhibit.path))
        assert (streams.container, streams.video_codec, streams.audio_codec) == ("mp4", "h264", "aac")
        assert (streams.width, streams.height, streams.fps) == (854, 480, 24.0)


def test_exhibits_of_one_take_do_not_tell_the_method_by_their_files(studied: tuple[Study, Store]) -> None:
    study, store = studied
    takes = [exhibit for exhibit in store.exhibits() if exhibit.prompt_id.startswith("take")]
    report = audit_exhibits(takes, study.folder)
    assert not [finding.sentence for finding in report.leaks if finding.kind == "form"]


def test_every_clip_has_an_ending_for_every_metric(studied: tuple[Study, Store]) -> None:
    _, store = studied
    rows = store.measurements()
    clips = {clip.sha256 for clip in store.clips()}
    metrics = {row.metric for row in rows}
    assert {(row.clip_sha256, row.metric) for row in rows} == {
        (clip, metric) for clip in clips for metric in metrics
    }
    assert not [row for row in rows if row.status is MeasurementStatus.FAILED]
    for row in rows:
        assert (row.value is not None) == (row.status is MeasurementStatus.VALUE)
        assert bool(row.reason) == (row.status is MeasurementStatus.UNSCORABLE)


def test_the_arena_shows_the_methods_against_one_another(studied: tuple[Study, Store]) -> None:
    from arena_ui.booth import Booth
    from arena_ui.tokens import Sealer

    study, store = studied
    booth = Booth(study, store, Sealer(bytes(32)))
    voter, _ = booth.people.join(["en"], "test")
    rounds = booth.round(voter)
    assert rounds.total == len(TAKES) * len(METHODS) * (len(METHODS) - 1) // 2
    shown = json.dumps(rounds.as_json(), default=str).lower()
    assert not [name for name in (*METHODS, "camera", "take-", "clips/") if name.lower() in shown]
    for token in (rounds.pairs[0].left, rounds.pairs[0].right):
        clip = booth.clip(token, voter)
        assert clip is not None
        assert probe(clip.path).has_audio

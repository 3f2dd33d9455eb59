"""The table of metrics and their gates at the command line, the file that keeps verdicts, and its plots."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import metrics.gates
from evalharness.cli import metrics_table
from evalharness.cli.main import app
from evalharness.data import data_folder
from evalharness.errors import ConfigError, MissingExtraError, UnknownNameError
from evalharness.gates import (
    GateRecord,
    Rung,
    Validation,
    gate_note,
    gate_verdict,
    read_validations,
    write_validations,
)
from evalharness.media import write_video
from evalharness.registry import METRICS, Registry
from evalharness.reports.gate_plots import gates_png, gates_svg
from evalharness.validation import brought, rendered, validate
from metrics.av import AVClip


def a_gate(
    quantity: str = "loudness.integrated_lufs", verdict: str = "passed", said: str = "It holds."
) -> GateRecord:
    curve = (
        Rung(None, 6, -16.0, -17.0, -15.0, 0),
        Rung(-6.0, 6, -22.0, -23.0, -21.0, 0),
        Rung(6.0, 0, None, None, None, 6),
    )
    return GateRecord(
        quantity, "LUFS", "gain", "dB", "moves 1 to 1", verdict, said, 6, {"within": 1.0}, curve
    )


def a_validation(*gates: GateRecord, metric: str = "loudness", version: str | None = None) -> Validation:
    return Validation(metric, version or METRICS.load(metric).version, "", "6 clips", gates)


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, for the table to read."""
    monkeypatch.setattr(metrics_table, "data_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five clips of a second, each with noise of its own level."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for number in range(5):
        frames = rng.integers(0, 255, (25, 48, 64, 3), np.uint8)
        sound = rng.normal(0, 0.02 * (number + 1), (2, 48_000)).astype(np.float32)
        write_video(folder / f"{number}.mp4", frames, 25.0, sound, 48_000)
    (folder / "notes.txt").write_text("no clip", encoding="utf-8")
    return folder


def test_every_metric_stands_in_the_table_with_all_that_is_asked_of_it(own_data: Path) -> None:
    rows = metrics_table.listed()
    assert [row["name"] for row in rows] == list(METRICS)
    for row in rows:
        assert {"version", "question", "source", "needs", "missing", "cost_s", "gates", "quantities"} <= set(
            row
        )
        assert row["gates"]["verdict"] == "not validated"
        for each in row["quantities"]:
            assert each["name"].startswith(f"{row['name']}.")
            assert each["better"] in {"lower", "higher", "zero", "none"}


@pytest.mark.parametrize("width", [80, 120, 180])
def test_the_table_reads_well_on_narrow_and_wide_terminals(own_data: Path, width: int) -> None:
    write_validations(own_data / "gates.json", [a_validation(a_gate(), a_gate(verdict="failed"))])
    console = Console(width=width, record=True, file=io.StringIO())
    metrics_table.show_metrics(metrics_table.listed(["loudness", "event_sync", "freeze"]), console)
    shown = console.export_text()
    for word in ("loudness", "event_sync", "nearest 0", "not measured", "failed (1 of 2)", "not validated"):
        assert word in shown
    framed = [line for line in shown.splitlines() if line.startswith(("│", "┃"))]
    assert bool(framed) == (width >= 150)
    assert all(len(line) <= width for line in framed)


def test_the_list_is_a_line_a_metric_at_80_columns(own_data: Path) -> None:
    write_validations(own_data / "gates.json", [a_validation(a_gate(), a_gate(verdict="failed"))])
    console = Console(width=80, record=True, file=io.StringIO())
    metrics_table.show_list(metrics_table.listed(["loudness", "event_sync", "freeze"]), console)
    shown = console.export_text()
    for line in ("loudness", "failed (1 of 2)", "Sound in sync", "ready", "not validated"):
        assert line in shown
    assert len([line for line in shown.splitlines() if line.startswith("│")]) == 3


def test_one_metric_can_be_asked_for_and_a_quantity_names_its_metric() -> None:
    shown = CliRunner().invoke(app, ["metrics", "--metric", "freeze"])
    assert shown.exit_code == 0
    assert "freeze.longest_s" in shown.stdout
    assert "loudness" not in shown.stdout
    refused = CliRunner().invoke(app, ["metrics", "--metric", "freeze.longest_s"])
    assert isinstance(refused.exception, UnknownNameError)
    assert "ask for --metric freeze" in str(refused.exception)


def test_a_quick_verdict_says_so_wherever_it_is_shown() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    metrics_table.show_gates([a_validation(a_gate(), a_gate(verdict="failed"))], console, quick=True)
    shown = console.export_text()
    assert "passed (quick)" in shown
    assert f"loudness {METRICS.load('loudness').version}: failed (quick)" in shown


def test_a_verdict_holds_for_one_version_with_one_set_of_weights(own_data: Path) -> None:
    write_validations(own_data / "gates.json", [a_validation(a_gate(), version="0-old")])
    (row,) = metrics_table.listed(["loudness"])
    assert row["gates"] == {"verdict": "not validated", "passed": 0, "asked": 0}
    write_validations(own_data / "gates.json", [replace(a_validation(a_gate()), weights="another net")])
    (row,) = metrics_table.listed(["loudness"])
    assert row["gates"]["verdict"] == "not validated"
    write_validations(own_data / "gates.json", [a_validation(a_gate())])
    (row,) = metrics_table.listed(["loudness"])
    assert row["gates"]["verdict"] == "passed"
    peak = next(each for each in row["quantities"] if each["name"] == "loudness.true_peak_db")
    assert peak["gates"]["verdict"] == "no gate"


def test_costs_are_shown_for_the_version_they_were_measured_of(own_data: Path) -> None:
    version = METRICS.load("loudness").version
    costs = {
        "metrics": {
            "loudness": {"version": version, "seconds": 0.25},
            "freeze": {"version": "0", "seconds": 1},
        }
    }
    (own_data / "metric_costs.json").write_text(json.dumps(costs), encoding="utf-8")
    assert [row["cost_s"] for row in metrics_table.listed(["loudness", "freeze"])] == [0.25, None]


def test_the_command_prints_json_for_machines() -> None:
    shown = CliRunner().invoke(app, ["metrics", "--json"])
    assert shown.exit_code == 0
    assert {row["name"] for row in json.loads(shown.stdout)} == set(METRICS)


def test_what_is_kept_comes_back_and_other_metrics_stay(tmp_path: Path) -> None:
    file = tmp_path / "gates.json"
    assert read_validations(file) == {}
    first, second = a_validation(a_gate()), a_validation(metric="freeze")
    write_validations(file, [first])
    write_validations(file, [second])
    assert read_validations(file) == {"freeze": second, "loudness": first}
    third = a_validation(a_gate(verdict="failed"))
    write_validations(file, [third])
    assert read_validations(file)["loudness"].verdict == "failed"


def test_a_note_says_what_a_reader_must_know_and_no_more() -> None:
    quantity = "loudness.integrated_lufs"
    good, bad = a_gate(), a_gate(verdict="failed", said="80% moved.")
    unsure = a_gate(verdict="not judged", said="2 clips could be scored.")

    def note(*gates: GateRecord, of: str = quantity, version: str = "2") -> str | None:
        return gate_note(of, version, {"loudness": a_validation(*gates, version="2")})

    assert note(good) is None
    assert note(good, unsure) is None
    assert note(good, bad) == "Failed 1 of 2 gates (gain: 80% moved)."
    assert note(unsure) == "Not judged: 2 clips could be scored."
    assert note(good, version="3") == "Not validated in version 3."
    assert note(bad, of="loudness.true_peak_db") is None, "another quantity's failure"
    assert gate_note("freeze.share", "1", {}) == "Not validated in version 1."


def test_a_verdict_is_of_one_quantity_in_one_version() -> None:
    validations = {"loudness": a_validation(a_gate(), a_gate(verdict="failed"), version="2")}
    assert gate_verdict("loudness.integrated_lufs", "2", validations) == "failed"
    assert gate_verdict("loudness.true_peak_db", "2", validations) == "no gate"
    assert gate_verdict("loudness.integrated_lufs", "3", validations) == "not validated"
    assert gate_verdict("freeze.share", "1", validations) == "not validated"


def test_a_failed_gate_outweighs_those_passed() -> None:
    assert a_validation(a_gate(), a_gate(verdict="failed")).verdict == "failed"
    assert a_validation(a_gate(), a_gate(verdict="not judged")).verdict == "passed"
    assert a_validation().verdict == "not judged"


def test_plots_name_metric_verdict_and_every_level() -> None:
    validation = a_validation(a_gate(), a_gate(verdict="failed"))
    drawn = gates_svg(validation)
    assert drawn is not None
    words = set(re.findall(r">([^<>]+)<", drawn))
    assert {"none", "-6", "6", "of 6:", "0", "passed, n = 6", "failed, n = 6", "gain (dB)"} <= words
    picture = gates_png(validation)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert gates_png(validation) == picture
    assert gates_svg(a_validation(replace(a_gate(), damage=""))) is None


@pytest.mark.parametrize(
    ("levels", "places", "log"),
    [
        ((-0.4, -0.04, 0.04, 0.2), (-0.4, -0.04, 0.0, 0.04, 0.2), False),  # none at zero
        ((0.1, 0.25, 1.0), (0.0, 0.1, 0.25, 1.0), False),
        ((2.0, 4.0, 32.0), (0.0, 1.0, 2.0, 5.0), True),  # a doubling a step, none one step before
        ((40.0, 30.0, 0.0), (0.0, 10.0, 20.0, 50.0), False),  # none before the best
    ],
)
def test_levels_stand_where_their_numbers_lie(
    levels: tuple[float, ...], places: tuple[float, ...], log: bool
) -> None:
    curve = (Rung(None, 5, 1.0, 1.0, 1.0, 0), *(Rung(level, 5, 2.0, 2.0, 2.0, 0) for level in levels))
    drawn = gates_svg(a_validation(replace(a_gate(), curve=curve)))
    assert drawn is not None
    (points,) = re.findall(r'<g class="mark-symbol.*?</g>', drawn, re.DOTALL)
    px = np.sort([float(at) for at in re.findall(r"translate\((-?[\d.]+),", points)])
    wanted = np.array(places)
    assert (px - px[0]) / (px[-1] - px[0]) == pytest.approx(
        (wanted - wanted[0]) / (wanted[-1] - wanted[0]), abs=0.01
    )
    assert ("log scale" in drawn) == log


def test_validation_of_own_clips_prints_writes_and_draws(clips: Path, tmp_path: Path) -> None:
    words = ["metrics", "validate", "--metric", "loudness", "--metric", "clipping", "--clips", str(clips)]
    shown = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "gates"), "--processes", "1"])
    assert shown.exit_code == 0, shown.output
    assert "passed" in shown.stdout
    found = read_validations(tmp_path / "gates/gates.json")
    assert set(found) == {"loudness", "clipping"}
    by_damage = {(gate.quantity, gate.damage): gate for row in found.values() for gate in row.gates}
    assert by_damage["loudness.true_peak_db", "gain"].verdict == "passed"
    assert by_damage["clipping.share", ""].verdict == "not judged", "nobody knows the truth of these clips"
    assert by_damage["clipping.share", "overdrive"].n == 5
    assert (tmp_path / "gates/gates-loudness.png").stat().st_size > 1000
    assert (tmp_path / "gates/gates-loudness.svg").exists()


def test_the_same_clips_give_the_same_verdicts_however_many_processes(clips: Path) -> None:
    one, two = (validate(["loudness", "silence"], brought(clips), processes=count) for count in (1, 2))
    assert one == two


def test_rendered_clips_are_whole_and_a_quick_run_climbs_fewer_rungs_but_the_worst() -> None:
    impacts = [source for source in rendered(quick=True) if source.kind == "impact"]
    assert (len(impacts), len(rendered(quick=True)), len(rendered())) == (5, 15, 22)
    (found,) = validate(["container"], impacts[:3], quick=True, processes=1)
    assert found.verdict == "passed"
    assert found.clips == "3 impact scenes; rendered, 4 s each"
    shift = next(gate for gate in found.gates if gate.damage == "container_shift")
    assert [rung.level for rung in shift.curve] == [None, -0.2, -0.04, 0.12, 0.4]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("--quick", "--write"), ConfigError, "whole run"),
        (("--clips", "{empty}"), ConfigError, "holds 0 clips"),
        (("--clips", "{empty}/not"), ConfigError, "no folder"),
        (("--metric", "loudnes"), UnknownNameError, "did you mean loudness"),
        (("--metric", "syncnet"), MissingExtraError, "cannot run here"),
    ],
)
def test_mistakes_get_a_sentence(
    tmp_path: Path, words: tuple[str, ...], error: type[Exception], said: str
) -> None:
    if "syncnet" in words and "syncnet" not in METRICS:
        pytest.skip("this metric is not registered")
    asked = [word.format(empty=tmp_path) for word in words]
    shown = CliRunner().invoke(app, ["metrics", "validate", *asked])
    assert isinstance(shown.exception, error)
    assert said in str(shown.exception)


PAGE = (Path(__file__).parents[1] / "docs/metrics.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    (found,) = re.findall(rf"^```python {kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_walk_through_works_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("metrics.visual.contrast")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(block("file"), module.__dict__)
    test = ModuleType("test_contrast")
    exec(block("test"), test.__dict__)
    checks = [check for name, check in vars(test).items() if name.startswith("test_")]
    for check in checks:
        check()
    assert len(checks) == 2
    registry = Registry("metric", group="", entries=eval("{" + block("line") + "}"))
    metric = registry.load("contrast")()
    gate = eval(block("gate"), {"Gate": metrics.gates.Gate, "Worsens": metrics.gates.Worsens})
    rng = np.random.default_rng(0)
    tiles = [
        np.kron(rng.integers(0, 255, (12, 16, 1)), np.ones((4, 4, 3))).astype(np.uint8) for _ in range(5)
    ]
    clips = [AVClip.of_pictures(np.stack([tile, tile]), np.arange(2) / 25) for tile in tiles]
    specimens = [metrics.gates.Specimen(str(number), "", clip) for number, clip in enumerate(clips)]
    answers = [
        row
        for specimen in specimens
        for damage in ("", gate.damage)
        for row in metrics.gates.tried(specimen, damage, [metric])
    ]
    (result,) = metrics.gates.judged([gate], {"contrast": metric.version}, answers)
    assert result.judgement.verdict == "passed"


def test_the_page_lists_every_quantity_and_every_gate_kept() -> None:
    for name in METRICS:
        for each in METRICS.load(name).quantities:
            assert f"| `{name}.{each.name}` |" in PAGE, "make it with python docs/images/make_gates.py"
    kept = read_validations(data_folder() / "gates.json")
    for validation in kept.values():
        for gate in validation.gates:
            assert f"| `{gate.quantity}` | {gate.damage.replace('_', ' ') or 'none'}" in PAGE

"""Whoever changes something in a bundle, and puts all hashes right again, is found out."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from evalharness.bundle import verify_bundle
from evalharness.bundle.pages import PAGES, SUMS, sums
from evalharness.cli.main import app
from evalharness.errors import ConfigError
from evalharness.exports import TABLES, Form, hash_of, read_manifest, read_rows, write_table
from evalharness.reports import Summary, from_json


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


DRAWN = ("report.html", "report.pdf")


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages with plots are left out where a test is not about pages: drawing takes longer than all else."""
    if "drawn" not in request.keywords:
        for name in DRAWN:
            monkeypatch.delitem(PAGES, name)


def found(folder: Path) -> dict[str, tuple[str, ...]]:
    return {check.about: check.found for check in verify_bundle(folder) if check.found}


def cover_up(folder: Path) -> None:
    """Hashes as somebody would put them right who changed a file."""
    manifest = read_manifest(folder / "votes")
    hashes = {name: hash_of(folder / "votes" / name) for name in manifest.sha256}
    replace(manifest, sha256=hashes).write(folder / "votes")
    (folder / SUMS).write_text(sums(folder))


def write_again(folder: Path, change: Callable[[Summary], Summary]) -> None:
    """Another report, with all pages made of it."""
    summary = change(from_json(Summary, (folder / "report.json").read_text()))
    manifest = read_manifest(folder / "votes")
    for name, page in PAGES.items():
        (folder / name).write_bytes(page(summary, manifest))
    cover_up(folder)


def change_table(folder: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """A table with other rows, the same in every form."""
    path = folder / "votes" / f"{name}.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    spec = next(each for each in TABLES if each.name == name)
    write_table(folder / "votes", spec, read_rows(folder / "votes", spec), (Form.CSV, Form.JSONL))
    cover_up(folder)


@pytest.mark.drawn
def test_a_bundle_as_it_was_made_is_as_it_says(bundle: Path) -> None:
    checks = verify_bundle(bundle)
    assert [check for check in checks if check.found or check.skipped] == []
    assert len(checks) == 7
    told = CliRunner().invoke(app, ["verify", str(bundle)])
    assert told.exit_code == 0
    assert told.stdout.count("as said") == 7


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "report.pdf").unlink(), "report.pdf is missing."),
        (lambda folder: (folder / "votes/voters.csv").unlink(), "votes/voters.csv is missing."),
        (
            lambda folder: (folder / "votes/more.csv").write_text("x"),
            "votes/more.csv was not part of the bundle.",
        ),
        (
            lambda folder: (folder / "METHODS.md").write_text("Trust us."),
            "METHODS.md is not as it was written.",
        ),
    ],
)
def test_files_that_are_gone_new_or_changed_are_named(
    copy: Path, change: Callable[[Path], object], sentence: str
) -> None:
    change(copy)
    assert sentence in found(copy)["files are as they were written"]
    assert CliRunner().invoke(app, ["verify", str(copy)]).exit_code == 1


def test_a_changed_vote_is_found_though_every_hash_and_form_fits(copy: Path) -> None:
    def turn(rows: list[dict[str, Any]]) -> None:
        vote = next(row for row in rows if row["counts"] and row["outcome"] == "left")
        vote["outcome"] = "right"

    change_table(copy, "votes", turn)
    differs = found(copy)
    assert set(differs) == {
        "ratings, ranks and counts follow from the votes",
        "agreement of metrics with voters follows from both",
    }
    sentences = " ".join(differs["ratings, ranks and counts follow from the votes"])
    assert "wins is" in sentences
    assert "data_sha256" in sentences or "more." in sentences


def test_a_vote_left_out_is_found(copy: Path) -> None:
    change_table(copy, "votes", lambda rows: rows.pop(5))
    assert any("rows; the manifest says" in said for said in found(copy)["tables say the same in every form"])


def test_a_vote_that_was_excluded_afterwards_is_found(copy: Path) -> None:
    def exclude(rows: list[dict[str, Any]]) -> None:
        vote = next(row for row in rows if row["counts"])
        vote.update(counts=False, left_out="voter excluded")

    change_table(copy, "votes", exclude)
    assert "ratings, ranks and counts follow from the votes" in found(copy)


def test_a_changed_rating_is_found_though_all_pages_say_it(copy: Path) -> None:
    def flatter(summary: Summary) -> Summary:
        first, *others = summary.boards
        best, *rest = first.ratings
        return replace(
            summary, boards=(replace(first, ratings=(replace(best, rating=best.rating + 1), *rest)), *others)
        )

    write_again(copy, flatter)
    (sentences,) = found(copy).values()
    assert len(sentences) == 1
    assert "rating is" in sentences[0]


def test_a_board_that_is_kept_back_is_found(copy: Path) -> None:
    write_again(copy, lambda summary: replace(summary, boards=summary.boards[:1]))
    (sentences,) = found(copy).values()
    assert sentences == ("There are votes on text-to-video, av_sync, and the report has no board of them.",)


def test_a_table_of_another_form_is_held_against_parquet(copy: Path) -> None:
    file = copy / "votes/votes.csv"
    file.write_text(file.read_text().replace(",left,", ",right,", 1), newline="")
    cover_up(copy)
    assert found(copy) == {
        "tables say the same in every form": ("votes/votes.csv does not say what votes.parquet says.",)
    }


def test_a_changed_measurement_is_found(copy: Path) -> None:
    file = copy / "measurements.csv"
    lines = list(csv.reader(io.StringIO(file.read_text())))
    lines[1][9] = "0.5"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    file.write_text(text.getvalue())
    cover_up(copy)
    assert "means of metrics follow from the measurements" in found(copy)


def test_a_changed_agreement_is_found(copy: Path) -> None:
    def flatter(summary: Summary) -> Summary:
        row, *others = summary.agreement.rows
        better = replace(row, accuracy=replace(row.accuracy, value=0.99))
        return replace(summary, agreement=replace(summary.agreement, rows=(better, *others)))

    write_again(copy, flatter)
    (about,) = found(copy)
    assert about == "agreement of metrics with voters follows from both"


def test_a_changed_price_is_found(copy: Path) -> None:
    change_table(copy, "clips", lambda rows: rows[0].update(cost_usd=0.01))
    (about,) = found(copy)
    assert about == "latency and price follow from the clips"


@pytest.mark.drawn
def test_a_page_that_says_something_else_is_found(copy: Path) -> None:
    page = copy / "report.html"
    page.write_text(page.read_text().replace("otter", "heron"))
    cover_up(copy)
    assert found(copy) == {
        "pages say what the report says": ("report.html does not say what report.json says.",)
    }


def test_what_another_version_wrote_is_not_drawn_again_and_that_is_said(copy: Path) -> None:
    write_again(copy, lambda summary: replace(summary, version="9.9"))
    checks = verify_bundle(copy)
    assert [check for check in checks if check.found] == []
    assert "only hashes were looked at" in checks[-1].skipped


def test_a_damaged_report_is_a_finding_and_the_rest_is_still_looked_at(copy: Path) -> None:
    (copy / "report.json").write_text("{")
    cover_up(copy)
    checks = verify_bundle(copy)
    assert any("cannot be read" in sentence for check in checks for sentence in check.found)
    assert all(check.skipped for check in checks[2:])
    told = CliRunner().invoke(app, ["verify", str(copy), "--json"])
    assert told.exit_code == 1
    assert len(json.loads(told.stdout)) == len(checks)


def test_a_damaged_table_is_a_finding(copy: Path) -> None:
    (copy / "votes/votes.parquet").write_bytes(b"PAR1")
    cover_up(copy)
    assert "ratings, ranks and counts follow from the votes" in found(copy)


def test_a_folder_that_is_no_bundle_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no bundle: it lacks SHA256SUMS"):
        verify_bundle(tmp_path)

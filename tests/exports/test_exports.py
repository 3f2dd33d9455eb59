"""Exports: three forms of the same table, nobody in them, and every change found."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.exports import TABLES, Column, Form, Kind, Options, Table, changed_since, export
from evalharness.exports.files import write_table
from evalharness.labels import FaultKind, Strength
from evalharness.people import Arrival, Fault
from evalharness.records import (
    Battle,
    Category,
    Clip,
    Decision,
    Exclusion,
    Exhibit,
    JobKey,
    Outcome,
    Prompt,
    Purpose,
    Question,
    Ruling,
    Streams,
    System,
    Task,
    Vote,
    Voter,
)
from evalharness.scaffold import write_study
from evalharness.store import Store

NOON = datetime(2026, 5, 1, 12, 0, 30, 250000, tzinfo=UTC)
SYSTEMS = (
    System("glacier", "folder", model="glacier-9", codename="otter"),
    System("ember", "folder", model="e2"),
)
STREAMS = Streams("mp4", 5.0, 854, 480, 24000 / 1001, 120, "h264", "yuv420p", audio_codec="aac")
EVIDENCE = {"seen_left": 1.0, "seen_right": 0.975, "first_heard": "left", "plays": 2, "answer_s": 9.125}
NAMES = ("ada-of-prolific", "voter-ada", "voter-bo", "glacier", "battle-1")


def say(store: Store, number: int, voter: str, outcome: Outcome, purpose: Purpose, **changes: Any) -> str:
    """A battle of `voter` with its overall answer."""
    name = f"battle-{number}"
    moment = NOON + timedelta(minutes=number)
    sides = (JobKey("glacier", "p", 1), JobKey("ember", "p", 1), "x-glacier", "x-ember")
    battle = Battle(
        name,
        voter,
        "p",
        Category.TEXT_TO_VIDEO,
        *sides,
        (Question.OVERALL,),
        0.1,
        "balanced",
        moment,
        purpose,
    )
    store.open_battle(replace(battle, **changes))
    vote = Vote(name, voter, Question.OVERALL, outcome, moment + timedelta(seconds=9), EVIDENCE)
    strength = Strength.SLIGHT if outcome is Outcome.LEFT else None
    store.commit_votes([replace(vote, strength=strength)])
    return name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study with a vote of every fate: counted, a trap, excluded by itself, by its voter's ruling."""
    folder = tmp_path / "study"
    write_study(folder, SYSTEMS, name="harbour")
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        store.put_prompts(
            [Prompt("p", Task.TEXT_TO_VIDEO, '=HYPERLINK("x")\nline two, "quoted"', "en", "CC0-1.0")]
        )
        for system in SYSTEMS:
            key = JobKey(system.name, "p", 1)
            store.add_jobs([key])
            store.start_job(key)
            sha = f"sha-{system.name}"
            store.finish_job(key, Clip(sha, key, f"clips/{sha}.mp4", 9, STREAMS, NOON, "folder", "1"))
            store.put_exhibit(
                Exhibit(
                    f"x-{system.name}", key, sha, "p", f"exhibits/{sha}.mp4", "e", 9, STREAMS, False, -23.0
                )
            )
        store.put_voter(Voter("voter-ada", ("en", "de"), NOON, "2-en", "token of ada", open_data=True))
        store.put_voter(Voter("voter-bo", (), NOON, "2-en", "token of bo"))
        store.put_arrival(Arrival("voter-ada", "prolific", "key of ada", "ada-of-prolific", {}, NOON))
        say(store, 1, "voter-ada", Outcome.LEFT, Purpose.COMPARISON)
        say(store, 2, "voter-ada", Outcome.TIE, Purpose.TRAP, expected=Outcome.LEFT)
        again = say(store, 3, "voter-ada", Outcome.RIGHT, Purpose.REPEAT, repeats="battle-1")
        excluded = say(store, 4, "voter-bo", Outcome.BOTH_BAD, Purpose.COMPARISON)
        assert again != excluded
        store.exclude(Exclusion(excluded, Question.OVERALL, "0.2 s", "speed/1", NOON))
        store.rule(Ruling("voter-bo", Decision.ACCEPTED, "came to the end, for glacier", "Grace", NOON))
        shown = store.battle("battle-4")
        store.open_battle(replace(shown, id="battle-5", voter_id="voter-ada", purpose=Purpose.GOLD))
        store.report_fault(Fault("battle-5", FaultKind.SOUND, NOON))
    return folder


def exported(folder: Path, to: Path, **options: Any) -> Path:
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        export(study, store, to, Options(**options))
    return to


def read(folder: Path, table: Table, form: Form) -> list[dict[str, Any]]:
    """A table as rows of plain values, as somebody who has the codebook reads it."""
    path = folder / f"{table.name}.{form}"
    if form is Form.PARQUET:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    if form is Form.JSONL:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    else:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {column.name: from_cell(column, row[column.name]) for column in table.columns}
                for row in csv.DictReader(file)
            ]
    moments = [column.name for column in table.columns if column.kind is Kind.MOMENT]
    return [
        row | {name: datetime.fromisoformat(row[name]) for name in moments if row[name] is not None}
        for row in rows
    ]


def from_cell(column: Column, cell: str) -> Any:
    if not cell:
        return None
    read_as: dict[Kind, Callable[[str], Any]] = {
        Kind.INTEGER: int,
        Kind.NUMBER: float,
        Kind.FLAG: {"true": True, "false": False}.__getitem__,
        Kind.TEXT: lambda text: text.removeprefix("'"),
        Kind.MOMENT: str,
    }
    return read_as[column.kind](cell)


def test_the_three_forms_hold_the_same_rows_and_nothing_that_the_codebook_does_not_say(
    folder: Path, tmp_path: Path
) -> None:
    out = exported(folder, tmp_path / "out")
    sizes = json.loads((out / "manifest.json").read_text())["rows"]
    assert all(sizes.values())  # every table has a row here: nothing below is empty talk
    for table in TABLES:
        rows = [read(out, table, form) for form in Form]
        assert rows[0] == rows[1] == rows[2]
        assert len(rows[0]) == sizes[table.name]
        for row in rows[0]:
            for column in table.columns:
                value = row[column.name]
                assert value is not None or column.empty, f"{table.name}.{column.name} is empty"
                assert value is None or not column.allowed or value in column.allowed
    told = (out / "codebook.md").read_text(encoding="utf-8")
    assert all(f"| {column.name} | {column.kind} |" in told for table in TABLES for column in table.columns)


def test_every_vote_says_whether_it_counts_and_why_not(folder: Path, tmp_path: Path) -> None:
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        store.rule(Ruling("voter-ada", Decision.EXCLUDED, "2 of 2 traps failed", "quality/1", NOON))
        counted = store.ballots()
    votes = {
        row["battle"]: row
        for row in read(exported(folder, tmp_path / "a", with_ids=True), TABLES[0], Form.CSV)
    }
    assert {name: row["left_out"] for name, row in votes.items()} == {
        "battle-1": "voter excluded",
        "battle-2": "check",
        "battle-3": "check",
        "battle-4": "vote excluded",
    }
    assert counted == ()
    assert not any(row["counts"] for row in votes.values())
    with Store.open(study.database_url) as store:
        store.rule(Ruling("voter-ada", Decision.USED, "a fire alarm", "Grace", NOON))
        counted = store.ballots()
    votes = {
        row["battle"]: row
        for row in read(exported(folder, tmp_path / "b", with_ids=True), TABLES[0], Form.CSV)
    }
    assert [name for name, row in votes.items() if row["counts"]] == [each.battle_id for each in counted]
    assert (
        votes["battle-1"] | {"strength": "slight", "probability": 0.1, "answer_s": 9.125} == votes["battle-1"]
    )
    assert votes["battle-1"]["cast_at"] == NOON + timedelta(seconds=69)
    assert votes["battle-1"]["since_consent_s"] == 69.0
    assert votes["battle-3"]["repeats"] == "battle-1"


def test_nobody_can_be_told_from_an_export(folder: Path, tmp_path: Path) -> None:
    first, second = (exported(folder, tmp_path / name) for name in ("first", "second"))
    for path in (*first.iterdir(), *second.iterdir()):
        content = path.read_bytes()
        assert not [name for name in (*NAMES, "token of", "key of", "Grace") if name.encode() in content], (
            path.name
        )
        assert b"12:00:30" not in content
    votes, voters = (read(first, table, Form.JSONL) for table in TABLES[:2])
    assert {row["voter"] for row in votes} == {row["voter"] for row in voters}
    assert votes[2]["repeats"] == votes[0]["battle"]
    assert {row["left"] for row in votes} == {"otter"}
    others = read(second, TABLES[0], Form.JSONL)
    assert not {row["voter"] for row in votes} & {row["voter"] for row in others}
    assert not {row["battle"] for row in votes} & {row["battle"] for row in others}


def test_only_those_who_agreed_to_it_are_published(folder: Path, tmp_path: Path) -> None:
    out = exported(folder, tmp_path / "out", open_data_only=True, with_ids=True)
    rows = {table.name: read(out, table, Form.JSONL) for table in TABLES}
    assert {row["voter"] for row in rows["votes"] + rows["voters"]} == {"voter-ada"}
    assert rows["rulings"] == rows["exclusions"] == []
    assert len(rows["faults"]) == 1


def test_text_is_no_formula_and_comes_back_as_it_was(folder: Path, tmp_path: Path) -> None:
    out = exported(folder, tmp_path / "out")
    with (out / "prompts.csv").open(encoding="utf-8", newline="") as file:
        _, line = csv.reader(file)
    assert line[3].startswith("'=HYPERLINK")
    assert read(out, TABLES[6], Form.CSV)[0]["text"] == '=HYPERLINK("x")\nline two, "quoted"'


EARLIEST = datetime(1970, 1, 1)  # noqa: DTZ001 - Hypothesis wants it bare

ANY = Table(
    "any",
    "Whatever a table can hold.",
    tuple(Column(kind.value, kind, "Any.", empty="now and then") for kind in Kind),
)
VALUES = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.datetimes(EARLIEST, EARLIEST.replace(year=2200), timezones=st.just(UTC)),
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(VALUES, max_size=12),
    gaps=st.lists(st.integers(0, 4), max_size=12),
    cut=st.integers(1, 5),
)
def test_any_table_reads_the_same_from_each_form(
    rows: list[tuple[Any, ...]], gaps: list[int], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    given_rows = [list(row) for row in rows]
    for row, gap in zip(given_rows, gaps, strict=False):
        row[gap] = None
    folder = tmp_path_factory.mktemp("any")
    pieces = [given_rows[start : start + cut] for start in range(0, len(given_rows), cut)]
    assert write_table(folder, ANY, pieces, tuple(Form)) == len(rows)
    names = [column.name for column in ANY.columns]
    for form in Form:
        assert read(folder, ANY, form) == [dict(zip(names, row, strict=True)) for row in given_rows]


def test_a_changed_export_is_known(folder: Path, tmp_path: Path) -> None:
    out = exported(folder, tmp_path / "out", forms=(Form.CSV,))
    assert changed_since(out) == ()
    (out / "votes.csv").write_text((out / "votes.csv").read_text().replace("left", "right", 1))
    (out / "clips.csv").unlink()
    (out / "more.csv").write_text("a")
    assert changed_since(out) == (
        "clips.csv is missing.",
        "more.csv was not part of the export.",
        "votes.csv is not as it was written.",
    )
    with pytest.raises(ConfigError, match="holds no export"):
        changed_since(folder)


def test_the_command_writes_checks_and_never_mixes(folder: Path, tmp_path: Path) -> None:
    runner, out = CliRunner(), tmp_path / "tables"
    done = runner.invoke(app, ["export", str(folder), "--out", str(out), "--format", "csv"])
    assert done.exit_code == 0, done.output
    assert "4 votes" in done.output
    assert {path.suffix for path in out.iterdir()} == {".csv", ".json", ".md"}
    assert runner.invoke(app, ["export", "--check", str(out)]).exit_code == 0
    (out / "votes.csv").write_text("")
    changed = runner.invoke(app, ["export", "--check", str(out)])
    assert (changed.exit_code, "votes.csv is not as it was written." in changed.output) == (1, True)
    again = runner.invoke(app, ["export", str(folder), "--out", str(out)])
    assert again.exit_code != 0
    assert isinstance(again.exception, ConfigError) or "holds something already" in again.output


def test_what_a_person_wrote_stays_out_unless_ids_are_exported(folder: Path, tmp_path: Path) -> None:
    """Reasons may name a rater, or a system whatever its case; an author may look like a rule's."""
    with Store.open(load_study(folder).database_url) as store:
        store.rule(Ruling("voter-bo", Decision.USED, "Bo Smith told me why", "lab/grace", NOON))
        store.rule(Ruling("voter-bo", Decision.EXCLUDED, "sees GLACIER alone", "quality/2", NOON))
    written = "a person's reason", "a person"
    nameless = read(exported(folder, tmp_path / "out"), table("rulings"), Form.JSONL)
    assert [(row["reason"], row["author"]) for row in nameless] == [
        written,
        written,
        ("sees otter alone", "quality/2"),
    ]
    assert [
        (row["reason"], row["author"])
        for row in read(exported(folder, tmp_path / "all", with_ids=True), table("rulings"), Form.JSONL)
    ][1] == ("Bo Smith told me why", "lab/grace")


def test_rows_tell_no_time_within_a_day(folder: Path, tmp_path: Path) -> None:
    """Ids of battles are drawn, so whatever follows their order says nothing of who voted when."""
    with Store.open(load_study(folder).database_url) as store:
        store.put_voter(Voter("voter-cy", (), NOON, "2-en", "token of cy"))
        say(store, 0, "voter-cy", Outcome.TIE, Purpose.COMPARISON, created_at=NOON + timedelta(hours=1))
        ids = [vote.battle_id for piece in store.cast() for vote in piece]
    votes = read(exported(folder, tmp_path / "out"), table("votes"), Form.JSONL)
    assert ids == sorted(ids)
    assert ids[0] == "battle-0"
    assert all(row["since_consent_s"] % 60 == 0 for row in votes)
    assert len({row["since_consent_s"] for row in votes}) > 1


def table(name: str) -> Table:
    return next(each for each in TABLES if each.name == name)

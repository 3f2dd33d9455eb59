"""A part of a study: its boards have the votes on its prompts, and no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evalharness.cli.leaderboard import summary_of
from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.publication import Selection
from evalharness.ratings import leaderboard
from evalharness.records import Category, Prompt, Question, Task
from evalharness.store import Store


@pytest.fixture(scope="module")
def folder(study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study with its last four prompts in Japanese, two of these of dialogue."""
    folder = Path(shutil.copytree(study_folder, tmp_path_factory.mktemp("parts") / "study"))
    study = load_study(folder)
    with Store.open(study.database_url) as store:
        for prompt in store.prompts():
            number = int(prompt.id.removeprefix("p"))
            if number >= 4:
                tags = ("dialogue",) if number >= 6 else ()
                text = Prompt(prompt.id, Task.TEXT_TO_VIDEO, prompt.text, "ja", "CC0-1.0", tags=tags)
                with store._database.writing("change a prompt's language") as connection:
                    from sqlalchemy import update

                    from evalharness.store import convert, schema

                    values = convert.prompt_values(text)
                    connection.execute(
                        update(schema.prompts).where(schema.prompts.c.id == prompt.id).values(values)
                    )
    return folder


@pytest.mark.parametrize(
    ("only", "prompts"),
    [
        (Selection(language="ja"), {"p4", "p5", "p6", "p7"}),
        (Selection(language="en"), {"p0", "p1", "p2", "p3"}),
        (Selection(tag="dialogue"), {"p6", "p7"}),
        (Selection(Category.TEXT_TO_VIDEO, Question.AV_SYNC, "ja", "dialogue"), {"p6", "p7"}),
    ],
)
def test_a_part_has_the_votes_on_its_prompts(folder: Path, only: Selection, prompts: set[str]) -> None:
    study = load_study(folder)
    found = summary_of(study, only)
    with Store.open(study.database_url) as store:
        ballots = [each for each in store.ballots() if each.prompt_id in prompts]
        cast = [row for piece in store.cast() for row in piece if row.prompt_id in prompts]
    asked = [only.question] if only.question else [Question.OVERALL, Question.AV_SYNC]
    assert [board.question for board in found.boards] == asked
    for board in found.boards:
        wanted = leaderboard(ballots, question=board.question, labels={"glacier": "otter"})
        assert board.votes == wanted.votes
        assert [(row.system, row.rating) for row in board.ratings] == [
            (row.system, pytest.approx(row.rating)) for row in wanted.ratings
        ]
        on_systems = [row for row in cast if row.question == board.question and row.purpose == "comparison"]
        assert board.votes + board.excluded == len(on_systems)
        assert board.category == only.name(Category.TEXT_TO_VIDEO)
    assert {row.clips for row in found.metrics} == {len(prompts)}


def test_parts_of_a_board_make_the_whole(folder: Path) -> None:
    study = load_study(folder)
    whole = summary_of(study, Selection(question=Question.OVERALL)).boards[0]
    parts = [
        summary_of(study, Selection(question=Question.OVERALL, language=each)).boards[0]
        for each in ("ja", "en")
    ]
    assert sum(board.votes for board in parts) == whole.votes


def test_a_part_without_prompts_says_what_there_is(folder: Path) -> None:
    with pytest.raises(
        ConfigError, match="No prompt of this study is in fr. Its prompts are in en, ja; their"
    ):
        summary_of(load_study(folder), Selection(language="fr"))


def test_the_command_line_takes_parts(folder: Path) -> None:
    told = CliRunner().invoke(app, ["leaderboard", str(folder), "--language", "ja", "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["boards"][0]["category"] == "text-to-video · ja"


def test_where_no_metric_can_be_held_against_votes_that_is_said(folder: Path) -> None:
    told = CliRunner().invoke(app, ["agreement", str(folder)])  # this study's metric is nobody's
    assert told.exit_code == 6
    assert "No metric has values for enough votes" in told.stdout


def test_by_their_lower_bounds_systems_stand_in_that_order(folder: Path, tmp_path: Path) -> None:
    study = load_study(folder)
    by_rating = summary_of(study).boards[0]
    copy = Path(shutil.copytree(folder, tmp_path / "study"))
    file = copy / "study.toml"
    file.write_text(file.read_text().replace("[publishing]", '[publishing]\nsort = "lower_bound"'))
    by_bound = summary_of(load_study(copy)).boards[0]
    lows = [row.low for row in by_bound.ratings]
    assert lows == sorted(lows, reverse=True)
    assert {row.system: row for row in by_bound.ratings} == {row.system: row for row in by_rating.ratings}
    assert by_bound.recipe["sort"] == "lower_bound"

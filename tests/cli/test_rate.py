"""`evalharness rate`: one command from a file of votes to a board."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from evalharness.cli.main import app
from evalharness.errors import ConfigError, RatingError, UnknownNameError
from evalharness.ratings import leaderboard, tally_frame
from evalharness.ratings.simulate import simulate
from evalharness.ratings.tally import OUTCOMES
from evalharness.records import Leaderboard
from evalharness.reports import from_json


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["rate", *map(str, words)])


@pytest.fixture(scope="module")
def votes() -> pd.DataFrame:
    drawn = simulate([0.8, 0.0, -0.8], votes=900, seed=3, voters=40, prompts=25)
    return pd.DataFrame(
        {
            "left": [drawn.systems[code] for code in drawn.left],
            "right": [drawn.systems[code] for code in drawn.right],
            "outcome": [OUTCOMES[code].value for code in drawn.outcome],
            "voter": [drawn.voters[code] for code in drawn.voter],
            "prompt": [drawn.prompts[code] for code in drawn.prompt],
        }
    )


@pytest.fixture(scope="module")
def file(votes: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("votes") / "votes.csv"
    votes.to_csv(path, index=False)
    return path


def test_one_word_is_enough_and_gives_the_board_of_the_same_votes(file: Path, votes: pd.DataFrame) -> None:
    done = run(file, "--json")
    assert done.exit_code == 0, done.output
    assert from_json(Leaderboard, done.stdout).ratings == leaderboard(tally_frame(votes)).ratings
    shown = run(file)
    assert shown.exit_code == 0
    assert "900 votes from 40 voters on 25 prompts" in shown.stdout


@pytest.mark.parametrize(
    ("like", "columns", "labels"),
    [
        ("lmarena", ("model_a", "model_b", "winner"), ("model_a", "model_b", "tie", "tie (bothbad)")),
        ("lmarena", ("model_a", "model_b", "winner"), ("model_a", "model_b", "tie", "both_bad")),
        (
            "genai-bench",
            ("left_model", "right_model", "vote_type"),
            ("leftvote", "rightvote", "tievote", "bothbad_vote"),
        ),
    ],
)
def test_files_of_known_arenas_need_one_word(
    votes: pd.DataFrame, tmp_path: Path, like: str, columns: tuple[str, ...], labels: tuple[str, ...]
) -> None:
    path = tmp_path / "theirs.csv"
    spelled = dict(zip(("left", "right", "tie", "both_bad"), labels, strict=True))
    theirs = votes.replace({"outcome": spelled}).rename(
        columns=dict(zip(("left", "right", "outcome"), columns, strict=True))
    )
    theirs.rename(columns={"voter": "judge"}).to_csv(path, index=False)
    done = run(path, "--like", like, "--voter", "judge", "--prompt", "prompt", "--json")
    assert done.exit_code == 0, done.output
    assert from_json(Leaderboard, done.stdout).ratings == leaderboard(tally_frame(votes)).ratings
    silent = from_json(Leaderboard, run(path, "--like", like, "--json").stdout)
    assert silent.voters == 0
    assert any("do not say who cast them" in note for note in silent.notes)


def test_an_arena_that_is_not_known_is_named(file: Path) -> None:
    done = run(file, "--like", "somebody")
    assert isinstance(done.exception, UnknownNameError)
    assert "known are lmarena, genai-bench" in str(done.exception)


@pytest.mark.parametrize(
    ("form", "start"), [("markdown", "# votes.csv"), ("csv", "category,question,system")]
)
def test_other_forms(file: Path, form: str, start: str) -> None:
    assert run(file, "--format", form).stdout.startswith(start)


def test_foreign_columns_and_labels_are_named(file: Path, votes: pd.DataFrame, tmp_path: Path) -> None:
    words = {"left": "model_a", "right": "model_b", "tie": "tie (a, b = same)"}
    foreign = votes.rename(
        columns={"left": "model_a", "right": "model_b", "outcome": "winner", "voter": "judge"}
    )
    foreign.replace({"winner": words}).to_csv(tmp_path / "arena.csv", index=False)
    columns = ["--left", "model_a", "--right", "model_b", "--outcome", "winner", "--voter", "judge"]
    meanings = ["--outcomes", "model_a=left,tie (a, b = same)=tie,model_b=right"]
    board = from_json(Leaderboard, run(tmp_path / "arena.csv", *columns, *meanings, "--json").stdout)
    assert board == from_json(Leaderboard, run(file, "--json").stdout)
    with pytest.raises(RatingError, match=r"'tie \(a, b = same\)' \("):
        raise run(tmp_path / "arena.csv", *columns, "--outcomes", "model_a=left,model_b=right").exception


def test_what_the_file_does_not_tell_is_asked_for_and_then_noted(votes: pd.DataFrame, tmp_path: Path) -> None:
    votes.drop(columns="voter").to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(RatingError, match="--without voter"):
        raise run(tmp_path / "v.csv").exception
    board = json.loads(run(tmp_path / "v.csv", "--without", "voter", "--json").stdout)
    assert any("do not say who cast them" in note for note in board["notes"])


def test_rows_left_out_are_counted_as_excluded(file: Path, votes: pd.DataFrame) -> None:
    board = json.loads(run(file, "--outcomes", "tie=skip", "--json").stdout)
    ties = int((votes["outcome"] == "tie").sum())
    assert (board["votes"], board["excluded"]) == (900 - ties, ties)


@pytest.mark.parametrize("words", ["a=lft", "left", ""])
def test_a_meaning_that_is_none_is_refused(file: Path, words: str) -> None:
    with pytest.raises(ConfigError, match="--outcomes .* cannot be read"):
        raise run(file, "--outcomes", words).exception

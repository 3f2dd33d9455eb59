"""`simulate` writes votes nobody takes for real ones; `plan` measures on votes and says what it assumed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from evalharness.cli.main import app
from evalharness.errors import ConfigError, RatingError


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("drawn") / "votes.csv"
    made = run("simulate", "--systems", 4, "--gaps", 40, "--votes", 4000, "--out", file, "--both-bad", 0.1)
    assert made.exit_code == 0, made.output
    return file


def test_every_simulated_row_says_so(drawn: Path) -> None:
    frame = pd.read_csv(drawn)
    assert list(frame.columns) == ["left", "right", "outcome", "voter", "prompt", "simulated"]
    assert len(frame) == 4000
    assert frame["simulated"].all()
    for column in ("left", "right", "voter", "prompt"):
        assert frame[column].str.startswith("simulated ").all()
    assert set(frame["outcome"]) == {"left", "right", "tie", "both_bad"}


def test_simulate_tells_what_was_put_in_and_what_will_be_seen(tmp_path: Path) -> None:
    made = run("simulate", "--gaps", "50,10", "--out", tmp_path / "votes.csv", "--json", "--voter-sd", 200)
    told = json.loads(made.stdout)
    put_in = [system["put_in_elo"] for system in told["systems"]]
    assert told["simulated"] is True
    assert [put_in[0] - put_in[1], put_in[1] - put_in[2]] == pytest.approx([50.0, 10.0])
    later = [system["long_run_elo"] for system in told["systems"]]
    assert 30.0 < later[0] - later[1] < 48.0  # tastes draw ratings together


def test_the_seed_decides(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert (
            run("simulate", "--votes", 50, "--seed", seed, "--out", tmp_path / f"{name}.csv").exit_code == 0
        )
    a, b, c = ((tmp_path / f"{name}.csv").read_text(encoding="utf-8") for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "{study}/votes.csv"], "never stored among real ones"),
        (["--out", "{study}/deeper/votes.csv"], "never stored among real ones"),
        (["--out", "{tmp}/votes.sqlite"], "never into a database"),
        (["--out", "{tmp}/there.csv"], "exists already"),
        (["--out", "{tmp}/nowhere/votes.csv"], "There is no folder"),
        (["--out", "{tmp}/new.csv", "--seed", "-1"], "seed must be at least 0"),
        (["--out", "{tmp}/new.csv", "--gaps", "wide"], "found 'wide'"),
        (["--out", "{tmp}/new.csv", "--systems", "5", "--gaps", "10,20"], "5 systems do not have 2 gaps"),
        (["--out", "{tmp}/new.csv", "--systems", "1"], "1 systems do not have 0 gaps"),
        (["--out", "{tmp}/new.csv", "--ties", "0.7", "--both-bad", "0.4"], "room for decisive votes"),
        (["--out", "{tmp}/new.csv", "--voter-sd", "-1"], "voter_spread must be at least 0"),
    ],
)
def test_simulate_refuses(tmp_path: Path, words: list[str], sentence: str) -> None:
    (tmp_path / "study" / "deeper").mkdir(parents=True)
    (tmp_path / "study" / "study.toml").write_text('name = "real"\n', encoding="utf-8")
    (tmp_path / "there.csv").touch()
    shown = run("simulate", *(word.format(study=tmp_path / "study", tmp=tmp_path) for word in words))
    assert isinstance(shown.exception, ConfigError | RatingError)
    assert sentence in str(shown.exception)
    assert not list(tmp_path.glob("**/votes.*"))


def test_plan_says_what_it_assumed() -> None:
    shown = run("plan", "--gap", 30)
    assert shown.exit_code == 0, shown.output
    said = " ".join(shown.output.split())
    assert "1,050 decisive votes" in said
    assert "Assumed: a gap differs by 100 Elo (standard deviation) from voter to voter" in said


def test_plan_measures_on_votes_at_hand(drawn: Path) -> None:
    told = json.loads(run("plan", "--gap", 30, "--votes-file", drawn, "--half-width", 10, "--json").stdout)
    assert told["crowd"]["assumed"] == {}
    assert 40.0 < told["crowd"]["voter_sd"] < 160.0
    assert told["measured"]["votes"] == 4000
    assert told["measured"]["design_effect"] > 1.0
    assert told["designs"]
    ways = {way["more"]: way for way in told["more_votes"]["simulated system 01"]}
    assert ways["voters and prompts"]["votes"] > 0
    assert ways["votes"]["votes"] is None or ways["votes"]["votes"] > ways["voters and prompts"]["votes"]
    shown = run("plan", "--votes-file", drawn, "--half-width", 10)
    assert "Measured on 4,000 votes of 150 voters on 80 prompts: design effect" in " ".join(
        shown.output.split()
    )
    assert "Further votes with a system until its rating is known to ±10 Elo" in " ".join(
        shown.output.split()
    )


def test_plan_checks_itself_by_simulation() -> None:
    told = json.loads(
        run("plan", "--gap", 80, "--voters", 100, "--prompts", 80, "--check", 40, "--json").stdout
    )
    assert told["simulated_power"] == pytest.approx(0.8, abs=0.19)
    shown = run("plan", "--gap", 80, "--voters", 100, "--prompts", 80, "--check", 4)
    assert "of 4 simulated studies of this design showed it" in " ".join(shown.output.split())


def test_plan_that_cannot_succeed_ends_with_a_code() -> None:
    shown = run("plan", "--gap", 5, "--voters", 20, "--prompts", 20)
    assert shown.exit_code == 2
    assert "with however many votes" in " ".join(shown.output.split())


def test_plan_on_a_study_without_votes_says_what_is_missing(tmp_path: Path) -> None:
    assert run("init", tmp_path / "new").exit_code == 0
    shown = run("plan", "--study", tmp_path / "new")
    assert isinstance(shown.exception, RatingError)
    assert "on 0 decisive votes of 0" in str(shown.exception)


def test_plan_for_no_worse() -> None:
    said = " ".join(run("plan", "--margin", 50).output.split())
    assert "At most 50 Elo worse, the truth being +0" in said
    assert "303 decisive votes" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--gap", "0"], "where there is none"),
        (["--power", "2"], "power must lie between"),
        (["--half-width", "5"], "asks about a board"),
        (["--check", "10"], "give one --voters and one --prompts"),
        (["--column", "voter=worker"], "give the file with --votes-file"),
        (["--study", ".", "--votes-file", "x.csv"], "give one of the two"),
        (["--votes-file", "{drawn}", "--column", "judge=x"], "found 'judge=x'"),
        (["--votes-file", "{drawn}", "--column", "voter=worker"], "no column worker"),
        (["--votes-file", "nowhere.csv"], "nowhere.csv"),
        (["--voters", "1"], "at least two voters"),
    ],
)
def test_plan_refuses(drawn: Path, words: list[str], sentence: str) -> None:
    shown = run("plan", *(word.format(drawn=drawn) for word in words))
    assert shown.exit_code != 0
    assert sentence in str(shown.exception)

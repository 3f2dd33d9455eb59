"""`compare`: verdicts and codes on files and studies; masked systems go by their codename only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from evalharness.adapters.synthetic.demo import DEMO_SYSTEMS
from evalharness.cli.main import app
from evalharness.errors import ConfigError, EvalHarnessError, RatingError, UnknownNameError
from evalharness.records import Ballot, Category, Outcome, Question
from evalharness.scaffold import write_study
from evalharness.store import Store

MASKED, OPEN = DEMO_SYSTEMS[0], DEMO_SYSTEMS[1]


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, words)])


@pytest.fixture(scope="module")
def votes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 voters with one vote each on A and B (A wins 65 %), then 60 on A and C, and on C and D."""
    random = np.random.default_rng(5)
    rows = []
    for number in range(400):
        left, right = ("A", "B") if random.random() < 0.5 else ("B", "A")
        best = "A" if random.random() < 0.65 else "B"
        rows.append((left, right, "left" if best == left else "right", f"voter {number}"))
    for pair in (("A", "C"), ("C", "D")):
        rows += [(*pair, ("left", "right", "tie")[number % 3], f"voter {number}") for number in range(60)]
    frame = pd.DataFrame(rows, columns=["left", "right", "outcome", "worker"])
    frame["prompt"] = [f"prompt {number % 30}" for number in range(len(frame))]
    file = tmp_path_factory.mktemp("votes") / "votes.csv"
    frame.to_csv(file, index=False)
    return file


def test_a_verdict_with_its_rates_its_elo_and_its_numbers(votes_file: Path) -> None:
    shown = run("A", "B", "--votes-file", votes_file, "--column", "voter=worker")
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    assert "A is better than B: A scores 6" in text
    assert "in wins plus half the ties against B" in text
    assert "By the ratings of all 4 systems, A is at +" in text
    assert "of decisive votes" in text
    assert "400 votes, 400 voters, 30 prompts on this pair." in text
    assert "40 decides" in text


def test_the_json_says_the_same_and_holds_no_infinity(votes_file: Path) -> None:
    shown = run("A", "B", "--votes-file", votes_file, "--column", "voter=worker", "--json", "--margin", 20)
    told = json.loads(shown.stdout)
    assert shown.exit_code == 0
    assert told["verdict"] == "not worse"
    assert told["rules"]["margin_elo"] == 20
    assert told["boundary"] == pytest.approx(0.4712, abs=1e-4)
    assert told["win_rate"]["low"] <= 0.65 <= told["win_rate"]["high"]
    assert told["ratings"]["difference_elo"]["value"] > 50
    assert told["on_this_pair"] == {"votes": 400, "voters": 400, "prompts": 30}
    assert told["scores"] == told["votes_in_scores"] <= 400
    assert told["more_scores_needed"] == 0


def test_undecided_ends_with_6_and_says_how_far_it_is(votes_file: Path) -> None:
    shown = run("C", "D", "--votes-file", votes_file, "--column", "voter=worker", "--ended")
    assert shown.exit_code == 6
    assert shown.output.startswith("Undecided: C scores 50.0 %")
    futile = run("C", "D", "--votes-file", votes_file, "--column", "voter=worker", "--ended", "--planned", 61)
    assert futile.exit_code == 0
    assert "Not to be decided within the 61 scores planned" in futile.output


def test_a_pair_that_never_met_still_has_a_rating_difference(votes_file: Path) -> None:
    shown = run("A", "D", "--votes-file", votes_file, "--column", "voter=worker")
    assert isinstance(shown.exception, RatingError)
    assert "A and D never met" in str(shown.exception)
    assert shown.output.startswith("By the ratings of all 4 systems, A is at")


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (("A", "Z", "--column", "voter=worker"), UnknownNameError, "'Z'; there are A, B, C, D"),
        (("A", "A", "--column", "voter=worker"), RatingError, "cannot be compared with itself"),
        (("A", "B", "."), ConfigError, "leave out the study's folder"),
        (("A", "B", "--column", "worker"), ConfigError, "--column takes role=name"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(
    votes_file: Path, words: tuple[str, ...], error: type[EvalHarnessError], sentence: str
) -> None:
    shown = run(*words, "--votes-file", votes_file)
    assert isinstance(shown.exception, error)
    assert sentence in str(shown.exception)


def _ballots(category: Category) -> list[Ballot]:
    noon = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Ballot(
            battle_id=f"battle-{category}-{number}",
            voter_id=f"voter-{number}",
            prompt_id=f"prompt-{number % 9}",
            category=category,
            language="en",
            question=Question.OVERALL,
            left=(MASKED, OPEN)[number % 2].name,
            right=(OPEN, MASKED)[number % 2].name,
            outcome=Outcome.LEFT if (number % 2 == 0) != (number % 10 == 3) else Outcome.RIGHT,
            created_at=noon + timedelta(seconds=number),
        )
        for number in range(120)
    ]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study with votes on two boards; the first system is masked."""
    write_study(tmp_path / "study", (MASKED, OPEN), prompt_ids=("t2v-blacksmith-01",), duration_s=3.0)
    kept = [*_ballots(Category.TEXT_TO_VIDEO), *_ballots(Category.AUDIO_SYNC)]

    def ballots(
        _store: Store, *, category: Category | None = None, question: Question | None = None
    ) -> tuple[Ballot, ...]:
        return tuple(
            row for row in kept if category in (None, row.category) and question in (None, row.question)
        )

    monkeypatch.setattr(Store, "ballots", ballots)
    return tmp_path / "study"


def test_a_masked_system_goes_by_its_codename_only(study: Path) -> None:
    assert MASKED.codename is not None
    shown = run(MASKED.codename, OPEN.name, study, "--category", Category.TEXT_TO_VIDEO)
    assert shown.exit_code == 0, shown.output
    assert f"{MASKED.codename} is better than {OPEN.name}" in shown.output
    assert MASKED.name not in shown.output
    refused = run(MASKED.name, OPEN.name, study, "--category", Category.TEXT_TO_VIDEO)
    assert isinstance(refused.exception, UnknownNameError)
    assert str(refused.exception).endswith(f"there are {', '.join(sorted((MASKED.codename, OPEN.name)))}.")


def test_a_study_is_compared_on_one_board_and_one_of_its_questions(study: Path) -> None:
    both = run(MASKED.codename, OPEN.name, study)
    assert isinstance(both.exception, ConfigError)
    assert "2 boards (audio-sync, text-to-video)" in str(both.exception)
    unasked = run(MASKED.codename, OPEN.name, study, "--question", Question.MOTION)
    assert isinstance(unasked.exception, ConfigError)
    assert "'motion' is not among them" in str(unasked.exception)
    empty = run(MASKED.codename, OPEN.name, study, "--category", Category.IMAGE_TO_VIDEO)
    assert isinstance(empty.exception, RatingError)
    assert "no votes on the board image-to-video yet" in str(empty.exception)


def test_foreign_files_are_described_in_the_words_of_rate(tmp_path: Path) -> None:
    """One vocabulary: what rate reads, compare and plan read too."""
    rows = ["first,second,choice,who"]
    rows += [f"x,y,{1 if row % 3 else 2},v{row % 40}" for row in range(300)]
    file = tmp_path / "foreign.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    words = [
        "--votes-file", str(file), "--column", "left=first", "--column", "right=second",
        "--column", "outcome=choice", "--column", "voter=who", "--without", "prompt", "--without", "sides",
        "--outcomes", "1=left,2=right",
    ]  # fmt: skip
    compared = CliRunner().invoke(app, ["compare", "x", "y", *words, "--unit", "vote", "--json"])
    assert compared.exit_code in (0, 6), compared.output
    planned = CliRunner().invoke(app, ["plan", "--gap", "60", *words, "--json"])
    assert planned.exit_code == 0, planned.output
    refused = CliRunner().invoke(app, ["plan", "--outcomes", "1=left"])
    assert refused.exit_code != 0
    assert "describe a file of votes" in str(refused.exception)

"""What a bundle holds, and what it must not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from evalharness.bundle import bundle_of_file
from evalharness.bundle.making import KEY_FILE
from evalharness.cli.main import app
from evalharness.config import load_study
from evalharness.errors import ConfigError
from evalharness.publication import agreement
from evalharness.ratings import leaderboard
from evalharness.ratings.reading import read_votes
from evalharness.records import Ballot, Outcome, Question
from evalharness.reports import Summary, from_json
from evalharness.store import Store
from tests.publishing.conftest import EXCLUDED, MEANINGS, OPEN, SECRETS, SYSTEMS, bundled

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FILES = {
    "CITATION.bib",
    "METHODS.md",
    "README.md",
    "SHA256SUMS",
    "measurements.csv",
    "report.csv",
    "report.html",
    "report.json",
    "report.md",
    "report.pdf",
    "votes",
}


def rows(bundle: Path, table: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = pq.read_table(bundle / "votes" / f"{table}.parquet").to_pylist()
    return read


def report(bundle: Path) -> Summary:
    return from_json(Summary, (bundle / "report.json").read_text(encoding="utf-8"))


def test_it_holds_report_votes_words_and_hashes(bundle: Path) -> None:
    assert {path.name for path in bundle.iterdir()} == FILES
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=bundle, check=False)
    assert checked.returncode == 0


def test_only_those_who_agreed_are_in_it_and_its_boards_are_theirs(bundle: Path, study_folder: Path) -> None:
    """Held against the store's own ballots: no table of a bundle is asked."""
    study = load_study(study_folder)
    with Store.open(study.database_url) as store:
        ballots: list[Ballot] = [each for each in store.ballots() if each.voter_id in OPEN]
    assert len({row["voter"] for row in rows(bundle, "votes")}) == len(OPEN)
    boards = {board.question: board for board in report(bundle).boards}
    assert set(boards) == {Question.OVERALL, Question.AV_SYNC}
    for question, board in boards.items():
        wanted = leaderboard(ballots, question=question, labels={"glacier": "otter"})
        assert board.votes == wanted.votes
        assert [row.system for row in board.ratings] == [row.system for row in wanted.ratings]
        for one, other in zip(board.ratings, wanted.ratings, strict=True):
            assert one.rating == pytest.approx(other.rating, abs=1e-6)
            assert one.low == pytest.approx(other.low, abs=1e-6)
            assert (one.wins, one.losses, one.ties, one.both_bad) == (
                other.wins, other.losses, other.ties, other.both_bad
            )  # fmt: skip
    flow = report(bundle).flow
    assert flow is not None
    assert (flow.votes, flow.counted) == (7 * 23 * 2, 6 * 23 * 2 - 1)
    assert flow.excluded == {"voter excluded": 46, "vote excluded": 1}
    assert flow.voters == len(OPEN) - 1
    assert EXCLUDED in OPEN


def test_no_file_of_it_names_anybody(bundle: Path) -> None:
    for path in bundle.rglob("*"):
        if path.is_file():
            content = path.read_bytes().decode("utf-8", "replace")
            assert not [name for name in SECRETS if name in content], path.name


def test_the_same_votes_give_the_same_bytes(bundle: Path, study_folder: Path, tmp_path: Path) -> None:
    bundled(study_folder, tmp_path / "again")
    for path in bundle.rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(bundle)).read_bytes() == path.read_bytes(), (
                path.name
            )
    key = study_folder / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600


def test_everybody_is_for_use_within_the_house_and_says_so(study_folder: Path, tmp_path: Path) -> None:
    bundled(study_folder, tmp_path / "all", everybody=True)
    assert len({row["voter"] for row in rows(tmp_path / "all", "votes")}) == len(OPEN) + 2
    assert "for internal use" in (tmp_path / "all" / "README.md").read_text(encoding="utf-8")


def test_words_say_what_was_done_and_under_which_licence(bundle: Path) -> None:
    methods = (bundle / "METHODS.md").read_text(encoding="utf-8")
    for board in report(bundle).boards:
        assert str(board.recipe["data_sha256"]) in methods
    assert "Davidson, R. R. (1970)" in methods
    assert "sync 2" in methods
    assert "balanced" in methods
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert card.startswith('---\npretty_name: "Harbour: a study"\nlicense: "cc-by-4.0"\n')
    cited = (bundle / "CITATION.bib").read_text(encoding="utf-8")
    assert cited == (
        "@misc{harbour-and-sea,\n  author = {Lovelace, Ada},\n  title = {{Harbour: a study}},\n"
        "  year = {2026},\n  note = {Report bundle, made by evalharness 0.1.0}\n}\n"
    )


def test_agreement_is_that_of_the_store(study_folder: Path, tmp_path: Path) -> None:
    study = load_study(study_folder)
    with Store.open(study.database_url) as store:
        wanted = agreement(study, store, MEANINGS, {})
    found = bundled(study_folder, tmp_path / "all", everybody=True).agreement
    assert [row.metric for row in found.rows] == ["sync.lag", "sync.lag"]
    assert [row.speaks for row in found.rows] == [True, False]
    for one, other in zip(found.rows, wanted.rows, strict=True):
        assert one.accuracy.value == pytest.approx(other.accuracy.value)
        assert one.accuracy.low == pytest.approx(other.accuracy.low)
        assert (one.votes, one.unscored) == (other.votes, other.unscored)


def test_moments_are_days(bundle: Path) -> None:
    as_of = report(bundle).as_of
    assert as_of is not None
    assert as_of.isoformat() == "2026-05-01T00:00:00+00:00"
    assert json.loads((bundle / "votes/manifest.json").read_text())["made_at"] == as_of.isoformat()


def test_a_folder_that_holds_something_is_not_touched(study_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("mine")
    with pytest.raises(ConfigError, match="holds something already"):
        bundled(study_folder, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_where_nobody_agreed_nothing_is_written(tmp_path: Path) -> None:
    from evalharness.scaffold import write_study

    write_study(tmp_path / "study", SYSTEMS, name="empty")
    told = CliRunner().invoke(app, ["report", str(tmp_path / "study"), "--bundle", str(tmp_path / "out")])
    assert isinstance(told.exception, ConfigError)
    assert "No voter of this study agreed" in str(told.exception)
    assert not (tmp_path / "out").exists()


VOTES = "left,right,outcome,voter\n" + "\n".join(
    f"{a},{b},{'left' if (n * 7 + ord(a)) % 5 < 3 else 'right'},worker-{n % 9}"
    for n in range(40)
    for a, b in (("A", "B"), ("B", "C"), ("C", "A"))
)


def test_a_file_of_votes_has_a_bundle_with_the_board_of_rate(tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text(VOTES + "\n")
    rated = CliRunner().invoke(
        app,
        ["rate", str(file), "--without", "prompt", "--seed", "3", "--json", "--bundle", str(tmp_path / "b")],
    )
    assert rated.exit_code == 0, rated.output
    board = json.loads(rated.stdout[rated.stdout.index("{") :])
    (bundled_board,) = report(tmp_path / "b").boards
    for said, found in zip(board["ratings"], bundled_board.ratings, strict=True):
        assert said["system"] == found.system
        assert found.rating == pytest.approx(said["rating"], abs=1e-6)
        assert found.high == pytest.approx(said["high"], abs=1e-6)
    assert bundled_board.recipe["seed"] == 3
    assert bundled_board.prompts == 0
    assert tuple(board["notes"]) == bundled_board.notes
    text = (tmp_path / "b/votes/votes.csv").read_text()
    assert "worker-" not in text
    assert len(set(re.findall(r"\bv[0-9a-f]{16}\b", text))) == 9
    assert report(tmp_path / "b").as_of is None


def test_a_file_with_simulated_voters_says_so(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(VOTES.replace("worker-", "simulated-"))
    votes = read_votes(tmp_path / "votes.csv", prompt=None)
    summary = bundle_of_file(votes, tmp_path / "b", name="votes", chosen={})
    assert any("are simulated" in note for note in summary.boards[0].notes)
    assert "are simulated" in (tmp_path / "b/README.md").read_text()
    assert Outcome.LEFT in {row["outcome"] for row in rows(tmp_path / "b", "votes")}


@pytest.mark.browser
@pytest.mark.timeout(120)
def test_the_report_opens_from_disk_and_asks_the_network_for_nothing(bundle: Path, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((bundle / "report.html").as_uri())
    assert asked == [(bundle / "report.html").as_uri()]
    assert page.locator("h1").inner_text() == "Harbour and sea"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("figure svg").count() >= 4

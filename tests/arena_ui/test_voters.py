"""`evalharness voters` over a real study: tables, decisions, and what they change on the boards."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from evalharness.cli.main import app
from evalharness.config import Study
from evalharness.errors import ConfigError
from evalharness.records import Decision, Outcome, Purpose
from tests.arena_ui.hall import Hall, newcomer


@pytest.fixture
def hall(make_study: Callable[..., Study]) -> Iterator[Hall]:
    """Five voters of whom the last fails both traps."""
    hall = Hall.with_lines(make_study(prompts=6, votes_per_voter=12), "checks", traps=2, first_after=2)
    booth = hall.booth()
    for number in range(5):
        voter = newcomer(booth)
        while pairs := booth.round(voter).pairs:
            hall.later(5)
            battle = hall.store.battle(pairs[0].battle_id)
            best = Outcome.LEFT if battle.left.system < battle.right.system else Outcome.RIGHT
            asked = battle.expected if battle.purpose is Purpose.TRAP and number < 4 else best
            failed = Outcome.TIE if battle.purpose is Purpose.TRAP else best
            hall.answer(battle, asked if number < 4 and asked is not None else failed)
    yield hall
    hall.store.close()


def run(hall: Hall, *words: str) -> Result:
    return CliRunner().invoke(app, ["voters", str(hall.study.folder), *words])


def told(hall: Hall, *words: str) -> Any:
    done = run(hall, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def last_voter(hall: Hall) -> str:
    return hall.store.battles()[-1].voter_id


def test_nothing_is_decided_until_it_is_asked_for_and_then_once(hall: Hall) -> None:
    careless = last_voter(hall)
    before = told(hall)
    assert (len(before["voters"]), before["rulings_due"]) == (5, 6)
    assert hall.store.rulings() == ()
    [row] = [each for each in before["voters"] if each["voter"] == careless]
    assert row["traps"] == {"hits": 0, "of": 2}
    assert row["rules"]["pay"] == {"decision": "returned", "against": ["attention: 2 of 2 traps failed"]}
    assert row["on_record"] == {"pay": None, "count": None}
    others = [ballot for ballot in hall.store.ballots() if ballot.voter_id != careless]
    assert run(hall, "--apply").exit_code == 0
    after = told(hall)
    assert after["rulings_due"] == 0
    assert "Without 1 voter" in after["without_excluded"]
    assert list(hall.store.ballots()) == others
    assert told(hall, "--apply")["rulings_due"] == 0
    assert len(hall.store.rulings()) == 6


def test_the_table_names_everybody_and_why(hall: Hall) -> None:
    done = run(hall)
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "0 of 2" in text
    assert "6 decisions of the rules are not on record yet" in text
    assert "Agreement on overall" in text


def test_a_person_decides_with_reason_and_name_and_no_rule_overrules(hall: Hall) -> None:
    careless = last_voter(hall)
    run(hall, "--apply")
    refused = run(hall, "--use", careless)
    assert refused.exit_code != 0
    assert "with its reason and its author" in str(refused.exception or refused.output)
    stranger = run(hall, "--exclude", "nobody", "--because", "x", "--by", "Ada")
    assert "No voter 'nobody'" in str(stranger.exception or stranger.output)
    for reserved in ("quality/3", "the voter"):
        refused = run(hall, "--use", careless, "--because", "x", "--by", reserved)
        assert "say your own name with --by" in str(refused.exception or refused.output)
    done = run(hall, "--use", careless, "--accept", careless, "--because", "a fire alarm", "--by", "Ada")
    assert done.exit_code == 0, done.output
    assert run(hall, "--apply").exit_code == 0
    assert [(each.decision, each.author) for each in hall.store.rulings()[-2:]] == [
        (Decision.ACCEPTED, "Ada"),
        (Decision.USED, "Ada"),
    ]
    assert {ballot.voter_id for ballot in hall.store.ballots()} >= {careless}


def test_what_is_done_here_is_on_the_same_record(hall: Hall, tmp_path: Path) -> None:
    careless = last_voter(hall)
    run(hall, "--apply", "--by", "Ada")
    run(hall, "--use", careless, "--because", "for Jo Bloggs", "--by", "Ada")
    run(hall, "--erase", careless)
    run(hall, "--forget-paid", "--by", "Bo")
    assert (
        CliRunner()
        .invoke(app, ["export", str(hall.study.folder), "--out", str(tmp_path / "tables")])
        .exit_code
        == 0
    )
    told = [(each.author, each.role, each.action) for each in hall.store.audit()]
    assert told == [
        ("Ada", "command line", "applied the rules"),
        ("Ada", "command line", "decided"),
        (getpass.getuser(), "command line", "erased a person"),
        ("Bo", "command line", "took platforms' names away"),
        (getpass.getuser(), "command line", "exported"),
    ]
    assert "Bloggs" not in str(hall.store.audit())


def test_a_board_without_voters_names_masked_systems_by_their_codenames(hall: Hall) -> None:
    run(hall, "--apply")
    masked = {each.name: each.codename for each in hall.study.systems if each.codename}
    said = told(hall)["without_excluded"]
    assert masked
    assert not [name for name in masked if name in said]


def test_the_report_says_how_many_votes_their_voters_took_along(hall: Hall) -> None:
    everybody, careless = hall.store.ballots(), last_voter(hall)
    run(hall, "--apply")
    folder = str(hall.study.folder)
    board = json.loads(CliRunner().invoke(app, ["leaderboard", folder, "--json"]).stdout)["boards"][0]
    of_board = [
        ballot.voter_id
        for ballot in everybody
        if (ballot.category, ballot.question) == (board["category"], board["question"])
    ]
    assert board["excluded"] == of_board.count(careless) > 0
    assert board["votes"] == len(of_board) - board["excluded"]
    assert CliRunner().invoke(app, ["report", folder]).exit_code == 0
    page = (Path(folder) / "reports" / "report.html").read_text(encoding="utf-8")
    assert "voter excluded by quality/3" in page


def test_an_excluded_voter_sees_no_difference(hall: Hall) -> None:
    booth = hall.booth()
    voter = newcomer(booth)
    before = booth.round(voter)
    run(hall, "--exclude", voter.id, "--because", "tried it", "--by", "Ada")
    after = hall.booth().round(voter)
    assert [pair.battle_id for pair in after.pairs] == [pair.battle_id for pair in before.pairs]
    assert (after.done, after.total) == (before.done, before.total)


def test_nobody_counts_who_withdrew(hall: Hall) -> None:
    booth = hall.booth()
    voter = hall.store.voter(last_voter(hall))
    booth.people.withdraw(voter)
    done = run(hall, "--use", voter.id, "--because", "a mistake", "--by", "Ada")
    assert isinstance(done.exception, ConfigError)
    assert "withdrew" in str(done.exception)
    assert voter.id not in {ballot.voter_id for ballot in hall.store.ballots()}

"""`evalharness voters --erase` and `--forget-paid`: what names people goes, what they answered stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arena_ui.recruiting import Referral
from evalharness.cli.main import app
from evalharness.config import Study
from evalharness.records import Decision, Ruling
from evalharness.settings import Platform
from evalharness.store import Store
from tests.arena_ui.hall import Hall


@pytest.fixture
def hall(make_study: Callable[..., Study]) -> Iterator[Hall]:
    """Three voters whom a platform sent; each answered a pair."""
    study = make_study(prompts=3, votes_per_voter=3)
    hall = Hall(study, Store.open(study.database_url))
    booth = hall.booth()
    for number in range(3):
        came = Referral(Platform.PROLIFIC, f"person{number}", {"session": "s"})
        voter, _ = booth.people.join(["en"], "v", referral=came)
        hall.answer(hall.store.battle(booth.round(voter).pairs[0].battle_id))
    yield hall
    hall.store.close()


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["voters", str(folder), *words])


def test_people_are_forgotten_once_their_pay_is_on_record(hall: Hall) -> None:
    first, second, third = (arrival.voter_id for arrival in hall.store.arrivals())
    hall.store.rule(Ruling(first, Decision.ACCEPTED, "all done", "Ada", hall.now))
    hall.store.rule(Ruling(second, Decision.RETURNED, "gave it back", "Ada", hall.now))
    hall.store.rule(Ruling(third, Decision.EXCLUDED, "a bot", "Ada", hall.now))
    told = run(hall.study.folder, "--forget-paid")
    assert "of 2 voters" in " ".join(told.output.split())
    kept = {each.voter_id: (each.person is None, dict(each.details)) for each in hall.store.arrivals()}
    assert kept == {first: (True, {}), second: (True, {}), third: (False, {"session": "s"})}


def test_an_erased_voter_keeps_answers_and_nothing_else(hall: Hall) -> None:
    voter_id = hall.store.arrivals()[0].voter_id
    votes = hall.store.votes()
    assert json.loads(run(hall.study.folder, "--erase", voter_id, "--json").stdout)["voters"]
    erased = hall.store.voter(voter_id)
    assert (erased.languages, erased.token_hash) == ((), "")
    assert hall.store.arrival(voter_id) is None
    assert hall.store.votes() == votes
    missed = run(hall.study.folder, "--erase", "nobody")
    assert "There is no voter 'nobody'" in str(missed.exception)

"""Raters: decisions with reason and author, the rules put on record, lists for platforms."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person, Role
from arena_ui.owner.services.raters import apply_rules, decide, due, list_of, raters
from arena_ui.people import People
from arena_ui.tokens import Sealer
from evalharness.errors import ConfigError, NotFoundError, StoreError
from evalharness.people import Arrival
from evalharness.records import Decision
from tests.arena_ui.hall import Hall, newcomer

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def crowd(office: Office) -> list[str]:
    """Ids of three voters with whole sessions, from a platform; one has a name like a formula."""
    hall = Hall(office.study, office.store)
    booth = hall.booth()
    names = []
    for person in ("=cmd()", "5f00aa", "5f00bb"):
        voter = newcomer(booth)
        office.store.put_arrival(
            Arrival(voter.id, "prolific", f"key of {person}", person, {"session": "s1"}, NOW)
        )
        hall.finish(booth, voter)
        names.append(voter.id)
    return names


def test_only_owners_learn_what_platforms_call_people(
    office: Office, people: dict[Role, Person], crowd: list[str]
) -> None:
    seen = {role: raters(office, people[role]) for role in (Role.ANALYST, Role.OWNER)}
    assert {each.voter.id for each in seen[Role.ANALYST]} == set(crowd)
    assert {each.arrival for each in seen[Role.ANALYST]} == {None}
    assert {each.arrival.person for each in seen[Role.OWNER] if each.arrival} == {
        "=cmd()",
        "5f00aa",
        "5f00bb",
    }


def test_a_decision_is_kept_with_reason_and_author(
    office: Office, people: dict[Role, Person], crowd: list[str]
) -> None:
    owner = people[Role.OWNER]
    decide(office, owner, crowd[0], Decision.EXCLUDED, "  a fire alarm ")
    (ruling,) = office.store.rulings()
    assert (ruling.voter_id, ruling.decision) == (crowd[0], Decision.EXCLUDED)
    assert (ruling.reason, ruling.author) == ("a fire alarm", owner.name)
    entry = office.store.audit()[-1]
    assert (entry.author, entry.action) == (owner.name, "decided")
    assert entry.details == {"voter": crowd[0], "decision": "excluded"}, "a reason may name somebody"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_decision_without_a_reason_is_none(
    office: Office, people: dict[Role, Person], crowd: list[str], reason: str
) -> None:
    with pytest.raises(ConfigError, match="kept with its reason"):
        decide(office, people[Role.OWNER], crowd[0], Decision.RETURNED, reason)
    with pytest.raises(NotFoundError, match="no voter 'nobody'"):
        decide(office, people[Role.OWNER], "nobody", Decision.RETURNED, "a reason")
    assert office.store.rulings() == ()


def test_who_withdrew_stays_out(office: Office, people: dict[Role, Person], crowd: list[str]) -> None:
    People(office.store, Sealer(b"k" * 32), lambda: NOW).withdraw(office.store.voter(crowd[0]))
    with pytest.raises(ConfigError, match="withdrew from the study at their own wish"):
        decide(office, people[Role.OWNER], crowd[0], Decision.USED, "we want these votes")
    decide(office, people[Role.OWNER], crowd[0], Decision.ACCEPTED, "they are paid all the same")


def test_the_rules_are_put_on_record_and_a_person_stands(
    office: Office, people: dict[Role, Person], crowd: list[str]
) -> None:
    owner = people[Role.OWNER]
    decide(office, owner, crowd[1], Decision.RETURNED, "asked to leave")
    assert len(due(office, owner)) == 2
    assert apply_rules(office, owner) == 2
    assert due(office, owner) == ()
    paid = {each.voter.id: each.pay.decision for each in raters(office, owner) if each.pay}
    assert paid == {crowd[0]: "accepted", crowd[1]: "returned", crowd[2]: "accepted"}


def test_who_may_yet_go_on_is_neither_paid_nor_judged(
    office: Office, people: dict[Role, Person], crowd: list[str]
) -> None:
    hall, owner = Hall(office.study, office.store, datetime.now(UTC)), people[Role.OWNER]
    booth = hall.booth()
    begun = newcomer(booth)
    hall.answer(office.store.battle(booth.round(begun).pairs[0].battle_id))
    assert apply_rules(office, owner) == 3
    assert {each.voter_id for each in office.store.rulings()} == set(crowd)
    decide(office, owner, begun.id, Decision.ACCEPTED, "had to leave")
    paid = {
        row["voter"]: row for row in csv.DictReader(io.StringIO(list_of(office, owner, Decision.ACCEPTED)))
    }
    assert (paid[begun.id]["answered"], paid[begun.id]["of"]) == ("1", "9")


def test_a_decision_and_its_record_are_one(
    office: Office, people: dict[Role, Person], crowd: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot go on record is not done."""
    naive = NOW.replace(tzinfo=None)  # the database takes none
    bad = office.entry(people[Role.OWNER], "decided", voter=crowd[0])
    monkeypatch.setattr(Office, "entry", lambda *_, **__: replace(bad, created_at=naive))
    with pytest.raises(StoreError):
        decide(office, people[Role.OWNER], crowd[0], Decision.EXCLUDED, "a reason")
    with pytest.raises(StoreError):
        apply_rules(office, people[Role.OWNER])
    assert office.store.rulings() == ()


def test_lists_hold_what_is_on_record_and_no_formula(
    office: Office, people: dict[Role, Person], crowd: list[str]
) -> None:
    owner = people[Role.OWNER]
    assert len(list_of(office, owner, Decision.ACCEPTED).splitlines()) == 1, "the heading alone"
    decide(office, owner, crowd[1], Decision.RETURNED, "-1 is what they said")
    apply_rules(office, owner)
    paid = list(csv.DictReader(io.StringIO(list_of(office, owner, Decision.ACCEPTED))))
    (back,) = csv.DictReader(io.StringIO(list_of(office, owner, Decision.RETURNED)))
    assert {row["person"] for row in paid} == {"'=cmd()", "5f00bb"}
    assert {(row["answered"], row["of"]) for row in paid} == {("9", "9")}
    assert {row["details"] for row in paid} == {'{"session": "s1"}'}
    assert (back["person"], back["reason"], back["decided by"]) == (
        "5f00aa",
        "'-1 is what they said",
        owner.name,
    )
    assert [dict(each.details) for each in office.store.audit() if each.action == "downloaded"] == [
        {"what": "pay list", "voters": 0},
        {"what": "pay list", "voters": 2},
        {"what": "return list", "voters": 1},
    ]

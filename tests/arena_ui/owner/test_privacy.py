"""Privacy: a person is found, erased, and forgotten once they are paid; the audit names nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person, Role
from arena_ui.owner.services.privacy import copy_of, erase, find, forget_decided
from arena_ui.owner.services.raters import apply_rules, decide
from arena_ui.tokens import Sealer, load_key
from evalharness.errors import NotFoundError
from evalharness.people import Arrival
from evalharness.records import Decision
from tests.arena_ui.hall import Hall, newcomer

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
NAME = "5f00aa5f00aa"


@pytest.fixture
def voter(office: Office) -> str:
    """A voter from a platform who has answered all pairs."""
    hall = Hall(office.study, office.store)
    booth = hall.booth()
    known = newcomer(booth)
    key = Sealer(load_key(office.study.folder)).person_key("prolific", NAME)
    office.store.put_arrival(Arrival(known.id, "prolific", key, NAME, {}, NOW))
    hall.finish(booth, known)
    return known.id


def test_a_person_is_found_by_either_name(office: Office, people: dict[Role, Person], voter: str) -> None:
    owner = people[Role.OWNER]
    for query in (voter, f" {NAME} "):
        (found,) = find(office, owner, query)
        assert (found.voter.id, found.answered) == (voter, 9)
    for query in ("", " ", "somebody else", NAME[:5]):
        assert find(office, owner, query) == ()
    assert NAME not in str(office.store.audit())


def test_who_is_erased_is_nobody_and_their_answers_stay(
    office: Office, people: dict[Role, Person], voter: str
) -> None:
    owner, votes = people[Role.OWNER], office.store.votes()
    erase(office, owner, voter)
    assert find(office, owner, NAME) == ()
    (found,) = find(office, owner, voter)
    assert found.arrival is None
    assert found.voter.erased_at is not None
    assert office.store.votes() == votes
    assert ("erased a person", {"voter": voter}) in [
        (each.action, dict(each.details)) for each in office.store.audit()
    ]
    with pytest.raises(NotFoundError):
        erase(office, owner, "nobody")


def test_names_go_once_pay_is_decided(office: Office, people: dict[Role, Person], voter: str) -> None:
    owner = people[Role.OWNER]
    assert forget_decided(office, owner) == 0, "nothing is decided yet"
    assert find(office, owner, NAME)
    apply_rules(office, owner)
    assert forget_decided(office, owner) == 1
    (found,) = find(office, owner, NAME)
    assert found.voter.id == voter, "the hash still knows them"
    assert found.arrival is not None
    assert found.arrival.person is None


def test_a_person_gets_all_that_is_kept_and_no_system_is_named(
    office: Office, people: dict[Role, Person], voter: str
) -> None:
    owner = people[Role.OWNER]
    apply_rules(office, owner)
    told = copy_of(office, owner, voter)
    kept = json.loads(told)
    assert kept["arrival"]["person"] == NAME
    assert sum(len(pair["answers"]) for pair in kept["pairs"]) == len(office.store.votes())
    assert [each["decision"] for each in kept["decisions"]] == ["accepted"]
    decide(office, owner, voter, Decision.EXCLUDED, "asked to")
    acts = json.loads(copy_of(office, owner, voter))["acts"]
    assert [(each["act"], each["by"]) for each in acts] == [
        ("downloaded", owner.name),
        ("decided", owner.name),
    ]
    assert not [name for name in ("glacier-xl", "mellow-otter", "ember-nine") if name in told]
    said = {"what": "all that is kept of a person", "voter": voter}
    assert office.store.audit()[-1].details == said

"""Who may do what: the whole table, and the services that ask it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from arena_ui.owner import services
from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, NotAllowed, Person, Role, require
from arena_ui.owner.services.clips import blinding, intake
from arena_ui.owner.services.exports import exported
from arena_ui.owner.services.privacy import copy_of, erase, find, forget_decided
from arena_ui.owner.services.progress import progress
from arena_ui.owner.services.quality import quality
from arena_ui.owner.services.raters import apply_rules, decide, due, list_of, raters
from arena_ui.owner.services.record import record
from arena_ui.owner.services.results import ALL, board, categories
from evalharness.exports import Form, Options
from evalharness.records import Decision, Question, Voter

LEAST = {
    Action.PROGRESS: Role.VIEWER,
    Action.RESULTS: Role.VIEWER,
    Action.CLIPS: Role.ANALYST,
    Action.QUALITY: Role.ANALYST,
    Action.RATERS: Role.ANALYST,
    Action.EXPORT: Role.ANALYST,
    Action.NAMES: Role.OWNER,
    Action.DECIDE: Role.OWNER,
    Action.PRIVACY: Role.OWNER,
    Action.AUDIT: Role.OWNER,
}
"""The least role that may do each."""
ORDER = list(Role)
OF_THE_TEST = ("of the test", Decision.USED, "a reason")
SERVICES: dict[str, tuple[Action, Callable[[Office, Person], object]]] = {
    "progress": (Action.PROGRESS, progress),
    "categories": (Action.RESULTS, categories),
    "board": (Action.RESULTS, lambda office, person: board(office, person, ALL, Question.OVERALL)),
    "record": (Action.AUDIT, record),
    "raters": (Action.RATERS, raters),
    "due": (Action.RATERS, due),
    "quality": (Action.QUALITY, quality),
    "intake": (Action.CLIPS, intake),
    "blinding": (Action.CLIPS, blinding),
    "exported": (Action.EXPORT, lambda office, person: exported(office, person, Options((Form.CSV,)))),
    "decide": (Action.DECIDE, lambda office, person: decide(office, person, *OF_THE_TEST)),
    "apply_rules": (Action.DECIDE, apply_rules),
    "list_of": (Action.NAMES, lambda office, person: list_of(office, person, Decision.RETURNED)),
    "find": (Action.PRIVACY, lambda office, person: find(office, person, "somebody")),
    "copy_of": (Action.PRIVACY, lambda office, person: copy_of(office, person, "of the test")),
    "erase": (Action.PRIVACY, lambda office, person: erase(office, person, "of the test")),
    "forget_decided": (Action.PRIVACY, forget_decided),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_each_role_may_do_what_the_table_says(role: Role, action: Action) -> None:
    person = Person("somebody", role)
    if ORDER.index(role) >= ORDER.index(LEAST[action]):
        require(person, action)
    else:
        with pytest.raises(NotAllowed, match=f"one has to be {LEAST[action]} .* somebody is {role}"):
            require(person, action)


@pytest.mark.parametrize("name", SERVICES)
def test_services_ask_the_role_and_keep_the_refusal(
    name: str, office: Office, people: dict[Role, Person]
) -> None:
    action, service = SERVICES[name]
    office.store.put_voter(Voter("of the test", (), datetime(2026, 6, 1, tzinfo=UTC), "v1"))
    for role, person in people.items():
        before = len(office.store.audit())
        if person.may(action):
            service(office, person)
            continue
        with pytest.raises(NotAllowed):
            service(office, person)
        (kept,) = office.store.audit()[before:]
        assert (kept.author, kept.role, kept.action) == (person.name, role, "refused")
        assert kept.details == {"what": action}


def test_every_service_is_tried() -> None:
    """What a service offers and asks a role for is in the table above."""
    offered = set()
    for module in pkgutil.iter_modules(services.__path__):
        found = importlib.import_module(f"{services.__name__}.{module.name}")
        offered |= {name for name in found.__all__ if "office.permit(" in source_of(getattr(found, name))}
    assert offered == set(SERVICES)


def source_of(value: object) -> str:
    return inspect.getsource(value) if inspect.isfunction(value) else ""

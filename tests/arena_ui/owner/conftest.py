"""An office over a small study, people of every role, and the doors in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from arena_ui.owner.accounts import set_password
from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person, Role
from evalharness.config import Study
from evalharness.store import Store

PASSWORD = "a lantern over the harbour"


@pytest.fixture
def office(make_study: Callable[..., Study]) -> Iterator[Office]:
    """A study with exhibits and no votes; `ada` owns it."""
    study = make_study(prompts=3, seconds=0.4)
    set_password(study.folder, "ada", Role.OWNER, PASSWORD)
    with Store.open(study.database_url) as store:
        yield Office(study, store)


@pytest.fixture
def people() -> dict[Role, Person]:
    """Somebody of each role."""
    return {role: Person(f"the-{role}", role) for role in Role}

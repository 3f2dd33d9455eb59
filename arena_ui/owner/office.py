"""The study behind the owner's pages, and the record of what is done on them.

`open_office` is called once, by `asgi.build`; services and views ask `current()`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from arena_ui.owner.accounts import Accounts, load_accounts
from arena_ui.owner.roles import Action, NotAllowed, Person, require
from arena_ui.owner.sessions import Sessions
from evalharness.config import Study, load_study
from evalharness.errors import ConfigError
from evalharness.people import AuditEntry
from evalharness.store import Store

__all__ = ["NOBODY", "Fresh", "Office", "current", "open_office"]

FRESH_S = 10.0
PATIENCE = 10
"""How many times as long as it took to compute a value is kept at least."""
NOBODY = "nobody"
"""Author, and role, of what somebody did before the log-in."""
T = TypeVar("T")


class Fresh:
    """What was computed from the database: all who look within `life_s` seconds share it.

    What takes long to compute is kept longer, so that nothing is computed more than a tenth of the time.
    """

    def __init__(self, life_s: float = FRESH_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._life_s, self._clock = life_s, clock
        self._made: dict[str, tuple[float, Any]] = {}
        """Until when it is kept, and what it is."""
        self._locks: defaultdict[str, RLock] = defaultdict(RLock)

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The value of this name, made anew where it is too old; one thread makes it, others wait."""
        with self._locks[name]:
            began = self._clock()
            until, value = self._made.get(name, (began, None))
            if began < until:
                return value  # type: ignore[no-any-return]  # one name has values of one type
            made = make()
            ended = self._clock()
            self._made[name] = (ended + max(self._life_s, PATIENCE * (ended - began)), made)
            return made

    def forget(self) -> None:
        """Something was decided: all is computed anew."""
        self._made.clear()


@dataclass(frozen=True, slots=True)
class Office:
    """What services need."""

    study: Study
    store: Store
    sessions: Sessions = field(default_factory=Sessions)
    fresh: Fresh = field(default_factory=Fresh)
    lasting: Fresh = field(default_factory=lambda: Fresh(float("inf")))
    """What depends on its name alone."""

    @property
    def accounts(self) -> Accounts:
        """Who may log in, as the file says now. Raises ConfigError where it says it wrongly."""
        return load_accounts(self.study.folder)

    @property
    def labels(self) -> dict[str, str]:
        """System -> the name it is shown by: masked ones stay masked here, too."""
        return {system.name: system.label for system in self.study.systems}

    def permit(self, person: Person, action: Action) -> None:
        """Return where the person may do this; else put the refusal on record and raise NotAllowed."""
        try:
            require(person, action)
        except NotAllowed:
            self.note(person, "refused", what=action.value)
            raise

    def as_of_now(self, person: Person) -> Person:
        """The person with the role they have now: for what they ask for some time after their page was made.

        Raises NotAllowed where they may not log in any more.
        """
        accounts = self.accounts
        account = accounts.passwords.get(person.name)
        role = account.role if account else accounts.emails.get(person.name)
        if role is None:
            self.note(person, "refused", what="may not log in any more")
            raise NotAllowed(f"{person.name} may not log in to this study any more.")
        return Person(person.name, role)

    def entry(self, person: Person | None, action: str, **details: Any) -> AuditEntry:
        """What goes on record of an act; None: before they were known."""
        author, role = (person.name, person.role.value) if person else (NOBODY, NOBODY)
        return AuditEntry(author, role, action, details, datetime.now(UTC))

    def note(self, person: Person | None, action: str, **details: Any) -> None:
        """Put on record what somebody did that changes nothing in the database."""
        self.store.note_audit(self.entry(person, action, **details))


_open: list[Office] = []


def open_office(folder: Path) -> Office:
    """Open the study in `folder` for its owners and make it this process's office.

    Raises ConfigError where the folder is no study or its accounts cannot be read, StoreError where its
    database refuses.
    """
    study = load_study(folder)
    load_accounts(study.folder)
    office = Office(study, Store.open(study.database_url))
    _open[:] = [office]
    return office


def current() -> Office:
    """This process's office. Raises ConfigError where none was opened."""
    if not _open:
        raise ConfigError("No study is open in this process. Start with 'python -m arena_ui.owner FOLDER'.")
    return _open[0]

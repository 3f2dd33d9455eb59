"""The audit, as it is read."""

from __future__ import annotations

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from evalharness.people import AuditEntry

__all__ = ["record"]


def record(office: Office, person: Person) -> tuple[AuditEntry, ...]:
    """All that was done, the newest first. Raises NotAllowed."""
    office.permit(person, Action.AUDIT)
    return office.store.audit()[::-1]

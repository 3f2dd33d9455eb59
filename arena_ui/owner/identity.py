"""Who looks at a page: by our cookie, else by a log-in elsewhere."""

from __future__ import annotations

from typing import Any

import streamlit as st

from arena_ui.owner.doors import somebody
from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.sessions import COOKIE

__all__ = ["from_elsewhere", "visitor"]

GREETED = "logged in elsewhere"


def visitor(office: Office) -> Person | None:
    """Who looks at this page, asked anew with every run of its script."""
    person = somebody(office, st.context.cookies.get(COOKIE))
    if person is not None:
        return person
    person = from_elsewhere(office, st.user.to_dict())
    if person is not None and st.session_state.get(GREETED) != person.name:
        st.session_state[GREETED] = person.name
        office.note(person, "logged in elsewhere")
    return person


def from_elsewhere(office: Office, claims: dict[str, Any]) -> Person | None:
    """Whom the claims of an OIDC log-in name: an address that is verified, and that the study knows."""
    email, verified = claims.get("email"), claims.get("email_verified")
    if claims.get("is_logged_in") is not True or verified is not True or not isinstance(email, str):
        return None
    role = office.accounts.emails.get(email.lower())
    return None if role is None else Person(email.lower(), role)

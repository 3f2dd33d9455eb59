"""The visitor, as the pages see them."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from arena_ui.arena import Arena
from arena_ui.recruiting import Referral, Turned, referral
from arena_ui.routes import COOKIE
from arena_ui.words import interface_for
from evalharness.records import Voter

__all__ = ["Visitor", "visitor"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page."""

    voter: Voter | None
    """None before consent, and after withdrawing."""
    done: bool
    """Whether they have answered all they are asked for."""
    language: str
    """Of the pages, a key of `words.LANGUAGES`."""
    came: Referral | Turned | None = None
    """What the page's address says of who comes; None where it says nothing and does not need to."""
    withdrew: bool = False
    """Whether they withdrew; their own data are still open to them."""


def visitor(arena: Arena) -> Visitor:
    """Who looks at the page, by their cookie and the database: nothing is kept in the session.

    Where the address names a person, the cookie counts only if it is theirs.
    """
    people, secret = arena.booth.people, st.context.cookies.get(COOKIE)
    came = referral(st.query_params.to_dict(), arena.study.settings.recruiting)
    voter, leaver = people.voter(secret), people.leaver(secret)
    owner = voter or leaver
    if owner is not None and not (isinstance(came, Referral) and not people.came_as(owner, came)):
        done = voter is not None and arena.booth.is_done(voter)
        return Visitor(voter, done, owner.interface, came, withdrew=leaver is not None)
    wishes = (st.query_params.get("lang"), st.context.locale)
    return Visitor(None, done=False, language=interface_for(wishes), came=came)

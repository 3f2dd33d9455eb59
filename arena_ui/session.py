"""The visitor, as the pages see them."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from arena_ui.arena import Arena
from arena_ui.routes import COOKIE
from evalharness.records import Voter

__all__ = ["Visitor", "visitor"]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page."""

    voter: Voter | None
    """None before consent."""
    done: bool
    """Whether they have answered all they are asked for."""


def visitor(arena: Arena) -> Visitor:
    """Who looks at the page, by their cookie and the database: nothing is kept in the session."""
    voter = arena.booth.voter(st.context.cookies.get(COOKIE))
    return Visitor(voter, done=voter is not None and arena.booth.is_done(voter))

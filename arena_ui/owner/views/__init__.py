"""The owner's pages, one file each, and which of them a role has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.views import clips, exports, privacy, progress, quality, raters, record, results

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

__all__ = ["PAGES", "PATHS", "navigation"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page and who may see it."""

    path: str
    """Empty for the page that comes first."""
    title: str
    icon: str
    needs: Action
    show: Callable[[Office, Person], None]


PAGES = (
    Page("", "Progress", "monitoring", Action.PROGRESS, progress.page),
    Page("results", "Results", "leaderboard", Action.RESULTS, results.page),
    Page("raters", "Raters", "groups", Action.RATERS, raters.page),
    Page("quality", "Quality", "fact_check", Action.QUALITY, quality.page),
    Page("clips", "Clips", "movie", Action.CLIPS, clips.page),
    Page("exports", "Exports", "download", Action.EXPORT, exports.page),
    Page("privacy", "Privacy", "shield_person", Action.PRIVACY, privacy.page),
    Page("audit", "Audit", "history", Action.AUDIT, record.page),
)
PATHS = frozenset(f"/{page.path}" for page in PAGES)
"""Paths at which Streamlit has a page."""


def navigation(office: Office, person: Person) -> StreamlitPage:
    """The page this person is at, among those that their role has."""
    with st.sidebar:
        st.caption(f"{person.name}, {person.role}")
        st.html('<a href="/owner/login" target="_self" style="color: inherit">Account and log-out</a>')
    own: list[Any] = [
        st.Page(
            partial(page.show, office, person),
            title=page.title,
            icon=f":material/{page.icon}:",
            url_path=page.path,
            default=not page.path,
        )
        for page in PAGES
        if person.may(page.needs)
    ]
    return st.navigation(own, position="sidebar")

"""What this is, and what is kept of a visitor."""

from __future__ import annotations

import streamlit as st

from arena_ui.arena import current
from arena_ui.consent import consent_versions
from arena_ui.session import visitor
from arena_ui.words import words

__all__ = ["page"]


def page() -> None:
    """The page."""
    arena = current()
    language = visitor(arena).language
    said, settings = words(language), arena.study.settings
    _, middle, _ = st.columns([1, 4, 1])
    with middle:
        st.title(said["about.title"])
        st.markdown(said["about.text"])
        version = consent_versions(settings)[language]
        st.caption(said["about.study"].format(name=settings.name, version=version))

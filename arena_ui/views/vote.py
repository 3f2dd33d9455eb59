"""Consent, then pairs, then thanks."""

from __future__ import annotations

import streamlit as st

from arena_ui.arena import current
from arena_ui.consent import consent
from arena_ui.player import player
from arena_ui.session import visitor

__all__ = ["page"]


def page() -> None:
    """What this visitor does next. The player itself asks the routes for pairs, and shows its own thanks."""
    arena = current()
    settings = arena.study.settings.arena
    if arena.booth.is_empty:
        st.info(
            "There is nothing to compare yet: no two systems have exhibits of the same prompt. "
            "Run `evalharness generate` and `evalharness blind`, then start the arena again.",
            icon=":material/hourglass_empty:",
        )
        return
    if visitor(arena).voter is None:
        consent(settings.title, arena.booth.languages, pairs=arena.booth.pairs_asked_for)
        return
    player(
        settings.title,
        watch_share=settings.watch_share,
        leaderboard=settings.leaderboard != "never",
    )

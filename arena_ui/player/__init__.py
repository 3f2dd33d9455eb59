"""The two-video player: plain HTML, CSS and JavaScript, no build step.

The player talks to `/api/next` and `/api/vote` by itself, so that a vote needs no page run and survives a
lost connection; Streamlit mounts it and is told when the voter has finished.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from arena_ui.look import asset, styles
from arena_ui.words import SCRIPT, section
from evalharness.config import ArenaSettings

__all__ = ["player"]

SCRIPTS = ("outbox.js", "deck.js", "keys.js", "breaks.js", "drawing.js", "player.js")
"""One idea a file; the browser gets them as one module."""
TABLES = ("player", "question", "keys", "fault", "refused", "thanks", "rest")

_render: list[Any] = []


def player(settings: ArenaSettings, language: str) -> None:
    """Mount the player. Its data hold the study's settings and words alone, nothing of any pair."""
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.player",
                html=asset(__file__, "player.html"),
                css=styles(asset(__file__, "player.css")),
                js="\n".join((SCRIPT, *(asset(__file__, name) for name in SCRIPTS))),
            )
        )
    _render[0](
        key="player",
        data={
            "language": language,
            "words": {
                f"{table}.{name}": text for table in TABLES for name, text in section(language, table).items()
            },
            "scale": settings.scale,
            "presentation": settings.presentation,
            "watch_share": settings.watch_share,
            "leaderboard": settings.leaderboard != "never",
        },
        on_finished_change=lambda: None,  # the run it causes shows the leaderboard's tab
    )

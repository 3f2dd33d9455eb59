"""The screens of what voters are tried for: one component, which asks the routes what comes next."""

from __future__ import annotations

from typing import Any

import streamlit as st

import arena_ui.player as player_package
from arena_ui.consent import NATIVE_NAMES
from arena_ui.look import asset, styles
from arena_ui.words import SCRIPT, section

__all__ = ["screening"]

SCRIPTS = ("asking.js", "device.js", "headphones.js", "language.js", "training.js", "screening.js")
"""One idea a file; the browser gets them as one module."""
TABLES = ("screening", "unfit", "flaw", "answer", "player")

_render: list[Any] = []


def screening(language: str) -> None:
    """Mount the screens. Once the last is passed they load the page anew."""
    if not _render:  # registered once per process, and only when first shown
        player_file = str(player_package.__file__)
        deck = asset(player_file, "deck.js")
        _render.append(
            st.components.v2.component(
                "arena.screening",
                html=asset(__file__, "screening.html"),
                css=styles(asset(player_file, "player.css") + "\n" + asset(__file__, "screening.css")),
                js="\n".join((SCRIPT, deck, *(asset(__file__, name) for name in SCRIPTS))),
            )
        )
    words = {f"{table}.{name}": text for table in TABLES for name, text in section(language, table).items()}
    _render[0](key="screening", data={"language": language, "words": words, "languages": NATIVE_NAMES})

"""A voter's own data: a component because only routes can change the voter's cookie."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from arena_ui.look import SCRIPT as LOOK_SCRIPT
from arena_ui.look import asset, styles
from arena_ui.words import SCRIPT, section

__all__ = ["yours"]

_render: list[Any] = []


def yours(state: Literal["voter", "withdrawn", "nobody"], language: str, code: str = "") -> None:
    """Show what a voter can do with what is kept of them; `code` lets them come back elsewhere."""
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.yours",
                html=asset(__file__, "yours.html"),
                css=styles(asset(__file__, "yours.css")),
                js="\n".join((SCRIPT, LOOK_SCRIPT, asset(__file__, "yours.js"))),
            )
        )
    _render[0](
        key="yours",
        data={"language": language, "words": section(language, "yours"), "state": state, "code": code},
    )

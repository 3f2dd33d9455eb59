"""One screen in place of the next step: why it ends here, and what the voter takes back to the platform."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from arena_ui.exits import Exit, WayOut
from arena_ui.look import SCRIPT as LOOK_SCRIPT
from arena_ui.look import asset, styles
from arena_ui.recruiting import Turned
from arena_ui.words import SCRIPT, section

__all__ = ["notice"]

_render: list[Any] = []


def notice(kind: Exit | Turned | Literal["withdrawn"], language: str, exit_: WayOut | None = None) -> None:
    """Show why it ends here; with a code, and a link or a form to the platform, where `exit_` says so."""
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.notice",
                html=asset(__file__, "notice.html"),
                css=styles(asset(__file__, "notice.css")),
                js="\n".join((SCRIPT, LOOK_SCRIPT, asset(__file__, "notice.js"))),
            )
        )
    _render[0](
        key=f"notice-{kind}",
        data={
            "language": language,
            "words": section(language, "notice"),
            "kind": kind,
            "exit": None if exit_ is None else exit_.as_json(),
        },
    )

"""Shows a plot that was drawn as SVG, in the page's colours: wide beside, narrow on a phone."""

from __future__ import annotations

from typing import Any

import streamlit as st

from arena_ui.look import asset, styles

__all__ = ["plot"]

HTML = """<div class="wide"></div>
<div class="narrow"></div>"""

_render: list[Any] = []


def plot(*, wide: str, narrow: str, says: str) -> None:
    """Show one of two drawings of the same thing. Both are our own SVG, never a visitor's.

    `says` is what who cannot see them is told.
    """
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.plot",
                html=HTML,
                css=styles(asset(__file__, "plot.css")),
                js=asset(__file__, "plot.js"),
            )
        )
    _render[0](key="plot", data={"wide": wide, "narrow": narrow, "says": says})

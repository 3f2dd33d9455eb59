"""What this is, and what is kept of a visitor."""

from __future__ import annotations

import streamlit as st

from arena_ui.arena import current
from arena_ui.consent import CONSENT_VERSION

__all__ = ["page"]

TEXT = """
## How it works

You see two clips made for the same prompt by two different systems. You are not told which. Both were brought
to one size, frame rate and loudness, and carry nothing that names their maker. Watch both, then say which is
better. Which pair comes next and which clip is on the left is drawn by chance and balanced over all voters.
Some studies add a few pairs that only check that people look and read; they count for nobody's clips.

## What is kept

A random voter number, the languages you ticked, your answers with their times, and how far each clip was
played. One cookie lets you come back to where you were. No name, no address, no tracking, and nothing leaves
this server.

## Keys

| key | does |
| --- | --- |
| ← or A | A is better |
| → or B | B is better |
| ↓ or T | about the same |
| ↑ or X | both are bad |
| space | play, pause |
| R | from the start |
| S | sound of the other clip |
| M | mute |
| backspace | back one question |

They can be switched off under the clips.
"""


def page() -> None:
    """The page."""
    _, middle, _ = st.columns([1, 4, 1])
    with middle:
        st.title("About this study")
        st.markdown(TEXT)
        st.caption(f"Study “{current().study.settings.name}”, consent text {CONSENT_VERSION}.")

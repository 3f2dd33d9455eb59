"""Consent and languages: the first screen, a component because only a route can set the voter's cookie."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import streamlit as st

from arena_ui.look import asset, styles

__all__ = ["CONSENT_VERSION", "consent"]

CONSENT_VERSION = f"1-{sha256(asset(__file__, 'consent.html').encode()).hexdigest()[:8]}"
"""Stored with each voter: which text they agreed to."""

NATIVE_NAMES = {
    "zh": "普通话",
    "yue": "粵語",
    "en": "English",
    "ja": "日本語",
    "ko": "한국어",
    "fr": "Français",
    "de": "Deutsch",
}

_render: list[Any] = []


def consent(title: str, languages: Sequence[str], *, pairs: int) -> None:
    """Show the first screen; it joins by itself and loads the page anew."""
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.consent",
                html=asset(__file__, "consent.html"),
                css=styles(asset(__file__, "consent.css")),
                js=asset(__file__, "consent.js"),
            )
        )
    named = [{"code": code, "name": NATIVE_NAMES.get(code, code)} for code in languages]
    _render[0](key="consent", data={"title": title, "languages": named, "pairs": pairs})

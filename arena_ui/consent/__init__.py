"""Consent and languages: the first screen, a component because only a route can set the voter's cookie."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import streamlit as st

from arena_ui.look import SCRIPT as LOOK_SCRIPT
from arena_ui.look import asset, styles
from arena_ui.words import LANGUAGES, SCRIPT, section
from evalharness.config import StudySettings
from evalharness.settings import Platform

__all__ = ["consent", "consent_versions"]

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


def consent_versions(settings: StudySettings) -> dict[str, str]:
    """Which text somebody agrees to, by language of the pages: its words, and what the study fills in."""
    said = settings.consent.model_dump_json() + settings.recruiting.platform
    versions = {}
    for language in LANGUAGES:
        text = json.dumps(section(language, "consent"), sort_keys=True) + said
        versions[language] = f"2-{language}-{sha256(text.encode()).hexdigest()[:8]}"
    return versions


def consent(
    settings: StudySettings,
    language: str,
    languages: Sequence[str],
    *,
    pairs: int,
    known: bool,
    on_refused: Callable[[], None],
) -> None:
    """Show the first screen; it joins by itself and loads the page anew.

    `languages` are those of the clips, `known` says that this person came before and is only asked to go on.
    `on_refused` is called where somebody does not want to take part.
    """
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.consent",
                html=asset(__file__, "consent.html"),
                css=styles(asset(__file__, "consent.css")),
                js="\n".join((SCRIPT, LOOK_SCRIPT, asset(__file__, "consent.js"))),
            )
        )
    told = settings.consent
    _render[0](
        key="consent",
        data={
            "title": settings.arena.title,
            "language": language,
            "words": section(language, "consent"),
            "interfaces": [{"code": code, "name": name} for code, name in LANGUAGES.items()],
            "languages": [{"code": code, "name": NATIVE_NAMES.get(code, code)} for code in languages],
            "pairs": pairs,
            "known": known,
            "recruited": settings.recruiting.platform is not Platform.OPEN,
            "operator": told.operator,
            "contact": told.contact,
            "reward": told.reward,
            "age": told.minimum_age,
            "asks_open_data": told.ask_open_data,
        },
        on_refused_change=on_refused,
    )

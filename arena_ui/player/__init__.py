"""The two-video player: plain HTML, CSS and JavaScript, no build step.

The player talks to `/api/next` and `/api/vote` by itself, so that a vote needs no page run and survives a
lost connection; Streamlit mounts it and is told when the voter has finished.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from arena_ui.look import asset, styles
from evalharness.records import Question

__all__ = ["QUESTIONS", "player"]

QUESTIONS: dict[Question, str] = {
    Question.OVERALL: "Which clip is better?",
    Question.VISUAL_QUALITY: "Which one looks better?",
    Question.MOTION: "Which one moves more believably?",
    Question.PROMPT_ADHERENCE: "Which one follows the prompt more closely?",
    Question.AV_SYNC: "In which do sound and picture fit better in time?",
    Question.LIP_ACCURACY: "Whose lips match the words better?",
}

SCRIPTS = ("outbox.js", "deck.js", "player.js")
"""One idea a file; the browser gets them as one module."""

_render: list[Any] = []


def player(title: str, *, watch_share: float, leaderboard: bool) -> None:
    """Mount the player. Its data hold the study's settings alone, nothing of any pair."""
    if not _render:  # registered once per process, and only when first shown
        _render.append(
            st.components.v2.component(
                "arena.player",
                html=asset(__file__, "player.html"),
                css=styles(asset(__file__, "player.css")),
                js="\n".join(asset(__file__, name) for name in SCRIPTS),
            )
        )
    _render[0](
        key="player",
        data={
            "title": title,
            "questions": {str(question): words for question, words in QUESTIONS.items()},
            "watch_share": watch_share,
            "leaderboard": leaderboard,
        },
        on_finished_change=lambda: None,  # the run it causes shows the leaderboard's tab
    )

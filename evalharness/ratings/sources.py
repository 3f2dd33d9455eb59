"""How known arenas write their votes down: keywords of `read_votes` by the arena's name.

    read_votes("votes.parquet", **SOURCES["lmarena"])

Only what every published file of the arena has is named; whoever has more, such as who voted, says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalharness.errors import UnknownNameError

__all__ = ["SOURCES", "source"]

SOURCES: Mapping[str, Mapping[str, Any]] = {
    # Chatbot Arena and what came of it: arena-human-preference, chatbot_arena_conversations, FastChat's logs
    # once they were cleaned. Conversations are each about something else, and voters are seldom told.
    "lmarena": {
        "left": "model_a",
        "right": "model_b",
        "outcome": "winner",
        "voter": None,
        "prompt": None,
        "outcomes": {
            "model_a": "left",
            "model_b": "right",
            "tie": "tie",
            "tie (bothbad)": "both_bad",
            "both_bad": "both_bad",
        },
    },
    # TIGER-Lab/GenAI-Bench, from GenAI-Arena: images and video.
    "genai-bench": {
        "left": "left_model",
        "right": "right_model",
        "outcome": "vote_type",
        "voter": None,
        "prompt": "prompt",
        "outcomes": {
            "leftvote": "left",
            "rightvote": "right",
            "tievote": "tie",
            "bothbad_vote": "both_bad",
        },
    },
}
"""By name."""


def source(name: str) -> Mapping[str, Any]:
    """What is known of an arena's files. Raises UnknownNameError where nothing is."""
    if name not in SOURCES:
        raise UnknownNameError(
            f"No arena is known as {name!r}; known are {', '.join(SOURCES)}. For any other file name its "
            "columns: --left, --right, --outcome, --voter, --prompt and --outcomes."
        )
    return SOURCES[name]

"""What this voter preferred, for studies that let them know: once their session is done, and not before."""

from __future__ import annotations

import streamlit as st

from arena_ui.arena import Arena, current
from arena_ui.own_board import Judged, judged, standings
from arena_ui.session import visitor
from arena_ui.words import section
from evalharness.records import Question, Voter

__all__ = ["page"]


def page() -> None:
    """The page; nothing but a sentence to whoever is not done."""
    arena = current()
    guest = visitor(arena)
    said = section(guest.language, "own_board")
    _, middle, _ = st.columns([1, 8, 1])
    with middle:
        st.title(said["title"])
        if guest.voter is None or not guest.done or arena.study.settings.arena.own_board == "never":
            st.info(said["later"], icon=":material/hourglass_empty:")
            return
        pairs = _pairs(arena, guest.voter)
        st.markdown(said["lead"].format(number=len(pairs)))
        st.dataframe(
            {
                said["system"]: [each.system for each in standings(pairs)],
                said["shown"]: [each.shown for each in standings(pairs)],
                said["won"]: [each.won for each in standings(pairs)],
                said["tied"]: [each.tied for each in standings(pairs)],
                said["lost"]: [each.lost for each in standings(pairs)],
                said["both_bad"]: [each.both_bad for each in standings(pairs)],
            },
            hide_index=True,
        )
        st.markdown(f"## {said['pairs']}")
        answers = section(guest.language, "answer")
        st.dataframe(
            {
                said["prompt"]: [each.prompt for each in pairs],
                "A": [each.left for each in pairs],
                "B": [each.right for each in pairs],
                said["answer"]: [answers[each.outcome] for each in pairs],
            },
            hide_index=True,
        )


def _pairs(arena: Arena, voter: Voter) -> tuple[Judged, ...]:
    overall = {
        vote.battle_id: vote.outcome
        for shown in arena.store.shown_to(voter.id)
        if shown.answered_at is not None
        for vote in arena.store.votes(shown.battle.id)
        if vote.question is Question.OVERALL
    }
    answered = [
        (battle, overall[battle.id]) for battle in arena.store.battles(voter.id) if battle.id in overall
    ]
    prompts = {prompt.id: prompt.text for prompt in arena.store.prompts()}
    return judged(answered, prompts, {system.name: system.label for system in arena.study.systems})

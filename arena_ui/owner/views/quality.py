"""Quality: rules broken, agreement, side bias, and the board without the excluded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.services.quality import Quality, quality

if TYPE_CHECKING:
    from evalharness.quality import Agreement
    from evalharness.ratings.without_voters import WithoutVoters

__all__ = ["page"]

MATTERS = {"pay": "not paid", "count": "votes not counted"}


def page(office: Office, person: Person) -> None:
    """The page."""
    st.title("Quality")
    found = quality(office, person)
    _agreement(found)
    _side(found)
    _rules(found)
    _without(found)
    for note in found.notes:
        st.caption(note)


def _agreement(found: Quality) -> None:
    from evalharness.reports.wording import question_title

    st.header("Do voters agree?")
    st.dataframe(
        {
            "Question": [question_title(each.question) for each in found.agreements],
            "Alpha": [_two(each.alpha) for each in found.agreements],
            "95 % interval": [_span(each) for each in found.agreements],
            "Pairs": [each.pairs for each in found.agreements],
            "Votes": [each.votes for each in found.agreements],
            "Note": [each.reason or "" for each in found.agreements],
        },
        hide_index=True,
    )
    st.caption(
        "Krippendorff's alpha over pairs that several voters judged: 1 they always agree, 0 as by chance."
    )
    doubtful = [question_title(each.question) for each in found.agreements if each.is_doubtful]
    if doubtful:
        st.warning(
            f"Voters hardly agree on: {', '.join(doubtful)}. A pilot should change the question before a "
            "study is run on it.",
            icon=":material/warning:",
        )


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".replace("-", "−")


def _span(each: Agreement) -> str:
    return "" if each.alpha is None else f"{_two(each.low)} to {_two(each.high)}"


def _side(found: Quality) -> None:
    st.header("Does the side matter?")
    side = found.side
    if isinstance(side, str):
        st.write(side)
        return
    st.write(
        f"The left clip was called better in {100 * side.share:.1f} % ({100 * side.low:.1f} to "
        f"{100 * side.high:.1f}) of {side.votes:,} votes of {side.voters:,} voters that named one. "
        + (
            "That is not half: voters favour a side. Sides are balanced, and boards fit the effect."
            if side.is_there
            else "That is half, as far as these votes tell."
        )
    )


def _rules(found: Quality) -> None:
    st.header("Rules that are broken")
    st.dataframe(
        {
            "Rule": [rule for _, rule in found.broken],
            "Leads to": [MATTERS[matter] for matter, _ in found.broken],
            "Voters": list(found.broken.values()),
            "Of": [found.voters] * len(found.broken),
        },
        hide_index=True,
    )


def _without(found: Quality) -> None:
    st.header("With and without the excluded")
    without = found.without
    if isinstance(without, str):
        st.write(without)
        return
    st.write(without.sentence)
    st.dataframe(_board(without), hide_index=True)


def _board(without: WithoutVoters) -> dict[str, list[object]]:
    order = without.rank_after.argsort()
    return {
        "Rank without": without.rank_after[order].tolist(),
        "Rank with": without.rank_before[order].tolist(),
        "System": [without.systems[place] for place in order],
        "Rating without": without.after[order].round().astype(int).tolist(),
        "Rating with": without.before[order].round().astype(int).tolist(),
    }

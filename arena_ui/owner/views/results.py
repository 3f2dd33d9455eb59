"""Results: one board at a time, its plot, its table, and how it was made."""

from __future__ import annotations

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.services.results import ALL, board, categories
from arena_ui.plot import plot
from evalharness.records import Leaderboard

__all__ = ["page"]


def page(office: Office, person: Person) -> None:
    """The page."""
    from evalharness.reports.wording import board_lines, headline, question_title, title

    st.title("Results")
    left, right = st.columns(2)
    category = left.selectbox("Category", categories(office, person), format_func=title, index=0)
    question = right.selectbox("Question", office.study.settings.arena.questions, format_func=question_title)
    found = board(office, person, category or ALL, question)
    if isinstance(found, str):
        st.info(found, icon=":material/hourglass_empty:")
        return
    st.header(headline(found))
    _show(found)
    for note in found.notes:
        st.caption(note)
    with st.expander("How this was computed"):
        for label, words in board_lines(found):
            st.markdown(f"**{label}.** {words}")


def _show(found: Leaderboard) -> None:
    from evalharness.reports import forest_svg, numbers

    plot(
        wide=forest_svg(found),
        narrow=forest_svg(found, compact=True),
        says="Ratings with intervals; the table below holds the same numbers.",
    )
    st.dataframe(
        {
            "Rank": [numbers.ranks(row.rank_low, row.rank_high) for row in found.ratings],
            "System": [row.system for row in found.ratings],
            "Rating": [round(row.rating) for row in found.ratings],
            "95 % interval": [numbers.span(row.low, row.high) for row in found.ratings],
            "Votes": [row.votes for row in found.ratings],
            "Voters": [row.voters for row in found.ratings],
            "Won, mean": [numbers.percent(row.win_rate) for row in found.ratings],
        },
        hide_index=True,
    )

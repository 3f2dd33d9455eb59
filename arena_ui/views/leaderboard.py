"""The leaderboard, for visitors whom the study lets see it. Masked systems go by their codenames."""

from __future__ import annotations

import streamlit as st

from arena_ui.arena import current
from arena_ui.plot import plot
from evalharness.errors import RatingError
from evalharness.records import Category, Leaderboard, Question

__all__ = ["board_of", "page"]

FRESH_S = 5
"""For how long visitors share one computation."""
ALL = "all"


def page() -> None:
    """The page: one board at a time, its plot, its table, and how it was made."""
    from evalharness.reports.wording import board_lines, headline, question_title, title

    arena = current()
    _, middle, _ = st.columns([1, 8, 1])
    with middle:
        st.title("Leaderboard")
        left, right = st.columns(2)
        present = {prompt.category for prompt in arena.store.prompts()}
        boards = [ALL, *(category for category in Category if category in present)]
        category = left.segmented_control("Category", boards, default=ALL, format_func=title, required=True)
        question = right.selectbox(
            "Question", arena.study.settings.arena.questions, format_func=question_title
        )
        board = _cached(category, question)
        if isinstance(board, str):
            st.info(board, icon=":material/hourglass_empty:")
            return
        st.markdown(f"## {headline(board)}")
        _plot(board)
        _table(board)
        for note in board.notes:
            st.caption(note)
        with st.expander("How this was computed"):
            for label, words in board_lines(board):
                st.markdown(f"**{label}.** {words}")


def board_of(category: str, question: Question) -> Leaderboard:
    """The board of one category (or `all`) and question from the votes that count, under published names.

    Raises RatingError where the votes allow none.
    """
    from evalharness.ratings import leaderboard  # scipy: only who looks at a board loads it

    arena = current()
    slice_ = None if category == ALL else Category(category)
    ballots = arena.store.ballots(category=slice_, question=question)
    return leaderboard(
        ballots,
        category=slice_,
        question=question,
        labels={system.name: system.label for system in arena.study.systems},
        systems=[system.name for system in arena.study.systems],
        excluded=arena.store.votes_cast(category=slice_, question=question) - len(ballots),
    )


@st.cache_data(ttl=FRESH_S, show_spinner="Computing…")
def _cached(category: str, question: Question) -> Leaderboard | str:
    try:
        return board_of(category, question)
    except RatingError as error:
        return str(error)


def _plot(board: Leaderboard) -> None:
    from evalharness.reports import forest_svg

    plot(
        wide=forest_svg(board),
        narrow=forest_svg(board, compact=True),
        says="Ratings with intervals; the table below holds the same numbers.",
    )


def _table(board: Leaderboard) -> None:
    from evalharness.reports import numbers

    st.dataframe(
        {
            "Rank": [numbers.ranks(row.rank_low, row.rank_high) for row in board.ratings],
            "System": [row.system for row in board.ratings],
            "Rating": [round(row.rating) for row in board.ratings],
            "95 % interval": [numbers.span(row.low, row.high) for row in board.ratings],
            "Votes": [row.votes for row in board.ratings],
            "Won, mean": [numbers.percent(row.win_rate) for row in board.ratings],
        },
        hide_index=True,
    )

"""The leaderboard, for visitors whom the study lets see it. Masked systems go by their codenames."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from arena_ui.arena import current
from arena_ui.plot import plot
from arena_ui.session import visitor
from arena_ui.words import section
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
    said = section(visitor(arena).language, "board")
    _, middle, _ = st.columns([1, 8, 1])
    with middle:
        st.title(said["title"])
        left, right = st.columns(2)
        present = {prompt.category for prompt in arena.store.prompts()}
        boards = [ALL, *(category for category in Category if category in present)]
        category = left.segmented_control(
            said["category"], boards, default=ALL, format_func=title, required=True
        )
        question = right.selectbox(
            said["question"], arena.study.settings.arena.questions, format_func=question_title
        )
        board = _cached(category, question)
        if isinstance(board, str):
            st.info(board, icon=":material/hourglass_empty:")
            return
        st.markdown(f"## {headline(board)}")
        _plot(board, said)
        _table(board, said)
        for note in board.notes:
            st.caption(note)
        with st.expander(said["how"]):
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


def _plot(board: Leaderboard, said: Mapping[str, str]) -> None:
    from evalharness.reports import forest_svg

    plot(
        wide=forest_svg(board),
        narrow=forest_svg(board, compact=True),
        says=said["plot"],
    )


def _table(board: Leaderboard, said: Mapping[str, str]) -> None:
    from evalharness.reports import numbers

    st.dataframe(
        {
            said["rank"]: [numbers.ranks(row.rank_low, row.rank_high) for row in board.ratings],
            said["system"]: [row.system for row in board.ratings],
            said["rating"]: [round(row.rating) for row in board.ratings],
            said["interval"]: [numbers.span(row.low, row.high) for row in board.ratings],
            said["votes"]: [row.votes for row in board.ratings],
            said["won"]: [numbers.percent(row.win_rate) for row in board.ratings],
        },
        hide_index=True,
    )

"""The leaderboard, for visitors whom the study lets see it. Masked systems go by their codenames."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from arena_ui.arena import current
from arena_ui.plot import plot
from arena_ui.session import visitor
from arena_ui.words import section
from evalharness.records import Category, Leaderboard

__all__ = ["page"]

ALL = "all"


def page() -> None:
    """The page: one board at a time, its plot, its table, and how it was made."""
    from evalharness.reports.wording import board_lines, headline

    arena = current()
    said, categories, topics, sentences = (
        section(visitor(arena).language, table) for table in ("board", "category", "topic", "headline")
    )
    _, middle, _ = st.columns([1, 8, 1])
    with middle:
        st.title(said["title"])
        left, right = st.columns(2)
        present = {prompt.category for prompt in arena.store.prompts()}
        boards = [ALL, *(category for category in Category if category in present)]
        category = left.segmented_control(
            said["category"], boards, default=ALL, format_func=categories.__getitem__, required=True
        )
        question = right.selectbox(
            said["question"], arena.study.settings.arena.questions, format_func=topics.__getitem__
        )
        with st.spinner(said["counting"]):
            board = arena.boards.board(None if category == ALL else Category(category), question)
        if isinstance(board, str):
            st.info(said["none_yet"], icon=":material/hourglass_empty:")
            st.caption(f"{said['why']}: {board}")
            return
        st.markdown(f"## {headline(board, sentences)}")
        _plot(board, said)
        _table(board, said)
        with st.expander(said["how"]):
            for note in board.notes:
                st.caption(note)
            for label, words in board_lines(board):
                st.markdown(f"**{label}.** {words}")


def _plot(board: Leaderboard, said: Mapping[str, str]) -> None:
    from evalharness.reports import forest_svg

    plot(
        wide=forest_svg(board, scale=said["scale"]),
        narrow=forest_svg(board, compact=True, scale=said["scale"]),
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

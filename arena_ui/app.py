"""The script Streamlit runs for each visitor: settings and navigation, nothing else."""

import streamlit as st

from arena_ui.arena import current
from arena_ui.look import ICON, PAGE_STYLE
from arena_ui.session import visitor
from arena_ui.views import about, leaderboard, own_board, vote, you
from arena_ui.words import words

arena = current()
guest = visitor(arena)
said = words(guest.language)
shows_board = {
    "never": False,
    "after_session": guest.done,
    "always": True,
}[arena.study.settings.arena.leaderboard]

st.set_page_config(page_title=arena.study.settings.arena.title, page_icon=ICON, layout="wide")
st.html(PAGE_STYLE)

pages = [
    st.Page(vote.page, title=said["menu.vote"], icon=":material/how_to_vote:", url_path="vote", default=True)
]
if shows_board:
    pages.append(
        st.Page(
            leaderboard.page,
            title=said["menu.leaderboard"],
            icon=":material/leaderboard:",
            url_path="leaderboard",
        )
    )
if guest.done and arena.study.settings.arena.own_board != "never":
    pages.append(
        st.Page(
            own_board.page, title=said["menu.own_board"], icon=":material/checklist:", url_path="own-board"
        )
    )
pages.append(st.Page(you.page, title=said["menu.you"], icon=":material/person:", url_path="you"))
pages.append(st.Page(about.page, title=said["menu.about"], icon=":material/info:", url_path="about"))

st.navigation(pages, position="top").run()

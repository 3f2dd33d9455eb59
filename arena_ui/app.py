"""The script Streamlit runs for each visitor: settings and navigation, nothing else."""

import streamlit as st

from arena_ui.arena import current
from arena_ui.look import ICON, PAGE_STYLE
from arena_ui.session import visitor
from arena_ui.views import about, leaderboard, vote

arena = current()
guest = visitor(arena)
shows_board = {
    "never": False,
    "after_session": guest.done,
    "always": True,
}[arena.study.settings.arena.leaderboard]

st.set_page_config(page_title=arena.study.settings.arena.title, page_icon=ICON, layout="wide")
st.html(PAGE_STYLE)

pages = [st.Page(vote.page, title="Vote", icon=":material/how_to_vote:", url_path="vote", default=True)]
if shows_board:
    pages.append(
        st.Page(leaderboard.page, title="Leaderboard", icon=":material/leaderboard:", url_path="leaderboard")
    )
pages.append(st.Page(about.page, title="About", icon=":material/info:", url_path="about"))

st.navigation(pages, position="top").run()

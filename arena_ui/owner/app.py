"""The script Streamlit runs for each who is logged in: their pages, and nothing else."""

import streamlit as st

from arena_ui.look import ICON, PAGE_STYLE
from arena_ui.owner.identity import visitor
from arena_ui.owner.office import current
from arena_ui.owner.views import entrance, navigation

office = current()
person = visitor(office)

st.set_page_config(page_title=office.study.settings.name, page_icon=ICON, layout="wide")
st.html(PAGE_STYLE)
if person is None:
    st.navigation([st.Page(entrance.page, title="Log in")], position="hidden").run()
else:
    navigation(office, person).run()

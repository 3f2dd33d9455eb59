"""Before the log-in, where one elsewhere is offered."""

from __future__ import annotations

import streamlit as st

__all__ = ["page"]


def page() -> None:
    """Ask who it is; somebody whom the study does not know learns that, and no more."""
    st.title("Log in")
    if st.user.to_dict().get("is_logged_in") is True:
        st.error(
            "You are logged in at your organisation, but this study does not know your address, or nobody "
            "there says that it is verified. Ask the study's owner to add it."
        )
        st.button("Log in as somebody else", on_click=st.logout)
    elif "is_logged_in" in st.user.to_dict():
        st.button("Log in with your organisation", on_click=st.login)
    st.html('<a href="/owner/login" target="_self" style="color: inherit">Log in with a password</a>')

"""Audit: who did what, and when."""

from __future__ import annotations

import json

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.services.record import record

__all__ = ["page"]


def page(office: Office, person: Person) -> None:
    """The page."""
    st.title("Audit")
    rows = record(office, person)
    st.caption("Every log-in, refusal, decision and download, the newest first. Nothing here can be changed.")
    st.dataframe(
        {
            "When (UTC)": [f"{row.created_at:%Y-%m-%d %H:%M:%S}" for row in rows],
            "Who": [row.author for row in rows],
            "Role": [row.role for row in rows],
            "What": [row.action for row in rows],
            "Details": [_details(dict(row.details)) for row in rows],
        },
        hide_index=True,
    )


def _details(details: dict[str, object]) -> str:
    return "; ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in details.items()
    )
